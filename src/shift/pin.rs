//! PINs: what one may be, how it is kept, and how long a mistake costs.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{CustomizedPasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use chrono::TimeDelta;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{audit::StaffNumber, clock::Timestamp};

/// The fewest digits of a PIN. With [`BACKOFF_CAP`] a thief has 96 tries a day, and needs 14 years
/// for half of all that have six.
pub const MIN_DIGITS: usize = 6;

/// The most digits of a PIN.
pub const MAX_DIGITS: usize = 12;

/// The most characters of a hash in PHC form; ours have 97.
const MAX_HASH: usize = 256;

/// The most memory that a kept hash may ask for, in KiB: it comes from the disk.
const MAX_MEMORY_KIB: u32 = 256 << 10;

/// The most passes that a kept hash may ask for.
const MAX_PASSES: u32 = 16;

/// Bytes of salt, as RFC 9106, section 3.1, recommends.
const SALT_BYTES: usize = 16;

/// How long an operator waits after the first mistaken PIN; twice as long after each further.
pub const BACKOFF_FIRST: TimeDelta = TimeDelta::seconds(1);

/// The longest wait: a shift can go on, and guessing cannot.
pub const BACKOFF_CAP: TimeDelta = TimeDelta::minutes(15);

/// A PIN that may be one. It has no `Display`, its debugging form does not show it, and it is wiped
/// from memory when it is dropped.
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Reads a PIN as somebody entered it, to be compared with one that is kept.
    ///
    /// # Errors
    ///
    /// [`PinError::Form`].
    pub fn entered(text: &str) -> Result<Self, PinError> {
        let fits = (MIN_DIGITS..=MAX_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(PinError::Form) }
    }

    /// Reads a PIN that is to be `staff`'s from now on. It is not one that is tried first: a run
    /// such as 123456, up to three digits over and over, or the staff number.
    ///
    /// # Errors
    ///
    /// [`PinError`].
    pub fn chosen(text: &str, staff: &StaffNumber) -> Result<Self, PinError> {
        let pin = Self::entered(text)?;
        let digits = text.as_bytes();
        let is_run = |next: fn(u8) -> u8| {
            digits.windows(2).all(|pair| matches!(pair, [one, other] if next(*one) == *other))
        };
        let repeats =
            |length: usize| digits.iter().zip(digits.iter().skip(length)).all(|(a, b)| a == b);
        let is_trivial = is_run(|digit| digit.saturating_add(1))
            || is_run(|digit| digit.saturating_sub(1))
            || (1..=3).any(repeats)
            || text == staff.as_str();
        if is_trivial { Err(PinError::Trivial) } else { Ok(pin) }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pin(..)")
    }
}

/// What it costs to try a PIN, with Argon2id on one lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PinCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PinCost {
    /// 19 MiB and two passes, some 24 ms. Source: TRUST, section 3.
    pub const USUAL: Self = Self { memory_kib: 19 << 10, passes: 2 };
}

/// A PIN as it is kept: Argon2id ([RFC 9106]) in the PHC string form, with a salt of its own.
///
/// [RFC 9106]: https://www.rfc-editor.org/rfc/rfc9106
#[derive(Clone, Eq, PartialEq)]
pub struct PinHash(String);

impl PinHash {
    /// The hash of `pin`.
    ///
    /// # Errors
    ///
    /// [`PinHashError::Random`] if the system has no random numbers, [`PinHashError::Form`] if there
    /// is no hash of this cost.
    pub fn of(pin: &Pin, PinCost { memory_kib, passes }: PinCost) -> Result<Self, PinHashError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| PinHashError::Random)?;
        let params = Params::new(memory_kib, passes, 1, None).map_err(|_| PinHashError::Form)?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let hash = hasher.hash_password_with_params(pin.0.as_bytes(), &salt, params);
        Ok(Self(hash.map_err(|_| PinHashError::Form)?.to_string()))
    }

    /// Reads a hash that was kept, and refuses one that would cost more than any of ours.
    ///
    /// # Errors
    ///
    /// [`PinHashError::Form`].
    pub fn parse(text: &str) -> Result<Self, PinHashError> {
        if text.len() > MAX_HASH {
            return Err(PinHashError::Form);
        }
        let hash = PasswordHash::new(text).map_err(|_| PinHashError::Form)?;
        let params = Params::try_from(&hash).map_err(|_| PinHashError::Form)?;
        let fits = hash.algorithm.as_str() == "argon2id"
            && hash.hash.is_some()
            && params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() == 1;
        if fits { Ok(Self(text.to_owned())) } else { Err(PinHashError::Form) }
    }

    /// The PHC string, to be kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the hash of `pin`. What cannot be compared is not.
    pub(super) fn is_of(&self, pin: &Pin) -> bool {
        let hash = PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| Argon2::default().verify_password(pin.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PinHash(..)")
    }
}

/// How often in a row an operator's PIN was mistaken, and until when no more is tried. It is kept
/// with the operator, so that a restart forgives nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Backoff {
    /// How often in a row.
    pub failed: u32,
    /// Until when, if there was a mistake.
    pub until: Option<Timestamp>,
}

impl Backoff {
    /// Until when no PIN is tried, if it is not the time now. A clock that was set back does not
    /// make it longer than [`BACKOFF_CAP`].
    #[must_use]
    pub fn blocks(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.map(|until| until.min(now + BACKOFF_CAP)).filter(|until| now < *until)
    }

    /// After one more mistake: 1 s, 2 s, 4 s, … and at most [`BACKOFF_CAP`].
    #[must_use]
    pub fn after_mistake(self, now: Timestamp) -> Self {
        let failed = self.failed.saturating_add(1);
        let doubled = 1_i32.checked_shl(failed - 1).filter(|times| *times > 0);
        let wait = doubled.map_or(BACKOFF_CAP, |times| (BACKOFF_FIRST * times).min(BACKOFF_CAP));
        Self { failed, until: Some(now + wait) }
    }
}

/// A text is no PIN, or none to choose.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PinError {
    /// It is not of so many digits.
    #[error("a PIN has {MIN_DIGITS} to {MAX_DIGITS} digits [S01]")]
    Form,

    /// It is one that is tried first.
    #[error("this PIN is too easy to guess: no runs, no repetitions, not the staff number [S02]")]
    Trivial,
}

/// A PIN cannot be kept so.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PinHashError {
    /// It is no hash of ours.
    #[error("not the hash of a PIN")]
    Form,

    /// The system has no random numbers for the salt.
    #[error("the system gives no random numbers")]
    Random,
}
