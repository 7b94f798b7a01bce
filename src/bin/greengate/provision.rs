//! `greengate provision`: tell a terminal where it stands, and which root it trusts.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use greengate::{
    language::Words,
    place::{Gate, Place},
    sync,
    update::Metadata,
};

use crate::{Failure, open_store};

/// Tell this terminal where it stands, and which root it trusts.
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

    /// The authority's root, as `greengate-authority root show` prints it, brought by hand. The
    /// terminal follows it from then on, and takes lists from `greengate sync` alone.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

/// The longest root that is read, and one byte more, by which a longer one is known.
const MAX_ROOT: u64 = (1 << 20) + 1;

impl Provision {
    pub(crate) fn run(&self, state: &Path) -> Result<u8, Failure> {
        let Words { zh, en } = self.place.words();
        let name = Words {
            zh: self.name_zh.clone().unwrap_or(zh),
            en: self.name_en.clone().unwrap_or(en),
        };
        let gate = Gate { place: self.place, name, gate: self.gate.clone() };
        let root = self.root.as_deref().map(read_root).transpose()?;
        let mut store = open_store(state)?;
        if let Some(root) = root {
            store.trust_root(&root).map_err(Failure::input)?;
        }
        store.provision(&gate).map_err(Failure::state)?;
        Ok(0)
    }
}

fn read_root(path: &Path) -> Result<Metadata, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_ROOT).read_to_end(&mut bytes))
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    let root = sync::read_root(bytes);
    root.map_err(|error| Failure::input(format!("{error} [{}]", error.code())))
}
