//! How often somebody may be looked up, and by whom.

use chrono::{NaiveDate, TimeDelta};
use thiserror::Error;

use super::{Refused, Shift, Task};
use crate::{
    audit::{Consent, DeskAct, Event, Found, StaffNumber},
    clock::{Timestamp, shanghai_date},
    credential::CodeDigest,
};

/// The least time between two look-ups. Source: TRUST, section 3.
pub const LOOK_UP_EVERY: TimeDelta = TimeDelta::seconds(3);

/// The most look-ups of one operator on a civil day: one a minute for a shift of eight hours is 480.
/// Who wants more is not at a desk.
pub const LOOK_UPS_A_DAY: u32 = 500;

/// Lets nobody be looked up but in a shift, with consent, and at the pace of a desk.
///
/// It belongs to a lane, and outlives its shifts: signing out and in again makes nothing faster.
#[derive(Clone, Debug, Default)]
pub struct LookUpGuard {
    last: Option<Timestamp>,
    made: Option<Made>,
}

/// How many look-ups an operator made on a day.
#[derive(Clone, Debug)]
struct Made {
    by: StaffNumber,
    day: NaiveDate,
    count: u32,
}

impl LookUpGuard {
    /// Allows one look-up to who is on duty, and counts it whatever comes of it. `made_today` is what
    /// the store counts of the operator's look-ups on the civil day of `now`, since another lane may
    /// have made some.
    ///
    /// # Errors
    ///
    /// [`LookUpRefused`].
    pub fn allow(
        &mut self,
        shift: &Shift,
        consent: Consent,
        made_today: u32,
        now: Timestamp,
    ) -> Result<LookUp, LookUpRefused> {
        let by = shift.on_duty_for(Task::LookUp)?.number.clone();
        if let Some(last) = self.last {
            // A clock that was set back lets nobody be faster, and nobody wait for long.
            let last = last.min(now);
            self.last = Some(last);
            if now - last < LOOK_UP_EVERY {
                return Err(LookUpRefused::TooSoon { until: last + LOOK_UP_EVERY });
            }
        }
        let day = shanghai_date(now);
        let own = self.made.as_ref().filter(|made| made.by == by && made.day == day);
        let count = own.map_or(0, |made| made.count).max(made_today);
        if count >= LOOK_UPS_A_DAY {
            return Err(LookUpRefused::TooMany);
        }
        self.last = Some(now);
        self.made = Some(Made { by: by.clone(), day, count: count + 1 });
        Ok(LookUp { by, consent })
    }
}

/// One look-up that may be made.
#[derive(Debug)]
#[must_use]
pub struct LookUp {
    by: StaffNumber,
    consent: Consent,
}

impl LookUp {
    /// What is recorded of it, before its result is shown.
    #[must_use]
    pub fn done(self, document: CodeDigest, found: Found) -> Event {
        let act = DeskAct::LookedUp { consent: self.consent, document, found };
        Event::Desk { by: Some(self.by), act }
    }
}

/// Nobody is looked up now.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LookUpRefused {
    /// Nobody is on duty who may.
    #[error(transparent)]
    Refused(#[from] Refused),

    /// The operator has made as many as there are in a day.
    #[error("no more than {LOOK_UPS_A_DAY} look-ups a day [S21]")]
    TooMany,

    /// The one before is not long enough ago.
    #[error("one look-up in {} seconds [S22]", LOOK_UP_EVERY.num_seconds())]
    TooSoon {
        /// From when on another may be made.
        until: Timestamp,
    },
}
