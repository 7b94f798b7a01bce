//! Machine-readable zones of travel documents, by ICAO Doc 9303.
//!
//! Cards have three lines of 30 characters (TD1, part 5) or two of 36 (TD2, part 6), passports two
//! of 44 (TD3, part 4). A zone is taken as it stands: nothing is repaired. Check digits guard the
//! number, both dates, and all of them together; the name is guarded by none, and is not kept.

use std::{fmt, ops::Range};

use chrono::{Datelike, NaiveDate};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{DocumentKind, DocumentNumber, NumberError, NumberText, birth, text};

/// The most characters of text that are read: a zone has at most 90, and room is left for spaces.
const MAX_TYPED: usize = 256;

/// What fills a field behind its characters, and stands for what a number cannot hold.
const FILLER: u8 = b'<';

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ<";
const DIGITS: &[u8] = b"0123456789<";
/// Part 4, section 4.1.1: what is not M or F is a filler; some issuers print the X of the page.
const SEXES: &[u8] = b"MFX<";

/// What a machine-readable zone says of its document.
///
/// Its debugging form does not show the number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mrz {
    kind: Option<DocumentKind>,
    number: NumberText,
    born: Option<NaiveDate>,
    expires: Option<NaiveDate>,
}

impl Mrz {
    /// Reads a zone, in its lines or all in one.
    ///
    /// Letters may be small and characters full-width; spaces are passed over. A number that is
    /// longer than its field goes on in the field behind it, as parts 5 and 6 have it.
    ///
    /// # Errors
    ///
    /// The first thing wrong, by line and column where it has a place.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, MrzError> {
        let zone = Zone::read(text)?;
        zone.expect_classes()?;
        let number = zone.number()?;
        zone.expect_check(zone.layout.birth.clone(), MrzField::Birth)?;
        zone.expect_check(zone.layout.expiry.clone(), MrzField::Expiry)?;
        zone.expect_optional_check()?;
        zone.expect_composite_check()?;
        let born = match zone.date(&zone.layout.birth)? {
            Some(digits) => birth::day_in(&birth::living(today), digits, today)
                .map_err(|error| MrzError::BirthDate { error })?,
            None => None,
        };
        let expires = match zone.date(&zone.layout.expiry)? {
            Some(digits) => Some(nearest(digits, today).ok_or(MrzError::Expiry)?),
            None => None,
        };
        Ok(Self { kind: zone.kind(), number, born, expires })
    }

    /// The kind of document, if it is one that the terminal knows.
    #[must_use]
    pub fn kind(&self) -> Option<DocumentKind> {
        self.kind
    }

    /// The document's number, without fillers.
    #[must_use]
    pub fn number(&self) -> &NumberText {
        &self.number
    }

    /// When its bearer was born, if the whole date is known. Who can have been born in either of two
    /// centuries counts as the younger.
    #[must_use]
    pub fn born(&self) -> Option<NaiveDate> {
        self.born
    }

    /// The last day on which it is valid, if it has one; of the years that its digits can mean, the
    /// nearest.
    #[must_use]
    pub fn expires(&self) -> Option<NaiveDate> {
        self.expires
    }

    /// The number as one of its kind.
    ///
    /// # Errors
    ///
    /// [`NumberError::UnknownKind`] for an identity card from abroad; else what makes the number
    /// none of its kind.
    pub fn document(&self, today: NaiveDate) -> Result<DocumentNumber, NumberError> {
        let kind = self.kind.ok_or(NumberError::UnknownKind)?;
        DocumentNumber::parse_as(kind, self.number.expose(), today)
    }
}

/// Where the fields of one format lie in its lines, laid end to end. A check digit stands behind
/// the field that it guards.
#[derive(Debug)]
struct Layout {
    lines: usize,
    width: usize,
    number: Range<usize>,
    birth: Range<usize>,
    sex: usize,
    expiry: Range<usize>,
    nationality: Range<usize>,
    /// The optional data, into which a long number goes on.
    optional: Range<usize>,
    /// Whether a check digit stands behind the optional data, and no long number goes on there.
    optional_is_checked: bool,
    /// What the check digit over all of them guards, and where it is.
    composite: &'static [Range<usize>],
    composite_check: usize,
}

const LAYOUTS: [Layout; 3] = [TD1, TD2, TD3];

/// Source: ICAO Doc 9303, part 5, section 4.2.2.
const TD1: Layout = Layout {
    lines: 3,
    width: 30,
    number: 5..14,
    birth: 30..36,
    sex: 37,
    expiry: 38..44,
    nationality: 45..48,
    optional: 15..30,
    optional_is_checked: false,
    composite: &[5..30, 30..37, 38..45, 48..59],
    composite_check: 59,
};

/// Source: ICAO Doc 9303, part 6, section 4.2.2.
const TD2: Layout = Layout {
    lines: 2,
    width: 36,
    number: 36..45,
    birth: 49..55,
    sex: 56,
    expiry: 57..63,
    nationality: 46..49,
    optional: 64..71,
    optional_is_checked: false,
    composite: &[36..46, 49..56, 57..71],
    composite_check: 71,
};

