//! `greengate-authority revoke` and `unrevoke`.

use std::io::Write;

use clap::Args;
use greengate::{clock::Timestamp, credential::CodeId, id_document::NumberText, issuer::IssuerId};

use crate::{
    Failure,
    arguments::{At, Folder, NUMBER, code_id, issuer},
};

/// Revoke a code, or every code of a person that has not expired; prints how many.
///
/// Terminals learn of it from the next lists that are published.
#[derive(Args, Debug)]
pub(crate) struct Revoke {
    #[command(flatten)]
    folder: Folder,

    #[command(flatten)]
    codes: Codes,

    /// When the code expires, if it was not issued from the registers.
    #[arg(long, value_name = "RFC3339", conflicts_with = "number")]
    expires: Option<Timestamp>,

    #[command(flatten)]
    at: At,
}

/// Have a revoked code count again, or every revoked code of a person; prints how many.
#[derive(Args, Debug)]
pub(crate) struct Unrevoke {
    #[command(flatten)]
    folder: Folder,

    #[command(flatten)]
    codes: Codes,

    #[command(flatten)]
    at: At,
}

/// One code, or those of one person.
#[derive(Args, Debug)]
struct Codes {
    /// The issuer of the code.
    #[arg(long, value_parser = issuer, requires = "code_id", conflicts_with = "number")]
    issuer: Option<IssuerId>,

    /// The code's name, 16 to 32 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = code_id, requires = "issuer")]
    code_id: Option<CodeId>,

    /// The number of the holder's document.
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = NUMBER,
        conflicts_with = "code_id",
        required_unless_present = "code_id"
    )]
    number: Option<NumberText>,
}

/// What was asked for.
enum Asked<'a> {
    One(IssuerId, &'a CodeId),
    AllOf(&'a NumberText),
}

impl Codes {
    fn asked(&self) -> Result<Asked<'_>, Failure> {
        match self {
            Self { issuer: Some(issuer), code_id: Some(code), number: None } => {
                Ok(Asked::One(*issuer, code))
            }
            Self { number: Some(number), .. } => Ok(Asked::AllOf(number)),
            // The arguments' own rules leave nothing else.
            _ => Err(Failure("give --issuer and --code-id, or --number".to_owned())),
        }
    }
}

impl Revoke {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Self { folder, codes, expires, at } = self;
        let mut authority = folder.open()?;
        let count = match codes.asked()? {
            Asked::One(issuer, code) => {
                authority.revoke(issuer, code, *expires, at.instant()).map(|()| 1)?
            }
            Asked::AllOf(number) => authority.revoke_all(number, at.instant())?,
        };
        Ok(writeln!(out, "{count}")?)
    }
}

impl Unrevoke {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Self { folder, codes, at } = self;
        let mut authority = folder.open()?;
        let count = match codes.asked()? {
            Asked::One(issuer, code) => {
                authority.reinstate(issuer, code, at.instant()).map(|()| 1)?
            }
            Asked::AllOf(number) => authority.reinstate_all(number, at.instant())?,
        };
        Ok(writeln!(out, "{count}")?)
    }
}
