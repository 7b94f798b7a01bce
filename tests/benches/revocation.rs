//! How fast a list of revocations answers, and what that takes, beside SQLite: `cargo bench --bench
//! revocation`. `GREENGATE_BENCH_ENTRIES=100000000` makes the list longer than ten million.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

mod figures;

use std::{
    env,
    fs::{self, File},
    hint::black_box,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use figures::{measure_each, megabytes, percentiles, report, resident};
use greengate::{
    issuer::IssuerId,
    revocation::{Change, DeltaFile, ListId, Month, Prefix, RevocationFile, merge},
};
use rusqlite::{Connection, params};
use tempfile::{NamedTempFile, tempdir_in};

const LOOK_UPS: usize = 200_000;
const CHANGED: usize = 100_000;

/// The most rows for SQLite: more take minutes, and it gets slower with each.
const SQLITE_ROWS: usize = 10_000_000;

fn main() {
    let count =
        env::var("GREENGATE_BENCH_ENTRIES").map_or(10_000_000, |text| text.parse().unwrap());
    // On a disk: the usual folder may be in memory.
    let folder = tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("list");
    let entries = spread(count);

    let started = Instant::now();
    let given = entries.iter().copied().map(Ok);
    RevocationFile::write(new_file(&path), list_id(), 1, given).unwrap();
    println!("{count} entries: written and synced in {:.2?}", started.elapsed());
    let asked = asked(&entries);
    let change = change(&entries);
    let rows: Vec<_> = entries.iter().take(SQLITE_ROWS).map(|entry| number(*entry)).collect();
    drop(entries);

    let before = resident();
    let started = Instant::now();
    let list = RevocationFile::open(&path, list_id()).unwrap();
    let opened = started.elapsed();
    let length = fs::metadata(&path).unwrap().len();
    println!("opened in {opened:.1?}; {:.1} MB on the disk", megabytes(length));
    measure_each(&asked, |entry| list.contains(*entry).unwrap());
    let warm = measure_each(&asked, |entry| list.contains(*entry).unwrap());
    let grown = resident().saturating_sub(before);
    report("look-up", warm, &format!("resident memory grew by {:.1} MB", megabytes(grown)));
    let started = Instant::now();
    list.verify().unwrap();
    println!("checked from end to end in {:.2?}", started.elapsed());

    let delta = folder.path().join("delta");
    let merged = merge_beside(&list, &change, &delta, folder.path(), &asked);
    drop(merged);
    drop(list);
    sqlite(&rows, folder.path(), &asked);
}

fn list_id() -> ListId {
    ListId { issuer: IssuerId::new(44), month: Month::from_number(202_111).unwrap() }
}

/// Merges a change in another thread, and looks up in the meantime.
fn merge_beside(
    list: &RevocationFile,
    change: &Change,
    delta: &Path,
    folder: &Path,
    asked: &[Prefix],
) -> RevocationFile {
    // What will come of it, to say so in the change's header.
    let outcome = {
        let removed: std::collections::BTreeSet<_> = change.removed.iter().copied().collect();
        let kept = list.entries().map(Result::unwrap).filter(|entry| !removed.contains(entry));
        let mut all: Vec<_> = kept.chain(change.added.iter().copied()).collect();
        all.sort_unstable();
        let file = NamedTempFile::new_in(folder).unwrap();
        let all = all.into_iter().map(Ok);
        RevocationFile::write(file.reopen().unwrap(), list_id(), 2, all).unwrap().edition()
    };
    DeltaFile::write(&new_file(delta), 1, outcome, change).unwrap();
    let mut times = vec![Duration::MAX; 2_000_000];
    let before = resident();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let merging = scope.spawn(|| {
            rustix::process::nice(19).unwrap();
            let started = Instant::now();
            let delta = DeltaFile::open(delta, list_id(), 1, 2).unwrap();
            let out = NamedTempFile::new_in(folder).unwrap().into_file();
            let merged = merge(list, &delta, out).unwrap();
            done.store(true, Ordering::Relaxed);
            (merged, started.elapsed())
        });
        let mut asked = asked.iter().cycle();
        let mut count = 0;
        while !done.load(Ordering::Relaxed) {
            let entry = *asked.next().unwrap();
            let started = Instant::now();
            black_box(list.contains(entry).unwrap());
            let place = count % times.len();
            times[place] = started.elapsed();
            count += 1;
        }
        times.truncate(count);
        let grown = resident().saturating_sub(before);
        let (merged, took) = merging.join().unwrap();
        println!(
            "a change of {} merged and synced in {took:.2?}; memory grew by {:.1} MB",
            change.added.len() + change.removed.len(),
            megabytes(grown)
        );
        report("look-up in the meantime", percentiles(times), "");
        merged
    })
}

/// The same with SQLite and an integer key.
fn sqlite(rows: &[i64], folder: &Path, asked: &[Prefix]) {
    let path = folder.join("peer.db");
    let mut peer = Connection::open(&path).unwrap();
    peer.execute_batch("CREATE TABLE revoked (prefix INTEGER PRIMARY KEY) STRICT").unwrap();
    let started = Instant::now();
    let transaction = peer.transaction().unwrap();
    {
        let mut insert = transaction.prepare("INSERT INTO revoked VALUES (?1)").unwrap();
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        for row in rows {
            assert_eq!(insert.execute([row]).unwrap(), 1);
        }
    }
    transaction.commit().unwrap();
    let (written, length) = (started.elapsed(), fs::metadata(&path).unwrap().len());
    let mut query = peer.prepare("SELECT 1 FROM revoked WHERE prefix = ?1").unwrap();
    let mut exists = |entry: &Prefix| query.exists(params![number(*entry)]).unwrap();
    measure_each(asked, &mut exists);
    let note = format!("{:.1} MB, written in {written:.2?}", megabytes(length));
    report(&format!("SQLite with {} rows", rows.len()), measure_each(asked, exists), &note);
}

/// Entries as digests are, from a fixed seed, and every other number free.
fn spread(count: usize) -> Vec<Prefix> {
    let mut state = 7_u64;
    let mut numbers: Vec<_> = (0..count).map(|_| next(&mut state) | 1).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|number| Prefix::from_bytes(number.to_be_bytes())).collect()
}

/// `SplitMix64`. Source: Steele, Lea and Flood, 2014.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Entries to ask for, every other one of which is there.
fn asked(entries: &[Prefix]) -> Vec<Prefix> {
    let mut state = 8;
    (0..LOOK_UPS)
        .map(|index| {
            let random = next(&mut state);
            let at = usize::try_from(random % u64::try_from(entries.len()).unwrap()).unwrap();
            if index % 2 == 0 { entries[at] } else { Prefix::from_bytes(random.to_be_bytes()) }
        })
        .collect()
}

/// Nine tenths of a day's changes are new, the rest are gone.
fn change(entries: &[Prefix]) -> Change {
    let mut state = 9;
    let new = CHANGED / 10 * 9;
    let mut added: Vec<_> =
        (0..new).map(|_| Prefix::from_bytes((next(&mut state) & !1).to_be_bytes())).collect();
    added.sort_unstable();
    added.dedup();
    let step = (entries.len() / (CHANGED - new)).max(1);
    Change { added, removed: entries.iter().copied().step_by(step).collect() }
}

fn number(entry: Prefix) -> i64 {
    i64::from_be_bytes(entry.to_bytes())
}

fn new_file(path: &Path) -> File {
    File::options().read(true).write(true).create_new(true).open(path).unwrap()
}
