//! `greengate-authority commuter`.

use chrono::NaiveDate;
use clap::Subcommand;
use greengate::{authority::Enrolment, issuer::IssuerId};

use crate::{
    Failure,
    arguments::{At, Holder, issuer},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Commuter {
    /// Enrol a commuter; an earlier enrolment is replaced.
    Enrol {
        #[command(flatten)]
        holder: Holder,

        /// The province the commuter lives in.
        #[arg(long, value_name = "PROVINCE", value_parser = issuer)]
        home: IssuerId,

        /// The first day, in the civil time of Shanghai.
        #[arg(long, value_name = "DATE")]
        from: NaiveDate,

        /// The last day.
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
    /// Set the last day of an enrolment.
    Expire {
        #[command(flatten)]
        holder: Holder,

        /// The last day.
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
    },
    /// Withdraw an enrolment: no code issued from now on has the claim.
    Withdraw {
        #[command(flatten)]
        holder: Holder,

        #[command(flatten)]
        at: At,
    },
}

impl Commuter {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match *self {
            Self::Enrol { holder: Holder { ref folder, ref number }, home, from, until } => {
                folder.open()?.enrol_commuter(number, Enrolment { home, from, until })?;
            }
            Self::Expire { holder: Holder { ref folder, ref number }, until } => {
                folder.open()?.expire_commuter(number, until)?;
            }
            Self::Withdraw { holder: Holder { ref folder, ref number }, ref at } => {
                folder.open()?.withdraw_commuter(number, at.instant())?;
            }
        }
        Ok(())
    }
}
