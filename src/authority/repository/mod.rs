//! What terminals fetch: a TUF repository of static files.
//!
//! The root role says which keys count. It has three keys, two of which must sign, and they are
//! kept off this machine; [`init_root`](Repository::init_root) makes them. The targets, snapshot,
//! and timestamp roles have a key each among the authority's own. Any web server can carry the
//! files, and so can a USB stick: nothing in them is secret.
//!
//! The authority's folder keeps the original in `repository/`. What is published is a copy, so that
//! a lost copy loses nothing, least of all the versions: a terminal refuses lower ones for good.
//!
//! # When metadata expire
//!
//! | role | expires after | so |
//! | --- | --- | --- |
//! | root | [`ROOT_EXPIRES`] | the ceremony is held once a year |
//! | targets | [`TARGETS_EXPIRES`] | something is published every quarter, if only the same again |
//! | snapshot | [`SNAPSHOT_EXPIRES`] | something is published every month |
//! | timestamp | [`TIMESTAMP_EXPIRES`] | it is signed anew each day, by a timer |
//!
//! Expiry bounds how old a copy may be that a terminal *takes in*. What it has taken in it goes on
//! using, and how long is for the policy's `trust_age_hours` to say, never for these.

mod bundle;
mod ceremony;
mod metadata;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use self::ceremony::Rotation;

use self::metadata::{Hashes, Pointer, Root, Signed, Target, Targets, hex, key_id, sha256};
use super::{Authority, AuthorityError, KEYS, keys, registrations, whole_seconds};
use crate::{
    clock::Timestamp,
    revocation::{FileName, ListId, RevocationFile},
    update::Role,
};

/// How long a root counts: three people meet once a year.
pub const ROOT_EXPIRES: TimeDelta = TimeDelta::days(365);

/// How long targets count: a lost key is noticed within a quarter.
pub const TARGETS_EXPIRES: TimeDelta = TimeDelta::days(90);

/// How long a snapshot counts.
pub const SNAPSHOT_EXPIRES: TimeDelta = TimeDelta::days(30);

/// How long a timestamp counts: as long as the lists that it vouches for may be used at all by the
/// usual policy, so that a USB stick may travel for days, and no longer.
pub const TIMESTAMP_EXPIRES: TimeDelta = TimeDelta::hours(168);

/// The folder in an authority's folder that holds the original.
const ORIGINAL: &str = "repository";

/// The folder of metadata in a repository.
const METADATA: &str = "metadata";

/// The folder of published files in a repository.
const TARGETS: &str = "targets";

/// The folder of lists of revocations in an authority's folder.
const REVOCATIONS: &str = "revocations";

/// How many of the newest changes to each list of revocations are published: whoever was away for
/// longer fetches the list whole. All that is published stands in the targets metadata, which
/// terminals read up to 1 MB of.
const PUBLISHED_CHANGES: u64 = 14;

/// What a file holds that is published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What this file holds, however large it is.
    File(PathBuf),
}

/// The original of an authority's repository, which nobody else changes meanwhile.
#[derive(Debug)]
pub struct Repository {
    metadata: PathBuf,
    targets: PathBuf,
    keys: PathBuf,
    _lock: File,
}

