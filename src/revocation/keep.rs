//! How lists come into the folder where a terminal keeps them.
//!
//! What arrives is copied, or merged from a list that is kept and the changes to it, checked from
//! end to end, and synced under a name that has its version in it. It counts once the store has
//! taken down which editions were accepted: until then the ones before it serve, and nothing that
//! is open is ever written to. What no longer counts is swept away afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::NamedTempFile;
use thiserror::Error;

use super::{DeltaFile, Edition, FileError, FileName, ListId, RevocationFile, Revocations, merge};
use crate::{bulk, clock::Timestamp};

/// The most lists in a folder: each is one open file, and a process may have 1,024. Every issuer has
/// two or three months of codes that have not expired.
const MAX_LISTS: usize = 512;

/// The most changes to lists in a folder: one a day for each list.
const MAX_DELTAS: usize = 31 * MAX_LISTS;

/// The file that is locked while a folder is being changed.
const LOCK: &str = ".lock";

/// The name under which a terminal keeps an edition.
pub(super) fn kept_name(edition: Edition) -> String {
    format!("{}.{}.bin", edition.list, edition.version)
}

/// Reads the lists that stand side by side in `folder`, each from end to end, and works the changes
/// beside them into them. Nothing is kept.
///
/// # Errors
///
/// [`IntakeError`] names the file.
pub fn read_folder(folder: &Path) -> Result<Revocations, IntakeError> {
    let mut files = Vec::new();
    for (list, found) in found(folder)? {
        let base = found.base(list)?.map(|(path, file)| {
            file.verify().map_err(|error| IntakeError::file(path, error))?;
            Ok(Arc::new(file))
        });
        let merged = found.merge_into(list, base.transpose()?, 0, tempfile::tempfile)?;
        files.extend(merged);
    }
    Ok(Revocations::of(files))
}

/// What may be done with the files that are brought in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Given {
    /// Lists are taken away from where they stand, on the same file system.
    ToKeep,
    /// They are copied, and stay.
    ToRead,
}

/// Lists that stand in the folder where a terminal keeps them, and wait for the store to accept
/// them. As long as this lives, nobody else changes the folder.
#[derive(Debug)]
pub struct Intake {
    folder: PathBuf,
    editions: Vec<Edition>,
    _lock: File,
}

impl Intake {
    /// Makes the folder `kept` if it is not there, and keeps everybody else from changing it.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Folder`]
    pub fn begin(kept: &Path) -> Result<Self, IntakeError> {
        let begun = (|| {
            if !kept.is_dir() {
                fs::create_dir_all(kept)?;
                File::open(kept.parent().unwrap_or(Path::new("/")))?.sync_all()?;
            }
            let lock = File::create(kept.join(LOCK))?;
            lock.lock()?;
            Ok(Self { folder: kept.to_path_buf(), editions: Vec::new(), _lock: lock })
        })();
        begun.map_err(|source| IntakeError::Folder { path: kept.to_path_buf(), source })
    }

    /// Brings in the lists in the folder `from` and the changes beside them, where `held` is what is
    /// kept, except for the months that had gone by when the lists were `published`.
    ///
    /// This takes seconds for tens of millions of entries, and yields to whatever else there is to
    /// do.
    ///
    /// # Errors
    ///
    /// [`IntakeError`] names the file, and then nothing is to be accepted.
    pub fn take_in(
        &mut self,
        from: &Path,
        given: Given,
        held: &Revocations,
        published: Timestamp,
    ) -> Result<(), IntakeError> {
        bulk::yielding(|| self.bring_in_all(from, given, held, published))
    }

