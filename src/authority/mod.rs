//! The issuing side: an authority's keys, its registers, the codes it signs, and the lists it
//! publishes.
//!
//! An authority lives in a folder of its own: `authority.db` holds its registers, `keys/` one file
//! for each private key, and its owner alone can read either. Without an issuing side a terminal
//! could be neither run nor tested; it is small, and it is real.
//!
//! [`issue_for`](Authority::issue_for) composes a person's code from what the registers say of
//! them, [`transcode`](Authority::transcode) converts a province's code into the national
//! platform's, [`issue`](Authority::issue) signs whatever it is given,
//! [`extract`](Authority::extract) seals the codes of the people around a terminal for its desk, and
//! [`publish`](Authority::publish) makes the lists that terminals trust. [`repository`] is where
//! terminals fetch them from, signed and bound together, and [`serve`] shows it to a network.

mod compose;
mod extract;
pub mod golden;
mod keys;
mod person;
pub mod print;
mod registers;
mod registrations;
pub mod repository;
pub mod serve;
mod tokens;
mod transcode;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use tempfile::NamedTempFile;
use thiserror::Error;

pub use self::{
    compose::{StatusError, lifetime},
    extract::{County, Extract, ExtractError, ExtractOrder, Progress, WithoutCounty},
    person::{FullName, Health},
    registers::{
        BindingError, CommuterError, Enrolment, ExceptionError, Guardianship, KeyError,
        MedicalError, PartnerError, PersonError, PolicyError, RegisterError, RevocationError,
        RiskAreaError, Stage, Step, TerminalError, TravelError, TravelHistory,
    },
    registrations::RegistrationError,
    transcode::TranscodeError,
};

use self::registers::{Entries, Registers};
use crate::{
    clock::Timestamp,
    credential::{self, Claims, CodeId, WriteError},
    issuer::IssuerId,
    key_ring::KeyRingDocument,
    policy::{LifetimeHours, NatAnchor, PolicyDocument, TimeZone, TrustAgeHours},
    recognition::RecognitionDocument,
    risk_area::RiskAreas,
    roster::RosterError,
    symbol::SymbolText,
    trust::TrustFiles,
};

/// The folder of private keys in an authority's folder.
const KEYS: &str = "keys";

/// How many days before today a visit to a risk area counts. Source: REQUIREMENTS, R12.
const WINDOW_DAYS: u16 = 14;

/// An authority and its folder.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    registers: Registers,
}

impl Authority {
    /// Sets up an authority without issuers in `folder`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Exists`] if there is one already, [`AuthorityError::File`].
    pub fn init(folder: &Path) -> Result<Self, AuthorityError> {
        let keys = folder.join(KEYS);
        fs::create_dir_all(&keys).map_err(|source| AuthorityError::File { path: keys, source })?;
        Ok(Self { folder: folder.to_path_buf(), registers: Registers::create(folder)? })
    }

    /// Sets up an authority for a demonstration: every province and the national platform, each
    /// with one key that is valid from `now` on.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init) and [`new_key`](Self::new_key).
    pub fn init_demo(folder: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        let mut authority = Self::init(folder)?;
        let keys = authority.keys_folder();
        authority.registers.change(|entries| {
            IssuerId::all().try_for_each(|issuer| entries.new_key(&keys, issuer, now).map(drop))
        })?;
        Ok(authority)
    }

