//! The issuing side: makes keys, signs codes, publishes what terminals trust.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{NaiveDate, TimeDelta};
use clap::{Args, Parser, Subcommand, ValueEnum};
use greengate::{
    authority::{self, Authority, AuthorityError, print::Modules},
    clock::{self, Timestamp},
    credential::{
        Binding, Claims, CodeId, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult, NatSource,
        Relation, Travel, TravelLevel, Vaccination, Visit,
    },
    issuer::IssuerId,
    symbol::SymbolText,
};

/// Makes issuers' keys, signs health codes, and publishes what terminals trust.
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
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    Issue(Box<Issue>),
    /// Write the next version of the lists that terminals trust.
    Trust {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The folder to write key-ring.json and the other lists into.
        #[arg(value_name = "OUT")]
        out: PathBuf,

        /// Date the lists to this instant instead of now.
        #[arg(long, value_name = "RFC3339")]
        at: Option<Timestamp>,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key for an issuer, which signs with it from now on; prints its identifier.
    New {
        /// The authority's folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// The issuer: two digits of GB/T 2260, or 156.
        #[arg(long, value_parser = issuer)]
        issuer: IssuerId,

        /// The first instant at which it signs with the key, instead of now.
        #[arg(long, value_name = "RFC3339")]
        at: Option<Timestamp>,
    },
}

/// Sign a code, and write it as a picture or a text.
#[derive(Args, Debug)]
struct Issue {
    /// The authority's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The issuer: two digits of GB/T 2260, or 156.
    #[arg(long, value_parser = issuer)]
    issuer: IssuerId,

    /// What the code is shown on.
    #[arg(long)]
    kind: KindArgument,

    /// The file to write: its ending says which form, .png, .svg, or .txt.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The holder's name, which is masked to its first character.
    #[arg(long, default_value = "张三", value_parser = masked_name)]
    name: HolderName,

    /// The last four characters of the holder's document number.
    #[arg(long, default_value = "002X", value_parser = id_tail)]
    id_tail: IdTail,

    /// The status in the issuer's own numbering.
    #[arg(long, default_value_t = 1)]
    status: u64,

    /// When the code is issued, instead of now.
    #[arg(long, value_name = "RFC3339")]
    issued: Option<Timestamp>,

    /// When it expires, instead of the longest that its kind may be used: a day for a phone, 14
    /// days for paper.
    #[arg(long, value_name = "RFC3339")]
    expires: Option<Timestamp>,

    /// The code's name, 16 to 32 hexadecimal digits, instead of a random one.
    #[arg(long, value_name = "HEX", value_parser = code_id)]
    code_id: Option<CodeId>,

    /// The home province of a registered commuter.
    #[arg(long, value_name = "PROVINCE", value_parser = issuer)]
    commuter: Option<IssuerId>,

    /// The issuer of the code that this one was made from.
    #[arg(long, value_name = "ISSUER", value_parser = issuer)]
    origin: Option<IssuerId>,

    /// The result of the last nucleic-acid test.
    #[arg(long, requires = "nat_sampled")]
    nat: Option<NatArgument>,

    /// The database that holds the test.
    #[arg(long, default_value = "national")]
    nat_source: NatSourceArgument,

    /// When the sample was taken.
    #[arg(long, value_name = "RFC3339")]
    nat_sampled: Option<Timestamp>,

    /// When the laboratory reported, if not when the sample was taken.
    #[arg(long, value_name = "RFC3339")]
    nat_reported: Option<Timestamp>,

    /// When the result came into the database, if not when it was reported.
    #[arg(long, value_name = "RFC3339")]
    nat_uploaded: Option<Timestamp>,

    /// Vaccination: the number of doses and the day of the last, such as 2:2021-09-30.
    #[arg(long, value_name = "DOSES:DATE", value_parser = vaccination)]
    vaccination: Option<Vaccination>,

    /// The risk of where the holder has been, as of the issue.
    #[arg(long)]
    travel: Option<TravelArgument>,

    /// An area visited and the last day there, such as 110106:2021-11-12. Up to eight.
    #[arg(long, value_name = "AREA:DATE", value_parser = visit, requires = "travel")]
    visited: Vec<Visit>,

