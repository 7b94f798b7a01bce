//! `greengate-authority risk`.

use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use greengate::risk_area::{RiskArea, RiskLevel};

use crate::{Failure, arguments::Folder};

#[derive(Debug, Subcommand)]
pub(crate) enum Risk {
    /// List a risk area.
    Add {
        #[command(flatten)]
        folder: Folder,

        /// Six digits of GB/T 2260; one that ends in 00 covers all that share its beginning.
        #[arg(long)]
        area: u32,

        /// How high the risk is.
        #[arg(long)]
        level: LevelArgument,

        /// The first day, in the civil time of Shanghai.
        #[arg(long, value_name = "DATE")]
        from: NaiveDate,

        /// The last day, if it is known.
        #[arg(long, value_name = "DATE")]
        to: Option<NaiveDate>,
    },
    /// Say on which day the listing of an area ends.
    Lift {
        #[command(flatten)]
        folder: Folder,

        /// The area.
        #[arg(long)]
        area: u32,

        /// The last day.
        #[arg(long, value_name = "DATE")]
        to: NaiveDate,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LevelArgument {
    Medium,
    High,
}

impl Risk {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match *self {
            Self::Add { ref folder, area, level, from, to } => {
                let level = match level {
                    LevelArgument::Medium => RiskLevel::Medium,
                    LevelArgument::High => RiskLevel::High,
                };
                Ok(folder.open()?.add_risk_area(&RiskArea { area, level, from, to })?)
            }
            Self::Lift { ref folder, area, to } => Ok(folder.open()?.lift_risk_area(area, to)?),
        }
    }
}
