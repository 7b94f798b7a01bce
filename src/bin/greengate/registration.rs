//! `greengate registration`, and files that are carried away.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use greengate::store::Store;
use tempfile::NamedTempFile;

use crate::{Failure, open_store};

/// Hand out whom staff have registered by hand: sealed, so that the authority alone reads it.
#[derive(Args, Debug)]
pub(crate) struct Registration {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how many there are.
    Count,
    /// Write each to a file of its own, and erase it here once all are on the disk.
    Export {
        /// The folder to write into, such as a stick's.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Registration {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let mut store = open_store(state)?;
        match &self.command {
            Command::Count => writeln!(out, "{}", store.registrations()?.len())?,
            Command::Export { folder } => {
                for path in export(&mut store, folder)? {
                    writeln!(out, "{}", path.display())?;
                }
            }
        }
        Ok(0)
    }
}

/// Writes each registration to a file of its own in `folder`, erases it here once all are on that
/// disk, and gives the files.
pub(crate) fn export(store: &mut Store, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let origin = store.origin().replace('/', "-");
    let registrations = store.registrations()?;
    let Some((through, _)) = registrations.last() else { return Ok(Vec::new()) };
    let through = *through;
    fs::create_dir_all(folder)
        .map_err(|error| Failure::input(format!("cannot make {}: {error}", folder.display())))?;
    let mut written = Vec::new();
    for (id, sealed) in registrations {
        let path = folder.join(format!("registration-{origin}-{id}.sealed"));
        written.push(write_synced(&path, &sealed)?);
    }
    store.erase_registrations(through)?;
    Ok(written)
}

/// Puts a file where `path` says, whole or not at all, and gives the path once the disk has it.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let written = (|| {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    })();
    written
        .map(|()| path.to_path_buf())
        .map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))
}
