//! `greengate-authority key`.

use std::io::Write;

use clap::{Args, Subcommand};
use greengate::{issuer::IssuerId, key_ring::KeyId};

use crate::{
    Failure,
    arguments::{At, Folder, issuer, key_id},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key for an issuer, which signs with it from now on; prints its identifier.
    New {
        #[command(flatten)]
        folder: Folder,

        /// The issuer: two digits of GB/T 2260, or 156.
        #[arg(long, value_parser = issuer)]
        issuer: IssuerId,

        #[command(flatten)]
        at: At,
    },
    /// Have an issuer no longer sign with a key; what it signed before counts.
    Retire {
        #[command(flatten)]
        key: KnownKey,

        #[command(flatten)]
        at: At,
    },
    /// Say that somebody else may sign with a key: nothing it signed counts, for good.
    Compromise {
        #[command(flatten)]
        key: KnownKey,
    },
    /// Withdraw the series of codes that a key signed.
    WithdrawSeries {
        #[command(flatten)]
        key: KnownKey,
    },
}

/// One key of one issuer.
#[derive(Args, Debug)]
pub(crate) struct KnownKey {
    #[command(flatten)]
    folder: Folder,

    /// The issuer that the key is of.
    #[arg(long, value_parser = issuer)]
    issuer: IssuerId,

    /// The key's identifier, 8 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = key_id)]
    key: KeyId,
}

impl Key {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::New { folder, issuer, at } => {
                let key = folder.open()?.new_key(*issuer, at.instant())?;
                Ok(writeln!(out, "{key}")?)
            }
            Self::Retire { key: KnownKey { folder, issuer, key }, at } => {
                Ok(folder.open()?.retire_key(*issuer, *key, at.instant())?)
            }
            Self::Compromise { key: KnownKey { folder, issuer, key } } => {
                Ok(folder.open()?.compromise_key(*issuer, *key)?)
            }
            Self::WithdrawSeries { key: KnownKey { folder, issuer, key } } => {
                Ok(folder.open()?.withdraw_series(*issuer, *key)?)
            }
        }
    }
}
