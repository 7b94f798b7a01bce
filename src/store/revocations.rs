//! Which lists of revocations count. The files themselves stand in a folder beside the store.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use super::{InstallError, Store, StoreError};
use crate::{
    clock::Timestamp,
    revocation::{Edition, FileName, Given, Intake, IntakeError, Revocations},
    trust::{Trust, TrustFiles},
};

impl Store {
    /// Does as [`install`](Self::install), together with the lists of revocations and the changes to
    /// them that stand in `folder`; those of months gone by, counted from when the lists were
    /// published, are deleted. This takes as long as copying and checking the files does, and
    /// another process judges by the sets it has in the meantime. What they replace is there until
    /// the next [`sweep`](Self::sweep).
    ///
    /// # Errors
    ///
    /// [`InstallError`], and nothing has changed.
    pub fn install_from(
        &mut self,
        files: &TrustFiles,
        folder: &Path,
        now: Timestamp,
    ) -> Result<(), InstallError> {
        let published = Trust::parse(files)?.published();
        let kept = self.revocations.as_deref().ok_or(IntakeError::NoFolder)?;
        let mut intake = Intake::begin(kept)?;
        intake.take_in(folder, Given::ToRead, &self.revocations()?, published)?;
        self.install_editions(files, intake.editions(), now)?;
        Ok(())
    }

    /// Removes the files of lists of revocations that are no longer accepted, but for those that
    /// somebody has open: a lane holds its own until it has seen that there are newer ones. Large
    /// ones take seconds, in which the disk is left to others.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; what is left over is swept the next time.
    pub fn sweep(&self) -> Result<(), InstallError> {
        let Some(kept) = self.revocations.as_deref().filter(|kept| kept.is_dir()) else {
            return Ok(());
        };
        let intake = Intake::begin(kept)?;
        Ok(intake.sweep(self.accepted()?)?)
    }

    /// Where lists of revocations are kept; nowhere, if the store is in memory.
    #[must_use]
    pub fn revocations_folder(&self) -> Option<&Path> {
        self.revocations.as_deref()
    }

    /// The lists of revocations that were accepted, opened.
    pub(super) fn revocations(&self) -> Result<Revocations, StoreError> {
        let Some(folder) = &self.revocations else { return Ok(Revocations::NONE) };
        loop {
            let accepted = self.accepted()?;
            let opened = Revocations::open_kept(folder, accepted.iter().copied());
            // An import may have taken a file away for a newer one after it was looked up.
            if opened.are_whole() || accepted == self.accepted()? {
                return Ok(opened);
            }
        }
    }

    /// The editions of the lists of revocations that were accepted.
    pub(super) fn accepted(&self) -> Result<Vec<Edition>, StoreError> {
        accepted(&self.connection)
    }
}

/// The editions of the lists of revocations that were accepted: among the documents, by the name of
/// each list's file, with its digest in the place of what is in it.
fn accepted(connection: &Connection) -> Result<Vec<Edition>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT file, version, bytes FROM document WHERE file LIKE 'revocations-%'",
    )?;
    let mut rows = query.query([])?;
    let mut accepted = Vec::new();
    while let Some(row) = rows.next()? {
        let (file, version, digest): (String, i64, [u8; 32]) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let Ok(FileName::List(list)) = file.parse() else {
            return Err(StoreError::Content { what: "name of a list of revocations" });
        };
        accepted.push(Edition { list, version: version.cast_unsigned(), digest });
    }
    Ok(accepted)
}

/// Takes down that these editions were accepted, and forgets those of months that had gone by when
/// the lists were `published`: the clock alone cannot take a revocation away.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    editions: &[Edition],
    published: Timestamp,
    now: Timestamp,
) -> Result<(), InstallError> {
    let before = accepted(transaction)?;
    for edition @ Edition { list, version, digest } in editions {
        let before = before.iter().find(|before| before.list == *list);
        before.map_or(Ok(()), |before| edition.replaces(*before))?;
        let written = transaction.execute(
            "INSERT OR REPLACE INTO document (file, version, issued, installed, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                list.file_name(),
                version.cast_signed(),
                published.timestamp(),
                now.timestamp(),
                digest
            ],
        );
        written.map_err(StoreError::from)?;
    }
    for Edition { list, .. } in before {
        if list.month.is_gone_by(published) {
            let file = list.file_name();
            let deleted = transaction.execute("DELETE FROM document WHERE file = ?1", [file]);
            deleted.map_err(StoreError::from)?;
        }
    }
    Ok(())
}
