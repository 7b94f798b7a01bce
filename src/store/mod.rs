//! The store: the one place of the terminal that speaks SQL.
//!
//! It keeps the trusted lists as they were signed, a chained log of what happened, and where the
//! terminal stands. What it has acknowledged is on the disk: the journal is a write-ahead log,
//! synced at every commit. A list never goes back to a lower version or an earlier date, and a set
//! of lists is installed whole or not at all.
//!
//! The database is encrypted under a raw key, whose file lies elsewhere where a machine has a better
//! place. How far it had come is kept a second time beside it: a database that is older than its
//! marks, or gone, is refused, and not taken for a new one. A file that is no store of this program,
//! or of a later version of it, is refused and left as it is. Lists are read and checked anew each
//! time they are loaded.

mod cipher;
mod lists;
mod log;
mod marks;
mod migrate;
mod provision;
mod revocations;
mod shift;
mod update;

use std::{
    fs::{DirBuilder, File},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};
use thiserror::Error;

pub use self::{
    cipher::KEY_FILE,
    lists::InstallError,
    log::{CHECKPOINT_EVERY, KEPT, LogState, Totals},
    provision::ProvisionError,
    shift::{DESK_KEPT, OperatorError, SignInError},
    update::{Lineage, Published, Trusted, Update, UpdateError},
};
use self::{
    cipher::Key,
    marks::{Marks, MarksFile},
};
use crate::{
    audit::{ChainError, Event, Link},
    clock::{Anchor, Floor, Timestamp, Uptime},
    credential::DigestKey,
    trust::{DocumentKind, TrustError},
};

/// Marks a file as a store of this program: `GGAT` in ASCII.
const APPLICATION_ID: i32 = 0x4747_4154;

/// The version of `schema.sql`.
const SCHEMA_VERSION: i32 = 3;

/// How long to wait for another process, such as an import beside a running kiosk. It holds the lock
/// for one transaction, and a lane that waited for three seconds would be taken for one that hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// The name of the file in the state folder.
const FILE_NAME: &str = "greengate.db";

/// The name of the folder of revocation lists in the state folder.
const REVOCATIONS: &str = "revocations";

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    digest_key: DigestKey,
    device_key: SigningKey,
    marks: Option<MarksFile>,
    /// The latest instant that has passed, of what this store knows beside its lists and records.
    floor: Floor,
    /// Where revocation lists are kept; nowhere, if the store is in memory.
    revocations: Option<PathBuf>,
}

/// Whether the disk must have the marks before anything goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sync {
    Later,
    Now,
}

/// What to do about a store that is not what its marks say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Doubt {
    Accept,
    Refuse,
}

