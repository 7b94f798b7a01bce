//! What an authority tells a new terminal, in one signed bundle: where it stands, and whom to trust.
//!
//! A bundle is a file that somebody brings once. It is signed by the targets key of the root that is
//! in it, so that who stands at the gate cannot change the place that policy goes by; a terminal that
//! follows a root already takes none that this root does not vouch for. It counts for a week, and
//! once: its token is taken down where it was used.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    language::Words,
    place::{Gate, Place},
};

/// The most bytes that a bundle may have. One with a root of six keys has 6 kB.
pub const MAX_BYTES: usize = 1 << 20;

/// How long a bundle counts, in seconds: a week, as long as records are kept, by which a second use
/// is noticed.
pub const COUNTS_FOR: i64 = 7 * 24 * 3600;

/// What is signed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provisioning {
    /// That it is this, and no other metadata.
    #[serde(rename = "_type")]
    pub kind: ProvisioningKind,
    /// Since when it counts.
    pub issued: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// What the authority calls the terminal.
    pub terminal: String,
    /// The kind of place that it stands at.
    pub place: Place,
    /// What the place is called.
    pub name: Words,
    /// The gate or lane within it.
    pub gate: String,
    /// 32 hexadecimal digits that no other bundle has.
    pub token: String,
    /// The root to follow, byte for byte.
    pub root: String,
    /// What registrations by hand are sealed to: 32 bytes of X25519, in base64. A bundle without
    /// one leaves the key that the terminal has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// The word that tells a bundle from the metadata that the same key signs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ProvisioningKind {
    /// `provisioning`.
    #[default]
    #[serde(rename = "provisioning")]
    Provisioning,
}

impl Provisioning {
    /// The bytes of the key that registrations are sealed to, if there is one.
    #[must_use]
    pub fn sealing_key(&self) -> Option<[u8; 32]> {
        let bytes = STANDARD.decode(self.sealing_key.as_ref()?).ok()?;
        bytes.try_into().ok()
    }

    /// Where the terminal stands from now on.
    #[must_use]
    pub fn gate(&self) -> Gate {
        Gate { place: self.place, name: self.name.clone(), gate: self.gate.clone() }
    }
}
