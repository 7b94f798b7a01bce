//! Revocations: codes that were withdrawn before they expire, by issuer and month.
//!
//! A list names codes by the first eight bytes of a digest, so that it says of nobody who they are
//! and ten million entries fit in 82 MB; that a code matches by chance has odds of 5e-13. It stands
//! in a file that is searched where it lies, not read in: [`RevocationFile`] says how. There is one
//! for each issuer and each month, in UTC, in which the codes in it expire. An issuer without a list
//! for a month has revoked nothing of it; a list that is known to be there and cannot be read
//! answers [`Standing::Unreadable`], and nobody passes by it.
//!
//! [`Revocations`] is the set that a judgement goes by. An [`Intake`] brings lists and the daily
//! [`DeltaFile`]s of a folder into the folder where a terminal keeps them.

mod file;
mod keep;
mod merge;

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr, sync::Arc};

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use sha2::{Digest, Sha256};

pub use self::{
    file::{FileError, MAX_ENTRIES, RevocationFile},
    keep::{Given, Intake, IntakeError, read_folder},
    merge::{Change, DeltaFile, merge, merge_all},
};
use crate::{clock::Timestamp, credential::CodeId, issuer::IssuerId};

/// How long after its last second a month is kept: a clock may be behind what was published.
const MARGIN: TimeDelta = TimeDelta::days(1);

/// How a list names a code: the first eight bytes of SHA-256(issuer as two bytes ‖ code's name),
/// both numbers with the highest byte first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Prefix(u64);

impl Prefix {
    /// How many bytes.
    pub const LEN: usize = 8;

    /// The name of `code` of `issuer`.
    #[must_use]
    pub fn of(issuer: IssuerId, code: &CodeId) -> Self {
        let digest =
            Sha256::new().chain_update(issuer.number().to_be_bytes()).chain_update(code.as_bytes());
        let mut prefix = [0; Self::LEN];
        prefix.copy_from_slice(&digest.finalize()[..Self::LEN]);
        Self::from_bytes(prefix)
    }

    /// The prefix with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// The bytes. They sort as the prefixes do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }
}

/// A month of the calendar in UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Month(u32);

impl Month {
    /// The month that an instant lies in.
    #[must_use]
    pub fn of(instant: Timestamp) -> Self {
        let year = u32::try_from(instant.year()).unwrap_or(0);
        Self(year * 100 + instant.month())
    }

    /// The month that is written so, such as 202111.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        let month = Self(number);
        ((1..=9999).contains(&(number / 100)) && month.first_day().is_some()).then_some(month)
    }

    /// The month as a number, such as 202111.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Whether every code of this month has expired by `now`, and a day more.
    #[must_use]
    pub fn is_gone_by(self, now: Timestamp) -> bool {
        let next = self.first_day().and_then(|day| day.checked_add_months(Months::new(1)));
        next.is_some_and(|day| now >= day.and_time(chrono::NaiveTime::MIN).and_utc() + MARGIN)
    }

    fn first_day(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(i32::try_from(self.0 / 100).ok()?, self.0 % 100, 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Which list: whose codes, and when they expire.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ListId {
    /// Whose codes.
    pub issuer: IssuerId,
    /// The month in which they expire.
    pub month: Month,
}

impl ListId {
    /// The list that a code of `issuer` is in, if it is in one, which expires at that instant.
    #[must_use]
    pub fn of(issuer: IssuerId, expires: Timestamp) -> Self {
        Self { issuer, month: Month::of(expires) }
    }

    /// The name of the file that holds it, such as `revocations-11-202111.bin`.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{self}.bin")
    }

    /// The name of the file that holds the change between two versions of it, such as
    /// `revocations-11-202111-3-4.delta`.
    #[must_use]
    pub fn delta_name(self, from: u64, to: u64) -> String {
        format!("{self}-{from}-{to}.delta")
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "revocations-{}-{:06}", self.issuer, self.month.number())
    }
}

