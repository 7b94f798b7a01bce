//! The issuers, their keys, and what their statuses mean.
//!
//! An issuer stands here once, so that a province has one issuer however many keys it has had.

use std::{collections::BTreeMap, path::Path};

use ed25519_dalek::SigningKey;
use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, instant, meaning, word};
use crate::{
    authority::{Authority, AuthorityError, keys},
    clock::Timestamp,
    issuer::IssuerId,
    key_ring::{IssuerEntry, KeyEntry, KeyId, StatusEntry},
    language::Words,
    recognition::{NormalStatus, TranscodingEntry},
};

impl Authority {
    /// Makes a key for `issuer`, valid from `now` on, and has it sign from now on. An issuer that
    /// is new gets an entry, and the usual statuses: 0 under review, 1 normal, 2 watch, 3 stop.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::UnknownIssuer`] if the number is no issuer's, [`AuthorityError::File`].
    pub fn new_key(&mut self, issuer: IssuerId, now: Timestamp) -> Result<KeyId, AuthorityError> {
        let folder = self.keys_folder();
        self.registers.change(|entries| entries.new_key(&folder, issuer, now))
    }

    /// Has `issuer` no longer sign with one of its keys; what it signed before `now` counts.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: only a key in use can be retired.
    pub fn retire_key(
        &mut self,
        issuer: IssuerId,
        key: KeyId,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let from = [StatusEntry::Active];
            entries.mark_key(issuer, key, &from, StatusEntry::Retired, Some(now))
        })
    }

    /// Says that somebody else may sign with a key: nothing it signed counts any more, and nothing
    /// makes it good again.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn compromise_key(&mut self, issuer: IssuerId, key: KeyId) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let from = [StatusEntry::Active, StatusEntry::Retired, StatusEntry::WithdrawnSeries];
            entries.mark_key(issuer, key, &from, StatusEntry::Compromised, None)
        })
    }

    /// Withdraws the series of codes that a key signed: their holders are told to open the
    /// province's own code.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: a compromised key stays compromised.
    pub fn withdraw_series(&mut self, issuer: IssuerId, key: KeyId) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let from = [StatusEntry::Active, StatusEntry::Retired];
            entries.mark_key(issuer, key, &from, StatusEntry::WithdrawnSeries, None)
        })
    }

    /// Says anew what each of an issuer's own status numbers means. A number that is not listed
    /// means nothing, and nobody passes on it.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::NoKey`] if the issuer never had a key.
    pub fn set_statuses(
        &mut self,
        issuer: IssuerId,
        statuses: &BTreeMap<u64, NormalStatus>,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            if !entries.has_issuer(issuer)? {
                return Err(AuthorityError::NoKey { issuer });
            }
            Ok(entries.put_statuses(issuer, statuses)?)
        })
    }
}

