//! What is acknowledged is kept, whatever ends the program or cuts its files.
//!
//! `GREENGATE_FAULTS=200 cargo test --test faults` kills as often as that; by itself 50 times.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in a test a panic is the report")]

mod common;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use chrono::TimeDelta;
use common::{NOW, at, basis, code, judge_reading, policy, usual_files};
use greengate::{
    audit::AuditRecord,
    store::{Store, StoreError},
    symbol::Reading,
    trust::{DocumentKind, Trust, TrustFiles},
};
use tempfile::tempdir;

/// Where the child keeps its state.
const STATE: &str = "GREENGATE_FAULTS_STATE";

/// The usual lists with that version of the policy.
fn lists(version: u64) -> TrustFiles {
    let mut newer = policy();
    newer["version"] = version.into();
    TrustFiles { policy: Some(newer.to_string().into_bytes()), ..usual_files() }
}

/// What the child does until it is killed: install a newer policy, keep three records, and say what
/// has been acknowledged.
#[test]
fn a_child_that_writes() {
    let Some(state) = env::var_os(STATE) else { return };
    let mut store = Store::open(Path::new(&state)).unwrap();
    let basis = basis(&usual_files());
    let reading = Reading { texts: vec![code(|_| {})], seen: 1 };
    let mut version = version_of(&store).max(5);
    loop {
        version += 1;
        store.install(&lists(version), at(NOW)).unwrap();
        println!("installed {version}");
        for second in 0..3 {
            let now = at(NOW) + TimeDelta::seconds(second);
            let decision = judge_reading(&reading, &basis, now).unwrap();
            let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
            store.record(&record).unwrap();
            println!("kept");
        }
    }
}

/// The version of the installed policy, 0 if there is none.
fn version_of(store: &Store) -> u64 {
    let trust = store.load_basis().unwrap().trust;
    let mut versions = trust.iter().flat_map(Trust::versions);
    versions.find(|(kind, ..)| *kind == DocumentKind::Policy).map_or(0, |(_, version, _)| version)
}

fn child(state: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["a_child_that_writes", "--exact", "--nocapture"])
        .env(STATE, state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if env::var_os(STATE).is_some() {
        return;
    }
    let times = env::var("GREENGATE_FAULTS").ok().and_then(|times| times.parse().ok());
    let times: usize = times.unwrap_or(50);
    let state = tempdir().unwrap();
    let (mut records, mut version) = (0, 0);
    for round in 0..times {
        let mut child = child(state.path());
        let output = BufReader::new(child.stdout.take().unwrap());
        // Each round another line is the last that is waited for; what was said behind it until the
        // kill took hold counts too.
        let mut left = 1 + round % 11;
        for line in output.lines().map_while(Result::ok) {
            if let Some(installed) = line.strip_prefix("installed ") {
                version = installed.parse().unwrap();
                records += 1;
            } else if line == "kept" {
                records += 1;
            } else {
                continue;
            }
            left -= 1;
            if left == 0 {
                child.kill().unwrap();
            }
            left = left.max(1);
        }
        child.wait().unwrap();
        let store = Store::open(state.path()).unwrap();
        let log = store.verify_log().unwrap();
        assert!(log.end >= records, "round {round}: {} records of {records}", log.end);
        assert!(version_of(&store) >= version, "round {round}");
        // What was written and not acknowledged counts from now on.
        (records, version) = (log.end, version_of(&store));
    }
    println!("killed {times} times: {records} records, policy version {version}, none lost");
}

#[test]
fn a_store_that_is_cut_anywhere_is_refused_or_whole() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    store.install(&lists(6), at(NOW)).unwrap();
    let expected = store.load_basis().unwrap();
    drop(store);
    let path = state.path().join("greengate.db");
    let (whole, marks) =
        (fs::read(&path).unwrap(), fs::read(state.path().join("greengate.marks")).unwrap());
    let page = 4_096;
    let lengths = (0..=whole.len() / page).flat_map(|pages| [pages * page, pages * page + 1]);
    let lengths = lengths.chain([1, 15, 16, 17, 99, 100, 511, 512, 513, 4_095]);
    for length in lengths.filter(|length| *length < whole.len()) {
        fs::write(&path, &whole[..length]).unwrap();
        fs::write(state.path().join("greengate.marks"), &marks).unwrap();
        let opened = Store::open(state.path());
        match opened.and_then(|store| Ok((store.load_basis()?, store.verify_log()?))) {
            Ok((basis, log)) => assert_eq!((basis, log.end), (expected.clone(), 1), "{length}"),
            Err(
                StoreError::Open { .. }
                | StoreError::Lost
                | StoreError::Sql { .. }
                | StoreError::RolledBack { .. },
            ) => {}
            Err(error) => panic!("{length} bytes: {error}"),
        }
    }
}
