//! The present: the one place that reads the system's clock.
//!
//! Everything else takes `now` as its last argument. A reading is believed only down to a floor,
//! the latest instant that is known to have passed; below it the clock is wrong, and
//! [`decision`](crate::decision) refers everybody until it is set.

use std::fs;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// An instant.
pub type Timestamp = DateTime<Utc>;

/// How far below its floor a reading may lie before the clock counts as wrong.
///
/// Machines that set their clocks from each other differ by seconds; two minutes leave room for
/// that and none for a code that has expired. Source: REQUIREMENTS, section 3.
pub const FLOOR_TOLERANCE: TimeDelta = TimeDelta::seconds(120);

/// Reads the system's clock, to the millisecond.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
#[must_use]
pub fn now() -> Timestamp {
    let reading = Utc::now();
    Timestamp::from_timestamp_millis(reading.timestamp_millis()).unwrap_or(reading)
}

/// When this program was built: the present is never before.
///
/// `SOURCE_DATE_EPOCH` in the build's environment says another instant, so that a build can be
/// reproduced.
#[must_use]
pub fn built() -> Timestamp {
    let seconds = env!("GREENGATE_BUILT").parse().ok();
    seconds.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)).unwrap_or_default()
}

/// Reads how long the machine has been up; nothing where the system does not say.
///
/// The kernel counts `/proc/uptime` by `CLOCK_BOOTTIME`.
#[must_use]
pub fn uptime() -> Option<Uptime> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let seconds = fs::read_to_string("/proc/uptime").ok()?;
    let seconds = seconds.split(['.', ' ']).next()?.parse().ok()?;
    Some(Uptime { boot: boot.trim().to_owned(), seconds })
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

    /// How far a clock can be believed that reads `now`, when nothing else is known of it.
    #[must_use]
    pub fn believes(self, now: Timestamp) -> ClockState {
        if self.is_above(now) {
            ClockState::Behind
        } else if now - self.0 > FIRST_JUMP {
            ClockState::Unverified
        } else {
            ClockState::Good
        }
    }

    /// Whether `now` lies so far below the floor that the clock must be wrong.
    #[must_use]
    pub fn is_above(self, now: Timestamp) -> bool {
        now < self.0 - FLOOR_TOLERANCE
    }
}

/// How far a clock may be ahead of what is expected of it before it is believed less.
///
/// Source: REQUIREMENTS, section 3.
pub const JUMP: TimeDelta = TimeDelta::hours(12);

/// How far a clock that has never been believed may be ahead of the floor: as long as lists may be on
/// their way to a new terminal, and count at all by the usual policy.
pub const FIRST_JUMP: TimeDelta = TimeDelta::days(7);

/// How far the clock can be believed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClockState {
    /// It reads what is expected of it, or later by less than [`JUMP`].
    #[default]
    Good,
    /// It has jumped ahead, and nothing that is signed has said so. Decisions go on; what it reads
    /// raises no floor, so that a wild reading locks nobody out once it is set right.
    Unverified,
    /// It is behind what has certainly passed: nobody passes.
    Behind,
}

impl ClockState {
    /// The name that records use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unverified => "unverified",
            Self::Behind => "behind",
        }
    }
}

/// A reading that was good, and how long the machine had been up by then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The reading.
    pub at: Timestamp,
    /// When the machine was up.
    pub up: Uptime,
}

/// How long the machine has been up, asleep or not, which no setting of the clock changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uptime {
    /// Which start of the machine it counts from.
    pub boot: String,
    /// Seconds since then.
    pub seconds: i64,
}

impl Anchor {
    /// How far a clock can be believed that reads `now` when the machine has been up for `up`.
    ///
    /// Since one start of the machine it is known how much time has passed. Over a restart it is
    /// not: then half a day is a jump, be it of the clock or of a machine that was switched off.
    #[must_use]
    pub fn believes(&self, up: &Uptime, floor: Floor, now: Timestamp) -> ClockState {
        let passed = if up.boot == self.up.boot { up.seconds - self.up.seconds } else { 0 };
        let expected = self.at + TimeDelta::seconds(passed.max(0));
        if floor.is_above(now) {
            ClockState::Behind
        } else if now - expected > JUMP {
            ClockState::Unverified
        } else {
            ClockState::Good
        }
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
    fn a_clock_is_believed_as_far_as_the_machine_has_been_up() {
        let up = |boot: &str, seconds| Uptime { boot: boot.to_owned(), seconds };
        let anchor = Anchor { at: at("2021-11-20T00:00:00Z"), up: up("a", 100) };
        let floor = Floor::LOWEST.raised_to(at("2021-11-20T00:00:00Z"));
        let cases = [
            ("a day on", up("a", 86_500), "2021-11-21T00:00:00Z", ClockState::Good),
            ("half a day ahead", up("a", 100), "2021-11-20T12:00:00Z", ClockState::Good),
            ("a second more", up("a", 100), "2021-11-20T12:00:01Z", ClockState::Unverified),
            ("ten years on", up("a", 200), "2031-11-20T00:00:00Z", ClockState::Unverified),
            ("set right again", up("a", 200), "2021-11-20T00:01:40Z", ClockState::Good),
            ("two minutes back", up("a", 100), "2021-11-19T23:58:00Z", ClockState::Good),
            ("an hour back", up("a", 100), "2021-11-19T23:00:00Z", ClockState::Behind),
            ("1970", up("b", 5), "1970-01-01T00:00:05Z", ClockState::Behind),
            ("after a restart", up("b", 5), "2021-11-20T11:00:00Z", ClockState::Good),
            (
                "switched off over a weekend",
                up("b", 5),
                "2021-11-22T00:00:00Z",
                ClockState::Unverified,
            ),
        ];
        for (name, up, now, expected) in cases {
            assert_eq!(anchor.believes(&up, floor, at(now)), expected, "{name}");
        }
    }

    #[test]
    fn a_clock_that_was_never_believed_may_be_a_week_ahead_of_what_is_signed() {
        let floor = Floor::LOWEST.raised_to(at("2021-11-20T00:00:00Z"));
        let cases = [
            ("two minutes back", "2021-11-19T23:58:00Z", ClockState::Good),
            ("more", "2021-11-19T23:57:59Z", ClockState::Behind),
            ("a week ahead", "2021-11-27T00:00:00Z", ClockState::Good),
            ("more", "2021-11-27T00:00:01Z", ClockState::Unverified),
        ];
        for (name, now, expected) in cases {
            assert_eq!(floor.believes(at(now)), expected, "{name}");
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
