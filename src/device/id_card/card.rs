//! What a desk needs of an identity card: its number, its holder's name, and how long it is valid.
//!
//! A card's text is 256 bytes of UTF-16, least byte first, in fields of fixed width that are filled
//! up with spaces. Four kinds of card share the readers, and byte 248 tells them apart: a space for
//! a citizen's card (GA/T 490), `J` for a residence permit for people from Hong Kong, Macao and
//! Taiwan (2018), `I` and `Y` for a foreigner's permanent residence card of 2017 and of 2023.
//!
//! Sex, nation, birth, address, and issuer are never looked at; the bytes they stand in are wiped
//! with the answer that brought them. What is kept is wiped when it is dropped, and shows in no
//! debugging form and in no error.

use std::{fmt, ops::Range};

use chrono::NaiveDate;
use thiserror::Error;
use zeroize::Zeroizing;

/// How long a text is.
pub const TEXT_LENGTH: usize = 256;

/// Where the first and the last day of validity stand, on every kind of card.
const FROM: Range<usize> = 188..204;
const UNTIL: Range<usize> = 204..220;

/// Where the marker of the kind stands.
const MARKER: usize = 248;

/// What stands in a card's last day of validity when there is none.
pub(super) const LONG_TERM: &str = "长期";

/// The weights of the first 17 digits of a number of 18. Source: GB 11643-1999, section 6.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The last character, by the weighted sum modulo 11. Source: as before.
const CHECKS: [u8; 11] = *b"10X98765432";

/// A card that was read.
#[derive(Eq, PartialEq)]
pub struct Card {
    kind: CardKind,
    number: CardNumber,
    name: Zeroizing<String>,
    validity: Validity,
}

impl Card {
    /// The card in the data of an answer: the text's length, the picture's, and the text.
    ///
    /// # Errors
    ///
    /// See [`CardError`].
    pub fn parse(data: &[u8]) -> Result<Self, CardError> {
        let (lengths, text) = data.split_at_checked(4).ok_or(CardError::Length)?;
        let text = text.first_chunk::<TEXT_LENGTH>().ok_or(CardError::Length)?;
        if usize::from(u16::from_be_bytes([lengths[0], lengths[1]])) != TEXT_LENGTH {
            return Err(CardError::Length);
        }
        Self::parse_text(text)
    }

    /// Whether data is long enough to hold a card.
    pub(super) fn is_within(data: &[u8]) -> bool {
        data.len() >= 4 + TEXT_LENGTH
    }

    /// The card whose text this is.
    fn parse_text(text: &[u8; TEXT_LENGTH]) -> Result<Self, CardError> {
        let marker = u16::from_le_bytes([text[MARKER], text[MARKER + 1]]);
        let kind = CardKind::of_marker(marker).ok_or(CardError::Kind)?;
        let number = field(text, &[kind.number()]).ok_or(CardError::Number)?;
        let number = CardNumber::new(kind, number).ok_or(CardError::Number)?;
        let name = field(text, &kind.name()).filter(|name| !name.is_empty());
        let name = name.ok_or(CardError::Name)?;
        let from = field(text, &[FROM]).and_then(|from| date(&from)).ok_or(CardError::Validity)?;
        let until = field(text, &[UNTIL]).and_then(|until| match until.as_str() {
            LONG_TERM => Some(Until::LongTerm),
            until => date(until).filter(|until| from <= *until).map(Until::Day),
        });
        let until = until.ok_or(CardError::Validity)?;
        Ok(Self { kind, number, name, validity: Validity { from, until } })
    }

    /// What kind of card it is.
    #[must_use]
    pub fn kind(&self) -> CardKind {
        self.kind
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> &CardNumber {
        &self.number
    }

    /// The holder's name as it stands on the card, to be masked and compared: a foreigner's in
    /// Latin letters. It holds no control characters; make it legible before showing it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Card({:?}, ..)", self.kind)
    }
}

/// A kind of identity card.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CardKind {
    /// A citizen's identity card.
    Citizen,
    /// A residence permit for people from Hong Kong, Macao, or Taiwan.
    HongKongMacaoTaiwan,
    /// A foreigner's permanent residence card as issued from 2017.
    Foreign2017,
    /// A foreigner's permanent residence card as issued from December 2023.
    Foreign2023,
}

impl CardKind {
    /// Every kind that is read.
    pub const ALL: [Self; 4] =
        [Self::Citizen, Self::HongKongMacaoTaiwan, Self::Foreign2017, Self::Foreign2023];

