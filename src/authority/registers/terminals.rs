//! The terminals, and where each stands.

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, meaning};
use crate::{
    authority::{Authority, AuthorityError},
    language::Words,
    place::Gate,
    roster::{self, MAX_TERMINAL},
};

/// The longest name of a place or of a gate, in characters.
const MAX_NAME: usize = 64;

impl Authority {
    /// Puts a terminal down, or puts it where it stands now.
    ///
    /// # Errors
    ///
    /// [`TerminalError::Name`] and [`TerminalError::TerminalName`].
    pub fn put_terminal(&mut self, terminal: &str, gate: &Gate) -> Result<(), AuthorityError> {
        let Gate { place, name, gate } = gate;
        if roster::file_name(terminal).is_none() {
            return Err(TerminalError::TerminalName.into());
        }
        let texts = [&name.zh, &name.en, gate];
        if texts.into_iter().any(|text| !is_name(text)) {
            return Err(TerminalError::Name.into());
        }
        self.registers.change(|entries| {
            entries.write(
                "INSERT OR REPLACE INTO terminal (name, place, name_zh, name_en, gate)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![terminal, place.code(), name.zh, name.en, gate],
            )?;
            Ok(())
        })
    }

    /// Takes a terminal out of the register.
    ///
    /// # Errors
    ///
    /// [`TerminalError::Unknown`].
    pub fn remove_terminal(&mut self, terminal: &str) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            match entries.write("DELETE FROM terminal WHERE name = ?1", [terminal])? {
                0 => Err(TerminalError::Unknown.into()),
                _ => Ok(()),
            }
        })
    }

    /// The terminals, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`RegisterError`].
    pub fn terminals(&self) -> Result<Vec<(String, Gate)>, AuthorityError> {
        Ok(self.registers.entries().terminals()?)
    }

    /// Where a terminal stands.
    ///
    /// # Errors
    ///
    /// [`TerminalError::Unknown`].
    pub fn terminal(&self, terminal: &str) -> Result<Gate, AuthorityError> {
        let mut terminals = self.terminals()?.into_iter();
        let found = terminals.find(|(name, _)| name == terminal);
        found.map(|(_, gate)| gate).ok_or_else(|| TerminalError::Unknown.into())
    }
}

impl Entries<'_> {
    /// The terminals, in the order of their names.
    pub(crate) fn terminals(&self) -> Result<Vec<(String, Gate)>, RegisterError> {
        self.all(
            "SELECT name, place, name_zh, name_en, gate FROM terminal ORDER BY name",
            [],
            |row| {
                let place = meaning(row, 1, "place")?;
                let name = Words { zh: row.get(2)?, en: row.get(3)? };
                Ok((row.get(0)?, Gate { place, name, gate: row.get(4)? }))
            },
        )
    }
}

/// Whether a text can be a name: not empty, not long, and nothing that a screen would not show.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= MAX_NAME
        && !text.chars().any(char::is_control)
}

/// A terminal cannot be put down, or is not there.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TerminalError {
    /// A name is empty, too long, or has control characters.
    #[error("a name has 1 to {MAX_NAME} characters, and no control characters")]
    Name,

    /// The terminal's name cannot be part of a file's, by which its look-up extract is published.
    #[error(
        "a terminal's name has 1 to {MAX_TERMINAL} lower-case letters and digits, and hyphens \
         between them"
    )]
    TerminalName,

    /// There is none of this name.
    #[error("no terminal of that name is in the register")]
    Unknown,
}
