//! What a terminal sends: registrations by hand, each sealed for the authority.

use thiserror::Error;

use super::web::{ErrandFailure, SettingError, Web};
use crate::{
    registration::{self, FOLDER},
    store::{Store, StoreError},
};

/// Sends the registrations that there are to the folder `registrations` below the address of `web`,
/// each by HTTP PUT under a name that tells nothing, and erases each here once the server has it.
/// Gives how many that were.
///
/// A server that takes none, such as one that has static files alone, leaves them here, for the next
/// sync or a stick.
///
/// # Errors
///
/// [`SendError`]; what was sent before is erased, and the rest stays.
pub fn send_registrations(store: &mut Store, web: &Web) -> Result<usize, SendError> {
    let registrations = store.registrations()?;
    let count = registrations.len();
    for (id, sealed) in registrations {
        let name = registration::file_name(&sealed);
        let name = name.ok_or(StoreError::Content { what: "registration" })?;
        web.leave(&format!("{FOLDER}/{name}"), &sealed)?;
        store.erase_registrations(id)?;
    }
    Ok(count)
}

/// Registrations were not sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// One side's certificate is not believed by the other.
    #[error("no trusted connection to the server: {what}; check the certificates and the clock")]
    Certificate {
        /// What was said.
        what: String,
    },

    /// The server takes none.
    #[error(
        "the server takes no registrations (it answers {status}): bring them on a stick, or tell the \
         authority"
    )]
    Refused {
        /// What it answers.
        status: u16,
    },

    /// The way to the server cannot be followed.
    #[error("{0}: correct the setting")]
    Setting(#[from] SettingError),

    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// The server cannot be reached.
    #[error("the server cannot be reached: {what}; the next sync sends them")]
    Unreachable {
        /// What happened.
        what: String,
    },
}

impl SendError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "Y70",
            Self::Unreachable { .. } => "Y71",
            Self::Certificate { .. } => "Y72",
            Self::Setting(_) => "Y73",
            Self::Store(_) => "Y74",
        }
    }
}

impl From<ErrandFailure> for SendError {
    fn from(failure: ErrandFailure) -> Self {
        match failure {
            ErrandFailure::Answer { status: 429 | 500 | 502..=599 }
            | ErrandFailure::NotTls
            | ErrandFailure::Oversize
            | ErrandFailure::Unreachable { .. } => Self::Unreachable { what: failure.to_string() },
            ErrandFailure::Answer { status } => Self::Refused { status },
            ErrandFailure::Setting(error) => Self::Setting(error),
            ErrandFailure::Tls { what } => Self::Certificate { what },
        }
    }
}
