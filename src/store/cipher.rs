//! The key that the database is encrypted under.
//!
//! It is 32 random bytes in a file, as 64 hexadecimal digits. Where the file lies is the whole
//! protection: a systemd credential, sealed by a TPM or not, lies in memory; a file beside the
//! database protects nothing from who takes both.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::StoreError;

/// The name of the key's file, in the state folder or among a service's credentials.
pub const KEY_FILE: &str = "greengate.key";

/// How often a key is given until it is taken, and how long to wait in between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// A database's key. It is never shown.
pub(super) struct Key(Zeroizing<String>);

impl Key {
    /// Reads the key in `path`.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let refused = |source| StoreError::Key { path: path.to_path_buf(), source };
        let text = Zeroizing::new(fs::read_to_string(path).map_err(refused)?);
        let digits = Zeroizing::new(text.trim().to_owned());
        if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self(digits))
        } else {
            Err(refused(io::Error::other("not 64 hexadecimal digits")))
        }
    }

    /// Makes a key and keeps it in `path`, where none is, for its owner alone.
    pub(super) fn make(path: &Path) -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| StoreError::Random)?;
        let digits = bytes.iter().fold(Zeroizing::new(String::new()), |mut digits, byte| {
            // Writing to a `String` cannot fail.
            write!(digits, "{byte:02x}").ok();
            digits
        });
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            writeln!(file, "{}", *digits)?;
            file.sync_all()?;
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::File::open(folder)?.sync_all()
        })();
        written.map_err(|source| StoreError::Key { path: PathBuf::from(path), source })?;
        Ok(Self(digits))
    }

    /// Has `connection` read and write under this key.
    pub(super) fn unlock(&self, connection: &Connection) -> rusqlite::Result<()> {
        // What is wrong comes back as an error, and is said once, by whoever shows it.
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        let sql = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", *self.0));
        // The first connection of a process starts SQLite and then SQLCipher, and another thread's
        // may come in between, when no key is taken yet (SQLCipher 4.19, `sqlcipher_extra_init`).
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match connection.execute_batch(&sql) {
                Err(_) if tries > 0 => thread::sleep(PAUSE),
                unlocked => return unlocked,
            }
        }
    }
}
