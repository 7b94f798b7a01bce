//! What terminals take from a repository, and what they refuse.
//!
//! The repositories are published as of the real present, since `tough` asks the system what time
//! it is; everything else is fixed. Whatever is refused, what served before serves on.

#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use common::{files, key, key_entry, key_ring, policy, recognition};
use ed25519_dalek::{Signer, SigningKey};
use greengate::{
    authority::{
        repository::{Payload, Repository, Rotation},
        serve::serve,
    },
    clock::{self, Timestamp},
    store::{InstallError, Store, UpdateError},
    sync::{Source, SyncError, Synced, Web, read_root, sync, verify},
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
        let mut store = Store::in_memory().unwrap();
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

#[test]
fn a_folder_and_a_server_bring_the_same() {
    let publisher = Publisher::with_lists();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let out = publisher.out();
    thread::spawn(move || serve(&listener, &out));
    let web = || Source::Web(Web::new(&address).unwrap());

    let (mut by_stick, mut by_wire) = (Terminal::new(&publisher), Terminal::new(&publisher));
    assert_eq!(by_stick.version(), None);
    for version in 1..=3 {
        if version > 1 {
            publisher.publish(version);
        }
        by_stick.takes(&publisher.source());
        by_wire.takes(&web());
        assert_eq!(by_stick.version(), Some(version));
        assert_eq!(by_stick.store.load_basis().unwrap(), by_wire.store.load_basis().unwrap());
        assert_eq!(by_stick.store.trusted().unwrap(), by_wire.store.trusted().unwrap());
        for terminal in [&mut by_stick, &mut by_wire] {
            for source in [publisher.source(), web()] {
                let again = sync(&mut terminal.store, &source, clock::now()).unwrap();
                assert_eq!(again, Synced::NothingNew);
            }
        }
    }
}

#[test]
fn a_repository_of_the_reference_implementation_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tuf-python");
    let mut store = Store::in_memory().unwrap();
    let root = fs::read(folder.join("metadata/1.root.json")).unwrap();
    store.trust_root(&read_root(root).unwrap()).unwrap();
    let mut terminal = Terminal { store };
    terminal.takes(&Source::Folder(folder));
    assert_eq!((terminal.root(), terminal.version()), (2, Some(1)));
}

#[test]
fn any_published_file_can_be_fetched_and_stands_whole_or_not_at_all() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    // Longer than what is handed on at once.
    let large: Vec<_> = (0..300_000_u32).map(|number| number.to_be_bytes()[2]).collect();
    let path = publisher.path("large");
    fs::write(&path, &large).unwrap();
    let files = lists(2);
    let files = files
        .present()
        .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())))
        .chain([("revocations-11-202111.bin".to_owned(), Payload::File(path))]);
    publisher.repository().publish(files.collect(), &publisher.out(), publisher.now).unwrap();

    let trusted = terminal.store.trusted().unwrap().unwrap();
    let verified = verify(&trusted, &publisher.source(), clock::now()).unwrap();
    let name = "revocations-11-202111.bin";
    assert!(verified.names().any(|named| named == (name, 300_000)));
    let into = publisher.path("here");
    assert!(verified.save(name, 300_000, &into).unwrap());
    assert_eq!(fs::read(&into).unwrap(), large);
    assert!(!verified.save("nothing.bin", 1, &publisher.path("nothing")).unwrap());
    assert_eq!(verified.read(name, 299_999).unwrap_err().code(), "Y24");
    let there = publisher.list(name);
    fs::write(&there, &large[..200_000]).unwrap();
    let cut = publisher.path("cut");
    assert_eq!(verified.save(name, 300_000, &cut).unwrap_err().code(), "Y23");
    assert!(!cut.exists());
    let refused = publisher.repository().publish(
        vec![("../up".to_owned(), Payload::Bytes(Vec::new()))],
        &publisher.out(),
        publisher.now,
    );
    let words = "\"../up\" cannot be published: a name has letters, digits, and -_.";
    assert_eq!(refused.unwrap_err().to_string(), words);
}

