//! Bundles: what a new terminal is told, signed by the targets role.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;

use super::{
    AuthorityError, Repository, Role,
    metadata::{Signed, hex},
    registrations, whole_seconds,
};
use crate::{
    clock::Timestamp,
    place::Gate,
    provisioning::{COUNTS_FOR, Provisioning, ProvisioningKind},
};

impl Repository {
    /// The bundle for a terminal that stands at `gate`. It counts for a week, and once.
    ///
    /// # Errors
    ///
    /// [`RepositoryError::NoRoot`](super::RepositoryError::NoRoot) before the first ceremony;
    /// [`AuthorityError::Random`]; [`AuthorityError::File`].
    pub fn bundle(
        &self,
        terminal: &str,
        gate: Gate,
        now: Timestamp,
    ) -> Result<Vec<u8>, AuthorityError> {
        let root = self.newest_root()?;
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| AuthorityError::Random)?;
        let Gate { place, name, gate } = gate;
        let issued = whole_seconds(now);
        let sealing_key = registrations::sealing_key(&self.keys)?;
        let provisioning = Provisioning {
            kind: ProvisioningKind::Provisioning,
            issued,
            expires: issued + TimeDelta::seconds(COUNTS_FOR),
            terminal: terminal.to_owned(),
            place,
            name,
            gate,
            token: hex(&token),
            root: String::from_utf8_lossy(&root.to_bytes()).into_owned(),
            sealing_key: Some(STANDARD.encode(sealing_key.as_bytes())),
        };
        let key = self.role_key(&root.signed, Role::Targets)?;
        Ok(Signed::new(provisioning, &[key]).to_bytes())
    }
}
