//! The record of a decision: what is kept of it, and what is not.
//!
//! A record says when, where, and what was decided, by which rules, about which code, the code only
//! as a keyed digest. No name, no number of a document, and no text of a code is in it, so none can
//! be in a log, an export, or a stolen disk. The record is written before the result is shown.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    clock::Timestamp,
    credential::{Kind, VerifiedCredential},
    decision::{Basis, Decision, Reason, Verdict},
    issuer::IssuerId,
    symbol::Reading,
};

/// One decision, as it is kept. Source: REQUIREMENTS, section 6.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditRecord {
    /// When it was made.
    pub at: Timestamp,
    /// The answer.
    pub verdict: Verdict,
    /// Why, for every answer but a pass.
    pub reason: Option<Reason>,
    /// What the code was shown on, if it was verified.
    pub kind: Option<Kind>,
    /// Who issued the code, if it was verified.
    pub issuer: Option<IssuerId>,
    /// The policy it was made by, if there was one.
    pub policy_version: Option<u64>,
    /// What was shown, known again only by who holds the terminal's key; nothing, if nothing could
    /// be read.
    pub digest: Option<CodeDigest>,
}

impl AuditRecord {
    /// The record of `decision` about `reading`, made at `now` on `basis`.
    #[must_use]
    pub fn of(
        decision: &Decision,
        reading: &Reading,
        basis: &Basis,
        key: &DigestKey,
        now: Timestamp,
    ) -> Self {
        let claims = decision.credential().map(VerifiedCredential::claims);
        let policy = basis.trust.as_ref().and_then(|trust| trust.policy.as_ref());
        Self {
            at: now,
            verdict: decision.verdict(),
            reason: decision.reason(),
            kind: claims.map(|claims| claims.kind),
            issuer: claims.map(|claims| claims.issuer),
            policy_version: policy.map(|policy| policy.version),
            digest: key.digest(reading),
        }
    }
}

/// The digest of what was shown, under a terminal's own key.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CodeDigest([u8; 32]);

impl CodeDigest {
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

    /// The digest of all texts in `reading`, each behind its length; nothing, if there is none.
    fn digest(&self, reading: &Reading) -> Option<CodeDigest> {
        if reading.texts.is_empty() {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for text in &reading.texts {
            let text = text.as_str().as_bytes();
            mac.update(&u64::try_from(text.len()).ok()?.to_be_bytes());
            mac.update(text);
        }
        Some(CodeDigest(mac.finalize().into_bytes().into()))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DigestKey(..)")
    }
}
