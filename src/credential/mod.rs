//! Credentials: as presented, and as verified.
//!
//! A credential is a CBOR Web Token ([RFC 8392]) in a `COSE_Sign1` envelope ([RFC 9052]), written
//! as Base45 ([RFC 9285]) after the prefix `JKM1:`. [`Credential::parse`] takes one apart and
//! checks its form. [`verify`] checks that a trusted issuer signed it, with a key that it could
//! sign with then, and turns it into a [`VerifiedCredential`].
//!
//! Only a [`VerifiedCredential`] shows its claims. Until then they are private to this module, so
//! no screen, log, or rule can act on what nobody has vouched for:
//!
//! ```compile_fail,E0616
//! fn greet(unverified: &greengate::credential::Credential) -> &str {
//!     unverified.claims.name.as_str()
//! }
//! ```
//!
//! Verified means that the issuer said this, not that it is still true: dates, status, and rules
//! are judged in [`decision`](crate::decision), which knows the policy they are judged by. This
//! module does no I/O, keeps no state, and never asks the time.
//!
//! [RFC 8392]: https://www.rfc-editor.org/rfc/rfc8392
//! [RFC 9052]: https://www.rfc-editor.org/rfc/rfc9052
//! [RFC 9285]: https://www.rfc-editor.org/rfc/rfc9285

mod claims;
mod cwt;
mod digest;
mod document;
mod jkm1;
mod verify;

pub use claims::{
    Binding, Claims, CodeId, DocumentMatch, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult,
    NatSource, Relation, Travel, TravelLevel, Vaccination, Visit,
};
pub use digest::{CodeDigest, DigestKey};
pub use document::{IdMatch, MatchKey, MatchKeys};
pub use jkm1::{MAX_BYTES, MAX_TEXT, PREFIX, ParseError, WriteError, write};
pub use verify::{VerifyError, verify};

use coset::CoseSign1;

use crate::{issuer::IssuerId, key_ring::KeyId, language::Words, symbol::SymbolText};

/// A well-formed credential that nobody has vouched for.
#[must_use]
pub struct Credential {
    envelope: CoseSign1,
    key_id: KeyId,
    claims: Claims,
}

impl Credential {
    /// Takes a symbol's text apart and checks its form.
    ///
    /// A text is well formed exactly when writing what was read from it gives the same text again:
    /// a value in a longer form, a key that stands twice or in the wrong place, a byte too many, or
    /// a claim that nobody knows all come out otherwise.
    ///
    /// # Errors
    ///
    /// See [`ParseError`].
    pub fn parse(text: &SymbolText) -> Result<Self, ParseError> {
        jkm1::parse(text.as_str())
    }
}

/// A credential that a trusted issuer signed.
///
/// Holding one is the proof: [`verify`] is the only way to make it, and it has no public fields,
/// no `Default`, and no `Deserialize`. It is not `Clone` either: use it up in a decision.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub struct VerifiedCredential {
    claims: Claims,
    issuer_name: Words,
}

impl VerifiedCredential {
    /// What the issuer says of the holder.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The issuer whose key signed the credential.
    #[must_use]
    pub fn issuer(&self) -> IssuerId {
        self.claims.issuer
    }

    /// What the key ring calls the issuer.
    #[must_use]
    pub fn issuer_name(&self) -> &Words {
        &self.issuer_name
    }
}
