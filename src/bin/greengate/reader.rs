//! `greengate reader`: try a reader of identity cards, or be one.

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use greengate::{
    clock,
    device::id_card::{
        card::CardKind,
        emulator::{Emulator, Habit, SampleCard},
        notice::Notice,
        port::{self, CardReader},
    },
};

use crate::Failure;

/// How long one turn waits for the port, or for the next line.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long an emulated reader takes to answer, at most.
const EMULATED_PATIENCE: Duration = Duration::from_millis(5);

/// Read one identity card, and print the end of its number and how long it is valid.
///
/// With --emulate, be a reader instead: make PORT a link to a serial port of its own, and do what
/// the lines on standard input say, until they end: `put` (a citizen's card) or `put KIND`, `take`,
/// `unplug`, `plug`. The people on its cards do not exist.
///
/// Exit status: 0 a card was read, 1 none was.
#[derive(Args, Debug)]
pub(crate) struct Reader {
    /// The serial port that the reader is plugged into, for example /dev/ttyUSB0.
    port: PathBuf,

    /// How many seconds to wait for a card.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,

    /// Be a reader, for trials.
    #[arg(long, conflicts_with = "wait")]
    emulate: bool,
}

impl Reader {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        if self.emulate { self.emulate(out) } else { self.read(out) }
    }

    fn read(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let opened = port::open(&self.port, PATIENCE).map_err(|error| self.failure(&error))?;
        let mut opened = Some(opened);
        let open = || opened.take().map_or_else(|| port::open(&self.port, PATIENCE), Ok);
        let mut reader = CardReader::new(open);
        let started = Instant::now();
        let mut trouble = "no card was put on the reader".to_owned();
        while started.elapsed() < Duration::from_secs(self.wait) {
            match reader.turn(clock::now()) {
                Some(Notice::Found(card)) => {
                    let (kind, number) = (card.kind().code(), card.number().masked());
                    writeln!(out, "{kind}: {number}, valid {}", card.validity())?;
                    return Ok(0);
                }
                Some(Notice::Gone(gone)) => return Err(Failure::input(gone)),
                Some(Notice::Unread(unread)) => trouble = unread.to_string(),
                Some(Notice::Ready | Notice::Removed) | None => {}
            }
        }
        Err(Failure::input(trouble))
    }

    fn emulate(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let plugged_in = Emulator::plug_in(&self.port, Habit::default());
        let mut emulator = plugged_in.map_err(|error| self.failure(&error))?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        loop {
            emulator.turn().map_err(|error| self.failure(&error))?;
            match lines.recv_timeout(EMULATED_PATIENCE) {
                Ok(line) => {
                    let done = self.follow(&mut emulator, &line)?;
                    writeln!(out, "{done}")?;
                    out.flush()?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }

    /// Does what a line says, and says what was done.
    fn follow(&self, emulator: &mut Emulator, line: &str) -> Result<&'static str, Failure> {
        let kind = line.trim().strip_prefix("put ").unwrap_or(CardKind::Citizen.code());
        let card = SampleCard::each().into_iter().find(|card| card.kind.code() == kind);
        Ok(match (line.split_whitespace().next(), card) {
            (Some("put"), Some(card)) => {
                let kind = card.kind.code();
                emulator.put(card);
                kind
            }
            (Some("take"), _) => {
                emulator.take();
                "taken"
            }
            (Some("plug"), _) => {
                emulator.plug().map_err(|error| self.failure(&error))?;
                "plugged in"
            }
            (Some("unplug"), _) => {
                emulator.unplug();
                "unplugged"
            }
            _ => {
                "put [citizen|hong_kong_macao_taiwan|foreign_2017|foreign_2023], take, unplug, plug"
            }
        })
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::input(format!("cannot use {}: {error}", self.port.display()))
    }
}