    fn bring_in_all(
        &mut self,
        from: &Path,
        given: Given,
        held: &Revocations,
        published: Timestamp,
    ) -> Result<(), IntakeError> {
        for (list, found) in found(from)? {
            if !list.month.is_gone_by(published) {
                self.bring_in(list, &found, given, held)?;
            }
        }
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| IntakeError::Folder { path: self.folder.clone(), source })
    }

    /// Brings in the newest edition of one list that can be had.
    fn bring_in(
        &mut self,
        list: ListId,
        found: &Found,
        given: Given,
        held: &Revocations,
    ) -> Result<(), IntakeError> {
        let held = held.held(list);
        let known = held.map(|held| held.edition);
        let mut renewed = false;
        let mut newest = held.and_then(|held| held.file.clone());
        if let Some((path, offered)) = found.base(list)? {
            let edition = offered.edition();
            if let Some(known) = known {
                edition.replaces(known)?;
            }
            // What is kept may have been damaged since: now that there is another, it is looked at.
            let is_good =
                |file: &Arc<RevocationFile>| file.edition() == edition && file.verify().is_ok();
            if !newest.as_ref().is_some_and(is_good) {
                newest = Some(match given {
                    Given::ToKeep => self.keep(path, offered)?.into(),
                    Given::ToRead => self.copy(path, &offered)?.into(),
                });
                renewed = true;
            }
        }
        let seen = known.map_or(0, |known| known.version);
        let mut outcome = None;
        let newest = found.merge_into(list, newest, seen, || {
            let file = NamedTempFile::new_in(&self.folder)?;
            let clone = file.as_file().try_clone();
            outcome = Some(file);
            clone
        })?;
        let Some(edition) = newest.map(|file| file.edition()) else { return Ok(()) };
        if let Some(file) = outcome {
            self.persist(file, edition)?;
            renewed = true;
        }
        if renewed {
            self.editions.push(edition);
        }
        Ok(())
    }

    /// Copies a file, and checks the copy from end to end.
    fn copy(&self, path: &Path, offered: &RevocationFile) -> Result<RevocationFile, IntakeError> {
        let edition = offered.edition();
        let copied = (|| {
            let copy = NamedTempFile::new_in(&self.folder)?;
            offered.copy(copy.as_file())?;
            let file = RevocationFile::of(copy.as_file().try_clone()?, edition.list)?;
            file.verify()?;
            if file.edition() == edition { Ok((copy, file)) } else { Err(FileError::Damaged) }
        })();
        let (copy, file) = copied.map_err(|error| IntakeError::file(path, error))?;
        self.persist(copy, edition)?;
        Ok(file)
    }

    /// Checks a file from end to end, and takes it away.
    fn keep(&self, path: &Path, offered: RevocationFile) -> Result<RevocationFile, IntakeError> {
        let kept = offered.verify().and_then(|()| {
            File::open(path)?.sync_all()?;
            Ok(fs::rename(path, self.folder.join(kept_name(offered.edition())))?)
        });
        kept.map(|()| offered).map_err(|error| IntakeError::file(path, error))
    }

    fn persist(&self, file: NamedTempFile, edition: Edition) -> Result<(), IntakeError> {
        let path = self.folder.join(kept_name(edition));
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(failure) => Err(IntakeError::Folder { path, source: failure.error }),
        }
    }

    /// The editions to accept: those that are new, or stand in the place of a damaged one.
    #[must_use]
    pub fn editions(&self) -> &[Edition] {
        &self.editions
    }

    /// Removes what is in the folder beside the `accepted` editions, but for what somebody has open.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Folder`]; what is left over is swept the next time.
    pub fn sweep(self, accepted: impl IntoIterator<Item = Edition>) -> Result<(), IntakeError> {
        let accepted: BTreeSet<_> = accepted.into_iter().map(kept_name).collect();
        let swept = bulk::yielding(|| {
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let counts = name.to_str().is_some_and(|name| accepted.contains(name));
                if !counts && name != LOCK && entry.file_type()?.is_file() {
                    bulk::remove(&entry.path())?;
                }
            }
            Ok(())
        });
        swept.map_err(|source| IntakeError::Folder { path: self.folder, source })
    }
}

impl Edition {
    /// Refuses to put this edition in the place of `accepted`, if it is older or another of the same
    /// version.
    ///
    /// # Errors
    ///
    /// [`IntakeError::LowerVersion`] and [`IntakeError::SameVersion`].
    pub fn replaces(self, accepted: Self) -> Result<(), IntakeError> {
        let Self { list, version, digest } = self;
        if version < accepted.version {
            Err(IntakeError::LowerVersion { list, version, accepted: accepted.version })
        } else if version == accepted.version && digest != accepted.digest {
            Err(IntakeError::SameVersion { list, version })
        } else {
            Ok(())
        }
    }
}

