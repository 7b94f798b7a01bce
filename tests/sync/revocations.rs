//! Lists of revocations: by their changes or whole, gone on with, and never another than is signed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::TimeDelta;
use greengate::{
    authority::{
        Authority,
        repository::{Payload, Repository},
    },
    clock,
    credential::CodeId,
    issuer::IssuerId,
    revocation::{
        Change, DeltaFile, Edition, FileName, ListId, Month, Prefix, RevocationFile, Revocations,
    },
    store::Store,
    sync::{Progress, Synced, read_root, sync, sync_telling, verify},
};
use tempfile::{TempDir, tempdir};

use crate::{Publisher, Terminal, lists, server::Asked};

pub(crate) const BIN: &str = "revocations-11-202111.bin";

fn list() -> ListId {
    ListId { issuer: IssuerId::new(11), month: Month::from_number(202_111).unwrap() }
}

/// The entries of a version: most stay, some come, and some go.
fn entries(version: u64) -> BTreeSet<u64> {
    (version * 7..20_000 + version * 40)
        .map(|n| (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .collect()
}

fn new_file(path: &Path) -> File {
    File::options().read(true).write(true).create(true).truncate(true).open(path).unwrap()
}

fn write_list(path: &Path, version: u64, entries: &BTreeSet<u64>) -> Edition {
    let entries = entries.iter().map(|entry| Ok(Prefix::from_bytes(entry.to_be_bytes())));
    RevocationFile::write(new_file(path), list(), version, entries).unwrap().edition()
}

/// A publisher of versions of one list, with a folder in which it makes them.
pub(crate) struct Desk {
    pub(crate) publisher: Publisher,
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { publisher: Publisher::new(clock::now()), folder: tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Publishes a version of the list, with these files beside it.
    pub(crate) fn publish(&self, version: u64, others: &[String]) {
        self.publish_as(version, version, others);
    }

    /// Publishes a version of the lists, and with them a version of the list of revocations.
    fn publish_as(&self, lists_version: u64, version: u64, others: &[String]) {
        write_list(&self.path(BIN), version, &entries(version));
        let names = others.iter().map(String::as_str).chain([BIN]);
        let files = names.map(|name| (name.to_owned(), Payload::File(self.path(name))));
        let lists = lists(lists_version);
        let lists = lists
            .present()
            .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())));
        let (repository, out) = (self.publisher.repository(), self.publisher.out());
        repository.publish(lists.chain(files).collect(), &out, self.publisher.now).unwrap();
    }

    /// Makes the change from the version before to this one, which brings `also` too.
    pub(crate) fn change(&self, to: u64, also: Option<u64>) -> String {
        let (before, mut after) = (entries(to - 1), entries(to));
        after.extend(also);
        let outcome = write_list(&self.path("outcome"), to, &after);
        let new = |these: &BTreeSet<u64>, others| {
            let new = these.difference(others);
            new.map(|entry| Prefix::from_bytes(entry.to_be_bytes())).collect()
        };
        let change = Change { added: new(&after, &before), removed: new(&before, &after) };
        let name = list().delta_name(to - 1, to);
        DeltaFile::write(&new_file(&self.path(&name)), to - 1, outcome, &change).unwrap();
        name
    }

    /// A terminal that has what is published, in a folder of its own.
    pub(crate) fn terminal(&self, state: &Path) -> Terminal {
        let mut terminal = Terminal::of(Store::open(state).unwrap(), &self.publisher);
        terminal.takes(&self.publisher.source());
        terminal
    }

    fn bin(&self) -> PathBuf {
        self.publisher.list(BIN)
    }
}

/// What a terminal has: versions, with how many entries; every one of them is read.
pub(crate) fn held(revocations: &Revocations) -> Vec<(u64, Option<u64>)> {
    assert_eq!(revocations.verify().count(), 0);
    revocations.lists().map(|(edition, count)| (edition.version, count)).collect()
}

pub(crate) fn version(version: u64) -> Vec<(u64, Option<u64>)> {
    vec![(version, Some(entries(version).len().try_into().unwrap()))]
}

fn names(asked: &Asked) -> Vec<String> {
    asked.revocations().into_iter().map(|(name, _)| name).collect()
}

