//! From credential to verified credential.

use thiserror::Error;

use super::{Credential, VerifiedCredential, jkm1};
use crate::{
    clock::Timestamp,
    key_ring::{KeyRing, KeyStatus},
};

/// Verifies `credential` with the keys in `key_ring`.
///
/// The checks run in this order, and the first to fail is reported:
///
/// 1. the key it names is in the ring under its own issuer, and was in use when it was issued;
/// 2. the key is not compromised, and its series of codes not withdrawn;
/// 3. the signature is the key's, by the strict rules that leave no second valid encoding;
/// 4. it was issued before the key was retired.
///
/// No key but the one named is tried.
///
/// # Errors
///
/// See [`VerifyError`]. A failure says nothing of the holder: the claims are dropped with the
/// credential.
pub fn verify(
    credential: Credential,
    key_ring: &KeyRing,
) -> Result<VerifiedCredential, VerifyError> {
    let Credential { envelope, key_id, claims } = credential;
    let issuer = key_ring.issuer(claims.issuer).ok_or(VerifyError::UnknownKey)?;
    let key = issuer.key(key_id).ok_or(VerifyError::UnknownKey)?;
    if claims.issued < key.valid_from {
        return Err(VerifyError::UnknownKey);
    }
    match key.status {
        KeyStatus::Active | KeyStatus::Retired { .. } => {}
        KeyStatus::Compromised => return Err(VerifyError::CompromisedKey),
        KeyStatus::WithdrawnSeries => return Err(VerifyError::WithdrawnSeries),
    }

    envelope.verify_signature(jkm1::EXTERNAL_AAD, |signature, message| {
        if key.has_signed(message, signature) { Ok(()) } else { Err(VerifyError::BadSignature) }
    })?;

    match key.status {
        KeyStatus::Retired { at } if claims.issued >= at => {
            Err(VerifyError::RetiredKey { retired: at })
        }
        _ => Ok(VerifiedCredential { claims, issuer_name: issuer.name().clone() }),
    }
}

/// A credential is well formed, and nobody who counts has signed it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature is not the named key's.
    #[error("signature does not match")]
    BadSignature,

    /// Somebody else may hold the key.
    #[error("issuer key is compromised")]
    CompromisedKey,

    /// The key was no longer the issuer's when the code was issued.
    #[error("issuer key was retired at {retired}")]
    RetiredKey {
        /// The first instant at which it no longer was.
        retired: Timestamp,
    },

    /// The ring has no such key under this issuer, or the code is older than the key.
    #[error("issuer key is not known to this terminal")]
    UnknownKey,

    /// The series of codes has been replaced by another.
    #[error("code series is withdrawn")]
    WithdrawnSeries,
}