/// What a folder has of one list.
#[derive(Debug, Default)]
struct Found {
    base: Option<PathBuf>,
    /// By the version that each applies to and the one that comes of it.
    deltas: BTreeMap<(u64, u64), PathBuf>,
}

impl Found {
    fn base(&self, list: ListId) -> Result<Option<(&Path, RevocationFile)>, IntakeError> {
        let Some(path) = self.base.as_deref() else { return Ok(None) };
        let file = RevocationFile::open(path, list);
        Ok(Some((path, file.map_err(|error| IntakeError::file(path, error))?)))
    }

    /// Works the changes into a list, one after the other, each into a new file. Changes that led
    /// to a version which was `seen`, or to that of the list, are passed over.
    fn merge_into(
        &self,
        list: ListId,
        mut newest: Option<Arc<RevocationFile>>,
        seen: u64,
        mut new_file: impl FnMut() -> io::Result<File>,
    ) -> Result<Option<Arc<RevocationFile>>, IntakeError> {
        while let Some(base) = &newest {
            let version = base.edition().version;
            let next = self.deltas.range((version, 0)..=(version, u64::MAX)).next_back();
            let Some(((from, to), path)) = next else { break };
            let failed = |error| IntakeError::file(path, error);
            let delta = DeltaFile::open(path, list, *from, *to).map_err(failed)?;
            let file = new_file().map_err(|error| failed(error.into()))?;
            newest = Some(merge(base, &delta, file).map_err(failed)?.into());
        }
        let reached = newest.as_ref().map_or(seen, |file| file.edition().version);
        match self.deltas.iter().find(|((_, to), _)| *to > reached) {
            Some(((from, _), path)) => Err(IntakeError::Gap { file: name(path), from: *from }),
            None => Ok(newest),
        }
    }
}

/// The lists in a folder, and the changes to them. Other files are passed over.
fn found(folder: &Path) -> Result<BTreeMap<ListId, Found>, IntakeError> {
    let failed = |source| IntakeError::Folder { path: folder.to_path_buf(), source };
    let mut all: BTreeMap<_, Found> = BTreeMap::new();
    let mut deltas = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        match entry.file_name().to_str().map(str::parse) {
            Some(Ok(FileName::List(list))) => {
                all.entry(list).or_default().base = Some(entry.path());
            }
            Some(Ok(FileName::Delta { list, from, to })) => {
                all.entry(list).or_default().deltas.insert((from, to), entry.path());
                deltas += 1;
            }
            _ => {}
        }
        if all.len() > MAX_LISTS || deltas > MAX_DELTAS {
            return Err(IntakeError::TooManyFiles { path: folder.to_path_buf() });
        }
    }
    Ok(all)
}

/// The last part of a path, which is one of the names that lists have.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Lists of revocations cannot be brought in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// A file cannot be used.
    #[error("{file}: {error}")]
    File {
        /// Its name.
        file: String,
        /// Why.
        error: FileError,
    },

    /// A folder, or a file in it, cannot be read or written.
    #[error("cannot read or write {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A change is to a version that is not there.
    #[error("{file}: version {from} of the list, which it changes, is not there")]
    Gap {
        /// The file of the change.
        file: String,
        /// The version it applies to.
        from: u64,
    },

    /// Its version is lower than that of the one that was accepted.
    #[error("{}: version {version} is older than the accepted {accepted}", list.file_name())]
    LowerVersion {
        /// Which list.
        list: ListId,
        /// Its version.
        version: u64,
        /// The accepted one's.
        accepted: u64,
    },

    /// The store is in memory, and has no folder for lists.
    #[error("this store has no folder to keep lists of revocations in")]
    NoFolder,

    /// There is another of the same version.
    #[error("{}: another version {version} was accepted", list.file_name())]
    SameVersion {
        /// Which list.
        list: ListId,
        /// The version of both.
        version: u64,
    },

    /// There are more files than there can be lists.
    #[error("{path} has more than {MAX_LISTS} lists of revocations, or {MAX_DELTAS} changes")]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
    },
}

impl IntakeError {
    fn file(path: &Path, error: FileError) -> Self {
        Self::File { file: name(path), error }
    }
}