fn everything(_: &str) -> usize {
    usize::MAX
}

#[test]
fn a_list_comes_by_its_changes_where_they_lead_to_it_and_are_shorter() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    let asked = Asked::default();
    let source = asked.server(&desk.publisher.out(), 1, everything);
    let mut terminal = Terminal::of(Store::open(state.path()).unwrap(), &desk.publisher);
    terminal.takes(&source);
    assert_eq!(names(&asked), [BIN]);

    let days: Vec<_> = (2..=9).map(|to| desk.change(to, None)).collect();
    let day = |to: usize| days[to - 2].clone();
    let whole = BIN.to_owned();
    let cases = [
        ("one day", 2, days[..1].to_vec(), vec![day(2)]),
        ("two days more", 4, days[..3].to_vec(), vec![day(3), day(4)]),
        ("a day is missing", 6, vec![day(6)], vec![whole.clone()]),
        ("the last day is missing", 8, vec![day(7)], vec![day(7), whole]),
        ("the last day", 9, days.clone(), vec![day(9)]),
    ];
    for (name, to, published, expected) in cases {
        desk.publish(to, &published);
        terminal.takes(&source);
        assert_eq!(names(&asked), expected, "{name}");
        assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(to), "{name}");
    }
    // By way of changes it is the very file that was published.
    let kept = state.path().join("revocations/revocations-11-202111.9.bin");
    assert_eq!(fs::read(kept).unwrap(), fs::read(desk.bin()).unwrap());
    assert!(left_over(state.path()).is_empty());
}

#[test]
fn an_authority_publishes_the_newest_fourteen_changes() {
    let (folder, state, now) = (tempdir().unwrap(), tempdir().unwrap(), clock::now());
    let path = |name: &str| folder.path().join(name);
    let mut authority = Authority::init(&path("authority")).unwrap();
    let issuer = IssuerId::new(11);
    authority.new_key(issuer, now).unwrap();
    let repository = || Repository::open(&path("authority")).unwrap();
    repository().init_root(&path("keys"), now).unwrap();
    let mut codes = 0_u32;
    let mut publish = |revoked| {
        for _ in 0..revoked {
            codes += 1;
            let code = CodeId::new([[7; 8].as_slice(), &codes.to_be_bytes()].concat()).unwrap();
            let expires = Some(now + TimeDelta::days(3));
            authority.revoke(issuer, &code, expires, now).unwrap();
        }
        authority.publish_repository(&path("out"), Vec::new(), now).unwrap();
    };
    publish(200);
    publish(1);
    publish(1);
    let mut store = Store::open(state.path()).unwrap();
    store.trust_root(&read_root(repository().root().unwrap()).unwrap()).unwrap();
    let asked = Asked::default();
    let source = asked.server(&path("out"), 1, everything);
    assert_eq!(sync(&mut store, &source, now).unwrap(), Synced::Updated);
    assert_eq!(names(&asked).len(), 1, "the list itself");
    for _ in 4..=16 {
        publish(1);
    }
    let trusted = store.trusted().unwrap().unwrap();
    let published = verify(&trusted, &source, now).unwrap();
    let is_change = |name: &str| matches!(name.parse(), Ok(FileName::Delta { .. }));
    assert_eq!(published.names().filter(|(name, _)| is_change(name)).count(), 14);
    asked.revocations();
    assert_eq!(sync(&mut store, &source, now).unwrap(), Synced::Updated);
    let asked = names(&asked);
    assert_eq!(asked.len(), 13);
    assert!(asked.iter().all(|name| is_change(name)), "{asked:?}");
    assert_eq!(held(&store.load_basis().unwrap().revocations), [(16, Some(215))]);
}

#[test]
fn a_list_of_a_month_gone_by_is_not_asked_for_again_and_again() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    // The lists are of November.
    let october = ListId { month: Month::from_number(202_110).unwrap(), ..list() };
    let file = new_file(&desk.path(&october.file_name()));
    RevocationFile::write(file, october, 1, [Ok(Prefix::from_bytes([7; 8]))]).unwrap();
    desk.publish(1, &[october.file_name()]);
    let mut terminal = desk.terminal(state.path());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(1));
    let asked = Asked::default();
    let source = asked.server(&desk.publisher.out(), 1, everything);
    let synced = sync(&mut terminal.store, &source, clock::now()).unwrap();
    assert_eq!((synced, names(&asked)), (Synced::NothingNew, Vec::new()));
}