    /// The name that programs use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::HongKongMacaoTaiwan => "hong_kong_macao_taiwan",
            Self::Foreign2017 => "foreign_2017",
            Self::Foreign2023 => "foreign_2023",
        }
    }

    /// The character at byte 248.
    pub(super) fn marker(self) -> char {
        match self {
            Self::Citizen => ' ',
            Self::HongKongMacaoTaiwan => 'J',
            Self::Foreign2017 => 'I',
            Self::Foreign2023 => 'Y',
        }
    }

    /// Where the number stands.
    fn number(self) -> Range<usize> {
        match self {
            Self::Citizen | Self::HongKongMacaoTaiwan | Self::Foreign2023 => 122..158,
            Self::Foreign2017 => 122..152,
        }
    }

    /// Where the name stands: in one part, and a second if the first is too short.
    fn name(self) -> [Range<usize>; 2] {
        match self {
            Self::Citizen | Self::HongKongMacaoTaiwan => [0..30, 30..30],
            Self::Foreign2017 => [0..120, 120..120],
            Self::Foreign2023 => [52..122, 220..242],
        }
    }

    /// The kind that a marker stands for. The bytes of a citizen's card are spare, and have been
    /// left unwritten too.
    fn of_marker(marker: u16) -> Option<Self> {
        let marker = if marker == 0 { u16::from(b' ') } else { marker };
        Self::ALL.into_iter().find(|kind| u32::from(kind.marker()) == u32::from(marker))
    }
}

/// The number on a card, of the form that its kind of card has. It is wiped when it is dropped, and
/// its debugging form does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct CardNumber(Zeroizing<String>);

impl CardNumber {
    /// The number, if a card of this kind can have it.
    fn new(kind: CardKind, number: Zeroizing<String>) -> Option<Self> {
        let first = *number.as_bytes().first()?;
        let fits = match kind {
            CardKind::Citizen | CardKind::HongKongMacaoTaiwan => {
                matches!(first, b'1'..=b'8') && checks_out(&number)
            }
            CardKind::Foreign2023 => first == b'9' && checks_out(&number),
            CardKind::Foreign2017 => number.split_at_checked(3).is_some_and(|(country, rest)| {
                country.bytes().all(|letter| letter.is_ascii_uppercase())
                    && rest.len() == 12
                    && rest.bytes().all(|digit| digit.is_ascii_digit())
            }),
        };
        fits.then_some(Self(number))
    }

    /// The whole number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four characters, and `*` for each other.
    #[must_use]
    pub fn masked(&self) -> String {
        let hidden = self.0.len().saturating_sub(4);
        let mask = |(at, character)| if at < hidden { '*' } else { character };
        self.0.char_indices().map(mask).collect()
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CardNumber(..)")
    }
}

/// From when and until when a card is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: Until,
}

/// The last day on which a card is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// This day, to its end.
    Day(NaiveDate),
    /// No day: a card for life.
    LongTerm,
}

impl Validity {
    /// Whether the card is valid on `day`, a civil date of Asia/Shanghai.
    #[must_use]
    pub fn covers(self, day: NaiveDate) -> bool {
        self.from <= day
            && match self.until {
                Until::Day(until) => day <= until,
                Until::LongTerm => true,
            }
    }
}

/// Two dates, as they stand on the card: `2021.11.20-2041.11.20` or `2021.11.20-长期`.
impl fmt::Display for Validity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-", self.from.format("%Y.%m.%d"))?;
        match self.until {
            Until::Day(until) => write!(out, "{}", until.format("%Y.%m.%d")),
            Until::LongTerm => out.write_str(LONG_TERM),
        }
    }
}

/// The text in these parts of a card's, without the spaces or zeros that fill it up; nothing if it
/// is no text, or has control characters in it.
fn field(text: &[u8; TEXT_LENGTH], parts: &[Range<usize>]) -> Option<Zeroizing<String>> {
    let parts = || parts.iter().filter_map(|part| text.get(part.clone()));
    // No UTF-16 unit takes more than three bytes of UTF-8: the text is written where it stays.
    let room = parts().map(<[u8]>::len).sum::<usize>() / 2 * 3;
    let mut field = Zeroizing::new(String::with_capacity(room));
    let units = parts().flat_map(|part| part.chunks_exact(2));
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    for character in char::decode_utf16(units) {
        field.push(character.ok()?);
    }
    let length = field.trim_end_matches([' ', '\0']).len();
    field.truncate(length);
    (!field.chars().any(char::is_control)).then_some(field)
}

/// A date of eight digits.
fn date(text: &str) -> Option<NaiveDate> {
    let digits = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = text.parse().ok().filter(|_| digits)?;
    let year = i32::try_from(number / 10_000).ok()?;
    NaiveDate::from_ymd_opt(year, number / 100 % 100, number % 100)
}