#[test]
fn a_timestamp_that_is_signed_anew_is_taken_with_the_lists_as_they_are() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    assert_eq!(versions(&mut terminal), [1, 1, 1]);
    publisher.sign_timestamp();
    // Lists that are here are not fetched again.
    fs::remove_dir_all(publisher.out().join("targets")).unwrap();
    terminal.takes(&publisher.source());
    assert_eq!(versions(&mut terminal), [2, 1, 1]);
    assert_eq!(terminal.version(), Some(1));
}

#[test]
fn a_terminal_without_a_root_takes_nothing_and_one_with_a_root_nothing_unsigned() {
    let publisher = Publisher::with_lists();
    let mut store = Store::in_memory().unwrap();
    let error = sync(&mut store, &publisher.source(), clock::now()).unwrap_err();
    assert_eq!(error.code(), "Y10");
    store.install(&lists(1), clock::now()).unwrap();

    let mut terminal = Terminal::new(&publisher);
    let refused = terminal.store.install(&lists(1), clock::now());
    assert!(matches!(refused, Err(InstallError::Unsigned)), "{refused:?}");
    assert_eq!(terminal.version(), None);
}

#[test]
fn a_root_is_given_once() {
    let [one, other] = [(); 2].map(|()| Publisher::new(clock::now()).repository().root().unwrap());
    let mut store = Store::in_memory().unwrap();
    store.trust_root(&read_root(one.clone()).unwrap()).unwrap();
    store.trust_root(&read_root(one.clone()).unwrap()).unwrap();
    let refused = store.trust_root(&read_root(other).unwrap());
    assert!(matches!(refused, Err(UpdateError::OtherRoot { version: 1 })), "{refused:?}");

    let text = String::from_utf8(one.clone()).unwrap();
    let cases = [
        ("cut", one[..one.len() - 1].to_vec(), "Y27"),
        ("empty", Vec::new(), "Y27"),
        ("another threshold", text.replace("\"threshold\":2", "\"threshold\":1").into(), "Y26"),
        ("huge", [one, vec![b' '; 1 << 20]].concat(), "Y24"),
    ];
    for (name, bytes, code) in cases {
        assert_eq!(read_root(bytes).unwrap_err().code(), code, "{name}");
    }
}

