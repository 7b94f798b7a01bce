//! Revoked codes: lists, what changes in them, and whom they stop.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use common::{NOW, at, basis, claims, code, judge, policy, revoked, usual_files};
use greengate::{
    clock::Timestamp,
    credential::{Claims, CodeId},
    decision::{Basis, Decision, Detail, History, Outcome, Reason, explain},
    issuer::IssuerId,
    revocation::{
        Change, DeltaFile, Edition, FileError, IntakeError, ListId, Month, Prefix, RevocationFile,
        Revocations, Standing, merge, read_folder,
    },
    store::{InstallError, Store},
    trust::TrustFiles,
};
use proptest::{collection::btree_set, prelude::*};
use tempfile::{TempDir, tempdir, tempfile};

/// The list that the usual code would be in.
fn beijing() -> ListId {
    ListId { issuer: IssuerId::new(11), month: Month::from_number(202_111).unwrap() }
}

fn prefix(number: u64) -> Prefix {
    Prefix::from_bytes(number.to_be_bytes())
}

/// A list of these entries in a file.
fn list(version: u64, entries: &BTreeSet<u64>, file: File) -> RevocationFile {
    let entries = entries.iter().map(|number| Ok(prefix(*number)));
    RevocationFile::write(file, beijing(), version, entries).unwrap()
}

/// A new file to be written and read.
fn new_file(path: &Path) -> File {
    File::options().read(true).write(true).create_new(true).open(path).unwrap()
}