/// Source: ICAO Doc 9303, part 4, section 4.2.2.
const TD3: Layout = Layout {
    lines: 2,
    width: 44,
    number: 44..53,
    birth: 57..63,
    sex: 64,
    expiry: 65..71,
    nationality: 54..57,
    optional: 72..86,
    optional_is_checked: true,
    composite: &[44..54, 57..64, 65..87],
    composite_check: 87,
};

/// The characters of a zone, as many as its format has, all of them `A` to `Z`, `0` to `9`, or `<`.
struct Zone {
    layout: &'static Layout,
    characters: Zeroizing<Vec<u8>>,
}

impl Zone {
    /// The characters, and the format whose lines they are.
    fn read(text: &str) -> Result<Self, MrzError> {
        if text.chars().nth(MAX_TYPED).is_some() {
            return Err(MrzError::Lines);
        }
        let mut characters = Zeroizing::new(Vec::with_capacity(MAX_TYPED));
        let mut widths = Vec::new();
        for line in text.split(['\n', '\r']) {
            let start = characters.len();
            for character in line.chars().filter(|character| !text::is_blank(*character)) {
                let ascii = u8::try_from(text::half_width(character)).ok();
                let ascii = ascii.filter(|byte| byte.is_ascii_alphanumeric() || *byte == FILLER);
                let (line, column) = (widths.len() + 1, characters.len() - start + 1);
                let foreign = MrzError::Character { line, column };
                characters.push(ascii.ok_or(foreign)?.to_ascii_uppercase());
            }
            if characters.len() > start {
                widths.push(characters.len() - start);
            }
        }
        let layout = LAYOUTS.iter().find(|layout| {
            let in_one = widths == [layout.lines * layout.width];
            in_one || widths == vec![layout.width; layout.lines]
        });
        Ok(Self { layout: layout.ok_or(MrzError::Lines)?, characters })
    }

    fn at(&self, index: usize) -> u8 {
        self.characters.get(index).copied().unwrap_or(FILLER)
    }

    fn field(&self, range: Range<usize>) -> &[u8] {
        self.characters.get(range).unwrap_or_default()
    }

    /// The error of a character that cannot stand where it does.
    fn character(&self, index: usize) -> MrzError {
        let Layout { width, .. } = self.layout;
        MrzError::Character { line: index / width + 1, column: index % width + 1 }
    }

    /// Each character outside names, numbers, and optional data is one that can stand there.
    fn expect_classes(&self) -> Result<(), MrzError> {
        let Layout { lines, birth, sex, expiry, nationality, .. } = self.layout;
        // Part 3, section 4.1: a passport's first letter is P, a card's A, C, or I, and a visa's V.
        let firsts: &[u8] = if self.layout.optional_is_checked { b"P" } else { b"ACIP" };
        if !firsts.contains(&self.at(0)) {
            return Err(MrzError::Document { lines: *lines });
        }
        let classes = [
            (1..5, LETTERS),
            (birth.clone(), DIGITS),
            (*sex..sex + 1, SEXES),
            (expiry.clone(), DIGITS),
            (nationality.clone(), LETTERS),
        ];
        for (range, class) in classes {
            for index in range {
                if !class.contains(&self.at(index)) {
                    return Err(self.character(index));
                }
            }
        }
        Ok(())
    }

    /// The number, once its check digit has been found right.
    ///
    /// Source for long numbers: ICAO Doc 9303, part 5, section 4.2.2, note j, and part 6, the same:
    /// a filler stands for the check digit, and the rest of the number, its check digit, and a
    /// filler stand in front of the optional data.
    fn number(&self) -> Result<NumberText, MrzError> {
        let Layout { number, optional, optional_is_checked, .. } = self.layout;
        let mut whole = Zeroizing::new(Vec::with_capacity(NumberText::MAX_CHARS));
        whole.extend_from_slice(self.field(number.clone()));
        let mut check = self.at(number.end);
        if check == FILLER && !optional_is_checked {
            let behind = self.field(optional.clone()).split(|byte| *byte == FILLER).next();
            let (last, rest) = behind.and_then(<[u8]>::split_last).ok_or(MrzError::Number)?;
            whole.extend_from_slice(rest);
            check = *last;
        }
        if check_digit(&whole) != check {
            return Err(MrzError::CheckDigit { field: MrzField::Number });
        }
        whole.retain(|byte| *byte != FILLER);
        let whole = std::str::from_utf8(&whole).ok().and_then(NumberText::new);
        whole.ok_or(MrzError::Number)
    }

    /// The check digit behind a field is the one that follows from it.
    fn expect_check(&self, range: Range<usize>, field: MrzField) -> Result<(), MrzError> {
        let check = self.at(range.end);
        let right = check_digit(self.field(range)) == check;
        if right { Ok(()) } else { Err(MrzError::CheckDigit { field }) }
    }

