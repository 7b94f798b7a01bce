//! The issuing side: keeps registers, makes keys, signs codes, publishes what terminals trust.

mod arguments;
mod binding;
mod code;
mod commuter;
mod exception;
mod extract;
mod issue;
mod key;
mod medical;
mod partner;
mod person;
mod policy;
mod registration;
mod repository;
mod revoke;
mod risk;
mod terminal;
mod transcode;
mod travel;

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use chrono::TimeDelta;
use clap::{
    Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use greengate::{authority::Authority, clock};

use self::arguments::At;

/// Keeps an authority's registers, makes issuers' keys, signs health codes, and publishes what
/// terminals trust.
///
/// Exit status: 0 done, 1 not done, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up an authority in a folder.
    Init {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// With every province and the national platform, each with a key.
        #[arg(long)]
        demo: bool,
    },
    /// Issuers' keys.
    #[command(subcommand)]
    Key(key::Key),
    /// What issuers' own statuses mean.
    #[command(subcommand)]
    Transcoding(transcode::Transcoding),
    /// Declarations and their audit.
    #[command(subcommand)]
    Person(person::Person),
    /// The commuter register.
    #[command(subcommand)]
    Commuter(commuter::Commuter),
    /// Nucleic-acid tests.
    #[command(subcommand)]
    Nat(medical::Nat),
    /// Vaccinations.
    #[command(subcommand)]
    Vaccination(medical::Vaccination),
    /// Where people have been.
    #[command(subcommand)]
    Travel(travel::Travel),
    /// Who handles another person's codes.
    #[command(subcommand)]
    Binding(binding::Binding),
    Issue(Box<issue::Issue>),
    Revoke(revoke::Revoke),
    Transcode(transcode::Transcode),
    Unrevoke(revoke::Unrevoke),
    /// Risk areas.
    #[command(subcommand)]
    Risk(risk::Risk),
    /// Provinces whose codes are not recognised for a while.
    #[command(subcommand)]
    Exception(exception::Exception),
    /// Issuers abroad.
    #[command(subcommand)]
    Partner(partner::Partner),
    /// The policy pack in force.
    #[command(subcommand)]
    Policy(policy::Policy),
    Extract(extract::Extract),
    Publish(repository::Publish),
    /// People whom staff have registered by hand.
    #[command(subcommand)]
    Registration(registration::Registration),
    /// The root of what is published: which keys count.
    #[command(subcommand)]
    Root(repository::Root),
    /// The terminals, and what each is told.
    #[command(subcommand)]
    Terminal(terminal::Terminal),
    Timestamp(repository::Timestamp),
    Token(extract::Token),
    Tokens(extract::Tokens),
    Serve(repository::Serve),
    /// Write the next version of the lists that terminals trust.
    Trust {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The folder to write key-ring.json, the other lists, and the revocations into.
        #[arg(value_name = "OUT")]
        out: PathBuf,

        #[command(flatten)]
        at: At,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| unrepeated(error).exit());
    let done = arguments.command.run(&mut io::stdout());
    done.map_or_else(
        |Failure(message)| {
            // If standard error is gone too, the exit status still tells.
            writeln!(io::stderr(), "greengate-authority: {message}").ok();
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// A complaint about usage that does not repeat a stray word: it may be of a name or a number.
fn unrepeated(mut error: clap::Error) -> clap::Error {
    let stray = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) => !word.starts_with('-'),
        _ => false,
    };
    if error.kind() == ErrorKind::UnknownArgument && stray {
        error.insert(ContextKind::InvalidArg, ContextValue::String("...".to_owned()));
    }
    error
}

impl Command {
    fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        match self {
            Self::Init { folder, demo: false } => Ok(Authority::init(folder).map(drop)?),
            Self::Init { folder, demo: true } => {
                // So that codes of the past year can be made with them.
                let valid_from = clock::now() - TimeDelta::days(365);
                Ok(Authority::init_demo(folder, valid_from).map(drop)?)
            }
            Self::Key(key) => key.run(out),
            Self::Transcoding(transcoding) => transcoding.run(),
            Self::Person(person) => person.run(),
            Self::Commuter(commuter) => commuter.run(),
            Self::Nat(nat) => nat.run(),
            Self::Vaccination(vaccination) => vaccination.run(),
            Self::Travel(travel) => travel.run(),
            Self::Binding(binding) => binding.run(),
            Self::Issue(issue) => issue.run(),
            Self::Revoke(revoke) => revoke.run(out),
            Self::Transcode(transcode) => transcode.run(),
            Self::Unrevoke(unrevoke) => unrevoke.run(out),
            Self::Risk(risk) => risk.run(),
            Self::Exception(exception) => exception.run(),
            Self::Partner(partner) => partner.run(out),
            Self::Policy(policy) => policy.run(out),
            Self::Extract(extract) => extract.run(out),
            Self::Publish(publish) => publish.run(),
            Self::Registration(registration) => registration.run(out),
            Self::Root(root) => root.run(out),
            Self::Terminal(terminal) => terminal.run(out),
            Self::Timestamp(timestamp) => timestamp.run(),
            Self::Token(token) => token.run(),
            Self::Tokens(tokens) => tokens.run(out),
            Self::Serve(serve) => serve.run(out),
            Self::Trust { folder, out, at } => {
                let mut authority = Authority::open(folder)?;
                Ok(authority.publish_to(out, at.instant()).map(drop)?)
            }
        }
    }
}

/// A command could not do what it was asked: what to say.
#[derive(Debug)]
struct Failure(String);

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
