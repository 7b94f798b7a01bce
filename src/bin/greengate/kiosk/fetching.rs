//! Lists are fetched beside the lane, by this very program in a process of its own.
//!
//! However that ends, scanning goes on: the lane sees in the store what has been installed, and a
//! refusal is on record. After a failure the next attempt comes sooner, and then less and less so;
//! no two terminals ask at the same time for long. How far it has come the process says line by
//! line, as [`Progress`] has it, and the status bar shows it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use greengate::sync::Progress;

/// How long to wait after what was fetched, or was not new.
const INTERVAL: Duration = Duration::from_mins(10);

/// How long to wait after the first failure; twice as long after each more, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The most bytes that are read of what the process says. It says some thousand lines at most.
const MOST_SAID: u64 = 1 << 20;

/// Where the repository is.
#[derive(Clone, Debug)]
pub(crate) enum Repository {
    /// In a folder.
    Folder {
        /// The folder.
        path: String,
    },
    /// At a web server.
    Web {
        /// The address.
        url: String,
        /// The file of the terminal's certificate.
        device_certificate: Option<PathBuf>,
        /// The file of the certificates that servers are known by.
        ca: Option<PathBuf>,
        /// The proxy.
        proxy: Option<String>,
    },
}

impl Repository {
    /// It, in the words of `greengate sync`.
    fn arguments(&self) -> Vec<&OsStr> {
        match self {
            Self::Folder { path } => vec!["--from".as_ref(), path.as_ref()],
            Self::Web { url, device_certificate, ca, proxy } => {
                let mut arguments: Vec<&OsStr> = vec!["--url".as_ref(), url.as_ref()];
                let device = device_certificate.as_deref().map(Path::as_os_str);
                for (flag, value) in [
                    ("--device-certificate", device),
                    ("--ca", ca.as_deref().map(Path::as_os_str)),
                    ("--proxy", proxy.as_deref().map(str::as_ref)),
                ] {
                    arguments.extend(value.into_iter().flat_map(|value| [flag.as_ref(), value]));
                }
                arguments
            }
        }
    }
}

/// How far the fetching that is under way has come, if any is.
#[derive(Clone, Debug)]
pub(crate) struct Fetching(Arc<AtomicU8>);

impl Fetching {
    /// No percentage: nothing is being fetched.
    const NOTHING: u8 = u8::MAX;

    /// Nothing is ever fetched.
    pub(crate) fn never() -> Self {
        Self(Arc::new(AtomicU8::new(Self::NOTHING)))
    }

    /// From 0 to 100, while something is being fetched.
    pub(crate) fn percent(&self) -> Option<u8> {
        Some(self.0.load(Ordering::Relaxed)).filter(|percent| *percent != Self::NOTHING)
    }

    fn set(&self, percent: Option<u8>) {
        self.0.store(percent.unwrap_or(Self::NOTHING), Ordering::Relaxed);
    }

    /// Reads what the process says until it says nothing more.
    fn follow(&self, said: impl Read) {
        let lines = BufReader::new(said.take(MOST_SAID)).lines();
        for line in lines.map_while(Result::ok) {
            // What it says besides it says when it has fetched everything.
            let progress = line.parse::<Progress>().ok();
            self.set(progress.map(|progress| progress.percent()));
        }
    }
}

/// Fetches from `repository` into the store in `state`, now and then, for as long as the program
/// runs, and says how far it has come.
pub(crate) fn start(program: &Path, state: &Path, repository: Repository) -> Fetching {
    let fetching = Fetching::never();
    let shared = fetching.clone();
    let (program, state) = (program.to_path_buf(), state.to_path_buf());
    let thread = thread::Builder::new().name("fetching".to_owned());
    let started = thread.spawn(move || {
        let mut failures = 0;
        loop {
            let mut command = Command::new(&program);
            command.arg("--state").arg(&state);
            command.args(["sync", "--progress-lines"]).args(repository.arguments());
            let status = run(&mut command, &shared);
            failures = if status.is_some_and(|status| status.success()) { 0 } else { failures + 1 };
            thread::sleep(pause(failures, chance()));
        }
    });
    // A machine that has no thread left still scans, and its lists age as if there were no network.
    drop(started);
    fetching
}

/// Runs the process that fetches to its end.
fn run(command: &mut Command, fetching: &Fetching) -> Option<ExitStatus> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    if let Some(said) = child.stdout.take() {
        fetching.follow(said);
    }
    fetching.set(None);
    child.wait().ok()
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
    fn what_the_process_says_is_how_far_it_has_come() {
        let fetching = Fetching::never();
        assert_eq!(fetching.percent(), None);
        for (said, percent) in [
            ("progress 0 200 key-ring.json\n", Some(0)),
            ("progress 86 200 revocations-11-202111.bin\n", Some(43)),
            ("updated\nnothing that is known\n\u{0}\n", None),
            ("progress 200 200 revocations-11-202111.bin\n", Some(100)),
        ] {
            fetching.follow(said.as_bytes());
            assert_eq!(fetching.percent(), percent, "{said}");
        }
        assert!(run(&mut Command::new("true"), &fetching).is_some_and(|status| status.success()));
        assert_eq!(fetching.percent(), None);
    }

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