impl Repository {
    /// The repository of the authority in `folder`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::File`].
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let original = folder.join(ORIGINAL);
        let [metadata, targets] = [METADATA, TARGETS].map(|name| original.join(name));
        for path in [&metadata, &targets] {
            fs::create_dir_all(path)
                .map_err(|source| AuthorityError::File { path: path.clone(), source })?;
        }
        let path = original.join("lock");
        let lock = File::create(&path).and_then(|lock| lock.lock().map(|()| lock));
        let lock = lock.map_err(|source| AuthorityError::File { path, source })?;
        Ok(Self { metadata, targets, keys: folder.join(KEYS), _lock: lock })
    }

    /// The newest root, with which terminals are provisioned.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::NoRoot`] before the first ceremony.
    pub fn root(&self) -> Result<Vec<u8>, AuthorityError> {
        Ok(self.newest_root()?.to_bytes())
    }

    /// Publishes `files`, and nothing beside them, as the next version, and brings the copy in the
    /// folder `out` up to date.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::Name`] for a name that is no flat file name, and
    /// [`AuthorityError::File`]. What could not be copied is copied the next time.
    pub fn publish(
        &self,
        files: Vec<(String, Payload)>,
        out: &Path,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let root = self.newest_root()?.signed;
        let mut targets = BTreeMap::new();
        for (name, payload) in files {
            if !is_flat(&name) {
                return Err(RepositoryError::Name { name }.into());
            }
            targets.insert(name.clone(), self.keep(&name, payload)?);
        }
        self.sign(&root, targets, whole_seconds(now))?;
        self.copy_to(out)
    }

    /// Signs the timestamp anew, so that what is published counts for longer, and brings the copy
    /// in the folder `out` up to date.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::Expired`] if that would not help, since the snapshot or the targets have
    /// expired; [`RepositoryError::NothingPublished`].
    pub fn sign_timestamp(&self, out: &Path, now: Timestamp) -> Result<(), AuthorityError> {
        let root = self.newest_root()?.signed;
        let Some(newest) = self.newest()? else {
            return Err(RepositoryError::NothingPublished.into());
        };
        let expiries = [
            (Role::Snapshot, newest.snapshot.signed.expires),
            (Role::Targets, newest.targets.signed.expires),
        ];
        for (role, expires) in expiries {
            if expires <= now {
                return Err(RepositoryError::Expired { role, expires }.into());
            }
        }
        let version = newest.timestamp.signed.version + 1;
        self.put_timestamp(&root, &newest.snapshot, version, whole_seconds(now))?;
        self.copy_to(out)
    }

    /// Signs a new version of everything but the root.
    fn sign(
        &self,
        root: &Root,
        targets: BTreeMap<String, Target>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let newest = self.newest()?;
        let next = |version: Option<u64>| version.unwrap_or(0) + 1;
        let newest = newest.as_ref();

        let version = next(newest.map(|newest| newest.targets.signed.version));
        let targets = Targets::new(targets, version, now + TARGETS_EXPIRES);
        let targets = Signed::new(targets, &[self.role_key(root, Role::Targets)?]);
        let bytes = targets.to_bytes();
        self.put(&format!("{version}.targets.json"), &bytes)?;

        let of = (Role::Targets, version, &bytes[..]);
        let version = next(newest.map(|newest| newest.snapshot.signed.version));
        let snapshot = Pointer::new(Role::Snapshot, of, version, now + SNAPSHOT_EXPIRES);
        let snapshot = Signed::new(snapshot, &[self.role_key(root, Role::Snapshot)?]);
        self.put(&format!("{version}.snapshot.json"), &snapshot.to_bytes())?;

        let version = next(newest.map(|newest| newest.timestamp.signed.version));
        self.put_timestamp(root, &snapshot, version, now)
    }

    fn put_timestamp(
        &self,
        root: &Root,
        snapshot: &Signed<Pointer>,
        version: u64,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let bytes = snapshot.to_bytes();
        let of = (Role::Snapshot, snapshot.signed.version, &bytes[..]);
        let timestamp = Pointer::new(Role::Timestamp, of, version, now + TIMESTAMP_EXPIRES);
        let timestamp = Signed::new(timestamp, &[self.role_key(root, Role::Timestamp)?]);
        self.put("timestamp.json", &timestamp.to_bytes())
    }

    /// The metadata that count, if anything has been published.
    fn newest(&self) -> Result<Option<Newest>, AuthorityError> {
        let path = self.metadata.join("timestamp.json");
        if !path.exists() {
            return Ok(None);
        }
        let timestamp: Signed<Pointer> = read(&path)?;
        let foreign = || RepositoryError::Foreign { path };
        let version = timestamp.signed.version_of(Role::Snapshot).ok_or_else(foreign)?;
        let path = self.metadata.join(format!("{version}.snapshot.json"));
        let snapshot: Signed<Pointer> = read(&path)?;
        let foreign = || RepositoryError::Foreign { path };
        let version = snapshot.signed.version_of(Role::Targets).ok_or_else(foreign)?;
        let targets = read(&self.metadata.join(format!("{version}.targets.json")))?;
        Ok(Some(Newest { timestamp, snapshot, targets }))
    }

    fn newest_root(&self) -> Result<Signed<Root>, AuthorityError> {
        let path = |version: u64| self.metadata.join(format!("{version}.root.json"));
        let newest = (1..=u64::MAX).take_while(|version| path(*version).exists()).last();
        read(&path(newest.ok_or(RepositoryError::NoRoot)?))
    }

    /// The private key of a role that signs on this machine.
    fn role_key(&self, root: &Root, role: Role) -> Result<SigningKey, AuthorityError> {
        let id = root.roles.get(&role).and_then(|keys| keys.keyids.first());
        let id = id.map_or("", String::as_str);
        let path = role_key_path(&self.keys, role, id);
        let key = keys::read(&path)?;
        if key_id(&key) == id { Ok(key) } else { Err(AuthorityError::ForeignKey { path }) }
    }

    /// Keeps a file's content under its digest.
    fn keep(&self, name: &str, payload: Payload) -> Result<Target, AuthorityError> {
        let (sha256, length) = match payload {
            Payload::Bytes(bytes) => {
                let sha256 = sha256(&bytes);
                put(&self.targets.join(format!("{sha256}.{name}")), &mut &bytes[..])?;
                (sha256, bytes.len().try_into().unwrap_or(u64::MAX))
            }
            Payload::File(path) => {
                // Read twice, since the name is known only after the first time; what is kept is
                // what the second time gave, and must be the same.
                let open = || {
                    File::open(&path)
                        .map_err(|source| AuthorityError::File { path: path.clone(), source })
                };
                let failed = |source| AuthorityError::File { path: path.clone(), source };
                let mut digest = HashingReader::new(open()?);
                io::copy(&mut digest, &mut io::sink()).map_err(failed)?;
                let (sha256, length) = digest.done();
                let kept = self.targets.join(format!("{sha256}.{name}"));
                let mut again = HashingReader::new(open()?);
                put(&kept, &mut again)?;
                if again.done() != (sha256.clone(), length) {
                    fs::remove_file(&kept).map_err(failed)?;
                    return Err(RepositoryError::Changed { path }.into());
                }
                (sha256, length)
            }
        };
        Ok(Target { hashes: Hashes { sha256 }, length })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), AuthorityError> {
        put(&self.metadata.join(name), &mut &bytes[..])
    }

    /// Brings a copy up to date, and removes from it and from the original what nobody asks for
    /// any more.
    ///
    /// The timestamp comes last: until it is there, whoever fetches sees the version before, of
    /// which nothing is removed yet.
    fn copy_to(&self, out: &Path) -> Result<(), AuthorityError> {
        let wanted = self.wanted()?;
        for (from, folder) in [(&self.targets, TARGETS), (&self.metadata, METADATA)] {
            let to = out.join(folder);
            fs::create_dir_all(&to)
                .map_err(|source| AuthorityError::File { path: to.clone(), source })?;
            let mut names = names(from)?;
            // "timestamp.json" sorts behind everything that begins with a digit.
            names.sort();
            for name in names {
                let (from, to) = (from.join(&name), to.join(&name));
                if wanted.contains(&from) && !(folder == TARGETS && same_length(&from, &to)) {
                    let mut file = File::open(&from)
                        .map_err(|source| AuthorityError::File { path: from, source })?;
                    put(&to, &mut file)?;
                }
            }
        }
        for (from, folder) in [(&self.targets, TARGETS), (&self.metadata, METADATA)] {
            for here in [from.clone(), out.join(folder)] {
                for name in names(&here)? {
                    if !wanted.contains(&from.join(&name)) {
                        let path = here.join(&name);
                        fs::remove_file(&path)
                            .map_err(|source| AuthorityError::File { path, source })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The files of the original that this version and the one before need.
    fn wanted(&self) -> Result<BTreeSet<PathBuf>, AuthorityError> {
        let mut wanted = BTreeSet::new();
        for name in names(&self.metadata)? {
            if name.to_string_lossy().ends_with(".root.json") {
                wanted.insert(self.metadata.join(name));
            }
        }
        let Some(newest) = self.newest()? else { return Ok(wanted) };
        wanted.insert(self.metadata.join("timestamp.json"));
        let snapshot = newest.snapshot.signed.version;
        for version in snapshot.saturating_sub(1)..=snapshot {
            let path = self.metadata.join(format!("{version}.snapshot.json"));
            if !path.exists() {
                continue;
            }
            let snapshot: Signed<Pointer> = read(&path)?;
            wanted.insert(path);
            let Some(version) = snapshot.signed.version_of(Role::Targets) else { continue };
            let path = self.metadata.join(format!("{version}.targets.json"));
            if !path.exists() {
                continue;
            }
            let targets: Signed<Targets> = read(&path)?;
            wanted.insert(path);
            wanted.extend(targets.signed.files.iter().map(|(name, target)| {
                self.targets.join(format!("{}.{name}", target.hashes.sha256))
            }));
        }
        Ok(wanted)
    }
}

impl Authority {
    /// Makes the next version of the lists, issued at `now`, and publishes them, each terminal's
    /// look-up extract, and the `others` in the folder `out`.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish) and [`Repository::publish`].
    pub fn publish_repository(
        &mut self,
        out: &Path,
        others: Vec<(String, Payload)>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let repository = Repository::open(&self.folder)?;
        // Before a version is used up.
        repository.newest_root()?;
        let revocations = self.folder.join(REVOCATIONS);
        let failed = |source| AuthorityError::File { path: revocations.clone(), source };
        fs::create_dir_all(&revocations).map_err(failed)?;
        self.publish_revocations(&revocations, now)?;
        let is_old = |list: ListId, to: u64| {
            let newest = RevocationFile::open(&revocations.join(list.file_name()), list);
            newest.is_ok_and(|newest| to + PUBLISHED_CHANGES <= newest.edition().version)
        };
        let mut others = others;
        for entry in fs::read_dir(&revocations).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            match name.map(str::parse) {
                Some(Ok(FileName::Delta { list, to, .. })) if is_old(list, to) => {
                    fs::remove_file(&path).map_err(failed)?;
                }
                Some(Ok(_)) => {
                    let name = name.unwrap_or_default().to_owned();
                    others.push((name, Payload::File(path)));
                }
                _ => {}
            }
        }
        self.registers.entries().erase_match_keys(&self.keys_folder(), now)?;
        let extracts = self.extracts(now)?.into_iter();
        others.extend(extracts.map(|(name, path)| (name, Payload::File(path))));
        let lists = self.publish(now)?;
        let lists = lists
            .present()
            .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())));
        repository.publish(lists.chain(others).collect(), out, now)
    }
}