/// Entries as digests are: spread evenly, the same each time.
fn spread(count: u64) -> BTreeSet<u64> {
    (0..count).map(|number| (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect()
}

/// The change from one set to another.
fn change(before: &BTreeSet<u64>, after: &BTreeSet<u64>) -> Change {
    let new =
        |these: &BTreeSet<u64>, others| these.difference(others).copied().map(prefix).collect();
    Change { added: new(after, before), removed: new(before, after) }
}

/// Writes the change from one set to another, and says what comes of it.
fn write_change(
    path: &Path,
    before: (u64, &BTreeSet<u64>),
    after: (u64, &BTreeSet<u64>),
) -> Edition {
    let outcome = list(after.0, after.1, tempfile().unwrap()).edition();
    DeltaFile::write(&new_file(path), before.0, outcome, &change(before.1, after.1)).unwrap();
    outcome
}

/// What an error says, without what differs from one run to another.
fn said<T>(result: Result<T, FileError>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "fine".to_owned())
}

/// Entries that are spread, crowded at both ends, or in one place.
fn entries() -> impl Strategy<Value = BTreeSet<u64>> {
    prop_oneof![
        btree_set(any::<u64>(), 0..400),
        btree_set(0..1_000_u64, 0..400),
        btree_set(u64::MAX - 1_000..=u64::MAX, 0..400),
        (btree_set(any::<u64>(), 0..20), btree_set(1_u64 << 40..(1 << 40) + 300, 0..300))
            .prop_map(|(spread, crowd)| &spread | &crowd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_has_what_was_put_in_it_and_nothing_else(
        entries in entries(),
        others in btree_set(any::<u64>(), 0..50),
    ) {
        let list = list(3, &entries, tempfile().unwrap());
        prop_assert_eq!(list.count(), u64::try_from(entries.len()).unwrap());
        list.verify().unwrap();
        let read = list.entries().collect::<Result<Vec<_>, _>>().unwrap();
        prop_assert_eq!(read, entries.iter().copied().map(prefix).collect::<Vec<_>>());
        let beside = entries.iter().flat_map(|entry| [entry.wrapping_sub(1), entry.wrapping_add(1)]);
        for entry in entries.iter().copied().chain(others).chain(beside).chain([0, u64::MAX]) {
            let has = list.contains(prefix(entry)).unwrap();
            prop_assert_eq!(has, entries.contains(&entry), "{}", entry);
        }
    }

    #[test]
    fn a_change_makes_the_list_that_was_published(before in entries(), after in entries()) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("change");
        let outcome = write_change(&path, (3, &before), (5, &after));
        let base = list(3, &before, tempfile().unwrap());
        let delta = DeltaFile::open(&path, beijing(), 3, 5).unwrap();
        let merged = merge(&base, &delta, tempfile().unwrap()).unwrap();
        prop_assert_eq!(merged.edition(), outcome);
        merged.verify().unwrap();
        let read = merged.entries().collect::<Result<Vec<_>, _>>().unwrap();
        prop_assert_eq!(read, after.into_iter().map(prefix).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let folder = tempdir().unwrap();
        for (name, begin) in [("noise", &b""[..]), ("list", b"GGREVOK1"), ("change", b"GGREVOD1")] {
            let path = folder.path().join(name);
            fs::write(&path, [begin, &bytes].concat()).unwrap();
            prop_assert!(RevocationFile::open(&path, beijing()).is_err());
            prop_assert!(DeltaFile::open(&path, beijing(), 1, 2).is_err());
        }
    }
}

/// What every look-up in a file comes to, if it can be opened.
fn look_up(path: &Path, wanted: &BTreeSet<u64>) -> Result<Vec<Result<bool, FileError>>, FileError> {
    let list = RevocationFile::open(path, beijing())?;
    Ok(wanted.iter().map(|entry| list.contains(prefix(*entry))).collect())
}

#[test]
fn no_flipped_bit_takes_a_revocation_away() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("list");
    let entries = spread(130);
    list(7, &entries, new_file(&path));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 512 * 4, "a header and three blocks");
    let file = File::options().write(true).open(&path).unwrap();
    for bit in 0..bytes.len() * 8 {
        let (at, flipped) = (bit / 8, bytes[bit / 8] ^ 1 << (bit % 8));
        let offset = u64::try_from(at).unwrap();
        file.write_all_at(&[flipped], offset).unwrap();
        let whole = RevocationFile::open(&path, beijing()).and_then(|list| list.verify());
        assert!(whole.is_err(), "bit {bit} is not noticed");
        for answer in look_up(&path, &entries).into_iter().flatten() {
            assert!(!matches!(answer, Ok(false)), "bit {bit} lets somebody pass");
        }
        file.write_all_at(&bytes[at..=at], offset).unwrap();
    }
    RevocationFile::open(&path, beijing()).unwrap().verify().unwrap();
}

#[test]
fn no_file_that_was_cut_short_is_a_list() {
    let folder = tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let delta = folder.path().join("delta");
    list(7, &spread(130), new_file(&whole));
    write_change(&delta, (7, &spread(130)), (8, &spread(140)));
    let (bytes, change) = (fs::read(&whole).unwrap(), fs::read(&delta).unwrap());
    for length in (0..bytes.len()).chain([bytes.len() + 1, bytes.len() + 512]) {
        fs::write(&cut, [&bytes[..], &[0; 512]].concat().get(..length).unwrap()).unwrap();
        let opened = RevocationFile::open(&cut, beijing());
        assert!(matches!(opened, Err(FileError::Length)), "{length}: {opened:?}");
    }
    for length in (0..change.len()).chain([change.len() + 1]) {
        fs::write(&cut, [&change[..], &[0]].concat().get(..length).unwrap()).unwrap();
        let opened = DeltaFile::open(&cut, beijing(), 7, 8);
        assert!(matches!(opened, Err(FileError::Length)), "change, {length}: {opened:?}");
    }
    for bit in 0..change.len() * 8 {
        let mut flipped = change.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&cut, flipped).unwrap();
        assert!(DeltaFile::open(&cut, beijing(), 7, 8).is_err(), "change, bit {bit}");
    }
}

/// The block with this number, with bytes put over it, and its check made good.
fn forge(bytes: &mut [u8], block: usize, at: usize, put: &[u8]) {
    let block = &mut bytes[512 * block..512 * (block + 1)];
    block[at..at + put.len()].copy_from_slice(put);
    let check = crc32fast::hash(&block[..508]);
    block[508..].copy_from_slice(&check.to_be_bytes());
}

/// What somebody does to a file.
type Forgery = fn(&mut Vec<u8>);

