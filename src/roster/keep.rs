//! Where a terminal has its extract: one file in its folder of state, the newest epoch's.
//!
//! What arrives is checked from end to end before it takes the place of the one before, whole or not
//! at all. A file that is open stays readable until it is closed, so that a look-up under way ends as
//! it began; whoever holds one opens it anew after a sync. What nobody holds is removed in pieces.
//!
//! What is erased is unlinked and not written over: flash writes elsewhere, so that would promise
//! what it cannot keep. What makes an old epoch worthless is that its key is gone.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{Roster, RosterError, file_name};
use crate::{bulk, clock::Timestamp};

/// What every file begins with that belongs here.
const PREFIX: &str = "roster-";

/// The name of the one before, until it is swept.
const REPLACED: &str = "roster-replaced";

/// Where an extract arrives in the folder `kept`; a rename brings it to its place.
#[must_use]
pub fn arrival(kept: &Path) -> PathBuf {
    kept.join("roster-arriving")
}

/// Puts the extract at `arrived` in the place of the one in the folder `kept`, which the next
/// [`sweep`] erases. Both are on one file system, as [`arrival`] is.
///
/// One that is there already stays, unless it is damaged.
///
/// # Errors
///
/// [`RosterError::OlderEpoch`], [`RosterError::Expired`], and what is wrong with the file: then
/// nothing is changed, and `arrived` is still there.
pub fn install(
    arrived: &Path,
    kept: &Path,
    terminal: &str,
    now: Timestamp,
) -> Result<Roster, RosterError> {
    let path = place(kept, terminal)?;
    let roster = Roster::open(arrived, terminal)?;
    if now >= roster.expires() {
        return Err(RosterError::Expired { expires: roster.expires() });
    }
    if let Ok(kept) = Roster::open(&path, terminal)
        && kept.epoch() > roster.epoch()
    {
        return Err(RosterError::OlderEpoch { epoch: roster.epoch(), kept: kept.epoch() });
    }
    roster.verify()?;
    File::open(arrived)?.sync_all()?;
    // Under another name it can be swept in pieces.
    match fs::hard_link(&path, kept.join(REPLACED)) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
            return Err(error.into());
        }
        _ => {}
    }
    fs::rename(arrived, &path)?;
    File::open(kept)?.sync_all()?;
    Ok(roster)
}

/// The extract that is kept, if there is one.
///
/// # Errors
///
/// What is wrong with the file.
pub fn open(kept: &Path, terminal: &str) -> Result<Option<Roster>, RosterError> {
    match Roster::open(&place(kept, terminal)?, terminal) {
        Ok(roster) => Ok(Some(roster)),
        Err(RosterError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Erases the terminal's extract if it has expired, and whatever else of this kind is in the folder
/// `kept`: that of the terminal's name before, or what arrived and was never installed.
///
/// # Errors
///
/// [`RosterError::Io`]; what is left over is erased the next time.
pub fn sweep(kept: &Path, terminal: &str, now: Timestamp) -> Result<(), RosterError> {
    let own = place(kept, terminal)?;
    for entry in fs::read_dir(kept)? {
        let path = entry?.path();
        let is_ours = path.file_name().and_then(|name| name.to_str());
        if !is_ours.is_some_and(|name| name.starts_with(PREFIX)) || !path.is_file() {
            continue;
        }
        // What cannot be read may be only for now: it tells on itself when it is asked.
        let counts = path == own
            && Roster::open(&path, terminal).map_or(true, |roster| now < roster.expires());
        if !counts {
            erase(&path)?;
        }
    }
    Ok(File::open(kept)?.sync_all()?)
}

/// Removes a file, at once if it must be.
fn erase(path: &Path) -> io::Result<()> {
    if bulk::remove(path)? { Ok(()) } else { fs::remove_file(path) }
}

fn place(kept: &Path, terminal: &str) -> Result<PathBuf, RosterError> {
    Ok(kept.join(file_name(terminal).ok_or(RosterError::TerminalName)?))
}
