//! What is said of an identity document's number, and never the number.

use crate::{
    id_document::{MrzError, MrzField, Notice, NumberError, Typed},
    language::Words,
};

/// What is wrong with a number.
#[must_use]
pub fn number_error(error: NumberError) -> Words {
    let (zh, en) = match error {
        NumberError::Beginning => {
            ("此类证件没有这样开头的号码", "No number of this kind begins like this")
        }
        NumberError::BirthDate => ("出生日期不存在", "There is no such birth date"),
        NumberError::BirthInFuture => ("出生日期晚于今天", "The birth date lies in the future"),
        NumberError::BirthTooEarly => ("出生日期过早", "The birth date lies too far back"),
        NumberError::Character { position } => {
            return Words::new(
                format!("第 {position} 位不是字母或数字"),
                format!("Character {position} is neither a letter nor a digit"),
            );
        }
        NumberError::CheckCharacter => {
            ("校验码不符，请逐位核对", "The check character does not fit: compare each character")
        }
        NumberError::Empty => ("请输入证件号码", "Enter the document's number"),
        NumberError::Length { characters } => {
            return Words::new(
                format!("此类证件没有 {characters} 位的号码"),
                format!("No number of this kind has {characters} characters"),
            );
        }
        NumberError::NoDigit => ("护照号码应含有数字", "A passport's number has a digit"),
        NumberError::NotADigit { position } => {
            return Words::new(
                format!("第 {position} 位应为数字"),
                format!("Character {position} must be a digit"),
            );
        }
        NumberError::NotALetter { position } => {
            return Words::new(
                format!("第 {position} 位应为字母"),
                format!("Character {position} must be a letter"),
            );
        }
        NumberError::OtherKind { kind } => {
            let Words { zh, en } = kind.words();
            return Words::new(
                format!("这是其他证件的号码：{zh}"),
                format!("This is another document's number: {en}"),
            );
        }
        NumberError::TooLong => ("输入过长", "Too much was entered"),
        NumberError::UnknownKind => {
            ("不支持的证件种类", "This terminal knows no document of this kind")
        }
    };
    Words::new(zh, en)
}

/// What is wrong with a machine-readable zone.
#[must_use]
pub fn mrz_error(error: MrzError) -> Words {
    let (zh, en) = match error {
        MrzError::BirthDate { error } => return number_error(error),
        MrzError::Character { line, column } => {
            return Words::new(
                format!("机读码第 {line} 行第 {column} 位有误"),
                format!("The zone's line {line}, column {column} is misread"),
            );
        }
        MrzError::CheckDigit { field } => match field {
            MrzField::Birth => ("机读码出生日期校验不符", "The birth date's check digit is wrong"),
            MrzField::Composite => ("机读码总校验不符", "The zone's check digit is wrong"),
            MrzField::Expiry => ("机读码有效期校验不符", "The expiry date's check digit is wrong"),
            MrzField::Number => ("机读码证件号码校验不符", "The number's check digit is wrong"),
            MrzField::Optional => {
                ("机读码附加项校验不符", "The optional data's check digit is wrong")
            }
        },
        MrzError::Document { .. } => {
            ("不是身份证件的机读码", "This is not the zone of an identity document")
        }
        MrzError::Expiry => ("证件有效期不存在", "There is no such expiry date"),
        MrzError::Lines => ("机读码不完整", "The zone is not whole"),
        MrzError::Number => ("机读码中没有证件号码", "The zone has no document number"),
    };
    Words::new(zh, en)
}

/// What is doubtful about a number, and to be looked at.
#[must_use]
pub fn notice(notice: Notice) -> Words {
    let (zh, en) = match notice {
        Notice::DoubtfulCheckDigit => {
            ("末位存疑：核对证件", "The last digit is doubtful: look at the card")
        }
        Notice::PerhapsPassport => {
            ("也可能是护照号码：确认证件种类", "It may be a passport's: see what document it is")
        }
        Notice::UnknownArea => ("地址码未知：核对证件", "The area is not known: look at the card"),
        Notice::UnknownCountry => {
            ("国家代码未知：核对证件", "The country is not known: look at the card")
        }
        Notice::Unverified15 => {
            ("15 位旧号码无法校验：核对证件", "An old number cannot be checked: look at the card")
        }
    };
    Words::new(zh, en)
}

/// How far a number has been typed.
#[must_use]
pub fn typed(typed: &Typed) -> Words {
    match typed {
        Typed::Complete { number, .. } => number.kind().words(),
        Typed::Incomplete { typed, of } => Words::new(
            format!("已输入 {typed} 位，共 {of} 位"),
            format!("{typed} of {of} characters"),
        ),
        Typed::Wrong { error, .. } => number_error(*error),
    }
}
