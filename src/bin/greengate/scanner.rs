//! `greengate scanner`: try scanners, or be one.

use std::{
    io::{self, BufRead, ErrorKind, Write},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use greengate::{device::scanner::emulator::Emulator, symbol::SymbolText};
use serde::Serialize;

use crate::{Failure, judging::write_json, scanners::Scanners};

/// How long to wait before scanners are asked again, or an emulated one goes on sending.
const PATIENCE: Duration = Duration::from_millis(10);

/// Print what scanners read, one text a line, as it would be judged.
///
/// With --emulate, be a scanner on a serial port instead: make SCANNER a link to a port of its own, and do
/// what the lines on standard input say, until they end: `scan TEXT` (with CR behind it), `send TEXT` (as
/// it is, with \r, \n, \\ and \x02), `unplug`, `plug`.
///
/// Exit status: 0 as many texts were read as were asked for, 1 not.
#[derive(Args, Debug)]
pub(crate) struct Scanner {
    /// Scanners: the path of a serial port or input device, such as /dev/ttyACM0, or a part of the name of
    /// one that pretends to be a keyboard.
    #[arg(value_name = "SCANNER", required = true)]
    scanners: Vec<String>,

    /// How many texts to wait for.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    count: usize,

    /// How many seconds to wait for each.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,

    /// Print one JSON object a line, as `greengate verify --batch -` reads them.
    #[arg(long)]
    json: bool,

    /// Be a scanner, for trials.
    #[arg(long, conflicts_with_all = ["count", "json", "wait"])]
    emulate: bool,
}

/// A text that was read.
#[derive(Serialize)]
struct Answer<'text> {
    id: usize,
    text: &'text str,
}

impl Scanner {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        if self.emulate { self.emulate(out) } else { self.read(out) }
    }

    fn read(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let mut scanners = Scanners::start(&self.scanners)?;
        for id in 1..=self.count {
            let text = self.next(&mut scanners)?;
            let text = text.as_str();
            if self.json {
                write_json(out, &Answer { id, text })?;
            } else {
                writeln!(out, "{}", text.escape_debug())?;
            }
            out.flush()?;
        }
        Ok(0)
    }

    /// The next text.
    fn next(&self, scanners: &mut Scanners) -> Result<SymbolText, Failure> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(self.wait) {
            if let Some(text) = scanners.next() {
                return Ok(text);
            }
            thread::sleep(PATIENCE);
        }
        Err(match scanners.trouble() {
            Some((name, gone)) => Failure::input(format!("{name}: {gone}")),
            None => Failure::input("nothing was scanned"),
        })
    }

    fn emulate(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let [link] = self.scanners.as_slice() else {
            return Err(Failure::input("one scanner at a time can be emulated"));
        };
        let failure =
            |error: io::Error| Failure::input(format!("cannot be a scanner at {link}: {error}"));
        let mut emulator = Emulator::plug_in(Path::new(link)).map_err(failure)?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut unsent = Vec::new();
        loop {
            // What there was no room for goes on meanwhile.
            send(&mut emulator, &mut unsent).map_err(failure)?;
            let asked = match lines.recv_timeout(PATIENCE) {
                Ok(asked) => asked,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => continue,
            };
            let done = match asked.split_once(' ').unwrap_or((&asked, "")) {
                ("scan", text) => {
                    unsent.extend([text.as_bytes(), b"\r"].concat());
                    "scanned"
                }
                ("send", text) => {
                    unsent.extend(unescaped(text));
                    "sent"
                }
                ("plug", _) => {
                    emulator.plug().map_err(failure)?;
                    "plugged in"
                }
                ("unplug", _) => {
                    emulator.unplug();
                    "unplugged"
                }
                _ => "scan TEXT, send TEXT, unplug, plug",
            };
            send(&mut emulator, &mut unsent).map_err(failure)?;
            writeln!(out, "{done}")?;
            out.flush()?;
        }
    }
}

/// Sends what there is room for. What is scanned while it is not plugged in is gone.
fn send(emulator: &mut Emulator, unsent: &mut Vec<u8>) -> io::Result<()> {
    if unsent.is_empty() {
        return Ok(());
    }
    match emulator.send(unsent) {
        Ok(sent) => {
            unsent.drain(..sent);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotConnected => {
            unsent.clear();
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The bytes that a line stands for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.bytes());
        let hexadecimal = |digits: &str| u8::from_str_radix(digits, 16).ok();
        let byte = match escape.as_bytes().first() {
            Some(b'r') => Some((b'\r', 1)),
            Some(b'n') => Some((b'\n', 1)),
            Some(b'\\') => Some((b'\\', 1)),
            Some(b'x') => escape.get(1..3).and_then(hexadecimal).map(|byte| (byte, 3)),
            _ => None,
        };
        let (byte, length) = byte.unwrap_or((b'\\', 0));
        bytes.push(byte);
        rest = escape.get(length..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    bytes
}
