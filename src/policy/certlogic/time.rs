//! Date-times: read from text, and moved by years, months, days, and hours.
//!
//! Moving is JavaScript's: a day that the month does not have runs over into the next, so a year
//! after 29 February is 1 March.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

/// By what a date-time is moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    Day,
    Hour,
    Month,
    Year,
}

impl Unit {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "day" => Self::Day,
            "hour" => Self::Hour,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }
}

/// Reads `YYYY`, `YYYY-MM`, or `YYYY-MM-DD` as midnight of the last day that it can mean.
pub(super) fn date(text: &str) -> Option<DateTime<Utc>> {
    Some(day(text)?.and_time(NaiveTime::MIN).and_utc())
}

/// Reads a [`date`], or `YYYY-MM-DDThh:mm:ss` with or without decimals of any number, of which
/// three count, and with or without `Z`, `±h`, `±hh`, `±hmm`, `±hhmm`, `±h:mm`, or `±hh:mm`.
pub(super) fn date_or_date_time(text: &str) -> Option<DateTime<Utc>> {
    let Some((day, rest)) = text.split_once('T') else {
        return date(text);
    };
    // A date-time names its day in full.
    let day = self::day(day).filter(|_| day.len() == 10)?;
    let (time, rest) = rest.split_at_checked(8)?;
    let (decimals, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|character: char| !character.is_ascii_digit());
            rest.split_at_checked(end.unwrap_or(rest.len()))
                .filter(|(digits, _)| !digits.is_empty())?
        }
        None => ("0", rest),
    };
    let milliseconds = number(format!("{decimals:0<3}").get(..3)?)?;
    let [hour, minute, second] = time_of_day(time)?;
    let local = day.and_hms_milli_opt(hour, minute, second, milliseconds)?;
    local.and_utc().checked_sub_signed(offset(zone)?)
}

/// Moves `time` by `amount` of `unit`; `None` where the calendar ends, some 262,000 years from now.
pub(super) fn moved(time: DateTime<Utc>, amount: i64, unit: Unit) -> Option<DateTime<Utc>> {
    match unit {
        Unit::Day => time.checked_add_signed(TimeDelta::try_days(amount)?),
        Unit::Hour => time.checked_add_signed(TimeDelta::try_hours(amount)?),
        Unit::Month => moved_by_months(time, amount),
        Unit::Year => moved_by_months(time, amount.checked_mul(12)?),
    }
}

fn moved_by_months(time: DateTime<Utc>, amount: i64) -> Option<DateTime<Utc>> {
    let months = i64::from(time.year()) * 12 + i64::from(time.month0());
    let months = months.checked_add(amount)?;
    let year = i32::try_from(months.div_euclid(12)).ok()?;
    let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let date = first.checked_add_days(Days::new(time.day0().into()))?;
    Some(date.and_time(time.time()).and_utc())
}

fn day(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = i32::try_from(digits(parts.next()?, 4)?).ok()?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let Some(month) = month else {
        return NaiveDate::from_ymd_opt(year, 12, 31);
    };
    let month = digits(month, 2)?;
    match day {
        Some(day) => NaiveDate::from_ymd_opt(year, month, digits(day, 2)?),
        None => {
            NaiveDate::from_ymd_opt(year, month, 1)?.checked_add_months(Months::new(1))?.pred_opt()
        }
    }
}

fn time_of_day(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(':');
    let time = [parts.next()?, parts.next()?, parts.next()?].map(|part| digits(part, 2));
    let [Some(hour), Some(minute), Some(second)] = time else {
        return None;
    };
    parts.next().is_none().then_some([hour, minute, second])
}

/// How far a zone is ahead of UTC. No zone is UTC.
fn offset(zone: &str) -> Option<TimeDelta> {
    if matches!(zone, "" | "Z") {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() <= 2 => (rest, "00"),
        None => rest.split_at_checked(rest.len() - 2)?,
    };
    let hours = if hours.len() == 1 { digits(hours, 1)? } else { digits(hours, 2)? };
    let minutes = digits(minutes, 2)?;
    let minutes = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
    TimeDelta::try_minutes(sign * i64::from(minutes))
}

/// The number that exactly `length` digits write.
fn digits(text: &str, length: usize) -> Option<u32> {
    if text.len() == length { number(text) } else { None }
}

fn number(text: &str) -> Option<u32> {
    // `parse` alone would take a sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
