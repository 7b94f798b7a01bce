//! Nucleic-acid tests, in their national and their municipal store, and vaccinations.

use rusqlite::{Row, params};
use thiserror::Error;

use super::{Entries, RegisterError, day, instant, meaning, word};
use crate::{
    authority::{Authority, AuthorityError},
    clock::{Timestamp, shanghai_date},
    credential::{Nat, NatOutcome, NatResult, Vaccination},
    id_document::NumberText,
};

/// The most doses of one person: more than any schedule has, and few enough to be no slip.
const MAX_DOSES: u64 = 20;

impl Authority {
    /// Takes a test into the store that its source names. What is there already stays: a result
    /// never takes another's place.
    ///
    /// # Errors
    ///
    /// [`MedicalError::OutOfOrder`] unless it was sampled, reported, and uploaded in this order.
    pub fn record_nat(&mut self, number: &NumberText, nat: &Nat) -> Result<(), AuthorityError> {
        let Nat { source, sampled, outcome } = nat;
        let (result, times) = match *outcome {
            NatOutcome::Pending => ("pending".to_owned(), None),
            NatOutcome::Known { result, reported, uploaded } => {
                if *sampled > reported || reported > uploaded {
                    return Err(MedicalError::OutOfOrder.into());
                }
                (word(result), Some((reported.timestamp(), uploaded.timestamp())))
            }
        };
        self.registers.change(|entries| {
            entries.write(
                "INSERT OR REPLACE INTO nat (number, source, sampled, result, reported, uploaded)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    number.expose(),
                    word(source),
                    sampled.timestamp(),
                    result,
                    times.map(|(reported, _)| reported),
                    times.map(|(_, uploaded)| uploaded),
                ],
            )?;
            Ok(())
        })
    }

    /// Takes down a vaccination.
    ///
    /// # Errors
    ///
    /// [`MedicalError::Doses`] for none, or more than 20.
    pub fn record_vaccination(
        &mut self,
        number: &NumberText,
        vaccination: Vaccination,
    ) -> Result<(), AuthorityError> {
        let Vaccination { doses, day } = vaccination;
        if !(1..=MAX_DOSES).contains(&doses) {
            return Err(MedicalError::Doses { doses }.into());
        }
        self.registers.change(|entries| {
            entries.write(
                "INSERT OR REPLACE INTO vaccination (number, day, doses) VALUES (?1, ?2, ?3)",
                params![number.expose(), day.to_string(), doses.cast_signed()],
            )?;
            Ok(())
        })
    }
}

impl Entries<'_> {
    /// The test that counts at `now`.
    ///
    /// Of all results of both stores that were uploaded by then, the one sampled last: so a later
    /// positive overrides an earlier negative. Of two sampled at the same instant a positive
    /// counts, else the one uploaded last. A test without a result counts only if there is none
    /// with one.
    pub(crate) fn nat(
        &self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<Option<Nat>, RegisterError> {
        let counts = "SELECT source, sampled, result, reported, uploaded FROM nat
             WHERE number = ?1 AND sampled <= ?2 AND coalesce(uploaded, ?2) <= ?2
             ORDER BY result = 'pending', sampled DESC, result = 'positive' DESC, uploaded DESC,
                      source
             LIMIT 1";
        self.first(counts, params![number.expose(), now.timestamp()], read_nat)
    }

    /// The newest vaccination up to the civil day of `now`.
    pub(crate) fn vaccination(
        &self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<Option<Vaccination>, RegisterError> {
        self.first(
            "SELECT doses, day FROM vaccination WHERE number = ?1 AND day <= ?2
             ORDER BY day DESC LIMIT 1",
            params![number.expose(), shanghai_date(now).to_string()],
            |row| {
                Ok(Vaccination { doses: row.get::<_, i64>(0)?.cast_unsigned(), day: day(row, 1)? })
            },
        )
    }
}

fn read_nat(row: &Row<'_>) -> Result<Nat, RegisterError> {
    let result: String = row.get(2)?;
    let outcome = if result == "pending" {
        NatOutcome::Pending
    } else {
        let result: NatResult = meaning(row, 2, "a test's result")?;
        NatOutcome::Known { result, reported: instant(row, 3)?, uploaded: instant(row, 4)? }
    };
    Ok(Nat { source: meaning(row, 0, "a test's source")?, sampled: instant(row, 1)?, outcome })
}

/// A test or a vaccination cannot be so.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum MedicalError {
    /// The number of doses cannot be.
    #[error("{doses} is no number of doses: 1 to {MAX_DOSES}")]
    Doses {
        /// The number given.
        doses: u64,
    },

    /// The three instants of a test do not follow each other.
    #[error("a test is sampled first, then reported, then uploaded")]
    OutOfOrder,
}
