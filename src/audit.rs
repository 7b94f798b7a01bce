//! The record of a decision: what is kept of it, and what is not.
//!
//! A record says when, where, and what was decided, by which rules, about which code, the code only
//! as a keyed digest. No name, no number of a document, and no text of a code is in it, so none can
//! be in a log, an export, or a stolen disk. The record is written before the result is shown.

use crate::{
    clock::Timestamp,
    credential::{CodeDigest, DigestKey, Kind, VerifiedCredential},
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
            digest: match decision.credential() {
                Some(credential) => Some(key.of(credential)),
                None => key.of_texts(&reading.texts),
            },
        }
    }
}
