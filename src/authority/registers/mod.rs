//! The authority's registers, and the one room of the issuing side that speaks SQL.
//!
//! They are one file, which its owner alone can read. Each command is one transaction, so that what
//! is refused or cut short leaves no trace, and what is done is on the disk. A file that is no
//! register of this program, or of another version of it, is refused and left as it is.
//!
//! Each register has a file of its own here, with the rules of what may stand in it.

mod bindings;
mod codes;
mod commuters;
mod exceptions;
mod issuers;
mod match_keys;
mod medical;
mod partners;
mod people;
mod policy;
mod revocations;
mod risk_areas;
mod terminals;
mod travel;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::NaiveDate;
use rusqlite::{Connection, OpenFlags, Params, Row, TransactionBehavior};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tempfile::NamedTempFile;
use thiserror::Error;

pub(super) use self::issuers::usual_statuses;
pub use self::{
    bindings::{BindingError, Guardianship},
    commuters::{CommuterError, Enrolment},
    exceptions::ExceptionError,
    issuers::KeyError,
    medical::MedicalError,
    partners::PartnerError,
    people::{PersonError, Stage, Step},
    policy::PolicyError,
    revocations::RevocationError,
    risk_areas::RiskAreaError,
    terminals::TerminalError,
    travel::{TravelError, TravelHistory},
};

use super::AuthorityError;
use crate::{clock::Timestamp, place::Place};

/// The name of the file in an authority's folder.
const FILE_NAME: &str = "authority.db";

/// Marks a file as an authority's registers: `GGAU` in ASCII.
const APPLICATION_ID: i32 = 0x4747_4155;

/// What makes each version of the one before, the first of an empty file.
const STEPS: [&str; 4] = [
    include_str!("../schema.sql"),
    include_str!("../revocations.sql"),
    include_str!("../terminals.sql"),
    include_str!("../match_keys.sql"),
];

/// How long to wait for another command that is under way.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The open registers.
#[derive(Debug)]
pub(super) struct Registers {
    connection: Connection,
}

impl Registers {
    /// Makes empty registers in `folder`, whole or not at all, for their owner's eyes alone.
    pub(super) fn create(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(FILE_NAME);
        let failed = |source| AuthorityError::File { path: path.clone(), source };
        // A file that is made this way has mode 0600 before anything is in it.
        let file = NamedTempFile::new_in(folder).map_err(failed)?;
        let connection = connect(file.path())?;
        connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(RegisterError::from)?;
        drop(upgraded(connection)?);
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Self::open(folder),
            Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(AuthorityError::Exists { folder: folder.to_path_buf() })
            }
            Err(failure) => Err(failed(failure.error)),
        }
    }

    /// Opens the registers in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(FILE_NAME);
        let connection = connect(&path)?;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let found = pragma("application_id").and_then(|id| Ok((id, pragma("user_version")?)));
        match found.map_err(|source| RegisterError::Open { path: path.clone(), source })? {
            (APPLICATION_ID, version) => match usize::try_from(version) {
                Ok(version) if version == STEPS.len() => Ok(Self { connection }),
                Ok(version) if (1..STEPS.len()).contains(&version) => {
                    Ok(Self { connection: upgraded(connection)? })
                }
                _ => Err(RegisterError::Version { version }.into()),
            },
            _ => Err(RegisterError::Foreign { path }.into()),
        }
    }

    /// What stands in the registers.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries(&self.connection)
    }

    /// Does one command: all of it if it succeeds, and nothing if it does not.
    pub(super) fn change<T>(
        &mut self,
        command: impl FnOnce(&Entries<'_>) -> Result<T, AuthorityError>,
    ) -> Result<T, AuthorityError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(RegisterError::from)?;
        let done = command(&Entries(&transaction))?;
        transaction.commit().map_err(RegisterError::from)?;
        Ok(done)
    }
}

/// What stands in the registers, for as long as one command takes.
pub(super) struct Entries<'registers>(&'registers Connection);

impl Entries<'_> {
    /// Writes, and says how many rows that were.
    fn write(&self, sql: &str, values: impl Params) -> Result<usize, RegisterError> {
        Ok(self.0.prepare_cached(sql)?.execute(values)?)
    }

    /// Every row, as `read` understands it.
    fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, RegisterError>,
    ) -> Result<Vec<T>, RegisterError> {
        let mut query = self.0.prepare_cached(sql)?;
        let mut rows = query.query(values)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    /// The first row, if there is one.
    fn first<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, RegisterError>,
    ) -> Result<Option<T>, RegisterError> {
        let mut query = self.0.prepare_cached(sql)?;
        let mut rows = query.query(values)?;
        rows.next()?.map(read).transpose()
    }
}

/// Opens a file that is there.
fn connect(path: &Path) -> Result<Connection, RegisterError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepared = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is removed from a register is not to be found in its file.
        connection.pragma_update(None, "secure_delete", true)?;
        Ok(connection)
    });
    prepared.map_err(|source| RegisterError::Open { path: path.to_path_buf(), source })
}

/// The registers of an earlier version as those of the newest, whole or not at all.
fn upgraded(mut connection: Connection) -> Result<Connection, RegisterError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another command may have done it in the meantime.
    let before =
        transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))?;
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > before) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// The word that documents use for `value`.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => unreachable!("the enums that are kept are words in JSON"),
    }
}

/// What the word in a column means.
fn meaning<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<T, RegisterError> {
    serde_json::from_value(Value::String(row.get(column)?))
        .map_err(|_| RegisterError::Content { what })
}

/// The instant in a column.
fn instant(row: &Row<'_>, column: usize) -> Result<Timestamp, RegisterError> {
    Timestamp::from_timestamp(row.get(column)?, 0)
        .ok_or(RegisterError::Content { what: "an instant" })
}

/// The day in a column.
fn day(row: &Row<'_>, column: usize) -> Result<NaiveDate, RegisterError> {
    parse_day(&row.get::<_, String>(column)?)
}

fn parse_day(day: &str) -> Result<NaiveDate, RegisterError> {
    day.parse().map_err(|_| RegisterError::Content { what: "a day" })
}

/// Kinds of place as one text.
fn written_places(places: &BTreeSet<Place>) -> String {
    places.iter().copied().map(Place::code).collect::<Vec<_>>().join(" ")
}

/// The kinds of place in a column.
fn places(row: &Row<'_>, column: usize) -> Result<BTreeSet<Place>, RegisterError> {
    let words: String = row.get(column)?;
    let places = words.split_whitespace().map(str::parse);
    places.collect::<Result<_, _>>().map_err(|_| RegisterError::Content { what: "a kind of place" })
}

/// The registers cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Something in them makes no sense.
    #[error("the registers hold {what} that makes no sense")]
    Content {
        /// What.
        what: &'static str,
    },

    /// The file is not an authority's.
    #[error("{path} is no register of an authority")]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// The file cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },

    /// Reading or writing failed.
    #[error("the registers failed: {source}")]
    Sql {
        /// Why.
        #[from]
        source: rusqlite::Error,
    },

    /// They were made by another version of this program.
    #[error("the registers have version {version}, this program reads {}", STEPS.len())]
    Version {
        /// Their version.
        version: i32,
    },
}
