//! Who a register speaks of: a document's number and a full name.
//!
//! Neither has a `Display`, and their debugging forms do not show them, so that no error, log, or
//! panic can.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    credential::{HolderName, IdTail},
    recognition::NormalStatus,
};

/// The number of a person's document: 4 to 32 ASCII letters and digits, letters as capitals.
///
/// Whether a number of its kind can be so is not asked here: passports of every country are kept.
#[derive(Clone, Eq, PartialEq)]
pub struct DocumentNumber {
    number: String,
    tail: IdTail,
}

impl DocumentNumber {
    /// A number, if it has the form of one.
    #[must_use]
    pub fn new(number: &str) -> Option<Self> {
        let fits = (4..=32).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let number = Some(number.to_ascii_uppercase()).filter(|_| fits)?;
        let tail = IdTail::new(&number[number.len() - 4..])?;
        Some(Self { number, tail })
    }

    /// The number itself, for the register alone.
    pub(super) fn as_str(&self) -> &str {
        &self.number
    }

    /// The last four characters, which a code shows.
    #[must_use]
    pub fn tail(&self) -> &IdTail {
        &self.tail
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DocumentNumber(..)")
    }
}

/// A person's full name: 1 to 32 characters, as a code masks it, and none that controls.
#[derive(Clone, Eq, PartialEq)]
pub struct FullName {
    full: String,
    masked: HolderName,
}

impl FullName {
    /// A name, if it has the form of one. Spaces around it are left out.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let full = name.trim();
        let masked = HolderName::masked(full).filter(|_| !full.chars().any(char::is_control))?;
        Some(Self { full: full.to_owned(), masked })
    }

    /// The name itself, for the register alone.
    pub(super) fn as_str(&self) -> &str {
        &self.full
    }

    /// The name as a code shows it.
    #[must_use]
    pub fn masked(&self) -> &HolderName {
        &self.masked
    }
}

impl fmt::Debug for FullName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FullName(..)")
    }
}

/// What the background audit of a declaration has found.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Green: no abnormality.
    Normal,
    /// Yellow: to be watched.
    Watch,
    /// Red.
    Stop,
}

impl From<Health> for NormalStatus {
    fn from(health: Health) -> Self {
        match health {
            Health::Normal => Self::Normal,
            Health::Watch => Self::Watch,
            Health::Stop => Self::Stop,
        }
    }
}
