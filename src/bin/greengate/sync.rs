//! `greengate sync`: fetch what the authority has published.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use greengate::{
    audit::Event,
    clock,
    sync::{self, Source, SyncError, Synced, Web},
};

use crate::{
    Failure, open_store,
    trust::{anchor, show_versions},
};

/// Fetch what the authority has published, verify it, and install it, all or nothing.
///
/// Exit status: 0 installed, or nothing was new; 1 refused, and what served before serves on; 70 the
/// terminal's state cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Sync {
    #[command(flatten)]
    source: SourceArgument,

    /// Go through this proxy instead of the one that `HTTPS_PROXY` or `HTTP_PROXY` names.
    #[arg(long, value_name = "URL", env = "GREENGATE_PROXY", conflicts_with = "from")]
    proxy: Option<String>,

    /// Know the server by the certificates in this PEM file, and by no others.
    #[arg(long, value_name = "FILE", env = "GREENGATE_CA", conflicts_with = "from")]
    ca: Option<PathBuf>,

    /// Take at most this many kilobytes a second.
    #[arg(long, value_name = "KB", conflicts_with = "from")]
    limit_rate: Option<u64>,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct SourceArgument {
    /// The address of the repository.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The folder that holds the repository, such as a USB stick.
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
}

impl Sync {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let source = match (&self.source.url, &self.source.from) {
            (Some(url), _) => Source::Web(
                Web::new(url)
                    .map_err(|error| refused(&error.into()))?
                    .with_proxy(self.proxy.clone())
                    .with_certificates(self.ca.clone())
                    .with_bytes_per_second(self.limit_rate.map(|rate| rate.saturating_mul(1000))),
            ),
            (None, Some(path)) => Source::Folder(path.clone()),
            (None, None) => return Err(Failure::input("give --url or --from")),
        };
        let mut store = open_store(state)?;
        let now = clock::now();
        match sync::sync(&mut store, &source, now) {
            Ok(Synced::NothingNew) => writeln!(out, "nothing new")?,
            Ok(Synced::Updated) => writeln!(out, "updated")?,
            Err(error) => {
                // What was refused is on record, unless the record is what failed.
                store.note(&Event::Refused { code: error.code().to_owned() }, now).ok();
                return Err(refused(&error));
            }
        }
        anchor(&mut store, now)?;
        let basis = store.load_basis().map_err(Failure::state)?;
        show_versions(&basis, now, out)
    }
}

fn refused(error: &SyncError) -> Failure {
    let message = format!("{error} [{}]", error.code());
    match error {
        SyncError::Damaged { .. } | SyncError::Store(_) => Failure::state(message),
        _ => Failure::input(message),
    }
}