#[test]
fn nothing_goes_back() {
    let publisher = Publisher::with_lists();
    let past = publisher.fork();
    publisher.publish(2);
    let mut terminal = Terminal::synced(&publisher);

    let error = terminal.refuses(&past.source());
    assert_eq!(error.code(), "Y21");
    assert_eq!(
        error.to_string(),
        "the timestamp metadata have version 1, and 2 is installed: this copy is older than what \
         the terminal knows; use a newer copy"
    );

    // Whoever has the timestamp's key alone.
    let snapshot_back = past.fork();
    snapshot_back.sign_timestamp();
    snapshot_back.sign_timestamp();
    let error = terminal.refuses(&snapshot_back.source());
    assert_eq!(error.code(), "Y21");
    assert!(
        error.to_string().starts_with("the snapshot metadata have version 1, and 2"),
        "{error}"
    );

    // Whoever has the snapshot's key too.
    let targets_back = publisher.fork();
    fs::copy(past.metadata("1.targets.json"), targets_back.metadata("1.targets.json")).unwrap();
    let targets = fs::read(targets_back.metadata("1.targets.json")).unwrap();
    fs::copy(targets_back.metadata("2.snapshot.json"), targets_back.metadata("3.snapshot.json"))
        .unwrap();
    let snapshot = targets_back.forge("3.snapshot.json", "snapshot", |signed| {
        signed["version"] = 3.into();
        signed["meta"]["targets.json"]["version"] = 1.into();
        signed["meta"]["targets.json"]["length"] = targets.len().into();
        signed["meta"]["targets.json"]["hashes"]["sha256"] = sha256(&targets).into();
    });
    targets_back.forge("timestamp.json", "timestamp", |signed| {
        signed["version"] = 3.into();
        signed["meta"]["snapshot.json"]["version"] = 3.into();
        signed["meta"]["snapshot.json"]["length"] = snapshot.len().into();
        signed["meta"]["snapshot.json"]["hashes"]["sha256"] = sha256(&snapshot).into();
    });
    let error = terminal.refuses(&targets_back.source());
    assert_eq!(error.code(), "Y21");
    assert!(error.to_string().starts_with("the targets metadata have version 1, and 2"), "{error}");

    // Whoever has every key but the root's: the lists have versions and dates of their own.
    let lists_back = publisher.fork();
    lists_back.publish(1);
    let error = terminal.refuses(&lists_back.source());
    assert_eq!(error.code(), "Y41");
    assert_eq!(
        error.to_string(),
        "key-ring.json: version 1 is older than the installed 2; tell the authority; the installed \
         lists stay"
    );
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn one_version_has_one_text() {
    let publisher = Publisher::with_lists();
    let other = publisher.fork();
    publisher.publish(2);
    other.publish(3);
    let mut terminal = Terminal::synced(&publisher);
    let error = terminal.refuses(&other.source());
    assert_eq!(error.code(), "Y28");
}

#[test]
fn what_has_expired_is_refused_by_the_time_of_day_and_by_the_time_that_is_given() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    publisher.publish(2);
    let days = |days| publisher.now + TimeDelta::days(days);
    let cases = [
        ("the last second", days(7) - TimeDelta::seconds(1), None),
        ("the timestamp", days(7), Some("the timestamp metadata expired at ")),
        ("after a year", days(365), Some("the root metadata expired at ")),
        ("after ten years", days(3650), Some("the root metadata expired at ")),
    ];
    for (name, now, refused) in cases.into_iter().rev() {
        if let Some(words) = refused {
            let error = terminal.refuses_at(&publisher.source(), now);
            assert_eq!(error.code(), "Y20", "{name}");
            assert!(error.to_string().starts_with(words), "{name}: {error}");
        } else {
            let synced = sync(&mut terminal.store, &publisher.source(), now).unwrap();
            assert_eq!(synced, Synced::Updated, "{name}");
        }
    }

    // The same by the system's clock: a repository that nobody has signed for eight days.
    let frozen = Publisher::new(clock::now() - TimeDelta::days(8));
    frozen.publish(1);
    let mut terminal = Terminal::new(&frozen);
    for now in [clock::now(), frozen.now] {
        let error = terminal.refuses_at(&frozen.source(), now);
        assert_eq!(error.code(), "Y20");
    }
    // Its own authority makes it good again.
    let frozen = Publisher { now: clock::now(), ..frozen };
    frozen.sign_timestamp();
    terminal.takes(&frozen.source());
}

