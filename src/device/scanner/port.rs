//! Where a scanner is plugged in, as the operator names it.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use super::{
    Scanner,
    framing::{Framing, Silence},
    hid::{self, Keyboard},
};
use crate::device::serial::{self, TTYPort};

/// The speed at which scanners on a real serial port talk unless they were told otherwise. On a USB
/// port that pretends to be one it means nothing.
pub const BAUD_RATE: u32 = 115_200;

/// A port that a scanner is plugged into.
#[derive(Debug)]
pub enum Port {
    /// A keyboard that is none.
    Keyboard(Keyboard),
    /// A serial port.
    Serial(TTYPort),
}

impl Port {
    /// Opens the port that `name` names, for this program alone: the path of a serial port or an input
    /// device, or a part of the name of a keyboard. Reading from it waits for as long as `patience`.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be used, or not exclusively.
    pub fn open(name: &str, patience: Duration) -> io::Result<(Self, Framing)> {
        let keyboard = if name.contains('/') {
            let path = fs::canonicalize(name)?;
            if !path.starts_with(hid::DEVICES) {
                let port = serial::open(&path, BAUD_RATE, patience)?;
                return Ok((Self::Serial(port), Framing::new(Silence::Ends)));
            }
            Keyboard::open(Path::new(&path), patience)
        } else {
            Keyboard::named(name, patience)
        };
        Ok((Self::Keyboard(keyboard?), Framing::new(Silence::Voids)))
    }
}

impl Read for Port {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Keyboard(keyboard) => keyboard.read(bytes),
            Self::Serial(port) => port.read(bytes),
        }
    }
}

/// A scanner that is there or will be.
pub type PluggedScanner = Scanner<Port, Box<dyn FnMut() -> io::Result<(Port, Framing)> + Send>>;

impl PluggedScanner {
    /// The scanner that `name` names, as [`Port::open`] has it. A turn waits for as long as `patience`.
    #[must_use]
    pub fn at(name: String, patience: Duration) -> Self {
        Self::new(Box::new(move || Port::open(&name, patience)))
    }
}
