//! One rule: where, to whom, what, and otherwise.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::certlogic::Expression;
use crate::{credential::Kind, document::DocumentError, language::Words, place::Place};

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name for all time, such as `CN-R2`.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Where it applies.
    pub places: BTreeSet<Place>,
    /// To what it applies.
    pub kinds: BTreeSet<Kind>,
    /// To whom it applies.
    pub(super) when: Expression,
    /// What must be true of them.
    pub(super) require: Expression,
    /// Whether it asks for what the terminal's own risk-area list says.
    reads_list: bool,
    /// The answer for those of whom it is not true.
    pub otherwise: Otherwise,
    /// What the rule says, in words.
    pub text: Words,
}

impl Rule {
    /// Reads the rule that stands at `index` among the rules.
    pub(super) fn parse(index: usize, members: Value) -> Result<Self, DocumentError> {
        let name = members.get("id").and_then(Value::as_str).unwrap_or("without an id").to_owned();
        let refused = |at: &str, what: &dyn fmt::Display| {
            DocumentError::content(format!("rule {name}, /rules/{index}{at}: {what}"))
        };
        let RuleEntry { id, version, places, kinds, when, require, otherwise, text } =
            serde_json::from_value(members).map_err(|error| refused("", &error))?;
        let expression = |member: &str, value: &Value| {
            let parsed = Expression::parse(value);
            parsed.map_err(|error| refused(&format!("/{member}{}", error.at), &error.flaw))
        };
        let (when, require) = (expression("when", &when)?, expression("require", &require)?);
        let reads_list =
            [&when, &require].into_iter().any(|part| part.paths().contains(LISTED_PATH));
        Ok(Self { id, version, places, kinds, when, require, reads_list, otherwise, text })
    }

    /// Whether the rule has anything to say of codes of that kind at that place.
    #[must_use]
    pub fn is_for(&self, place: Place, kind: Kind) -> bool {
        self.places.contains(&place) && self.kinds.contains(&kind)
    }

    /// The paths in the facts that the rule may read.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        &self.when.paths() | &self.require.paths()
    }

    /// What the rule says of the code that `facts` tell of.
    #[must_use]
    pub fn answer(&self, facts: &Value) -> RuleAnswer {
        if self.reads_list && facts.pointer(LISTED) == Some(&Value::Null) {
            return match self.when.is_true(facts) {
                Ok(false) if !self.when.paths().contains(LISTED_PATH) => RuleAnswer::NotConcerned,
                _ => RuleAnswer::Erred,
            };
        }
        match self.when.is_true(facts) {
            Ok(false) => return RuleAnswer::NotConcerned,
            Ok(true) => {}
            Err(_) => return RuleAnswer::Erred,
        }
        match self.require.is_true(facts) {
            Ok(true) => RuleAnswer::Met,
            Ok(false) => RuleAnswer::NotMet,
            Err(_) => RuleAnswer::Erred,
        }
    }
}

/// How the terminal's risk-area list sees the areas visited; null while it has none.
const LISTED: &str = "/payload/travel/listed";

/// The same as rules write it.
const LISTED_PATH: &str = "payload.travel.listed";

/// What a rule says of a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuleAnswer {
    /// It could not be evaluated, or asks for a list that the terminal does not have.
    Erred,
    /// What it requires is so.
    Met,
    /// It is for others.
    NotConcerned,
    /// What it requires is not so.
    NotMet,
}

/// The answer that a rule gives those who fail it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// The verdict.
    pub verdict: RuleVerdict,
    /// The reason.
    pub reason: RuleReason,
}

/// The verdicts that a rule may give.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerdict {
    /// Compare the document.
    CheckId,
    /// Do not let pass.
    Deny,
    /// A person must tell.
    Refer,
}

/// The reasons that a rule may give. Source: REQUIREMENTS, section 2.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum RuleReason {
    /// The document is to be compared.
    #[serde(rename = "E03")]
    CompareDocument,
    /// There is no test.
    #[serde(rename = "E50")]
    NatMissing,
    /// The test is too old.
    #[serde(rename = "E51")]
    NatTooOld,
    /// The test is positive.
    #[serde(rename = "E52")]
    NatPositive,
    /// The holder is no registered commuter.
    #[serde(rename = "E53")]
    NotCommuter,
    /// The test has no result yet.
    #[serde(rename = "E54")]
    NatPending,
    /// The holder has been to an area of risk.
    #[serde(rename = "E55")]
    RiskArea,
}

/// One rule in `policy.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: String,
    version: u64,
    places: BTreeSet<Place>,
    kinds: BTreeSet<Kind>,
    when: Value,
    require: Value,
    otherwise: Otherwise,
    text: Words,
}
