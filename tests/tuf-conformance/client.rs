//! The update client behind the command line that [tuf-conformance] asks for.
//!
//! `tests/tuf-conformance/run` fetches the suite and runs it. The cases that do not pass are in
//! `tests/data/tuf-conformance.xfails`, each with its reason. The metadata folder stands in for the
//! store, and keeps to its rules.
//!
//! [tuf-conformance]: https://github.com/theupdateframework/tuf-conformance

#![allow(clippy::print_stderr, reason = "what is wrong is for whoever debugs")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use greengate::{
    clock::{self, Floor},
    revocation::Revocations,
    store::{Lineage, Published, Trusted},
    sync::{Source, Verified, Web, verify},
    update::Metadata,
};

/// More than any case has.
const MAX_TARGET: u64 = 16 << 20;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    metadata_dir: PathBuf,

    #[arg(long, default_value = "")]
    metadata_url: String,

    #[arg(long)]
    target_name: Vec<String>,

    #[arg(long)]
    target_base_url: Option<String>,

    #[arg(long)]
    target_dir: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init { trusted_root: PathBuf },
    Refresh,
    Download,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let folder = &arguments.metadata_dir;
    match &arguments.command {
        Command::Init { trusted_root } => {
            fs::create_dir_all(folder)?;
            fs::copy(trusted_root, folder.join("root.json"))?;
        }
        Command::Refresh => {
            refresh(folder, &arguments.metadata_url)?;
        }
        Command::Download => {
            let verified = refresh(folder, &arguments.metadata_url)?;
            let out = arguments.target_dir.as_deref().ok_or("no --target-dir")?;
            for name in &arguments.target_name {
                let bytes = verified.read(name, MAX_TARGET)?.ok_or("no such target")?;
                fs::write(out.join(name.replace('/', "%2F")), bytes)?;
            }
        }
    }
    Ok(())
}

fn refresh(folder: &Path, url: &str) -> Result<Verified, Box<dyn Error>> {
    let trusted = trusted(folder)?;
    let base = url.trim_end_matches('/').strip_suffix("metadata").ok_or("another layout")?;
    let web = Web::new(base)?.with_attempts(1, std::time::Duration::ZERO);
    match verify(&trusted, &Source::Web(web), clock::now()) {
        Ok(verified) => {
            let Published { timestamp, snapshot, targets } = &verified.published;
            if let (Lineage::Same, Some(kept)) = (verified.lineage, &trusted.published) {
                let pairs = [
                    (&kept.timestamp, timestamp),
                    (&kept.snapshot, snapshot),
                    (&kept.targets, targets),
                ];
                if pairs.iter().any(|(kept, new)| new.version < kept.version) {
                    return Err("older".into());
                }
                if pairs.iter().any(|(kept, new)| new.version == kept.version && new != kept) {
                    return Err("another of the same version".into());
                }
            }
            keep(folder, "root", &verified.root)?;
            keep(folder, "timestamp", timestamp)?;
            keep(folder, "snapshot", snapshot)?;
            keep(folder, "targets", targets)?;
            Ok(verified)
        }
        Err(refusal) => {
            if let Some(root) = &refusal.newer_root {
                keep(folder, "root", root)?;
            }
            Err(format!("{} [{}]", refusal.error, refusal.error.code()).into())
        }
    }
}

fn trusted(folder: &Path) -> Result<Trusted, Box<dyn Error>> {
    let read = |role: &str| -> Result<Metadata, Box<dyn Error>> {
        let bytes = fs::read(folder.join(format!("{role}.json")))?;
        let parsed: serde_json::Value = serde_json::from_slice(&bytes)?;
        let version = parsed["signed"]["version"].as_u64().ok_or("no version")?;
        Ok(Metadata { version, bytes })
    };
    let published = if folder.join("timestamp.json").exists() {
        let [timestamp, snapshot, targets] = ["timestamp", "snapshot", "targets"].map(read);
        Some(Published { timestamp: timestamp?, snapshot: snapshot?, targets: targets? })
    } else {
        None
    };
    Ok(Trusted {
        root: read("root")?,
        published,
        files: None,
        revocations: Revocations::NONE,
        floor: Floor::LOWEST,
    })
}

fn keep(folder: &Path, role: &str, metadata: &Metadata) -> std::io::Result<()> {
    fs::write(folder.join(format!("{role}.json")), &metadata.bytes)
}
