//! `greengate-authority person`.

use clap::{Subcommand, ValueEnum};
use greengate::authority::{FullName, Health};

use crate::{
    Failure,
    arguments::{At, Holder, NAME},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Take down a declaration.
    Declare {
        #[command(flatten)]
        holder: Holder,

        /// The full name.
        #[arg(long, value_parser = NAME)]
        name: FullName,

        #[command(flatten)]
        at: At,
    },
    /// Take a declaration under review.
    Review {
        #[command(flatten)]
        holder: Holder,

        #[command(flatten)]
        at: At,
    },
    /// End a review with what the background audit has found.
    Audit {
        #[command(flatten)]
        holder: Holder,

        /// What it has found.
        #[arg(long)]
        health: HealthArgument,

        #[command(flatten)]
        at: At,
    },
    /// Change a declaration, which takes it back under review.
    Correct {
        #[command(flatten)]
        holder: Holder,

        /// The full name, if that is what was wrong.
        #[arg(long, value_parser = NAME)]
        name: Option<FullName>,

        #[command(flatten)]
        at: At,
    },
    /// Withdraw a declaration: no code is issued on it any more.
    Withdraw {
        #[command(flatten)]
        holder: Holder,

        #[command(flatten)]
        at: At,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HealthArgument {
    Normal,
    Watch,
    Stop,
}

impl Person {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Declare { holder: Holder { folder, number }, name, at } => {
                folder.open()?.declare(number, name, at.instant())?;
            }
            Self::Review { holder: Holder { folder, number }, at } => {
                folder.open()?.review(number, at.instant())?;
            }
            Self::Audit { holder: Holder { folder, number }, health, at } => {
                let health = match health {
                    HealthArgument::Normal => Health::Normal,
                    HealthArgument::Watch => Health::Watch,
                    HealthArgument::Stop => Health::Stop,
                };
                folder.open()?.audit(number, health, at.instant())?;
            }
            Self::Correct { holder: Holder { folder, number }, name, at } => {
                folder.open()?.correct(number, name.as_ref(), at.instant())?;
            }
            Self::Withdraw { holder: Holder { folder, number }, at } => {
                folder.open()?.withdraw(number, at.instant())?;
            }
        }
        Ok(())
    }
}
