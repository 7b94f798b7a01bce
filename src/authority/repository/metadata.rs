//! The four kinds of metadata of a TUF repository, and how they are signed.
//!
//! The form is that of The Update Framework, specification 1.0, sections 4.2 to 4.6: canonical
//! JSON, Ed25519, keys named by the SHA-256 of their canonical form. What is written to a file is
//! canonical throughout, so that the same metadata are always the same bytes.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use olpc_cjson::CanonicalFormatter;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{clock::Timestamp, update::Role};

/// The version of the specification that the metadata are written by.
const SPEC_VERSION: &str = "1.0.31";

/// Metadata with their signatures.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Signed<T> {
    signatures: Vec<Signature>,
    pub(super) signed: T,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Signature {
    keyid: String,
    sig: String,
}

impl<T: DeserializeOwned + Serialize> Signed<T> {
    /// Signs `signed` with each of `keys`.
    pub(super) fn new(signed: T, keys: &[SigningKey]) -> Self {
        let bytes = canonical(&signed);
        let mut signatures: Vec<_> = keys
            .iter()
            .map(|key| Signature { keyid: key_id(key), sig: hex(&key.sign(&bytes).to_bytes()) })
            .collect();
        signatures.sort_by(|one, other| one.keyid.cmp(&other.keyid));
        signatures.dedup_by(|one, other| one.keyid == other.keyid);
        Self { signatures, signed }
    }

    /// As a file has it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Reads what this program wrote.
    pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}

/// What the root role signs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Root {
    #[serde(rename = "_type")]
    kind: Role,
    consistent_snapshot: bool,
    expires: Timestamp,
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) roles: BTreeMap<Role, RoleKeys>,
    spec_version: String,
    pub(super) version: u64,
}

impl Root {
    pub(super) fn new(version: u64, expires: Timestamp) -> Self {
        Self {
            kind: Role::Root,
            consistent_snapshot: true,
            expires,
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            spec_version: SPEC_VERSION.to_owned(),
            version,
        }
    }

    /// Gives a role its keys, of which `threshold` must sign.
    pub(super) fn entrust(&mut self, role: Role, keys: &[Key], threshold: usize) {
        let keyids: Vec<_> = keys.iter().map(Key::id).collect();
        self.keys.extend(keyids.iter().cloned().zip(keys.iter().cloned()));
        self.roles.insert(role, RoleKeys { keyids, threshold });
    }

    /// The keys of a role.
    pub(super) fn keys_of(&self, role: Role) -> Vec<Key> {
        let keyids = self.roles.get(&role).map_or(&[][..], |keys| &keys.keyids);
        keyids.iter().filter_map(|id| self.keys.get(id)).cloned().collect()
    }
}

/// The keys of one role.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct RoleKeys {
    pub(super) keyids: Vec<String>,
    threshold: usize,
}

/// A public key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Key {
    keytype: String,
    keyval: KeyValue,
    scheme: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct KeyValue {
    public: String,
}

impl Key {
    pub(super) fn of(key: &SigningKey) -> Self {
        let public = hex(key.verifying_key().as_bytes());
        Self {
            keytype: "ed25519".to_owned(),
            keyval: KeyValue { public },
            scheme: "ed25519".to_owned(),
        }
    }

    /// The name that metadata have for it.
    pub(super) fn id(&self) -> String {
        sha256(&canonical(self))
    }
}

/// The name that metadata have for a private key's other half.
pub(super) fn key_id(key: &SigningKey) -> String {
    Key::of(key).id()
}

/// What the targets role signs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Targets {
    #[serde(rename = "_type")]
    kind: Role,
    pub(super) expires: Timestamp,
    spec_version: String,
    #[serde(rename = "targets")]
    pub(super) files: BTreeMap<String, Target>,
    pub(super) version: u64,
}

impl Targets {
    pub(super) fn new(files: BTreeMap<String, Target>, version: u64, expires: Timestamp) -> Self {
        let spec_version = SPEC_VERSION.to_owned();
        Self { kind: Role::Targets, expires, spec_version, files, version }
    }
}

/// A file that is published.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Target {
    pub(super) hashes: Hashes,
    pub(super) length: u64,
}

/// The digests of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Hashes {
    pub(super) sha256: String,
}

/// What the snapshot and the timestamp role sign: the version and digest of other metadata.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Pointer {
    #[serde(rename = "_type")]
    kind: Role,
    pub(super) expires: Timestamp,
    meta: BTreeMap<String, Meta>,
    spec_version: String,
    pub(super) version: u64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Meta {
    hashes: Hashes,
    length: usize,
    version: u64,
}

impl Pointer {
    /// What `kind` signs of the metadata of `of`, whose version and bytes are given.
    pub(super) fn new(
        kind: Role,
        (of, of_version, bytes): (Role, u64, &[u8]),
        version: u64,
        expires: Timestamp,
    ) -> Self {
        let hashes = Hashes { sha256: sha256(bytes) };
        let meta = Meta { hashes, length: bytes.len(), version: of_version };
        Self {
            kind,
            expires,
            meta: BTreeMap::from([(format!("{of}.json"), meta)]),
            spec_version: SPEC_VERSION.to_owned(),
            version,
        }
    }

    /// The version of the metadata of `of` that it points to.
    pub(super) fn version_of(&self, of: Role) -> Option<u64> {
        self.meta.get(&format!("{of}.json")).map(|meta| meta.version)
    }
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut bytes, CanonicalFormatter::new());
    value.serialize(&mut serializer).expect("metadata have text keys and whole numbers");
    bytes
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a `String` cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
