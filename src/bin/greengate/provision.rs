//! `greengate provision`: tell a terminal where it stands, and which root it trusts.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use greengate::{
    clock,
    language::Words,
    place::{Gate, Place},
    provisioning::MAX_BYTES,
    sync,
};

use crate::{Failure, open_store};

/// Tell this terminal where it stands, and which root it trusts.
///
/// Exit status: 0 done, 1 the file cannot be used, 70 the terminal's state cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Provision {
    /// What `greengate-authority terminal bundle` wrote: place, gate, and root in one signed file.
    #[arg(long, value_name = "FILE", required_unless_present = "place")]
    bundle: Option<PathBuf>,

    /// Without a bundle: the kind of place, such as `rail_checkpoint`.
    #[arg(long, conflicts_with = "bundle")]
    place: Option<Place>,

    /// What the place is called in Chinese; the kind of place if absent.
    #[arg(long, value_name = "NAME", conflicts_with = "bundle")]
    name_zh: Option<String>,

    /// What the place is called in English; the kind of place if absent.
    #[arg(long, value_name = "NAME", conflicts_with = "bundle")]
    name_en: Option<String>,

    /// The gate or lane, such as 3; 1 if absent.
    #[arg(long, conflicts_with = "bundle")]
    gate: Option<String>,

    /// The authority's root, as `greengate-authority root show` prints it, brought by hand. The
    /// terminal follows it from then on, and takes lists from `greengate sync` alone.
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    root: Option<PathBuf>,
}

impl Provision {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        match (&self.bundle, self.place) {
            (Some(bundle), _) => by_bundle(bundle, state, out),
            (None, Some(place)) => self.by_hand(place, state),
            (None, None) => unreachable!("one of the two is required"),
        }
    }

    fn by_hand(&self, place: Place, state: &Path) -> Result<u8, Failure> {
        let Words { zh, en } = place.words();
        let name = Words {
            zh: self.name_zh.clone().unwrap_or(zh),
            en: self.name_en.clone().unwrap_or(en),
        };
        let gate = Gate { place, name, gate: self.gate.clone().unwrap_or_else(|| "1".to_owned()) };
        let root = self.root.as_deref().map(|path| {
            let root = sync::read_root(read(path)?);
            root.map_err(|error| Failure::input(format!("{error} [{}]", error.code())))
        });
        let root = root.transpose()?;
        let mut store = open_store(state)?;
        if let Some(root) = root {
            store.trust_root(&root).map_err(Failure::input)?;
        }
        store.provision(&gate).map_err(Failure::input)?;
        Ok(0)
    }
}

fn by_bundle(path: &Path, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
    let bytes = read(path)?;
    let now = clock::now();
    let mut store = open_store(state)?;
    let followed = store.trusted()?.map(|trusted| trusted.root);
    let bundle = sync::read_bundle(&bytes, followed.as_ref(), now)
        .map_err(|error| Failure::input(format!("{error} [{}]", error.code())))?;
    let provisioning = &bundle.provisioning;
    store.provision_by(provisioning, &bundle.root, now).map_err(Failure::input)?;
    let Gate { place, name, gate } = provisioning.gate();
    let place = place.code();
    writeln!(out, "{}: {place}, {} {}, gate {gate}", provisioning.terminal, name.zh, name.en)?;
    Ok(0)
}

/// A file that somebody brought; of one that is too long, a byte more than may be.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    Ok(bytes)
}
