//! `greengate-authority extract`, `token`, and `tokens`.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use greengate::{
    authority::{County, Extract as Made, ExtractOrder, Progress, WithoutCounty},
    issuer::IssuerId,
    roster::Stretching,
};

use crate::{
    Failure,
    arguments::{At, Folder, issuer},
};

/// How often it is said how far it is.
const SAID_EVERY: Duration = Duration::from_secs(2);

/// Make a terminal's look-up extract; prints its epoch, how many codes it has, how many people were
/// left out, and when it expires.
///
/// The next `publish` has it, and then the terminal needs a new `token`. The one before and its key
/// are removed.
#[derive(Args, Debug)]
pub(crate) struct Extract {
    #[command(flatten)]
    folder: Folder,

    /// What the authority calls the terminal.
    #[arg(long, value_name = "NAME")]
    terminal: String,

    /// Whose people are in it: six digits of GB/T 2260, where 00 at the end stands for all of a
    /// prefecture and 0000 of a province. Several may be given.
    #[arg(long = "county", value_name = "AREA", required = true)]
    counties: Vec<County>,

    /// With everybody whose number tells no county, too: passports and travel permits.
    #[arg(long)]
    without_county: bool,

    /// Who signs the codes, instead of the first county's province.
    #[arg(long, value_parser = issuer)]
    issuer: Option<IssuerId>,

    /// How many days it counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=7))]
    days: u8,

    /// Do not stretch the numbers: for terminals whose key cannot be stolen with the file. Stretched,
    /// a million people take hours.
    #[arg(long)]
    no_stretching: bool,

    #[command(flatten)]
    at: At,
}

impl Extract {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let order = ExtractOrder {
            terminal: self.terminal.clone(),
            counties: self.counties.clone(),
            without_county: if self.without_county {
                WithoutCounty::Included
            } else {
                WithoutCounty::LeftOut
            },
            issuer: self.issuer,
            days: self.days,
            stretching: if self.no_stretching { Stretching::None } else { Stretching::Argon2id },
        };
        let mut said = Instant::now();
        let mut progress = |progress| {
            let (what, done, of) = match progress {
                Progress::People { done, of } => ("people", done, of),
                Progress::Rows { done, of } => ("rows sealed", done, of),
            };
            if said.elapsed() >= SAID_EVERY || done == of {
                said = Instant::now();
                // Nobody may be there to read it.
                writeln!(io::stderr(), "{done} of {of} {what}").ok();
            }
        };
        let mut authority = self.folder.open()?;
        let made = authority.extract(&order, &mut progress, self.at.instant())?;
        let Made { epoch, codes, left_out, expires } = made;
        Ok(writeln!(out, "epoch {epoch}: {codes} codes, {left_out} left out, until {expires:?}")?)
    }
}

/// Write the key of a terminal's look-up extract, for who is on duty there. It counts for 24 hours.
///
/// Bring it on a stick that does not stay at the terminal: a key that lies beside the extract
/// protects nothing.
#[derive(Args, Debug)]
pub(crate) struct Token {
    #[command(flatten)]
    folder: Folder,

    /// What the authority calls the terminal.
    #[arg(long, value_name = "NAME")]
    terminal: String,

    /// The file to write, which must not be there.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    at: At,
}

impl Token {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let token = self.folder.open()?.epoch_token(&self.terminal, self.at.instant())?;
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&self.out)?;
            file.write_all(&token.to_bytes())?;
            file.sync_all()
        })();
        written.map_err(|error| Failure(format!("cannot write {}: {error}", self.out.display())))
    }
}

/// Write the tokens of all terminals that have an extract into OUT, for a web server that gives each
/// terminal its own by its certificate; prints whose, and until when they count.
///
/// Meant for a timer, twice a day or more often, and after each `publish`. OUT must be no part of
/// what is published: whoever reads a token and has that terminal's extract can ask it.
#[derive(Args, Debug)]
pub(crate) struct Tokens {
    #[command(flatten)]
    folder: Folder,

    /// The folder to bring up to date.
    #[arg(value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    at: At,
}

impl Tokens {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let authority = self.folder.open()?;
        for (terminal, expires) in authority.epoch_tokens_to(&self.out, self.at.instant())? {
            writeln!(out, "{terminal}\tuntil {expires:?}")?;
        }
        Ok(())
    }
}