impl Store {
    /// Opens the store in the folder `state`, making both if they are not there, with the key that
    /// lies beside it.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. A store that cannot be used is left as it is.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        Self::open_with_key(state, &state.join(KEY_FILE))
    }

    /// Opens the store in the folder `state`, making both if they are not there, with the key in
    /// the file `key`. A new store gets a new key there if there is none.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. A store that cannot be used is left as it is.
    pub fn open_with_key(state: &Path, key: &Path) -> Result<Self, StoreError> {
        Self::open_in(state, key, Doubt::Refuse)
    }

    /// Opens a store that is not what its marks say, and takes it as it is from now on: a
    /// supervisor knows why, and `reason` says so in the log.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn accept(
        state: &Path,
        key: &Path,
        reason: &str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut store = Self::open_in(state, key, Doubt::Accept)?;
        store.note(&Event::Accepted { reason: reason.to_owned() }, now)?;
        store.mark(Sync::Now)?;
        Ok(store)
    }

    fn open_in(state: &Path, key: &Path, doubt: Doubt) -> Result<Self, StoreError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(state);
        made.map_err(|source| StoreError::Folder { path: state.to_path_buf(), source })?;
        let marks = MarksFile::open(state).map_err(|source| StoreError::Marks { source })?;
        let path = state.join(FILE_NAME);
        let marked = marks.marks().is_some() && doubt == Doubt::Refuse;
        let mut doubt = doubt;
        let is_there = match beginning(&path) {
            Ok(bytes) if bytes.is_empty() && marked => return Err(StoreError::Lost),
            Ok(bytes) if bytes == migrate::PLAIN_HEADER => {
                let key = read_or_make(key)?;
                migrate::from_plain(&path, &key)?;
                // It had no marks before.
                doubt = Doubt::Accept;
                true
            }
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound && marked => {
                return Err(StoreError::Lost);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(StoreError::Folder { path, source }),
        };
        let key = if is_there && marked { Key::read(key)? } else { read_or_make(key)? };
        if !is_there {
            make_file(&path).map_err(|source| StoreError::Folder { path: path.clone(), source })?;
        }
        let opened = open_file(&path, &key);
        let connection =
            opened.map_err(|source| StoreError::Open { path: path.clone(), source })?;
        let store = Self::prepare(connection, Some(marks)).map_err(|error| match error {
            StoreError::Sql { source } => StoreError::Open { path, source },
            other => other,
        })?;
        if doubt == Doubt::Refuse {
            store.compare_with_marks()?;
        }
        let mut store = Self { revocations: Some(state.join(REVOCATIONS)), ..store };
        if doubt == Doubt::Refuse {
            let marked = store.marks.as_ref().and_then(MarksFile::marks).map(|marks| marks.floor);
            store.floor = marked.map_or(Floor::LOWEST, |floor| Floor::LOWEST.raised_to(floor));
        }
        store.mark(Sync::Now)?;
        Ok(store)
    }

    /// A store that lives as long as the program does, for a demonstration. Its key is in memory
    /// too, since the whole of it is.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, None)
    }

    /// A store in memory whose lists of revocations, which are no secret, stand in the folder
    /// `beside`.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn in_memory_beside(beside: &Path) -> Result<Self, StoreError> {
        Ok(Self { revocations: Some(beside.join(REVOCATIONS)), ..Self::in_memory()? })
    }

    fn prepare(mut connection: Connection, marks: Option<MarksFile>) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = write(&mut connection)?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        match (pragma("application_id")?, pragma("user_version")?) {
            (0, 0) if is_empty(&transaction)? => create(&transaction)?,
            (APPLICATION_ID, SCHEMA_VERSION) => {}
            (APPLICATION_ID, migrate::WITHOUT_OPERATORS) => migrate::add_operators(&transaction)?,
            (APPLICATION_ID, version) => return Err(StoreError::Version { version }),
            _ => return Err(StoreError::Foreign),
        }
        let (digest_key, device_key): ([u8; 32], [u8; 32]) =
            transaction.query_row("SELECT digest_key, device_key FROM terminal", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        transaction.commit()?;
        Ok(Self {
            connection,
            digest_key: DigestKey::new(digest_key),
            device_key: SigningKey::from_bytes(&device_key),
            marks,
            floor: Floor::LOWEST,
            revocations: None,
        })
    }

    /// Whether the store has come as far as its marks say.
    fn compare_with_marks(&self) -> Result<(), StoreError> {
        let Some(file) = &self.marks else { return Ok(()) };
        let (records, _) = log::head(&self.connection)?;
        let Some(marks) = file.marks() else {
            // A new store has neither; one that was made and not yet marked has no record.
            return if records == 0 { Ok(()) } else { Err(StoreError::Unmarked) };
        };
        if records < marks.records {
            let (found, marked) = (records, marks.records);
            return Err(StoreError::RolledBack { found, marked });
        }
        // Rows that were removed since cannot be compared, and the chain is behind them.
        if log::link_of(&self.connection, marks.records)?.is_some_and(|link| link != marks.link) {
            return Err(StoreError::Chain(ChainError::Broken { id: marks.records }));
        }
        let versions = self.versions()?;
        let went_back = versions.iter().zip(&marks.versions).find(|(found, marked)| found < marked);
        match went_back {
            Some((found, marked)) => Err(StoreError::RolledBack { found: *found, marked: *marked }),
            None => Ok(()),
        }
    }

    /// Writes how far the store has come to the second place.
    fn mark(&mut self, sync: Sync) -> Result<(), StoreError> {
        if self.marks.is_none() {
            return Ok(());
        }
        let (records, link) = log::head(&self.connection)?;
        let marks =
            Marks { records, link, floor: self.floor.instant(), versions: self.versions()? };
        let Some(file) = &mut self.marks else { return Ok(()) };
        let written = file.write(marks).and_then(|()| match sync {
            Sync::Now => file.sync(),
            Sync::Later => Ok(()),
        });
        written.map_err(|source| StoreError::Marks { source })
    }

    /// The version of each list, 0 for one that is not there.
    fn versions(&self) -> Result<Vec<u64>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT version FROM document WHERE file = ?1")?;
        DocumentKind::ALL
            .into_iter()
            .map(|kind| {
                let version = query.query_row([kind.file_name()], |row| row.get::<_, i64>(0));
                Ok(version.optional()?.unwrap_or(0).cast_unsigned())
            })
            .collect()
    }

    /// The key under which this terminal makes its digests.
    #[must_use]
    pub fn digest_key(&self) -> &DigestKey {
        &self.digest_key
    }

    /// The public part of the key with which this terminal signs its log.
    #[must_use]
    pub fn device_key(&self) -> ed25519_dalek::VerifyingKey {
        self.device_key.verifying_key()
    }

    /// The name of this terminal's log: of the program, and the beginning of the terminal's key.
    #[must_use]
    pub fn origin(&self) -> String {
        let key = Link::new(self.device_key.verifying_key().to_bytes()).to_string();
        format!("greengate/{}", key.get(..16).unwrap_or(&key))
    }

    /// A reading of the clock that was good, if there has been one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn anchor(&self) -> Result<Option<Anchor>, StoreError> {
        let anchor = self
            .connection
            .query_row(
                "SELECT anchor_at, anchor_up, anchor_boot FROM terminal
                 WHERE anchor_boot IS NOT NULL",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        Ok(anchor.and_then(|(at, seconds, boot)| {
            let at = Timestamp::from_timestamp(at, 0)?;
            Some(Anchor { at, up: Uptime { boot, seconds } })
        }))
    }

    /// Takes a reading of the clock for good.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn set_anchor(&mut self, Anchor { at, up }: &Anchor) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE terminal SET anchor_at = ?1, anchor_up = ?2, anchor_boot = ?3",
            params![at.timestamp(), up.seconds, up.boot],
        )?;
        Ok(())
    }

    /// Raises the floor of the clock to an instant that has certainly passed, such as when the
    /// program was built.
    pub fn raise_floor(&mut self, instant: Timestamp) {
        self.floor = self.floor.raised_to(instant);
    }

    /// A number that changes when another process has changed the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }
}

