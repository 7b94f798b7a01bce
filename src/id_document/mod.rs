//! Identity document numbers: parsed, checked, masked.
//!
//! [`DocumentNumber`] is a number of a known [`DocumentKind`] whose form, birth date, and check
//! character are right. [`Typed`] says the same of a number that is still being typed, and
//! [`Mrz`] reads one from the machine-readable zone of a travel document. Time is an argument: no
//! birth is believed that lies after it.
//!
//! What is doubtful, and still no reason to refuse, comes along as [`Notice`]s: look at the card.
//! Whether the document is its bearer's, and whether it was ever issued, is for others to find.
//!
//! A number is personal. Nothing here shows more of it than its last four characters, no error
//! repeats it, and it is wiped from memory when it is dropped:
//!
//! ```compile_fail,E0277
//! fn show(number: &greengate::id_document::DocumentNumber) -> String {
//!     number.to_string()
//! }
//! ```

mod birth;
mod form;
mod kind;
mod mrz;
mod text;
mod typed;

use std::{fmt, ops::Range};

use chrono::NaiveDate;
use rust_iso3166::CountryCode;
use thiserror::Error;
use zeroize::Zeroizing;

use self::form::{FORMS, Form};
pub use self::{
    kind::{DocumentKind, UnknownKind},
    mrz::{Mrz, MrzError, MrzField},
    text::{MAX_TYPED, NumberText},
    typed::Typed,
};
use crate::issuer::IssuerId;

/// A document's number that can be one of its kind.
///
/// Two are equal if kind and number are, however they were typed.
#[derive(Clone)]
pub struct DocumentNumber {
    kind: DocumentKind,
    text: NumberText,
    born: Option<NaiveDate>,
    notices: Vec<Notice>,
}

impl DocumentNumber {
    /// Reads a number of whatever kind it is by its form.
    ///
    /// Lower-case and full-width letters and digits, spaces, and hyphens of all sorts are taken for
    /// what they stand for, and a citizen's old number of 15 digits is brought up to date. What
    /// could as well be a passport's number is taken for the other kind, with
    /// [`Notice::PerhapsPassport`].
    ///
    /// # Errors
    ///
    /// What is wrong; of several forms that the text could have been meant for, the likeliest.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, NumberError> {
        Self::read(text, None, today)
    }

    /// Reads a number of `kind`, in the same way.
    ///
    /// # Errors
    ///
    /// What is wrong; [`NumberError::OtherKind`] if the number has a kind of its own.
    pub fn parse_as(kind: DocumentKind, text: &str, today: NaiveDate) -> Result<Self, NumberError> {
        Self::read(text, Some(kind), today).map_err(|error| {
            // Nearly everything is a passport's number, too: that would tell nothing.
            let other = Self::parse(text, today).ok().map(|number| number.kind);
            let other = other.filter(|other| ![kind, DocumentKind::Passport].contains(other));
            other.map_or(error, |kind| NumberError::OtherKind { kind })
        })
    }

    /// The kind of document.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The number in its normal form, to compare or to keep.
    #[must_use]
    pub fn text(&self) -> &NumberText {
        &self.text
    }

    /// When its bearer was born, if the number tells.
    ///
    /// Cards of foreign permanent residents before 2023 give two digits of the year: who can have
    /// been born in either century counts as the younger.
    #[must_use]
    pub fn born(&self) -> Option<NaiveDate> {
        self.born
    }

    /// What is doubtful about it, and no reason to refuse it.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The number as it is shown: the last four characters, and `*` for each other.
    #[must_use]
    pub fn masked(&self) -> String {
        self.text.masked()
    }

    fn read(text: &str, kind: Option<DocumentKind>, today: NaiveDate) -> Result<Self, NumberError> {
        let (characters, flaw) = text::characters(text);
        match flaw {
            None => Self::of(&characters, kind, today),
            Some(flaw) => Err(flaw.error),
        }
    }

    fn of(
        characters: &[u8],
        kind: Option<DocumentKind>,
        today: NaiveDate,
    ) -> Result<Self, NumberError> {
        let form = form::fitting(characters, &forms(kind), today)?;
        let mut notices = notices(form.kind, characters);
        let passport = forms(Some(DocumentKind::Passport));
        if kind.is_none()
            && form.kind != DocumentKind::Passport
            && form::fitting(characters, &passport, today).is_ok()
        {
            notices.push(Notice::PerhapsPassport);
        }
        let born = form.birth(characters, today);
        let mut number = Zeroizing::new(String::with_capacity(NumberText::MAX_CHARS));
        number.extend(characters.iter().copied().map(char::from));
        if form.kind == DocumentKind::CitizenId && characters.len() == OLD_LENGTH {
            number.insert_str(6, "19");
            let check = form::check_character(number.as_bytes());
            number.push(check.into());
            notices.push(Notice::Unverified15);
        }
        Ok(Self { kind: form.kind, text: NumberText::of(number), born, notices })
    }
}

impl PartialEq for DocumentNumber {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Eq for DocumentNumber {}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters = self.text.expose().len();
        write!(out, "DocumentNumber({:?}, {characters} characters)", self.kind)
    }
}

/// The length of a citizen's number before GB 11643-1999, and of a foreign permanent resident's
/// before GA 2102-2023.
const OLD_LENGTH: usize = 15;

