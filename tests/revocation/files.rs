//! What is in a file, and what is no file.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use greengate::{
    credential::CodeId,
    issuer::IssuerId,
    revocation::{DeltaFile, FileError, ListId, RevocationFile, Revocations, Standing, merge},
};
use proptest::{collection::btree_set, prelude::*};
use tempfile::{tempdir, tempfile};

use crate::{beijing, common::at, forge, list, new_file, prefix, spread, write_change};

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
