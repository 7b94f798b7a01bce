//! All that a terminal trusts, as one set: the four signed lists side by side.
//!
//! A set is read whole or not at all. Only the key ring must be there; what is absent is known to
//! be absent, and [`decision`](crate::decision) refers whoever would have been judged by it.

use thiserror::Error;

use crate::{
    clock::Timestamp, document::DocumentError, key_ring::KeyRing, policy::Policy,
    recognition::Recognition, risk_area::RiskAreas,
};

/// One of the lists.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum DocumentKind {
    /// The issuers and their keys.
    KeyRing,
    /// What their codes mean, and where they do not count.
    Recognition,
    /// Where the risk is medium or high.
    RiskAreas,
    /// The rules of the place.
    Policy,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::KeyRing, Self::Recognition, Self::RiskAreas, Self::Policy];

    /// The name of the file that holds it.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::KeyRing => "key-ring.json",
            Self::Recognition => "recognition.json",
            Self::RiskAreas => "risk-areas.json",
            Self::Policy => "policy.json",
        }
    }
}

/// The lists as they were signed, byte for byte.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustFiles {
    /// `key-ring.json`.
    pub key_ring: Vec<u8>,
    /// `recognition.json`.
    pub recognition: Option<Vec<u8>>,
    /// `risk-areas.json`.
    pub risk_areas: Option<Vec<u8>>,
    /// `policy.json`.
    pub policy: Option<Vec<u8>>,
}

impl TrustFiles {
    /// The files that are there.
    pub fn present(&self) -> impl Iterator<Item = (DocumentKind, &[u8])> {
        DocumentKind::ALL.into_iter().filter_map(|kind| {
            let bytes = match kind {
                DocumentKind::KeyRing => Some(&self.key_ring),
                DocumentKind::Recognition => self.recognition.as_ref(),
                DocumentKind::RiskAreas => self.risk_areas.as_ref(),
                DocumentKind::Policy => self.policy.as_ref(),
            };
            bytes.map(|bytes| (kind, bytes.as_slice()))
        })
    }
}

/// The lists as the terminal uses them.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// The issuers and their keys.
    pub key_ring: KeyRing,
    /// What their codes mean, and where they do not count.
    pub recognition: Option<Recognition>,
    /// Where the risk is medium or high.
    pub risk_areas: Option<RiskAreas>,
    /// The rules of the place.
    pub policy: Option<Policy>,
}

impl Trust {
    /// Reads a whole set.
    ///
    /// # Errors
    ///
    /// [`TrustError`], which names the first file that cannot be used.
    pub fn parse(files: &TrustFiles) -> Result<Self, TrustError> {
        fn optional<T>(
            kind: DocumentKind,
            bytes: Option<&Vec<u8>>,
            parse: impl Fn(&[u8]) -> Result<T, DocumentError>,
        ) -> Result<Option<T>, TrustError> {
            bytes.map(|bytes| parse(bytes)).transpose().map_err(|error| TrustError { kind, error })
        }

        let kind = DocumentKind::KeyRing;
        Ok(Self {
            key_ring: KeyRing::parse(&files.key_ring)
                .map_err(|error| TrustError { kind, error })?,
            recognition: optional(
                DocumentKind::Recognition,
                files.recognition.as_ref(),
                Recognition::parse,
            )?,
            risk_areas: optional(
                DocumentKind::RiskAreas,
                files.risk_areas.as_ref(),
                RiskAreas::parse,
            )?,
            policy: optional(DocumentKind::Policy, files.policy.as_ref(), Policy::parse)?,
        })
    }

    /// The version of each list that is there, and when it was issued.
    pub fn versions(&self) -> impl Iterator<Item = (DocumentKind, u64, Timestamp)> {
        let Self { key_ring, recognition, risk_areas, policy } = self;
        [
            Some((DocumentKind::KeyRing, key_ring.version(), key_ring.issued())),
            recognition
                .as_ref()
                .map(|list| (DocumentKind::Recognition, list.version(), list.issued())),
            risk_areas.as_ref().map(|list| (DocumentKind::RiskAreas, list.version, list.issued)),
            policy.as_ref().map(|list| (DocumentKind::Policy, list.version, list.issued)),
        ]
        .into_iter()
        .flatten()
    }

    /// When the publisher last published anything of this set: what its age is counted from.
    #[must_use]
    pub fn published(&self) -> Timestamp {
        self.versions().map(|(_, _, issued)| issued).fold(self.key_ring.issued(), Timestamp::max)
    }
}

/// One file of a set cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{}: {error}", kind.file_name())]
pub struct TrustError {
    /// Which.
    pub kind: DocumentKind,
    /// Why.
    pub error: DocumentError,
}