/// What the name of a file says is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileName {
    /// A whole list.
    List(ListId),
    /// What changed between two versions of a list.
    Delta {
        /// Of which list.
        list: ListId,
        /// The version it applies to.
        from: u64,
        /// The version that comes of it.
        to: u64,
    },
}

impl FromStr for FileName {
    type Err = NotAName;

    /// Reads a name, in the one form in which it is written.
    fn from_str(name: &str) -> Result<Self, NotAName> {
        let parsed = || {
            let (stem, extension) = name.rsplit_once('.')?;
            let mut parts = stem.strip_prefix("revocations-")?.split('-');
            let issuer = IssuerId::new(parts.next()?.parse().ok()?);
            let list = ListId { issuer, month: Month::from_number(parts.next()?.parse().ok()?)? };
            let versions = match (parts.next(), parts.next(), parts.next()) {
                (None, None, None) => None,
                (Some(from), Some(to), None) => Some((from.parse().ok()?, to.parse().ok()?)),
                _ => return None,
            };
            let (read, written) = match (extension, versions) {
                ("bin", None) => (Self::List(list), list.file_name()),
                ("delta", Some((from, to))) if from < to => {
                    (Self::Delta { list, from, to }, list.delta_name(from, to))
                }
                _ => return None,
            };
            (written == name).then_some(read)
        };
        parsed().ok_or(NotAName)
    }
}

/// It is not the name of a list of revocations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the name of a list of revocations")]
pub struct NotAName;

/// What a list says of a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nothing: it counts.
    NotListed,
    /// It was revoked.
    Listed,
    /// The list cannot be read, so nobody can say.
    Unreadable,
}

/// One version of one list, and what is in it, as far as a few bytes can say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Edition {
    /// Which list.
    pub list: ListId,
    /// Its version.
    pub version: u64,
    /// The digest of what is in it.
    pub digest: [u8; 32],
}

/// Every list that a terminal goes by. What is in it is never changed; another set takes its place.
#[derive(Clone, Debug, Default)]
pub struct Revocations(BTreeMap<ListId, Held>);

/// One list of a set.
#[derive(Clone, Debug)]
struct Held {
    edition: Edition,
    /// Nothing, if it cannot be read.
    file: Option<Arc<RevocationFile>>,
}

impl Revocations {
    /// No list at all: nobody has revoked anything.
    pub const NONE: Self = Self(BTreeMap::new());

    /// The set of these files.
    pub fn of(files: impl IntoIterator<Item: Into<Arc<RevocationFile>>>) -> Self {
        let held = files.into_iter().map(|file| {
            let file = file.into();
            let edition = file.edition();
            (edition.list, Held { edition, file: Some(file) })
        });
        Self(held.collect())
    }

    /// Opens the files in `folder` that a terminal has accepted. One that is not there, or is not
    /// what was accepted, is a list that cannot be read.
    #[must_use]
    pub fn open_kept(folder: &Path, accepted: impl IntoIterator<Item = Edition>) -> Self {
        let held = accepted.into_iter().map(|edition| {
            let file = RevocationFile::open(&folder.join(keep::kept_name(edition)), edition.list);
            let file = file.ok().filter(|file| file.edition() == edition).map(Arc::new);
            (edition.list, Held { edition, file })
        });
        Self(held.collect())
    }

    /// What they say of the code of `issuer` with this name, which expires at that instant.
    #[must_use]
    pub fn standing(&self, issuer: IssuerId, code: &CodeId, expires: Timestamp) -> Standing {
        let Some(held) = self.0.get(&ListId::of(issuer, expires)) else {
            return Standing::NotListed;
        };
        let prefix = Prefix::of(issuer, code);
        match held.file.as_ref().map(|file| file.contains(prefix)) {
            Some(Ok(false)) => Standing::NotListed,
            Some(Ok(true)) => Standing::Listed,
            Some(Err(_)) | None => Standing::Unreadable,
        }
    }

