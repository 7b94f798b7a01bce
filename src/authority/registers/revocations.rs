//! Codes that were revoked, and the lists of them that are published.

use std::{
    fs::{self, File},
    path::Path,
};

use rusqlite::params;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{Entries, RegisterError, instant};
use crate::{
    authority::{Authority, AuthorityError},
    clock::Timestamp,
    credential::CodeId,
    id_document::NumberText,
    issuer::IssuerId,
    revocation::{Change, DeltaFile, FileError, FileName, ListId, Month, Prefix, RevocationFile},
};

impl Authority {
    /// Revokes a code, from the next lists on that are published. A code that is revoked stays so.
    ///
    /// When it expires is what the registers say, or `expires` for a code that they do not have.
    ///
    /// # Errors
    ///
    /// [`RevocationError`].
    pub fn revoke(
        &mut self,
        issuer: IssuerId,
        code: &CodeId,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let expires = match (entries.expiry(issuer, code)?, expires) {
                (Some(known), Some(given)) if known.timestamp() != given.timestamp() => {
                    return Err(RevocationError::OtherExpiry { known }.into());
                }
                (None, None) => return Err(RevocationError::NoExpiry.into()),
                (Some(expires), _) | (None, Some(expires)) => expires,
            };
            if expires <= now {
                return Err(RevocationError::Expired { expires }.into());
            }
            Ok(entries.revoke(issuer, code, expires, now)?)
        })
    }

    /// Revokes every code of somebody that has not expired, and says how many those are.
    ///
    /// # Errors
    ///
    /// [`RevocationError::NoCode`].
    pub fn revoke_all(
        &mut self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<usize, AuthorityError> {
        self.registers.change(|entries| {
            let codes = entries.all(
                "SELECT issuer, code_id, expires FROM code WHERE number = ?1 AND expires > ?2",
                params![number.expose(), now.timestamp()],
                |row| {
                    let code = CodeId::new(row.get(1)?);
                    let code = code.ok_or(RegisterError::Content { what: "a code's name" })?;
                    Ok((IssuerId::new(row.get(0)?), code, instant(row, 2)?))
                },
            )?;
            if codes.is_empty() {
                return Err(RevocationError::NoCode.into());
            }
            for (issuer, code, expires) in &codes {
                entries.revoke(*issuer, code, *expires, now)?;
            }
            Ok(codes.len())
        })
    }

    /// Has a revoked code count again, from the next lists on that are published.
    ///
    /// # Errors
    ///
    /// [`RevocationError::NotRevoked`].
    pub fn reinstate(
        &mut self,
        issuer: IssuerId,
        code: &CodeId,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let reinstated = entries.write(
                "UPDATE revocation SET reinstated_at = ?3
                 WHERE issuer = ?1 AND code_id = ?2 AND reinstated_at IS NULL",
                params![issuer.number(), code.as_bytes(), now.timestamp()],
            )?;
            if reinstated == 0 { Err(RevocationError::NotRevoked.into()) } else { Ok(()) }
        })
    }

    /// Has every revoked code of somebody count again, and says how many those are.
    ///
    /// # Errors
    ///
    /// [`RevocationError::NotRevoked`].
    pub fn reinstate_all(
        &mut self,
        number: &NumberText,
        now: Timestamp,
    ) -> Result<usize, AuthorityError> {
        self.registers.change(|entries| {
            let reinstated = entries.write(
                "UPDATE revocation SET reinstated_at = ?2
                 WHERE reinstated_at IS NULL
                   AND (issuer, code_id) IN (SELECT issuer, code_id FROM code WHERE number = ?1)",
                params![number.expose(), now.timestamp()],
            )?;
            if reinstated == 0 { Err(RevocationError::NotRevoked.into()) } else { Ok(reinstated) }
        })
    }

    /// Writes the lists of revocations into the folder `out`, and beside each that has changed the
    /// change from the version before. Files of months gone by are removed from it.
    ///
    /// A list's version rises when what is in it changes. Each is taken down before it is written,
    /// so that a version is never another list a second time; cut short, it is done again whole.
    ///
    /// # Errors
    ///
    /// [`RevocationError::File`], [`AuthorityError::File`].
    pub fn publish_revocations(
        &mut self,
        out: &Path,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let failed = |source| AuthorityError::File { path: out.to_path_buf(), source };
        let lists = self.registers.change(|entries| Ok(entries.list_revocations(now)?))?;
        for Listed { list, version, change } in &lists {
            let entries = self.registers.entries().prefixes(*list, "listed = 1")?;
            write_list(out, *list, *version, &entries, change.as_ref())?;
        }
        for entry in fs::read_dir(out).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).map(str::parse);
            if let Some(Ok(FileName::List(list) | FileName::Delta { list, .. })) = name
                && list.month.is_gone_by(now)
            {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        File::open(out).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// A list that is published.
struct Listed {
    list: ListId,
    version: u64,
    /// From the version before, if there is one and it is another.
    change: Option<Change>,
}

impl Entries<'_> {
    /// When a code expires, if it was issued from the registers or revoked before.
    fn expiry(&self, issuer: IssuerId, code: &CodeId) -> Result<Option<Timestamp>, RegisterError> {
        self.first(
            "SELECT expires FROM code WHERE issuer = ?1 AND code_id = ?2
             UNION ALL SELECT expires FROM revocation WHERE issuer = ?1 AND code_id = ?2",
            params![issuer.number(), code.as_bytes()],
            |row| instant(row, 0),
        )
    }

    fn revoke(
        &self,
        issuer: IssuerId,
        code: &CodeId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        self.write(
            "INSERT INTO revocation (issuer, code_id, expires, month, revoked_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET revoked_at = excluded.revoked_at, reinstated_at = NULL
             WHERE reinstated_at IS NOT NULL",
            params![
                issuer.number(),
                code.as_bytes(),
                expires.timestamp(),
                Month::of(expires).number(),
                now.timestamp()
            ],
        )?;
        Ok(())
    }

    /// Takes down the next version of each list that has changed; all lists of months to come.
    fn list_revocations(&self, now: Timestamp) -> Result<Vec<Listed>, RegisterError> {
        let lists = self.all("SELECT DISTINCT issuer, month FROM revocation", [], |row| {
            let month = Month::from_number(row.get(1)?);
            let month = month.ok_or(RegisterError::Content { what: "a month" })?;
            Ok(ListId { issuer: IssuerId::new(row.get(0)?), month })
        })?;
        let lists = lists.into_iter().filter(|list| !list.month.is_gone_by(now));
        lists.map(|list| self.list(list)).collect()
    }

    fn list(&self, list: ListId) -> Result<Listed, RegisterError> {
        let key = params![list.issuer.number(), list.month.number()];
        let version: Option<i64> = self.first(
            "SELECT version FROM revocation_list WHERE issuer = ?1 AND month = ?2",
            key,
            |row| Ok(row.get(0)?),
        )?;
        let before = self.prefixes(list, "listed = 1")?;
        let after = self.prefixes(list, "reinstated_at IS NULL")?;
        let change = Change { added: without(&after, &before), removed: without(&before, &after) };
        let change = version.is_some().then_some(change);
        let change = change.filter(|change| *change != Change::default());
        let version = version.map_or(0, i64::cast_unsigned);
        if version != 0 && change.is_none() {
            return Ok(Listed { list, version, change });
        }
        self.write(
            "UPDATE revocation SET listed = (reinstated_at IS NULL)
             WHERE issuer = ?1 AND month = ?2",
            key,
        )?;
        self.write(
            "INSERT INTO revocation_list (issuer, month, version) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET version = version + 1",
            key,
        )?;
        Ok(Listed { list, version: version + 1, change })
    }

    /// The entries of one list for which `condition` holds, in their order.
    fn prefixes(&self, list: ListId, condition: &str) -> Result<Vec<Prefix>, RegisterError> {
        let mut prefixes = self.all(
            &format!(
                "SELECT code_id FROM revocation WHERE issuer = ?1 AND month = ?2 AND {condition}"
            ),
            params![list.issuer.number(), list.month.number()],
            |row| {
                let code = CodeId::new(row.get(0)?);
                let code = code.ok_or(RegisterError::Content { what: "a code's name" })?;
                Ok(Prefix::of(list.issuer, &code))
            },
        )?;
        prefixes.sort_unstable();
        prefixes.dedup();
        Ok(prefixes)
    }
}

