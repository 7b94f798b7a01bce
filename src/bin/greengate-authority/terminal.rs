//! `greengate-authority terminal`.

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use greengate::{
    authority::repository::Repository,
    language::Words,
    place::{Gate, Place},
};

use crate::{
    Failure,
    arguments::{At, Folder},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Terminal {
    /// Put a terminal into the register, or where it stands now.
    Put {
        #[command(flatten)]
        terminal: Named,

        /// The kind of place, such as `rail_checkpoint`.
        #[arg(long)]
        place: Place,

        /// What the place is called in Chinese; the kind of place if absent.
        #[arg(long, value_name = "NAME")]
        name_zh: Option<String>,

        /// What the place is called in English; the kind of place if absent.
        #[arg(long, value_name = "NAME")]
        name_en: Option<String>,

        /// The gate or lane, such as 3.
        #[arg(long, default_value = "1")]
        gate: String,
    },
    /// Take a terminal out of the register.
    Remove {
        #[command(flatten)]
        terminal: Named,
    },
    /// Print the register: name, kind of place, place, and gate.
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Write what `greengate provision --bundle` takes: place, gate, and root, signed. It counts for
    /// a week, and once.
    Bundle {
        #[command(flatten)]
        terminal: Named,

        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,

        #[command(flatten)]
        at: At,
    },
}

/// A terminal of an authority's.
#[derive(Args, Debug)]
pub(crate) struct Named {
    #[command(flatten)]
    folder: Folder,

    /// What the authority calls the terminal.
    #[arg(long, value_name = "NAME")]
    terminal: String,
}

impl Terminal {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Put { terminal: Named { folder, terminal }, place, name_zh, name_en, gate } => {
                let Words { zh, en } = place.words();
                let name =
                    Words { zh: name_zh.clone().unwrap_or(zh), en: name_en.clone().unwrap_or(en) };
                let gate = Gate { place: *place, name, gate: gate.clone() };
                Ok(folder.open()?.put_terminal(terminal, &gate)?)
            }
            Self::Remove { terminal: Named { folder, terminal } } => {
                Ok(folder.open()?.remove_terminal(terminal)?)
            }
            Self::List { folder } => {
                for (terminal, Gate { place, name, gate }) in folder.open()?.terminals()? {
                    let place = place.code();
                    writeln!(out, "{terminal}\t{place}\t{}\t{}\t{gate}", name.zh, name.en)?;
                }
                Ok(())
            }
            Self::Bundle { terminal: Named { folder, terminal }, out, at } => {
                let gate = folder.open()?.terminal(terminal)?;
                let repository = Repository::open(folder.path())?;
                let bundle = repository.bundle(terminal, gate, at.instant())?;
                fs::write(out, bundle)
                    .map_err(|error| Failure(format!("cannot write {}: {error}", out.display())))
            }
        }
    }
}
