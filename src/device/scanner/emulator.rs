//! A scanner on a serial port that is not there: the demonstration's, and the tests'.
//!
//! It sends what it is told to. It has no thread and never waits.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::device::pty::Pty;

/// A scanner on a pseudo-terminal.
pub struct Emulator {
    link: PathBuf,
    line: Option<Pty>,
}

impl Emulator {
    /// Plugs a scanner in; `link` will lead to its port.
    ///
    /// # Errors
    ///
    /// If there is no pseudo-terminal to be had, or something that is no link is at `link`.
    pub fn plug_in(link: &Path) -> io::Result<Self> {
        Ok(Self { link: link.to_path_buf(), line: Some(Pty::plug_in(link)?) })
    }

    /// Plugs it in again, if it is not.
    ///
    /// # Errors
    ///
    /// As [`Self::plug_in`].
    pub fn plug(&mut self) -> io::Result<()> {
        if self.line.is_none() {
            self.line = Some(Pty::plug_in(&self.link)?);
        }
        Ok(())
    }

    /// Unplugs it: the port is gone, whoever has it open.
    pub fn unplug(&mut self) {
        self.line = None;
    }

    /// Sends bytes, and says how many there was room for: fewer than there are, and even none, while
    /// nobody reads them.
    ///
    /// # Errors
    ///
    /// If it is not plugged in.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = self.line.as_mut().ok_or(ErrorKind::NotConnected)?;
        match line.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            sent => sent,
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.line.is_some() { "plugged in" } else { "unplugged" };
        write!(out, "Emulator({}, {state})", self.link.display())
    }
}
