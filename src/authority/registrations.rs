//! Registrations by hand, which terminals seal and only the authority opens.

use std::path::Path;

use thiserror::Error;

use super::{Authority, AuthorityError, keys};
use crate::registration::{OpenError, OpeningKey, Registration, SealingKey};

/// The file of the key that opens registrations, among the authority's own: 32 random bytes, as in
/// every other.
const KEY_FILE: &str = "registration.key";

impl Authority {
    /// Opens a registration that a terminal of this authority's has sealed.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn open_registration(&self, sealed: &[u8]) -> Result<Registration, RegistrationError> {
        let key = keys::read(&self.keys_folder().join(KEY_FILE))?;
        Ok(OpeningKey::new(key.to_bytes()).open(sealed)?)
    }
}

/// What terminals seal registrations to; made now, if there is no such key in `folder`.
pub(super) fn sealing_key(folder: &Path) -> Result<SealingKey, AuthorityError> {
    let path = folder.join(KEY_FILE);
    let key = if path.exists() { keys::read(&path)? } else { keys::make(|_| path.clone())? };
    let public = OpeningKey::new(key.to_bytes()).sealing_key();
    public.map_err(|_| AuthorityError::ForeignKey { path })
}

/// A registration cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The key cannot be read.
    #[error(transparent)]
    Authority(#[from] AuthorityError),

    /// It is none, or not for this authority.
    #[error(transparent)]
    Open(#[from] OpenError),
}