/// The metadata that count.
struct Newest {
    timestamp: Signed<Pointer>,
    snapshot: Signed<Pointer>,
    targets: Signed<Targets>,
}

/// Digests what is read.
struct HashingReader {
    file: File,
    digest: Sha256,
    length: u64,
}

impl HashingReader {
    fn new(file: File) -> Self {
        Self { file, digest: Sha256::new(), length: 0 }
    }

    /// The digest and the length of what was read.
    fn done(self) -> (String, u64) {
        (hex(&self.digest.finalize()), self.length)
    }
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.digest.update(&buffer[..read]);
        self.length += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}

/// Whether a name can be a file's in one flat folder on any system, and part of a URL as it is.
fn is_flat(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

fn role_key_path(keys: &Path, role: Role, id: &str) -> PathBuf {
    keys.join(format!("{role}-{}.key", id.get(..8).unwrap_or(id)))
}

fn read<T: DeserializeOwned + Serialize>(path: &Path) -> Result<Signed<T>, AuthorityError> {
    let bytes = fs::read(path)
        .map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })?;
    let foreign = |_| RepositoryError::Foreign { path: path.to_path_buf() };
    Ok(Signed::read(&bytes).map_err(foreign)?)
}

fn names(folder: &Path) -> Result<Vec<OsString>, AuthorityError> {
    let names = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    names.map_err(|source| AuthorityError::File { path: folder.to_path_buf(), source })
}

