//! How trusted lists arrive: by wire, or in a folder such as a USB stick.
//!
//! A terminal that has a trusted root takes what the root's keys have signed and nothing else:
//! [`sync()`] fetches it from an update repository, wherever that is, and the store replaces what is
//! there as a whole. A terminal without one reads the lists that stand side by side in a folder,
//! which nobody has signed: [`read_folder`].
//!
//! [`fetch_token`] asks the authority for what is written nowhere: the key of the desk's look-up
//! extract, over TLS on which the terminal shows a certificate of its own. [`send_registrations`] takes
//! sealed registrations back to it.
//!
//! Either way what arrives is bounded in size, [`Trust::parse`] checks it, and
//! [`store`](crate::store) decides whether it may replace what is there.

mod bundle;
mod changes;
mod landing;
mod progress;
mod refusal;
mod run;
mod sending;
mod token;
mod transport;
mod tuf;
mod web;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use thiserror::Error;

pub use self::{
    bundle::{Bundle, BundleError, read_bundle},
    progress::{NoProgress, Progress},
    refusal::{Refusal, SyncError},
    run::{Synced, sweep, sync, sync_telling},
    sending::{SendError, send_registrations},
    token::{TokenError, fetch_token},
    tuf::{Verified, read_root, verify},
    web::{SettingError, Source, Web},
};

use crate::{
    document::MAX_BYTES,
    revocation::{self, IntakeError, Revocations},
    trust::{DocumentKind, Trust, TrustError, TrustFiles},
};

/// Reads the lists that stand side by side in `folder`.
///
/// # Errors
///
/// [`ReadError`] names the file. The key ring must be there; the others may be absent.
pub fn read_folder(folder: &Path) -> Result<TrustFiles, ReadError> {
    let read = |kind: DocumentKind| {
        let path = folder.join(kind.file_name());
        match read_bounded(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReadError::File { path, source }),
        }
    };
    Ok(TrustFiles {
        key_ring: read(DocumentKind::KeyRing)?
            .ok_or_else(|| ReadError::NoKeyRing { folder: folder.to_path_buf() })?,
        recognition: read(DocumentKind::Recognition)?,
        risk_areas: read(DocumentKind::RiskAreas)?,
        policy: read(DocumentKind::Policy)?,
    })
}

/// Reads the lists that stand side by side in `folder`, and checks them.
///
/// # Errors
///
/// [`ReadError`] names the file.
pub fn read_trust(folder: &Path) -> Result<Trust, ReadError> {
    Ok(Trust::parse(&read_folder(folder)?)?)
}

/// Reads a file up to one byte more than a list may have, so that a longer one is seen as such.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A folder of lists cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A list of revocations cannot be used.
    #[error(transparent)]
    Intake(#[from] IntakeError),

    /// There is no key ring in the folder.
    #[error("there is no key-ring.json in {folder}")]
    NoKeyRing {
        /// The folder.
        folder: PathBuf,
    },

    /// A list cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Reads the lists of revocations that stand side by side in `folder`, each from end to end.
///
/// # Errors
///
/// [`ReadError`] names the file.
pub fn read_revocations(folder: &Path) -> Result<Revocations, ReadError> {
    Ok(revocation::read_folder(folder)?)
}