#[test]
fn a_wrong_clock_fetches_nothing_and_is_no_lasting_harm() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::new(&publisher);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    // Without lists there is no floor, but no clock shows these years.
    for now in ["1970-01-01T00:00:00Z", "2019-12-31T23:59:59Z"] {
        assert_eq!(terminal.refuses_at(&publisher.source(), at(now)).code(), "Y11", "{now}");
    }
    terminal.takes(&publisher.source());
    publisher.publish(2);
    // The lists were issued on 2021-11-19 at 20:00:01.
    let error = terminal.refuses_at(&publisher.source(), at("2021-11-19T19:58:00Z"));
    assert_eq!(error.code(), "Y11");
    assert_eq!(terminal.refuses_at(&publisher.source(), at("2036-01-01T00:00:00Z")).code(), "Y20");
    terminal.takes(&publisher.source());
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn files_of_several_versions_do_not_go_together() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let past = publisher.fork();
    publisher.publish(2);
    let list = |publisher: &Publisher, name: &str| {
        let bytes = fs::read(publisher.metadata(name)).unwrap();
        let targets: Value = serde_json::from_slice(&bytes).unwrap();
        let hash = &targets["signed"]["targets"]["policy.json"]["hashes"]["sha256"];
        publisher.out().join("targets").join(format!("{}.policy.json", hash.as_str().unwrap()))
    };
    let cases = [
        (
            "snapshot",
            past.metadata("1.snapshot.json"),
            publisher.metadata("2.snapshot.json"),
            "Y22",
        ),
        ("targets", past.metadata("1.targets.json"), publisher.metadata("2.targets.json"), "Y22"),
        ("policy", list(&past, "1.targets.json"), list(&publisher, "2.targets.json"), "Y23"),
    ];
    for (name, old, new, code) in cases {
        let kept = fs::read(&new).unwrap();
        fs::copy(&old, &new).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name}");
        fs::write(&new, kept).unwrap();
    }
    // An old timestamp beside new files.
    let kept = fs::read(publisher.metadata("timestamp.json")).unwrap();
    fs::copy(past.metadata("timestamp.json"), publisher.metadata("timestamp.json")).unwrap();
    let again = sync(&mut terminal.store, &publisher.source(), clock::now()).unwrap();
    assert_eq!(again, Synced::NothingNew);
    fs::write(publisher.metadata("timestamp.json"), kept).unwrap();
    terminal.takes(&publisher.source());
}

