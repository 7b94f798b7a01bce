//! The chain: each record with the digest of all before it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// One event, as it is kept and exported. Its [`line`](Self::line) is what the chain is made of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number; the first is 1.
    pub id: u64,
    /// Seconds since 1970.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// At which gate.
    pub gate: Option<String>,
    /// The verdict, of a decision.
    pub verdict: Option<String>,
    /// The reason's code.
    pub reason: Option<String>,
    /// What the code was shown on.
    pub kind: Option<String>,
    /// Who issued it.
    pub issuer: Option<u16>,
    /// The policy's version.
    pub policy_version: Option<u64>,
    /// Who was on duty.
    pub staff: Option<String>,
    /// The keyed digest of the code, in hexadecimal.
    pub digest: Option<String>,
    /// How far the clock could be believed.
    pub clock: String,
    /// What there is to say of an event that is no decision.
    pub detail: Option<String>,
}

impl Entry {
    /// The entry as one line of JSON, its members in the order above and without spaces.
    #[expect(clippy::missing_panics_doc, reason = "texts and numbers are always JSON")]
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("an entry is of texts and numbers")
    }
}

/// The SHA-256 of the link before and a line: it stands for all entries up to one.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Link([u8; 32]);

impl Link {
    /// Before the first entry.
    pub const FIRST: Self = Self([0; 32]);

    /// The link with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The link of the entry that follows.
    #[must_use]
    pub fn next(self, entry: &Entry) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(entry.line());
        Self(digest.finalize().into())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Link {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(ChainError::NoLink);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).ok();
            let value = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            *byte = value.ok_or(ChainError::NoLink)?;
        }
        Ok(Self(bytes))
    }
}

/// Follows entries from the one after `number`, up to which the chain is `link`, and gives the
/// number and link of the last.
///
/// # Errors
///
/// [`ChainError`] names the first entry that is not what the chain says.
pub fn follow(
    (mut number, mut link): (u64, Link),
    entries: impl IntoIterator<Item = (Entry, Link)>,
) -> Result<(u64, Link), ChainError> {
    for (entry, kept) in entries {
        let expected = number.saturating_add(1);
        if entry.id != expected {
            return Err(ChainError::Missing { id: expected });
        }
        link = link.next(&entry);
        if link != kept {
            return Err(ChainError::Broken { id: entry.id });
        }
        number = entry.id;
    }
    Ok((number, link))
}

/// The chain is not whole.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ChainError {
    /// An entry, or one before it, is not what it was.
    #[error("record {id} is not what the chain says")]
    Broken {
        /// Its number.
        id: u64,
    },

    /// An entry is gone, or stands elsewhere.
    #[error("record {id} is missing")]
    Missing {
        /// Its number.
        id: u64,
    },

    /// A text is no link.
    #[error("not 64 hexadecimal digits")]
    NoLink,
}