/// Whether a number of 18 characters ends in what its first 17 digits ask for.
fn checks_out(number: &str) -> bool {
    let Some((digits, last)) = number.split_at_checked(WEIGHTS.len()) else { return false };
    let sum = digits
        .chars()
        .zip(WEIGHTS)
        .try_fold(0, |sum, (digit, weight)| Some(sum + digit.to_digit(10)? * weight));
    let at = sum.and_then(|sum| usize::try_from(sum % 11).ok());
    at.and_then(|at| CHECKS.get(at)).is_some_and(|check| last.as_bytes() == [*check])
}

/// An answer holds no card that is read here.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CardError {
    /// It is of a kind that is not known.
    #[error("the card is of a kind that is not known")]
    Kind,

    /// There is no text of 256 bytes.
    #[error("the card's text is not as long as a card's is")]
    Length,

    /// There is no name, or one that is no text.
    #[error("the card has no name that can be read")]
    Name,

    /// The number cannot be one of such a card.
    #[error("the card's number is none")]
    Number,

    /// The dates are none, or the last comes before the first.
    #[error("the card's validity is none")]
    Validity,
}

impl CardError {
    /// The name that programs use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Kind => "card_kind",
            Self::Length => "card_length",
            Self::Name => "card_name",
            Self::Number => "card_number",
            Self::Validity => "card_validity",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text of fields, each of so many bytes.
    fn text(fields: &[(usize, &str)]) -> [u8; TEXT_LENGTH] {
        let mut bytes = Vec::new();
        for (width, text) in fields {
            let end = bytes.len() + width;
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            assert!(bytes.len() <= end, "{text} fits");
            while bytes.len() < end {
                bytes.extend(b" \0");
            }
        }
        bytes.try_into().unwrap()
    }

    /// The data of an answer with this text and the picture's length.
    fn data(text: &[u8]) -> Vec<u8> {
        [&[1, 0, 4, 0], text].concat()
    }

    fn citizen(name: &str, number: &str, from: &str, until: &str, marker: &str) -> Vec<u8> {
        data(&text(&[
            (30, name),
            (2, "1"),
            (4, "01"),
            (16, "19491231"),
            (70, "某省某市"),
            (36, number),
            (30, "某市公安局"),
            (16, from),
            (16, until),
            (28, ""),
            (2, marker),
            (6, ""),
        ]))
    }

