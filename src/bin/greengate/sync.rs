//! `greengate sync`: fetch what the authority has published.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use greengate::{
    audit::Event,
    clock::{self, Timestamp},
    registration::FOLDER,
    store::Store,
    sync::{self, Progress, Source, SyncError, Synced, Web},
};

use crate::{
    Failure, open_store, registration,
    trust::{anchor, show_versions},
};

/// Fetch what the authority has published, verify it, and install it, all or nothing.
///
/// Whom staff have registered by hand goes back to the authority, sealed: to the folder
/// `registrations` of the stick, or by HTTP PUT below the address, if the server takes it.
///
/// Exit status: 0 installed, or nothing was new; 1 refused, and what served before serves on; 70 the
/// terminal's state cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Sync {
    #[command(flatten)]
    source: SourceArgument,

    /// Go through this proxy instead of the one that `HTTPS_PROXY` or `HTTP_PROXY` names.
    #[arg(long, value_name = "URL", env = "GREENGATE_PROXY")]
    proxy: Option<String>,

    /// Know the server by the certificates in this PEM file, and by no others.
    #[arg(long, value_name = "FILE", env = "GREENGATE_CA")]
    ca: Option<PathBuf>,

    /// Show the server this certificate of the terminal's: a PEM file with its private key.
    #[arg(long, value_name = "FILE", env = "GREENGATE_DEVICE_CERTIFICATE")]
    device_certificate: Option<PathBuf>,

    /// Take at most this many kilobytes a second.
    #[arg(long, value_name = "KB", conflicts_with = "from")]
    limit_rate: Option<u64>,

    /// Show how far it has come on standard error, even if that is no terminal.
    #[arg(long)]
    progress: bool,

    /// Say how far it has come on standard output, a line each hundredth, to who started this.
    #[arg(long, hide = true)]
    progress_lines: bool,
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
                    .with_device_certificate(self.device_certificate.clone())
                    .with_bytes_per_second(self.limit_rate.map(|rate| rate.saturating_mul(1000))),
            ),
            (None, Some(path)) => Source::Folder(path.clone()),
            (None, None) => return Err(Failure::input("give --url or --from")),
        };
        let mut store = open_store(state)?;
        let now = clock::now();
        let status = self.bring(&mut store, &source, now, out);
        out.flush()?;
        // Whatever cannot be removed is in nobody's way.
        sync::sweep(&store, now).ok();
        status
    }
}

impl Sync {
    /// Brings what is new, and takes along what is to be sent.
    fn bring(
        &self,
        store: &mut Store,
        source: &Source,
        now: Timestamp,
        out: &mut impl Write,
    ) -> Result<u8, Failure> {
        match self.fetch(store, source, now, out) {
            Ok(Synced::NothingNew) => writeln!(out, "nothing new")?,
            Ok(Synced::Updated) => writeln!(out, "updated")?,
            Err(error) => {
                // What was refused is on record, unless the record is what failed.
                store.note(&Event::Refused { code: error.code().to_owned() }, now).ok();
                return Err(refused(&error));
            }
        }
        anchor(store, now)?;
        // What cannot be taken stays here, and the lists are installed all the same.
        let taken = match source {
            Source::Folder(stick) => registration::export(store, &stick.join(FOLDER))
                .map(|taken| taken.len())
                .map_err(|Failure { message, .. }| message),
            Source::Web(web) => sync::send_registrations(store, web)
                .map_err(|error| format!("{error} [{}]", error.code())),
        };
        match taken {
            Ok(0) => {}
            Ok(count) => writeln!(out, "registrations taken along: {count}")?,
            Err(why) => {
                writeln!(io::stderr(), "greengate: registrations stay here: {why}").ok();
            }
        }
        let basis = store.load_basis().map_err(Failure::state)?;
        show_versions(&basis, now, out)
    }

    /// Fetches, and tells of it whom it concerns. Nobody need listen.
    fn fetch(
        &self,
        store: &mut Store,
        source: &Source,
        now: Timestamp,
        out: &mut impl Write,
    ) -> Result<Synced, SyncError> {
        let mut errors = io::stderr();
        let on_screen = self.progress || errors.is_terminal();
        let mut has_shown = false;
        let tell = |progress: &Progress| {
            if self.progress_lines {
                writeln!(out, "{progress}").and_then(|()| out.flush()).ok();
            }
            if on_screen {
                write!(errors, "\r{}\x1b[K", shown_as(progress)).ok();
                has_shown = true;
            }
        };
        let synced = sync::sync_telling(store, source, tell, now);
        if has_shown {
            writeln!(errors).ok();
        }
        synced
    }
}

/// `revocations-11-202111.bin: 34.4 of 80.0 MB, 43%`.
fn shown_as(progress: &Progress) -> String {
    let tenths = |bytes: u64| {
        let tenths = bytes / 100_000;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let Progress { file, done, total } = progress;
    format!("{file}: {} of {} MB, {}%", tenths(*done), tenths(*total), progress.percent())
}

fn refused(error: &SyncError) -> Failure {
    let message = format!("{error} [{}]", error.code());
    match error {
        SyncError::Damaged { .. } | SyncError::Store(_) => Failure::state(message),
        _ => Failure::input(message),
    }
}