#[test]
fn no_file_is_believed_for_its_checks_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("list");
    list(7, &spread(130), new_file(&path));
    let whole = fs::read(&path).unwrap();
    let cases: [(&str, Forgery, [&str; 2]); 13] = [
        ("as it was", |_| {}, ["fine", "fine"]),
        (
            "a foreign one",
            |bytes| forge(bytes, 0, 0, b"GGREVOK2"),
            ["it is no list of revocations"; 2],
        ),
        (
            "another issuer's",
            |bytes| forge(bytes, 0, 8, &[0, 12]),
            ["it holds another list than its name says"; 2],
        ),
        (
            "another month's",
            |bytes| forge(bytes, 0, 12, &202_112_u32.to_be_bytes()),
            ["it holds another list than its name says"; 2],
        ),
        (
            "no month's",
            |bytes| forge(bytes, 0, 12, &202_113_u32.to_be_bytes()),
            ["it holds another list than its name says"; 2],
        ),
        (
            "another version",
            |bytes| forge(bytes, 0, 16, &8_u64.to_be_bytes()),
            ["fine", "it is damaged"],
        ),
        (
            "one entry fewer",
            |bytes| forge(bytes, 0, 24, &129_u64.to_be_bytes()),
            ["fine", "it is damaged"],
        ),
        (
            "a block more",
            |bytes| forge(bytes, 0, 24, &190_u64.to_be_bytes()),
            ["it is longer or shorter than it says"; 2],
        ),
        (
            "more than there can be",
            |bytes| forge(bytes, 0, 24, &u64::MAX.to_be_bytes()),
            ["it has more than 268435456 entries"; 2],
        ),
        (
            "more in the header",
            |bytes| forge(bytes, 0, 500, &[1]),
            ["it is no list of revocations"; 2],
        ),
        ("more behind the last", |bytes| forge(bytes, 3, 500, &[1]), ["fine", "it is damaged"]),
        (
            "out of order",
            |bytes| forge(bytes, 1, 0, &[0xFF; 8]),
            ["fine", "its entries are out of order"],
        ),
        (
            "a block in another's place",
            |bytes| {
                let (first, second) = bytes[512..].split_at_mut(512);
                first.swap_with_slice(&mut second[..512]);
            },
            ["fine", "it is damaged"],
        ),
    ];
    for (name, forgery, expected) in cases {
        let mut bytes = whole.clone();
        forgery(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let opened = said(RevocationFile::open(&path, beijing()));
        let verified = said(RevocationFile::open(&path, beijing()).and_then(|list| list.verify()));
        assert_eq!([opened.as_str(), verified.as_str()], expected, "{name}");
        // Whatever it says, it says it without a panic.
        look_up(&path, &spread(200)).ok();
    }
    let folder = RevocationFile::open(folder.path(), beijing());
    assert_eq!(said(folder), "it is no list of revocations", "a folder");
    let backwards = [Ok(prefix(2)), Ok(prefix(1))];
    let twice = [Ok(prefix(2)), Ok(prefix(2))];
    for entries in [backwards, twice] {
        let written = RevocationFile::write(tempfile().unwrap(), beijing(), 1, entries);
        assert!(matches!(written, Err(FileError::Unsorted)));
    }
}

#[test]
fn a_change_is_for_one_version_of_one_list() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("change");
    let (before, after) = (spread(100), spread(120));
    write_change(&path, (7, &before), (8, &after));
    let delta = DeltaFile::open(&path, beijing(), 7, 8).unwrap();
    let shanghai = ListId { issuer: IssuerId::new(31), ..beijing() };
    let misnamed = "it holds another list than its name says";
    let names = [(beijing(), 6, 8), (beijing(), 7, 9), (shanghai, 7, 8)];
    for (list, from, to) in names {
        assert_eq!(said(DeltaFile::open(&path, list, from, to)), misnamed, "{list} {from} {to}");
    }
    let does_not_fit = "it changes another list than the one at hand";
    let mut less = before.clone();
    let gone = less.pop_first().unwrap();
    let cases = [
        ("the one before", 7, before.clone(), "fine"),
        ("another version", 6, before.clone(), does_not_fit),
        ("what is added is there", 7, after.clone(), does_not_fit),
        ("an entry that nobody speaks of is gone", 7, less, "it is damaged"),
    ];
    for (name, version, entries, expected) in cases {
        let base = list(version, &entries, tempfile().unwrap());
        assert_eq!(said(merge(&base, &delta, tempfile().unwrap())), expected, "{name}");
    }
    let path = folder.path().join("removal");
    let mut after = before.clone();
    after.remove(&gone);
    write_change(&path, (7, &before), (8, &after));
    let delta = DeltaFile::open(&path, beijing(), 7, 8).unwrap();
    let base = list(7, &after, tempfile().unwrap());
    let merged = merge(&base, &delta, tempfile().unwrap());
    assert_eq!(said(merged), does_not_fit, "what is removed is not there");
}

