//! `greengate provision`: tell a terminal where it stands.

use std::path::Path;

use clap::Args;
use greengate::{
    language::Words,
    place::{Gate, Place},
};

use crate::{Failure, open_store};

/// Tell this terminal where it stands.
#[derive(Args, Debug)]
pub(crate) struct Provision {
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
}

impl Provision {
    pub(crate) fn run(&self, state: &Path) -> Result<u8, Failure> {
        let Words { zh, en } = self.place.words();
        let name = Words {
            zh: self.name_zh.clone().unwrap_or(zh),
            en: self.name_en.clone().unwrap_or(en),
        };
        let gate = Gate { place: self.place, name, gate: self.gate.clone() };
        let mut store = open_store(state)?;
        store.provision(&gate).map_err(Failure::state)?;
        Ok(0)
    }
}
