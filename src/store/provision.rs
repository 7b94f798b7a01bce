//! Where the terminal stands, and who has said so.

use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use super::{Store, StoreError, Sync, log, update, write};
use crate::{
    audit::Event,
    clock::Timestamp,
    language::Words,
    place::Gate,
    provisioning::Provisioning,
    registration::SealingKey,
    update::{Metadata, Role},
};

impl Store {
    /// Says where the terminal stands when no authority has said so: for trials, and at first.
    ///
    /// # Errors
    ///
    /// [`ProvisionError::Fixed`] if the terminal follows a root and has been told otherwise.
    pub fn provision(&mut self, gate: &Gate) -> Result<(), ProvisionError> {
        let transaction = write(&mut self.connection)?;
        if update::has_root(&transaction)?
            && gate_of(&transaction)?.is_some_and(|told| told != *gate)
        {
            return Err(ProvisionError::Fixed);
        }
        set_gate(&transaction, gate)?;
        Ok(transaction.commit()?)
    }

    /// Does what a bundle says that was verified: the terminal stands where it says from now on, and
    /// follows its `root` if it had none.
    ///
    /// # Errors
    ///
    /// [`ProvisionError::Spent`] if this bundle was used here before.
    pub fn provision_by(
        &mut self,
        provisioning: &Provisioning,
        root: &Metadata,
        now: Timestamp,
    ) -> Result<(), ProvisionError> {
        let Provisioning { token, place, terminal, .. } = provisioning;
        let (token, place, terminal) = (token.clone(), *place, terminal.clone());
        let transaction = write(&mut self.connection)?;
        let is_spent: bool = transaction.query_row(
            "SELECT count(*) > 0 FROM audit WHERE event = ?1 AND substr(detail, 1, 32) = ?2",
            [Event::PROVISIONED, &token],
            |row| row.get(0),
        )?;
        if is_spent {
            return Err(ProvisionError::Spent);
        }
        if !update::has_root(&transaction)? {
            update::put(&transaction, Role::Root, root)?;
        }
        set_gate(&transaction, &provisioning.gate())?;
        transaction.execute(
            "UPDATE terminal SET terminal = ?1, sealing_key = coalesce(?2, sealing_key)",
            params![terminal, provisioning.sealing_key()],
        )?;
        let event = Event::Provisioned { token, place, terminal };
        log::append(&transaction, log::entry_of(&event, now))?;
        transaction.commit()?;
        Ok(self.mark(Sync::Now)?)
    }

    /// What the authority calls the terminal, if it has said so.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn terminal(&self) -> Result<Option<String>, StoreError> {
        let name = "SELECT terminal FROM terminal";
        Ok(self.connection.query_row(name, [], |row| row.get(0))?)
    }

    /// The key that registrations are sealed to, if the authority has given one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read.
    pub fn sealing_key(&self) -> Result<Option<SealingKey>, StoreError> {
        let key = "SELECT sealing_key FROM terminal";
        let key: Option<[u8; 32]> = self.connection.query_row(key, [], |row| row.get(0))?;
        Ok(key.map(SealingKey::new))
    }

    /// Where the terminal stands, if it has been told.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sql`] if it cannot be read, [`StoreError::Content`] if it makes no sense.
    pub fn gate(&self) -> Result<Option<Gate>, StoreError> {
        gate_of(&self.connection)
    }
}

fn gate_of(connection: &Connection) -> Result<Option<Gate>, StoreError> {
    let stored: Option<(String, String, String, String)> = connection
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

fn set_gate(connection: &Connection, gate: &Gate) -> rusqlite::Result<usize> {
    let Gate { place, name, gate } = gate;
    connection.execute(
        "UPDATE terminal SET place = ?1, name_zh = ?2, name_en = ?3, gate = ?4",
        params![place.code(), name.zh, name.en, gate],
    )
}

/// A terminal was not told where it stands.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The authority has said where it stands.
    #[error(
        "this terminal follows an authority's root and has been told where it stands: another place \
         comes in a bundle of that authority's"
    )]
    Fixed,

    /// This bundle was used here before.
    #[error("this bundle was used here before: have the authority make another [Y55]")]
    Spent,

    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for ProvisionError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Store(source.into())
    }
}
