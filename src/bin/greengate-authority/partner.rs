//! `greengate-authority partner`.

use std::io::Write;

use clap::Subcommand;
use greengate::{clock::Timestamp, issuer::IssuerId, language::Words, place::Place, recognition};

use crate::{
    Failure,
    arguments::{At, Folder, issuer},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Partner {
    /// Take down an agreement with a country.
    Add {
        #[command(flatten)]
        folder: Folder,

        /// The country, by its two letters in ISO 3166-1, such as KR.
        #[arg(long, value_name = "LETTERS")]
        country: String,

        /// The agreement.
        #[arg(long, value_name = "WORDS")]
        agreement: String,

        /// The first instant.
        #[arg(long, value_name = "RFC3339")]
        from: Timestamp,

        /// The first instant at which it no longer counts.
        #[arg(long, value_name = "RFC3339")]
        to: Timestamp,

        /// A kind of place, such as `airport`; as often as needed.
        #[arg(long, required = true)]
        place: Vec<Place>,
    },
    /// End the newest agreement with a country sooner than was agreed.
    End {
        #[command(flatten)]
        folder: Folder,

        /// The country.
        #[arg(long, value_name = "LETTERS")]
        country: String,

        #[command(flatten)]
        at: At,
    },
    /// Make a key for an issuer abroad, to test with; prints its identifier.
    Key {
        #[command(flatten)]
        folder: Folder,

        /// The issuer: its country's number in ISO 3166-1, such as 410.
        #[arg(long, value_parser = issuer)]
        issuer: IssuerId,

        /// What the issuer is called, in Chinese.
        #[arg(long, value_name = "WORDS")]
        name_zh: String,

        /// What the issuer is called, in English.
        #[arg(long, value_name = "WORDS")]
        name_en: String,

        #[command(flatten)]
        at: At,
    },
}

impl Partner {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Add { folder, country, agreement, from, to, place } => {
                let partner = recognition::Partner {
                    partner: country.clone(),
                    agreement: agreement.clone(),
                    from: *from,
                    to: *to,
                    places: place.iter().copied().collect(),
                };
                Ok(folder.open()?.add_partner(&partner)?)
            }
            Self::End { folder, country, at } => {
                Ok(folder.open()?.end_partner(country, at.instant())?)
            }
            Self::Key { folder, issuer, name_zh, name_en, at } => {
                let name = Words::new(name_zh, name_en);
                let key = folder.open()?.new_partner_key(*issuer, &name, at.instant())?;
                Ok(writeln!(out, "{key}")?)
            }
        }
    }
}
