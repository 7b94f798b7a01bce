//! How long a scan takes, from the frame to the record on the disk, while a sync brings 100 MB of lists into
//! the same state, beside how long it takes without: `cargo bench --bench sync`.
//!
//! Wanted is a 99th percentile of at most one and a half times that of the idle terminal, until the
//! sync says that it is done, and then, as long as it removes what it has replaced.
//! `GREENGATE_BENCH_SYNCS=20` fetches them more often than twice.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;
mod figures;

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{NOW, at, basis, code, judge_reading, usual_files};
use figures::{percentiles, report};
use greengate::{
    audit::AuditRecord,
    authority::{
        print::Modules,
        repository::{Payload, Repository},
        serve::serve,
    },
    clock,
    decision::Basis,
    frame::Frame,
    issuer::IssuerId,
    revocation::{ListId, Month, Prefix, RevocationFile, Revocations},
    store::Store,
    symbol::Reader,
    sync::{Source, read_root, sync},
};
use image::{GrayImage, Luma, imageops};
use tempfile::tempdir_in;

/// Four lists of 25 MB.
const LISTS: [u16; 4] = [11, 12, 13, 14];
const ENTRIES: u64 = 3_076_923;

/// Scans in a row that are measured while nothing is fetched.
const IDLE: usize = 1_000;

fn main() {
    let syncs = env::var("GREENGATE_BENCH_SYNCS").map_or(2, |text| text.parse().unwrap());
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
    thread::spawn(move || {
        // On a terminal it would be another machine's work.
        rustix::process::nice(19).unwrap();
        serve(&listener, &served)
    });

    let mut lane = Lane::new(store);
    let (mut idle, mut fetching, mut sweeping) = (Vec::new(), Vec::new(), Vec::new());
    let mut took = Duration::ZERO;
    // What is measured replaces something.
    for version in 0..=syncs {
        let lists = LISTS.map(|issuer| list(&path("lists"), issuer, version + 1));
        publish(&repository, &out, lists.to_vec());
        // What publishing has left to be written is not what is measured.
        assert!(Command::new("sync").status().unwrap().success());
        if version == 0 {
            assert!(start_sync(&state, &url).wait().unwrap().success());
            lane.take_lists(version + 1);
            continue;
        }
        for _ in 0..IDLE {
            idle.push(lane.scan());
        }
        let started = Instant::now();
        let mut child = start_sync(&state, &url);
        let is_done = said(&mut child, "updated");
        while !is_done.load(Ordering::Relaxed) {
            fetching.push(lane.scan());
        }
        took += started.elapsed();
        lane.take_lists(version + 1);
        while child.try_wait().unwrap().is_none() {
            sweeping.push(lane.scan());
        }
        assert!(child.wait().unwrap().success());
    }
    let megabytes = fs::metadata(path("lists").join(name(11))).unwrap().len() * 4 / 1_000_000;
    let each = took / u32::try_from(syncs).unwrap();
    println!("{megabytes} MB fetched and installed {syncs} times, in {each:.1?} each");
    let [_, wanted] = percentiles(idle.clone());
    for (what, times) in
        [("idle", idle), ("until it is installed", fetching), ("while it is swept", sweeping)]
    {
        let (count, longest) = (times.len(), times.iter().copied().max().unwrap_or_default());
        let figures = percentiles(times);
        let ratio = figures[1].as_secs_f64() / wanted.as_secs_f64();
        let note = format!("of {count} scans, longest {longest:.2?}; p99 {ratio:.2} times idle");
        report(what, figures, &note);
    }
}

/// What scans.
struct Lane {
    store: Store,
    basis: Basis,
    /// A lane has its lists open until it takes the next.
    held: Revocations,
    reader: Reader,
    frame: Frame,
}

impl Lane {
    fn new(store: Store) -> Self {
        let mut wall = GrayImage::from_pixel(1280, 720, Luma([110]));
        let picture = Modules::of(&code(|_| {})).unwrap().picture();
        let symbol = imageops::resize(&picture, 400, 400, imageops::FilterType::Triangle);
        imageops::replace(&mut wall, &symbol, 440, 160);
        let frame = Frame::new(wall.into_raw(), 1280, 720, at(NOW)).unwrap();
        let held = Revocations::NONE;
        Self { store, basis: basis(&usual_files()), held, reader: Reader::new(), frame }
    }

    /// How long it takes from a frame to a verdict that is on the disk.
    fn scan(&mut self) -> Duration {
        let started = Instant::now();
        let reading = self.reader.next(&self.frame);
        let decision = judge_reading(&reading, &self.basis, at(NOW)).unwrap();
        let key = self.store.digest_key();
        let record = AuditRecord::of(&decision, &reading, &self.basis, key, at(NOW));
        self.store.record(&record).unwrap();
        started.elapsed()
    }

    fn take_lists(&mut self, version: u64) {
        self.held = self.store.load_basis().unwrap().revocations;
        assert!(self.held.lists().all(|(edition, _)| edition.version == version));
        assert_eq!(self.held.lists().count(), LISTS.len());
    }
}

fn start_sync(state: &Path, url: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greengate"));
    command.arg("--state").arg(state).args(["sync", "--url", url]);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Whether a process has said this line.
fn said(child: &mut Child, wanted: &'static str) -> Arc<AtomicBool> {
    let (told, out) = (Arc::new(AtomicBool::new(false)), child.stdout.take().unwrap());
    let tell = Arc::clone(&told);
    thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            tell.fetch_or(line.unwrap() == wanted, Ordering::Relaxed);
        }
        // If it ends without, that is what is waited for.
        tell.store(true, Ordering::Relaxed);
    });
    told
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
