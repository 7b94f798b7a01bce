//! Serial ports, and what else is read as they are: in pieces, and without waiting for long.

use std::{
    io::{self, ErrorKind, Read},
    path::Path,
    time::Duration,
};

pub use serialport::TTYPort;

/// Opens a serial port, for this program alone. Reading from it waits for as long as `patience` for
/// something to come.
///
/// # Errors
///
/// If there is no such port, or it is in use ([`ErrorKind::ResourceBusy`]) or not allowed.
pub fn open(port: &Path, baud_rate: u32, patience: Duration) -> io::Result<TTYPort> {
    let name = port.to_str().ok_or(ErrorKind::NotFound)?;
    let opened = serialport::new(name, baud_rate).timeout(patience).open_native();
    opened.map_err(|error| {
        let error = io::Error::from(error);
        // The library says of a port in use that there is none.
        let is_there = error.kind() == ErrorKind::NotFound && port.exists();
        if is_there { ErrorKind::ResourceBusy.into() } else { error }
    })
}

/// Reads what has come into `port`, and says how many bytes that was: none if nothing has.
///
/// A port fails with [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`] while nothing has come, and
/// in any other way, or with no bytes, once it is gone.
///
/// # Errors
///
/// If it is gone.
pub(super) fn hear(port: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    match port.read(bytes) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(length) => Ok(length),
        Err(error) => match error.kind() {
            ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => Ok(0),
            _ => Err(error),
        },
    }
}
