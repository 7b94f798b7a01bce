//! The client of the update repository.
//!
//! The form is [The Update Framework]'s, and crate `tough` verifies it: signatures, thresholds,
//! versions, digests, lengths, and expiry. It works in a folder that is made from what the store
//! trusts and thrown away afterwards, so that nothing is believed because it lay in a file; what
//! was verified goes back to the store as one [`Update`].
//!
//! Beyond `tough`:
//!
//! - Expiry is judged by `now` as well as by the system's clock, which `tough` reads itself, and
//!   nothing is fetched at all while `now` lies below the floor.
//! - A root that cannot be fetched ends the sync, unless there is none.
//! - Of one version there is one text, and metadata are of the role that they say.
//! - Delegations bring no lists: those stand in the top-level targets.
//! - A list that is installed never disappears.
//!
//! [The Update Framework]: https://theupdateframework.github.io/specification/latest/

use std::{
    collections::BTreeSet,
    fs,
    future::poll_fn,
    io::{self, Write},
    path::Path,
    pin::pin,
};

use futures_core::Stream;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir, tempdir};
use tokio::runtime::{Builder, Runtime};
use tough::{
    ExpirationEnforcement, IntoVec, Limits, Repository, RepositoryLoader, TargetName,
    error::Error as ToughError,
    schema::{self, Signed},
};

use super::{
    refusal::{Refusal, SyncError, our, translate, unforeseen},
    transport::{Courier, SettingError, Source},
};
use crate::{
    clock::Timestamp,
    document::MAX_BYTES,
    revocation::FileName,
    store::{Lineage, Published, Store, Trusted, Update},
    trust::{DocumentKind, TrustFiles},
    update::{Metadata, Role},
};

/// The most bytes that metadata may have. A root with a dozen keys has 4 kB, targets of a thousand
/// files 250 kB.
const MAX_METADATA: u64 = 1 << 20;

/// The most bytes that a list of revocations may have: 2²⁸ entries have 2.2 GB.
const MAX_REVOCATIONS: u64 = 3 << 30;

/// The most roots that are followed in one sync: twenty years of one a month.
pub(super) const MAX_ROOTS: u64 = 256;

/// The first instant that a clock may show. Source: REQUIREMENTS, section 3.
const FIRST_INSTANT: i64 = 1_577_836_800;

/// What a sync did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Synced {
    /// The source had nothing that was not installed.
    NothingNew,
    /// Something newer is installed.
    Updated,
}

/// Fetches what `source` has, verifies it, and installs it, all or nothing.
///
/// # Errors
///
/// [`SyncError`], and the lists that served before serve on.
pub fn sync(store: &mut Store, source: &Source, now: Timestamp) -> Result<Synced, SyncError> {
    let trusted = store.trusted()?.ok_or(SyncError::NoRoot)?;
    let held: BTreeSet<_> = trusted
        .revocations
        .lists()
        .filter_map(|(edition, count)| count.map(|_| edition.list.file_name()))
        .collect();
    let fetched = verify(&trusted, source, now).and_then(|verified| {
        let update = verified.update(&trusted)?;
        let same = trusted.root == update.root
            && trusted.published.as_ref() == Some(&update.published)
            && trusted.files.as_ref() == Some(&update.files);
        if same {
            return Ok(None);
        }
        let brought = verified.revocations(&trusted, &held, store.revocations_folder());
        let brought = brought.map_err(|error| verified.refusal(&trusted, error))?;
        Ok(Some((update, brought)))
    });
    match fetched {
        Ok(None) => Ok(Synced::NothingNew),
        Ok(Some((update, brought))) => {
            store.update_from(&update, brought.as_ref().map(TempDir::path), now)?;
            Ok(Synced::Updated)
        }
        Err(Refusal { error, newer_root }) => {
            if let Some(root) = newer_root {
                store.raise_root(&root)?;
            }
            Err(*error)
        }
    }
}

