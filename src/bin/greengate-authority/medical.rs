//! `greengate-authority nat` and `greengate-authority vaccination`.

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use greengate::{
    clock::Timestamp,
    credential::{self, NatOutcome, NatResult, NatSource},
};

use crate::{Failure, arguments::Holder};

#[derive(Debug, Subcommand)]
pub(crate) enum Nat {
    /// Take a test into one of the two stores.
    Add {
        #[command(flatten)]
        holder: Holder,

        /// The store.
        #[arg(long)]
        source: NatSourceArgument,

        /// The result.
        #[arg(long)]
        result: NatArgument,

        #[command(flatten)]
        times: NatTimes,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vaccination {
    /// Take down a vaccination.
    Add {
        #[command(flatten)]
        holder: Holder,

        /// How many doses it makes in all.
        #[arg(long)]
        doses: u64,

        /// The day of the last.
        #[arg(long, value_name = "DATE")]
        day: NaiveDate,
    },
}

/// When a test came to be known.
#[derive(Args, Debug)]
pub(crate) struct NatTimes {
    /// When the sample was taken.
    #[arg(long, value_name = "RFC3339")]
    sampled: Timestamp,

    /// When the laboratory reported, if not when the sample was taken.
    #[arg(long, value_name = "RFC3339")]
    reported: Option<Timestamp>,

    /// When the result came into the store, if not when it was reported.
    #[arg(long, value_name = "RFC3339")]
    uploaded: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NatArgument {
    Negative,
    Positive,
    Pending,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NatSourceArgument {
    National,
    Municipal,
}

/// A test from what it was asked with.
pub(crate) fn nat(
    result: NatArgument,
    source: NatSourceArgument,
    sampled: Timestamp,
    reported: Option<Timestamp>,
    uploaded: Option<Timestamp>,
) -> credential::Nat {
    let reported = reported.unwrap_or(sampled);
    let uploaded = uploaded.unwrap_or(reported);
    let known = |result| NatOutcome::Known { result, reported, uploaded };
    let outcome = match result {
        NatArgument::Pending => NatOutcome::Pending,
        NatArgument::Negative => known(NatResult::Negative),
        NatArgument::Positive => known(NatResult::Positive),
    };
    let source = match source {
        NatSourceArgument::National => NatSource::National,
        NatSourceArgument::Municipal => NatSource::Municipal,
    };
    credential::Nat { source, sampled, outcome }
}

impl Nat {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::Add { holder: Holder { folder, number }, source, result, times } = self;
        let NatTimes { sampled, reported, uploaded } = *times;
        let nat = nat(*result, *source, sampled, reported, uploaded);
        Ok(folder.open()?.record_nat(number, &nat)?)
    }
}

impl Vaccination {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self::Add { holder: Holder { folder, number }, doses, day } = self;
        let vaccination = credential::Vaccination { doses: *doses, day: *day };
        Ok(folder.open()?.record_vaccination(number, vaccination)?)
    }
}
