//! `greengate trust`: bring in the lists that this terminal trusts, and show them.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use greengate::{
    clock::{self, Anchor, Timestamp},
    decision::Basis,
    key_ring::{Issuer, KeyStatus},
    policy::TrustAge,
    presentation,
    revocation::Edition,
    store::{InstallError, Store},
    sync,
};
use serde_json::json;

use crate::{Failure, judging::write_json, open_store};

/// Bring in or show what this terminal trusts.
#[derive(Args, Debug)]
pub(crate) struct Trust {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the lists in a folder and install them, all or none.
    ///
    /// A list that is older than the installed one is refused, and so are all of them if this
    /// terminal has a trusted root: nobody has signed them. Lists of revocations are checked from
    /// end to end, which takes a second for some tens of millions of codes. Exit status: 0 installed, 1 the
    /// lists cannot be used, 70 the terminal's state cannot be.
    Import {
        /// The folder that holds key-ring.json and the other lists.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Read every list of revocations that is kept from end to end.
    ///
    /// Exit status: 0 each is as it was accepted, 70 one is not; its codes may be referred.
    Check,
    /// Print the issuers, their keys, and the versions and ages of the lists.
    Show {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl Trust {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let mut store = open_store(state)?;
        let now = clock::now();
        match &self.command {
            Command::Import { folder } => {
                // Before the folder is read: it may hold a repository, which is no folder of lists.
                if store.trusted().map_err(Failure::state)?.is_some() {
                    return Err(Failure::input(InstallError::Unsigned));
                }
                let files = sync::read_folder(folder).map_err(Failure::input)?;
                store.install_from(&files, folder, now).map_err(Failure::input)?;
                anchor(&mut store, now)?;
                let basis = store.load_basis().map_err(Failure::state)?;
                let status = show_versions(&basis, now, out);
                drop(basis);
                // Whatever cannot be removed is in nobody's way.
                sync::sweep(&store, now).ok();
                status
            }
            Command::Check => {
                let basis = store.load_basis().map_err(Failure::state)?;
                let mut status = 0;
                for (list, error) in basis.revocations.verify() {
                    writeln!(out, "{}: {error}", list.file_name())?;
                    status = Failure::STATE;
                }
                Ok(status)
            }
            Command::Show { json } => {
                let basis = store.load_basis().map_err(Failure::state)?;
                if *json {
                    return show_json(&basis, now, out);
                }
                show_versions(&basis, now, out)?;
                show_issuers(&basis, out)
            }
        }
    }
}

/// Takes the clock for right if lists that were just installed are as new as it says: they bear the
/// publisher's time.
pub(crate) fn anchor(store: &mut Store, now: Timestamp) -> Result<(), Failure> {
    let basis = store.load_basis()?;
    let policy = basis.trust.as_ref().and_then(|trust| Some((trust, trust.policy.as_ref()?)));
    let Some((trust, policy)) = policy else { return Ok(()) };
    let is_close = policy.trust_age(trust.published(), now) != TrustAge::PastLimit;
    if let Some(up) = clock::uptime().filter(|_| is_close && !basis.floor.is_above(now)) {
        store.set_anchor(&Anchor { at: now, up })?;
    }
    Ok(())
}

/// Prints a line for each list.
pub(crate) fn show_versions(
    basis: &Basis,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<u8, Failure> {
    let Some(trust) = &basis.trust else {
        writeln!(out, "not provisioned: everybody is referred [E73]")?;
        return Ok(0);
    };
    for (kind, version, issued) in trust.versions() {
        let (file, age) = (kind.file_name(), presentation::age(now - issued).en);
        writeln!(out, "{file} version {version}, issued {issued}, {age} ago")?;
    }
    if trust.policy.is_none() {
        writeln!(out, "no policy.json: everybody is referred [E73]")?;
    }
    for (Edition { list, version, .. }, count) in basis.revocations.lists() {
        let (file, month) = (list.file_name(), list.month);
        match count {
            Some(1) => writeln!(out, "{file} version {version}, 1 code revoked")?,
            Some(count) => writeln!(out, "{file} version {version}, {count} codes revoked")?,
            None => writeln!(
                out,
                "{file} version {version} cannot be read: codes of issuer {} that expire in {month} \
                 are referred [E73]",
                list.issuer
            )?,
        }
    }
    Ok(0)
}

fn show_issuers(basis: &Basis, out: &mut impl Write) -> Result<u8, Failure> {
    for (id, issuer) in basis.trust.iter().flat_map(|trust| trust.key_ring.issuers()) {
        writeln!(out, "issuer {id} {} {}", issuer.name().zh, issuer.name().en)?;
        for (kid, key) in issuer.keys() {
            write!(out, "  key {kid} {} valid from {}", key.status.code(), key.valid_from)?;
            match key.status {
                KeyStatus::Retired { at } => writeln!(out, ", retired {at}")?,
                KeyStatus::Active | KeyStatus::Compromised | KeyStatus::WithdrawnSeries => {
                    writeln!(out)?;
                }
            }
        }
    }
    Ok(0)
}

fn show_json(basis: &Basis, now: Timestamp, out: &mut impl Write) -> Result<u8, Failure> {
    let keys = |issuer: &Issuer| -> Vec<_> {
        issuer
            .keys()
            .map(|(kid, key)| {
                let retired_at = match key.status {
                    KeyStatus::Retired { at } => Some(at),
                    KeyStatus::Active | KeyStatus::Compromised | KeyStatus::WithdrawnSeries => None,
                };
                json!({
                    "kid": kid.to_string(), "status": key.status.code(),
                    "valid_from": key.valid_from, "retired_at": retired_at,
                })
            })
            .collect()
    };
    let trust = basis.trust.as_ref();
    let documents: Vec<_> = trust
        .iter()
        .flat_map(|trust| trust.versions())
        .map(|(kind, version, issued)| {
            let age_seconds = (now - issued).num_seconds();
            json!({
                "file": kind.file_name(), "version": version, "issued": issued,
                "age_seconds": age_seconds,
            })
        })
        .collect();
    let issuers: Vec<_> = trust
        .iter()
        .flat_map(|trust| trust.key_ring.issuers())
        .map(|(id, issuer)| json!({"issuer": id, "name": issuer.name(), "keys": keys(issuer)}))
        .collect();
    let revocations: Vec<_> = basis
        .revocations
        .lists()
        .map(|(Edition { list, version, .. }, count)| {
            json!({
                "issuer": list.issuer, "month": list.month.to_string(), "version": version,
                "count": count,
            })
        })
        .collect();
    let provisioned = trust.is_some();
    write_json(
        out,
        &json!({
            "provisioned": provisioned, "documents": documents, "issuers": issuers,
            "revocations": revocations,
        }),
    )?;
    Ok(0)
}
