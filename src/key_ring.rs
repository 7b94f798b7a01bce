//! The key ring: the issuers that this terminal trusts, and their keys.
//!
//! A key is found by its issuer and its identifier together: the identifier alone never selects a
//! province. A ring holds no two keys of one issuer with one identifier, and every identifier is
//! that of its key. A small-order key can stand in a ring, since strict verification believes
//! nothing that is signed with one, so that it harms only its own issuer.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    document::{self, DocumentError},
    issuer::IssuerId,
    language::Words,
};

/// The first four bytes of a public key's SHA-256. Source: CODE-FORMAT.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// The identifier with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The identifier of `key`.
    #[must_use]
    pub fn of(key: &VerifyingKey) -> Self {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(key.as_bytes()));
        Self([a, b, c, d])
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// All issuers and their keys, as one signed document said at one time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRing {
    version: u64,
    issued: Timestamp,
    issuers: BTreeMap<IssuerId, Issuer>,
}

impl KeyRing {
    /// Reads `key-ring.json`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; its content is refused if an issuer or a key of one issuer stands twice,
    /// an identifier is not its key's, a key is no Ed25519 point, or a retired key has no date of
    /// retirement.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let KeyRingDocument { version, issued, issuers } = document::read(bytes)?;
        let mut ring = Self { version, issued, issuers: BTreeMap::new() };
        for IssuerEntry { issuer, name, keys } in issuers {
            let keys = parse_keys(keys)
                .map_err(|what| DocumentError::content(format!("issuer {issuer}: {what}")))?;
            if ring.issuers.insert(issuer, Issuer { name, keys }).is_some() {
                return Err(DocumentError::content(format!("issuer {issuer} stands twice")));
            }
        }
        Ok(ring)
    }

    /// The document's version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the document was issued.
    #[must_use]
    pub fn issued(&self) -> Timestamp {
        self.issued
    }

    /// Every issuer, in the order of their numbers.
    pub fn issuers(&self) -> impl Iterator<Item = (IssuerId, &Issuer)> {
        self.issuers.iter().map(|(id, issuer)| (*id, issuer))
    }

    /// The issuer with this number.
    #[must_use]
    pub fn issuer(&self, id: IssuerId) -> Option<&Issuer> {
        self.issuers.get(&id)
    }
}

/// One issuer in the ring.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    name: Words,
    keys: BTreeMap<KeyId, IssuerKey>,
}

impl Issuer {
    /// What the issuer is called.
    #[must_use]
    pub fn name(&self) -> &Words {
        &self.name
    }

    /// Every key, in the order of their identifiers.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, &IssuerKey)> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }

    /// The key with this identifier.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&IssuerKey> {
        self.keys.get(&id)
    }
}

/// One key of one issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuerKey {
    /// The public key.
    pub key: VerifyingKey,
    /// The first instant at which the issuer signed with it.
    pub valid_from: Timestamp,
    /// What has become of it.
    pub status: KeyStatus,
}

impl IssuerKey {
    /// Whether `signature` is this key's of `message`, by the strict rules of RFC 8032: no key and
    /// no commitment of small order, and no second encoding of anything.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// What has become of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyStatus {
    /// The issuer signs with it.
    Active,
    /// Someone else may sign with it: nothing it signed counts.
    Compromised,
    /// The issuer has stopped signing with it; what it signed before counts.
    Retired {
        /// The first instant at which the issuer no longer signed with it.
        at: Timestamp,
    },
    /// The series of codes it signed has been replaced by another.
    WithdrawnSeries,
}

impl KeyStatus {
    /// The name that the document uses.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Compromised => "compromised",
            Self::Retired { .. } => "retired",
            Self::WithdrawnSeries => "withdrawn_series",
        }
    }
}

/// The form of `key-ring.json`, for those who read it and for those who write it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRingDocument {
    pub(crate) version: u64,
    pub(crate) issued: Timestamp,
    pub(crate) issuers: Vec<IssuerEntry>,
}

/// One issuer in `key-ring.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerEntry {
    pub(crate) issuer: IssuerId,
    pub(crate) name: Words,
    pub(crate) keys: Vec<KeyEntry>,
}

/// One key in `key-ring.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyEntry {
    pub(crate) kid: String,
    pub(crate) public_key: String,
    pub(crate) valid_from: Timestamp,
    pub(crate) status: StatusEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retired_at: Option<Timestamp>,
}

impl KeyEntry {
    /// The entry of a key that its issuer signs with from `valid_from` on.
    pub(crate) fn active(key: &VerifyingKey, valid_from: Timestamp) -> Self {
        Self {
            kid: KeyId::of(key).to_string(),
            public_key: STANDARD.encode(key.as_bytes()),
            valid_from,
            status: StatusEntry::Active,
            retired_at: None,
        }
    }
}

/// The status of a key in `key-ring.json`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusEntry {
    Active,
    Compromised,
    Retired,
    WithdrawnSeries,
}

/// Reads the keys of one issuer; an error names the key.
fn parse_keys(entries: Vec<KeyEntry>) -> Result<BTreeMap<KeyId, IssuerKey>, String> {
    let mut keys = BTreeMap::new();
    for KeyEntry { kid, public_key, valid_from, status, retired_at } in entries {
        let bytes = STANDARD.decode(&public_key).ok().and_then(|bytes| bytes.try_into().ok());
        let key = bytes
            .and_then(|bytes: [u8; 32]| VerifyingKey::from_bytes(&bytes).ok())
            .ok_or_else(|| format!("key {kid} is not an Ed25519 public key in base64"))?;
        let id = KeyId::of(&key);
        if id.to_string() != kid {
            return Err(format!("key {kid} has the identifier {id}"));
        }
        let status = match (status, retired_at) {
            (StatusEntry::Active, None) => KeyStatus::Active,
            (StatusEntry::Compromised, _) => KeyStatus::Compromised,
            (StatusEntry::Retired, Some(at)) => KeyStatus::Retired { at },
            (StatusEntry::WithdrawnSeries, _) => KeyStatus::WithdrawnSeries,
            (StatusEntry::Active, Some(_)) => {
                return Err(format!("key {kid} is active and has retired_at"));
            }
            (StatusEntry::Retired, None) => {
                return Err(format!("key {kid} is retired and lacks retired_at"));
            }
        };
        if keys.insert(id, IssuerKey { key, valid_from, status }).is_some() {
            return Err(format!("key {kid} stands twice"));
        }
    }
    Ok(keys)
}
