//! The disk is full, has no inodes, is read-only, gives errors, or no more files may be opened.

use std::{io::Read, path::Path};

use tempfile::{TempDir, tempdir};

use crate::child::{self, Reached};

/// Each call that can fail, with the error's number, and how many there may be at most.
const FAULTS: [(&str, &str, libc::c_int); 12] = [
    ("no file can be opened", "open", libc::EMFILE),
    ("no inode is left", "open", libc::ENOSPC),
    ("read-only", "open", libc::EROFS),
    ("the disk is full", "write", libc::ENOSPC),
    ("writing gives an error", "write", libc::EIO),
    ("read-only, opened before", "write", libc::EROFS),
    ("reading gives an error", "read", libc::EIO),
    ("syncing gives an error", "sync", libc::EIO),
    ("full when synced", "sync", libc::ENOSPC),
    ("cutting gives an error", "truncate", libc::EIO),
    ("renaming gives an error", "rename", libc::EIO),
    ("full when renamed", "rename", libc::ENOSPC),
];

/// A state with lists of version 5.
fn provisioned() -> (TempDir, Reached) {
    let state = tempdir().unwrap();
    child::install(&mut greengate::store::Store::open(state.path()).unwrap(), 5).unwrap();
    let reached = Reached::of(state.path()).unwrap();
    (state, reached)
}

/// What the child said, all of it, and on standard error.
fn hear(state: &Path, fault: &str) -> (Vec<String>, String) {
    let mut child = child::start(state, Some(2), &[("GREENGATE_FAULT", fault)]);
    let mut complaints = child.stderr.take().unwrap();
    let lines = child::lines(child.stdout.take().unwrap()).collect();
    let mut said = String::new();
    complaints.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    (lines, said)
}

#[test]
fn a_disk_that_fails_at_any_call_loses_nothing() {
    if child::is_child() {
        return;
    }
    let step = if child::times(0) >= 200 { 1 } else { 9 };
    let mut runs = 0;
    for (name, call, number) in FAULTS {
        for how in ["once", "on"] {
            for first in (1..).step_by(step) {
                let (state, before) = provisioned();
                let fault = format!("{call}:{number}:{first}:{how}");
                let (lines, complaints) = hear(state.path(), &fault);
                assert!(!complaints.contains("panicked"), "{name}, {fault}: {complaints}");
                let mut reached = before;
                for line in &lines {
                    reached.heard(line);
                }
                let found = Reached::of(state.path());
                let found = found.unwrap_or_else(|error| panic!("{name}, {fault}: {error}"));
                let lost = format!("{name}, {fault}: {found:?} after {reached:?}, {lines:?}");
                assert!(found.records >= reached.records, "{lost}");
                assert!(found.version >= reached.version, "{lost}");
                runs += 1;
                if !complaints.contains("the disk fails") {
                    // That many calls there are not: everything was done.
                    assert_eq!(found.version, 7, "{name}, {fault}: {lines:?}");
                    break;
                }
            }
        }
    }
    println!("{runs} disks failed: nothing lost");
}
