//! What is kept, and what is refused.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use chrono::TimeDelta;
use common::{
    NOW, at, basis, code, files, judge_reading, key, key_entry, key_ring, policy, recognition,
    usual_files,
};
use greengate::{
    audit::{AuditRecord, Event},
    clock::{ClockState, Timestamp},
    decision::Basis,
    language::Words,
    place::{Gate, Place},
    store::{InstallError, Store, StoreError, Totals},
    symbol::Reading,
    sync,
    trust::{DocumentKind, TrustFiles},
};
use tempfile::{TempDir, tempdir};

fn gate() -> Gate {
    let name = Words::new("京藏高速检查站", "Jingzang checkpoint");
    Gate { place: Place::HighwayCheckpoint, name, gate: "3".to_owned() }
}

/// Judges a green code at `now` and keeps the record.
fn pass(store: &mut Store, now: Timestamp) {
    let basis = basis(&usual_files());
    let reading = Reading::of(code(|_| {}));
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
fn a_store_is_for_its_owners_eyes_alone() {
    let folder = tempdir().unwrap();
    let state = folder.path().join("state");
    let mut store = Store::open(&state).unwrap();
    store.install(&usual_files(), at(NOW)).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    let expected = ["db", "db-shm", "db-wal", "key", "marks"];
    assert_eq!(names, expected.map(|end| format!("greengate.{end}")));
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

/// The store's own database, by hand.
fn by_hand(state: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(state.join("greengate.db")).unwrap();
    let key = fs::read_to_string(state.join("greengate.key")).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    connection
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let newer = tempdir().unwrap();
    drop(Store::open(newer.path()).unwrap());
    by_hand(newer.path()).pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(newer.path()).err();
    assert!(matches!(error, Some(StoreError::Version { version: 99 })), "{error:?}");

    let store = tempdir().unwrap();
    drop(Store::open(store.path()).unwrap());
    let whole = fs::read(store.path().join("greengate.db")).unwrap();
    let cases: [(&str, &[u8]); 3] = [
        ("a text", b"this is a letter, and it is longer than a header"),
        ("half a store", &whole[..whole.len() / 2]),
        ("another terminal's store", &fs::read(newer.path().join("greengate.db")).unwrap()),
    ];
    for (name, bytes) in cases {
        let path = store.path().join("greengate.db");
        fs::write(&path, bytes).unwrap();
        let error = Store::open(store.path()).err();
        assert!(matches!(error, Some(StoreError::Open { .. })), "{name}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_store_that_is_gone_or_old_is_not_taken_for_a_new_one() {
    let state = tempdir().unwrap();
    let path = |name: &str| state.path().join(name);
    let copy = || ["greengate.db", "greengate.db-wal"].map(|name| fs::read(path(name)).ok());
    let put_back = |files: [Option<Vec<u8>>; 2]| {
        fs::remove_file(path("greengate.db-shm")).ok();
        for (name, bytes) in ["greengate.db", "greengate.db-wal"].into_iter().zip(files) {
            match bytes {
                Some(bytes) => fs::write(path(name), bytes).unwrap(),
                None => drop(fs::remove_file(path(name))),
            }
        }
    };
    let said = || Store::open(state.path()).err().map(|error| error.to_string());
    let mut store = Store::open(state.path()).unwrap();
    pass(&mut store, at(NOW));
    drop(store);
    let before = copy();
    let mut store = Store::open(state.path()).unwrap();
    store.install(&usual_files(), at(NOW)).unwrap();
    pass(&mut store, at(NOW));
    let running = copy();
    drop(store);
    let after = copy();

    put_back(before);
    let old = "the store has come to 1, and had been at 3: an old copy, or a lost end";
    assert_eq!(said().as_deref(), Some(old), "an old copy");
    put_back([running[0].clone(), None]);
    assert_eq!(said().as_deref(), Some(old), "without its log");
    put_back([None, None]);
    let gone = "the store is gone, and greengate.marks is still there: was it removed?";
    assert_eq!(said().as_deref(), Some(gone), "nothing");
    put_back([Some(Vec::new()), None]);
    assert_eq!(said().as_deref(), Some(gone), "no bytes");

    put_back(after);
    assert_eq!(said(), None);
    let marks = fs::read(path("greengate.marks")).unwrap();
    fs::remove_file(path("greengate.marks")).unwrap();
    let unmarked = "greengate.marks is gone or damaged, and the store has records";
    assert_eq!(said().as_deref(), Some(unmarked), "marks gone");
    fs::write(path("greengate.marks"), vec![0; marks.len()]).unwrap();
    assert_eq!(said().as_deref(), Some(unmarked), "marks damaged");

    // A supervisor knows why, and says so.
    let key = path("greengate.key");
    let store = Store::accept(state.path(), &key, "disk replaced", at(NOW)).unwrap();
    assert_eq!(store.verify_log().unwrap().end, 4);
    drop(store);
    assert_eq!(said(), None);
    fs::remove_file(key).unwrap();
    assert!(said().is_some_and(|error| error.starts_with("cannot use the key in ")), "no key");
}

#[test]
fn a_row_that_is_changed_cut_or_moved_breaks_the_chain() {
    let filled = || {
        let state = tempdir().unwrap();
        let mut store = Store::open(state.path()).unwrap();
        store.provision(&gate()).unwrap();
        for second in 0..5 {
            pass(&mut store, at(NOW) + TimeDelta::seconds(second));
        }
        store.checkpoint(at(NOW)).unwrap();
        (state, store)
    };
    let (_state, store) = filled();
    let log = store.verify_log().unwrap();
    assert_eq!((log.begin, log.end, log.checkpoints), (0, 5, 1));
    let cases = [
        (
            "changed",
            "UPDATE audit SET verdict = 'deny' WHERE id = 3",
            "record 3 is not what the chain says",
        ),
        (
            "another gate",
            "UPDATE audit SET gate = '4' WHERE id = 1",
            "record 1 is not what the chain says",
        ),
        ("cut out", "DELETE FROM audit WHERE id = 2", "record 2 is missing"),
        ("cut off", "DELETE FROM audit WHERE id > 3", "record 5 is missing"),
        ("the first gone", "DELETE FROM audit WHERE id = 1", "record 1 is missing"),
        (
            "two exchanged",
            "UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;
             UPDATE audit SET id = 3 WHERE id = 99",
            "record 2 is not what the chain says",
        ),
        ("another beginning", "UPDATE audit_begin SET last = 2", "record 3 is missing"),
    ];
    for (name, sql, said) in cases {
        let (state, store) = filled();
        by_hand(state.path()).execute_batch(sql).unwrap();
        let error = store.verify_log().unwrap_err().to_string();
        assert_eq!(error, format!("the log is damaged: {said}"), "{name}");
    }
    // Who can write the chain anew cannot sign it.
    let (state, store) = filled();
    by_hand(state.path())
        .execute_batch("UPDATE checkpoint SET note = replace(note, 'g', 'h')")
        .unwrap();
    assert!(store.verify_log().is_err());
}

#[test]
fn rows_are_counted_and_removed_after_seven_days() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    let day = |days: i64| at(NOW) + TimeDelta::days(days);
    for days in [0, 0, 1, 6, 8] {
        pass(&mut store, day(days));
    }
    assert_eq!(store.prune(day(6)).unwrap(), 0);
    assert_eq!(store.prune(day(8)).unwrap(), 2, "seven days to the second are kept");
    let log = store.verify_log().unwrap();
    assert_eq!((log.begin, log.end, log.checkpoints), (2, 6, 1), "the removal is a row too");
    let hour = at(NOW).timestamp() / 3_600;
    let counted = |hour, count| (hour, "pass".to_owned(), String::new(), count);
    assert_eq!(store.hourly_counts().unwrap(), [counted(hour, 2)]);
    drop(store);
    let mut store = Store::open(state.path()).unwrap();
    assert_eq!(store.prune(day(30)).unwrap(), 3, "the last row stays");
    assert_eq!(store.verify_log().unwrap().begin, 5);
}

#[test]
fn a_store_of_the_first_version_is_taken_over() {
    let state = tempdir().unwrap();
    let path = state.path().join("greengate.db");
    let old = || {
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(include_str!("data/stores/version-1.sql")).unwrap();
    };
    old();
    let plain = fs::read(&path).unwrap();
    let store = Store::open(state.path()).unwrap();
    assert_eq!(store.gate().unwrap().map(|gate| gate.gate), Some("3".to_owned()));
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/credentials/trust");
    assert_eq!(store.load_basis().unwrap().trust, Some(sync::read_trust(&lists).unwrap()));
    let log = store.verify_log().unwrap();
    assert_eq!((log.begin, log.end), (0, 2));
    assert_eq!(store.totals(at(NOW)).unwrap(), Totals { refer: 2, ..Totals::default() });
    drop(store);
    let now = fs::read(&path).unwrap();
    assert_ne!(now[..16], plain[..16], "it is no longer in the clear");
    assert!(Store::open(state.path()).is_ok());

    // Cut short before the end, whatever was written beside it.
    let state = tempdir().unwrap();
    fs::write(state.path().join("greengate.db"), &plain).unwrap();
    fs::write(state.path().join("greengate.new"), "half of it").unwrap();
    assert_eq!(Store::open(state.path()).unwrap().verify_log().unwrap().end, 2);
}

/// Makes a folder with the store that the program of the second version had made.
fn second_version() -> TempDir {
    let state = tempdir().unwrap();
    drop(Store::open(state.path()).unwrap());
    fs::remove_file(state.path().join("greengate.db")).unwrap();
    by_hand(state.path()).execute_batch(include_str!("data/stores/version-2.sql")).unwrap();
    let marks = include_bytes!("data/stores/version-2.marks");
    fs::write(state.path().join("greengate.marks"), marks).unwrap();
    state
}

#[test]
fn a_store_of_the_second_version_is_taken_over() {
    let state = second_version();
    let store = Store::open(state.path()).unwrap();
    assert_eq!(store.gate().unwrap().map(|gate| gate.gate), Some("3".to_owned()));
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/credentials/trust");
    assert_eq!(store.load_basis().unwrap().trust, Some(sync::read_trust(&lists).unwrap()));
    let log = store.verify_log().unwrap();
    assert_eq!((log.begin, log.end, log.checkpoints), (0, 4, 1));
    assert_eq!(store.totals(at(NOW)).unwrap(), Totals { pass: 2, ..Totals::default() });
    assert_eq!((store.operators().unwrap(), store.terminal().unwrap()), (Vec::new(), None));
    drop(store);
    assert!(Store::open(state.path()).is_ok(), "and is one of this version");

    // One whose provisioning is on record knows its name.
    let state = second_version();
    by_hand(state.path())
        .execute_batch(
            "UPDATE audit SET event = 'provisioned',
                 detail = '00112233445566778899aabbccddeeff rail_checkpoint Gate 3 east'
             WHERE event = 'started'",
        )
        .unwrap();
    // The chain is broken by that, of which the name is no matter.
    let store = Store::open(state.path()).unwrap();
    assert_eq!(store.terminal().unwrap(), Some("Gate 3 east".to_owned()));
}

#[test]
fn a_store_that_was_taken_over_has_the_tables_of_a_new_one() {
    let tables = |state: &Path| {
        drop(Store::open(state).unwrap());
        let store = by_hand(state);
        let mut query = store
            .prepare(
                "SELECT t.name, c.name, c.type, c.\"notnull\", c.pk
                 FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
                 WHERE t.schema = 'main' ORDER BY t.name, c.cid",
            )
            .unwrap();
        let rows = query.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        });
        rows.unwrap().collect::<Result<Vec<(String, String, String, i64, i64)>, _>>().unwrap()
    };
    let (new, old) = (tempdir().unwrap(), second_version());
    let plain = tempdir().unwrap();
    rusqlite::Connection::open(plain.path().join("greengate.db"))
        .unwrap()
        .execute_batch(include_str!("data/stores/version-1.sql"))
        .unwrap();
    let expected = tables(new.path());
    assert!(expected.iter().any(|(table, ..)| table == "operator"));
    assert_eq!(tables(old.path()), expected, "version 2");
    assert_eq!(tables(plain.path()), expected, "version 1");
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
fn a_lock_that_another_process_holds_is_waited_for_and_not_for_ever() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    let other = by_hand(state.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.try_writing().err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("the store failed: database is locked"));
    let error = Store::open(state.path()).err();
    assert!(matches!(error, Some(StoreError::Open { .. })), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    pass(&mut store, at(NOW));
    assert_eq!(store.verify_log().unwrap().end, 1);
}

#[test]
fn a_clock_that_is_not_believed_raises_no_floor_and_one_that_is_raises_it_in_two_places() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    let floor = |store: &Store| store.load_basis().unwrap().floor.instant();
    let wild = at("2031-11-20T00:00:00Z");
    store.note(&Event::Started, wild).unwrap();
    store.note(&Event::Clock(ClockState::Unverified), wild).unwrap();
    assert_eq!(floor(&store), at("1970-01-01T00:00:00Z"), "wild");
    pass(&mut store, at(NOW));
    assert_eq!(floor(&store), at(NOW), "believed");
    store.raise_floor(at("2021-11-20T01:00:00Z"));
    assert_eq!(floor(&store), at("2021-11-20T01:00:00Z"), "the program was built");
    pass(&mut store, at(NOW));
    drop(store);
    // The rows are gone, and the second file remembers.
    by_hand(state.path()).execute_batch("UPDATE audit SET clock = 'unverified'").unwrap();
    assert_eq!(floor(&Store::open(state.path()).unwrap()), at("2021-11-20T01:00:00Z"), "marks");
}

#[test]
fn another_process_sees_that_the_store_has_changed() {
    let state = tempdir().unwrap();
    let kiosk = Store::open(state.path()).unwrap();
    let before = kiosk.data_version().unwrap();
    Store::open(state.path()).unwrap().install(&usual_files(), at(NOW)).unwrap();
    assert_ne!(kiosk.data_version().unwrap(), before);
}
