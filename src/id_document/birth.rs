//! The birth date in a number, whole or as far as it has been typed.

use chrono::{Datelike, NaiveDate};
use zeroize::Zeroizing;

use super::NumberError;

/// The first year of which a birth is believed.
///
/// GB 11643-1999 gives a number of 1880 as its example; nobody who was born in the century before
/// has lived to be given one.
const FIRST_YEAR: i32 = 1800;

/// The day that the digits `yyyymmdd` name, once all are there; what is wrong, as soon as no digits
/// behind them could name a day of the calendar that is neither too early nor later than `today`.
pub(super) fn day(digits: &[u8], today: NaiveDate) -> Result<Option<NaiveDate>, NumberError> {
    let (year, month_and_day) = digits.split_at(digits.len().min(4));
    let missing = (year.len()..4).fold(1, |places, _| places * 10);
    let first = year.iter().fold(0, |value, digit| value * 10 + i32::from(digit & 0x0F)) * missing;
    if first + missing <= FIRST_YEAR {
        return Err(NumberError::BirthTooEarly);
    }
    if first > today.year() {
        return Err(NumberError::BirthInFuture);
    }
    if month_and_day.is_empty() {
        return Ok(None);
    }
    let days = NaiveDate::from_yo_opt(first, 1).into_iter().flat_map(|day| day.iter_days());
    let mut days = days.take_while(|day| day.year() == first);
    match days.find(|day| written(*day).starts_with(month_and_day)) {
        None => Err(NumberError::BirthDate),
        Some(earliest) if earliest > today => Err(NumberError::BirthInFuture),
        Some(only) if digits.len() == 8 => Ok(Some(only)),
        Some(_) => Ok(None),
    }
}

/// The same of `yymmdd`, in the first of `centuries` in which it can be.
pub(super) fn day_in(
    centuries: &[i32],
    digits: &[u8],
    today: NaiveDate,
) -> Result<Option<NaiveDate>, NumberError> {
    let mut outcome = Err(NumberError::BirthDate);
    for century in centuries {
        let century = [century / 10, century % 10].map(|digit| u8::try_from(digit).unwrap_or(0));
        outcome = day(&Zeroizing::new([&century, digits].concat()), today);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// The centuries that two digits of a year can be of, the present one first: somebody who can have
/// been born in either counts as the younger.
pub(super) fn living(today: NaiveDate) -> [i32; 2] {
    let century = today.year() / 100;
    [century, century - 1]
}

/// A day's digits `mmdd`.
fn written(day: NaiveDate) -> [u8; 4] {
    [day.month() / 10, day.month() % 10, day.day() / 10, day.day() % 10]
        .map(|digit| b'0' | u8::try_from(digit).unwrap_or(0))
}
