//! Scanners that pretend to be a keyboard.
//!
//! Such a keyboard is taken away from everybody else for as long as it is open: the kernel then gives
//! what is typed to this program alone, and no window, console, or other program sees a key of it. One
//! that cannot be taken away is not used.

use std::{
    collections::VecDeque,
    fmt, fs,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use evdev::{KeyCode, raw_stream::RawDevice};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::keys::{InputEvent, Keys};

/// The folder of input devices.
pub const DEVICES: &str = "/dev/input";

/// Keys that every keyboard has, and nothing that a mouse, a lid, or a touchscreen has.
const EXPECTED: [KeyCode; 4] =
    [KeyCode::KEY_A, KeyCode::KEY_1, KeyCode::KEY_LEFTSHIFT, KeyCode::KEY_ENTER];

/// A keyboard that nobody else has.
///
/// Reading gives the characters that are typed on it, and waits a while for one.
pub struct Keyboard {
    device: RawDevice,
    keys: Keys,
    typed: VecDeque<u8>,
    patience: Timespec,
}

impl Keyboard {
    /// Takes a keyboard away from everybody else. Reading from it waits for as long as `patience`.
    ///
    /// # Errors
    ///
    /// If there is none, it is no keyboard, it is not allowed, or another program has taken it. Nor is
    /// it taken while a key is held down, which whoever had it before would never see released; that
    /// is [`ErrorKind::ResourceBusy`] too.
    pub fn open(path: &Path, patience: Duration) -> io::Result<Self> {
        Self::take(RawDevice::open(path)?, patience)
    }

    /// The same, of the first keyboard that has `name` in its name and can be taken.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn named(name: &str, patience: Duration) -> io::Result<Self> {
        let name = name.to_lowercase();
        let mut trouble = ErrorKind::NotFound.into();
        for path in devices()? {
            let device = match RawDevice::open(path) {
                Ok(device) => device,
                Err(error) => {
                    // Whether this is the one cannot be known.
                    if error.kind() == ErrorKind::PermissionDenied {
                        trouble = error;
                    }
                    continue;
                }
            };
            let is_named = device.name().is_some_and(|found| found.to_lowercase().contains(&name));
            if is_named && is_keyboard(&device) {
                match Self::take(device, patience) {
                    Ok(keyboard) => return Ok(keyboard),
                    Err(error) => trouble = error,
                }
            }
        }
        Err(trouble)
    }

    fn take(mut device: RawDevice, patience: Duration) -> io::Result<Self> {
        if !is_keyboard(&device) {
            return Err(ErrorKind::InvalidInput.into());
        }
        device.grab()?;
        if device.get_key_state()?.iter().next().is_some() {
            return Err(ErrorKind::ResourceBusy.into());
        }
        let patience = Timespec::try_from(patience).map_err(|_| ErrorKind::InvalidInput)?;
        Ok(Self { device, keys: Keys::default(), typed: VecDeque::new(), patience })
    }

    /// Waits for events, and takes the characters from them.
    fn listen(&mut self) -> io::Result<()> {
        let mut ready = [PollFd::new(&self.device, PollFlags::IN)];
        if poll(&mut ready, Some(&self.patience))? == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        for event in self.device.fetch_events()? {
            let (kind, code, value) = (event.event_type().0, event.code(), event.value());
            self.typed.extend(self.keys.on(InputEvent { kind, code, value }));
        }
        Ok(())
    }
}

impl Read for Keyboard {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.typed.is_empty() {
            self.listen()?;
        }
        match self.typed.read(bytes)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            length => Ok(length),
        }
    }
}

impl fmt::Debug for Keyboard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Keyboard({})", self.device.name().unwrap_or("without a name"))
    }
}

/// The input devices there are, in the order of their numbers.
fn devices() -> io::Result<Vec<PathBuf>> {
    let number = |path: &Path| -> Option<u32> {
        path.file_name()?.to_str()?.strip_prefix("event")?.parse().ok()
    };
    let mut devices = Vec::new();
    for entry in fs::read_dir(DEVICES)? {
        let path = entry?.path();
        devices.extend(number(&path).map(|number| (number, path)));
    }
    devices.sort();
    Ok(devices.into_iter().map(|(_, path)| path).collect())
}

fn is_keyboard(device: &RawDevice) -> bool {
    device.supported_keys().is_some_and(|keys| EXPECTED.iter().all(|key| keys.contains(*key)))
}
