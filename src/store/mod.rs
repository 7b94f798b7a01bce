//! The store: the one place of the terminal that speaks SQL.
//!
//! It keeps the trusted lists as they were signed, one record for each decision, and where the
//! terminal stands. What it has acknowledged is on the disk: the journal is a write-ahead log,
//! synced at every commit. A list never goes back to a lower version or an earlier date, and a set
//! of lists is installed whole or not at all.
//!
//! A file that is no store of this program, or of a later version of it, is refused and left as it
//! is. Lists are read and checked anew each time they are loaded.

mod update;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{TimeDelta, Timelike};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use thiserror::Error;

use crate::{
    audit::AuditRecord,
    clock::{Floor, Timestamp, in_shanghai},
    credential::{CodeDigest, DigestKey, Kind},
    decision::{Basis, History, Reason, Shown, Verdict},
    issuer::IssuerId,
    language::Words,
    place::Gate,
    policy::Flaw,
    trust::{DocumentKind, Trust, TrustError, TrustFiles},
};

pub use self::update::{Lineage, Metadata, Published, Role, Trusted, Update, UpdateError};

/// Marks a file as a store of this program: `GGAT` in ASCII.
const APPLICATION_ID: i32 = 0x4747_4154;

/// The version of `schema.sql`.
const SCHEMA_VERSION: i32 = 1;

/// How long to wait for another process, such as an import beside a running kiosk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The name of the file in the state folder.
const FILE_NAME: &str = "greengate.db";

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    digest_key: DigestKey,
}

