//! Where people have been.

use std::cmp::Reverse;

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, day, instant};
use crate::{
    authority::{Authority, AuthorityError},
    clock::{Timestamp, shanghai_date},
    credential::{Travel, TravelLevel, Visit},
    id_document::NumberText,
    risk_area::{RiskAreas, RiskLevel},
};

/// The most visits that are held of one person: one county for each hour of the 14 days that count.
const MAX_VISITS: usize = 14 * 24;

/// What is known of where somebody has been.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TravelHistory {
    /// These visits and no others; none of them says that there were none.
    Known(Vec<Visit>),
    /// That it is not known.
    Unknown,
}

impl Authority {
    /// Says what is known, as of `now`, of where somebody has been; it replaces what was.
    ///
    /// # Errors
    ///
    /// [`TravelError`].
    pub fn set_travel(
        &mut self,
        number: &NumberText,
        history: &TravelHistory,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let (known, visits) = match history {
            TravelHistory::Known(visits) => (true, visits.as_slice()),
            TravelHistory::Unknown => (false, &[][..]),
        };
        if visits.len() > MAX_VISITS {
            return Err(TravelError::TooMany.into());
        }
        if let Some(Visit { area, .. }) = visits.iter().find(|visit| !has_six_digits(visit.area)) {
            return Err(TravelError::Area { area: *area }.into());
        }
        self.registers.change(|entries| {
            // Its visits go with the row that is replaced.
            entries.write("DELETE FROM travel WHERE number = ?1", [number.expose()])?;
            entries.write(
                "INSERT INTO travel (number, known, as_of) VALUES (?1, ?2, ?3)",
                params![number.expose(), known, now.timestamp()],
            )?;
            for Visit { area, last_day } in visits {
                entries.write(
                    "INSERT OR REPLACE INTO visit (number, area, last_day) VALUES (?1, ?2, ?3)",
                    params![number.expose(), area, last_day.to_string()],
                )?;
            }
            Ok(())
        })
    }
}

impl Entries<'_> {
    /// Where somebody has been, with the risk that `areas` gives it on the civil day of `now`;
    /// nothing if nothing is held.
    ///
    /// Visits before the list's window are left out, since no terminal would look at them. Of more
    /// than a code can hold, the riskiest are kept, and then the newest.
    pub(crate) fn travel(
        &self,
        number: &NumberText,
        areas: &RiskAreas,
        now: Timestamp,
    ) -> Result<Option<Travel>, RegisterError> {
        let held = self.first(
            "SELECT known, as_of FROM travel WHERE number = ?1 AND as_of <= ?2",
            params![number.expose(), now.timestamp()],
            |row| Ok((row.get::<_, bool>(0)?, instant(row, 1)?)),
        )?;
        let Some((known, as_of)) = held else { return Ok(None) };
        if !known {
            return Ok(Some(Travel { level: TravelLevel::Unknown, as_of, visits: Vec::new() }));
        }
        let today = shanghai_date(now);
        let visits = self.all(
            "SELECT area, last_day FROM visit WHERE number = ?1 ORDER BY area, last_day",
            [number.expose()],
            |row| Ok(Visit { area: row.get(0)?, last_day: day(row, 1)? }),
        )?;
        let mut visits: Vec<_> = visits
            .into_iter()
            .filter(|visit| {
                let days_ago = (today - visit.last_day).num_days();
                (0..=i64::from(areas.window_days)).contains(&days_ago)
            })
            .map(|visit| (areas.level(visit.area, visit.last_day, today), visit))
            .collect();
        visits.sort_by_key(|(level, visit)| Reverse((*level, visit.last_day)));
        visits.truncate(Travel::MAX_VISITS);
        let level = match visits.first().and_then(|(level, _)| *level) {
            None => TravelLevel::None,
            Some(RiskLevel::Medium) => TravelLevel::Medium,
            Some(RiskLevel::High) => TravelLevel::High,
        };
        let visits = visits.into_iter().map(|(_, visit)| visit).collect();
        Ok(Some(Travel { level, as_of, visits }))
    }
}

/// Whether `area` can be an area's number by GB/T 2260.
pub(super) fn has_six_digits(area: u32) -> bool {
    (100_000..=999_999).contains(&area)
}

/// Where somebody has been cannot be so.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TravelError {
    /// An area's number has not six digits.
    #[error("area {area} is not of six digits")]
    Area {
        /// The number given.
        area: u32,
    },

    /// There are more visits than anybody makes.
    #[error("more than {MAX_VISITS} visits are not held of one person")]
    TooMany,
}
