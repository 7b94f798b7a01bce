//! What is wrong with a pack that can be read.
//!
//! A terminal that is handed such a pack refers whoever its rules err on. Whoever publishes or
//! installs one is told before that, with the rule's name and the place in the file.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use thiserror::Error;

use super::{
    Policy, Rule, RuleAnswer, RuleVerdict,
    certlogic::{Misuse, Misused, Types},
};
use crate::{credential::Kind, issuer::IssuerId, place::Place};

impl Policy {
    /// All that is wrong with the rules, in their order; nothing, if they may be published.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let rules = self.rules.iter().enumerate();
        rules
            .flat_map(|(index, rule)| {
                let defects = defects(rule).into_iter();
                defects.map(move |(at, defect)| Flaw {
                    rule: rule.id.clone(),
                    at: format!("/rules/{index}{at}"),
                    defect,
                })
            })
            .collect()
    }
}

fn defects(rule: &Rule) -> Vec<(String, Defect)> {
    let mut defects = Vec::new();
    if rule.id.trim().is_empty() {
        defects.push(("/id".to_owned(), Defect::Unnamed));
    }
    for (at, text) in [("/text/zh", &rule.text.zh), ("/text/en", &rule.text.en)] {
        if text.trim().is_empty() {
            defects.push((at.to_owned(), Defect::NoText));
        }
    }
    for (at, expression) in [("/when", &rule.when), ("/require", &rule.require)] {
        match expression.types(&type_of) {
            Ok(types) if types.meets(Types::BOOL) => {}
            Ok(_) => defects.push((at.to_owned(), Defect::NotBoolean)),
            Err(Misuse { at: within, misused }) => {
                defects.push((format!("{at}{within}"), Defect::Misused(misused)));
            }
        }
    }
    if defects.is_empty() && demands_local_code(rule) {
        defects.push(("/require".to_owned(), Defect::LocalCode));
    }
    defects
}

/// Whether there are issuers whose holders cannot fulfil the rule somewhere, whatever else is true
/// of them, while others can: those would have to apply for a code of another issuer.
fn demands_local_code(rule: &Rule) -> bool {
    let paths = rule.paths();
    let reads_issuer = ["", "payload", "payload.issuer", "payload.origin"];
    if rule.otherwise.verdict == RuleVerdict::CheckId
        || !reads_issuer.into_iter().any(|path| paths.contains(path))
    {
        return false;
    }
    // A rule that is off must be fit to be switched on anywhere.
    let places: Vec<_> = if rule.places.is_empty() {
        Place::ALL.to_vec()
    } else {
        rule.places.iter().copied().collect()
    };
    let settings =
        places.iter().flat_map(|place| rule.kinds.iter().map(move |kind| (*place, *kind)));
    settings.into_iter().any(|(place, kind)| {
        let fulfil = |issuer| {
            holders(issuer, place, kind).any(|facts| {
                matches!(rule.answer(&facts), RuleAnswer::Met | RuleAnswer::NotConcerned)
            })
        };
        let can: BTreeSet<bool> = IssuerId::all().map(fulfil).collect();
        can.len() > 1
    })
}

/// The facts of holders of green codes of `issuer`, who have what a rule can ask for, or lack it.
fn holders(issuer: IssuerId, place: Place, kind: Kind) -> impl Iterator<Item = Value> {
    let nat = json!({
        "result": "negative", "source": "national", "sampled": "2021-11-19T22:00:00Z",
        "reported": "2021-11-19T23:00:00Z", "uploaded": "2021-11-19T23:00:00Z", "age_days": 0,
    });
    let vaccination = json!({"doses": 3, "day": "2021-06-01"});
    let travel = json!({"level": "none", "as_of": "2021-11-19T23:00:00Z", "listed": "none"});
    let external = json!({
        "validationClock": "2021-11-20T00:00:00Z", "today": "2021-11-20", "place": place,
    });
    let origin = if issuer == IssuerId::NATIONAL { json!(31) } else { Value::Null };
    // Each bit is one thing that is there or not; at first all of them are.
    (0..1_u8 << 6).rev().map(move |bits| {
        let has = |bit: u8, value: &Value| match bits & 1 << bit {
            0 => Value::Null,
            _ => value.clone(),
        };
        json!({
            "payload": {
                "issuer": issuer, "kind": kind, "status": "normal", "origin": has(0, &origin),
                "commuter": has(1, &json!(13)), "bound": bits & 1 << 2 == 0,
                "nat": has(3, &nat), "vaccination": has(4, &vaccination),
                "travel": has(5, &travel),
            },
            "external": external,
        })
    })
}

/// What the facts that rules see hold at `path`; nothing, if they hold nothing there.
///
/// Source: TRUST, section 1.
#[must_use]
pub(crate) fn type_of(path: &str) -> Option<Types> {
    const MAYBE_INTEGER: Types = Types::INTEGER.or(Types::NULL);
    const MAYBE_OBJECT: Types = Types::OBJECT.or(Types::NULL);
    const MAYBE_TEXT: Types = Types::TEXT.or(Types::NULL);
    Some(match path {
        "" | "payload" | "external" => Types::OBJECT,
        "payload.issuer" => Types::INTEGER,
        "payload.bound" => Types::BOOL,
        "payload.origin"
        | "payload.commuter"
        | "payload.nat.age_days"
        | "payload.vaccination.doses" => MAYBE_INTEGER,
        "payload.nat" | "payload.vaccination" | "payload.travel" => MAYBE_OBJECT,
        // What a member that may be absent holds may be absent.
        "payload.nat.result"
        | "payload.nat.source"
        | "payload.nat.sampled"
        | "payload.nat.reported"
        | "payload.nat.uploaded"
        | "payload.vaccination.day"
        | "payload.travel.level"
        | "payload.travel.as_of"
        | "payload.travel.listed" => MAYBE_TEXT,
        "payload.kind"
        | "payload.status"
        | "external.validationClock"
        | "external.today"
        | "external.place" => Types::TEXT,
        _ => return None,
    })
}

/// Something that is wrong with one rule of a pack.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("rule {rule}, {at}: {defect}")]
pub struct Flaw {
    /// The rule's name.
    pub rule: String,
    /// Where in the file, as a JSON Pointer (RFC 6901).
    pub at: String,
    /// What is wrong there.
    pub defect: Defect,
}

/// What is wrong with a rule that can be read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Defect {
    /// Holders of recognised codes would have to apply for a local one. Source: REQUIREMENTS, R7.
    #[error("demands a local code of holders of recognised ones: file an exception instead")]
    LocalCode,

    /// The expression can never be evaluated.
    #[error(transparent)]
    Misused(#[from] Misused),

    /// It comes to something that is never true or false.
    #[error("comes to neither true nor false")]
    NotBoolean,

    /// Nobody could be told what the rule is.
    #[error("there is no text")]
    NoText,

    /// Nobody could name the rule.
    #[error("there is no name")]
    Unnamed,
}
