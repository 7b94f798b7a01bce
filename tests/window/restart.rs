//! A terminal that hangs, aborts, or is killed for want of memory works again within five seconds.
//!
//! This plays systemd to the real program and its window, by the numbers of the unit that is shipped:
//! it listens to what the program says of itself, kills it when it has said nothing for as long as the
//! unit says, and starts it anew.

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::{TempDir, tempdir};

use crate::display::Display;

/// The longest that nobody is at the gate, on a machine that does nothing else: TRUST, section 6, fault
/// 26. It is asked for with `GREENGATE_FAULTS`, beside other tests only that it works again.
const WITHIN: Duration = Duration::from_secs(5);

/// A number of the unit that is shipped.
fn unit(setting: &str) -> Duration {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/greengate.service");
    let unit = fs::read_to_string(unit).unwrap();
    let value =
        unit.lines().find_map(|line| line.strip_prefix(setting)?.strip_prefix('=')).unwrap();
    match value.strip_suffix("ms") {
        Some(milliseconds) => Duration::from_millis(milliseconds.parse().unwrap()),
        None => Duration::from_secs(value.parse().unwrap()),
    }
}

/// What systemd is to a service.
struct Service<'a> {
    display: &'a Display,
    folder: TempDir,
    socket: UnixDatagram,
}

impl<'a> Service<'a> {
    fn new(display: &'a Display) -> Self {
        let folder = tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Self { display, folder, socket }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_greengate"));
        command.arg("--state").arg(self.folder.path().join("state")).stderr(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screenshot.png");
        self.command()
            .args(["kiosk", "--size", "800x1280", "--pictures"])
            .arg(pictures)
            .env("DISPLAY", self.display.name())
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .spawn()
            .unwrap()
    }

    /// What the program says next, if it says anything for so long.
    fn hear(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut said = [0; 256];
        match self.socket.recv(&mut said) {
            Ok(length) => Some(String::from_utf8_lossy(&said[..length]).trim().to_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits until the program says that it works, and has given two signs of life.
    fn wait_until_it_works(&self) {
        for expected in ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] {
            assert_eq!(self.hear(Duration::from_secs(30)).as_deref(), Some(expected));
        }
    }

    /// How often the log says that the terminal began to work.
    fn starts(&self) -> usize {
        let log = self.command().args(["audit", "export", "--csv"]).output().unwrap().stdout;
        String::from_utf8(log).unwrap().lines().filter(|line| line.contains(",started,")).count()
    }
}

#[test]
fn whatever_ends_the_terminal_it_works_again_within_five_seconds() {
    let Some(display) = Display::open("800x1280") else {
        println!("skipped: Xvfb is not installed");
        return;
    };
    let (watchdog, pause) = (unit("WatchdogSec"), unit("RestartSec"));
    let service = Service::new(&display);
    let mut child = service.start();
    service.wait_until_it_works();
    let cases = [
        ("it hangs", Signal::STOP),
        ("memory runs out", Signal::KILL),
        ("it aborts", Signal::ABORT),
    ];
    for (turn, (name, signal)) in cases.into_iter().enumerate() {
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).unwrap();
        let ended = Instant::now();
        if signal == Signal::STOP {
            // What it said just before, and then nothing.
            while let Some(said) = service.hear(watchdog) {
                assert_eq!(said, "WATCHDOG=1", "{name}");
            }
            child.kill().unwrap();
        }
        assert!(!child.wait().unwrap().success(), "{name}");
        while service.hear(pause).is_some() {}
        child = service.start();
        assert_eq!(service.hear(Duration::from_secs(30)).as_deref(), Some("READY=1"), "{name}");
        println!("{name}: works again after {:?}", ended.elapsed());
        if env::var_os("GREENGATE_FAULTS").is_some() {
            assert!(ended.elapsed() < WITHIN, "{name}: after {:?}", ended.elapsed());
        }
        assert_eq!(service.hear(Duration::from_secs(30)).as_deref(), Some("WATCHDOG=1"), "{name}");
        assert_eq!(service.starts(), turn + 2, "{name}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