#[test]
fn changes_that_are_longer_than_the_list_are_not_asked_for() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    let mut terminal = desk.terminal(state.path());
    let change = desk.change(2, None);
    // Whoever published this has padded it.
    let padding = fs::metadata(desk.bin()).unwrap().len();
    File::options().write(true).open(desk.path(&change)).unwrap().set_len(padding * 2).unwrap();
    desk.publish(2, &[change]);
    let asked = Asked::default();
    terminal.takes(&asked.server(&desk.publisher.out(), 1, everything));
    assert_eq!(names(&asked), [BIN]);
}

#[test]
fn whatever_changes_say_the_list_is_the_one_that_was_signed() {
    type Spoil = fn(&Desk, &str);
    let cases: [(&str, Option<u64>, Spoil); 5] = [
        ("signed, and of another list", Some(4_711), |_, _| {}),
        ("signed garbage", None, |desk, name| {
            fs::write(desk.path(name), "GGREVOD1 and so on").unwrap();
        }),
        ("altered on its way", None, |desk, name| {
            let path = desk.publisher.list(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes[200] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("cut off on its way", None, |desk, name| {
            let path = desk.publisher.list(name);
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("not there", None, |desk, name| fs::remove_file(desk.publisher.list(name)).unwrap()),
    ];
    for (case, also, spoil) in cases {
        let (desk, state) = (Desk::new(), tempdir().unwrap());
        desk.publish(1, &[]);
        let mut terminal = desk.terminal(state.path());
        let change = desk.change(2, also);
        let is_signed = case.starts_with("signed");
        if is_signed {
            spoil(&desk, &change);
        }
        desk.publish(2, std::slice::from_ref(&change));
        if !is_signed {
            spoil(&desk, &change);
        }
        let asked = Asked::default();
        let source = asked.server(&desk.publisher.out(), 1, everything);
        // Without the whole list there is nothing to fall back to, and nothing is taken.
        let bin = desk.bin();
        let whole = fs::read(&bin).unwrap();
        for (broken, code) in [(whole[..1_000].to_vec(), "Y23"), (Vec::new(), "Y23")] {
            fs::write(&bin, broken).unwrap();
            assert_eq!(terminal.refuses(&source).code(), code, "{case}");
        }
        fs::write(&bin, whole).unwrap();
        assert!(names(&asked).contains(&BIN.to_owned()), "{case}");
        assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(1), "{case}");
        terminal.takes(&source);
        assert_eq!(names(&asked).last().unwrap(), BIN, "{case}");
        assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(2), "{case}");
    }
}

#[test]
fn a_list_that_was_damaged_comes_back() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    let mut terminal = desk.terminal(state.path());
    let kept = state.path().join("revocations/revocations-11-202111.1.bin");
    let whole = fs::read(&kept).unwrap();
    let damaged = |terminal: &Terminal| {
        let revocations = terminal.store.load_basis().unwrap().revocations;
        revocations.verify().count() == 1
    };
    // What can be seen at once comes back although nothing new is published.
    for (name, bytes) in [("cut", &whole[..whole.len() - 1]), ("emptied", &[])] {
        fs::write(&kept, bytes).unwrap();
        assert!(damaged(&terminal), "{name}");
        terminal.takes(&desk.publisher.source());
        assert_eq!(fs::read(&kept).unwrap(), whole, "{name}");
    }
    fs::remove_file(&kept).unwrap();
    assert!(damaged(&terminal));
    terminal.takes(&desk.publisher.source());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(1));
    // What only reading all of it shows, as soon as a timestamp is new: once a day.
    let spoil = || {
        let mut bytes = whole.clone();
        bytes[90_000] ^= 1;
        fs::remove_file(&kept).unwrap();
        fs::write(&kept, bytes).unwrap();
    };
    spoil();
    assert!(damaged(&terminal));
    let nothing_new = sync(&mut terminal.store, &desk.publisher.source(), clock::now()).unwrap();
    assert_eq!(nothing_new, Synced::NothingNew);
    desk.publisher.sign_timestamp();
    terminal.takes(&desk.publisher.source());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(1));
    // Nothing comes of working a change into it.
    spoil();
    let change = desk.change(2, None);
    desk.publish(2, std::slice::from_ref(&change));
    let asked = Asked::default();
    terminal.takes(&asked.server(&desk.publisher.out(), 1, everything));
    assert_eq!(names(&asked), [change.as_str(), BIN]);
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(2));
}