impl Store {
    /// Opens the store in the folder `state`, making both if they are not there.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. A store that cannot be used is left as it is.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(state)
            .map_err(|source| StoreError::Folder { path: state.to_path_buf(), source })?;
        let path = state.join(FILE_NAME);
        let connection = Connection::open(&path)
            .map_err(|source| StoreError::Open { path: path.clone(), source })?;
        Self::prepare(connection).map_err(|error| match error {
            StoreError::Sql { source } => StoreError::Open { path, source },
            other => other,
        })
    }

    /// A store that lives as long as the program does, for a demonstration.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        match (pragma("application_id")?, pragma("user_version")?) {
            (0, 0) if is_empty(&transaction)? => create(&transaction)?,
            (APPLICATION_ID, SCHEMA_VERSION) => {}
            (APPLICATION_ID, version) => return Err(StoreError::Version { version }),
            _ => return Err(StoreError::Foreign),
        }
        let digest_key =
            transaction.query_row("SELECT digest_key FROM terminal", [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(Self { connection, digest_key: DigestKey::new(digest_key) })
    }

    /// The key under which this terminal makes its digests.
    #[must_use]
    pub fn digest_key(&self) -> &DigestKey {
        &self.digest_key
    }

    /// Says where the terminal stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn provision(&mut self, gate: &Gate) -> Result<(), StoreError> {
        let Gate { place, name, gate } = gate;
        self.connection.execute(
            "UPDATE terminal SET place = ?1, name_zh = ?2, name_en = ?3, gate = ?4",
            params![place.code(), name.zh, name.en, gate],
        )?;
        Ok(())
    }

    /// Where the terminal stands, if it has been told.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read, [`StoreError::Content`] if it makes no sense.
    pub fn gate(&self) -> Result<Option<Gate>, StoreError> {
        let stored: Option<(String, String, String, String)> = self
            .connection
            .query_row(
                "SELECT place, name_zh, name_en, gate FROM terminal WHERE place IS NOT NULL",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        stored
            .map(|(place, zh, en, gate)| {
                let place = place.parse().map_err(|_| StoreError::Content { what: "place" })?;
                Ok(Gate { place, name: Words { zh, en }, gate })
            })
            .transpose()
    }

    /// Checks a set of lists and installs it, whole; a list that the set lacks stays as it was.
    ///
    /// A terminal that has a trusted root takes lists from [`update`](Self::update) alone.
    ///
    /// # Errors
    ///
    /// [`InstallError`], and nothing has changed.
    pub fn install(&mut self, files: &TrustFiles, now: Timestamp) -> Result<(), InstallError> {
        let trust = usable(files)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        if update::has_root(&transaction).map_err(StoreError::from)? {
            return Err(InstallError::Unsigned);
        }
        put_all(&transaction, &trust, files, now)?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(())
    }

    /// All that a judgement rests on, as it is kept now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read; [`StoreError::Trust`] if what was kept is no
    /// longer what it was.
    pub fn load_basis(&self) -> Result<Basis, StoreError> {
        let trust = match self.kept(DocumentKind::KeyRing)? {
            None => None,
            Some(key_ring) => Some(Trust::parse(&TrustFiles {
                key_ring,
                recognition: self.kept(DocumentKind::Recognition)?,
                risk_areas: self.kept(DocumentKind::RiskAreas)?,
                policy: self.kept(DocumentKind::Policy)?,
            })?),
        };
        let last_record: Option<i64> =
            self.connection.query_row("SELECT max(at) FROM audit", [], |row| row.get(0))?;
        let last_record = last_record.and_then(|at| Timestamp::from_timestamp(at, 0));
        let floor = [trust.as_ref().map(Trust::published), last_record]
            .into_iter()
            .flatten()
            .fold(Floor::LOWEST, Floor::raised_to);
        Ok(Basis { trust, place: self.gate()?.map(|gate| gate.place), floor })
    }

    /// The codes that were let pass since `since`, at whatever gate.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if they cannot be read, [`StoreError::Content`] if they make no sense.
    pub fn history(&self, since: Timestamp) -> Result<History, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT digest, at, gate FROM audit
             WHERE at >= ?1 AND verdict IN ('pass', 'check_id') AND digest IS NOT NULL",
        )?;
        let mut rows = query.query(params![since.timestamp()])?;
        let mut history = History::new(self.digest_key.clone());
        while let Some(row) = rows.next()? {
            let (digest, at, gate) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = Timestamp::from_timestamp(at, 0);
            let at = at.ok_or(StoreError::Content { what: "instant" })?;
            history.remember(CodeDigest::new(digest), Shown { at, gate });
        }
        Ok(history)
    }

    /// A number that changes when another process has changed the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Keeps `record`. When this returns, it is on the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`], and then the decision must not be shown as a pass.
    pub fn record(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        let AuditRecord { at, verdict, reason, kind, issuer, policy_version, digest } = record;
        self.connection
            .prepare_cached(
                "INSERT INTO audit (at, gate, verdict, reason, kind, issuer, policy_version, digest)
                 VALUES (?1, (SELECT gate FROM terminal), ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                at.timestamp(),
                verdict.code(),
                reason.map(Reason::code),
                kind.map(Kind::code),
                issuer.map(IssuerId::number),
                policy_version.map(u64::cast_signed),
                digest.as_ref().map(CodeDigest::as_bytes),
            ])?;
        Ok(())
    }

    /// Writes to the disk and changes nothing, to see whether [`record`](Self::record) would.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be written.
    pub fn try_writing(&mut self) -> Result<(), StoreError> {
        self.connection.execute("UPDATE terminal SET id = id", [])?;
        Ok(())
    }

    /// How often each verdict was given on the civil day of `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn totals(&self, now: Timestamp) -> Result<Totals, StoreError> {
        let since_midnight = in_shanghai(now).num_seconds_from_midnight();
        let midnight = now - TimeDelta::seconds(since_midnight.into());
        let mut query = self.connection.prepare_cached(
            "SELECT verdict, count(*) FROM audit WHERE at >= ?1 AND at < ?1 + 86400 GROUP BY 1",
        )?;
        let mut rows = query.query(params![midnight.timestamp()])?;
        let mut totals = Totals::default();
        while let Some(row) = rows.next()? {
            let (verdict, count): (String, u32) = (row.get(0)?, row.get(1)?);
            *totals.of_code(&verdict).ok_or(StoreError::Content { what: "verdict" })? = count;
        }
        Ok(totals)
    }

    /// The kept bytes of one list.
    fn kept(&self, kind: DocumentKind) -> Result<Option<Vec<u8>>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT bytes FROM document WHERE file = ?1")?;
        Ok(query.query_row([kind.file_name()], |row| row.get(0)).optional()?)
    }
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Passes.
    pub pass: u32,
    /// Passes with a look at the document.
    pub check_id: u32,
    /// Sent to the desk.
    pub refer: u32,
    /// Not let pass.
    pub deny: u32,
    /// Asked to show it again.
    pub retry: u32,
}

