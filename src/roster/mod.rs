//! The desk's look-up extract: the codes of the people around a place, sealed.
//!
//! Who has no phone is looked up by the number of a document. What the terminal keeps for that must
//! not give up a list of people when it is stolen, and a digest of a number hides nothing: all
//! numbers that a county can have are tried in minutes. So each row is found by a keyed digest and
//! sealed under a key of its own, both from the person's number and the epoch's [`EpochKey`], and
//! that key is on no disk of the terminal: it comes as an [`EpochToken`] at the beginning of a
//! shift, counts for a day, and is kept in locked memory.
//!
//! A row holds the person's own paper code and nothing else. It goes the way of any other code, so
//! that an altered extract makes nobody pass. [`Roster`] is a file of rows, which is searched where
//! it lies; `file.rs` says what is in it. [`build()`] writes one, for the authority; [`keep`] is where
//! a terminal has it. An extract counts for a week at most, and each has a new key, so that two have
//! nothing in common.
//!
//! What is left to others: how often somebody may ask, that it is on record, and what becomes of a
//! code. No number is in an error, and none is kept.

mod build;
mod file;
pub mod keep;
mod key;

use std::io;

use chrono::TimeDelta;
use thiserror::Error;

pub use self::{
    build::{Plan, build},
    file::{MAX_BYTES, MAX_ROWS, Roster, Unlocked},
    key::{EpochKey, EpochToken, MAX_MATCH_KEYS, MAX_TOKEN_BYTES, TOKEN_LIFE},
};
use crate::{clock::Timestamp, locked::LockError};

/// The longest that an extract counts. Source: TRUST, section 3.
pub const LIFE: TimeDelta = TimeDelta::days(7);

/// The most characters of a terminal's name.
pub const MAX_TERMINAL: usize = 64;

/// The name of a terminal's extract where it is published and where it is kept; nothing if the
/// terminal has no name that a file can have anywhere: lower-case letters, digits, and hyphens
/// between them.
#[must_use]
pub fn file_name(terminal: &str) -> Option<String> {
    is_name(terminal).then(|| format!("roster-{terminal}.bin"))
}

/// The name of the file with a terminal's token where a web server has it, for that terminal alone;
/// nothing if the terminal has no name that a file can have.
#[must_use]
pub fn token_name(terminal: &str) -> Option<String> {
    is_name(terminal).then(|| format!("token-{terminal}.json"))
}

fn is_name(terminal: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_TERMINAL).contains(&terminal.len())
        && terminal.bytes().all(plain)
        && !terminal.starts_with('-')
        && !terminal.ends_with('-')
}

/// What is done to a number before anything is derived from it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stretching {
    /// Argon2id with 19 MiB and two passes, so that who has file and key still needs some 20 ms for
    /// each number that they try.
    #[default]
    Argon2id,
    /// Nothing: for terminals whose key cannot be had with the file, such as those with a TPM.
    None,
}

/// An extract or its key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RosterError {
    /// The extract is no longer what was written.
    #[error("the look-up extract is damaged")]
    Damaged,

    /// The dates of an extract or a key are not in their order, or too far apart.
    #[error("an extract counts for at most 7 days, and its key for 24 hours")]
    Dates,

    /// The extract has expired.
    #[error("the look-up extract expired at {expires}")]
    Expired {
        /// Since when it does not count.
        expires: Timestamp,
    },

    /// It is no extract.
    #[error("this is no look-up extract")]
    Foreign,

    /// It cannot be read or written.
    #[error("the look-up extract cannot be read or written: {0}")]
    Io(#[from] io::Error),

    /// The key has expired.
    #[error("the key of the look-up extract expired at {expires}: fetch today's")]
    KeyExpired {
        /// Since when it does not count.
        expires: Timestamp,
    },

    /// It is longer or shorter than it says.
    #[error("the look-up extract is longer or shorter than it says")]
    Length,

    /// A token has match keys that it cannot have.
    #[error("a token has at most {MAX_MATCH_KEYS} match keys, and one of an epoch")]
    MatchKeys,

    /// The system does not keep the key's memory from being swapped out.
    #[error(transparent)]
    Memory(#[from] LockError),

    /// It counts from later on.
    #[error("the look-up extract or its key counts only from {from}: is the clock right?")]
    NotYet {
        /// From when on.
        from: Timestamp,
    },

    /// The extract is from before the one that is kept.
    #[error("the look-up extract has epoch {epoch}, and {kept} is kept")]
    OlderEpoch {
        /// Its epoch.
        epoch: u64,
        /// The kept one's.
        kept: u64,
    },

    /// The key is another epoch's.
    #[error("the key is of epoch {key}, the look-up extract of {extract}")]
    OtherEpoch {
        /// The extract's.
        extract: u64,
        /// The key's.
        key: u64,
    },

    /// Extract or key is another terminal's.
    #[error("the look-up extract or its key is another terminal's")]
    OtherTerminal,

    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,

    /// A row cannot hold such a text.
    #[error("a row of the look-up extract holds health codes, and this is none")]
    Record,

    /// A number cannot be stretched.
    #[error("there is no memory to stretch a number in")]
    Stretching,

    /// A terminal cannot be called that.
    #[error(
        "a terminal's name has 1 to {MAX_TERMINAL} lower-case letters and digits, and hyphens \
         between them"
    )]
    TerminalName,

    /// The key's file is not of its form. What stands in it is not said: it is secret.
    #[error("this is no key of a look-up extract")]
    Token,

    /// It has more rows than there can be.
    #[error("the look-up extract has more than {MAX_ROWS} rows")]
    TooMany,

    /// One number was given twice.
    #[error("one number stands twice in the look-up extract")]
    Twice,

    /// The key is not the one that the extract was made with.
    #[error("the key is not the one that the look-up extract was made with")]
    WrongKey,
}

impl RosterError {
    /// A short, stable code for screens, logs, and support calls. Never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged => "L01",
            Self::Dates => "L02",
            Self::Expired { .. } => "L03",
            Self::Foreign => "L04",
            Self::Io(_) => "L05",
            Self::KeyExpired { .. } => "L06",
            Self::Length => "L07",
            Self::MatchKeys => "L21",
            Self::Memory(_) => "L08",
            Self::NotYet { .. } => "L09",
            Self::OlderEpoch { .. } => "L10",
            Self::OtherEpoch { .. } => "L11",
            Self::OtherTerminal => "L12",
            Self::Random => "L13",
            Self::Record => "L14",
            Self::Stretching => "L15",
            Self::TerminalName => "L16",
            Self::Token => "L17",
            Self::TooMany => "L18",
            Self::Twice => "L19",
            Self::WrongKey => "L20",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminals_name_can_be_part_of_a_files() {
        let longest = "g".repeat(MAX_TERMINAL);
        let cases = [
            ("a name", "gate-3", true),
            ("one character", "3", true),
            ("longest", &longest, true),
            ("longer", &format!("{longest}g"), false),
            ("nothing", "", false),
            ("a capital", "Gate", false),
            ("a way out", "../gate", false),
            ("a full stop", "gate.3", false),
            ("a space", "gate 3", false),
            ("Chinese", "三号", false),
            ("a hyphen first", "-gate", false),
            ("a hyphen last", "gate-", false),
        ];
        for (case, terminal, fits) in cases {
            let name = fits.then(|| format!("roster-{terminal}.bin"));
            assert_eq!(file_name(terminal), name, "{case}");
        }
    }
}
