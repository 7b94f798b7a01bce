//! `greengate-authority issue`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use greengate::{
    authority,
    clock::Timestamp,
    credential::{
        Binding, Claims, CodeId, HolderName, IdTail, Kind, Nat, Relation, Travel, TravelLevel,
        Vaccination, Visit,
    },
    id_document::NumberText,
    issuer::IssuerId,
};

use crate::{
    Failure,
    arguments::{
        Folder, ID_TAIL, KindArgument, MASKED_NAME, NUMBER, code_id, issuer, this_second, visit,
    },
    code,
    medical::{self, NatArgument, NatSourceArgument},
};

/// Sign a code, and write it as a picture or a text.
///
/// With --number it says what the registers have of that person, and is remembered; without, it
/// says what the other flags do.
#[derive(Args, Debug)]
pub(crate) struct Issue {
    #[command(flatten)]
    folder: Folder,

    /// The issuer: two digits of GB/T 2260, or 156.
    #[arg(long, value_parser = issuer)]
    issuer: IssuerId,

    /// What the code is shown on.
    #[arg(long)]
    kind: KindArgument,

    /// The file to write: its ending says which form, .png, .svg, or .txt.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// When the code is issued, instead of now.
    #[arg(long, value_name = "RFC3339", visible_alias = "at")]
    issued: Option<Timestamp>,

    /// The number of the holder's document in the registers.
    #[arg(long, value_name = "NUMBER", value_parser = NUMBER, conflicts_with_all = BY_HAND)]
    number: Option<NumberText>,

    #[command(flatten)]
    by_hand: ByHand,
}

/// The flags that say what only the registers can, where a person's number is given.
const BY_HAND: [&str; 16] = [
    "name",
    "id_tail",
    "status",
    "expires",
    "code_id",
    "commuter",
    "origin",
    "nat",
    "nat_source",
    "nat_sampled",
    "nat_reported",
    "nat_uploaded",
    "vaccination",
    "travel",
    "visited",
    "bound",
];

/// The claims of a code that no register is asked for.
#[derive(Args, Debug)]
struct ByHand {
    /// The holder's name, which is masked to its first character.
    #[arg(long, default_value = "张三", value_parser = MASKED_NAME)]
    name: HolderName,

    /// The last four characters of the holder's document number.
    #[arg(long, default_value = "002X", value_parser = ID_TAIL)]
    id_tail: IdTail,

    /// The status in the issuer's own numbering.
    #[arg(long, default_value_t = 1)]
    status: u64,

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
enum TravelArgument {
    None,
    Medium,
    High,
    Unknown,
}

impl Issue {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Self { folder, issuer, kind, out, issued, number, by_hand } = self;
        let mut authority = folder.open()?;
        let now = issued.unwrap_or_else(this_second);
        let text = match number {
            Some(number) => authority.issue_for(number, *issuer, (*kind).into(), now)?,
            None => authority.issue(&by_hand.claims(*issuer, (*kind).into(), now)?)?,
        };
        code::write(&text, out)
    }
}

impl ByHand {
    fn claims(&self, issuer: IssuerId, kind: Kind, now: Timestamp) -> Result<Claims, Failure> {
        let code_id = match &self.code_id {
            Some(code_id) => code_id.clone(),
            None => authority::new_code_id()?,
        };
        Ok(Claims {
            issuer,
            expires: self.expires.unwrap_or(now + authority::lifetime(kind)),
            issued: now,
            code_id,
            status: self.status,
            kind,
            name: self.name.clone(),
            id_tail: self.id_tail.clone(),
            document_match: None,
            nat: self.nat(),
            vaccination: self.vaccination,
            travel: self.travel(now),
            commuter: self.commuter,
            binding: self.bound.clone(),
            origin: self.origin,
        })
    }

    fn nat(&self) -> Option<Nat> {
        let Self { nat_source, nat_sampled, nat_reported, nat_uploaded, .. } = *self;
        Some(medical::nat(self.nat?, nat_source, nat_sampled?, nat_reported, nat_uploaded))
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

fn vaccination(text: &str) -> Result<Vaccination, String> {
    let parsed = text.split_once(':').and_then(|(doses, day)| {
        Some(Vaccination { doses: doses.parse().ok()?, day: day.parse().ok()? })
    });
    parsed.ok_or_else(|| "a number and a date, such as 2:2021-09-30".to_owned())
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
