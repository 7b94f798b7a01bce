//! What is shown of a decision, to whom, in words.
//!
//! Staff see the reason, its code, and what they compare a document with. The public screen is
//! softer: it sends a forged code to the desk and says no more. Nothing is decided here.
//!
//! A name is whatever an issuer signed. Before it is shown it is made legible: a character that the
//! screen's font lacks, or that would reorder or hide others, is shown as its code point.

use std::fmt::Write;

use chrono::TimeDelta;

use crate::{
    credential::{Kind, VerifiedCredential},
    decision::{Decision, Reason, Verdict},
    language::Words,
};

/// Who reads the screen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Audience {
    /// The people who pass.
    #[default]
    Public,
    /// The people who work here.
    Staff,
}

/// What is shown of one decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presentation {
    /// Colour, shape, word, and sound.
    pub tone: Verdict,
    /// The reason's code.
    pub code: Option<&'static str>,
    /// Why.
    pub reason: Words,
    /// What to do now.
    pub advice: Words,
    /// What to compare a document with.
    pub subject: Option<Subject>,
    /// Who issued the code.
    pub issuer: Option<Words>,
    /// What it was shown on.
    pub kind: Option<Kind>,
}

/// What to compare a document with. Legible, and still personal: shown, and never kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// The masked name.
    pub name: String,
    /// The last four characters of the document's number.
    pub id_tail: String,
}

impl Presentation {
    /// What `audience` is shown of `decision`.
    #[must_use]
    pub fn of(decision: &Decision, audience: Audience) -> Self {
        let verdict = decision.verdict();
        let reason = decision.reason();
        if let (Audience::Public, Some(reason)) = (audience, reason)
            && is_suspicion(reason)
        {
            return Self {
                tone: Verdict::Refer,
                code: None,
                reason: Words::new("请到人工核验台", "Please go to the desk"),
                advice: Words::new("工作人员会帮助您", "The staff there will help you"),
                subject: None,
                issuer: None,
                kind: None,
            };
        }
        let claims = decision.credential().map(VerifiedCredential::claims);
        let compares = audience == Audience::Staff || verdict == Verdict::CheckId;
        Self {
            tone: verdict,
            code: reason.map(Reason::code),
            reason: reason.map_or_else(pass_words, reason_words),
            advice: advice(verdict, reason),
            subject: claims.filter(|_| compares).map(|claims| Subject {
                name: legible(claims.name.as_str()),
                id_tail: legible_in_bold(claims.id_tail.as_str()),
            }),
            issuer: decision.credential().map(|credential| credential.issuer_name().clone()),
            kind: claims.map(|claims| claims.kind),
        }
    }
}

/// Whether a reason says that somebody may have forged a code, which the desk looks into.
fn is_suspicion(reason: Reason) -> bool {
    matches!(reason, Reason::BadSignature | Reason::CompromisedKey | Reason::RetiredKey)
}

fn pass_words() -> Words {
    Words::new("未见异常", "No abnormality")
}

/// Why, in words that stand alone.
fn reason_words(reason: Reason) -> Words {
    let (zh, en) = match reason {
        Reason::BadSignature => {
            ("签名不符，疑似伪造", "Signature does not match: forged or altered")
        }
        Reason::BoundCode => ("代办码：核对本人证件", "Bound code: check the holder's document"),
        Reason::Clock => ("终端时钟有误", "This terminal's clock is wrong"),
        Reason::CompromisedKey => ("签发密钥已作废", "The signing key is compromised"),
        Reason::ExceptedProvince => {
            ("该省健康码暂不互认", "Codes of this province are not recognised here for now")
        }
        Reason::Expired => ("健康码已过期", "The code has expired"),
        Reason::ForeignSymbol => ("不是健康码", "This is not a health code"),
        Reason::IssuedInFuture => ("签发时间晚于现在", "Issued in the future"),
        Reason::Malformed => ("健康码格式有误", "The code is damaged or malformed"),
        Reason::NoPolicy => ("终端尚未配置", "This terminal has no rules to decide by"),
        Reason::PaperCode => ("纸质码：核对身份证件", "Paper code: check the identity document"),
        Reason::PastLifetime => ("健康码签发已久，请刷新", "The code is too old: refresh it"),
        Reason::RetiredKey => ("签发密钥已停用", "Signed with a retired key"),
        Reason::SeveralCodes => ("请只出示一个码", "Show one code only"),
        Reason::Stop => ("红码", "Red code"),
        Reason::TrustPastLimit => ("信任数据已超期", "Trust data is past its limit"),
        Reason::TrustStale => ("信任数据较旧：核对证件", "Trust data is stale: check the document"),
        Reason::UnderReview => ("健康申报审核中", "The declaration is under review"),
        Reason::UnknownKey => ("未知的签发方或密钥", "Unknown issuer or key"),
        Reason::UnmappedStatus => ("无法识别的健康状态", "The status is not known here"),
        Reason::CompareDocument => ("政策要求核对证件", "The rules ask to compare the document"),
        Reason::NatMissing => ("缺少核酸检测结果", "There is no nucleic-acid test"),
        Reason::NatTooOld => ("核酸检测已超过期限", "The nucleic-acid test is too old"),
        Reason::NatPositive => ("核酸检测阳性", "The nucleic-acid test is positive"),
        Reason::NatPending => ("核酸检测结果未出", "The nucleic-acid test has no result yet"),
        Reason::NotCommuter => ("未登记为通勤人员", "Not a registered commuter"),
        Reason::RiskArea => ("曾到访风险地区", "Has been to an area of risk"),
        Reason::Unreadable => ("看到二维码，但无法识读", "A code is seen but cannot be read"),
        Reason::Watch => ("黄码", "Yellow code"),
        Reason::WithdrawnSeries => {
            ("该系列码已停用，请改用省级码", "Code series withdrawn: open the provincial code")
        }
    };
    Words::new(zh, en)
}