/// A transaction that may write.
fn write(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Makes an empty file for its owner's eyes alone; those that SQLite makes beside it are made alike.
fn make_file(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Opens the file in `path`, which is there, under `key`.
fn open_file(path: &Path, key: &Key) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    key.unlock(&connection)?;
    Ok(connection)
}

/// The key in `path`, made now if there is none.
fn read_or_make(path: &Path) -> Result<Key, StoreError> {
    if path.exists() { Key::read(path) } else { Key::make(path) }
}

/// The first bytes of a file, fewer if it is shorter.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = u64::try_from(migrate::PLAIN_HEADER.len()).unwrap_or(0);
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether nothing has ever been put into the file.
fn is_empty(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Makes the tables, a new key for digests, and one to sign with.
fn create(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let [mut digest_key, mut device_key] = [[0; 32]; 2];
    for key in [&mut digest_key, &mut device_key] {
        getrandom::fill(key).map_err(|_| StoreError::Random)?;
    }
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction.execute(
        "INSERT INTO terminal (id, digest_key, device_key) VALUES (1, ?1, ?2)",
        params![digest_key, device_key],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(())
}

/// The store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The log is not what it was.
    #[error("the log is damaged: {0}")]
    Chain(#[from] ChainError),

    /// Something in it makes no sense.
    #[error("the store holds a {what} that makes no sense")]
    Content {
        /// What.
        what: &'static str,
    },

    /// Its folder cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The file is not a store of this program.
    #[error("the file is not a store of this program")]
    Foreign,

    /// Its key cannot be read or made.
    #[error("cannot use the key in {path}: {source}")]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// There was a store, and it is gone.
    #[error("the store is gone, and {} is still there: was it removed?", marks::FILE_NAME)]
    Lost,

    /// How far it has come cannot be read or written in the second place.
    #[error("cannot use {}: {source}", marks::FILE_NAME)]
    Marks {
        /// Why.
        source: io::Error,
    },

    /// The file cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },

    /// The system has no random numbers to make a key of.
    #[error("the system gives no random numbers")]
    Random,

    /// It is older than its marks: an old copy was put back, or its end was lost.
    #[error("the store has come to {found}, and had been at {marked}: an old copy, or a lost end")]
    RolledBack {
        /// How far it has come.
        found: u64,
        /// How far it had.
        marked: u64,
    },

    /// Reading or writing failed.
    #[error("the store failed: {source}")]
    Sql {
        /// Why.
        #[from]
        source: rusqlite::Error,
    },

    /// A list in it can no longer be used.
    #[error("the store is damaged: {0}")]
    Trust(#[from] TrustError),

    /// It has records, and the marks of how far it had come are gone.
    #[error("{} is gone or damaged, and the store has records", marks::FILE_NAME)]
    Unmarked,

    /// It was made by another version of this program.
    #[error("the store has version {version}, this program reads {SCHEMA_VERSION}")]
    Version {
        /// Its version.
        version: i32,
    },
}
