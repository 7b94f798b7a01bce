//! Ten thousand frames of what is hardest to read, one reader, and a memory that stays as it is.

use std::time::Duration;

use greengate::symbol::Reader;

use crate::{
    figures::{megabytes, percentiles, resident},
    peers::{Case, frame, thread_time},
};

const FRAMES: usize = 10_000;

/// What memory may grow by from the first thousandth to the last frame: what an allocator scatters.
const MOST: u64 = 8 << 20;

/// Shows one reader `cases`, one after the other again and again.
pub fn soak(cases: &[Case]) {
    let frames: Vec<_> = cases.iter().map(|case| frame(&case.picture)).collect();
    let mut reader = Reader::new();
    let mut times = Vec::with_capacity(FRAMES);
    let (mut before, mut texts, mut seen) = (0, 0, 0);
    let hook = std::panic::take_hook();
    // Panics of others are caught and counted.
    std::panic::set_hook(Box::new(|_| ()));
    for (nth, frame) in frames.iter().cycle().take(FRAMES).enumerate() {
        let started = thread_time();
        let reading = reader.next(frame);
        times.push(Duration::from_secs_f64((thread_time() - started) / 1e3));
        texts += reading.texts.len();
        seen += reading.seen;
        if nth == FRAMES / 10 {
            before = resident();
        }
    }
    std::panic::set_hook(hook);
    let grown = resident().saturating_sub(before);
    let longest = times.iter().max().copied().unwrap_or_default();
    let [median, p99] = percentiles(times);
    println!(
        "{FRAMES} frames of {} pictures: {texts} texts, {seen} seen, {} panics of others caught; \
         memory grew by {:.1} MB after the first tenth; median {median:.2?}, p99 {p99:.2?}, \
         longest {longest:.2?}",
        frames.len(),
        reader.panics(),
        megabytes(grown),
    );
    assert!(grown <= MOST, "memory grew by {grown} bytes");
}
