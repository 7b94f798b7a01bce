//! `greengate-authority transcode` and `greengate-authority transcoding`.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand};
use greengate::{issuer::IssuerId, recognition::NormalStatus};

use crate::{
    Failure,
    arguments::{At, Folder, issuer},
    code,
};

/// Convert a province's code into one of the national platform.
#[derive(Args, Debug)]
pub(crate) struct Transcode {
    #[command(flatten)]
    folder: Folder,

    /// The file that holds the code: .png or .jpg, or else its text.
    #[arg(long, value_name = "FILE")]
    code: PathBuf,

    /// The file to write: its ending says which form, .png, .svg, or .txt.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    at: At,
}

impl Transcode {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self { folder, code, out, at } = self;
        let now = at.instant();
        let converted = folder.open()?.transcode(&code::read(code, now)?, now)?;
        code::write(&converted, out)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Transcoding {
    /// Say anew what each of an issuer's own statuses means; one that is not listed means nothing.
    Set {
        #[command(flatten)]
        folder: Folder,

        /// The issuer.
        #[arg(long, value_parser = issuer)]
        issuer: IssuerId,

        /// A status and its meaning, normal, watch, stop, or review, such as 1=normal; as often as
        /// needed.
        #[arg(long, value_name = "NUMBER=MEANING", value_parser = status, required = true)]
        status: Vec<(u64, NormalStatus)>,
    },
}

impl Transcoding {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::Set { folder, issuer, status } = self;
        let mut statuses = BTreeMap::new();
        for (local, normal) in status {
            if statuses.insert(*local, *normal).is_some() {
                return Err(Failure(format!("status {local} is given twice")));
            }
        }
        Ok(folder.open()?.set_statuses(*issuer, &statuses)?)
    }
}

fn status(text: &str) -> Result<(u64, NormalStatus), String> {
    let parsed = text.split_once('=').and_then(|(local, normal)| {
        let normal = match normal {
            "normal" => NormalStatus::Normal,
            "watch" => NormalStatus::Watch,
            "stop" => NormalStatus::Stop,
            "review" => NormalStatus::Review,
            _ => return None,
        };
        Some((local.parse().ok()?, normal))
    });
    parsed.ok_or_else(|| "a number and normal, watch, stop, or review, such as 1=normal".to_owned())
}
