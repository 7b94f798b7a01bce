//! Why nothing was fetched: in the codes of this program, with what to do about it.
//!
//! Crate `tough` says what it found wrong in its own words; here they become those that an operator
//! can act on.

use std::{error::Error as _, io};

use thiserror::Error;
use tough::{TransportErrorKind, error::Error as ToughError, schema::RoleType};

use super::{transport::Failure, tuf::MAX_ROOTS, web::SettingError};
use crate::{
    clock::Timestamp,
    roster::RosterError,
    store::{InstallError, StoreError, UpdateError},
    trust::DocumentKind,
    update::{Metadata, Role},
};

/// Nothing was fetched.
#[derive(Debug, Error)]
#[error("{error}")]
pub struct Refusal {
    /// Why.
    pub error: Box<SyncError>,
    /// A newer root that was verified all the same.
    pub newer_root: Option<Metadata>,
}

impl From<SyncError> for Refusal {
    fn from(error: SyncError) -> Self {
        Self { error: Box::new(error), newer_root: None }
    }
}

/// A sync was refused, and what served before serves on.
///
/// Each says what was wrong and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Another sync is under way.
    #[error("another sync is under way: wait until it has ended, then sync again")]
    Busy,

    /// The clock is wrong.
    #[error("the clock shows {now}, which has long passed: set the clock, then sync again")]
    Clock {
        /// What it shows.
        now: Timestamp,
    },

    /// What the store trusts is not what it was.
    #[error("the {role} metadata that this terminal keeps are damaged: set the terminal up anew")]
    Damaged {
        /// Whose.
        role: Role,
    },

    /// The lists are installed, and the look-up extract is not.
    #[error("the lists are installed, and not the look-up extract: {0}; tell the authority")]
    Extract(#[from] RosterError),

    /// The source shows something too old to be told from a replay.
    #[error(
        "the {role} metadata expired{}: this copy is too old to be told from a replay; copy the \
         repository anew, have the authority sign it anew if this is its newest, and check this \
         terminal's clock",
        expires.map(|at| format!(" at {at}")).unwrap_or_default()
    )]
    Expired {
        /// Whose.
        role: Role,
        /// Since when, where that is known.
        expires: Option<Timestamp>,
    },

    /// A file of this machine cannot be read or written.
    #[error("cannot keep what was fetched: {source}; make room on this terminal, then sync again")]
    File {
        /// Why.
        #[from]
        source: io::Error,
    },

    /// A list is not there that must be.
    #[error(
        "the repository has no {}: tell the authority; the installed lists stay",
        kind.file_name()
    )]
    Incomplete {
        /// Which.
        kind: DocumentKind,
    },

    /// The files do not belong together.
    #[error(
        "{name} is not the one that the other files name: the copy is mixed from several, cut off, \
         or was changed while it was made; copy the whole repository anew"
    )]
    Inconsistent {
        /// The file.
        name: String,
    },

    /// The lists are signed, and cannot be installed.
    #[error("{0}; tell the authority; the installed lists stay")]
    Lists(InstallError),

    /// Metadata cannot be read.
    #[error("the {role} metadata are cut off or garbled: copy the whole repository anew")]
    Malformed {
        /// Whose.
        role: Role,
    },

    /// A file is not there.
    #[error(
        "{name} is not there: check that the address or the folder is that of the repository, and \
         that the whole of it was copied"
    )]
    Missing {
        /// The file.
        name: String,
    },

    /// There is no root to trust the source by.
    #[error("this terminal has no trusted root: give it one with `greengate provision --root`")]
    NoRoot,

    /// A file is longer than it may be.
    #[error(
        "{name} is longer than it may be: somebody else answers for the repository, or its copy is damaged; use another source"
    )]
    Oversize {
        /// The file.
        name: String,
    },

    /// The terminal trusts another root.
    #[error(
        "this terminal trusts a root already, version {version}: it follows that one, and to trust \
         another it must be set up anew"
    )]
    OtherRoot {
        /// The trusted root's version.
        version: u64,
    },

    /// The source shows something older than what is installed.
    #[error(
        "the {role} metadata have version {offered}, and {installed} is installed: this copy is \
         older than what the terminal knows; use a newer copy"
    )]
    Rollback {
        /// Whose.
        role: Role,
        /// The source's version.
        offered: u64,
        /// The installed version.
        installed: u64,
    },

    /// The way to the source cannot be followed.
    #[error("{0}: correct the setting, then sync again")]
    Setting(#[from] SettingError),

    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// A list is not what was signed.
    #[error("{name} is not what was signed: it was changed or cut off; use another copy")]
    Tampered {
        /// The file.
        name: String,
    },

    /// There are more new roots than anybody makes.
    #[error("there are more than {MAX_ROOTS} new roots: tell the authority")]
    TooManyRoots,

    /// Two texts are signed as the same version.
    #[error(
        "there are two {role} metadata of version {version}: tell the authority, since somebody \
         else may have its keys"
    )]
    TwoTexts {
        /// Whose.
        role: Role,
        /// The version of both.
        version: u64,
    },

    /// Something that was not thought of.
    #[error("the repository cannot be used: {what}; tell the authority")]
    Unforeseen {
        /// What.
        what: String,
    },

    /// The source is another authority's.
    #[error(
        "the repository is not signed by the root that this terminal trusts: it is another \
         authority's, or somebody pretends; check the source"
    )]
    UnknownRoot,

    /// A file cannot be fetched.
    #[error("cannot fetch {name}: {what}; check the connection or the medium, then sync again")]
    Unreachable {
        /// The file.
        name: String,
        /// Why.
        what: String,
    },

    /// Too few of the keys that count have signed.
    #[error(
        "the {role} metadata are not signed by the keys that count: use another copy, and tell the authority if that does not help"
    )]
    Unsigned {
        /// Whose.
        role: Role,
    },
}

