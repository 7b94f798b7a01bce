//! What a register says of somebody: a full name, and what the audit has found.
//!
//! Registers know people by their documents' numbers, as
//! [`NumberText`](crate::id_document::NumberText): whether a number of its kind can be so is not
//! asked there, for passports of every country are kept. Like a number, a name has no `Display`,
//! and its debugging form does not show it, so that no error, log, or panic can.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{credential::HolderName, recognition::NormalStatus};

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
