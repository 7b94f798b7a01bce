//! The native code, `JKM1:`, text and envelope.
//!
//! What stands here is said of the text and of the `COSE_Sign1` envelope in it; the claims inside
//! are read and written by [`cwt`](super::cwt).

use coset::{
    CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, TaggedCborSerializable,
    iana,
};
use ed25519_dalek::{Signer, SigningKey};
use thiserror::Error;

use super::{Claims, Credential, cwt};
use crate::{key_ring::KeyId, symbol::SymbolText};

/// What each code begins with. A new meaning gets a new prefix.
pub const PREFIX: &str = "JKM1:";

/// The most characters of a text, prefix and all. Source: CODE-FORMAT.
pub const MAX_TEXT: usize = 800;

/// The most bytes of an envelope. Source: CODE-FORMAT.
pub const MAX_BYTES: usize = 512;

/// What is signed beside the envelope, so that a signature made for another purpose never counts.
pub(super) const EXTERNAL_AAD: &[u8] = b"JKM1";

/// The bytes of an Ed25519 signature. Source: RFC 8032, section 5.1.6.
const SIGNATURE_LENGTH: usize = 64;

/// Takes a text apart and checks its form.
pub(super) fn parse(text: &str) -> Result<Credential, ParseError> {
    let body = text.strip_prefix(PREFIX).ok_or(ParseError::ForeignSymbol)?;
    if text.len() > MAX_TEXT {
        return Err(ParseError::TooLong);
    }
    let bytes = base45::decode(body).map_err(|_| ParseError::NotBase45)?;
    if bytes.len() > MAX_BYTES {
        return Err(ParseError::TooLong);
    }
    let envelope = CoseSign1::from_tagged_slice(&bytes).map_err(|_| ParseError::NotCoseSign1)?;
    let key_id = envelope.protected.header.key_id.as_slice().try_into();
    let key_id = KeyId::new(key_id.map_err(|_| ParseError::Header)?);
    let algorithm = match &envelope.protected.header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(
            algorithm @ (iana::Algorithm::Ed25519 | iana::Algorithm::EdDSA),
        )) => *algorithm,
        _ => return Err(ParseError::Header),
    };
    if envelope.signature.len() != SIGNATURE_LENGTH {
        return Err(ParseError::NotCoseSign1);
    }
    let claims = cwt::read(envelope.payload.as_deref().ok_or(ParseError::NotCoseSign1)?)?;

    let again = unsigned(&claims, key_id, algorithm)
        .ok()
        .and_then(|again| encode(again.signature(envelope.signature.clone()).build()));
    if again.as_deref() != Some(text) {
        return Err(ParseError::NotDeterministic);
    }
    Ok(Credential { envelope, key_id, claims })
}

/// Writes the code that says `claims`, signed with `key`.
///
/// # Errors
///
/// [`WriteError`] names a claim that the code's form cannot say: an instant before 1970, between
/// two seconds, or after the code was issued; nine visits; or all of them, if together they are too
/// long.
pub fn write(claims: &Claims, key: &SigningKey) -> Result<SymbolText, WriteError> {
    let key_id = KeyId::of(&key.verifying_key());
    let envelope = unsigned(claims, key_id, iana::Algorithm::Ed25519)?
        .create_signature(EXTERNAL_AAD, |message| key.sign(message).to_bytes().to_vec())
        .build();
    let text = encode(envelope).and_then(|text| SymbolText::new(text).ok());
    let text = text.ok_or(WriteError { claim: "all" })?;
    match parse(text.as_str()) {
        Ok(_) => Ok(text),
        Err(ParseError::Claim { claim }) => Err(WriteError { claim }),
        Err(_) => Err(WriteError { claim: "all" }),
    }
}

/// An envelope that lacks nothing but its signature.
fn unsigned(
    claims: &Claims,
    key_id: KeyId,
    algorithm: iana::Algorithm,
) -> Result<CoseSign1Builder, WriteError> {
    let header = HeaderBuilder::new().algorithm(algorithm).key_id(key_id.bytes().to_vec()).build();
    Ok(CoseSign1Builder::new().protected(header).payload(cwt::write(claims)?))
}

/// The text of an envelope.
fn encode(envelope: CoseSign1) -> Option<String> {
    let bytes = envelope.to_tagged_vec().ok()?;
    Some(format!("{PREFIX}{}", base45::encode(bytes)))
}

/// Claims cannot be written as a code.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a code cannot say this of: {claim}")]
pub struct WriteError {
    /// Which claim.
    pub claim: &'static str,
}

/// A text is no well-formed code.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// A claim is missing or not of its form.
    #[error("claim is missing or malformed: {claim}")]
    Claim {
        /// Which.
        claim: &'static str,
    },

    /// It expires when it is issued, or before.
    #[error("code ends before it begins")]
    EndsBeforeItBegins,

    /// It does not begin as a health code does.
    #[error("not a health code")]
    ForeignSymbol,

    /// The protected header does not say Ed25519 and a key of four bytes.
    #[error("header does not name a key")]
    Header,

    /// What follows the prefix is not Base45.
    #[error("text is not Base45")]
    NotBase45,

    /// The bytes are not a tagged `COSE_Sign1` of its four parts.
    #[error("no signed envelope")]
    NotCoseSign1,

    /// Something could be written in more than one way, and is not in the one that counts.
    #[error("code is not in its only form")]
    NotDeterministic,

    /// There is more than a code may have.
    #[error("code is too long")]
    TooLong,

    /// There is a claim that this form of code does not have.
    #[error("code has an unknown claim")]
    UnknownClaim,
}
