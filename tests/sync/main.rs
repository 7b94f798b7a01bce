//! What terminals take from a repository, and what they refuse.
//!
//! The repositories are published as of the real present, since `tough` asks the system what time
//! it is; everything else is fixed. Whatever is refused, what served before serves on.

#![allow(
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;
mod fetched;
mod killed;
mod mended;
mod nginx;
mod refused;
mod revocations;
mod sending;
mod server;
mod token;

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{files, key, key_entry, key_ring, policy, recognition};
use ed25519_dalek::{Signer, SigningKey};
use greengate::{
    authority::repository::{Payload, Repository, Rotation},
    clock::{self, Timestamp},
    store::Store,
    sync::{Source, SyncError, Synced, read_root, sync},
    trust::TrustFiles,
    update::Role,
};
use olpc_cjson::CanonicalFormatter;
use serde::Serialize;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// An authority's repository, its root keys, and what is published of it.
struct Publisher {
    folder: TempDir,
    now: Timestamp,
}

impl Publisher {
    /// A repository with a root, published as of `now`.
    fn new(now: Timestamp) -> Self {
        let publisher = Self { folder: tempdir().unwrap(), now };
        fs::create_dir_all(publisher.path("authority/keys")).unwrap();
        publisher.repository().init_root(&publisher.path("root-keys-1"), now).unwrap();
        publisher
    }

    /// One that has published the lists of version 1.
    fn with_lists() -> Self {
        let publisher = Self::new(clock::now());
        publisher.publish(1);
        publisher
    }

    /// One with the same keys and the same past, whose future is another's.
    fn fork(&self) -> Self {
        let fork = Self { folder: tempdir().unwrap(), now: self.now };
        copy(self.folder.path(), fork.folder.path());
        fork
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repository(&self) -> Repository {
        Repository::open(&self.path("authority")).unwrap()
    }

    fn out(&self) -> PathBuf {
        self.path("out")
    }

    fn metadata(&self, name: &str) -> PathBuf {
        self.out().join("metadata").join(name)
    }

    /// The published file of a list.
    fn list(&self, name: &str) -> PathBuf {
        let mut files = fs::read_dir(self.out().join("targets")).unwrap();
        let newest = files
            .by_ref()
            .map(|file| file.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with(name));
        newest.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
    }

    fn source(&self) -> Source {
        Source::Folder(self.out())
    }

    fn publish(&self, version: u64) {
        self.publish_files(&lists(version));
    }

    fn publish_files(&self, files: &TrustFiles) {
        let files = files
            .present()
            .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())));
        self.repository().publish(files.collect(), &self.out(), self.now).unwrap();
    }

    fn sign_timestamp(&self) {
        self.repository().sign_timestamp(&self.out(), self.now).unwrap();
    }

    /// Makes the next root with new keys for all that `replace` names, and three of its own.
    fn rotate(&self, replace: &[Role]) -> u64 {
        let newest = (1..).take_while(|n| self.path(&format!("root-keys-{n}")).exists());
        let newest = newest.last().unwrap();
        let rotation = Rotation {
            sign_with: key_files(&self.path(&format!("root-keys-{newest}")))[..2].to_vec(),
            new_root_keys: Some(self.path(&format!("root-keys-{}", newest + 1))),
            replace: replace.to_vec(),
        };
        self.repository().rotate_root(&rotation, self.now).unwrap()
    }

    /// Changes published metadata as somebody does who has the role's key.
    fn forge(&self, name: &str, role: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut metadata: Value =
            serde_json::from_slice(&fs::read(self.metadata(name)).unwrap()).unwrap();
        change(&mut metadata["signed"]);
        let keys = key_files(&self.path("authority/keys"));
        let named = |path: &&PathBuf| path.to_str().unwrap().contains(&format!("/{role}-"));
        let secret = fs::read(keys.iter().find(named).unwrap()).unwrap();
        let secret = STANDARD.decode(secret).unwrap();
        let key = SigningKey::from_bytes(&secret.try_into().unwrap());
        let signature = key.sign(&canonical(&metadata["signed"])).to_bytes();
        metadata["signatures"][0]["sig"] = hex(&signature).into();
        let bytes = canonical(&metadata);
        fs::write(self.metadata(name), &bytes).unwrap();
        bytes
    }
}

fn canonical(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = CanonicalFormatter::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter)).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};

    hex(&Sha256::digest(bytes))
}

fn key_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The usual lists, as of one version.
fn lists(version: u64) -> TrustFiles {
    let mut documents =
        [key_ring(&[(11, vec![key_entry(&key(1), "active")])]), recognition(), policy()];
    for document in &mut documents {
        document["version"] = version.into();
        document["issued"] = format!("2021-11-19T20:00:{version:02}Z").into();
    }
    let [key_ring, recognition, policy] = documents;
    files(&key_ring, &recognition, &policy)
}

/// A terminal that trusts a publisher's first root.
struct Terminal {
    store: Store,
}

impl Terminal {
    fn new(publisher: &Publisher) -> Self {
        Self::of(Store::in_memory().unwrap(), publisher)
    }

    /// One with this store.
    fn of(store: Store, publisher: &Publisher) -> Self {
        let mut store = store;
        let root = publisher.path("authority/repository/metadata/1.root.json");
        store.trust_root(&read_root(fs::read(root).unwrap()).unwrap()).unwrap();
        Self { store }
    }

    /// One that has taken what the publisher has.
    fn synced(publisher: &Publisher) -> Self {
        let mut terminal = Self::new(publisher);
        terminal.takes(&publisher.source());
        terminal
    }

    fn takes(&mut self, source: &Source) {
        assert_eq!(sync(&mut self.store, source, clock::now()).unwrap(), Synced::Updated);
    }

    /// Checks that nothing is taken and nothing changes, and says why.
    fn refuses_at(&mut self, source: &Source, now: Timestamp) -> SyncError {
        let (basis, trusted) = (self.store.load_basis().unwrap(), self.store.trusted().unwrap());
        let error = sync(&mut self.store, source, now).unwrap_err();
        assert_eq!(self.store.load_basis().unwrap(), basis, "{error}");
        let (before, after) = (trusted.unwrap(), self.store.trusted().unwrap().unwrap());
        assert_eq!((after.published, after.files), (before.published, before.files), "{error}");
        error
    }

    fn refuses(&mut self, source: &Source) -> SyncError {
        self.refuses_at(source, clock::now())
    }

    fn version(&self) -> Option<u64> {
        Some(self.store.load_basis().unwrap().trust?.key_ring.version())
    }

    fn root(&mut self) -> u64 {
        self.store.trusted().unwrap().unwrap().root.version
    }
}

/// The version of each role's metadata, of the timestamp, the snapshot, and the targets.
fn versions(terminal: &mut Terminal) -> [u64; 3] {
    let published = terminal.store.trusted().unwrap().unwrap().published.unwrap();
    [published.timestamp.version, published.snapshot.version, published.targets.version]
}

/// A publisher with a second root and a second version of the lists, and a terminal that has
/// neither.
fn second_version() -> (Publisher, Terminal) {
    let publisher = Publisher::with_lists();
    let terminal = Terminal::synced(&publisher);
    let first = key_files(&publisher.out().join("targets"));
    publisher.rotate(&[]);
    publisher.publish(2);
    for path in first {
        fs::remove_file(path).unwrap();
    }
    (publisher, terminal)
}
