//! A serial port that is not there: a pseudo-terminal, with a link that leads to it.
//!
//! Emulators are plugged into it, for demonstrations and tests. The link stands where udev would make
//! one for a real port, and goes when the device is unplugged.

use std::{
    fmt,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStringExt, fs::symlink},
    },
    path::{Path, PathBuf},
};

use rustix::{
    io::ioctl_fionbio,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

/// The device's end of a port, which is gone once this is dropped, whoever has it open.
///
/// Reading and writing never wait. The host's end is held open so that the line does not count as
/// hung up while nobody uses it.
pub(super) struct Pty {
    device: File,
    _host: OwnedFd,
    link: PathBuf,
}

impl Pty {
    /// A new port, to which `link` leads.
    ///
    /// # Errors
    ///
    /// If there is no pseudo-terminal to be had, or something that is no link is at `link`.
    pub(super) fn plug_in(link: &Path) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let device = openpt(flags)?;
        grantpt(&device)?;
        unlockpt(&device)?;
        let host = ioctl_tiocgptpeer(&device, flags)?;
        let mut settings = tcgetattr(&host)?;
        settings.make_raw();
        tcsetattr(&host, OptionalActions::Now, &settings)?;
        ioctl_fionbio(device.as_fd(), true)?;
        let port = PathBuf::from(std::ffi::OsString::from_vec(ptsname(&device, [])?.into_bytes()));
        remove_link(link)?;
        symlink(port, link)?;
        Ok(Self { device: File::from(device), _host: host, link: link.to_path_buf() })
    }
}

impl Read for Pty {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.device.read(bytes)
    }
}

impl Write for Pty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.device.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.device.flush()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        remove_link(&self.link).ok();
    }
}

impl fmt::Debug for Pty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pty({})", self.link.display())
    }
}

/// Removes a link, if there is one, and nothing else.
fn remove_link(link: &Path) -> io::Result<()> {
    match fs::symlink_metadata(link) {
        Ok(found) if found.is_symlink() => fs::remove_file(link),
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::*;

    #[test]
    fn only_a_link_makes_way_for_a_port() {
        let folder = tempdir().unwrap();
        let link = folder.path().join("port");
        fs::write(&link, "kept").unwrap();
        let refused = Pty::plug_in(&link).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&link).unwrap(), b"kept");
        fs::remove_file(&link).unwrap();
        symlink("nowhere", &link).unwrap();
        let port = Pty::plug_in(&link).unwrap();
        assert!(link.exists());
        drop(port);
        assert!(!link.is_symlink());
    }
}
