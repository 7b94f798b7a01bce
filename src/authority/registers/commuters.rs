//! The commuter register: who lives around the capital and commutes there.

use chrono::NaiveDate;
use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, day};
use crate::{
    authority::{Authority, AuthorityError},
    clock::{Timestamp, shanghai_date},
    id_document::NumberText,
    issuer::IssuerId,
};

/// For which days somebody is a registered commuter, in the civil time of Asia/Shanghai.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Enrolment {
    /// The province they live in.
    pub home: IssuerId,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: NaiveDate,
}

impl Authority {
    /// Enrols a commuter; an earlier enrolment is replaced.
    ///
    /// # Errors
    ///
    /// [`CommuterError`].
    pub fn enrol_commuter(
        &mut self,
        number: &NumberText,
        enrolment: Enrolment,
    ) -> Result<(), AuthorityError> {
        let Enrolment { home, from, until } = enrolment;
        if !home.is_province() {
            return Err(CommuterError::NotAProvince { home }.into());
        }
        if until < from {
            return Err(CommuterError::EndsBeforeItBegins.into());
        }
        self.registers.change(|entries| {
            entries.write(
                "INSERT OR REPLACE INTO commuter (number, home, first_day, last_day)
                 VALUES (?1, ?2, ?3, ?4)",
                params![number.expose(), home.number(), from.to_string(), until.to_string()],
            )?;
            Ok(())
        })
    }

    /// Sets the last day of an enrolment, sooner or later than it was.
    ///
    /// # Errors
    ///
    /// [`CommuterError`].
    pub fn expire_commuter(
        &mut self,
        number: &NumberText,
        until: NaiveDate,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let from = entries.first(
                "SELECT first_day FROM commuter WHERE number = ?1 AND withdrawn_at IS NULL",
                [number.expose()],
                |row| day(row, 0),
            )?;
            if until < from.ok_or(CommuterError::NotEnrolled)? {
                return Err(CommuterError::EndsBeforeItBegins.into());
            }
            entries.write(
                "UPDATE commuter SET last_day = ?2 WHERE number = ?1",
                params![number.expose(), until.to_string()],
            )?;
            Ok(())
        })
    }

    /// Withdraws an enrolment: no code issued from `now` on has the claim.
    ///
    /// # Errors
    ///
    /// [`CommuterError::NotEnrolled`].
    pub fn withdraw_commuter(
        &mut self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let withdrawn = entries.write(
                "UPDATE commuter SET withdrawn_at = ?2
                 WHERE number = ?1 AND withdrawn_at IS NULL",
                params![number.expose(), now.timestamp()],
            )?;
            if withdrawn == 0 { Err(CommuterError::NotEnrolled.into()) } else { Ok(()) }
        })
    }
}

impl Entries<'_> {
    /// The home province of a commuter who is enrolled on the civil day of `now`.
    pub(crate) fn commuter_home(
        &self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<Option<IssuerId>, RegisterError> {
        self.first(
            "SELECT home FROM commuter
             WHERE number = ?1 AND first_day <= ?2 AND ?2 <= last_day
               AND (withdrawn_at IS NULL OR withdrawn_at > ?3)",
            params![number.expose(), shanghai_date(now).to_string(), now.timestamp()],
            |row| Ok(IssuerId::new(row.get(0)?)),
        )
    }
}

/// The commuter register does not allow what was asked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CommuterError {
    /// The last day lies before the first.
    #[error("an enrolment cannot end before it begins")]
    EndsBeforeItBegins,

    /// The home is no province.
    #[error("{home} is no province of GB/T 2260 that a commuter could live in")]
    NotAProvince {
        /// The number given.
        home: IssuerId,
    },

    /// Nobody is enrolled under this number.
    #[error("nobody is enrolled as a commuter under this number")]
    NotEnrolled,
}
