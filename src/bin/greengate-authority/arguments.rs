//! What several commands are asked with, and how it is read.
//!
//! What names a person is read by [`Private`] alone: when it is wrong, the complaint does not
//! repeat it, as clap's own would.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use clap::{
    Arg, Args, Command,
    builder::TypedValueParser,
    error::{Error, ErrorKind},
};
use greengate::{
    authority::{Authority, AuthorityError, FullName},
    clock::{self, Timestamp},
    credential::{CodeId, HolderName, IdTail, Kind, Relation, Visit},
    id_document::NumberText,
    issuer::IssuerId,
    key_ring::KeyId,
};

/// The number of a document.
pub(crate) const NUMBER: Private<NumberText> = Private {
    parse: NumberText::new,
    form: "a document's number has 4 to 32 ASCII letters and digits",
};

/// A full name.
pub(crate) const NAME: Private<FullName> =
    Private { parse: FullName::new, form: "a name has 1 to 32 characters" };

/// A full name that is masked as it is read.
pub(crate) const MASKED_NAME: Private<HolderName> =
    Private { parse: HolderName::masked, form: "a name has 1 to 32 characters" };

/// The end of a document's number.
pub(crate) const ID_TAIL: Private<IdTail> =
    Private { parse: |text| IdTail::new(text), form: "four characters" };

/// The authority to ask.
#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// The authority's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Folder {
    pub(crate) fn open(&self) -> Result<Authority, AuthorityError> {
        Authority::open(&self.folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

/// A person in an authority's registers.
#[derive(Args, Debug)]
pub(crate) struct Holder {
    #[command(flatten)]
    pub(crate) folder: Folder,

    /// The number of the person's document.
    #[arg(long, value_name = "NUMBER", value_parser = NUMBER)]
    pub(crate) number: NumberText,
}

/// When it is done.
#[derive(Args, Debug)]
pub(crate) struct At {
    /// Do it as of this instant instead of now.
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
}

impl At {
    pub(crate) fn instant(&self) -> Timestamp {
        self.at.unwrap_or_else(this_second)
    }
}

/// The present, to the second: codes and registers know no less.
pub(crate) fn this_second() -> Timestamp {
    let now = clock::now();
    Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now)
}

/// What a code is shown on.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum KindArgument {
    Phone,
    Paper,
}

impl From<KindArgument> for Kind {
    fn from(kind: KindArgument) -> Self {
        match kind {
            KindArgument::Phone => Self::Phone,
            KindArgument::Paper => Self::Paper,
        }
    }
}

/// What the holder of a bound code is to the guardian.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum RelationArgument {
    Child,
    Parent,
    Spouse,
    Other,
}

impl From<RelationArgument> for Relation {
    fn from(relation: RelationArgument) -> Self {
        match relation {
            RelationArgument::Child => Self::Child,
            RelationArgument::Parent => Self::Parent,
            RelationArgument::Spouse => Self::Spouse,
            RelationArgument::Other => Self::Other,
        }
    }
}

/// Reads an argument that no complaint may repeat.
pub(crate) struct Private<T> {
    parse: fn(&str) -> Option<T>,
    form: &'static str,
}

impl<T> Clone for Private<T> {
    fn clone(&self) -> Self {
        Self { parse: self.parse, form: self.form }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Private<T> {
    type Value = T;

    fn parse_ref(&self, _: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let parsed = value.to_str().and_then(self.parse);
        parsed.ok_or_else(|| {
            let argument: &dyn fmt::Display = argument.map_or(&"argument", |argument| argument);
            Error::raw(ErrorKind::ValueValidation, format!("{argument}: {}\n", self.form))
        })
    }
}

pub(crate) fn issuer(text: &str) -> Result<IssuerId, String> {
    text.parse().map(IssuerId::new).map_err(|_| "not an issuer's number".to_owned())
}

pub(crate) fn key_id(text: &str) -> Result<KeyId, String> {
    let bytes = hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(KeyId::new).ok_or_else(|| "8 hexadecimal digits".to_owned())
}

pub(crate) fn code_id(text: &str) -> Result<CodeId, String> {
    let bytes = hex(text).and_then(CodeId::new);
    bytes.ok_or_else(|| "16 to 32 hexadecimal digits".to_owned())
}

pub(crate) fn visit(text: &str) -> Result<Visit, String> {
    let parsed = text.split_once(':').and_then(|(area, day)| {
        Some(Visit { area: area.parse().ok()?, last_day: day.parse::<NaiveDate>().ok()? })
    });
    parsed.ok_or_else(|| "six digits and a date, such as 110106:2021-11-12".to_owned())
}

/// The bytes that hexadecimal digits stand for.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok());
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    pairs.collect()
}