/// Every file that a sync of the second version reads: what it is called here, where it is, and the
/// codes with which it is refused when it is cut off and when it is longer than it was.
fn files_read(publisher: &Publisher) -> [(&'static str, PathBuf, &'static str, &'static str); 6] {
    [
        ("root", publisher.metadata("2.root.json"), "Y27", "Y24"),
        ("timestamp", publisher.metadata("timestamp.json"), "Y27", "Y24"),
        ("snapshot", publisher.metadata("2.snapshot.json"), "Y22", "Y24"),
        ("targets", publisher.metadata("2.targets.json"), "Y22", "Y24"),
        ("key ring", publisher.list("key-ring.json"), "Y23", "Y24"),
        ("policy", publisher.list("policy.json"), "Y23", "Y24"),
    ]
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

/// Has a terminal of its own sync each file that is read, changed in each of these ways.
fn every_change_is_refused(changes: impl Fn(&[u8], bool) -> Vec<(usize, Vec<u8>)> + Sync) {
    let check = |file: usize| {
        let (publisher, mut terminal) = second_version();
        let (name, path, ..) = files_read(&publisher)[file].clone();
        let whole = fs::read(&path).unwrap();
        let is_metadata = path.starts_with(publisher.out().join("metadata"));
        for (place, changed) in changes(&whole, is_metadata) {
            fs::write(&path, &changed).unwrap();
            let refused = sync(&mut terminal.store, &publisher.source(), clock::now());
            assert!(refused.is_err(), "{name} at {place}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), files_read(&publisher)[file].2);
        fs::write(&path, whole).unwrap();
        assert_eq!(terminal.version(), Some(1), "{name}");
        terminal.takes(&publisher.source());
        assert_eq!(terminal.version(), Some(2), "{name}");
    };
    thread::scope(|scope| {
        for file in 0..6 {
            let check = &check;
            scope.spawn(move || check(file));
        }
    });
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    every_change_is_refused(|whole, is_metadata| {
        let lengths = (0..whole.len()).step_by(if is_metadata { 1 } else { 37 });
        lengths.map(|length| (length, whole[..length].to_vec())).collect()
    });
}

#[test]
fn what_is_altered_anywhere_is_refused() {
    every_change_is_refused(|whole, _| {
        let altered = (0..whole.len()).step_by(11).map(|place| {
            let mut altered = whole.to_vec();
            altered[place] ^= 1;
            (place, altered)
        });
        altered.collect()
    });
}

#[test]
fn what_is_too_long_or_missing_is_refused() {
    let (publisher, mut terminal) = second_version();
    for (name, path, _, code) in files_read(&publisher) {
        let whole = fs::read(&path).unwrap();
        let more = if code == "Y24" { 2 << 20 } else { 1 };
        fs::write(&path, [&whole[..], &vec![b' '; more]].concat()).unwrap();
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name} too long");
        fs::remove_file(&path).unwrap();
        // Without the second root, nobody can know that there is one; but it has no new keys.
        if name != "root" {
            assert_eq!(terminal.refuses(&publisher.source()).code(), "Y30", "{name} missing");
        }
        // Neither is a folder, nor what a link leads to outside.
        fs::create_dir(&path).unwrap();
        if name != "root" {
            assert_eq!(terminal.refuses(&publisher.source()).code(), "Y30", "{name} a folder");
        }
        fs::remove_dir(&path).unwrap();
        fs::write(&path, whole).unwrap();
    }
    terminal.takes(&publisher.source());

    // A byte more than the metadata say is too long too.
    publisher.publish(3);
    let path = publisher.metadata("3.snapshot.json");
    fs::write(&path, [&fs::read(&path).unwrap()[..], b" "].concat()).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y24");
}

#[test]
fn a_terminal_that_slept_through_five_roots_follows() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let asleep = publisher.fork();
    for version in 2..=6 {
        assert_eq!(publisher.rotate(&Role::ONLINE), version);
        publisher.publish(version);
    }
    terminal.takes(&publisher.source());
    assert_eq!((terminal.root(), terminal.version()), (6, Some(6)));
    // And a new one, that has the first root only.
    assert_eq!(Terminal::synced(&publisher).version(), Some(6));
    // What the old keys signed no longer counts, however new.
    asleep.publish(7);
    assert_eq!(terminal.refuses(&asleep.source()).code(), "Y26");
    // One root less, and nobody gets past the gap.
    let mut terminal = Terminal::new(&publisher);
    fs::remove_file(publisher.metadata("4.root.json")).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y26");
    assert_eq!(terminal.root(), 3);
}

#[test]
fn another_root_is_not_followed() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stranger = Publisher::with_lists();
    stranger.publish(2);
    let error = terminal.refuses(&stranger.source());
    assert_eq!(error.code(), "Y25");
    stranger.rotate(&[]);
    stranger.publish(3);
    assert_eq!(terminal.refuses(&stranger.source()).code(), "Y25");
    // The stranger's second root in our own repository.
    fs::copy(stranger.metadata("2.root.json"), publisher.metadata("2.root.json")).unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y25");
    assert_eq!(terminal.root(), 1);
}

#[test]
fn one_stolen_root_key_makes_no_root() {
    let publisher = Publisher::with_lists();
    let keys = key_files(&publisher.path("root-keys-1"));
    for keys in [&keys[..1], &[keys[0].clone(), keys[0].clone()]] {
        let rotation = Rotation { sign_with: keys.to_vec(), ..Rotation::default() };
        let refused = publisher.repository().rotate_root(&rotation, publisher.now).unwrap_err();
        assert_eq!(refused.to_string(), "1 of the root's keys are there, 2 must sign");
    }
    publisher.rotate(&[]);
    publisher.publish(2);
    let path = publisher.metadata("2.root.json");
    let mut root: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let signatures = root["signatures"].as_array_mut().unwrap();
    // Two of the old root's, two of its own: without any one of them it is none.
    assert_eq!(signatures.len(), 4);
    let whole = signatures.clone();
    for missing in 0..whole.len() {
        let mut fewer = whole.clone();
        fewer.remove(missing);
        root["signatures"] = fewer.into();
        fs::write(&path, canonical(&root)).unwrap();
        assert_eq!(Terminal::new(&publisher).refuses(&publisher.source()).code(), "Y25");
    }
}

#[test]
fn a_new_root_is_kept_even_if_the_rest_is_refused() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stolen = publisher.fork();
    publisher.rotate(&[Role::Timestamp]);
    publisher.publish(2);
    let timestamp = fs::read(publisher.metadata("timestamp.json")).unwrap();
    fs::write(publisher.metadata("timestamp.json"), b"").unwrap();
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y27");
    assert_eq!((terminal.root(), terminal.version()), (2, Some(1)));
    // From now on the stolen key of the timestamp counts for nothing.
    stolen.publish(2);
    assert_eq!(terminal.refuses(&stolen.source()).code(), "Y26");
    fs::write(publisher.metadata("timestamp.json"), timestamp).unwrap();
    terminal.takes(&publisher.source());
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn a_repository_that_was_taken_over_is_won_back() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let stolen = publisher.fork();
    stolen.forge("timestamp.json", "timestamp", |signed| signed["version"] = 1_000_000.into());
    terminal.takes(&stolen.source());
    publisher.publish(2);
    assert_eq!(terminal.refuses(&publisher.source()).code(), "Y21");
    publisher.rotate(&[Role::Timestamp]);
    publisher.publish(3);
    terminal.takes(&publisher.source());
    assert_eq!(versions(&mut terminal), [4, 4, 4]);
    assert_eq!(terminal.version(), Some(3));
}