/// Reads a root that somebody brought by hand, and checks that it is signed by its own keys.
///
/// # Errors
///
/// [`SyncError::Malformed`], [`SyncError::Oversize`], and [`SyncError::Unsigned`].
pub fn read_root(bytes: Vec<u8>) -> Result<Metadata, SyncError> {
    let role = Role::Root;
    if !u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_METADATA) {
        return Err(SyncError::Oversize { name: "root.json".to_owned() });
    }
    let root: Signed<schema::Root> =
        serde_json::from_slice(&bytes).map_err(|_| SyncError::Malformed { role })?;
    root.signed.verify_role(&root).map_err(|_| SyncError::Unsigned { role })?;
    Ok(Metadata { version: root.signed.version.get(), bytes })
}

/// Fetches what `source` has and verifies it by what is trusted. This changes nothing, and can be
/// done beside a lane that works.
///
/// # Errors
///
/// [`Refusal`], which keeps a newer root if there was one.
pub fn fetch(trusted: &Trusted, source: &Source, now: Timestamp) -> Result<Update, Refusal> {
    verify(trusted, source, now)?.update(trusted)
}

/// Fetches the metadata that `source` has, and verifies them by what is trusted.
///
/// # Errors
///
/// [`Refusal`], which keeps a newer root if there was one.
pub fn verify(trusted: &Trusted, source: &Source, now: Timestamp) -> Result<Verified, Refusal> {
    if now.timestamp() < FIRST_INSTANT || trusted.floor.is_above(now) {
        return Err(SyncError::Clock { now }.into());
    }
    let folder = tempdir().map_err(SyncError::from)?;
    let [brought, datastore] = ["brought", "datastore"].map(|name| folder.path().join(name));
    for path in [&brought, &datastore] {
        fs::create_dir(path).map_err(SyncError::from)?;
    }
    let courier = Courier::new(source, brought, MAX_METADATA).map_err(SyncError::from)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(SyncError::from)?;
    let session = Session { trusted, courier, datastore: &datastore, now };
    let (repository, root, published, lineage) = runtime.block_on(session.verify())?;
    let courier = session.courier;
    Ok(Verified { root, published, lineage, repository, courier, runtime, now, _folder: folder })
}

/// A repository whose metadata are verified, and whose files can be fetched.
#[derive(Debug)]
pub struct Verified {
    /// The root.
    pub root: Metadata,
    /// What the other roles signed.
    pub published: Published,
    /// Whether what it replaces is its own past.
    pub lineage: Lineage,
    repository: Repository,
    courier: Courier,
    runtime: Runtime,
    now: Timestamp,
    _folder: TempDir,
}

impl Verified {
    /// The lists, with what vouches for them.
    fn update(&self, trusted: &Trusted) -> Result<Update, Refusal> {
        let files = self.lists(trusted.files.as_ref());
        let files = files.map_err(|error| self.refusal(trusted, error))?;
        let Self { root, published, lineage, .. } = self;
        let (root, published) = (root.clone(), published.clone());
        Ok(Update { root, published, files, lineage: *lineage })
    }

    fn refusal(&self, trusted: &Trusted, error: SyncError) -> Refusal {
        let newer_root = (self.root != trusted.root).then(|| self.root.clone());
        Refusal { error: Box::new(error), newer_root }
    }

    /// Fetches the lists of revocations that are not those of last time, or not `held` any more,
    /// into a folder beside where they are `kept`; nothing, if there is no such place.
    fn revocations(
        &self,
        trusted: &Trusted,
        held: &BTreeSet<String>,
        kept: Option<&Path>,
    ) -> Result<Option<TempDir>, SyncError> {
        let Some(place) = kept.and_then(Path::parent) else { return Ok(None) };
        let before: Option<Signed<schema::Targets>> = trusted
            .published
            .as_ref()
            .and_then(|published| serde_json::from_slice(&published.targets.bytes).ok());
        let brought = tempfile::tempdir_in(place)?;
        for (name, target) in &self.repository.targets().signed.targets {
            let is_list = matches!(name.raw().parse(), Ok(FileName::List(_)));
            let known = before.as_ref().and_then(|before| before.signed.targets.get(name));
            let known = known.filter(|_| held.contains(name.raw()));
            let is_new = known.is_none_or(|known| {
                known.length != target.length || known.hashes.sha256 != target.hashes.sha256
            });
            if is_list && is_new {
                self.save(name.raw(), MAX_REVOCATIONS, &brought.path().join(name.raw()))?;
            }
        }
        Ok(Some(brought))
    }