fn same_length(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len()).ok();
    length(other).is_some_and(|there| length(one) == Some(there))
}

/// Puts `content` where `path` says, whole or not at all, for everybody to read.
fn put(path: &Path, content: &mut impl Read) -> Result<(), AuthorityError> {
    let written = (|| {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        io::copy(content, &mut file)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    })();
    written.map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })
}

/// A repository cannot be published so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// A file changed while it was read.
    #[error("{path} changed while it was read: publish again")]
    Changed {
        /// The file.
        path: PathBuf,
    },

    /// What the timestamp would vouch for has expired.
    #[error("the {role} expired at {expires}: publish again, the timestamp alone does not help")]
    Expired {
        /// Whose metadata.
        role: Role,
        /// Since when.
        expires: Timestamp,
    },

    /// A file is not what this program wrote.
    #[error("{path} is not what this program wrote")]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// A published file cannot be called that.
    #[error("{name:?} cannot be published: a name has letters, digits, and -_.")]
    Name {
        /// The name.
        name: String,
    },

    /// There is no root yet.
    #[error("there is no root yet: make one with `root init`")]
    NoRoot,

    /// There is nothing to vouch for.
    #[error("nothing has been published yet")]
    NothingPublished,

    /// There is a root already.
    #[error("there is a root already: the next one is made with `root rotate`")]
    RootExists,

    /// Too few of the keys that the root has are there.
    #[error("{given} of the root's keys are there, {needed} must sign")]
    TooFewKeys {
        /// How many are there.
        given: usize,
        /// How many must sign.
        needed: usize,
    },
}