    /// Opens the authority in `folder`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Register`].
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        Ok(Self { folder: folder.to_path_buf(), registers: Registers::open(folder)? })
    }

    /// Signs `claims` with the newest key of their issuer that is in use. The registers are asked
    /// for nothing else, and do not remember the code.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::NoKey`], [`AuthorityError::Claims`], or the key's file cannot be read.
    pub fn issue(&self, claims: &Claims) -> Result<SymbolText, AuthorityError> {
        let key = self.registers.entries().signing_key(&self.keys_folder(), claims.issuer)?;
        Ok(credential::write(claims, &key)?)
    }

    /// Makes the next version of the lists, issued at `now`.
    ///
    /// The policy is the pack in force, byte for byte and with a version of its own; without one it
    /// is the usual policy, which has no rules.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Register`] if that cannot be kept; then nothing was published.
    pub fn publish(&mut self, now: Timestamp) -> Result<TrustFiles, AuthorityError> {
        let issued = whole_seconds(now);
        self.registers.change(|entries| {
            let version = entries.next_version()?;
            let recognition = RecognitionDocument {
                version,
                issued,
                transcoding: entries.transcoding()?,
                exceptions: entries.exceptions()?,
                partners: entries.partners()?,
            };
            let policy = if let Some(pack) = entries.policy()? {
                pack
            } else {
                entries.policy_published(issued)?;
                json(&usual_policy(version, issued))
            };
            Ok(TrustFiles {
                key_ring: json(&key_ring(entries, version, issued)?),
                recognition: Some(json(&recognition)),
                risk_areas: Some(json(&risk_areas(entries, version, issued)?)),
                policy: Some(policy),
            })
        })
    }

    /// Writes the next version of the lists side by side into the folder `out`, and the revocations.
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
        self.publish_revocations(out, now)?;
        Ok(files)
    }

    fn keys_folder(&self) -> PathBuf {
        self.folder.join(KEYS)
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

/// The ring of every issuer's keys.
fn key_ring(
    entries: &Entries<'_>,
    version: u64,
    issued: Timestamp,
) -> Result<KeyRingDocument, RegisterError> {
    Ok(KeyRingDocument { version, issued, issuers: entries.issuers()? })
}

/// The list of risk areas.
fn risk_areas(
    entries: &Entries<'_>,
    version: u64,
    issued: Timestamp,
) -> Result<RiskAreas, RegisterError> {
    Ok(RiskAreas { version, issued, window_days: WINDOW_DAYS, areas: entries.risk_areas()? })
}

/// The second that an instant lies in, since codes and lists are dated to the second.
fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(instant.timestamp(), 0).unwrap_or(instant)
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
    /// Two people cannot be bound so.
    #[error(transparent)]
    Binding(#[from] BindingError),

    /// The claims do not fit a code.
    #[error(transparent)]
    Claims(#[from] WriteError),

    /// The commuter register does not allow it.
    #[error(transparent)]
    Commuter(#[from] CommuterError),

    /// An exception cannot be filed.
    #[error(transparent)]
    Exception(#[from] ExceptionError),

    /// There is an authority in the folder already.
    #[error("there is an authority in {folder} already")]
    Exists {
        /// The folder.
        folder: PathBuf,
    },

    /// A look-up extract cannot be made, or is not there.
    #[error(transparent)]
    Extract(#[from] ExtractError),

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

    /// A key cannot be given another status.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// A test or a vaccination cannot be so.
    #[error(transparent)]
    Medical(#[from] MedicalError),

    /// The issuer has no key in use.
    #[error("issuer {issuer} has no key in use: make one first")]
    NoKey {
        /// The issuer.
        issuer: IssuerId,
    },

    /// A partner cannot be so.
    #[error(transparent)]
    Partner(#[from] PartnerError),

    /// A declaration does not allow it.
    #[error(transparent)]
    Person(#[from] PersonError),

    /// A policy pack cannot be put in force.
    #[error(transparent)]
    Policy(#[from] PolicyError),

    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,

    /// The registers cannot be used.
    #[error(transparent)]
    Register(#[from] RegisterError),

    /// A code cannot be revoked.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
    /// A repository cannot be published so.
    #[error(transparent)]
    Repository(#[from] repository::RepositoryError),

    /// The list of risk areas does not allow it.
    #[error(transparent)]
    RiskArea(#[from] RiskAreaError),

    /// A look-up extract cannot be written or read.
    #[error(transparent)]
    Roster(#[from] RosterError),

    /// A terminal cannot be put down, or is not there.
    #[error(transparent)]
    Terminal(#[from] TerminalError),

    /// An issuer has no number for a status.
    #[error(transparent)]
    Status(#[from] StatusError),

    /// A code cannot be converted.
    #[error(transparent)]
    Transcode(#[from] TranscodeError),

    /// Where somebody has been cannot be so.
    #[error(transparent)]
    Travel(#[from] TravelError),

    /// The number is no issuer's.
    #[error("{issuer} is neither a province of GB/T 2260 nor 156, the national platform")]
    UnknownIssuer {
        /// The number.
        issuer: IssuerId,
    },
}
