//! The client of the update repository.
//!
//! The form is [The Update Framework]'s, and crate `tough` verifies it: signatures, thresholds,
//! versions, digests, lengths, and expiry. It works in a folder that is made from what the store
//! trusts and thrown away afterwards, so that nothing is believed because it lay in a file; what
//! was verified goes back to the store as one [`Update`](crate::store::Update).
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
    collections::HashMap,
    fs::{self, File},
    future::poll_fn,
    io::{self, Read, Write},
    path::Path,
    pin::pin,
};

use futures_core::Stream;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};
use tokio::runtime::{Builder, Runtime};
use tough::{
    ExpirationEnforcement, IntoVec, Limits, Repository, RepositoryLoader, TargetName,
    error::Error as ToughError,
    schema::{self, Signed},
};

use super::{
    progress::Meter,
    refusal::{Refusal, SyncError, failed, our, translate, unforeseen},
    transport::{Courier, Failure},
    web::{SettingError, Source},
};
use crate::{
    clock::Timestamp,
    store::{Lineage, Published, Trusted},
    update::{Metadata, Role},
};

/// The most bytes that metadata may have. A root with a dozen keys has 4 kB, targets of a thousand
/// files 250 kB.
const MAX_METADATA: u64 = 1 << 20;

/// Bytes of a file that are read at once.
const CHUNK: usize = 64 << 10;

/// The most roots that are followed in one sync: twenty years of one a month.
pub(super) const MAX_ROOTS: u64 = 256;

/// The first instant that a clock may show. Source: REQUIREMENTS, section 3.
const FIRST_INSTANT: i64 = 1_577_836_800;

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

/// Fetches the metadata that `source` has, and verifies them by what is trusted.
///
/// # Errors
///
/// [`Refusal`], which keeps a newer root if there was one.
pub fn verify(trusted: &Trusted, source: &Source, now: Timestamp) -> Result<Verified, Refusal> {
    verify_telling(trusted, source, Meter::new(None), now)
}

pub(super) fn verify_telling(
    trusted: &Trusted,
    source: &Source,
    meter: Meter,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    if now.timestamp() < FIRST_INSTANT || trusted.floor.is_above(now) {
        return Err(SyncError::Clock { now }.into());
    }
    let folder = tempdir().map_err(SyncError::from)?;
    let [brought, datastore] = ["brought", "datastore"].map(|name| folder.path().join(name));
    for path in [&brought, &datastore] {
        fs::create_dir(path).map_err(SyncError::from)?;
    }
    let courier = Courier::new(source, brought, MAX_METADATA, meter).map_err(SyncError::from)?;
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
    pub(super) fn refusal(&self, trusted: &Trusted, error: SyncError) -> Refusal {
        let newer_root = (self.root != trusted.root).then(|| self.root.clone());
        Refusal { error: Box::new(error), newer_root }
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

    /// Fetches a file of `limit` bytes at most to `path`, if it is published, and says whether it is.
    /// What came before it was cut off stands at `partial`, on the same file system, and is gone on
    /// with. What stands at `path` is whole, and nothing if this fails.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and [`SyncError::File`].
    pub fn save(
        &self,
        name: &str,
        limit: u64,
        partial: &Path,
        path: &Path,
    ) -> Result<bool, SyncError> {
        let Some(target) = self.target(name) else { return Ok(false) };
        self.fetch(name, target, limit, partial, path)?;
        Ok(true)
    }

    /// Fetches a published file as [`save`](Self::save) does.
    pub(super) fn fetch(
        &self,
        name: &str,
        target: &schema::Target,
        limit: u64,
        partial: &Path,
        path: &Path,
    ) -> Result<(), SyncError> {
        let oversize = || SyncError::Oversize { name: name.to_owned() };
        if target.length > limit {
            return Err(oversize());
        }
        let file = if self.repository.root().signed.consistent_snapshot {
            format!("{}.{name}", digest_of(target))
        } else {
            name.to_owned()
        };
        let url = self.courier.address("targets")?.join(&file);
        let url = url.map_err(|_| SyncError::Missing { name: name.to_owned() })?;
        let length = || match fs::metadata(partial) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        };
        self.meter().begin(name);
        loop {
            let before = length()?;
            // Nothing more is to come of what is whole, or has too much.
            if before < target.length || before == 0 {
                let brought = self.courier.bring(&url, partial, target.length);
                self.runtime.block_on(brought).map_err(|failure| {
                    if matches!(failure, Failure::Oversize { .. }) {
                        fs::remove_file(partial).ok();
                    }
                    failed(name, &failure)
                })?;
            }
            if is_target(File::open(partial)?, target)? {
                fs::rename(partial, path)?;
                self.meter().end(target.length);
                return Ok(());
            }
            fs::remove_file(partial)?;
            // What was there from before may be to blame.
            if before == 0 {
                return Err(SyncError::Tampered { name: name.to_owned() });
            }
        }
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
        self.meter().begin(name);
        let brought = self.runtime.block_on(async {
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
        });
        self.meter().end(target.length);
        brought
    }

    /// The files that are published.
    pub(super) fn targets(&self) -> &HashMap<TargetName, schema::Target> {
        &self.repository.targets().signed.targets
    }

    /// The published file of that name, if there is one.
    pub(super) fn target(&self, name: &str) -> Option<&schema::Target> {
        self.targets().get(&TargetName::new(name).ok()?)
    }

    /// What counts the bytes.
    pub(super) fn meter(&self) -> &Meter {
        self.courier.meter()
    }
}

/// The digest of a published file, as names have it.
pub(super) fn digest_of(target: &schema::Target) -> String {
    use std::fmt::Write;

    target.hashes.sha256.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// Whether a file is what was signed.
pub(super) fn is_target(content: impl Read, target: &schema::Target) -> io::Result<bool> {
    let mut content = content.take(target.length.saturating_add(1));
    let (mut digest, mut length, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = content.read(&mut chunk)?;
        if read == 0 {
            return Ok(
                length == target.length && digest.finalize().as_slice() == &*target.hashes.sha256
            );
        }
        digest.update(&chunk[..read]);
        length += u64::try_from(read).unwrap_or(u64::MAX);
    }
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