#[test]
fn lists_that_cannot_be_used_are_refused_however_well_signed() {
    let publisher = Publisher::with_lists();
    let mut terminal = Terminal::synced(&publisher);
    let cases = [
        ("no policy", TrustFiles { policy: None, ..lists(2) }, "Y40"),
        ("garbage", TrustFiles { key_ring: b"{}".to_vec(), ..lists(2) }, "Y41"),
        ("older", lists(0), "Y41"),
    ];
    for (name, files, code) in cases {
        publisher.publish_files(&files);
        assert_eq!(terminal.refuses(&publisher.source()).code(), code, "{name}");
    }
    publisher.publish(2);
    terminal.takes(&publisher.source());
}

/// What a server that is not well answers to a request for a file, of which it is told the name and
/// from where on it is asked for.
type Answer = dyn Fn(&mut TcpStream, &str, Option<usize>) -> io::Result<()> + Send;

/// Serves answers, and has a terminal try three times without a pause.
fn server(answer: Box<Answer>) -> Source {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        loop {
            let (mut client, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let Some(Ok(request)) = lines.next() else { continue };
            let mut start = None;
            for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                let line = line.to_lowercase();
                let range =
                    line.strip_prefix("range: bytes=").and_then(|range| range.strip_suffix('-'));
                start = start.or(range.map(|range| range.parse().unwrap()));
            }
            let path = request.split(' ').nth(1).unwrap();
            // A client that goes away in the middle is what some of these are about.
            answer(&mut client, path, start).ok();
        }
    });
    Source::Web(Web::new(&url).unwrap().with_attempts(3, Duration::ZERO))
}

fn head(client: &mut TcpStream, status: &str, length: usize) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
}

/// Answers as a server does that is well.
fn well(client: &mut TcpStream, out: &Path, path: &str) -> io::Result<()> {
    match fs::read(out.join(&path[1..])) {
        Ok(bytes) => head(client, "200 OK", bytes.len()).and_then(|()| client.write_all(&bytes)),
        Err(_) => head(client, "404 Not Found", 0),
    }
}

#[test]
fn a_download_that_is_cut_off_again_and_again_is_given_up() {
    let (publisher, mut terminal) = second_version();
    for (name, path, ..) in files_read(&publisher) {
        let whole = fs::read(&path).unwrap();
        let cut_name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for length in (0..whole.len()).step_by(211) {
            let (out, cut_name, whole) = (publisher.out(), cut_name.clone(), whole.clone());
            let source = server(Box::new(move |client, path, _| {
                if path.ends_with(&cut_name) {
                    head(client, "200 OK", whole.len())?;
                    return client.write_all(&whole[..length]);
                }
                well(client, &out, path)
            }));
            let error = terminal.refuses(&source);
            assert_eq!(error.code(), "Y31", "{name} cut to {length}: {error}");
        }
    }
}

