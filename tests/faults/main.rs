//! What is acknowledged is kept, whatever ends the program or cuts its files.
//!
//! `GREENGATE_FAULTS=200 cargo test --test faults` kills as often as that; by itself 50 times.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in a test a panic is the report")]

#[path = "../common/mod.rs"]
mod common;

mod child;
mod damage;
mod disk;
mod failing;
mod power;
mod soak;

use child::Reached;
use tempfile::tempdir;

#[test]
fn a_child_that_writes() {
    child::write();
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if child::is_child() {
        return;
    }
    let state = tempdir().unwrap();
    let mut reached = Reached::default();
    let times = child::times(50);
    for round in 0..times {
        // Each round another acknowledgement is the last that is waited for.
        child::kill_after(child::start(state.path(), None, &[]), 1 + round % 11, &mut reached);
        let found = Reached::of(state.path()).unwrap();
        assert!(found.records >= reached.records, "round {round}: {found:?} {reached:?}");
        assert!(found.version >= reached.version, "round {round}: {found:?} {reached:?}");
        // What was written and not acknowledged counts from now on.
        reached = found;
    }
    println!("killed {times} times: {reached:?}, none lost");
}
