//! What came over the update repository, and the root that it is trusted by.
//!
//! An update is one transaction: the metadata of every role and the lists that they vouch for, or
//! nothing. Versions never go back, and of one version there is one text. The exception is a
//! repository that was taken over and won back: its root gives the other roles new keys, and what
//! the old ones signed no longer counts, however high its version.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};
use thiserror::Error;

use super::{
    InstallError, Store, StoreError, Sync,
    lists::{Before, put_all, usable},
    write,
};
use crate::{
    clock::{Floor, Timestamp},
    revocation::{Given, Intake, Revocations},
    trust::{Trust, TrustFiles},
    update::{Metadata, Role},
};

/// What the roles under a root signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Published {
    /// The timestamp.
    pub timestamp: Metadata,
    /// The snapshot that it names.
    pub snapshot: Metadata,
    /// The targets that the snapshot names.
    pub targets: Metadata,
}

impl Published {
    fn roles(&self) -> [(Role, &Metadata); 3] {
        [
            (Role::Timestamp, &self.timestamp),
            (Role::Snapshot, &self.snapshot),
            (Role::Targets, &self.targets),
        ]
    }
}

/// What a terminal trusts by its root, and would have an update be newer than.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trusted {
    /// The root.
    pub root: Metadata,
    /// What was last installed under it, if anything was.
    pub published: Option<Published>,
    /// The lists that are installed, if any are.
    pub files: Option<TrustFiles>,
    /// The lists of revocations that are installed.
    pub revocations: Revocations,
    /// The latest instant that is known to have passed.
    pub floor: Floor,
}

/// Whether what an update replaces is its own past.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lineage {
    /// The same keys signed what is installed: no version goes back.
    #[default]
    Same,
    /// The root has given the roles new keys, and what is installed is no longer signed.
    Rekeyed,
}

/// A verified state of the repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    /// The root.
    pub root: Metadata,
    /// What the other roles signed.
    pub published: Published,
    /// The lists.
    pub files: TrustFiles,
    /// Whether what it replaces is its own past.
    pub lineage: Lineage,
}

impl Store {
    /// What the terminal trusts by its root, if it has one.
    ///
    /// Lists that can no longer be used are given as they are: what is fetched takes their place.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read, [`StoreError::Content`] if a role is missing.
    pub fn trusted(&mut self) -> Result<Option<Trusted>, StoreError> {
        let transaction = self.connection.transaction()?;
        let Some(root) = kept(&transaction, Role::Root)? else { return Ok(None) };
        let published = match (
            kept(&transaction, Role::Timestamp)?,
            kept(&transaction, Role::Snapshot)?,
            kept(&transaction, Role::Targets)?,
        ) {
            (None, None, None) => None,
            (Some(timestamp), Some(snapshot), Some(targets)) => {
                Some(Published { timestamp, snapshot, targets })
            }
            _ => return Err(StoreError::Content { what: "set of metadata" }),
        };
        transaction.commit()?;
        let (files, revocations) = (self.files()?, self.revocations()?);
        Ok(Some(Trusted { root, published, files, revocations, floor: self.floor()? }))
    }

    /// Gives a terminal that has none its trusted root.
    ///
    /// # Errors
    ///
    /// [`UpdateError::OtherRoot`] if it has one, unless that is the same.
    pub fn trust_root(&mut self, root: &Metadata) -> Result<(), UpdateError> {
        let transaction = self.begin()?;
        match kept(&transaction, Role::Root)? {
            None => put(&transaction, Role::Root, root)?,
            Some(kept) if kept == *root => {}
            Some(Metadata { version, .. }) => return Err(UpdateError::OtherRoot { version }),
        }
        Ok(transaction.commit().map_err(StoreError::from)?)
    }

    /// Keeps a newer root that was verified by the one before, when nothing else could be taken
    /// in: the keys that it withdraws are withdrawn from now on.
    ///
    /// # Errors
    ///
    /// [`UpdateError`], and nothing has changed.
    pub fn raise_root(&mut self, root: &Metadata) -> Result<(), UpdateError> {
        let transaction = self.begin()?;
        refuse_older(&transaction, Role::Root, root)?;
        put(&transaction, Role::Root, root)?;
        Ok(transaction.commit().map_err(StoreError::from)?)
    }

    /// Checks an update's lists and installs all of it at once.
    ///
    /// # Errors
    ///
    /// [`UpdateError`], and nothing has changed.
    pub fn update(&mut self, update: &Update, now: Timestamp) -> Result<(), UpdateError> {
        self.update_from(update, None, now)
    }

