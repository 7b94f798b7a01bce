//! The terminal: decides signed health codes at a gate, offline.

mod audit;
mod clock;
mod demo;
mod judging;
#[cfg(feature = "kiosk")]
mod kiosk;
// A lane without a window keeps no status bar, and nobody touches it.
#[cfg_attr(not(feature = "kiosk"), allow(dead_code, reason = "the window asks for the rest"))]
mod lane;
mod operator;
mod pin;
mod provision;
mod read;
mod reader;
mod registration;
mod scanner;
mod scanners;
mod shift;
mod sync;
mod trust;
mod verify;

use std::{
    alloc::System,
    env,
    fmt::Display,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use greengate::store::{KEY_FILE, Store, StoreError};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped first: what the libraries hold of a key that came over TLS, or of a
/// person on the screen, is not found in this program's memory once it is done with.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

/// Decides at the gate, without a network, whether a signed health code lets its holder pass.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The folder that keeps this terminal's state.
    #[arg(long, global = true, env = "GREENGATE_STATE", value_name = "DIR")]
    state: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Audit),
    #[cfg(feature = "kiosk")]
    #[command(hide = true)]
    Capture(kiosk::Capture),
    Clock(clock::Clock),
    Demo(demo::Demo),
    #[cfg(feature = "kiosk")]
    Kiosk(kiosk::Kiosk),
    Operator(operator::Operator),
    Provision(provision::Provision),
    Read(read::Read),
    Reader(reader::Reader),
    Registration(registration::Registration),
    Scanner(scanner::Scanner),
    Shift(shift::Shift),
    Sync(sync::Sync),
    Trust(trust::Trust),
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    let Arguments { state, command } = Arguments::parse();
    // What is in memory, keys and whom the desk looks up, goes into no core dump and to no debugger.
    // Where that cannot be had, the service has its own limit.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    let mut out = io::stdout().lock();
    let state = state.or_else(default_state);
    let state = || state.ok_or_else(|| Failure::state("no folder for the state: give --state DIR"));
    let done = match command {
        Command::Audit(audit) => state().and_then(|state| audit.run(&state, &mut out)),
        #[cfg(feature = "kiosk")]
        Command::Capture(capture) => capture.run(&mut out),
        Command::Clock(clock) => state().and_then(|state| clock.run(&state, &mut out)),
        Command::Demo(demo) => demo.run(&mut out),
        #[cfg(feature = "kiosk")]
        Command::Kiosk(kiosk) => state().and_then(|state| kiosk.run(&state)),
        Command::Operator(operator) => state().and_then(|state| operator.run(&state, &mut out)),
        Command::Provision(provision) => state().and_then(|state| provision.run(&state, &mut out)),
        Command::Read(read) => read.run(&mut out),
        Command::Reader(reader) => reader.run(&mut out),
        Command::Registration(registration) => {
            state().and_then(|state| registration.run(&state, &mut out))
        }
        Command::Scanner(scanner) => scanner.run(&mut out),
        Command::Shift(shift) => shift.run(state, &mut out),
        Command::Sync(sync) => state().and_then(|state| sync.run(&state, &mut out)),
        Command::Trust(trust) => state().and_then(|state| trust.run(&state, &mut out)),
        Command::Verify(verify) => verify.run(state, &mut out),
    };
    let done = done.and_then(|status| Ok(out.flush().map(|()| status)?));
    match done {
        Ok(status) => status.into(),
        Err(Failure { status, message }) if message.is_empty() => status.into(),
        Err(Failure { status, message }) => {
            // If standard error is gone too, the exit status still tells.
            writeln!(io::stderr(), "greengate: {message}").ok();
            status.into()
        }
    }
}

/// The store in the folder `state`, which knows that the program has been built.
fn open_store(state: &Path) -> Result<Store, StoreError> {
    let mut store = Store::open_with_key(state, &key_file(state))?;
    store.raise_floor(greengate::clock::built());
    Ok(store)
}

/// Where the key of the store lies: where `GREENGATE_KEY_FILE` says, or among the credentials that
/// systemd gives the service, or else beside the store, where it protects nothing from who takes
/// both.
fn key_file(state: &Path) -> PathBuf {
    let named = env::var_os("GREENGATE_KEY_FILE").map(PathBuf::from);
    let credential = || {
        let folder = env::var_os("CREDENTIALS_DIRECTORY")?;
        Some(PathBuf::from(folder).join(KEY_FILE)).filter(|path| path.exists())
    };
    named.or_else(credential).unwrap_or_else(|| state.join(KEY_FILE))
}

/// Where the state is kept if nobody says otherwise.
fn default_state() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    Some(state.or_else(home)?.join("greengate"))
}

/// A command could not do what it was asked: what to say, if anything, and the exit status.
///
/// 1: an input could not be read; 70: the terminal's state cannot be used; 74: the answer could not
/// be written. 2 is wrong usage, and the verdicts have 0 and 10 to 13.
#[derive(Debug)]
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    const INPUT: u8 = 1;
    const STATE: u8 = 70;
    const OUTPUT: u8 = 74;

    fn input(error: impl Display) -> Self {
        Self { status: Self::INPUT, message: error.to_string() }
    }

    fn state(error: impl Display) -> Self {
        Self { status: Self::STATE, message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::state(error)
    }
}

/// Writing the answer failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { status: Self::OUTPUT, message: format!("cannot write the answer: {error}") }
    }
}