/// What is left over in the folder where files land.
pub(crate) fn left_over(state: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![state.join("fetching")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "lock" {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn what_one_sync_did_not_end_the_next_goes_on_with() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    let mut terminal = desk.terminal(state.path());
    desk.publish(2, &[]);
    let length = fs::read(desk.bin()).unwrap().len();
    let (asked, most) = (Asked::default(), Arc::new(AtomicUsize::new(length / 10)));
    let limit = Arc::clone(&most);
    let source = asked.server(&desk.publisher.out(), 1, move |name| {
        if name == BIN { limit.load(Ordering::SeqCst) } else { usize::MAX }
    });
    for round in 1..=3 {
        assert_eq!(terminal.refuses(&source).code(), "Y31", "{round}");
        assert_eq!(asked.revocations(), [(BIN.to_owned(), length / 10)], "{round}");
        let part = left_over(state.path());
        assert_eq!(part.len(), 1, "{round}");
        assert_eq!(fs::read(&part[0]).unwrap().len(), round * (length / 10));
    }
    most.store(usize::MAX, Ordering::SeqCst);
    let mut told = Vec::new();
    let tell = |progress: &Progress| told.push(progress.percent());
    sync_telling(&mut terminal.store, &source, tell, clock::now()).unwrap();
    assert_eq!(asked.revocations(), [(BIN.to_owned(), length - 3 * (length / 10))]);
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(2));
    assert!(left_over(state.path()).is_empty());
    assert!(told.is_sorted() && told.last() == Some(&100), "{told:?}");

    // What is there in part counts no sooner than it is whole and as it was signed.
    most.store(length / 2, Ordering::SeqCst);
    desk.publish(3, &[]);
    assert_eq!(terminal.refuses(&source).code(), "Y31");
    let part = left_over(state.path()).remove(0);
    let mut bytes = fs::read(&part).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&part, bytes).unwrap();
    most.store(usize::MAX, Ordering::SeqCst);
    asked.revocations();
    terminal.takes(&source);
    let whole = fs::read(desk.bin()).unwrap().len();
    let rest = whole - length / 2;
    assert_eq!(asked.revocations(), [(BIN.to_owned(), rest), (BIN.to_owned(), whole)]);
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(3));

    // A part of what nobody publishes any more is removed.
    most.store(length / 2, Ordering::SeqCst);
    desk.publish(4, &[]);
    assert_eq!(terminal.refuses(&source).code(), "Y31");
    let old = left_over(state.path());
    desk.publish(5, &[]);
    assert_eq!(terminal.refuses(&source).code(), "Y31");
    let new = left_over(state.path());
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_ne!(old, new);
    // A folder brings it without going on with anything.
    terminal.takes(&desk.publisher.source());
    assert_eq!(held(&terminal.store.load_basis().unwrap().revocations), version(5));
}

#[test]
fn a_second_sync_does_not_disturb_the_first() {
    let (desk, state) = (Desk::new(), tempdir().unwrap());
    desk.publish(1, &[]);
    let mut terminal = desk.terminal(state.path());
    desk.publish(2, &[]);
    let source = Asked::default().server(&desk.publisher.out(), 1, everything);
    let wire = state.path().join("fetching/wire/lock");
    let lock = File::open(wire).unwrap();
    lock.lock().unwrap();
    assert_eq!(terminal.refuses(&source).code(), "Y16");
    // A stick need not wait for a line that is slow.
    terminal.takes(&desk.publisher.source());
    drop(lock);
    assert_eq!(sync(&mut terminal.store, &source, clock::now()).unwrap(), Synced::NothingNew);
}
