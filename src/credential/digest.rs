//! A code's digest: how a terminal knows a code again without keeping it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::VerifiedCredential;
use crate::{id_document::DocumentNumber, symbol::SymbolText};

/// The digest of what was shown, under a terminal's own key.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct CodeDigest([u8; 32]);

impl CodeDigest {
    /// The digest with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CodeDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// The key under which a terminal makes its digests. It is never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// The key with these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest of a code: of its issuer and its identifier, so that one code has one digest
    /// however its text is written.
    #[must_use]
    pub fn of(&self, credential: &VerifiedCredential) -> CodeDigest {
        let claims = credential.claims();
        let issuer = claims.issuer.number().to_be_bytes();
        self.digest([b"code".as_slice(), &issuer, claims.code_id.as_bytes()])
    }

    /// The digest of texts that are no code, or none that is verified; nothing, if there is none.
    #[must_use]
    pub fn of_texts(&self, texts: &[SymbolText]) -> Option<CodeDigest> {
        let parts = texts.iter().map(|text| text.as_str().as_bytes());
        (!texts.is_empty()).then(|| self.digest([b"text".as_slice()].into_iter().chain(parts)))
    }

    /// The digest of a document's kind and number, by which a look-up is known again and the number
    /// is not kept.
    #[must_use]
    pub fn of_document(&self, number: &DocumentNumber) -> CodeDigest {
        let kind = [number.kind().type_byte()];
        self.digest([b"document".as_slice(), &kind, number.text().expose().as_bytes()])
    }

    /// The digest of parts, each behind its length.
    fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> CodeDigest {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        CodeDigest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DigestKey(..)")
    }
}