    /// The list that a code of `issuer` would be in which expires at that instant, if there is one.
    #[must_use]
    pub fn list(&self, issuer: IssuerId, expires: Timestamp) -> Option<Edition> {
        self.0.get(&ListId::of(issuer, expires)).map(|held| held.edition)
    }

    /// Each list, with how many entries it has; nothing, if it cannot be read.
    pub fn lists(&self) -> impl Iterator<Item = (Edition, Option<u64>)> {
        self.0.values().map(|held| (held.edition, held.file.as_ref().map(|file| file.count())))
    }

    /// Whether each list can be read.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.0.values().all(|held| held.file.is_some())
    }

    /// Reads each list from end to end, and says which cannot be relied on.
    pub fn verify(&self) -> impl Iterator<Item = (ListId, FileError)> {
        self.0.values().filter_map(|Held { edition, file }| {
            let checked = file.as_ref().map_or(Err(FileError::Missing), |file| file.verify());
            checked.err().map(|error| (edition.list, error))
        })
    }

    /// The file of a list, if there is one that can be read.
    #[must_use]
    pub fn file(&self, list: ListId) -> Option<&RevocationFile> {
        self.held(list)?.file.as_deref()
    }

    fn held(&self, list: ListId) -> Option<&Held> {
        self.0.get(&list)
    }
}

/// Sets are the same if they hold the same versions of the same lists, and read the same of them.
impl PartialEq for Revocations {
    fn eq(&self, other: &Self) -> bool {
        self.lists().eq(other.lists())
    }
}

impl Eq for Revocations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        let list = ListId { issuer: IssuerId::new(11), month: Month(202_111) };
        let good = [
            ("revocations-11-202111.bin", FileName::List(list)),
            ("revocations-11-202111-3-4.delta", FileName::Delta { list, from: 3, to: 4 }),
        ];
        for (name, expected) in good {
            assert_eq!(name.parse(), Ok(expected), "{name}");
        }
        let bad = [
            "",
            "revocations",
            "revocations-11.bin",
            "revocations-011-202111.bin",
            "revocations-11-202113.bin",
            "revocations-11-202100.bin",
            "revocations-11-002111.bin.bin",
            "revocations-+1-202111.bin",
            "revocations-11-202111.BIN",
            "revocations-70000-202111.bin",
            "revocations-11-202111-3.delta",
            "revocations-11-202111-4-4.delta",
            "revocations-11-202111-5-4.delta",
            "revocations-11-202111-3-4.bin",
            "revocations-11-202111-3-4-5.delta",
            "../revocations-11-202111.bin",
            "revocations-11-202111.3.bin",
        ];
        for name in bad {
            assert_eq!(name.parse::<FileName>(), Err(NotAName), "{name}");
        }
    }

    #[test]
    fn a_month_is_kept_a_day_longer() {
        let month = Month::of("2021-12-31T23:59:59Z".parse().unwrap());
        assert_eq!((month.number(), month.to_string().as_str()), (202_112, "2021-12"));
        let cases = [
            ("its last second", "2021-12-31T23:59:59Z", false),
            ("the day after", "2022-01-01T23:59:59Z", false),
            ("a day after", "2022-01-02T00:00:00Z", true),
        ];
        for (name, now, gone) in cases {
            assert_eq!(month.is_gone_by(now.parse().unwrap()), gone, "{name}");
        }
    }

    #[test]
    fn a_prefix_is_of_issuer_and_name() {
        let code = CodeId::new(vec![7; 12]).unwrap();
        let other = CodeId::new(vec![7; 13]).unwrap();
        let prefix = Prefix::of(IssuerId::new(11), &code);
        assert_eq!(Prefix::from_bytes(prefix.to_bytes()), prefix);
        assert_ne!(prefix, Prefix::of(IssuerId::new(12), &code));
        assert_ne!(prefix, Prefix::of(IssuerId::new(11), &other));
        // printf '\0\013\07\07\07\07\07\07\07\07\07\07\07\07' | sha256sum | head -c 16
        let bytes = prefix.to_bytes().map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(bytes, "4da21a66c16b63d5");
    }
}
