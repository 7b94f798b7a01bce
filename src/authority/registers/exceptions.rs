//! Exceptions: provinces whose codes are not recognised for a while, filed in advance.

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, instant, places, written_places};
use crate::{
    authority::{Authority, AuthorityError},
    issuer::IssuerId,
    language::Words,
    recognition::Exception,
};

impl Authority {
    /// Files an exception. Its `filed` is the instant at which that is done.
    ///
    /// # Errors
    ///
    /// [`ExceptionError`]; in advance means that it may begin when it is filed, and no sooner.
    pub fn file_exception(&mut self, exception: &Exception) -> Result<(), AuthorityError> {
        let Exception { issuer, places, from, to, filed, filing, instead } = exception;
        // Instants are kept to the second, so that is how they are compared.
        let (from, to, filed) = (from.timestamp(), to.timestamp(), filed.timestamp());
        if from < filed {
            return Err(ExceptionError::BackDated.into());
        }
        if to <= from {
            return Err(ExceptionError::EndsBeforeItBegins.into());
        }
        if filing.trim().is_empty() {
            return Err(ExceptionError::NoFiling.into());
        }
        if instead.zh.trim().is_empty() || instead.en.trim().is_empty() {
            return Err(ExceptionError::NoInstead.into());
        }
        if places.is_empty() {
            return Err(ExceptionError::NoPlaces.into());
        }
        if !issuer.is_province() {
            return Err(ExceptionError::NotAProvince { issuer: *issuer }.into());
        }
        self.registers.change(|entries| {
            let added = entries.write(
                "INSERT OR IGNORE INTO exception
                     (filing, issuer, places, from_at, to_at, filed_at, instead_zh, instead_en)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    filing.trim(),
                    issuer.number(),
                    written_places(places),
                    from,
                    to,
                    filed,
                    instead.zh,
                    instead.en
                ],
            )?;
            if added == 0 {
                return Err(ExceptionError::Filed { filing: filing.trim().to_owned() }.into());
            }
            Ok(())
        })
    }
}

impl Entries<'_> {
    /// Every exception, in force or not.
    pub(crate) fn exceptions(&self) -> Result<Vec<Exception>, RegisterError> {
        self.all(
            "SELECT filing, issuer, places, from_at, to_at, filed_at, instead_zh, instead_en
             FROM exception ORDER BY from_at, filing",
            [],
            |row| {
                Ok(Exception {
                    filing: row.get(0)?,
                    issuer: IssuerId::new(row.get(1)?),
                    places: places(row, 2)?,
                    from: instant(row, 3)?,
                    to: instant(row, 4)?,
                    filed: instant(row, 5)?,
                    instead: Words { zh: row.get(6)?, en: row.get(7)? },
                })
            },
        )
    }
}

/// An exception cannot be filed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ExceptionError {
    /// It would have begun before it was filed.
    #[error("an exception is filed in advance: it cannot begin before it is filed")]
    BackDated,

    /// It would be over when it begins, or before.
    #[error("an exception ends after it begins")]
    EndsBeforeItBegins,

    /// There is one under this number.
    #[error("an exception is filed as {filing} already")]
    Filed {
        /// The number.
        filing: String,
    },

    /// It has no number.
    #[error("an exception is filed under a number")]
    NoFiling,

    /// It does not say what is accepted instead, or in one language only.
    #[error("an exception says, in both languages, what is accepted instead")]
    NoInstead,

    /// It is for no kind of place.
    #[error("an exception is for one kind of place at least")]
    NoPlaces,

    /// What it is for is no province.
    #[error("{issuer} is no province of GB/T 2260 that an exception could be for")]
    NotAProvince {
        /// The number given.
        issuer: IssuerId,
    },
}
