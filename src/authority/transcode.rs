//! The transcoder: a province's code, converted into one of the national platform.

use thiserror::Error;

use super::{
    Authority, AuthorityError,
    compose::{lifetime, local_status, sign_and_remember},
    key_ring, new_code_id,
    registers::Entries,
    whole_seconds,
};
use crate::{
    clock::Timestamp,
    credential::{self, Claims, Credential, ParseError, VerifyError},
    issuer::IssuerId,
    key_ring::KeyRing,
    symbol::SymbolText,
};

impl Authority {
    /// Converts a province's code: the national platform says the same of the same holder, signs
    /// it, and names the province.
    ///
    /// The code is verified with the authority's own keys. What it is converted into expires when
    /// it would have; a document match is left out, since it is bound to the code it stood in.
    ///
    /// # Errors
    ///
    /// [`TranscodeError`]; [`StatusError`](super::StatusError) if the platform has no number for
    /// the status; [`AuthorityError::NoKey`] if it has no key.
    pub fn transcode(
        &mut self,
        code: &SymbolText,
        now: Timestamp,
    ) -> Result<SymbolText, AuthorityError> {
        let credential = Credential::parse(code).map_err(TranscodeError::from)?;
        let (keys, now) = (self.keys_folder(), whole_seconds(now));
        self.registers.change(|entries| {
            let ring = super::json(&key_ring(entries, 0, now)?);
            let ring = KeyRing::parse(&ring).map_err(|_| TranscodeError::KeyRing)?;
            let verified = credential::verify(credential, &ring).map_err(TranscodeError::from)?;
            let original = verified.claims();
            let claims = convert(entries, original, now)?;
            let number = entries.holder_of(original.issuer, &original.code_id)?;
            sign_and_remember(entries, &keys, &claims, number.as_ref())
        })
    }
}

/// What the national platform says instead.
fn convert(
    entries: &Entries<'_>,
    original: &Claims,
    now: Timestamp,
) -> Result<Claims, AuthorityError> {
    let Claims { issuer, issued, status, kind, .. } = *original;
    if !issuer.is_province() {
        return Err(TranscodeError::NotAProvince { issuer }.into());
    }
    if now < issued {
        return Err(TranscodeError::NotYetIssued { issued }.into());
    }
    // Converting must not make a code that is too old for its kind young again.
    let expires = original.expires.min(issued + lifetime(kind));
    if expires <= now {
        return Err(TranscodeError::Expired { expires }.into());
    }
    let normal = entries.statuses(issuer)?.get(&status).copied();
    let normal = normal.ok_or(TranscodeError::UnmappedStatus { issuer, status })?;
    Ok(Claims {
        issuer: IssuerId::NATIONAL,
        expires,
        issued: now,
        code_id: new_code_id()?,
        status: local_status(entries, IssuerId::NATIONAL, normal)?,
        document_match: None,
        origin: Some(issuer),
        ..original.clone()
    })
}

/// A code cannot be converted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TranscodeError {
    /// It is no longer valid.
    #[error("the code is valid no longer than to {expires}")]
    Expired {
        /// The first instant at which it is not.
        expires: Timestamp,
    },

    /// The authority's own keys make no key ring.
    #[error("the authority's keys make no key ring")]
    KeyRing,

    /// It is not a province's.
    #[error("issuer {issuer} is no province: only a province's code is converted")]
    NotAProvince {
        /// Its issuer.
        issuer: IssuerId,
    },

    /// It says that it will be issued.
    #[error("the code is issued at {issued}, which is to come")]
    NotYetIssued {
        /// When.
        issued: Timestamp,
    },

    /// It is no well-formed code.
    #[error("not a code: {0}")]
    Parse(#[from] ParseError),

    /// The transcoding table does not list its status.
    #[error("status {status} of issuer {issuer} has no normal meaning")]
    UnmappedStatus {
        /// Its issuer.
        issuer: IssuerId,
        /// The status, in the issuer's own numbering.
        status: u64,
    },

    /// Nobody who counts has signed it.
    #[error("the code is not believed: {0}")]
    Verify(#[from] VerifyError),
}
