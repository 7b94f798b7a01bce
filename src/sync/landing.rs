//! Where files land before they count: a folder of the terminal's state, for one sync at a time.
//!
//! What a sync did not come to the end of stays there for the next, under the digest that it should
//! have: it is believed no sooner than it is whole and has that digest. What nobody publishes any
//! more, or has lain for too long, is removed, and so is all else that a sync left behind which was
//! killed.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use chrono::TimeDelta;

use super::web::Source;
use crate::{bulk, clock::Timestamp};

/// The folder in that of the state.
const FOLDER: &str = "fetching";

/// For each way that files come there is a place of its own, so that a stick need not wait for a
/// slow line.
const BY_WIRE: &str = "wire";
const BY_FOLDER: &str = "folder";

/// What is locked as long as somebody uses the place.
const LOCK: &str = "lock";

/// What is there in part, by digest.
const PARTIAL: &str = "partial";

/// What is there whole, by name, and lists of revocations that changes were worked into.
const BROUGHT: &str = "brought";

/// The look-up extract.
const EXTRACT: &str = "extract";

/// The changes that are worked in.
const CHANGES: &str = "changes";

/// How long a part may wait for the rest. Its list has a new version long before, and then it is
/// removed anyway.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(7);

/// The most bytes that may wait: half as much again as one list may have.
const MOST_BYTES: u64 = 9 << 29;

/// A place for files to land.
#[derive(Debug)]
pub(super) struct Landing {
    folder: PathBuf,
    _lock: File,
}

impl Landing {
    /// The place in the folder `state` for what comes from `source`; nothing, if another sync is
    /// using it.
    pub(super) fn open(state: &Path, source: &Source) -> io::Result<Option<Self>> {
        let (ours, other) = match source {
            Source::Folder(_) => (BY_FOLDER, BY_WIRE),
            Source::Web(_) => (BY_WIRE, BY_FOLDER),
        };
        let at = |name| state.join(FOLDER).join(name);
        // What was left behind there may lie for long if nobody comes that way again.
        drop(Self::take(at(other))?);
        Self::take(at(ours))
    }

    fn take(folder: PathBuf) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder.join(PARTIAL))?;
        let lock = File::create(folder.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let landing = Self { folder, _lock: lock };
        landing.clear()?;
        for path in [landing.brought(), landing.changes()] {
            fs::create_dir(path)?;
        }
        Ok(Some(landing))
    }

    /// Where whole files are put.
    pub(super) fn brought(&self) -> PathBuf {
        self.folder.join(BROUGHT)
    }

    /// Where changes are put.
    pub(super) fn changes(&self) -> PathBuf {
        self.folder.join(CHANGES)
    }

    /// Where the look-up extract is put.
    pub(super) fn extract(&self) -> PathBuf {
        self.folder.join(EXTRACT)
    }

    /// Where the part of a file is that should have this digest.
    pub(super) fn partial(&self, digest: &str) -> PathBuf {
        self.folder.join(PARTIAL).join(digest)
    }

    /// Removes the parts of files that are not `wanted`, and those that are too old or too much.
    pub(super) fn keep(&self, wanted: &BTreeSet<String>, now: Timestamp) -> io::Result<()> {
        let mut parts = Vec::new();
        for entry in fs::read_dir(self.folder.join(PARTIAL))? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let is_wanted = entry.file_name().to_str().is_some_and(|name| wanted.contains(name));
            let written = metadata.modified()?;
            // A clock that was wrong makes it too old as well.
            let age = (now - Timestamp::from(written)).abs();
            if is_wanted && metadata.is_file() && age < LONGEST_WAIT {
                parts.push((written, metadata.len(), entry.path()));
            } else {
                bulk::remove(&entry.path())?;
            }
        }
        parts.sort_unstable_by_key(|(written, ..): &(SystemTime, _, _)| *written);
        let mut bytes = 0;
        for (_, length, path) in parts.into_iter().rev() {
            if length > MOST_BYTES - bytes {
                bulk::remove(&path)?;
            } else {
                bytes += length;
            }
        }
        Ok(())
    }

    fn clear(&self) -> io::Result<()> {
        for path in [self.brought(), self.changes()] {
            bulk::remove_folder(&path)?;
        }
        match bulk::remove(&self.extract()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // The next sync would clear it as well.
        self.clear().ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_place_is_used_by_one_and_what_is_left_behind_is_cleared() {
        let state = tempfile::tempdir().unwrap();
        let source = Source::Folder(PathBuf::new());
        let landing = Landing::open(state.path(), &source).unwrap().unwrap();
        assert!(Landing::open(state.path(), &source).unwrap().is_none());
        fs::write(landing.brought().join("a"), "a").unwrap();
        fs::write(landing.partial("b"), "b").unwrap();
        // As if it had been killed.
        let folder = landing.folder.clone();
        std::mem::forget(landing);
        assert!(folder.join(BROUGHT).join("a").exists());
        let other = state.path().join("other");
        fs::rename(folder, &other).unwrap();
        let landing = Landing::take(other.clone()).unwrap();
        assert!(landing.is_none(), "the lock is the one that is still held");
        fs::remove_file(other.join(LOCK)).unwrap();
        let landing = Landing::take(other).unwrap().unwrap();
        assert_eq!(fs::read_dir(landing.brought()).unwrap().count(), 0);
        assert!(landing.partial("b").exists());
    }

    #[test]
    fn a_part_waits_for_so_long_and_no_longer() {
        let state = tempfile::tempdir().unwrap();
        let source = Source::Folder(PathBuf::new());
        let landing = Landing::open(state.path(), &source).unwrap().unwrap();
        let now: Timestamp = "2021-11-20T00:00:00Z".parse().unwrap();
        let cases = [
            ("new", 0, 1, true, true),
            ("almost too old", 7 * 86_400 - 1, 1, true, true),
            ("too old", 7 * 86_400, 1, true, false),
            ("of the future", -7 * 86_400, 1, true, false),
            ("not wanted", 0, 1, false, false),
            ("large and old", 60, MOST_BYTES, true, false),
        ];
        let mut wanted = BTreeSet::new();
        for (name, seconds, length, is_wanted, _) in cases {
            let file = File::create(landing.partial(name)).unwrap();
            file.set_len(length).unwrap();
            let written = SystemTime::UNIX_EPOCH
                + Duration::from_secs((now.timestamp() - seconds).try_into().unwrap());
            file.set_modified(written).unwrap();
            if is_wanted {
                wanted.insert(name.to_owned());
            }
        }
        landing.keep(&wanted, now).unwrap();
        for (name, .., stays) in cases {
            assert_eq!(landing.partial(name).exists(), stays, "{name}");
        }
    }
}
