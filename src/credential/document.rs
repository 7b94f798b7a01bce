//! Whether an identity document is the holder's of a code.
//!
//! A code has the last four characters of its holder's document, and may have a keyed digest of all
//! of it (CODE-FORMAT, claim 4). With the key of that digest's epoch a machine can tell that the
//! document is the one; without it only that its end is the same, and the face is for staff to
//! compare.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{CodeId, DocumentMatch, IdTail, VerifiedCredential};
use crate::{id_document::DocumentNumber, locked::Locked};

/// How a document and a code agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum IdMatch {
    /// The whole number is the holder's.
    Match,
    /// The document is another person's.
    Mismatch,
    /// The last four characters are the holder's, and nothing more could be compared: staff look at
    /// the name and the face.
    TailOnly,
}

impl VerifiedCredential {
    /// Compares a document's number, read from the card or typed, with the holder's.
    ///
    /// The ends are compared first. Where they agree and the code says more, under a key that is
    /// among `keys`, that decides.
    pub fn compare(&self, number: &DocumentNumber, keys: &MatchKeys) -> IdMatch {
        let claims = self.claims();
        let by_tail = self.compare_tail(&IdTail::of(number.text()));
        match (by_tail, &claims.document_match) {
            (IdMatch::TailOnly, Some(expected)) => match keys.of_epoch(expected.epoch) {
                Some(key) if key.of(&claims.code_id, number) == *expected => IdMatch::Match,
                Some(_) => IdMatch::Mismatch,
                None => IdMatch::TailOnly,
            },
            (by_tail, _) => by_tail,
        }
    }

    /// Compares the last characters of a document's number, as somebody typed them.
    pub fn compare_tail(&self, tail: &IdTail) -> IdMatch {
        if self.claims().id_tail.as_str().eq_ignore_ascii_case(tail.as_str()) {
            IdMatch::TailOnly
        } else {
            IdMatch::Mismatch
        }
    }
}

/// The key under which documents are compared in one epoch: in locked memory, since it tells which
/// of a few thousand numbers somebody's is. It is never shown.
pub struct MatchKey {
    epoch: u64,
    key: Locked,
}

impl MatchKey {
    /// The key of `epoch`, which must be random.
    #[must_use]
    pub fn new(epoch: u64, key: Locked) -> Self {
        Self { epoch, key }
    }

    /// Its epoch, as codes name it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The key, for whoever hands it to terminals: never for a log or an error.
    #[must_use]
    pub fn expose(&self) -> &[u8; Locked::LEN] {
        self.key.expose()
    }

    /// What a code of this name says of a document. Source: CODE-FORMAT, "document match".
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    #[must_use]
    pub fn of(&self, code_id: &CodeId, number: &DocumentNumber) -> DocumentMatch {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose())
            .expect("HMAC takes a key of any length");
        mac.update(code_id.as_bytes());
        mac.update(&[number.kind().type_byte()]);
        mac.update(number.text().expose().as_bytes());
        let mut digest = [0; 8];
        for (short, whole) in digest.iter_mut().zip(mac.finalize().into_bytes()) {
            *short = whole;
        }
        DocumentMatch { epoch: self.epoch, digest }
    }
}

impl fmt::Debug for MatchKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MatchKey({}, ..)", self.epoch)
    }
}

/// The keys that a terminal has to compare documents by; it may have none.
#[derive(Debug, Default)]
pub struct MatchKeys(Vec<MatchKey>);

impl MatchKeys {
    /// No keys: documents are compared by their ends.
    pub const NONE: Self = Self(Vec::new());

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &MatchKey> {
        self.0.iter()
    }

    fn of_epoch(&self, epoch: u64) -> Option<&MatchKey> {
        self.0.iter().find(|key| key.epoch == epoch)
    }
}

impl FromIterator<MatchKey> for MatchKeys {
    fn from_iter<T: IntoIterator<Item = MatchKey>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}
