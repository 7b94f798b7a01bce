//! `greengate-authority policy`.

use std::{fs, path::PathBuf};

use clap::Subcommand;

use crate::{Failure, arguments::Folder};

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Put a policy pack in force; its version must be higher than that of the one before.
    Set {
        #[command(flatten)]
        folder: Folder,

        /// The pack, in the form of policy.json.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

impl Policy {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::Set { folder, file } = self;
        let bytes = fs::read(file)
            .map_err(|error| Failure(format!("cannot read {}: {error}", file.display())))?;
        Ok(folder.open()?.set_policy(&bytes)?)
    }
}
