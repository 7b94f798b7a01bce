//! Bundles by which a terminal is provisioned: read, and verified by the root that vouches for them.

use std::num::NonZeroU64;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tough::schema::{self, RoleType, Signed};

use super::tuf::read_root;
use crate::{
    clock::{FLOOR_TOLERANCE, Timestamp},
    provisioning::{COUNTS_FOR, MAX_BYTES, Provisioning},
    update::Metadata,
};

/// A provisioning that a root vouches for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    /// What it says.
    pub provisioning: Provisioning,
    /// The root in it, which is for a terminal that has none.
    pub root: Metadata,
}

/// Reads a bundle, and verifies it by the root that the terminal follows, or if it has none by the
/// bundle's own, which whoever brings it vouches for.
///
/// # Errors
///
/// [`BundleError`].
pub fn read_bundle(
    bytes: &[u8],
    followed: Option<&Metadata>,
    now: Timestamp,
) -> Result<Bundle, BundleError> {
    if bytes.len() > MAX_BYTES {
        return Err(BundleError::Malformed);
    }
    let signed: Signed<Statement> =
        serde_json::from_slice(bytes).map_err(|_| BundleError::Malformed)?;
    let root = read_root(signed.signed.0.root.clone().into_bytes());
    let root = root.map_err(|_| BundleError::Malformed)?;
    let trusted = followed.unwrap_or(&root);
    let keys: Signed<schema::Root> =
        serde_json::from_slice(&trusted.bytes).map_err(|_| BundleError::Malformed)?;
    if keys.signed.verify_role(&signed).is_err() {
        return Err(match followed {
            Some(_) => BundleError::NotVouchedFor,
            None => BundleError::Unsigned,
        });
    }
    let provisioning = signed.signed.0;
    let Provisioning { issued, expires, .. } = provisioning;
    let is_token =
        |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_no_key = provisioning.sealing_key.is_some() && provisioning.sealing_key().is_none();
    if expires - issued > TimeDelta::seconds(COUNTS_FOR)
        || !is_token(&provisioning.token)
        || is_no_key
    {
        return Err(BundleError::Malformed);
    }
    if now < issued - FLOOR_TOLERANCE {
        return Err(BundleError::Clock { now, issued });
    }
    if now >= expires {
        return Err(BundleError::Expired { expires });
    }
    Ok(Bundle { provisioning, root })
}

/// A provisioning as crate `tough` verifies it: signed by the targets role.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
struct Statement(Provisioning);

impl schema::Role for Statement {
    const TYPE: RoleType = RoleType::Targets;

    fn expires(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.0.expires.timestamp()).unwrap_or_default()
    }

    fn version(&self) -> NonZeroU64 {
        NonZeroU64::MIN
    }

    fn filename(&self, _: bool) -> String {
        "provisioning.json".to_owned()
    }
}

/// A bundle cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BundleError {
    /// It is of later than now.
    #[error(
        "the clock shows {now}, and the bundle was made at {issued}: set the clock, then provision \
         again"
    )]
    Clock {
        /// What the clock shows.
        now: Timestamp,
        /// When the bundle was made.
        issued: Timestamp,
    },

    /// It counts no more.
    #[error("the bundle counted until {expires}: have the authority make another")]
    Expired {
        /// Until when it counted.
        expires: Timestamp,
    },

    /// It is no bundle, or was changed so that it is none.
    #[error("this is no bundle, or it was cut off: copy it anew")]
    Malformed,

    /// The root that the terminal follows does not vouch for it.
    #[error(
        "the root that this terminal follows does not vouch for the bundle: it is another \
         authority's, was altered, or that has new keys, which a sync brings"
    )]
    NotVouchedFor,

    /// It is not signed as its own root wants.
    #[error("the bundle is not signed by the keys that it names: it was altered; copy it anew")]
    Unsigned,
}

impl BundleError {
    /// The code by which it is told apart.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Clock { .. } => "Y50",
            Self::Expired { .. } => "Y51",
            Self::Malformed => "Y52",
            Self::NotVouchedFor => "Y53",
            Self::Unsigned => "Y54",
        }
    }
}
