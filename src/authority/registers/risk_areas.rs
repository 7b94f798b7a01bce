//! The risk areas that the authority publishes.

use chrono::NaiveDate;
use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, day, meaning, parse_day, travel::has_six_digits, word};
use crate::{
    authority::{Authority, AuthorityError},
    risk_area::RiskArea,
};

impl Authority {
    /// Lists a risk area.
    ///
    /// # Errors
    ///
    /// [`RiskAreaError`].
    pub fn add_risk_area(&mut self, area: &RiskArea) -> Result<(), AuthorityError> {
        let RiskArea { area, level, from, to } = area;
        if !has_six_digits(*area) {
            return Err(RiskAreaError::Area { area: *area }.into());
        }
        if to.is_some_and(|to| to < *from) {
            return Err(RiskAreaError::EndsBeforeItBegins { area: *area }.into());
        }
        self.registers.change(|entries| {
            let added = entries.write(
                "INSERT OR IGNORE INTO risk_area (area, level, first_day, last_day)
                 VALUES (?1, ?2, ?3, ?4)",
                params![area, word(level), from.to_string(), to.map(|to| to.to_string())],
            )?;
            if added == 0 { Err(RiskAreaError::Listed { area: *area }.into()) } else { Ok(()) }
        })
    }

    /// Ends the listing of an area that had no end, with its last day.
    ///
    /// # Errors
    ///
    /// [`RiskAreaError`].
    pub fn lift_risk_area(&mut self, area: u32, last: NaiveDate) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let open = entries.all(
                "SELECT first_day FROM risk_area WHERE area = ?1 AND last_day IS NULL",
                [area],
                |row| day(row, 0),
            )?;
            if open.is_empty() {
                return Err(RiskAreaError::NotListed { area }.into());
            }
            if open.iter().any(|from| last < *from) {
                return Err(RiskAreaError::EndsBeforeItBegins { area }.into());
            }
            entries.write(
                "UPDATE risk_area SET last_day = ?2 WHERE area = ?1 AND last_day IS NULL",
                params![area, last.to_string()],
            )?;
            Ok(())
        })
    }
}

impl Entries<'_> {
    /// Every risk area, lifted or not.
    pub(crate) fn risk_areas(&self) -> Result<Vec<RiskArea>, RegisterError> {
        self.all(
            "SELECT area, level, first_day, last_day FROM risk_area
             ORDER BY area, first_day, level",
            [],
            |row| {
                let to: Option<String> = row.get(3)?;
                Ok(RiskArea {
                    area: row.get(0)?,
                    level: meaning(row, 1, "a risk")?,
                    from: day(row, 2)?,
                    to: to.map(|to| parse_day(&to)).transpose()?,
                })
            },
        )
    }
}

/// The list of risk areas does not allow what was asked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RiskAreaError {
    /// The number has not six digits.
    #[error("area {area} is not of six digits")]
    Area {
        /// The number given.
        area: u32,
    },

    /// The last day lies before the first.
    #[error("area {area} would end before it begins")]
    EndsBeforeItBegins {
        /// The area.
        area: u32,
    },

    /// It is listed at this level from this day on already.
    #[error("area {area} is listed from this day on already")]
    Listed {
        /// The area.
        area: u32,
    },

    /// It is not listed, or has been lifted.
    #[error("area {area} is not listed, or has its last day")]
    NotListed {
        /// The area.
        area: u32,
    },
}
