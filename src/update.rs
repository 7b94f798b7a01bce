//! The words that both sides of the update repository share: its roles, and what one of them signed.
//!
//! Who publishes and who fetches never name each other; what they agree on is the form of
//! [The Update Framework], specification 1.0, and these words of it.
//!
//! [The Update Framework]: https://theupdateframework.github.io/specification/latest/

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the roles that every repository has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Says which keys the roles have.
    Root,
    /// Says which metadata belong together.
    Snapshot,
    /// Says which files there are.
    Targets,
    /// Says which snapshot is the newest.
    Timestamp,
}

impl Role {
    /// The roles whose keys are at hand when something is published.
    pub const ONLINE: [Self; 3] = [Self::Targets, Self::Snapshot, Self::Timestamp];

    /// The word for it, as metadata have it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// What one role signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// Its version.
    pub version: u64,
    /// Byte for byte.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_word() {
        for role in [Role::Root, Role::Snapshot, Role::Targets, Role::Timestamp] {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
    }
}