#[test]
fn a_download_goes_on_where_it_was_cut_off() {
    let (publisher, mut terminal) = second_version();
    let out = publisher.out();
    let source = server(Box::new(move |client, path, start| {
        let Ok(bytes) = fs::read(out.join(&path[1..])) else {
            return head(client, "404 Not Found", 0);
        };
        let half = bytes.len() / 2;
        match start {
            // The first half, and then the line is gone.
            None if path.contains("/targets/") => {
                head(client, "200 OK", bytes.len())?;
                client.write_all(&bytes[..half])
            }
            None => well(client, &out, path),
            Some(start) => {
                assert_eq!(start, half);
                let (last, length) = (bytes.len() - 1, bytes.len());
                write!(
                    client,
                    "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {}\r\n\
                     Content-Range: bytes {start}-{last}/{length}\r\n\r\n",
                    length - start
                )?;
                client.write_all(&bytes[start..])
            }
        }
    }));
    terminal.takes(&source);
    assert_eq!(terminal.version(), Some(2));
}

#[test]
fn a_server_that_is_not_well_is_refused_in_words() {
    let (publisher, mut terminal) = second_version();
    let endless = |client: &mut TcpStream| {
        write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        io::copy(&mut io::repeat(b' '), client).map(drop)
    };
    for file in
        ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "policy.json"]
    {
        let out = publisher.out();
        let source = server(Box::new(move |client, path, _| {
            if path.ends_with(file) { endless(client) } else { well(client, &out, path) }
        }));
        assert_eq!(terminal.refuses(&source).code(), "Y24", "{file} has no end");
    }
    let cases = [
        ("404 Not Found", "Y30"),
        ("401 Unauthorized", "Y31"),
        ("500 Internal Server Error", "Y31"),
        ("503 Service Unavailable", "Y31"),
        ("204 No Content", "Y31"),
    ];
    for (status, code) in cases {
        let source = server(Box::new(move |client, _, _| head(client, status, 0)));
        assert_eq!(terminal.refuses(&source).code(), code, "{status}");
    }
    // The page that a hotel shows to everybody.
    let source = server(Box::new(|client, _, _| {
        head(client, "200 OK", 13)?;
        client.write_all(b"<html></html>")
    }));
    assert_eq!(terminal.refuses(&source).code(), "Y27");
    // No HTTP at all.
    let source = server(Box::new(|client, _, _| client.write_all(b"220 smtp ready\r\n")));
    assert_eq!(terminal.refuses(&source).code(), "Y31");
    // Nobody.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let web = Web::new(&format!("http://{address}")).unwrap().with_attempts(2, Duration::ZERO);
    assert_eq!(terminal.refuses(&Source::Web(web)).code(), "Y31");
    assert_eq!(
        Web::new("ftp://example.com").unwrap_err().to_string(),
        "the URL: neither http nor https"
    );
}

#[test]
fn the_server_of_the_demonstration_shows_its_folder_and_nothing_else() {
    let publisher = Publisher::with_lists();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let out = publisher.out();
    thread::spawn(move || serve(&listener, &out));
    let ask = |request: &str| {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "{request}\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    };
    let timestamp = fs::read_to_string(publisher.metadata("timestamp.json")).unwrap();
    let get = "GET /metadata/timestamp.json HTTP/1.1";
    assert!(ask(get).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(ask(get).ends_with(&timestamp));
    let rest = ask(&format!("{get}\r\nRange: bytes=9-"));
    assert!(rest.starts_with("HTTP/1.1 206 "), "{rest}");
    assert!(rest.ends_with(&format!("\r\n\r\n{}", &timestamp[9..])), "{rest}");
    assert!(ask(&format!("{get}\r\nRange: bytes=99999-")).starts_with("HTTP/1.1 416 "));
    assert!(ask("HEAD /metadata/timestamp.json HTTP/1.1").ends_with("\r\n\r\n"));
    assert!(ask("POST /metadata/timestamp.json HTTP/1.1").starts_with("HTTP/1.1 405 "));
    let outside = ["/", "/metadata", "/../authority/keys", "//etc/passwd", "/%2e%2e/authority", ""];
    for path in outside {
        let answer = ask(&format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}
