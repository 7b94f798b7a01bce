//! `greengate-authority exception`.

use clap::Subcommand;
use greengate::{clock::Timestamp, issuer::IssuerId, language::Words, place::Place, recognition};

use crate::{
    Failure,
    arguments::{At, Folder, issuer},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Exception {
    /// File, in advance, that a province's codes are not recognised.
    File {
        #[command(flatten)]
        folder: Folder,

        /// The province.
        #[arg(long, value_name = "PROVINCE", value_parser = issuer)]
        issuer: IssuerId,

        /// A kind of place, such as `rail_checkpoint`; as often as needed.
        #[arg(long, required = true)]
        place: Vec<Place>,

        /// The first instant, not before the filing.
        #[arg(long, value_name = "RFC3339")]
        from: Timestamp,

        /// The first instant at which the codes are recognised again.
        #[arg(long, value_name = "RFC3339")]
        to: Timestamp,

        /// The number to file it under.
        #[arg(long, value_name = "NUMBER")]
        filing: String,

        /// What is accepted instead, in Chinese.
        #[arg(long, value_name = "WORDS")]
        instead_zh: String,

        /// What is accepted instead, in English.
        #[arg(long, value_name = "WORDS")]
        instead_en: String,

        #[command(flatten)]
        at: At,
    },
}

impl Exception {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::File { folder, issuer, place, from, to, filing, instead_zh, instead_en, at } =
            self;
        let exception = recognition::Exception {
            issuer: *issuer,
            places: place.iter().copied().collect(),
            from: *from,
            to: *to,
            filed: at.instant(),
            filing: filing.clone(),
            instead: Words::new(instead_zh, instead_en),
        };
        Ok(folder.open()?.file_exception(&exception)?)
    }
}