    /// The same of the optional data of a passport; with none, a filler will do.
    fn expect_optional_check(&self) -> Result<(), MrzError> {
        let Layout { optional, optional_is_checked, .. } = self.layout;
        let is_empty = self.field(optional.clone()).iter().all(|byte| *byte == FILLER);
        if !optional_is_checked || is_empty && self.at(optional.end) == FILLER {
            return Ok(());
        }
        self.expect_check(optional.clone(), MrzField::Optional)
    }

    /// The check digit over all is the one that follows from them.
    fn expect_composite_check(&self) -> Result<(), MrzError> {
        let Layout { composite, composite_check, .. } = self.layout;
        let fields = composite.iter().map(|range| self.field(range.clone()));
        let fields = Zeroizing::new(fields.collect::<Vec<_>>().concat());
        let right = check_digit(&fields) == self.at(*composite_check);
        if right { Ok(()) } else { Err(MrzError::CheckDigit { field: MrzField::Composite }) }
    }

    /// The digits of a date; none if a part of it is not known.
    fn date(&self, range: &Range<usize>) -> Result<Option<&[u8]>, MrzError> {
        let digits = self.field(range.clone());
        let known = digits.iter().take_while(|byte| **byte != FILLER).count();
        match digits.iter().skip(known).position(|byte| *byte != FILLER) {
            Some(behind) => Err(self.character(range.start + known + behind)),
            None if known % 2 == 1 => Err(self.character(range.start + known)),
            None => Ok((known == digits.len()).then_some(digits)),
        }
    }

    /// The kind of document that its code and issuing state name.
    ///
    /// Travel permits have CR and CT, by the cards themselves; IP is a passport card's.
    fn kind(&self) -> Option<DocumentKind> {
        match (self.at(0), self.at(1), self.field(2..5)) {
            (b'P', ..) | (b'I', b'P', _) => Some(DocumentKind::Passport),
            (b'C', b'R', b"CHN") => Some(DocumentKind::HkMacaoTravelPermit),
            (b'C', b'T', b"CHN") => Some(DocumentKind::TaiwanTravelPermit),
            _ => None,
        }
    }
}

/// The day `yymmdd` of the century in which it lies nearest to `today`.
fn nearest(digits: &[u8], today: NaiveDate) -> Option<NaiveDate> {
    let parts = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |value, digit| value * 10 + u32::from(digit & 0x0F)));
    let [year, month, day] = parts.collect::<Vec<_>>().try_into().ok()?;
    let century = today.year() / 100;
    let days = (century - 1..=century + 1).filter_map(|century| {
        NaiveDate::from_ymd_opt(century * 100 + i32::try_from(year).ok()?, month, day)
    });
    days.min_by_key(|day| (*day - today).abs())
}

/// The check digit of a field, by weights 7, 3, 1; letters count from 10, and fillers 0. Source: ICAO
/// Doc 9303, part 3, section 4.9.
pub(super) fn check_digit(field: &[u8]) -> u8 {
    let sum = field.iter().zip([7, 3, 1].iter().cycle()).fold(0, |sum, (byte, weight)| {
        let value = char::from(*byte).to_digit(36).unwrap_or(0);
        (sum + value * weight) % 10
    });
    b'0' | u8::try_from(sum).unwrap_or(0)
}

/// What a check digit of a zone guards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MrzField {
    /// The birth date.
    Birth,
    /// All of them together.
    Composite,
    /// The last day.
    Expiry,
    /// The document's number.
    Number,
    /// What the issuer added.
    Optional,
}

impl fmt::Display for MrzField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Birth => "the birth date",
            Self::Composite => "the whole",
            Self::Expiry => "the expiry date",
            Self::Number => "the number",
            Self::Optional => "the optional data",
        })
    }
}

/// A text is no machine-readable zone of an identity document.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum MrzError {
    /// The birth date is none.
    #[error(transparent)]
    BirthDate {
        /// Why it is none.
        error: NumberError,
    },

    /// One that cannot stand where it does.
    #[error("the character in line {line}, column {column} cannot stand there")]
    Character {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },

    /// What it guards was misread, or altered.
    #[error("the check digit of {field} is wrong")]
    CheckDigit {
        /// What it guards.
        field: MrzField,
    },

    /// It is a visa, or none of the documents that have this many lines.
    #[error("no identity document with {lines} lines begins with this letter")]
    Document {
        /// How many lines it has.
        lines: usize,
    },

    /// The last day is none.
    #[error("the expiry date is no day of the calendar")]
    Expiry,

    /// Its lines are not those of any format.
    #[error("neither three lines of 30 characters nor two of 36 or 44")]
    Lines,

    /// There is none, or less than one.
    #[error("there is no document number")]
    Number,
}

impl MrzError {
    /// A short, stable code for screens, logs, and support calls. Never reused.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BirthDate { error } => error.code(),
            Self::Character { .. } => "D21",
            Self::CheckDigit { .. } => "D22",
            Self::Document { .. } => "D23",
            Self::Expiry => "D24",
            Self::Lines => "D25",
            Self::Number => "D26",
        }
    }
}
