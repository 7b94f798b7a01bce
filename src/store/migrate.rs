//! Stores of earlier versions of this program.
//!
//! The first version kept its database in the clear, and its log unchained. It is read, written anew
//! beside itself, and replaced at once. The second knew no operators: what it lacked is added in the
//! transaction that opens it. A migration that is cut short has changed nothing.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::{
    APPLICATION_ID, SCHEMA_VERSION, Store, StoreError, cipher::Key, log, make_file, open_file,
    write,
};
use crate::audit::{Entry, Event, Link};

/// How the file of a database in the clear begins.
pub(super) const PLAIN_HEADER: &[u8] = b"SQLite format 3\0";

/// The version whose files are in the clear.
const PLAIN_VERSION: i32 = 1;

/// Replaces the database in `path`, which is in the clear, by one under `key`.
pub(super) fn from_plain(path: &Path, key: &Key) -> Result<(), StoreError> {
    let opening = |source| StoreError::Open { path: path.to_path_buf(), source };
    let moving = |source| StoreError::Folder { path: path.to_path_buf(), source };
    let mut old =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(opening)?;
    let pragma = |name| old.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (pragma("application_id").map_err(opening)?, pragma("user_version").map_err(opening)?) {
        (APPLICATION_ID, PLAIN_VERSION) => {}
        (APPLICATION_ID, version) => return Err(StoreError::Version { version }),
        _ => return Err(StoreError::Foreign),
    }
    // Its log goes into it first: one that was left beside the new file would be taken for its own.
    old.pragma_update(None, "journal_mode", "DELETE")?;
    let old = write(&mut old)?;
    let anew = path.with_extension("new");
    match fs::remove_file(&anew) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(moving(source)),
        _ => {}
    }
    make_file(&anew).map_err(moving)?;
    let connection = open_file(&anew, key).map_err(opening)?;
    let mut store = Store::prepare(connection, None)?;
    copy(&old, &mut store)?;
    let Store { connection, .. } = store;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    connection.close().map_err(|(_, source)| StoreError::Sql { source })?;
    fs::File::open(&anew).and_then(|file| file.sync_all()).map_err(moving)?;
    fs::rename(&anew, path).map_err(moving)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(moving)
}

/// The version that knew no operators.
pub(super) const WITHOUT_OPERATORS: i32 = 2;

/// What it lacked.
const OPERATORS: &str = "
    ALTER TABLE terminal ADD COLUMN terminal TEXT;
    ALTER TABLE terminal ADD COLUMN sealing_key BLOB CHECK (length(sealing_key) = 32);
    CREATE TABLE operator (
        staff         TEXT PRIMARY KEY,
        name          TEXT,
        role          TEXT NOT NULL,
        pin           TEXT NOT NULL,
        failed        INTEGER NOT NULL,
        blocked_until INTEGER
    ) STRICT;
    CREATE TABLE desk (
        id     INTEGER PRIMARY KEY,
        at     INTEGER NOT NULL,
        event  TEXT NOT NULL,
        gate   TEXT,
        reason TEXT,
        staff  TEXT,
        digest BLOB,
        clock  TEXT NOT NULL,
        detail TEXT
    ) STRICT;
    CREATE INDEX desk_at ON desk (at);
    CREATE TABLE registration (
        id     INTEGER PRIMARY KEY AUTOINCREMENT,
        sealed BLOB NOT NULL
    ) STRICT;
";

/// Adds what a store of the second version lacks. The terminal's name is taken from the record of
/// its provisioning, if that is still kept.
pub(super) fn add_operators(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute_batch(OPERATORS)?;
    transaction.execute(
        "UPDATE terminal SET terminal = (
             SELECT substr(substr(detail, 34), instr(substr(detail, 34), ' ') + 1)
             FROM audit WHERE event = ?1 ORDER BY id DESC LIMIT 1)",
        [Event::PROVISIONED],
    )?;
    Ok(transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?)
}

/// A terminal's own row.
type Terminal = ([u8; 32], Option<String>, Option<String>, Option<String>, Option<String>);

/// Copies where the terminal stands, its lists, and its records, which are chained on the way.
fn copy(old: &Connection, store: &mut Store) -> Result<(), StoreError> {
    let new = write(&mut store.connection)?;
    let (digest_key, place, name_zh, name_en, gate): Terminal = old.query_row(
        "SELECT digest_key, place, name_zh, name_en, gate FROM terminal",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    new.execute(
        "UPDATE terminal SET digest_key = ?1, place = ?2, name_zh = ?3, name_en = ?4, gate = ?5",
        params![digest_key, place, name_zh, name_en, gate],
    )?;
    let mut query = old.prepare("SELECT file, version, issued, installed, bytes FROM document")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (file, version, issued): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (installed, bytes): (i64, Vec<u8>) = (row.get(3)?, row.get(4)?);
        new.execute(
            "INSERT INTO document (file, version, issued, installed, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![file, version, issued, installed, bytes],
        )?;
    }
    let mut query = old.prepare(
        "SELECT at, verdict, reason, kind, issuer, policy_version, staff, digest
         FROM audit ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let digest: Option<[u8; 32]> = row.get(7)?;
        let policy_version: Option<i64> = row.get(5)?;
        let entry = Entry {
            id: 0,
            at: row.get(0)?,
            event: Event::SCAN.to_owned(),
            gate: None,
            verdict: row.get(1)?,
            reason: row.get(2)?,
            kind: row.get(3)?,
            issuer: row.get(4)?,
            policy_version: policy_version.map(i64::cast_unsigned),
            staff: row.get(6)?,
            digest: digest.map(|digest| Link::new(digest).to_string()),
            clock: "good".to_owned(),
            detail: None,
        };
        log::append(&new, entry)?;
    }
    new.commit()?;
    Ok(())
}