/// What to do now.
fn advice(verdict: Verdict, reason: Option<Reason>) -> Words {
    let (zh, en) = match (verdict, reason) {
        (Verdict::Pass, _) => ("请通过", "Please go through"),
        (Verdict::CheckId, _) => (
            "核对姓名和证件末四位，相符后放行",
            "Let pass once name and last four characters agree",
        ),
        (Verdict::Refer, _) => ("请到人工核验台", "Please go to the desk"),
        (Verdict::Deny, _) => {
            ("请勿通行，请听从工作人员安排", "Do not enter; staff will tell you more")
        }
        (Verdict::Retry, Some(Reason::ForeignSymbol)) => {
            ("请打开健康码后重新出示", "Open your health code and show that")
        }
        (Verdict::Retry, Some(Reason::SeveralCodes)) => {
            ("请遮住其他二维码，逐个出示", "Cover the others and show them one by one")
        }
        (Verdict::Retry, _) => {
            ("请调亮屏幕，对准取景框", "Brighten the screen and hold it in the frame")
        }
    };
    Words::new(zh, en)
}

/// A length of time in its two largest units.
#[must_use]
pub fn age(age: TimeDelta) -> Words {
    let (days, hours, minutes) = (age.num_days(), age.num_hours() % 24, age.num_minutes() % 60);
    if days > 0 {
        Words::new(format!("{days} 天 {hours} 小时"), format!("{days} d {hours} h"))
    } else if hours > 0 {
        Words::new(format!("{hours} 小时 {minutes} 分"), format!("{hours} h {minutes} min"))
    } else {
        Words::new(format!("{minutes} 分钟"), format!("{minutes} min"))
    }
}

/// A text that shows every one of its characters: those that the screen's font has, as they are;
/// any other as its code point.
#[must_use]
pub fn legible(text: &str) -> String {
    written(text, is_shown)
}

/// The same for a text that is shown in bold, which is cut to ASCII and the screens' own words.
#[must_use]
pub fn legible_in_bold(text: &str) -> String {
    written(text, |character| matches!(character, ' '..='~'))
}

fn written(text: &str, is_shown: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_shown(character) {
            shown.push(character);
        } else {
            // Writing to a `String` cannot fail.
            write!(shown, "[U+{:04X}]", u32::from(character)).ok();
        }
    }
    shown
}

/// Whether the screen's font has a glyph for `character`, and it stands in its own place.
///
/// The ranges lie within those that the fonts in `assets/fonts` were cut to; tests/fonts.rs holds
/// them to it.
fn is_shown(character: char) -> bool {
    matches!(
        character,
        ' '..='~'
            | '\u{A1}'..='\u{AC}'
            | '\u{AE}'..='\u{103}'
            | '\u{2010}'..='\u{2016}'
            | '\u{2018}'..='\u{201A}'
            | '\u{201C}'..='\u{201E}'
            | '\u{2020}'..='\u{2022}'
            | '\u{2025}'..='\u{2027}'
            | '\u{3001}'..='\u{301F}'
            | '\u{3400}'..='\u{4DB5}'
            | '\u{4E00}'..='\u{9FEF}'
            | '\u{F900}'..='\u{FA6D}'
            | '\u{FF01}'..='\u{FF5E}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_every_character_or_its_code_point() {
        let cases = [
            ("plain", "张**", "张**"),
            ("extension A", "㐆*", "㐆*"),
            ("middle dot", "古丽·*", "古丽·*"),
            ("Latin", "M*** O'B****", "M*** O'B****"),
            ("beyond the font", "𠮷*", "[U+20BB7]*"),
            ("bidi override", "A\u{202E}B", "A[U+202E]B"),
            ("NUL", "A\0B", "A[U+0000]B"),
            ("terminal escape", "\u{1B}[2J", "[U+001B][2J"),
            ("zero width", "张\u{200B}*", "张[U+200B]*"),
            ("soft hyphen", "a\u{AD}b", "a[U+00AD]b"),
        ];
        for (name, text, shown) in cases {
            assert_eq!(legible(text), shown, "{name}");
        }
    }

    #[test]
    fn the_public_screen_sends_a_forged_code_to_the_desk() {
        let forged = Decision::Deny(Reason::BadSignature, None);
        let public = Presentation::of(&forged, Audience::Public);
        assert_eq!((public.tone, public.code), (Verdict::Refer, None));
        let staff = Presentation::of(&forged, Audience::Staff);
        assert_eq!((staff.tone, staff.code), (Verdict::Deny, Some("E20")));
    }
}
