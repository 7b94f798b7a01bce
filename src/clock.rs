//! The present: the one place that reads the system's clock.
//!
//! Everything else takes `now` as its last argument. A reading is believed only down to a floor,
//! the latest instant that is known to have passed; below it the clock is wrong, and
//! [`decision`](crate::decision) refers everybody until it is set.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// An instant.
pub type Timestamp = DateTime<Utc>;

/// How far below its floor a reading may lie before the clock counts as wrong.
///
/// Machines that set their clocks from each other differ by seconds; two minutes leave room for
/// that and none for a code that has expired. Source: REQUIREMENTS, section 3.
pub const FLOOR_TOLERANCE: TimeDelta = TimeDelta::seconds(120);

/// Reads the system's clock, to the second.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
#[must_use]
pub fn now() -> Timestamp {
    let reading = Utc::now();
    Timestamp::from_timestamp(reading.timestamp(), 0).unwrap_or(reading)
}

/// The latest instant that is known to have passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Floor(Timestamp);

impl Floor {
    /// A floor that nothing has raised yet.
    pub const LOWEST: Self = Self(Timestamp::UNIX_EPOCH);

    /// The floor raised to `instant`, or as it is if that is earlier.
    #[must_use]
    pub fn raised_to(self, instant: Timestamp) -> Self {
        Self(self.0.max(instant))
    }

    /// The instant itself.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        self.0
    }

    /// Whether `now` lies so far below the floor that the clock must be wrong.
    #[must_use]
    pub fn is_above(self, now: Timestamp) -> bool {
        now < self.0 - FLOOR_TOLERANCE
    }
}

/// The instant in the civil time of Asia/Shanghai, whatever zone the machine is set to.
///
/// China has kept UTC+8 without summer time since 1991, before any code was issued.
#[must_use]
pub fn in_shanghai(instant: Timestamp) -> DateTime<FixedOffset> {
    const SHANGHAI: FixedOffset =
        FixedOffset::east_opt(8 * 3600).expect("eight hours are less than a day");
    instant.with_timezone(&SHANGHAI)
}

/// The civil date in Asia/Shanghai.
#[must_use]
pub fn shanghai_date(instant: Timestamp) -> NaiveDate {
    in_shanghai(instant).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_is_wrong_from_two_minutes_below_the_floor() {
        let floor = Floor::LOWEST.raised_to(at("2021-11-20T00:00:00Z"));
        let cases = [
            ("above", "2021-11-20T00:00:01Z", false),
            ("last good second", "2021-11-19T23:58:00Z", false),
            ("first wrong second", "2021-11-19T23:57:59Z", true),
        ];
        for (name, now, wrong) in cases {
            assert_eq!(floor.is_above(at(now)), wrong, "{name}");
        }
    }

    #[test]
    fn a_floor_only_rises() {
        let late = Floor::LOWEST.raised_to(at("2021-11-20T00:00:00Z"));
        assert_eq!(late.raised_to(at("2021-11-19T00:00:00Z")), late);
    }

    #[test]
    fn the_civil_day_changes_at_midnight_in_shanghai() {
        let cases = [
            ("2021-11-20T15:59:59Z", "2021-11-20"),
            ("2021-11-20T16:00:00Z", "2021-11-21"),
            ("2021-11-21T00:10:00+08:00", "2021-11-21"),
        ];
        for (instant, date) in cases {
            assert_eq!(shanghai_date(at(instant)).to_string(), date, "{instant}");
        }
    }
}