    /// Does as [`update`](Self::update), together with the lists of revocations that stand in
    /// `folder`, if there is one. They are taken away from there: it is on the file system of the
    /// state. What they replace is there until the next [`sweep`](Self::sweep).
    ///
    /// # Errors
    ///
    /// [`UpdateError`], and nothing has changed.
    pub fn update_from(
        &mut self,
        update: &Update,
        folder: Option<&Path>,
        now: Timestamp,
    ) -> Result<(), UpdateError> {
        let Update { root, published, files, lineage } = update;
        let trust = usable(files)?;
        let before = match self.files()?.map(|files| Trust::parse(&files)) {
            Some(Err(_)) => Before::Damaged,
            Some(Ok(_)) | None => Before::Usable,
        };
        let intake = match folder.zip(self.revocations_folder()) {
            None => None,
            Some((from, kept)) => {
                let mut intake = Intake::begin(kept).map_err(InstallError::from)?;
                let taken =
                    intake.take_in(from, Given::ToKeep, &self.revocations()?, trust.published());
                taken.map_err(InstallError::from)?;
                Some(intake)
            }
        };
        let editions = intake.as_ref().map(Intake::editions).unwrap_or_default();
        let transaction = self.begin()?;
        refuse_older(&transaction, Role::Root, root)?;
        put(&transaction, Role::Root, root)?;
        for (role, metadata) in published.roles() {
            match lineage {
                Lineage::Same => refuse_older(&transaction, role, metadata)?,
                Lineage::Rekeyed => {}
            }
            put(&transaction, role, metadata)?;
        }
        put_all(&transaction, &trust, files, editions, before, now)?;
        transaction.commit().map_err(StoreError::from)?;
        self.mark(Sync::Now)?;
        Ok(())
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        write(&mut self.connection)
    }
}

/// Whether the terminal has a trusted root.
pub(super) fn has_root(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row("SELECT count(*) > 0 FROM tuf_metadata", [], |row| row.get(0))
}

fn kept(transaction: &Transaction<'_>, role: Role) -> Result<Option<Metadata>, StoreError> {
    let kept = transaction
        .query_row(
            "SELECT version, bytes FROM tuf_metadata WHERE role = ?1",
            [role.code()],
            |row| {
                Ok(Metadata { version: row.get::<_, i64>(0)?.cast_unsigned(), bytes: row.get(1)? })
            },
        )
        .optional()?;
    Ok(kept)
}

pub(super) fn put(
    transaction: &Transaction<'_>,
    role: Role,
    metadata: &Metadata,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT OR REPLACE INTO tuf_metadata (role, version, bytes) VALUES (?1, ?2, ?3)",
        params![role.code(), metadata.version.cast_signed(), metadata.bytes],
    )?;
    Ok(())
}

/// Refuses metadata that are older than those kept, or others of the same version. A terminal
/// without a root takes none at all.
fn refuse_older(
    transaction: &Transaction<'_>,
    role: Role,
    metadata: &Metadata,
) -> Result<(), UpdateError> {
    let Some(kept) = kept(transaction, role)? else {
        return if role == Role::Root { Err(UpdateError::NoRoot) } else { Ok(()) };
    };
    let Metadata { version, bytes } = metadata;
    if *version < kept.version {
        Err(UpdateError::LowerVersion { role, version: *version, installed: kept.version })
    } else if *version == kept.version && *bytes != kept.bytes {
        Err(UpdateError::SameVersion { role, version: *version })
    } else {
        Ok(())
    }
}

/// An update was not installed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// Its lists cannot be installed.
    #[error(transparent)]
    Lists(#[from] InstallError),

    /// Its version is lower than that of what is installed.
    #[error("{role} version {version} is older than the installed {installed}")]
    LowerVersion {
        /// Whose metadata.
        role: Role,
        /// Its version.
        version: u64,
        /// The installed one's.
        installed: u64,
    },

    /// The terminal has no root to trust it by.
    #[error("this terminal has no trusted root: give it one with `greengate provision --root`")]
    NoRoot,

    /// The terminal trusts another root.
    #[error(
        "this terminal trusts a root already, version {version}: it follows that one, and to trust \
         another it must be set up anew"
    )]
    OtherRoot {
        /// The trusted root's version.
        version: u64,
    },

    /// There is another of the same version.
    #[error("{role}: another version {version} is installed")]
    SameVersion {
        /// Whose metadata.
        role: Role,
        /// The version of both.
        version: u64,
    },

    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}
