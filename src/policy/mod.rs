//! The place's signed policy: limits of age, and the rules people pass or fail by.
//!
//! A pack is checked when it is read: a rule that is no [`certlogic`] expression, or that gives an
//! answer no rule may give, is refused with its name. Rules run in their order, and the first that
//! is not met gives the answer; one that errs is an answer too, and never a pass.

pub mod certlogic;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::certlogic::Expression;

use crate::{
    clock::Timestamp,
    credential::Kind,
    document::{self, DocumentError},
    language::Words,
    place::Place,
};

/// A policy pack, as one signed document said at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The pack's name, such as `BJ-2021-11`.
    pub name: String,
    /// The document's version.
    pub version: u64,
    /// When the document was issued.
    pub issued: Timestamp,
    /// The zone whose civil days count.
    pub time_zone: TimeZone,
    /// Which of a test's three instants its age is counted from.
    pub nat_anchor: NatAnchor,
    /// How old the trust data may be.
    pub trust_age_hours: TrustAgeHours,
    /// How long after it was issued a code of each kind may be shown.
    pub max_lifetime_hours: LifetimeHours,
    /// For how long a code that was shown counts as shown again.
    pub repeat_window_seconds: u32,
    /// How far an issuer's clock may be ahead of the terminal's.
    pub clock_tolerance_seconds: u32,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// Reads `policy.json`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; its content is refused if two rules share an identifier or the limits of
    /// age are out of order.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: PolicyDocument = document::read(bytes)?;
        let TrustAgeHours { warn, check_id, refer } = document.trust_age_hours;
        if warn > check_id || check_id > refer {
            return Err(DocumentError::content("trust_age_hours must not fall"));
        }
        let mut seen = BTreeSet::new();
        for RuleEntry { id, .. } in &document.rules {
            if !seen.insert(id) {
                return Err(DocumentError::content(format!("rule {id} stands twice")));
            }
        }
        Ok(Self {
            name: document.name,
            version: document.version,
            issued: document.issued,
            time_zone: document.time_zone,
            nat_anchor: document.nat_anchor,
            trust_age_hours: document.trust_age_hours,
            max_lifetime_hours: document.max_lifetime_hours,
            repeat_window_seconds: document.repeat_window_seconds,
            clock_tolerance_seconds: document.clock_tolerance_seconds,
            rules: document.rules.into_iter().map(Rule::parse).collect::<Result<_, _>>()?,
        })
    }

    /// How far an issuer's clock may be ahead.
    #[must_use]
    pub fn clock_tolerance(&self) -> TimeDelta {
        TimeDelta::seconds(self.clock_tolerance_seconds.into())
    }

    /// How long after it was issued a code of `kind` may be shown.
    #[must_use]
    pub fn max_lifetime(&self, kind: Kind) -> TimeDelta {
        TimeDelta::hours(match kind {
            Kind::Phone => self.max_lifetime_hours.phone.into(),
            Kind::Paper => self.max_lifetime_hours.paper.into(),
        })
    }

    /// What trust data that was published at `published` is good for. Each limit still belongs to
    /// the better side.
    #[must_use]
    pub fn trust_age(&self, published: Timestamp, now: Timestamp) -> TrustAge {
        let TrustAgeHours { warn, check_id, refer } = self.trust_age_hours;
        let age = now - published;
        if age > TimeDelta::hours(refer.into()) {
            TrustAge::PastLimit
        } else if age > TimeDelta::hours(check_id.into()) {
            TrustAge::Stale
        } else if age >= TimeDelta::hours(warn.into()) {
            TrustAge::Ageing
        } else {
            TrustAge::Fresh
        }
    }

    /// Asks the rules for `place` and `kind`, in their order, about a code of which `facts` say all
    /// that rules see.
    ///
    /// # Errors
    ///
    /// The first rule that is not met or that errs.
    pub fn ask(&self, place: Place, kind: Kind, facts: &Value) -> Result<(), Objection<'_>> {
        self.rules
            .iter()
            .filter(|rule| rule.places.contains(&place) && rule.kinds.contains(&kind))
            .try_for_each(|rule| match rule.is_met(facts) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Objection::NotMet(rule)),
                Err(_) => Err(Objection::Erred(rule)),
            })
    }
}

/// What the rules have against a code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objection<'policy> {
    /// The rule could not be evaluated.
    Erred(&'policy Rule),
    /// What the rule requires is not so.
    NotMet(&'policy Rule),
}

/// What trust data is good for at its age.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrustAge {
    /// Everything.
    Fresh,
    /// Everything, and it is time to fetch newer.
    Ageing,
    /// Passing with a look at the document.
    Stale,
    /// Nothing.
    PastLimit,
}

/// The zone whose civil days count.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum TimeZone {
    /// China's.
    #[serde(rename = "Asia/Shanghai")]
    Shanghai,
}

/// Which of a test's three instants its age is counted from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NatAnchor {
    /// When the result came into a database.
    #[default]
    Uploaded,
    /// When the laboratory reported.
    Reported,
    /// When the sample was taken.
    Sampled,
}

/// Ages of the trust data, in hours since its newest publication.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrustAgeHours {
    /// From here on the terminal warns.
    pub warn: u32,
    /// Beyond this nobody passes without a look at the document.
    pub check_id: u32,
    /// Beyond this nobody passes.
    pub refer: u32,
}

/// How long after it was issued a code may be shown, in hours.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimeHours {
    /// On a phone.
    pub phone: u32,
    /// On paper.
    pub paper: u32,
}

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
    when: Expression,
    /// What must be true of them.
    require: Expression,
    /// The answer for those of whom it is not true.
    pub otherwise: Otherwise,
    /// What the rule says, in words.
    pub text: Words,
}

impl Rule {
    fn parse(entry: RuleEntry) -> Result<Self, DocumentError> {
        let RuleEntry { id, version, places, kinds, when, require, otherwise, text } = entry;
        let expression = |member: &str, value: &Value| {
            Expression::parse(value)
                .map_err(|error| DocumentError::content(format!("rule {id}: {member}: {error}")))
        };
        let (when, require) = (expression("when", &when)?, expression("require", &require)?);
        Ok(Self { id, version, places, kinds, when, require, otherwise, text })
    }

    /// Whether the code that `facts` tell of is none of the rule's business, or fulfils it.
    fn is_met(&self, facts: &Value) -> Result<bool, certlogic::EvalError> {
        Ok(!self.when.is_true(facts)? || self.require.is_true(facts)?)
    }
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

/// The form of `policy.json`, for those who read it and for those who write it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) issued: Timestamp,
    pub(crate) time_zone: TimeZone,
    #[serde(default)]
    pub(crate) nat_anchor: NatAnchor,
    pub(crate) trust_age_hours: TrustAgeHours,
    pub(crate) max_lifetime_hours: LifetimeHours,
    #[serde(default)]
    pub(crate) repeat_window_seconds: u32,
    #[serde(default)]
    pub(crate) clock_tolerance_seconds: u32,
    pub(crate) rules: Vec<RuleEntry>,
}

/// One rule in `policy.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleEntry {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) places: BTreeSet<Place>,
    pub(crate) kinds: BTreeSet<Kind>,
    pub(crate) when: Value,
    pub(crate) require: Value,
    pub(crate) otherwise: Otherwise,
    pub(crate) text: Words,
}
