//! The port that a reader is plugged into.
//!
//! This is all that is done between [`Reader`] and a serial line: bytes go in and out, and a port
//! that fails is dropped, to be opened anew when it is back. Nothing here has a thread or asks the
//! time; a turn waits for no longer than the port does.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{
    notice::Notice,
    protocol::{Answer, BAUD_RATE, Command, Deframer},
    reader::{Effect, Event, Reader},
};
use crate::{
    clock::Timestamp,
    device::serial::{self, TTYPort},
};

/// How many bytes are read at once.
const CHUNK: usize = 512;

/// How often a port is read in one turn: the longest answer three times over, and an end to what
/// has none.
const CHUNKS: usize = 16;

/// Opens a serial port for a reader, for this program alone. Reading from it waits for as long as
/// `patience` for something to come.
///
/// # Errors
///
/// If there is no such port, or it is in use or not allowed.
pub fn open(port: &Path, patience: Duration) -> io::Result<TTYPort> {
    serial::open(port, BAUD_RATE, patience)
}

/// A reader, with the port that it is plugged into.
///
/// A port is whatever can be read and written: reading fails with [`ErrorKind::WouldBlock`] or
/// [`ErrorKind::TimedOut`] while nothing has come, and in any other way, or with no bytes, once it
/// is gone.
pub struct CardReader<Port, Open> {
    open: Open,
    port: Option<Port>,
    deframer: Deframer,
    reader: Reader,
}

impl<Port, Open> CardReader<Port, Open>
where
    Port: Read + Write,
    Open: FnMut() -> io::Result<Port>,
{
    /// A reader whose port is opened by `open`, in the first turn and whenever it was lost.
    #[must_use]
    pub fn new(open: Open) -> Self {
        Self { open, port: None, deframer: Deframer::default(), reader: Reader::default() }
    }

    /// Does what there is to do, and says what the desk should know of; to be called again and
    /// again, some twenty times a second. It waits for the port, and not at all while there is none.
    #[must_use]
    pub fn turn(&mut self, now: Timestamp) -> Option<Notice> {
        let mut event = self.listen();
        loop {
            event = match self.reader.on(event, now)? {
                Effect::Close(notice) => {
                    self.port = None;
                    return notice;
                }
                Effect::Open => match (self.open)() {
                    Ok(port) => {
                        self.port = Some(port);
                        Event::Opened
                    }
                    Err(_) => Event::Lost,
                },
                Effect::Send(command) => match self.send(command) {
                    Ok(()) => return None,
                    Err(_) => Event::Lost,
                },
                Effect::Tell(notice) => return Some(notice),
            };
        }
    }

    /// What has come in, up to the end of a frame.
    fn listen(&mut self) -> Event {
        let Some(port) = &mut self.port else { return Event::Tick };
        let mut chunk = Zeroizing::new([0; CHUNK]);
        for _ in 0..CHUNKS {
            let length = match serial::hear(port, chunk.as_mut_slice()) {
                Ok(0) => break,
                Ok(length) => length,
                Err(_) => return Event::Lost,
            };
            // What comes behind a frame was not asked for.
            if let Some(body) = self.deframer.take(&mut chunk.get(..length).unwrap_or_default()) {
                let answer = body.ok().and_then(Answer::parse);
                return answer.map_or(Event::Garbled, Event::Answered);
            }
        }
        Event::Tick
    }

    fn send(&mut self, command: Command) -> io::Result<()> {
        self.deframer.clear();
        self.port.as_mut().ok_or(ErrorKind::NotConnected)?.write_all(&command.frame())
    }
}

/// A reader on a serial port.
pub type SerialCardReader = CardReader<TTYPort, Box<dyn FnMut() -> io::Result<TTYPort> + Send>>;

impl SerialCardReader {
    /// A reader on this port, which is there or will be. A turn waits for as long as `patience`.
    #[must_use]
    pub fn at(port: PathBuf, patience: Duration) -> Self {
        Self::new(Box::new(move || open(&port, patience)))
    }
}

impl<Port, Open> fmt::Debug for CardReader<Port, Open> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CardReader").field("reader", &self.reader).finish_non_exhaustive()
    }
}
