//! What is kept, and what is refused.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::fs;

use common::{
    NOW, at, basis, code, files, judge_reading, key, key_entry, key_ring, policy, recognition,
    usual_files,
};
use greengate::{
    audit::AuditRecord,
    clock::Timestamp,
    decision::Basis,
    language::Words,
    place::{Gate, Place},
    store::{InstallError, Store, StoreError, Totals},
    symbol::Reading,
    trust::{DocumentKind, TrustFiles},
};
use tempfile::tempdir;

fn gate() -> Gate {
    let name = Words::new("京藏高速检查站", "Jingzang checkpoint");
    Gate { place: Place::HighwayCheckpoint, name, gate: "3".to_owned() }
}

/// Judges a green code at `now` and keeps the record.
fn pass(store: &mut Store, now: Timestamp) {
    let basis = basis(&usual_files());
    let reading = Reading { texts: vec![code(|_| {})], seen: 1 };
    let decision = judge_reading(&reading, &basis, now).unwrap();
    let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
    store.record(&record).unwrap();
}

#[test]
fn a_new_store_is_not_provisioned() {
    let state = tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    assert_eq!(store.load_basis().unwrap(), Basis::UNPROVISIONED);
    assert_eq!(store.gate().unwrap(), None);
    assert_eq!(store.totals(at(NOW)).unwrap(), Totals::default());
}

#[test]
fn what_was_kept_is_there_again() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    store.install(&usual_files(), at(NOW)).unwrap();
    store.provision(&gate()).unwrap();
    pass(&mut store, at("2021-11-20T00:00:05Z"));
    drop(store);

    let store = Store::open(state.path()).unwrap();
    let kept = store.load_basis().unwrap();
    assert_eq!(kept.trust, basis(&usual_files()).trust);
    assert_eq!(kept.place, Some(Place::HighwayCheckpoint));
    assert_eq!(kept.floor.instant(), at("2021-11-20T00:00:05Z"), "the last record is the floor");
    assert_eq!(store.gate().unwrap(), Some(gate()));
    assert_eq!(store.totals(at(NOW)).unwrap(), Totals { pass: 1, ..Totals::default() });
}

#[test]
fn today_begins_at_midnight_in_shanghai() {
    let mut store = Store::in_memory().unwrap();
    for now in ["2021-11-19T23:30:00Z", "2021-11-20T10:00:00Z"] {
        pass(&mut store, at(now));
    }
    let cases = [
        ("before both", "2021-11-19T15:59:59Z", 0),
        ("the day of both", "2021-11-20T15:59:59Z", 2),
        ("the day after", "2021-11-20T16:00:00Z", 0),
    ];
    for (name, now, expected) in cases {
        assert_eq!(store.totals(at(now)).unwrap().pass, expected, "{name}");
    }
}

#[test]
fn no_list_goes_back() {
    let with = |version: u64, issued: &str, name: &str| {
        let mut policy = policy();
        policy["version"] = version.into();
        policy["issued"] = issued.into();
        policy["name"] = name.into();
        files(&key_ring(&[(11, vec![key_entry(&key(1), "active")])]), &recognition(), &policy)
    };
    let kind = DocumentKind::Policy;
    let mut store = Store::in_memory().unwrap();
    store.install(&with(5, NOW, "A"), at(NOW)).unwrap();
    let cases = [
        ("the same again", with(5, NOW, "A"), None),
        (
            "lower",
            with(4, NOW, "A"),
            Some(InstallError::LowerVersion { kind, version: 4, installed: 5 }),
        ),
        (
            "higher, but earlier",
            with(6, "2021-11-19T23:59:59Z", "A"),
            Some(InstallError::EarlierDate { kind, issued: at("2021-11-19T23:59:59Z") }),
        ),
        (
            "the same version of another",
            with(5, NOW, "B"),
            Some(InstallError::SameVersion { kind, version: 5 }),
        ),
        ("higher", with(6, NOW, "B"), None),
    ];
    for (name, files, expected) in cases {
        let before = store.load_basis().unwrap();
        let error = store.install(&files, at(NOW)).err();
        let told = |error: &InstallError| error.to_string();
        assert_eq!(error.as_ref().map(told), expected.as_ref().map(told), "{name}");
        if error.is_some() {
            assert_eq!(store.load_basis().unwrap(), before, "{name}: nothing has changed");
        }
    }
}

#[test]
fn a_set_is_installed_whole_or_not_at_all() {
    let mut store = Store::in_memory().unwrap();
    store.install(&usual_files(), at(NOW)).unwrap();
    let before = store.load_basis().unwrap();
    // The key ring is newer, and would be installed first; the policy is older.
    let mut ring = key_ring(&[(11, vec![key_entry(&key(2), "active")])]);
    ring["version"] = 8.into();
    let mut older = policy();
    older["version"] = 4.into();
    assert!(store.install(&files(&ring, &recognition(), &older), at(NOW)).is_err());
    assert_eq!(store.load_basis().unwrap(), before);
}

#[test]
fn a_list_that_does_not_come_stays() {
    let mut store = Store::in_memory().unwrap();
    store.install(&usual_files(), at(NOW)).unwrap();
    let alone = TrustFiles { recognition: None, policy: None, ..usual_files() };
    store.install(&alone, at(NOW)).unwrap();
    assert_eq!(store.load_basis().unwrap().trust, basis(&usual_files()).trust);
}

#[test]
fn nothing_personal_is_kept() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    pass(&mut store, at(NOW));
    let text = code(|_| {});
    for entry in fs::read_dir(state.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for personal in ["张**", "002X", &text.as_str()[5..40]] {
            let found = bytes.windows(personal.len()).any(|window| window == personal.as_bytes());
            assert!(!found, "{personal}");
        }
    }
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let newer = {
        let state = tempdir().unwrap();
        drop(Store::open(state.path()).unwrap());
        let mut bytes = fs::read(state.path().join("greengate.db")).unwrap();
        // `user_version`, four bytes at 60: https://www.sqlite.org/fileformat2.html
        bytes[63] = 99;
        bytes
    };
    let cases: [(&str, &[u8], fn(&StoreError) -> bool); 3] = [
        ("a text", b"this is a letter, and it is longer than a header", |error| {
            matches!(error, StoreError::Open { .. })
        }),
        ("a newer program's", &newer, |error| matches!(error, StoreError::Version { version: 99 })),
        ("half a store", &newer[..newer.len() / 2], |error| {
            matches!(error, StoreError::Open { .. } | StoreError::Version { .. })
        }),
    ];
    for (name, bytes, expected) in cases {
        let state = tempdir().unwrap();
        let path = state.path().join("greengate.db");
        fs::write(&path, bytes).unwrap();
        let error = Store::open(state.path()).err();
        assert!(error.as_ref().is_some_and(expected), "{name}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
    }
}

#[test]
fn another_programs_database_is_refused() {
    let state = tempdir().unwrap();
    let other = rusqlite::Connection::open(state.path().join("greengate.db")).unwrap();
    other.execute_batch("CREATE TABLE song (title TEXT)").unwrap();
    drop(other);
    assert!(matches!(Store::open(state.path()), Err(StoreError::Foreign)));
}

#[test]
fn another_process_sees_that_the_store_has_changed() {
    let state = tempdir().unwrap();
    let kiosk = Store::open(state.path()).unwrap();
    let before = kiosk.data_version().unwrap();
    Store::open(state.path()).unwrap().install(&usual_files(), at(NOW)).unwrap();
    assert_ne!(kiosk.data_version().unwrap(), before);
}