impl SyncError {
    /// The stable code of this error: `Y1x` is about this terminal, `Y2x` about the files, `Y3x`
    /// about the way to them, `Y4x` about what the authority says.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoot => "Y10",
            Self::Clock { .. } => "Y11",
            Self::Damaged { .. } => "Y12",
            Self::Store(_) => "Y13",
            Self::File { .. } => "Y14",
            Self::OtherRoot { .. } => "Y15",
            Self::Busy => "Y16",
            Self::Expired { .. } => "Y20",
            Self::Rollback { .. } => "Y21",
            Self::Inconsistent { .. } => "Y22",
            Self::Tampered { .. } => "Y23",
            Self::Oversize { .. } => "Y24",
            Self::UnknownRoot => "Y25",
            Self::Unsigned { .. } => "Y26",
            Self::Malformed { .. } => "Y27",
            Self::TwoTexts { .. } => "Y28",
            Self::Incomplete { .. } => "Y40",
            Self::Lists(_) => "Y41",
            Self::TooManyRoots => "Y42",
            Self::Extract(_) => "Y43",
            Self::Unforeseen { .. } => "Y49",
            Self::Missing { .. } => "Y30",
            Self::Unreachable { .. } => "Y31",
            Self::Setting(_) => "Y32",
        }
    }
}

impl From<UpdateError> for SyncError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Lists(InstallError::Store(error)) | UpdateError::Store(error) => {
                Self::Store(error)
            }
            UpdateError::Lists(error) => Self::Lists(error),
            UpdateError::LowerVersion { role, version, installed } => {
                Self::Rollback { role, offered: version, installed }
            }
            UpdateError::NoRoot => Self::NoRoot,
            UpdateError::OtherRoot { version } => Self::OtherRoot { version },
            UpdateError::SameVersion { role, version } => Self::TwoTexts { role, version },
        }
    }
}

