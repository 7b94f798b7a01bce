//! The issuing side: an authority's keys, the codes it signs, and the lists it publishes.
//!
//! An authority lives in a folder of its own: `authority.json` is its register, `keys/` holds one
//! file for each private key, readable by its owner alone. Without an issuing side a terminal could
//! be neither run nor tested; it is small, and it is real.

pub mod golden;
mod keys;
pub mod print;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::{
    clock::Timestamp,
    credential::{self, Claims, CodeId, WriteError},
    issuer::IssuerId,
    key_ring::{IssuerEntry, KeyEntry, KeyId, KeyRingDocument, StatusEntry},
    language::Words,
    policy::{LifetimeHours, NatAnchor, PolicyDocument, TimeZone, TrustAgeHours},
    recognition::{NormalStatus, RecognitionDocument, TranscodingEntry},
    risk_area::RiskAreas,
    symbol::SymbolText,
    trust::TrustFiles,
};

/// The register's file in an authority's folder.
const REGISTER: &str = "authority.json";

/// The folder of private keys in an authority's folder.
const KEYS: &str = "keys";

/// An authority and its folder.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    register: Register,
}

/// All that an authority remembers between two calls, but its private keys.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Register {
    /// The version of the lists published last; 0 if none has been.
    published: u64,
    issuers: Vec<IssuerRegister>,
}

/// One issuer in the register.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct IssuerRegister {
    issuer: IssuerId,
    name: Words,
    statuses: BTreeMap<String, NormalStatus>,
    keys: Vec<KeyEntry>,
}

impl Authority {
    /// Sets up an authority without issuers in `folder`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Exists`] if there is one already, [`AuthorityError::File`].
    pub fn init(folder: &Path) -> Result<Self, AuthorityError> {
        if folder.join(REGISTER).exists() {
            return Err(AuthorityError::Exists { folder: folder.to_path_buf() });
        }
        let keys = folder.join(KEYS);
        fs::create_dir_all(&keys).map_err(|source| AuthorityError::File { path: keys, source })?;
        let register = Register { published: 0, issuers: Vec::new() };
        let authority = Self { folder: folder.to_path_buf(), register };
        authority.save()?;
        Ok(authority)
    }

    /// Sets up an authority for a demonstration: every province and the national platform, each
    /// with one key that is valid from `now` on.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init) and [`new_key`](Self::new_key).
    pub fn init_demo(folder: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        let mut authority = Self::init(folder)?;
        for issuer in IssuerId::all() {
            authority.new_key(issuer, now)?;
        }
        Ok(authority)
    }

    /// Opens the authority in `folder`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::File`] and [`AuthorityError::Register`].
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(REGISTER);
        let bytes = fs::read(&path)
            .map_err(|source| AuthorityError::File { path: path.clone(), source })?;
        let register = serde_json::from_slice(&bytes)
            .map_err(|source| AuthorityError::Register { path, source })?;
        Ok(Self { folder: folder.to_path_buf(), register })
    }

    /// Makes a key for `issuer`, valid from `now` on, and has it sign from now on. An issuer that
    /// is new gets an entry, and the usual statuses: 0 under review, 1 normal, 2 watch, 3 stop.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::UnknownIssuer`] if the number is no issuer's, [`AuthorityError::File`].
    pub fn new_key(&mut self, issuer: IssuerId, now: Timestamp) -> Result<KeyId, AuthorityError> {
        let name = issuer.name().ok_or(AuthorityError::UnknownIssuer { issuer })?;
        let key = keys::generate(&self.folder.join(KEYS), issuer)?;
        let public = key.verifying_key();
        let valid_from = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        let entry = KeyEntry::active(&public, valid_from);
        match self.register.issuers.iter_mut().find(|known| known.issuer == issuer) {
            Some(known) => known.keys.push(entry),
            None => self.register.issuers.push(IssuerRegister {
                issuer,
                name,
                statuses: usual_statuses(),
                keys: vec![entry],
            }),
        }
        self.save()?;
        Ok(KeyId::of(&public))
    }

    /// Signs `claims` with the newest key of their issuer that is in use.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::NoKey`], [`AuthorityError::Claims`], or the key's file cannot be read.
    pub fn issue(&self, claims: &Claims) -> Result<SymbolText, AuthorityError> {
        Ok(credential::write(claims, &self.signing_key(claims.issuer)?)?)
    }

    /// The newest key of `issuer` that is in use.
    fn signing_key(&self, issuer: IssuerId) -> Result<SigningKey, AuthorityError> {
        let register = self.register.issuers.iter().find(|known| known.issuer == issuer);
        let newest = register.and_then(|register| {
            register.keys.iter().rev().find(|key| matches!(key.status, StatusEntry::Active))
        });
        let KeyEntry { kid, .. } = newest.ok_or(AuthorityError::NoKey { issuer })?;
        keys::load(&self.folder.join(KEYS), issuer, kid)
    }

    /// Makes the next version of the lists, issued at `now`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::File`] if the register cannot be saved; then nothing was published.
    pub fn publish(&mut self, now: Timestamp) -> Result<TrustFiles, AuthorityError> {
        let version = self.register.published.saturating_add(1);
        let issued = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        let issuers = &self.register.issuers;
        let key_ring = KeyRingDocument {
            version,
            issued,
            issuers: issuers
                .iter()
                .map(|IssuerRegister { issuer, name, keys, .. }| IssuerEntry {
                    issuer: *issuer,
                    name: name.clone(),
                    keys: keys.clone(),
                })
                .collect(),
        };
        let recognition = RecognitionDocument {
            version,
            issued,
            transcoding: issuers
                .iter()
                .map(|IssuerRegister { issuer, statuses, .. }| TranscodingEntry {
                    issuer: *issuer,
                    statuses: statuses.clone(),
                })
                .collect(),
            exceptions: Vec::new(),
            partners: Vec::new(),
        };
        let risk_areas = RiskAreas { version, issued, window_days: 14, areas: Vec::new() };
        let files = TrustFiles {
            key_ring: json(&key_ring),
            recognition: Some(json(&recognition)),
            risk_areas: Some(json(&risk_areas)),
            policy: Some(json(&usual_policy(version, issued))),
        };
        self.register.published = version;
        self.save()?;
        Ok(files)
    }

    /// Writes the next version of the lists side by side into the folder `out`.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`AuthorityError::File`] if one cannot be written.
    pub fn publish_to(&mut self, out: &Path, now: Timestamp) -> Result<TrustFiles, AuthorityError> {
        let files = self.publish(now)?;
        fs::create_dir_all(out)
            .map_err(|source| AuthorityError::File { path: out.to_path_buf(), source })?;
        for (kind, bytes) in files.present() {
            replace(&out.join(kind.file_name()), bytes)?;
        }
        Ok(files)
    }

    fn save(&self) -> Result<(), AuthorityError> {
        replace(&self.folder.join(REGISTER), &json(&self.register))
    }
}