fn told(decision: &Decision) -> (&'static str, Option<&'static str>) {
    (decision.verdict().code(), decision.reason().map(Reason::code))
}

#[test]
fn a_revoked_code_is_stopped_after_the_dates_and_before_all_else() {
    let usual = Basis { revocations: revoked(&claims()), ..basis(&usual_files()) };
    let mut excepted = common::recognition();
    excepted["exceptions"] = serde_json::json!([{
        "issuer": 11, "places": ["rail_checkpoint"], "from": "2021-11-01T00:00:00Z",
        "to": "2021-12-01T00:00:00Z", "filed": "2021-11-01T00:00:00Z", "filing": "1",
        "instead": {"zh": "", "en": ""},
    }]);
    let mut files = usual_files();
    files.recognition = Some(excepted.to_string().into_bytes());
    let excepted = Basis { revocations: revoked(&claims()), ..basis(&files) };
    let none = basis(&usual_files());
    let same: fn(&mut Claims) = |_| {};
    let red: fn(&mut Claims) = |claims| claims.status = 3;
    let other: fn(&mut Claims) = |claims| claims.code_id = CodeId::new(vec![8; 12]).unwrap();
    let national: fn(&mut Claims) = |claims| claims.issuer = IssuerId::NATIONAL;
    let december: fn(&mut Claims) = |claims| claims.expires = at("2021-12-01T00:00:00Z");
    let november: fn(&mut Claims) = |claims| claims.expires = at("2021-11-30T23:59:59Z");
    let cases: [(&str, fn(&mut Claims), &Basis, &str, _); 10] = [
        ("revoked", same, &usual, NOW, ("deny", Some("E24"))),
        ("not revoked", same, &none, NOW, ("pass", None)),
        ("another code", other, &usual, NOW, ("pass", None)),
        ("another issuer's of the same name", national, &usual, NOW, ("pass", None)),
        ("of the same month", november, &usual, NOW, ("deny", Some("E24"))),
        ("of another month", december, &usual, NOW, ("pass", None)),
        ("before its status", red, &usual, NOW, ("deny", Some("E24"))),
        ("before recognition", same, &excepted, NOW, ("deny", Some("E24"))),
        ("after the dates", same, &usual, "2021-11-20T11:00:00Z", ("deny", Some("E31"))),
        ("not recognised", other, &excepted, NOW, ("refer", Some("E60"))),
    ];
    for (name, change, basis, now, expected) in cases {
        assert_eq!(told(&judge(&code(change), basis, at(now))), expected, "{name}");
    }

    let decision = judge(&code(|_| {}), &usual, at(NOW));
    let checks = explain(&decision, &usual, &History::empty(), at(NOW)).checks;
    let check = checks.iter().find(|check| check.kind.code() == "revocation").unwrap();
    assert_eq!(check.outcome, Outcome::Failed(Reason::Revoked));
    let saw = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(check.saw, [saw("list", "2021-11"), saw("version", "1")]);
}

/// A terminal, and a folder that it is given lists in.
struct Terminal {
    state: TempDir,
    given: TempDir,
}

impl Terminal {
    fn new() -> Self {
        Self { state: tempdir().unwrap(), given: tempdir().unwrap() }
    }

    fn give(&self, version: u64, entries: &BTreeSet<u64>) -> Edition {
        let path = self.given.path().join(beijing().file_name());
        fs::remove_file(&path).ok();
        list(version, entries, new_file(&path)).edition()
    }

    fn give_change(&self, before: (u64, &BTreeSet<u64>), after: (u64, &BTreeSet<u64>)) -> Edition {
        let name = beijing().delta_name(before.0, after.0);
        write_change(&self.given.path().join(name), before, after)
    }

