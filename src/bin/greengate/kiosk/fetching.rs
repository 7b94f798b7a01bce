//! Lists are fetched beside the lane, by this very program in a process of its own.
//!
//! However that ends, scanning goes on: the lane sees in the store what has been installed, and a
//! refusal is on record. After a failure the next attempt comes sooner, and then less and less so;
//! no two terminals ask at the same time for long.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// How long to wait after what was fetched, or was not new.
const INTERVAL: Duration = Duration::from_mins(10);

/// How long to wait after the first failure; twice as long after each more, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// Where the repository is, in the words of `greengate sync`.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// `--url` or `--from`.
    pub(crate) flag: &'static str,
    /// The address or the folder.
    pub(crate) place: String,
}

/// Fetches from `repository` into the store in `state`, now and then, for as long as the program
/// runs.
pub(crate) fn start(program: &Path, state: &Path, repository: Repository) {
    let (program, state) = (program.to_path_buf(), state.to_path_buf());
    let fetching = thread::Builder::new().name("fetching".to_owned());
    let started = fetching.spawn(move || {
        let mut failures = 0;
        loop {
            let status = Command::new(&program)
                .arg("--state")
                .arg(&state)
                .args(["sync", repository.flag, &repository.place])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            failures = if status.is_ok_and(|status| status.success()) { 0 } else { failures + 1 };
            thread::sleep(pause(failures, chance()));
        }
    });
    // A machine that has no thread left still scans, and its lists age as if there were no network.
    drop(started);
}

/// How long to wait after so many failures in a row; `chance` is a number from 0 to 255.
fn pause(failures: u32, chance: u8) -> Duration {
    let whole = match failures.checked_sub(1) {
        None => INTERVAL,
        Some(more) => INTERVAL.min(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(more.min(16)))),
    };
    // From three quarters of it to five quarters.
    whole * 3 / 4 + whole / 512 * u32::from(chance)
}

/// A number that differs from machine to machine; where there is none, the middle.
fn chance() -> u8 {
    let mut byte = [128];
    getrandom::fill(&mut byte).ok();
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_followed_sooner_and_then_less_so() {
        let cases = [
            ("fetched", 0, 450, 750),
            ("the first failure", 1, 22, 38),
            ("the second", 2, 45, 75),
            ("the fifth", 5, 360, 600),
            ("the sixth", 6, 450, 750),
            ("after a week", 1_000, 450, 750),
        ];
        for (name, failures, least, most) in cases {
            let (soonest, latest) = (pause(failures, 0).as_secs(), pause(failures, 255).as_secs());
            assert!(soonest >= least && latest < most, "{name}: {soonest} to {latest} s");
        }
    }
}