/// The forms of one kind, or all.
fn forms(kind: Option<DocumentKind>) -> Vec<Form> {
    FORMS.iter().filter(|form| kind.is_none_or(|kind| form.kind == kind)).copied().collect()
}

/// What is doubtful about a number that has its form.
fn notices(kind: DocumentKind, characters: &[u8]) -> Vec<Notice> {
    let part = |range: Range<usize>| {
        characters.get(range).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default()
    };
    let area = |province: &str| {
        // Two digits are enough to tell a slip: GB/T 2260 has some 3,000 counties, and numbers
        // keep those that are no more.
        let is_known = province.parse().is_ok_and(|number| IssuerId::new(number).is_province());
        (!is_known).then_some(Notice::UnknownArea)
    };
    let country = |country: Option<CountryCode>| {
        let is_abroad = country.is_some_and(|country| country.alpha2 != "CN");
        (!is_abroad).then_some(Notice::UnknownCountry)
    };
    let found = match (kind, characters) {
        (DocumentKind::CitizenId, _) => [area(part(0..2)), None, None],
        (DocumentKind::ForeignPermanentResident, [body @ .., last]) if body.len() < OLD_LENGTH => {
            let is_doubtful = mrz::check_digit(body) != *last;
            [
                is_doubtful.then_some(Notice::DoubtfulCheckDigit),
                area(part(3..5)),
                country(rust_iso3166::from_alpha3(part(0..3))),
            ]
        }
        (DocumentKind::ForeignPermanentResident, _) => {
            [area(part(1..3)), country(rust_iso3166::from_numeric_str(part(3..6))), None]
        }
        _ => [None; 3],
    };
    found.into_iter().flatten().collect()
}

/// Something doubtful about a number: look at the card.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The last digit of an old foreign permanent resident's card is not the one that weights
    /// 7, 3, 1 give.
    ///
    /// Programs that check it do it so, as in a machine-readable zone; but no public standard says
    /// it, and the example in REQUIREMENTS, section 4, has another digit. So it refuses nobody.
    DoubtfulCheckDigit,
    /// The number could as well be a passport's.
    PerhapsPassport,
    /// GB/T 2260 has no such province.
    UnknownArea,
    /// ISO 3166-1 has no such country abroad.
    UnknownCountry,
    /// An old number has no check digit: nothing tells a slip.
    Unverified15,
}

impl Notice {
    /// A short, stable code for screens, logs, and support calls. Never reused.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::DoubtfulCheckDigit => "D51",
            Self::PerhapsPassport => "D52",
            Self::UnknownArea => "D53",
            Self::UnknownCountry => "D54",
            Self::Unverified15 => "D55",
        }
    }
}

/// A text is no document's number.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NumberError {
    /// It begins as no number of its kind and length does.
    #[error("no number of this kind and length begins like this")]
    Beginning,

    /// The birth date is none.
    #[error("the birth date is no day of the calendar")]
    BirthDate,

    /// The birth date has not come.
    #[error("the birth date lies in the future")]
    BirthInFuture,

    /// Nobody was given a number who was born then.
    #[error("the birth date lies too far back")]
    BirthTooEarly,

    /// One that no number has.
    #[error("character {position} is neither a letter nor a digit")]
    Character {
        /// Which of the number's characters, from 1.
        position: usize,
    },

    /// It does not follow from the others.
    #[error("the last character does not fit the others: one of them is wrong")]
    CheckCharacter,

    /// Nothing was typed.
    #[error("there is no number")]
    Empty,

    /// No number of its kind is so long.
    #[error("no number of this kind has {characters} characters")]
    Length {
        /// How many there are.
        characters: usize,
    },

    /// A passport's number of letters alone.
    #[error("a passport's number has a digit")]
    NoDigit,

    /// A digit stands there in a number of its kind.
    #[error("character {position} must be a digit")]
    NotADigit {
        /// Which of the number's characters, from 1.
        position: usize,
    },

    /// A letter stands there in a number of its kind.
    #[error("character {position} must be a letter")]
    NotALetter {
        /// Which of the number's characters, from 1.
        position: usize,
    },

    /// It is another kind's.
    #[error("this is the number of another kind of document: {}", kind.code())]
    OtherKind {
        /// That kind.
        kind: DocumentKind,
    },

    /// More was typed than any number has.
    #[error("more than {MAX_TYPED} characters")]
    TooLong,

    /// A travel document that the terminal has no kind for.
    #[error("the terminal knows no document of this kind")]
    UnknownKind,
}

impl NumberError {
    /// A short, stable code for screens, logs, and support calls. Never reused.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Beginning => "D01",
            Self::BirthDate => "D02",
            Self::BirthInFuture => "D03",
            Self::BirthTooEarly => "D04",
            Self::Character { .. } => "D05",
            Self::CheckCharacter => "D06",
            Self::Empty => "D07",
            Self::Length { .. } => "D08",
            Self::NoDigit => "D09",
            Self::NotADigit { .. } => "D10",
            Self::NotALetter { .. } => "D11",
            Self::OtherKind { .. } => "D12",
            Self::TooLong => "D13",
            Self::UnknownKind => "D14",
        }
    }
}
