//! Today's tokens in a folder, for a web server that terminals ask for theirs.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::{Authority, AuthorityError, extract::ExtractError};
use crate::{
    clock::Timestamp,
    roster::{self, EpochToken},
};

impl Authority {
    /// Writes the token of each terminal whose extract counts into the folder `out`, for a web server
    /// that gives each to the terminal that shows its certificate, and to nobody else. Whose extract
    /// does not count has none there any more. Says whose there are, and until when each counts.
    ///
    /// The files are their owner's to write and their group's to read.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::File`], and as [`epoch_token`](Self::epoch_token).
    pub fn epoch_tokens_to(
        &self,
        out: &Path,
        now: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>, AuthorityError> {
        let failed = |source| AuthorityError::File { path: out.to_path_buf(), source };
        fs::create_dir_all(out).map_err(failed)?;
        let mut written = Vec::new();
        let mut names = BTreeSet::new();
        for (terminal, _) in self.terminals()? {
            let Some(name) = roster::token_name(&terminal) else { continue };
            let token = match self.epoch_token(&terminal, now) {
                Err(AuthorityError::Extract(ExtractError::NoExtract)) => continue,
                token => token?,
            };
            write_token(&out.join(&name), &token).map_err(failed)?;
            written.push((terminal, token.expires()));
            names.insert(name);
        }
        for entry in fs::read_dir(out).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_token = name.strip_prefix("token-").is_some_and(|rest| {
                let terminal = rest.strip_suffix(".json");
                terminal.and_then(roster::token_name).is_some()
            });
            if is_token && !names.contains(name) {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
        File::open(out).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(written)
    }
}

/// Puts a token in the place of the one before, whole or not at all.
fn write_token(path: &Path, token: &EpochToken) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    let readable = Permissions::from_mode(0o640);
    let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    file.write_all(&token.to_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