/// A name for a new code: 12 random bytes, so that no two are alike.
///
/// # Errors
///
/// [`AuthorityError::Random`] if the system has no random numbers.
pub fn new_code_id() -> Result<CodeId, AuthorityError> {
    let mut bytes = vec![0; 12];
    getrandom::fill(&mut bytes).map_err(|_| AuthorityError::Random)?;
    CodeId::new(bytes).ok_or(AuthorityError::Random)
}

fn usual_statuses() -> BTreeMap<String, NormalStatus> {
    [NormalStatus::Review, NormalStatus::Normal, NormalStatus::Watch, NormalStatus::Stop]
        .into_iter()
        .enumerate()
        .map(|(local, normal)| (local.to_string(), normal))
        .collect()
}

/// A policy without rules, with the limits of REQUIREMENTS, section 3, and CODE-FORMAT.
fn usual_policy(version: u64, issued: Timestamp) -> PolicyDocument {
    PolicyDocument {
        name: "GREENGATE-BASE".to_owned(),
        version,
        issued,
        time_zone: TimeZone::Shanghai,
        nat_anchor: NatAnchor::Uploaded,
        trust_age_hours: TrustAgeHours { warn: 24, check_id: 48, refer: 168 },
        max_lifetime_hours: LifetimeHours { phone: 24, paper: 336 },
        repeat_window_seconds: 300,
        clock_tolerance_seconds: 120,
        rules: Vec::new(),
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .expect("the documents have text keys and no values that JSON lacks");
    bytes.push(b'\n');
    bytes
}

/// Puts `bytes` where `path` says, whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    let written = (|| {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    })();
    written.map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })
}

/// An authority cannot do what was asked of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The claims do not fit a code.
    #[error(transparent)]
    Claims(#[from] WriteError),

    /// There is an authority in the folder already.
    #[error("there is an authority in {folder} already")]
    Exists {
        /// The folder.
        folder: PathBuf,
    },

    /// A file cannot be read or written.
    #[error("cannot read or write {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A key's file does not hold that key.
    #[error("{path} does not hold the key it is named for")]
    ForeignKey {
        /// The file.
        path: PathBuf,
    },

    /// The issuer has no key in use.
    #[error("issuer {issuer} has no key in use: make one first")]
    NoKey {
        /// The issuer.
        issuer: IssuerId,
    },

    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,

    /// The register makes no sense.
    #[error("{path} is no register of an authority: {source}")]
    Register {
        /// The register's file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },

    /// The number is no issuer's.
    #[error("{issuer} is neither a province of GB/T 2260 nor 156, the national platform")]
    UnknownIssuer {
        /// The number.
        issuer: IssuerId,
    },
}