impl Entries<'_> {
    /// Makes a key for an issuer of this country.
    pub(crate) fn new_key(
        &self,
        folder: &Path,
        issuer: IssuerId,
        now: Timestamp,
    ) -> Result<KeyId, AuthorityError> {
        let name = issuer.name().ok_or(AuthorityError::UnknownIssuer { issuer })?;
        self.put_key(folder, issuer, &name, now)
    }

    /// Makes a key for an issuer, and an entry if it has none.
    pub(super) fn put_key(
        &self,
        folder: &Path,
        issuer: IssuerId,
        name: &Words,
        now: Timestamp,
    ) -> Result<KeyId, AuthorityError> {
        let key = keys::generate(folder, issuer)?;
        let entry = KeyEntry::active(&key.verifying_key(), now);
        if !self.has_issuer(issuer)? {
            self.write(
                "INSERT INTO issuer (issuer, name_zh, name_en) VALUES (?1, ?2, ?3)",
                params![issuer.number(), name.zh, name.en],
            )?;
            self.put_statuses(issuer, &usual_statuses())?;
        }
        self.write(
            "INSERT INTO issuer_key (issuer, kid, public_key, valid_from, status)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                issuer.number(),
                entry.kid,
                entry.public_key,
                entry.valid_from.timestamp(),
                word(entry.status)
            ],
        )?;
        Ok(KeyId::of(&key.verifying_key()))
    }

    /// The newest key of `issuer` that is in use.
    pub(crate) fn signing_key(
        &self,
        folder: &Path,
        issuer: IssuerId,
    ) -> Result<SigningKey, AuthorityError> {
        let newest: Option<String> = self.first(
            "SELECT kid FROM issuer_key WHERE issuer = ?1 AND status = ?2
             ORDER BY id DESC LIMIT 1",
            params![issuer.number(), word(StatusEntry::Active)],
            |row| Ok(row.get(0)?),
        )?;
        let kid = newest.ok_or(AuthorityError::NoKey { issuer })?;
        keys::load(folder, issuer, &kid)
    }

    /// Every issuer with all of its keys.
    pub(crate) fn issuers(&self) -> Result<Vec<IssuerEntry>, RegisterError> {
        let mut issuers =
            self.all("SELECT issuer, name_zh, name_en FROM issuer ORDER BY issuer", [], |row| {
                let name = Words { zh: row.get(1)?, en: row.get(2)? };
                Ok(IssuerEntry { issuer: IssuerId::new(row.get(0)?), name, keys: Vec::new() })
            })?;
        for entry in &mut issuers {
            entry.keys = self.all(
                "SELECT kid, public_key, valid_from, status, retired_at FROM issuer_key
                 WHERE issuer = ?1 ORDER BY id",
                [entry.issuer.number()],
                |row| {
                    let retired: Option<i64> = row.get(4)?;
                    Ok(KeyEntry {
                        kid: row.get(0)?,
                        public_key: row.get(1)?,
                        valid_from: instant(row, 2)?,
                        status: meaning(row, 3, "a key's status")?,
                        retired_at: retired.map(|_| instant(row, 4)).transpose()?,
                    })
                },
            )?;
        }
        Ok(issuers)
    }

    /// What the statuses of every issuer mean.
    pub(crate) fn transcoding(&self) -> Result<Vec<TranscodingEntry>, RegisterError> {
        let issuers = self.all("SELECT issuer FROM issuer ORDER BY issuer", [], |row| {
            Ok(IssuerId::new(row.get(0)?))
        })?;
        let entries = issuers.into_iter().map(|issuer| {
            let statuses = self.statuses(issuer)?.into_iter();
            let statuses = statuses.map(|(local, normal)| (local.to_string(), normal)).collect();
            Ok(TranscodingEntry { issuer, statuses })
        });
        entries.collect()
    }

    /// What the statuses of one issuer mean.
    pub(crate) fn statuses(
        &self,
        issuer: IssuerId,
    ) -> Result<BTreeMap<u64, NormalStatus>, RegisterError> {
        let statuses = self.all(
            "SELECT local, normal FROM transcoding WHERE issuer = ?1",
            [issuer.number()],
            |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), meaning(row, 1, "a status")?)),
        )?;
        Ok(statuses.into_iter().collect())
    }

    fn has_issuer(&self, issuer: IssuerId) -> Result<bool, RegisterError> {
        let found =
            self.first("SELECT 1 FROM issuer WHERE issuer = ?1", [issuer.number()], |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn put_statuses(
        &self,
        issuer: IssuerId,
        statuses: &BTreeMap<u64, NormalStatus>,
    ) -> Result<(), RegisterError> {
        self.write("DELETE FROM transcoding WHERE issuer = ?1", [issuer.number()])?;
        for (local, normal) in statuses {
            self.write(
                "INSERT INTO transcoding (issuer, local, normal) VALUES (?1, ?2, ?3)",
                params![issuer.number(), local.cast_signed(), word(normal)],
            )?;
        }
        Ok(())
    }

    /// Gives a key another status, if it has one of those in `from`.
    fn mark_key(
        &self,
        issuer: IssuerId,
        key: KeyId,
        from: &[StatusEntry],
        to: StatusEntry,
        retired_at: Option<Timestamp>,
    ) -> Result<(), AuthorityError> {
        let kid = key.to_string();
        let status: Option<String> = self.first(
            "SELECT status FROM issuer_key WHERE issuer = ?1 AND kid = ?2",
            params![issuer.number(), kid],
            |row| Ok(row.get(0)?),
        )?;
        let status = status.ok_or(KeyError::Unknown { issuer, key })?;
        if !from.iter().any(|from| word(from) == status) {
            return Err(KeyError::Already { issuer, key, status }.into());
        }
        self.write(
            "UPDATE issuer_key SET status = ?3, retired_at = ?4 WHERE issuer = ?1 AND kid = ?2",
            params![issuer.number(), kid, word(to), retired_at.map(|at| at.timestamp())],
        )?;
        Ok(())
    }
}

/// 0 under review, 1 normal, 2 watch, 3 stop.
pub(crate) fn usual_statuses() -> BTreeMap<u64, NormalStatus> {
    (0..)
        .zip([NormalStatus::Review, NormalStatus::Normal, NormalStatus::Watch, NormalStatus::Stop])
        .collect()
}

/// A key cannot be given another status.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// Its status does not lead there.
    #[error("key {key} of issuer {issuer} is {status} already")]
    Already {
        /// The issuer.
        issuer: IssuerId,
        /// The key.
        key: KeyId,
        /// The status it has, as the key ring writes it.
        status: String,
    },

    /// The issuer has no such key.
    #[error("issuer {issuer} has no key {key}")]
    Unknown {
        /// The issuer.
        issuer: IssuerId,
        /// The key.
        key: KeyId,
    },
}