    /// The relation of the holder to the guardian, and the guardian's code, such as child:HEX.
    #[arg(long, value_name = "RELATION:HEX", value_parser = binding)]
    bound: Option<Binding>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArgument {
    Phone,
    Paper,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NatArgument {
    Negative,
    Positive,
    Pending,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NatSourceArgument {
    National,
    Municipal,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TravelArgument {
    None,
    Medium,
    High,
    Unknown,
}

fn main() -> ExitCode {
    let done = Arguments::parse().command.run(&mut io::stdout());
    done.map_or_else(
        |message| {
            // If standard error is gone too, the exit status still tells.
            writeln!(io::stderr(), "greengate-authority: {message}").ok();
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

impl Command {
    fn run(&self, out: &mut impl Write) -> Result<(), String> {
        let say = |error: AuthorityError| error.to_string();
        match self {
            Self::Init { folder, demo: false } => Authority::init(folder).map(drop).map_err(say),
            Self::Init { folder, demo: true } => {
                // So that codes of the past year can be made with them.
                let valid_from = clock::now() - TimeDelta::days(365);
                Authority::init_demo(folder, valid_from).map(drop).map_err(say)
            }
            Self::Key { command: KeyCommand::New { folder, issuer, at } } => {
                let mut authority = Authority::open(folder).map_err(say)?;
                let valid_from = at.unwrap_or_else(clock::now);
                let key_id = authority.new_key(*issuer, valid_from).map_err(say)?;
                writeln!(out, "{key_id}").map_err(|error| error.to_string())
            }
            Self::Issue(issue) => issue.run(clock::now()),
            Self::Trust { folder, out, at } => {
                let mut authority = Authority::open(folder).map_err(say)?;
                let issued = at.unwrap_or_else(clock::now);
                authority.publish_to(out, issued).map(drop).map_err(say)
            }
        }
    }
}

impl Issue {
    fn run(&self, now: Timestamp) -> Result<(), String> {
        let authority = Authority::open(&self.folder).map_err(|error| error.to_string())?;
        let claims = self.claims(now)?;
        let text = authority.issue(&claims).map_err(|error| error.to_string())?;
        write_code(&text, &self.out)
    }

    fn claims(&self, now: Timestamp) -> Result<Claims, String> {
        let now = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        let issued = self.issued.unwrap_or(now);
        let kind = match self.kind {
            KindArgument::Phone => Kind::Phone,
            KindArgument::Paper => Kind::Paper,
        };
        let longest = match kind {
            Kind::Phone => TimeDelta::hours(24),
            Kind::Paper => TimeDelta::days(14),
        };
        let code_id = match &self.code_id {
            Some(code_id) => code_id.clone(),
            None => authority::new_code_id().map_err(|error| error.to_string())?,
        };
        Ok(Claims {
            issuer: self.issuer,
            expires: self.expires.unwrap_or(issued + longest),
            issued,
            code_id,
            status: self.status,
            kind,
            name: self.name.clone(),
            id_tail: self.id_tail.clone(),
            document_match: None,
            nat: self.nat(),
            vaccination: self.vaccination,
            travel: self.travel(issued),
            commuter: self.commuter,
            binding: self.bound.clone(),
            origin: self.origin,
        })
    }

    fn nat(&self) -> Option<Nat> {
        let sampled = self.nat_sampled?;
        let reported = self.nat_reported.unwrap_or(sampled);
        let uploaded = self.nat_uploaded.unwrap_or(reported);
        let outcome = match self.nat? {
            NatArgument::Pending => NatOutcome::Pending,
            NatArgument::Negative => {
                NatOutcome::Known { result: NatResult::Negative, reported, uploaded }
            }
            NatArgument::Positive => {
                NatOutcome::Known { result: NatResult::Positive, reported, uploaded }
            }
        };
        let source = match self.nat_source {
            NatSourceArgument::National => NatSource::National,
            NatSourceArgument::Municipal => NatSource::Municipal,
        };
        Some(Nat { source, sampled, outcome })
    }

    fn travel(&self, as_of: Timestamp) -> Option<Travel> {
        let level = match self.travel? {
            TravelArgument::None => TravelLevel::None,
            TravelArgument::Medium => TravelLevel::Medium,
            TravelArgument::High => TravelLevel::High,
            TravelArgument::Unknown => TravelLevel::Unknown,
        };
        Some(Travel { level, as_of, visits: self.visited.clone() })
    }
}

/// Writes a code in the form that the file's ending names.
fn write_code(text: &SymbolText, path: &Path) -> Result<(), String> {
    let failed = |error: &dyn ToString| format!("{}: {}", path.display(), error.to_string());
    let modules = || Modules::of(text).ok_or_else(|| failed(&"no symbol holds so long a text"));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => modules()?.picture().save(path).map_err(|error| failed(&error)),
        Some("svg") => fs::write(path, modules()?.svg()).map_err(|error| failed(&error)),
        Some("txt") => {
            fs::write(path, format!("{}\n", text.as_str())).map_err(|error| failed(&error))
        }
        _ => Err(failed(&"the file must end in .png, .svg, or .txt")),
    }
}

fn issuer(text: &str) -> Result<IssuerId, String> {
    text.parse().map(IssuerId::new).map_err(|_| "not an issuer's number".to_owned())
}

fn masked_name(text: &str) -> Result<HolderName, String> {
    HolderName::masked(text).ok_or_else(|| "a name has 1 to 32 characters".to_owned())
}

fn id_tail(text: &str) -> Result<IdTail, String> {
    IdTail::new(text).ok_or_else(|| "four characters".to_owned())
}

fn code_id(text: &str) -> Result<CodeId, String> {
    let digits = text.as_bytes().chunks(2);
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes = bytes.collect::<Option<Vec<u8>>>().filter(|_| text.len().is_multiple_of(2));
    bytes.and_then(CodeId::new).ok_or_else(|| "16 to 32 hexadecimal digits".to_owned())
}

fn vaccination(text: &str) -> Result<Vaccination, String> {
    let parsed = text.split_once(':').and_then(|(doses, day)| {
        Some(Vaccination { doses: doses.parse().ok()?, day: day.parse().ok()? })
    });
    parsed.ok_or_else(|| "a number and a date, such as 2:2021-09-30".to_owned())
}

fn visit(text: &str) -> Result<Visit, String> {
    let parsed = text.split_once(':').and_then(|(area, day)| {
        Some(Visit { area: area.parse().ok()?, last_day: day.parse::<NaiveDate>().ok()? })
    });
    parsed.ok_or_else(|| "six digits and a date, such as 110106:2021-11-12".to_owned())
}

fn binding(text: &str) -> Result<Binding, String> {
    let parsed = text.split_once(':').and_then(|(relation, guardian)| {
        let relation = match relation {
            "child" => Relation::Child,
            "parent" => Relation::Parent,
            "spouse" => Relation::Spouse,
            "other" => Relation::Other,
            _ => return None,
        };
        Some(Binding { relation, guardian: code_id(guardian).ok()? })
    });
    parsed.ok_or_else(|| "child, parent, spouse, or other, and the guardian's code".to_owned())
}
