//! How long a scan takes, from the frame to the record on the disk, while a sync brings 100 MB of lists into
//! the same state, beside how long it takes without: `cargo bench --bench sync`.
//!
//! Wanted is a 99th percentile of at most one and a half times that of the idle terminal.
//! `GREENGATE_BENCH_SYNCS=20` fetches them more often than five times.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    env,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{NOW, at, basis, code, judge_reading, usual_files};
use greengate::{
    audit::AuditRecord,
    authority::{
        print::Modules,
        repository::{Payload, Repository},
        serve::serve,
    },
    clock,
    frame::Frame,
    issuer::IssuerId,
    revocation::{ListId, Month, Prefix, RevocationFile},
    store::Store,
    symbol::Reader,
    sync::{Source, read_root, sync},
};
use image::{GrayImage, Luma, imageops};
use tempfile::tempdir_in;

/// Four lists of 25 MB.
const LISTS: [u16; 4] = [11, 12, 13, 14];
const ENTRIES: u64 = 3_076_923;

/// Decisions in a row that are measured while nothing is fetched.
const IDLE: usize = 1_000;

fn main() {
    let syncs = env::var("GREENGATE_BENCH_SYNCS").map_or(5, |text| text.parse().unwrap());
    // On a disk: the usual folder may be in memory.
    let folder = tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = |name: &str| folder.path().join(name);
    let (state, out) = (path("state"), path("out"));
    fs::create_dir_all(path("authority/keys")).unwrap();
    let repository = Repository::open(&path("authority")).unwrap();
    repository.init_root(&path("root-keys"), clock::now()).unwrap();
    publish(&repository, &out, Vec::new());
    let mut store = Store::open(&state).unwrap();
    store.trust_root(&read_root(repository.root().unwrap()).unwrap()).unwrap();
    sync(&mut store, &Source::Folder(out.clone()), clock::now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = out.clone();
    thread::spawn(move || serve(&listener, &served));

    let (mut idle, mut busy, mut took) = (Vec::new(), Vec::new(), Duration::ZERO);
    decide(&mut store, 100, &mut Vec::new());
    for version in 1..=syncs {
        let lists = LISTS.map(|issuer| list(&path("lists"), issuer, version));
        publish(&repository, &out, lists.to_vec());
        // What publishing has left to be written is not what is measured.
        assert!(Command::new("sync").status().unwrap().success());
        decide(&mut store, 100, &mut Vec::new());
        decide(&mut store, IDLE, &mut idle);
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_greengate"))
            .arg("--state")
            .arg(&state)
            .args(["sync", "--url", &url])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = loop {
            decide(&mut store, 1, &mut busy);
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        took += started.elapsed();
        assert!(status.success(), "{status}");
        let revocations = store.load_basis().unwrap().revocations;
        assert!(revocations.lists().all(|(edition, _)| edition.version == version));
        assert_eq!(revocations.lists().count(), LISTS.len());
    }
    let megabytes = fs::metadata(path("lists").join(name(11))).unwrap().len() * 4 / 1_000_000;
    println!(
        "{megabytes} MB fetched and installed {syncs} times, in {:.1?} each",
        took / u32::try_from(syncs).unwrap()
    );
    let (idle, busy) = (percentiles("idle", idle), percentiles("beside a sync", busy));
    println!(
        "ratio: median {:.2}, p99 {:.2} (wanted: at most 1.5)",
        busy.0.as_secs_f64() / idle.0.as_secs_f64(),
        busy.1.as_secs_f64() / idle.1.as_secs_f64()
    );
}

/// From a text to a verdict that is on the disk, so many times.
fn decide(store: &mut Store, times: usize, durations: &mut Vec<Duration>) {
    let (basis, now) = (basis(&usual_files()), at(NOW));
    let text = code(|_| {});
    let mut wall = GrayImage::from_pixel(1280, 720, Luma([110]));
    let picture = Modules::of(&text).unwrap().picture();
    let symbol = imageops::resize(&picture, 400, 400, imageops::FilterType::Triangle);
    imageops::replace(&mut wall, &symbol, 440, 160);
    let frame = Frame::new(wall.into_raw(), 1280, 720, now).unwrap();
    let mut reader = Reader::new();
    for _ in 0..times {
        let started = Instant::now();
        let reading = reader.next(&frame);
        let decision = judge_reading(&reading, &basis, now).unwrap();
        let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
        store.record(&record).unwrap();
        durations.push(started.elapsed());
    }
}

fn name(issuer: u16) -> String {
    id(issuer).file_name()
}

fn id(issuer: u16) -> ListId {
    ListId { issuer: IssuerId::new(issuer), month: Month::from_number(202_111).unwrap() }
}

/// Makes a version of a list, with entries spread as digests are.
fn list(folder: &Path, issuer: u16, version: u64) -> (String, PathBuf) {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name(issuer));
    let step = u64::MAX / ENTRIES;
    let entries = (0..ENTRIES).map(|n| Ok(Prefix::from_bytes((n * step + version).to_be_bytes())));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
    RevocationFile::write(file.unwrap(), id(issuer), version, entries).unwrap();
    (name(issuer), path)
}

fn publish(repository: &Repository, out: &Path, lists: Vec<(String, PathBuf)>) {
    let usual = usual_files();
    let usual = usual
        .present()
        .map(|(kind, bytes)| (kind.file_name().to_owned(), Payload::Bytes(bytes.to_vec())));
    let lists = lists.into_iter().map(|(name, path)| (name, Payload::File(path)));
    repository.publish(usual.chain(lists).collect(), out, clock::now()).unwrap();
}

/// The median and the 99th percentile.
fn percentiles(what: &str, mut durations: Vec<Duration>) -> (Duration, Duration) {
    durations.sort_unstable();
    let count = durations.len();
    let (median, p99) = (durations[count / 2], durations[count * 99 / 100]);
    let most = durations[count - 1];
    println!("{what}: {count} scans, median {median:.2?}, p99 {p99:.2?}, longest {most:.2?}");
    (median, p99)
}