    fn take(&self) {
        for entry in fs::read_dir(self.given.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn import_of(&self, files: &TrustFiles) -> Result<(), InstallError> {
        let mut store = Store::open(self.state.path()).unwrap();
        store.install_from(files, self.given.path(), at(NOW))
    }

    fn import(&self) -> Result<(), InstallError> {
        self.import_of(&usual_files())
    }

    fn basis(&self) -> Basis {
        Store::open(self.state.path()).unwrap().load_basis().unwrap()
    }

    /// What it goes by.
    fn editions(&self) -> Vec<(Edition, Option<u64>)> {
        self.basis().revocations.lists().collect()
    }

    /// The files that it keeps.
    fn kept(&self) -> Vec<PathBuf> {
        let mut kept: Vec<_> = fs::read_dir(self.state.path().join("revocations"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some())
            .collect();
        kept.sort();
        kept
    }
}

#[test]
fn a_terminal_keeps_the_newest_of_each_list() {
    let terminal = Terminal::new();
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [], "nothing was given");

    let (first, second, third) = (spread(100), spread(150), spread(30));
    let one = terminal.give(1, &first);
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(one, Some(100))]);
    let running = terminal.basis();

    // Both changes are worked in, and the one that led to the first is passed over.
    terminal.take();
    let two = terminal.give_change((1, &first), (2, &second));
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(two, Some(150))]);
    let three = terminal.give_change((2, &second), (3, &third));
    terminal.import().unwrap();
    assert_eq!(terminal.editions(), [(three, Some(30))]);
    assert_eq!(terminal.kept().len(), 1, "older ones are swept away");
    assert_eq!(running.revocations.verify().count(), 0, "whoever has one open is not disturbed");

    // Another terminal gets there in one step, by a list and the changes behind it.
    let late = Terminal::new();
    let five = spread(200);
    late.give(1, &first);
    late.give_change((1, &first), (2, &second));
    late.give_change((2, &second), (5, &five));
    late.import().unwrap();
    assert_eq!(late.editions()[0].0.version, 5);
    let folder = read_folder(late.given.path()).unwrap();
    assert_eq!(folder, late.basis().revocations, "as does whoever judges by the folder");
}

