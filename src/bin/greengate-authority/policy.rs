//! `greengate-authority policy`.

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use greengate::authority::golden;

use crate::{Failure, arguments::Folder};

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Run the golden cases of a policy pack, and say which rules no case would miss.
    Check(Pack),

    /// Put a policy pack in force if its golden cases come out as expected; its version must be
    /// higher than that of the one before, and its date no earlier.
    Set {
        #[command(flatten)]
        folder: Folder,

        #[command(flatten)]
        pack: Pack,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Pack {
    /// The pack, in the form of policy.json.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Its golden cases.
    #[arg(long, value_name = "CASES")]
    cases: PathBuf,
}

impl Policy {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Check(pack) => pack.check(out),
            Self::Set { folder, pack } => {
                Ok(folder.open()?.set_policy(&read(&pack.file)?, &read(&pack.cases)?)?)
            }
        }
    }
}

impl Pack {
    fn check(&self, out: &mut impl Write) -> Result<(), Failure> {
        let report = golden::check(&read(&self.file)?, &read(&self.cases)?)?;
        for failure in &report.failures {
            writeln!(out, "failed: {failure}")?;
        }
        for rule in &report.unnoticed {
            writeln!(out, "untested: without rule {rule} every case comes out the same")?;
        }
        writeln!(out, "{} golden cases run, {} failed", report.run, report.failures.len())?;
        match report.failures.len() {
            0 => Ok(()),
            failed => Err(Failure(format!("{failed} of the golden cases came out otherwise"))),
        }
    }
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure(format!("cannot read {}: {error}", file.display())))
}
