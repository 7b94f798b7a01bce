//! The look-up extract: what opens it, what it gives away, and what becomes of a damaged one.

#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod found;
mod kept;
mod secret;

use std::{fs::File, path::PathBuf};

use chrono::{NaiveDate, TimeDelta};
use common::{NOW, at, code};
use greengate::{
    credential::{HolderName, IdTail, Kind},
    id_document::DocumentNumber,
    roster::{EpochKey, EpochToken, Plan, Roster, RosterError, Stretching, build, file_name},
    symbol::SymbolText,
};
use tempfile::{TempDir, tempdir};

const GATE: &str = "gate-3";
const EPOCH: u64 = 7;

/// The last instant at which an extract of [`NOW`] counts, and the first after it.
const LAST: &str = "2021-11-26T23:59:59Z";
const AFTER: &str = "2021-11-27T00:00:00Z";

fn today() -> NaiveDate {
    at(NOW).date_naive()
}

/// Rows that a look-up reads at once.
const GROUP: usize = 16;

/// A citizen's number, each with another last digits.
fn citizen(person: usize) -> DocumentNumber {
    let (day, serial) = (person / 1000, person % 1000);
    let body = format!(
        "11010519{:02}{:02}{:02}{serial:03}",
        40 + day / 336,
        1 + day / 28 % 12,
        1 + day % 28
    );
    let check = (0..=10).map(|check| "0123456789X".as_bytes()[check]);
    let mut numbers = check.map(|check| format!("{body}{}", char::from(check)));
    numbers.find_map(|number| DocumentNumber::parse(&number, today()).ok()).unwrap()
}

fn other(text: &str) -> DocumentNumber {
    DocumentNumber::parse(text, today()).unwrap()
}

fn paper(number: &DocumentNumber, name: &str) -> SymbolText {
    code(|claims| {
        claims.kind = Kind::Paper;
        claims.name = HolderName::masked(name).unwrap();
        claims.id_tail = IdTail::of(number.text());
        claims.expires = claims.issued + TimeDelta::days(7);
    })
}

/// What an extract is made of in these tests, and where it is.
struct Desk {
    folder: TempDir,
    key: [u8; EpochKey::LEN],
    terminal: &'static str,
    stretching: Stretching,
}

impl Desk {
    fn new(terminal: &'static str, key: u8) -> Self {
        let folder = tempdir().unwrap();
        Self { folder, key: [key; EpochKey::LEN], terminal, stretching: Stretching::None }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(file_name(self.terminal).unwrap())
    }

    fn build(&self, people: &[DocumentNumber]) -> Result<u64, RosterError> {
        let codes = people.iter().map(|number| Ok((number.clone(), paper(number, "张三"))));
        self.build_of(codes)
    }

    fn build_of(
        &self,
        codes: impl IntoIterator<Item = Result<(DocumentNumber, SymbolText), RosterError>>,
    ) -> Result<u64, RosterError> {
        let dated = at(NOW);
        let plan = Plan {
            terminal: self.terminal,
            epoch: EPOCH,
            dated,
            expires: dated + TimeDelta::days(7),
            stretching: self.stretching,
        };
        let file = File::create(self.path()).unwrap();
        let key = EpochKey::new(&self.key).unwrap();
        build(&file, self.folder.path(), plan, &key, codes, &mut |_, _| {})
    }

    fn open(&self) -> Roster {
        Roster::open(&self.path(), self.terminal).unwrap()
    }

    /// Looks somebody up with a key of the day.
    fn ask(&self, number: &DocumentNumber, now: &str) -> Result<Option<SymbolText>, RosterError> {
        let roster = Roster::open(&self.path(), self.terminal)?;
        let token = token(self.terminal, EPOCH, self.key, now);
        roster.unlock(&token)?.look_up(number, at(now))
    }
}

fn token(terminal: &str, epoch: u64, key: [u8; 32], now: &str) -> EpochToken {
    let key = EpochKey::new(&key).unwrap();
    EpochToken::new(terminal, epoch, key, at(now), at(now) + TimeDelta::hours(12)).unwrap()
}

fn code_of<T>(outcome: Result<T, RosterError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "none")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
