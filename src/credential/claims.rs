//! What an issuer says of a holder.
//!
//! The fields are those of the code's tables of claims, in their units; instants that the code
//! gives as minutes or days before it was issued are given as the instants they stand for.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, id_document::NumberText, issuer::IssuerId};

/// The claims of one code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// Who issued the code.
    pub issuer: IssuerId,
    /// The first second at which it is no longer valid.
    pub expires: Timestamp,
    /// The first second at which it is valid.
    pub issued: Timestamp,
    /// The code's own name.
    pub code_id: CodeId,
    /// The status, in the issuer's own numbering.
    pub status: u64,
    /// What it is shown on.
    pub kind: Kind,
    /// The holder's masked name.
    pub name: HolderName,
    /// The end of the holder's document number.
    pub id_tail: IdTail,
    /// What the holder's whole document can be compared with.
    pub document_match: Option<DocumentMatch>,
    /// The last nucleic-acid test.
    pub nat: Option<Nat>,
    /// Vaccination.
    pub vaccination: Option<Vaccination>,
    /// Where the holder has been.
    pub travel: Option<Travel>,
    /// The home province of a registered commuter.
    pub commuter: Option<IssuerId>,
    /// On whose behalf another person handles the code.
    pub binding: Option<Binding>,
    /// The issuer whose code this one was made from.
    pub origin: Option<IssuerId>,
}

/// A code's name, unique to its issuer: 8 to 16 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodeId(Vec<u8>);

impl CodeId {
    /// The identifier with these bytes, if there are 8 to 16.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (8..=16).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a code is shown on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A phone, made anew each time.
    Phone,
    /// Paper, printed once.
    Paper,
}

impl Kind {
    /// The name that documents and the command line use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Paper => "paper",
        }
    }
}

/// A masked name of 1 to 32 characters. Its debugging form does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct HolderName(String);

impl HolderName {
    /// The most characters.
    pub const MAX_CHARS: usize = 32;

    /// A name, if it is neither empty nor too long.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (1..=Self::MAX_CHARS).contains(&name.chars().count()).then_some(Self(name))
    }

    /// The name masked as a code shows it: the first character, and `*` for each other.
    #[must_use]
    pub fn masked(full: &str) -> Option<Self> {
        let mut characters = full.chars();
        let first = characters.next()?;
        Self::new(std::iter::once(first).chain(characters.map(|_| '*')).collect::<String>())
    }

    /// As the issuer wrote it. It may hold any character: make it legible before showing it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HolderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HolderName(..)")
    }
}

/// The last four characters of a document's number. Its debugging form does not show them.
#[derive(Clone, Eq, PartialEq)]
pub struct IdTail(String);

impl IdTail {
    /// A tail, if it has four characters.
    #[must_use]
    pub fn new(tail: impl Into<String>) -> Option<Self> {
        let tail = tail.into();
        (tail.chars().count() == 4).then_some(Self(tail))
    }

    /// The tail of a number, to put into a code or to compare with one.
    #[must_use]
    pub fn of(number: &NumberText) -> Self {
        Self(number.tail().to_owned())
    }

    /// As the issuer wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdTail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IdTail(..)")
    }
}

/// What the holder's whole document can be compared with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DocumentMatch {
    /// The epoch of the key under which it was made.
    pub epoch: u64,
    /// The first bytes of the keyed digest.
    pub digest: [u8; 8],
}

/// A nucleic-acid test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nat {
    /// The database that holds it.
    pub source: NatSource,
    /// The minute at which the sample was taken.
    pub sampled: Timestamp,
    /// What has come of it.
    pub outcome: NatOutcome,
}

/// The database that holds a test.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NatSource {
    /// The country's.
    National,
    /// The city's.
    Municipal,
}

/// What has come of a test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NatOutcome {
    /// Nothing yet.
    Pending,
    /// A result.
    Known {
        /// The result.
        result: NatResult,
        /// The minute at which the laboratory reported it.
        reported: Timestamp,
        /// The minute at which it came into the database.
        uploaded: Timestamp,
    },
}

/// The result of a test.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NatResult {
    /// Nothing was found.
    Negative,
    /// The virus was found.
    Positive,
}

/// A vaccination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vaccination {
    /// How many doses.
    pub doses: u64,
    /// The day of the last.
    pub day: NaiveDate,
}

/// Where the holder has been.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Travel {
    /// The highest risk, as the issuer saw it.
    pub level: TravelLevel,
    /// The minute for which it holds.
    pub as_of: Timestamp,
    /// The areas visited, at most [`Travel::MAX_VISITS`].
    pub visits: Vec<Visit>,
}

impl Travel {
    /// The most areas in one code.
    pub const MAX_VISITS: usize = 8;
}

/// The risk of where somebody has been.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TravelLevel {
    /// No area of medium or high risk.
    None,
    /// An area of medium risk.
    Medium,
    /// An area of high risk.
    High,
    /// Not known.
    Unknown,
}

/// One visit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Visit {
    /// The area, six digits of GB/T 2260.
    pub area: u32,
    /// The last day there, in the civil time of Asia/Shanghai.
    pub last_day: NaiveDate,
}

/// On whose behalf another person handles the code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    /// What the holder is to the guardian.
    pub relation: Relation,
    /// The guardian's code.
    pub guardian: CodeId,
}

/// What the holder of a bound code is to the guardian.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// A child.
    Child,
    /// A parent.
    Parent,
    /// The spouse.
    Spouse,
    /// Somebody else.
    Other,
}
