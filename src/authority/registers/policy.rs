//! The policy pack in force.

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError};
use crate::{
    authority::{
        Authority, AuthorityError,
        golden::{self, Failure, GoldenError},
    },
    clock::Timestamp,
    document::DocumentError,
    policy::Policy,
};

impl Authority {
    /// Puts a policy pack in force if it says what its golden cases expect: from now on it is
    /// published, byte for byte. The pack that is in force already can be given again, and nothing
    /// changes.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn set_policy(&mut self, bytes: &[u8], cases: &[u8]) -> Result<(), AuthorityError> {
        let Policy { version, issued, .. } = accept(bytes, cases)?;
        self.registers.change(|entries| {
            let held = entries.policy()?;
            if held.as_deref() == Some(bytes) {
                return Ok(());
            }
            let before = entries.policy_version()?;
            if version <= before {
                return Err(PolicyError::LowerVersion { version, before }.into());
            }
            let before = entries.policy_date()?;
            if issued < before {
                return Err(PolicyError::EarlierDate { issued, before }.into());
            }
            entries.policy_published(issued)?;
            entries.write(
                "INSERT OR REPLACE INTO policy (id, version, bytes) VALUES (1, ?1, ?2)",
                params![version.cast_signed(), bytes],
            )?;
            Ok(())
        })
    }
}

/// Reads a pack that may come into force, and asks of it all that is asked of one before.
fn accept(bytes: &[u8], cases: &[u8]) -> Result<Policy, PolicyError> {
    let policy = Policy::parse(bytes)?;
    let failures = golden::check(bytes, cases)?.failures;
    if failures.is_empty() { Ok(policy) } else { Err(PolicyError::Failures { failures }) }
}

impl Entries<'_> {
    /// The pack in force, if one has been put there.
    pub(crate) fn policy(&self) -> Result<Option<Vec<u8>>, RegisterError> {
        self.first("SELECT bytes FROM policy", [], |row| Ok(row.get(0)?))
    }

    /// The highest version of a policy that terminals may have: before the first pack the usual
    /// policy is published, with the version of the lists beside it.
    fn policy_version(&self) -> Result<u64, RegisterError> {
        let version: Option<i64> = self.first(
            "SELECT coalesce((SELECT version FROM policy), (SELECT version FROM published))",
            [],
            |row| Ok(row.get(0)?),
        )?;
        Ok(version.unwrap_or_default().cast_unsigned())
    }

    /// The date of the newest policy that terminals may have.
    fn policy_date(&self) -> Result<Timestamp, RegisterError> {
        let date = self.first("SELECT policy_issued FROM published", [], |row| Ok(row.get(0)?))?;
        let date = date.and_then(|date| Timestamp::from_timestamp(date, 0));
        date.ok_or(RegisterError::Content { what: "a date" })
    }

    /// Remembers that terminals may have a policy of that date.
    pub(crate) fn policy_published(&self, issued: Timestamp) -> Result<(), RegisterError> {
        self.write(
            "UPDATE published SET policy_issued = max(policy_issued, ?1)",
            params![issued.timestamp()],
        )?;
        Ok(())
    }

    /// Counts the versions of the lists on by one, and says which the next is.
    pub(crate) fn next_version(&self) -> Result<u64, RegisterError> {
        let version: Option<i64> = self.first(
            "UPDATE published SET version = version + 1 RETURNING version",
            [],
            |row| Ok(row.get(0)?),
        )?;
        version.map(i64::cast_unsigned).ok_or(RegisterError::Content { what: "a version" })
    }
}

/// A policy pack cannot be put in force.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is no policy.
    #[error("not a policy: {0}")]
    Document(#[from] DocumentError),

    /// Terminals may have one that was issued later, and would refuse it.
    #[error("issued at {issued}, before {before}, the date of one that terminals may have")]
    EarlierDate {
        /// Its date.
        issued: Timestamp,
        /// The date before.
        before: Timestamp,
    },

    /// It does not say what its golden cases expect.
    #[error("{} of the golden cases came out otherwise:\n{}", failures.len(), golden::lines(failures))]
    Failures {
        /// Those cases.
        failures: Vec<Failure>,
    },

    /// Its golden cases cannot be run.
    #[error(transparent)]
    Golden(#[from] GoldenError),

    /// Terminals may have another of this version, or a higher one, and would refuse it.
    #[error("version {version} is not higher than {before}, which terminals may have")]
    LowerVersion {
        /// Its version.
        version: u64,
        /// The version before.
        before: u64,
    },
}
