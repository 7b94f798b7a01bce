//! What benchmarks measure and print alike.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "shared by benchmarks, each of which uses a part"
)]

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

/// The median and the 99th percentile of so many runs.
pub fn measure<T>(runs: usize, mut run: impl FnMut() -> T) -> [Duration; 2] {
    percentiles((0..runs).map(|_| timed(&mut run)).collect())
}

/// The same of one run for each thing that is asked for.
pub fn measure_each<I, T>(asked: &[I], mut ask: impl FnMut(&I) -> T) -> [Duration; 2] {
    percentiles(asked.iter().map(|one| timed(|| ask(one))).collect())
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    black_box(run());
    started.elapsed()
}

/// The median and the 99th percentile.
pub fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| times[times.len() * percent / 100])
}

/// Prints one line of figures.
pub fn report(what: &str, [p50, p99]: [Duration; 2], note: &str) {
    println!("{what}: median {p50:.2?}, p99 {p99:.2?} {note}");
}

/// Prints one line of figures beside those of a peer.
pub fn compare(what: &str, ours: [Duration; 2], peer: &str, theirs: [Duration; 2]) {
    let ratio = ours[0].as_secs_f64() / theirs[0].as_secs_f64();
    let [p50, p99] = theirs;
    let note = format!("; {peer}: median {p50:.2?}, p99 {p99:.2?}; ratio {ratio:.2}");
    report(what, ours, &note);
}

/// What this process has in memory, in bytes. Source: proc(5), `statm`.
pub fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "to one decimal place")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