impl Totals {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        if let Some(count) = self.of_code(verdict.code()) {
            *count = count.saturating_add(1);
        }
    }

    fn of_code(&mut self, code: &str) -> Option<&mut u32> {
        match code {
            "pass" => Some(&mut self.pass),
            "check_id" => Some(&mut self.check_id),
            "refer" => Some(&mut self.refer),
            "deny" => Some(&mut self.deny),
            "retry" => Some(&mut self.retry),
            _ => None,
        }
    }
}

/// Whether nothing has ever been put into the file.
fn is_empty(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Makes the tables, and a new key for digests.
fn create(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut digest_key = [0; 32];
    getrandom::fill(&mut digest_key).map_err(|_| StoreError::Random)?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction
        .execute("INSERT INTO terminal (id, digest_key) VALUES (1, ?1)", params![digest_key])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(())
}

/// Reads a set of lists, and refuses one that cannot be meant so.
fn usable(files: &TrustFiles) -> Result<Trust, InstallError> {
    let trust = Trust::parse(files)?;
    let flaw = trust.policy.as_ref().and_then(|policy| policy.flaws().into_iter().next());
    flaw.map_or(Ok(trust), |flaw| Err(InstallError::Flaw { flaw }))
}

/// Puts every list of a set in place of the one that is installed.
fn put_all(
    transaction: &Transaction<'_>,
    trust: &Trust,
    files: &TrustFiles,
    now: Timestamp,
) -> Result<(), InstallError> {
    for ((kind, version, issued), (_, bytes)) in trust.versions().zip(files.present()) {
        refuse_older(transaction, kind, version, issued, bytes)?;
        put(transaction, kind, version, issued, bytes, now).map_err(StoreError::from)?;
    }
    Ok(())
}

/// Refuses a list that is older than the one installed, or another of the same version.
fn refuse_older(
    transaction: &Transaction<'_>,
    kind: DocumentKind,
    version: u64,
    issued: Timestamp,
    bytes: &[u8],
) -> Result<(), InstallError> {
    let installed: Option<(i64, i64, Vec<u8>)> = transaction
        .query_row(
            "SELECT version, issued, bytes FROM document WHERE file = ?1",
            [kind.file_name()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(StoreError::from)?;
    let Some((installed, installed_at, installed_bytes)) = installed else { return Ok(()) };
    let installed = installed.cast_unsigned();
    if version < installed {
        Err(InstallError::LowerVersion { kind, version, installed })
    } else if issued.timestamp() < installed_at {
        Err(InstallError::EarlierDate { kind, issued })
    } else if version == installed && bytes != installed_bytes {
        Err(InstallError::SameVersion { kind, version })
    } else {
        Ok(())
    }
}

fn put(
    transaction: &Transaction<'_>,
    kind: DocumentKind,
    version: u64,
    issued: Timestamp,
    bytes: &[u8],
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT OR REPLACE INTO document (file, version, issued, installed, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            kind.file_name(),
            version.cast_signed(),
            issued.timestamp(),
            now.timestamp(),
            bytes
        ],
    )?;
    Ok(())
}

/// A set of lists was not installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The policy has a rule that cannot be meant so.
    #[error("{}: {flaw}", DocumentKind::Policy.file_name())]
    Flaw {
        /// What is wrong with it.
        flaw: Flaw,
    },

    /// It was issued before the one that is installed.
    #[error("{}: issued at {issued}, before the one that is installed", kind.file_name())]
    EarlierDate {
        /// Which list.
        kind: DocumentKind,
        /// When it was issued.
        issued: Timestamp,
    },

    /// Its version is lower than that of the one that is installed.
    #[error("{}: version {version} is older than the installed {installed}", kind.file_name())]
    LowerVersion {
        /// Which list.
        kind: DocumentKind,
        /// Its version.
        version: u64,
        /// The installed one's.
        installed: u64,
    },

    /// There is another of the same version.
    #[error("{}: another version {version} is installed", kind.file_name())]
    SameVersion {
        /// Which list.
        kind: DocumentKind,
        /// The version of both.
        version: u64,
    },

    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// It cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),

    /// The terminal has a trusted root, and nobody signed for these.
    #[error("this terminal has a trusted root: it takes lists from `greengate sync` alone")]
    Unsigned,
}

/// The store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
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
        source: std::io::Error,
    },

    /// The file is not a store of this program.
    #[error("the file is not a store of this program")]
    Foreign,

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

    /// It was made by another version of this program.
    #[error("the store has version {version}, this program reads {SCHEMA_VERSION}")]
    Version {
        /// Its version.
        version: i32,
    },
}