/// What `tough` found wrong.
pub(super) fn translate(error: ToughError, now: Timestamp) -> SyncError {
    match error {
        ToughError::ExpiredMetadata { role, .. } => {
            SyncError::Expired { role: our(role), expires: None }
        }
        ToughError::OlderMetadata { role, current_version, new_version, .. } => {
            let (offered, installed) = (new_version, current_version);
            SyncError::Rollback { role: our(role), offered, installed }
        }
        ToughError::OlderSnapshotInTimestamp { snapshot_new, snapshot_old, .. } => {
            let (offered, installed) = (snapshot_new, snapshot_old);
            SyncError::Rollback { role: Role::Snapshot, offered, installed }
        }
        ToughError::SnapshotRoleRollback { new_role_version, old_role_version, .. } => {
            let (offered, installed) = (new_role_version, old_role_version);
            SyncError::Rollback { role: Role::Targets, offered, installed }
        }
        ToughError::SnapshotRoleMissing { .. } => {
            SyncError::Inconsistent { name: "snapshot.json".to_owned() }
        }
        ToughError::VersionMismatch { role, .. } => {
            SyncError::Inconsistent { name: format!("{}.json", our(role)) }
        }
        ToughError::VerifyMetadata { role: RoleType::Root, .. } => SyncError::UnknownRoot,
        ToughError::VerifyMetadata { role, .. } => SyncError::Unsigned { role: our(role) },
        ToughError::ParseMetadata { role, .. } => SyncError::Malformed { role: our(role) },
        ToughError::TimestampMetaLength { .. } | ToughError::MissingSnapshotMeta { .. } => {
            SyncError::Malformed { role: Role::Timestamp }
        }
        ToughError::SnapshotTargetsMetaMissing { .. } | ToughError::MetaMissing { .. } => {
            SyncError::Malformed { role: Role::Snapshot }
        }
        ToughError::MaxUpdatesExceeded { .. } => SyncError::TooManyRoots,
        ToughError::ParseTrustedMetadata { .. } | ToughError::VerifyTrustedMetadata { .. } => {
            SyncError::Damaged { role: Role::Root }
        }
        ToughError::SystemTimeSteppedBackward { .. } => SyncError::Clock { now },
        ToughError::Transport { url, source, .. } => {
            let name = url.path_segments().and_then(Iterator::last).unwrap_or_default();
            refused(name, &source)
        }
        error => unforeseen(&error),
    }
}

pub(super) fn our(role: RoleType) -> Role {
    match role {
        RoleType::Root => Role::Root,
        RoleType::Snapshot => Role::Snapshot,
        RoleType::Targets | RoleType::DelegatedTargets => Role::Targets,
        RoleType::Timestamp => Role::Timestamp,
    }
}

/// Why a file was not fetched.
fn refused(name: &str, error: &tough::TransportError) -> SyncError {
    let name = name.to_owned();
    if error.kind() == TransportErrorKind::FileNotFound {
        return SyncError::Missing { name };
    }
    let cause = error.source();
    if let Some(failure) = cause.and_then(|cause| cause.downcast_ref::<Failure>()) {
        return failed(&name, failure);
    }
    match cause.and_then(|cause| cause.downcast_ref::<ToughError>()) {
        // Which of the two it is tells where to look: what the metadata name each other by, or
        // what they name the lists by.
        Some(ToughError::HashMismatch { .. }) if is_metadata(&name) => {
            SyncError::Inconsistent { name }
        }
        Some(ToughError::HashMismatch { .. }) => SyncError::Tampered { name },
        Some(ToughError::MaxSizeExceeded { .. }) => SyncError::Oversize { name },
        _ => SyncError::Unreachable { name, what: error.to_string() },
    }
}

/// Why a file was not brought.
pub(super) fn failed(name: &str, failure: &Failure) -> SyncError {
    let name = name.to_owned();
    match failure {
        Failure::Missing => SyncError::Missing { name },
        Failure::Oversize { .. } => SyncError::Oversize { name },
        Failure::File { .. } | Failure::Refused { .. } | Failure::Unreachable { .. } => {
            SyncError::Unreachable { name, what: failure.to_string() }
        }
    }
}

fn is_metadata(name: &str) -> bool {
    name.ends_with("snapshot.json") || name.ends_with("targets.json")
}

pub(super) fn unforeseen(error: &ToughError) -> SyncError {
    SyncError::Unforeseen { what: error.to_string() }
}
