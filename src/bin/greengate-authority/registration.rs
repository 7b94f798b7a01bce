//! `greengate-authority registration`.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use greengate::registration::SEALED_BYTES;

use crate::{Failure, arguments::Folder};

#[derive(Debug, Subcommand)]
pub(crate) enum Registration {
    /// Open registrations that terminals have sealed, and print each as a line of JSON. They have
    /// people's names and numbers in them.
    Open {
        #[command(flatten)]
        folder: Folder,

        /// What `greengate registration export` wrote.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

impl Registration {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Self::Open { folder, files } = self;
        let authority = folder.open()?;
        for path in files {
            let refused =
                |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", path.display()));
            let sealed = read(path).map_err(|error| refused(&error))?;
            let opened = authority.open_registration(&sealed).map_err(|error| refused(&error))?;
            writeln!(out, "{}", serde_json::to_string(&opened)?)?;
        }
        Ok(())
    }
}

/// The bytes of a file; of one that is too long, a byte more than may be.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(SEALED_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
