//! `greengate-authority travel`.

use clap::Subcommand;
use greengate::{authority::TravelHistory, credential::Visit};

use crate::{
    Failure,
    arguments::{At, Holder, visit},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Travel {
    /// Say where somebody has been, or that they have been nowhere; it replaces what was said.
    Set {
        #[command(flatten)]
        holder: Holder,

        /// An area visited and the last day there, such as 110106:2021-11-12; as often as needed.
        #[arg(long, value_name = "AREA:DATE", value_parser = visit)]
        visited: Vec<Visit>,

        /// It is not known where they have been.
        #[arg(long, conflicts_with = "visited")]
        unknown: bool,

        #[command(flatten)]
        at: At,
    },
}

impl Travel {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::Set { holder: Holder { folder, number }, visited, unknown, at } = self;
        let history =
            if *unknown { TravelHistory::Unknown } else { TravelHistory::Known(visited.clone()) };
        Ok(folder.open()?.set_travel(number, &history, at.instant())?)
    }
}