    /// The names of the files that are published, each with its length.
    pub fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        let targets = &self.repository.targets().signed.targets;
        targets.iter().map(|(name, target)| (name.raw(), target.length))
    }

    /// Fetches a file of `limit` bytes at most, if it is published.
    ///
    /// # Errors
    ///
    /// [`SyncError::Oversize`], [`SyncError::Tampered`], [`SyncError::Missing`], and
    /// [`SyncError::Unreachable`].
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SyncError> {
        let mut bytes = Vec::new();
        Ok(self.bring(name, limit, &mut bytes)?.then_some(bytes))
    }

    /// Fetches a file of `limit` bytes at most into a new file at `path`, if it is published, and
    /// says whether it is. What stands at `path` is whole and on the disk when this returns, and is
    /// nothing if it fails.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and [`SyncError::File`].
    pub fn save(&self, name: &str, limit: u64, path: &Path) -> Result<bool, SyncError> {
        let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut file = NamedTempFile::new_in(folder)?;
        if !self.bring(name, limit, &mut file)? {
            return Ok(false);
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()?;
        Ok(true)
    }

    /// Writes a published file to `out`. What is there after an error is not to be used.
    fn bring(&self, name: &str, limit: u64, out: &mut impl Write) -> Result<bool, SyncError> {
        let target_name = TargetName::new(name).map_err(|error| unforeseen(&error))?;
        let Some(target) = self.repository.targets().signed.targets.get(&target_name) else {
            return Ok(false);
        };
        if target.length > limit {
            return Err(SyncError::Oversize { name: name.to_owned() });
        }
        self.courier.limit(target.length);
        self.runtime.block_on(async {
            let stream = self.repository.read_target(&target_name).await;
            let stream = stream.map_err(|error| translate(error, self.now))?;
            let Some(stream) = stream else { return Ok(false) };
            let mut stream = pin!(stream);
            let mut digest = Sha256::new();
            let mut length = 0;
            while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
                let chunk = chunk.map_err(|error| translate(error, self.now))?;
                digest.update(&chunk);
                length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                out.write_all(&chunk)?;
            }
            // `tough` has said so already, but what is written here is what counts.
            if length == target.length && digest.finalize().as_slice() == &*target.hashes.sha256 {
                Ok(true)
            } else {
                Err(SyncError::Tampered { name: name.to_owned() })
            }
        })
    }

    /// The lists, each from here if it has not changed.
    fn lists(&self, kept: Option<&TrustFiles>) -> Result<TrustFiles, SyncError> {
        let list = |kind: DocumentKind| {
            let kept = kept.into_iter().flat_map(TrustFiles::present);
            let kept = kept.filter(|(kept, _)| *kept == kind).map(|(_, bytes)| bytes).next();
            let name = TargetName::new(kind.file_name()).map_err(|error| unforeseen(&error))?;
            match (kept, self.repository.targets().signed.targets.get(&name)) {
                (None, None) => Ok(None),
                (Some(_), None) => Err(SyncError::Incomplete { kind }),
                (Some(kept), Some(target)) if is_target(kept, target) => Ok(Some(kept.to_vec())),
                (_, Some(_)) => {
                    self.read(kind.file_name(), u64::try_from(MAX_BYTES).unwrap_or(u64::MAX))
                }
            }
        };
        Ok(TrustFiles {
            key_ring: list(DocumentKind::KeyRing)?
                .ok_or(SyncError::Incomplete { kind: DocumentKind::KeyRing })?,
            recognition: list(DocumentKind::Recognition)?,
            risk_areas: list(DocumentKind::RiskAreas)?,
            policy: list(DocumentKind::Policy)?,
        })
    }
}

