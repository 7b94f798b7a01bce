//! The issuing side: what its registers allow, and what stands in the codes and lists it makes.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod bound;
#[path = "../common/mod.rs"]
mod common;
mod converted;
mod declared;
mod health;
mod listed;

use chrono::NaiveDate;
use common::{NOW, at};
use greengate::{
    authority::{Authority, AuthorityError, FullName, Health},
    credential::{Claims, Credential, Kind, verify},
    id_document::NumberText,
    issuer::IssuerId,
    key_ring::KeyRing,
    recognition::Recognition,
    risk_area::{RiskArea, RiskAreas},
    symbol::SymbolText,
};
use tempfile::{TempDir, tempdir};

const BEIJING: IssuerId = IssuerId::new(11);
const HEBEI: IssuerId = IssuerId::new(13);
const EARLY: &str = "2021-11-01T00:00:00Z";

/// An authority with a key for Beijing and one for the national platform.
struct Office {
    authority: Authority,
    folder: TempDir,
}

impl Office {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let mut authority = Authority::init(folder.path()).unwrap();
        for issuer in [BEIJING, IssuerId::NATIONAL] {
            authority.new_key(issuer, at(EARLY)).unwrap();
        }
        Self { authority, folder }
    }

    /// An audited declaration.
    fn healthy(&mut self, person: &NumberText) {
        self.authority.declare(person, &name("张三"), at(EARLY)).unwrap();
        self.authority.review(person, at(EARLY)).unwrap();
        self.authority.audit(person, Health::Normal, at(EARLY)).unwrap();
    }

    /// What a terminal believes of the code that the registers give a person.
    fn claims(&mut self, person: &NumberText, now: &str) -> Result<Claims, AuthorityError> {
        let text = self.authority.issue_for(person, BEIJING, Kind::Phone, at(now))?;
        Ok(self.believed(&text))
    }

    fn believed(&mut self, text: &SymbolText) -> Claims {
        let verified = verify(Credential::parse(text).unwrap(), &self.ring()).unwrap();
        verified.claims().clone()
    }

    fn ring(&mut self) -> KeyRing {
        KeyRing::parse(&self.authority.publish(at(NOW)).unwrap().key_ring).unwrap()
    }

    fn recognition(&mut self) -> Recognition {
        let files = self.authority.publish(at(NOW)).unwrap();
        Recognition::parse(&files.recognition.unwrap()).unwrap()
    }

    fn risk_areas(&mut self) -> Vec<RiskArea> {
        let files = self.authority.publish(at(NOW)).unwrap();
        RiskAreas::parse(&files.risk_areas.unwrap()).unwrap().areas
    }
}

fn number(text: &str) -> NumberText {
    NumberText::new(text).unwrap()
}

fn name(text: &str) -> FullName {
    FullName::new(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What was said, `done` if nothing was.
fn said<T>(outcome: Result<T, AuthorityError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "done".to_owned())
}
