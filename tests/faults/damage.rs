//! Files that were cut, changed, or written over.

use std::{fs, path::PathBuf};

use greengate::{
    clock::Timestamp,
    decision::Basis,
    shift::Span,
    store::{Store, StoreError},
};
use tempfile::{TempDir, tempdir};

use crate::child::{self, install};

/// The files of a store with two records, whole, and what it has come to.
struct Files {
    state: TempDir,
    database: Vec<u8>,
    journal: Vec<u8>,
    marks: Vec<u8>,
    expected: Basis,
}

impl Files {
    /// Those of a store that was closed, or is still open, when its last records are in the journal.
    fn new(is_open: bool) -> Self {
        let state = tempdir().unwrap();
        let mut store = Store::open(state.path()).unwrap();
        install(&mut store, 6).unwrap();
        drop(store);
        let mut store = Store::open(state.path()).unwrap();
        install(&mut store, 7).unwrap();
        let expected = store.load_basis().unwrap();
        let kept = is_open.then_some(store);
        let read = |name| fs::read(state.path().join(name)).unwrap_or_default();
        let (database, journal, marks) =
            (read("greengate.db"), read("greengate.db-wal"), read("greengate.marks"));
        drop(kept);
        Self { state, database, journal, marks, expected }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    /// Puts back these files, and opens the store: it is whole and has both records, or it is
    /// refused, and this tells which.
    fn is_whole_with(&self, name: &str, database: &[u8], journal: &[u8]) -> bool {
        fs::remove_file(self.path("greengate.db-shm")).ok();
        fs::write(self.path("greengate.db"), database).unwrap();
        fs::write(self.path("greengate.db-wal"), journal).unwrap();
        fs::write(self.path("greengate.marks"), &self.marks).unwrap();
        let opened = Store::open(self.state.path());
        let looked_at = opened.and_then(|store| {
            let span = Span { staff: None, from: Timestamp::MIN_UTC, to: Timestamp::MAX_UTC };
            let desk = (store.operators()?, store.registrations()?, store.shift_report(span)?);
            Ok((store.load_basis()?, store.verify_log()?.end, desk))
        });
        match looked_at {
            Ok((basis, end, (operators, registrations, report))) => {
                assert_eq!((basis, end), (self.expected.clone(), 2), "{name}");
                let is_bare = operators.is_empty() && registrations.is_empty();
                assert!(is_bare && report.operators.is_empty(), "{name}: nobody was at a desk");
                true
            }
            Err(
                StoreError::Open { .. }
                | StoreError::Lost
                | StoreError::Sql { .. }
                | StoreError::RolledBack { .. },
            ) => false,
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn a_store_that_is_cut_anywhere_is_refused_or_whole() {
    let files = Files::new(false);
    let (whole, page) = (&files.database, 4_096);
    let lengths = (0..=whole.len() / page).flat_map(|pages| [pages * page, pages * page + 1]);
    let lengths = lengths.chain([1, 15, 16, 17, 99, 100, 511, 512, 513, 4_095]);
    for length in lengths.filter(|length| *length < whole.len()) {
        files.is_whole_with(&format!("{length} bytes"), &whole[..length], &[]);
    }
    assert!(files.is_whole_with("all of it", whole, &[]));
}

#[test]
fn no_bit_of_a_store_can_be_changed_unnoticed() {
    let files = Files::new(false);
    let bits = files.database.len() * 8;
    let times = child::times(50) * 15;
    let mut refused = 0;
    for turn in 0..times {
        let bit = bits / times * turn + turn % 8;
        let mut database = files.database.clone();
        database[bit / 8] ^= 1 << (bit % 8);
        // A page that nobody reads may be broken; one that is read is right or refused.
        refused += usize::from(!files.is_whole_with(&format!("bit {bit}"), &database, &[]));
    }
    assert!(refused > times / 2, "{refused} of {times}");
    println!("{times} bits: {refused} times refused, else right");
}

#[test]
fn a_journal_that_is_cut_or_followed_by_garbage_costs_no_record_unnoticed() {
    let files = Files::new(true);
    let (database, whole) = (&files.database, &files.journal);
    assert!(files.is_whole_with("as it was", database, whole));
    // A frame's header and a page.
    let frame = 24 + 4_096;
    for frames in 0..(whole.len() - 32) / frame {
        for length in [32 + frames * frame, 32 + frames * frame + 100] {
            let name = format!("{length} bytes");
            assert!(!files.is_whole_with(&name, database, &whole[..length]), "{name}");
        }
    }
    assert!(!files.is_whole_with("none", database, &[]));
    let old = &whole[32..32 + frame];
    let garbage: [(&str, &[u8]); 4] = [
        ("a byte", b"x"),
        ("a page of zeros", &[0; 4_096 + 24]),
        ("a page of ones", &[0xFF; 4_096 + 24]),
        ("an old frame", old),
    ];
    for (name, garbage) in garbage {
        assert!(files.is_whole_with(name, database, &[whole, garbage].concat()), "{name}");
    }
}