/// Those of `these` that are not among the others. Both are in their order.
fn without(these: &[Prefix], others: &[Prefix]) -> Vec<Prefix> {
    let is_new = |entry: &&Prefix| others.binary_search(entry).is_err();
    these.iter().filter(is_new).copied().collect()
}

/// Puts a list where terminals look for it, and then what changed, each whole or not at all.
fn write_list(
    out: &Path,
    list: ListId,
    version: u64,
    entries: &[Prefix],
    change: Option<&Change>,
) -> Result<(), RevocationError> {
    let write = |name: &str, fill: &dyn Fn(&NamedTempFile) -> Result<(), FileError>| {
        let written = (|| {
            let file = NamedTempFile::new_in(out)?;
            fill(&file)?;
            file.persist(out.join(name)).map_err(|failure| failure.error)?;
            Ok(())
        })();
        written.map_err(|error| RevocationError::File { file: name.to_owned(), error })
    };
    let file_name = list.file_name();
    write(&file_name, &|file| {
        let file = file.as_file().try_clone()?;
        RevocationFile::write(file, list, version, entries.iter().copied().map(Ok)).map(drop)
    })?;
    if let Some(change) = change {
        let outcome = RevocationFile::open(&out.join(&file_name), list);
        let outcome = outcome.map_err(|error| RevocationError::File { file: file_name, error })?;
        write(&list.delta_name(version - 1, version), &|file| {
            DeltaFile::write(file.as_file(), version - 1, outcome.edition(), change)
        })?;
    }
    Ok(())
}

/// A code cannot be revoked, or cannot count again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// It has expired.
    #[error("the code expired at {expires}, and is good for nothing anyway")]
    Expired {
        /// When.
        expires: Timestamp,
    },

    /// A list cannot be written.
    #[error("{file}: {error}")]
    File {
        /// Its name.
        file: String,
        /// Why.
        error: FileError,
    },

    /// There is no code to revoke.
    #[error("this person has no code in the registers that has not expired")]
    NoCode,

    /// It is not known when the code expires.
    #[error("the registers do not have this code: say when it expires")]
    NoExpiry,

    /// It is not revoked.
    #[error("no such code is revoked")]
    NotRevoked,

    /// The code is known to expire at another time.
    #[error("the code expires at {known}, and not then")]
    OtherExpiry {
        /// When it does.
        known: Timestamp,
    },
}