/// Whether a file is what was signed.
fn is_target(bytes: &[u8], target: &schema::Target) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length == target.length)
        && Sha256::digest(bytes).as_slice() == &*target.hashes.sha256
}

/// What was verified of the metadata.
type Loaded = (Repository, Metadata, Published, Lineage);

/// One sync.
struct Session<'sync> {
    trusted: &'sync Trusted,
    courier: Courier,
    datastore: &'sync Path,
    now: Timestamp,
}

impl Session<'_> {
    async fn verify(&self) -> Result<Loaded, Refusal> {
        let seed = self.seed()?;
        let repository = match self.load().await {
            Ok(repository) => repository,
            Err(error) => {
                return Err(Refusal {
                    error: Box::new(self.explain(error).await),
                    newer_root: self.newer_root()?,
                });
            }
        };
        match self.rest(&repository, &seed) {
            Ok((root, published, lineage)) => Ok((repository, root, published, lineage)),
            Err(error) => Err(Refusal { error: Box::new(error), newer_root: self.newer_root()? }),
        }
    }

    /// Makes the folder that `tough` starts from. It passes over what it cannot read there, and
    /// then knows of no version that an older one could be refused by.
    fn seed(&self) -> Result<Seed, SyncError> {
        fn read<T: DeserializeOwned + schema::Role>(
            metadata: &Metadata,
            role: Role,
        ) -> Result<Signed<T>, SyncError> {
            let read: Option<Signed<T>> = serde_json::from_slice(&metadata.bytes).ok();
            read.filter(|read| read.signed.version().get() == metadata.version)
                .ok_or(SyncError::Damaged { role })
        }

        let Some(Published { timestamp, snapshot, targets }) = &self.trusted.published else {
            return Ok(None);
        };
        let seed = (read(timestamp, Role::Timestamp)?, read(snapshot, Role::Snapshot)?);
        read::<schema::Targets>(targets, Role::Targets)?;
        let files = [("timestamp", timestamp), ("snapshot", snapshot), ("targets", targets)];
        for (role, metadata) in files {
            fs::write(self.datastore.join(format!("{role}.json")), &metadata.bytes)?;
        }
        Ok(Some(seed))
    }

    async fn load(&self) -> Result<Repository, LoadError> {
        let limits = Limits {
            max_root_size: MAX_METADATA,
            max_targets_size: MAX_METADATA,
            max_timestamp_size: MAX_METADATA,
            max_snapshot_size: MAX_METADATA,
            max_root_updates: MAX_ROOTS,
        };
        let [metadata, targets] = ["metadata", "targets"].map(|name| self.courier.address(name));
        let root = &self.trusted.root.bytes;
        let loader = RepositoryLoader::new(root, metadata?, targets?)
            .transport(self.courier.clone())
            .limits(limits)
            .datastore(self.datastore)
            .expiration_enforcement(ExpirationEnforcement::Safe);
        Ok(loader.load().await?)
    }

    /// What is left to check when `tough` is content.
    fn rest(
        &self,
        repository: &Repository,
        seed: &Seed,
    ) -> Result<(Metadata, Published, Lineage), SyncError> {
        let (root, timestamp) = (&repository.root().signed, &repository.timestamp().signed);
        let (snapshot, targets) = (&repository.snapshot().signed, &repository.targets().signed);
        self.refuse_expired(Role::Root, root)?;
        self.refuse_expired(Role::Timestamp, timestamp)?;
        self.refuse_expired(Role::Snapshot, snapshot)?;
        self.refuse_expired(Role::Targets, targets)?;

        // What the keys of today did not sign binds nobody: that is how a repository that was
        // taken over is won back.
        let lineage = match seed {
            Some((timestamp, snapshot))
                if root.verify_role(timestamp).is_err() || root.verify_role(snapshot).is_err() =>
            {
                Lineage::Rekeyed
            }
            Some(_) | None => Lineage::Same,
        };
        let consistent = root.consistent_snapshot;
        let published = Published {
            timestamp: self.accepted(timestamp, consistent)?,
            snapshot: self.accepted(snapshot, consistent)?,
            targets: self.accepted(targets, consistent)?,
        };
        let root = if root.version.get() == self.trusted.root.version {
            self.trusted.root.clone()
        } else {
            self.accepted(root, consistent)?
        };
        Ok((root, published, lineage))
    }

    fn refuse_expired(&self, role: Role, metadata: &impl schema::Role) -> Result<(), SyncError> {
        let expires = Timestamp::from_timestamp(metadata.expires().as_second(), 0);
        match expires {
            Some(expires) if self.now < expires => Ok(()),
            expires => Err(SyncError::Expired { role, expires }),
        }
    }

    /// The bytes that `tough` verified. It signs with the type that it expects, whatever type they
    /// name.
    fn accepted<T: schema::Role>(&self, role: &T, consistent: bool) -> Result<Metadata, SyncError> {
        #[derive(Deserialize)]
        struct Envelope {
            signed: Typed,
        }
        #[derive(Deserialize)]
        struct Typed {
            #[serde(rename = "_type")]
            role: String,
        }

        let name = role.filename(consistent);
        let bytes = self.courier.brought(&name)?.ok_or(SyncError::Missing { name })?;
        match serde_json::from_slice(&bytes) {
            Ok(Envelope { signed: Typed { role: named } }) if named == our(T::TYPE).code() => {
                Ok(Metadata { version: role.version().get(), bytes })
            }
            _ => Err(SyncError::Malformed { role: our(T::TYPE) }),
        }
    }

    /// The newest root that `tough` verified, if it is newer than the trusted one.
    fn newer_root(&self) -> Result<Option<Metadata>, SyncError> {
        let path = self.datastore.join("root.json");
        let Ok(bytes) = fs::read(path) else { return Ok(None) };
        let root: Option<Signed<schema::Root>> = serde_json::from_slice(&bytes).ok();
        let newer = root.filter(|root| root.signed.version.get() > self.trusted.root.version);
        newer.map(|root| self.accepted(&root.signed, true)).transpose()
    }

    /// What kept the metadata from being loaded.
    async fn explain(&self, error: LoadError) -> SyncError {
        let error = match error {
            LoadError::Setting(error) => return error.into(),
            LoadError::Tough(error) => translate(*error, self.now),
        };
        // Keys that are not ours: of another authority, or a forgery?
        match error {
            SyncError::Unsigned { .. } if self.has_other_root().await => SyncError::UnknownRoot,
            error => error,
        }
    }

    /// Whether the source has another root of the version that is trusted here.
    async fn has_other_root(&self) -> bool {
        use tough::Transport;

        let name = format!("{}.root.json", self.trusted.root.version);
        let Ok(url) = self.courier.address("metadata").map(|metadata| metadata.join(&name)) else {
            return false;
        };
        let Ok(url) = url else { return false };
        let Ok(stream) = self.courier.fetch(url).await else { return false };
        stream.into_vec().await.is_ok_and(|bytes| bytes != self.trusted.root.bytes)
    }
}

/// What the keys of a root did or did not sign.
type Seed = Option<(Signed<schema::Timestamp>, Signed<schema::Snapshot>)>;

enum LoadError {
    Setting(SettingError),
    Tough(Box<ToughError>),
}

impl From<SettingError> for LoadError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}

impl From<ToughError> for LoadError {
    fn from(error: ToughError) -> Self {
        Self::Tough(Box::new(error))
    }
}
