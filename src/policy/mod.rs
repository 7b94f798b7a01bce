//! The place's signed policy: limits of age, and the rules people pass or fail by.
//!
//! A pack is checked twice. When it is read, a [`rule`](Rule) that is no [`certlogic`] expression,
//! or that gives an answer no rule may give, is refused with its name and place. When it is to be
//! published or installed, its [`flaws`](Policy::flaws) are looked for: what can be read, and would
//! err, or do what no pack may. Rules run in their order, and the first that is not met gives the
//! answer; one that errs is an answer too, and never a pass.

pub mod certlogic;
mod flaw;
mod rule;

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    flaw::{Defect, Flaw},
    rule::{Otherwise, Rule, RuleAnswer, RuleReason, RuleVerdict},
};
use crate::{
    clock::{Timestamp, shanghai_date},
    credential::{Kind, Nat, NatOutcome},
    document::{self, DocumentError, unique_members},
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
        let rules = document.rules.into_iter().enumerate();
        let rules = rules.map(|(index, RuleMembers(members))| Rule::parse(index, members));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        for Rule { id, .. } in &rules {
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
            rules,
        })
    }

    /// How far an issuer's clock may be ahead.
    #[must_use]
    pub fn clock_tolerance(&self) -> TimeDelta {
        TimeDelta::seconds(self.clock_tolerance_seconds.into())
    }

    /// For how long a code that was let pass counts as shown again.
    #[must_use]
    pub fn repeat_window(&self) -> TimeDelta {
        TimeDelta::seconds(self.repeat_window_seconds.into())
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

    /// The civil day from which the age of `nat` counts; nothing while it has no result.
    #[must_use]
    pub fn nat_day(&self, nat: &Nat) -> Option<NaiveDate> {
        let anchor = match (self.nat_anchor, nat.outcome) {
            (NatAnchor::Sampled, _) => nat.sampled,
            (NatAnchor::Reported, NatOutcome::Known { reported, .. }) => reported,
            (NatAnchor::Uploaded, NatOutcome::Known { uploaded, .. }) => uploaded,
            (NatAnchor::Reported | NatAnchor::Uploaded, NatOutcome::Pending) => return None,
        };
        Some(shanghai_date(anchor))
    }

    /// What trust data that was published at `published` will be good for next, and in how long;
    /// nothing once it is good for nothing.
    #[must_use]
    pub fn next_age(&self, published: Timestamp, now: Timestamp) -> Option<(TrustAge, TimeDelta)> {
        let TrustAgeHours { check_id, refer, .. } = self.trust_age_hours;
        let (next, hours) = match self.trust_age(published, now) {
            TrustAge::Fresh | TrustAge::Ageing => (TrustAge::Stale, check_id),
            TrustAge::Stale => (TrustAge::PastLimit, refer),
            TrustAge::PastLimit => return None,
        };
        Some((next, published + TimeDelta::hours(hours.into()) - now))
    }

    /// Asks the rules for `place` and `kind`, in their order, about a code of which `facts` say all
    /// that rules see.
    ///
    /// # Errors
    ///
    /// The first rule that is not met or that errs.
    pub fn ask(&self, place: Place, kind: Kind, facts: &Value) -> Result<(), Objection<'_>> {
        self.rules.iter().filter(|rule| rule.is_for(place, kind)).try_for_each(|rule| {
            match rule.answer(facts) {
                RuleAnswer::NotConcerned | RuleAnswer::Met => Ok(()),
                RuleAnswer::NotMet => Err(Objection::NotMet(rule)),
                RuleAnswer::Erred => Err(Objection::Erred(rule)),
            }
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
    pub(crate) rules: Vec<RuleMembers>,
}

/// One rule in `policy.json`, as it stands there: each is read by itself, so that what is wrong with
/// it can be told by its name.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct RuleMembers(#[serde(deserialize_with = "unique_members")] Value);
