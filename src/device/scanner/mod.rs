//! Scanners of QR symbols that are plugged in: on a serial port, or as a keyboard.
//!
//! A scanner reads a symbol by itself and sends its text, which is judged as one that a camera saw. A
//! [`Scanner`] is whatever sends bytes: [`port`] opens a serial port for it, or [`hid`] a keyboard,
//! which it has to itself, so that nothing that is typed there reaches any window. [`keys`] tells
//! characters by the keys, and [`framing`] texts by the characters. [`emulator`] is a scanner for
//! demonstrations and tests.
//!
//! Whatever a scanner sends, it costs a few kilobytes, and work for as many bytes as are read: how
//! often that is, and whether anybody waits for a text, is for whoever has the scanner to say. Nothing
//! here has a thread or asks the time.

use std::{
    fmt,
    io::{self, ErrorKind, Read},
    ops::Range,
};

use chrono::TimeDelta;
use thiserror::Error;
use zeroize::Zeroizing;

use self::framing::Framing;
use super::serial::hear;
use crate::{clock::Timestamp, symbol::SymbolText};

pub mod emulator;
pub mod framing;
pub mod hid;
pub mod keys;
pub mod port;

/// How many bytes are read at once.
const CHUNK: usize = 512;

/// How long a line is silent before that means something; see [`framing::Silence`].
///
/// Between two bytes of a text it is for a few milliseconds, and for up to a tenth of a second where a
/// keyboard is set to its slowest.
pub const SILENT_AFTER: TimeDelta = TimeDelta::milliseconds(250);

/// How long after a scanner was lost it is opened again.
pub const OPEN_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// Something to know of a scanner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// It cannot be used.
    Gone(Gone),
    /// It can be used.
    Ready,
    /// It has read a symbol.
    Scanned(SymbolText),
}

/// Why a scanner cannot be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Gone {
    /// Another program has it, or a key of it is held down: it cannot be had exclusively.
    #[error("the scanner cannot be used exclusively")]
    Held,
    /// This program's user may not use it.
    #[error("the scanner may not be used by this user")]
    NotAllowed,
    /// What is plugged in there is no serial port, and no keyboard.
    #[error("this is no scanner")]
    NoScanner,
    /// There is none.
    #[error("the scanner is not plugged in")]
    Unplugged,
}

impl Gone {
    /// The name that programs use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Held => "scanner_held",
            Self::NotAllowed => "scanner_not_allowed",
            Self::NoScanner => "scanner_none",
            Self::Unplugged => "scanner_unplugged",
        }
    }

    /// What it means that a scanner could not be opened.
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Unplugged,
            ErrorKind::PermissionDenied => Self::NotAllowed,
            ErrorKind::ResourceBusy => Self::Held,
            _ => Self::NoScanner,
        }
    }
}

/// A scanner, with the port that it is plugged into.
///
/// A port is whatever can be read: reading fails with [`ErrorKind::WouldBlock`] or
/// [`ErrorKind::TimedOut`] while nothing has come, and in any other way, or with no bytes, once it is
/// gone.
pub struct Scanner<Port, Open> {
    open: Open,
    line: Line<Port>,
    told: Option<Told>,
    now: Timestamp,
}

/// What was last told of a scanner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Gone(Gone),
    Ready,
}

/// Whether a scanner is plugged in.
enum Line<Port> {
    /// It is not, and is to be looked for then.
    Closed { again: Timestamp },
    /// It is.
    Open(Plugged<Port>),
}

/// A scanner that is plugged in.
struct Plugged<Port> {
    port: Port,
    framing: Framing,
    chunk: Zeroizing<Vec<u8>>,
    /// What of the chunk has not been looked at.
    left: Range<usize>,
    /// When something last came.
    heard: Timestamp,
}

impl<Port, Open> Scanner<Port, Open>
where
    Port: Read,
    Open: FnMut() -> io::Result<(Port, Framing)>,
{
    /// A scanner whose port is opened by `open`, in the first turn and whenever it was lost.
    #[must_use]
    pub fn new(open: Open) -> Self {
        let line = Line::Closed { again: Timestamp::UNIX_EPOCH };
        Self { open, line, told: None, now: Timestamp::UNIX_EPOCH }
    }

    /// Does what there is to do, and says what there is to know; to be called again and again. It
    /// waits for the port, and not at all while there is none.
    ///
    /// If the clock was set back, all that was timed by it is due at once.
    #[must_use]
    pub fn turn(&mut self, now: Timestamp) -> Option<Notice> {
        let is_set_back = now < self.now;
        self.now = now;
        match &mut self.line {
            Line::Closed { again } if now < *again && !is_set_back => None,
            Line::Closed { .. } => match (self.open)() {
                Ok((port, framing)) => {
                    self.line = Line::Open(Plugged::new(port, framing, now));
                    self.tell(Told::Ready)
                }
                Err(error) => self.close(Gone::of(&error)),
            },
            Line::Open(plugged) => match plugged.listen(now) {
                Ok(text) => text.map(Notice::Scanned),
                Err(_) => self.close(Gone::Unplugged),
            },
        }
    }

    /// Whether it is plugged in, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.line, Line::Open(_))
    }

    fn close(&mut self, gone: Gone) -> Option<Notice> {
        self.line = Line::Closed { again: self.now + OPEN_AGAIN };
        self.tell(Told::Gone(gone))
    }

    fn tell(&mut self, told: Told) -> Option<Notice> {
        let was_told = self.told.replace(told) == Some(told);
        (!was_told).then_some(match told {
            Told::Gone(gone) => Notice::Gone(gone),
            Told::Ready => Notice::Ready,
        })
    }
}

impl<Port: Read> Plugged<Port> {
    fn new(port: Port, framing: Framing, now: Timestamp) -> Self {
        Self { port, framing, chunk: Zeroizing::new(vec![0; CHUNK]), left: 0..0, heard: now }
    }

    /// What has come in, up to the end of a text.
    fn listen(&mut self, now: Timestamp) -> io::Result<Option<SymbolText>> {
        if self.left.is_empty() {
            let length = hear(&mut self.port, &mut self.chunk)?;
            if length == 0 {
                let silent_for = now - self.heard;
                let is_silent = silent_for >= SILENT_AFTER || silent_for < TimeDelta::zero();
                return Ok(if is_silent { self.framing.fall_silent() } else { None });
            }
            self.left = 0..length;
            self.heard = now;
        }
        let mut bytes = self.chunk.get(self.left.clone()).unwrap_or_default();
        let text = self.framing.take(&mut bytes);
        self.left.start = self.left.end - bytes.len();
        Ok(text)
    }
}

impl<Port, Open> fmt::Debug for Scanner<Port, Open> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scanner").field("told", &self.told).finish_non_exhaustive()
    }
}
