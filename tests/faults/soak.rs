//! A terminal that works for a month keeps to its memory, its open files, and its journal.

use std::{fs, process::Command};

use chrono::TimeDelta;
use greengate::{
    audit::AuditRecord,
    store::{KEPT, Store},
    symbol::Reading,
};
use tempfile::tempdir;

use crate::{
    child::{self, install},
    common::{NOW, at, basis, code, judge_reading, usual_files},
};

/// Tells the process that it is the one that works, in a memory of its own.
const WORKS: &str = "GREENGATE_SOAK";

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    kilobytes: u64,
    files: usize,
    journal: u64,
}

impl Held {
    fn now(state: &std::path::Path) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes = resident.trim().trim_end_matches(" kB").parse().unwrap();
        let files = fs::read_dir("/proc/self/fd").unwrap().count();
        let journal = fs::metadata(state.join("greengate.db-wal")).map_or(0, |found| found.len());
        Self { kilobytes, files, journal }
    }
}

/// Thirty days of that many people: each judged and recorded, lists installed each day, and what has
/// been kept for long enough removed.
#[test]
fn a_month_that_is_worked() {
    let Ok(people) = std::env::var(WORKS) else { return };
    let people: i32 = people.parse().unwrap();
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    let basis = basis(&usual_files());
    let reading = Reading::of(code(|_| {}));
    let mut after_ten = None;
    for day in 0..30 {
        install(&mut store, u64::try_from(day).unwrap() + 6).unwrap();
        for person in 0..people {
            let now = at(NOW) + TimeDelta::days(day) + TimeDelta::seconds(person.into());
            let decision = judge_reading(&reading, &basis, now).unwrap();
            let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
            store.record(&record).unwrap();
        }
        store.prune(at(NOW) + TimeDelta::days(day) + TimeDelta::hours(23)).unwrap();
        drop(store.load_basis().unwrap());
        if day == 9 {
            after_ten = Some(Held::now(state.path()));
        }
    }
    let (before, after) = (after_ten.unwrap(), Held::now(state.path()));
    println!("after ten days {before:?}, after thirty {after:?}");
    assert!(after.kilobytes <= before.kilobytes + 2_048, "memory: {before:?}, {after:?}");
    assert_eq!(after.files, before.files, "open files");
    // SQLite moves it into the database each 1,000 pages of 4 kB, and begins anew.
    assert!(after.journal <= 8 << 20, "journal: {after:?}");
    let kept = store.verify_log().unwrap();
    let days = u64::try_from(KEPT.num_days() + 1).unwrap();
    let most = days * (u64::try_from(people).unwrap() + 3);
    assert!(kept.end - kept.begin <= most, "{kept:?}");
}

#[test]
fn a_month_takes_no_more_than_ten_days() {
    if child::is_child() || std::env::var_os(WORKS).is_some() {
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["soak::a_month_that_is_worked", "--exact", "--nocapture"])
        .env(WORKS, (child::times(3) * 10).to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    print!("{said}");
}
