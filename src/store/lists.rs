//! The trusted lists: installed whole, never back, read and checked anew each time.

use rusqlite::{OptionalExtension, Transaction, params};
use thiserror::Error;

use super::{Store, StoreError, Sync, log, revocations, update, write};
use crate::{
    audit::Event,
    clock::{ClockState, Floor, Timestamp},
    decision::Basis,
    policy::Flaw,
    revocation::{Edition, IntakeError},
    trust::{DocumentKind, Trust, TrustError, TrustFiles},
};

impl Store {
    /// Checks a set of lists and installs it, whole; a list that the set lacks stays as it was.
    ///
    /// A terminal that has a trusted root takes lists from [`update`](Self::update) alone.
    ///
    /// # Errors
    ///
    /// [`InstallError`], and nothing has changed.
    pub fn install(&mut self, files: &TrustFiles, now: Timestamp) -> Result<(), InstallError> {
        self.install_editions(files, &[], now)
    }

    pub(super) fn install_editions(
        &mut self,
        files: &TrustFiles,
        editions: &[Edition],
        now: Timestamp,
    ) -> Result<(), InstallError> {
        let trust = usable(files)?;
        let transaction = write(&mut self.connection)?;
        if update::has_root(&transaction).map_err(StoreError::from)? {
            return Err(InstallError::Unsigned);
        }
        put_all(&transaction, &trust, files, editions, Before::Usable, now)?;
        transaction.commit().map_err(StoreError::from)?;
        self.mark(Sync::Now)?;
        Ok(())
    }

    /// All that a judgement rests on, as it is kept now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read; [`StoreError::Trust`] if what was kept is no
    /// longer what it was.
    pub fn load_basis(&self) -> Result<Basis, StoreError> {
        let files = self.files()?;
        let trust = files.map(|files| Trust::parse(&files)).transpose()?;
        let place = self.gate()?.map(|gate| gate.place);
        Ok(Basis { trust, revocations: self.revocations()?, place, floor: self.floor()? })
    }

    /// The latest instant that is known to have passed: the newest list was issued, or a record was
    /// made by a clock that was believed. This does not look into the lists.
    pub(super) fn floor(&self) -> Result<Floor, StoreError> {
        let issued: Option<i64> = self.connection.query_row(
            "SELECT max(issued) FROM document WHERE file LIKE '%.json'",
            [],
            |row| row.get(0),
        )?;
        // Other events are put down by programs that do not know how far the clock can be believed.
        let mut query = self.connection.prepare_cached(
            "SELECT at FROM audit WHERE clock = ?1 AND event IN (?2, ?3) ORDER BY id DESC LIMIT 1",
        )?;
        let believed = [ClockState::Good.code(), Event::SCAN, Event::CLOCK];
        let recorded: Option<i64> = query.query_row(believed, |row| row.get(0)).optional()?;
        let known = [issued, recorded].into_iter().flatten();
        let known = known.filter_map(|at| Timestamp::from_timestamp(at, 0));
        Ok(known.fold(self.floor, Floor::raised_to))
    }

    /// The lists as they are kept, whether they can be used or not.
    pub(super) fn files(&self) -> Result<Option<TrustFiles>, StoreError> {
        let Some(key_ring) = self.kept(DocumentKind::KeyRing)? else { return Ok(None) };
        Ok(Some(TrustFiles {
            key_ring,
            recognition: self.kept(DocumentKind::Recognition)?,
            risk_areas: self.kept(DocumentKind::RiskAreas)?,
            policy: self.kept(DocumentKind::Policy)?,
        }))
    }

    /// The kept bytes of one list.
    fn kept(&self, kind: DocumentKind) -> Result<Option<Vec<u8>>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT bytes FROM document WHERE file = ?1")?;
        Ok(query.query_row([kind.file_name()], |row| row.get(0)).optional()?)
    }
}

/// What an installed set of lists is worth, which another is to take the place of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    /// It cannot be used any more: its versions and dates count, and not its texts.
    Damaged,
    /// It serves.
    Usable,
}

/// Reads a set of lists, and refuses one that cannot be meant so.
pub(super) fn usable(files: &TrustFiles) -> Result<Trust, InstallError> {
    let trust = Trust::parse(files)?;
    let flaw = trust.policy.as_ref().and_then(|policy| policy.flaws().into_iter().next());
    flaw.map_or(Ok(trust), |flaw| Err(InstallError::Flaw { flaw }))
}

/// Puts every list of a set, and these editions of lists of revocations, in place of what is
/// installed, and records it.
pub(super) fn put_all(
    transaction: &Transaction<'_>,
    trust: &Trust,
    files: &TrustFiles,
    editions: &[Edition],
    before: Before,
    now: Timestamp,
) -> Result<(), InstallError> {
    let mut lists = Vec::new();
    for ((kind, version, issued), (_, bytes)) in trust.versions().zip(files.present()) {
        match refuse_older(transaction, kind, version, issued, bytes) {
            Err(InstallError::SameVersion { .. }) if before == Before::Damaged => {}
            refused => refused?,
        }
        put(transaction, kind, version, issued, bytes, now).map_err(StoreError::from)?;
        lists.push(format!("{} {version}", kind.file_name()));
    }
    revocations::accept(transaction, editions, trust.published(), now)?;
    let editions = editions.iter();
    lists.extend(
        editions.map(|Edition { list, version, .. }| format!("{} {version}", list.file_name())),
    );
    let event = Event::Installed { lists: lists.join(", ") };
    log::append(transaction, log::entry_of(&event, now))?;
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

    /// Lists of revocations cannot be brought in.
    #[error(transparent)]
    Intake(#[from] IntakeError),

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