    fn good() -> Vec<u8> {
        citizen("张三", "11010519491231002X", "20060301", "长期", "")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What a card says, in words.
    fn words(card: &Card) -> String {
        let (kind, number, name) = (card.kind().code(), card.number().as_str(), card.name());
        format!("{kind} {number} {name} {}", card.validity())
    }

    #[test]
    fn each_kind_is_read_from_its_own_fields() {
        let permit = text(&[
            (30, "陈小明"),
            (2, "1"),
            (4, ""),
            (16, "19900101"),
            (70, "广东省深圳市"),
            (36, "810000199001010019"),
            (30, "深圳市公安局"),
            (16, "20190115"),
            (16, "20240115"),
            (18, "H12345678"),
            (4, "01"),
            (6, ""),
            (2, "J"),
            (6, ""),
        ]);
        let foreign_2017 = text(&[
            (120, "MUSTER, ERIKA"),
            (2, "2"),
            (30, "CHE110085062501"),
            (6, "CHE"),
            (30, "穆斯特"),
            (16, "20180601"),
            (16, "20280531"),
            (16, "19850625"),
            (4, "01"),
            (8, "1100"),
            (2, "I"),
            (6, ""),
        ]);
        let foreign_2023 = text(&[
            (30, "穆斯特曼"),
            (2, "1"),
            (4, "00"),
            (16, "19850625"),
            (70, "MUSTERMANN, MAXIMILIAN ALEXANDER FE"),
            (36, "911756198506250114"),
            (30, ""),
            (16, "20231201"),
            (16, "20331130"),
            (22, "RDINAND"),
            (6, "756"),
            (2, "Y"),
            (6, "000"),
        ]);
        let mut blank = good();
        blank[224..].fill(0);
        let cases = [
            (good(), "citizen 11010519491231002X 张三 2006.03.01-长期"),
            (blank, "citizen 11010519491231002X 张三 2006.03.01-长期"),
            (
                data(&permit),
                "hong_kong_macao_taiwan 810000199001010019 陈小明 2019.01.15-2024.01.15",
            ),
            (
                data(&foreign_2017),
                "foreign_2017 CHE110085062501 MUSTER, ERIKA 2018.06.01-2028.05.31",
            ),
            (
                data(&foreign_2023),
                "foreign_2023 911756198506250114 MUSTERMANN, MAXIMILIAN ALEXANDER FERDINAND \
                 2023.12.01-2033.11.30",
            ),
            (
                citizen("阿卜杜拉·买买提", "440524188001010014", "20040229", "20240229", ""),
                "citizen 440524188001010014 阿卜杜拉·买买提 2004.02.29-2024.02.29",
            ),
            // Beyond the first plane, as rare characters are.
            (
                citizen("王𠮷", "34052419800101001X", "20040229", "20240229", ""),
                "citizen 34052419800101001X 王𠮷 2004.02.29-2024.02.29",
            ),
        ];
        for (data, expected) in cases {
            assert_eq!(Card::parse(&data).as_ref().map(words), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn what_is_no_card_is_refused() {
        let number = "11010519491231002X";
        let cases = [
            ("nothing", vec![], CardError::Length),
            ("no text", vec![0, 0, 4, 0], CardError::Length),
            ("cut", good()[..259].to_vec(), CardError::Length),
            ("other length", [&[0, 255], &good()[2..]].concat(), CardError::Length),
            ("kind", citizen("张三", number, "20060301", "长期", "K"), CardError::Kind),
            ("no name", citizen("", number, "20060301", "长期", ""), CardError::Name),
            ("name", citizen("张\u{1b}三", number, "20060301", "长期", ""), CardError::Name),
            ("zero", citizen("张\0三", number, "20060301", "长期", ""), CardError::Name),
            (
                "half a character",
                [&good()[..4], &[0x42, 0xD8], &good()[6..]].concat(),
                CardError::Name,
            ),
            ("no number", citizen("张三", "", "20060301", "长期", ""), CardError::Number),
            (
                "check digit",
                citizen("张三", "110105194912310021", "20060301", "长期", ""),
                CardError::Number,
            ),
            (
                "lower case",
                citizen("张三", "11010519491231002x", "20060301", "长期", ""),
                CardError::Number,
            ),
            (
                "old number",
                citizen("张三", "110105491231002", "20060301", "长期", ""),
                CardError::Number,
            ),
            (
                "a foreigner's",
                citizen("张三", "911756198506250114", "20060301", "长期", ""),
                CardError::Number,
            ),
            (
                "a citizen's",
                citizen("张三", number, "20060301", "20260301", "Y"),
                CardError::Number,
            ),
            ("no date", citizen("张三", number, "20060230", "长期", ""), CardError::Validity),
            ("no end", citizen("张三", number, "20060301", "", ""), CardError::Validity),
            ("signed", citizen("张三", number, "20060301", "+2026030", ""), CardError::Validity),
            ("back", citizen("张三", number, "20060301", "20060228", ""), CardError::Validity),
        ];
        for (name, data, error) in cases {
            assert_eq!(Card::parse(&data).err(), Some(error), "{name}");
        }
    }

    #[test]
    fn a_card_is_valid_to_the_end_of_its_last_day() {
        let from = day("2006-03-01");
        let some_day = Validity { from, until: Until::Day(day("2026-03-01")) };
        let for_life = Validity { from, until: Until::LongTerm };
        let cases = [
            (some_day, "2006-02-28", false),
            (some_day, "2006-03-01", true),
            (some_day, "2026-03-01", true),
            (some_day, "2026-03-02", false),
            (for_life, "2006-02-28", false),
            (for_life, "2126-03-02", true),
        ];
        for (validity, today, expected) in cases {
            assert_eq!(validity.covers(day(today)), expected, "{validity} on {today}");
        }
    }

    #[test]
    fn a_card_shows_no_more_than_the_end_of_its_number() {
        let card = Card::parse(&good()).unwrap();
        assert_eq!(format!("{card:?} {:?}", card.number()), "Card(Citizen, ..) CardNumber(..)");
        assert_eq!(card.number().masked(), "**************002X");
    }

    proptest! {
        #[test]
        fn no_data_panics(data in prop::collection::vec(any::<u8>(), 0..600)) {
            drop(Card::parse(&data));
        }

        #[test]
        fn no_text_panics(
            text in prop::collection::vec(any::<u8>(), TEXT_LENGTH),
            marker in prop::sample::select(vec![b' ', b'I', b'J', b'Y']),
        ) {
            let mut data = data(&text);
            data[4 + MARKER..][..2].copy_from_slice(&[marker, 0]);
            drop(Card::parse(&data));
        }

        #[test]
        fn a_changed_byte_gives_no_other_number(at in 4_usize..260, byte: u8) {
            let mut data = good();
            data[at] = byte;
            if let Ok(card) = Card::parse(&data) {
                prop_assert_eq!(card.number().as_str(), "11010519491231002X");
            }
        }
    }
}