#[test]
fn what_is_refused_changes_nothing() {
    let (first, second) = (spread(100), spread(150));
    let cases: [(&str, fn(&Terminal, &BTreeSet<u64>, &BTreeSet<u64>), fn(&IntakeError) -> bool);
        7] = [
        (
            "an older one",
            |terminal, first, _| {
                terminal.give(6, first);
            },
            |error| matches!(error, IntakeError::LowerVersion { version: 6, accepted: 7, .. }),
        ),
        (
            "another of the same version",
            |terminal, _, second| {
                terminal.give(7, second);
            },
            |error| matches!(error, IntakeError::SameVersion { version: 7, .. }),
        ),
        (
            "a change to what is not there",
            |terminal, first, second| {
                terminal.give_change((8, first), (9, second));
            },
            |error| matches!(error, IntakeError::Gap { from: 8, .. }),
        ),
        (
            "a change of something else",
            |terminal, first, second| {
                terminal.give_change((7, second), (8, first));
            },
            |error| matches!(error, IntakeError::File { error: FileError::DoesNotFit, .. }),
        ),
        (
            "a damaged one",
            |terminal, _, second| {
                terminal.give(8, second);
                let path = terminal.given.path().join(beijing().file_name());
                let mut bytes = fs::read(&path).unwrap();
                bytes[700] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Damaged, .. }),
        ),
        (
            "one that lies about its order",
            |terminal, _, second| {
                terminal.give(8, second);
                let path = terminal.given.path().join(beijing().file_name());
                let mut bytes = fs::read(&path).unwrap();
                forge(&mut bytes, 2, 0, &[0; 8]);
                fs::write(path, bytes).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Unsorted, .. }),
        ),
        (
            "one under another's name",
            |terminal, _, second| {
                terminal.give(8, second);
                let [from, to] = ["11-202111", "31-202111"]
                    .map(|name| terminal.given.path().join(format!("revocations-{name}.bin")));
                fs::rename(from, to).unwrap();
            },
            |error| matches!(error, IntakeError::File { error: FileError::Misnamed, .. }),
        ),
    ];
    for (name, give, expected) in cases {
        let terminal = Terminal::new();
        terminal.give(7, &first);
        terminal.import().unwrap();
        let before = terminal.editions();
        terminal.take();
        give(&terminal, &first, &second);
        // A newer policy comes with it, and is not taken up either.
        let mut newer = usual_files();
        let mut changed = policy();
        changed["version"] = 6.into();
        newer.policy = Some(changed.to_string().into_bytes());
        match terminal.import_of(&newer) {
            Err(InstallError::Intake(error)) => assert!(expected(&error), "{name}: {error}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(terminal.editions(), before, "{name}");
        assert_eq!(terminal.basis().trust, basis(&usual_files()).trust, "{name}");
        // What was left behind does not stand in the way of what is good.
        terminal.take();
        terminal.give(8, &second);
        terminal.import_of(&newer).unwrap();
        assert_eq!(terminal.editions()[0].0.version, 8, "{name}");
        assert_eq!(terminal.kept().len(), 1, "{name}");
    }
}

#[test]
fn nobody_passes_by_a_list_that_cannot_be_read() {
    let spoil: [(&str, fn(&Path)); 4] = [
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("cut short", |path| {
            File::options().write(true).open(path).unwrap().set_len(1_000).unwrap();
        }),
        ("another list", |path| {
            fs::remove_file(path).unwrap();
            drop(list(7, &spread(99), new_file(path)));
        }),
    ];
    for (name, spoil) in spoil {
        let terminal = Terminal::new();
        let edition = terminal.give(7, &spread(100));
        terminal.import().unwrap();
        let of = |terminal: &Terminal| {
            let revocations = terminal.basis().revocations;
            let basis = Basis { revocations, ..basis(&usual_files()) };
            judge(&code(|_| {}), &basis, at(NOW))
        };
        assert_eq!(told(&of(&terminal)), ("pass", None), "{name}");
        let [path] = terminal.kept().try_into().unwrap();
        spoil(&path);
        let decision = of(&terminal);
        assert_eq!(told(&decision), ("refer", Some("E73")), "{name}");
        assert_eq!(decision.detail(), Some(&Detail::Revocations(beijing())), "{name}");
        assert_eq!(terminal.editions(), [(edition, None)], "{name}");
        assert_eq!(terminal.basis().revocations.verify().count(), 1, "{name}");
        // The same list again makes it good.
        terminal.import().unwrap();
        assert_eq!(terminal.editions(), [(edition, Some(100))], "{name}");
        assert_eq!(told(&of(&terminal)), ("pass", None), "{name}");
    }
}

#[test]
fn a_file_that_is_replaced_or_cut_while_it_is_open_is_no_surprise() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("list");
    let entries = spread(1_000);
    list(1, &entries, new_file(&path));
    let open = RevocationFile::open(&path, beijing()).unwrap();
    let newer = folder.path().join("newer");
    list(2, &spread(10), new_file(&newer));
    fs::rename(&newer, &path).unwrap();
    open.verify().unwrap();
    assert!(entries.iter().all(|entry| open.contains(prefix(*entry)).unwrap()), "as it was");

    // Nobody should, but somebody may cut it in place.
    let cut = RevocationFile::open(&path, beijing()).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(600).unwrap();
    let [entry] = [spread(10).pop_first().unwrap()];
    assert!(matches!(cut.contains(prefix(entry)), Err(FileError::Io(_))));
    let standing = Revocations::of([cut]).standing(
        IssuerId::new(11),
        &CodeId::new(vec![7; 12]).unwrap(),
        at("2021-11-20T11:00:00Z"),
    );
    assert_eq!(standing, Standing::Unreadable);
}

#[test]
fn months_gone_by_are_forgotten_once_later_lists_are_published() {
    let terminal = Terminal::new();
    terminal.give(7, &spread(100));
    terminal.import().unwrap();
    let published = |version: u64, instant: &str| {
        let mut later = policy();
        later["version"] = version.into();
        later["issued"] = instant.into();
        TrustFiles { policy: Some(later.to_string().into_bytes()), ..usual_files() }
    };
    terminal.import_of(&published(6, "2021-12-01T23:59:59Z")).unwrap();
    assert_eq!(terminal.editions().len(), 1, "a clock may be behind");
    terminal.import_of(&published(7, "2021-12-02T00:00:00Z")).unwrap();
    assert_eq!(terminal.editions(), [], "and is not taken in again");
    assert_eq!(terminal.kept(), Vec::<PathBuf>::new());
}

#[test]
fn a_store_in_memory_has_no_place_for_lists() {
    let mut store = Store::in_memory().unwrap();
    let now: Timestamp = at(NOW);
    let refused = store.install_from(&usual_files(), tempdir().unwrap().path(), now);
    assert!(matches!(refused, Err(InstallError::Intake(IntakeError::NoFolder))));
    store.install(&usual_files(), now).unwrap();
}
