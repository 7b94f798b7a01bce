//! The place's signed policy: limits of age, and the rules people pass or fail by.
//!
//! The rules are kept as they were signed. Their language is not spoken here yet, and a rule that
//! cannot be evaluated counts as one that errs: whoever it applies to is referred.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clock::Timestamp,
    credential::Kind,
    document::{self, DocumentError},
    language::Words,
    place::Place,
};

/// A policy pack, as one signed document said at one time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
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
    #[serde(default)]
    pub nat_anchor: NatAnchor,
    /// How old the trust data may be.
    pub trust_age_hours: TrustAgeHours,
    /// How long after it was issued a code of each kind may be shown.
    pub max_lifetime_hours: LifetimeHours,
    /// For how long a code that was shown counts as shown again.
    #[serde(default)]
    pub repeat_window_seconds: u32,
    /// How far an issuer's clock may be ahead of the terminal's.
    #[serde(default)]
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
        let policy: Self = document::read(bytes)?;
        let TrustAgeHours { warn, check_id, refer } = policy.trust_age_hours;
        if warn > check_id || check_id > refer {
            return Err(DocumentError::content("trust_age_hours must not fall"));
        }
        let mut seen = BTreeSet::new();
        for Rule { id, .. } in &policy.rules {
            if !seen.insert(id) {
                return Err(DocumentError::content(format!("rule {id} stands twice")));
            }
        }
        Ok(policy)
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

    /// The rules that apply to a code of `kind` shown at `place`, in their order.
    pub fn rules_for(&self, place: Place, kind: Kind) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(move |rule| rule.places.contains(&place) && rule.kinds.contains(&kind))
    }
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
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name for all time, such as `CN-R2`.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Where it applies.
    pub places: BTreeSet<Place>,
    /// To what it applies.
    pub kinds: BTreeSet<Kind>,
    /// To whom it applies, in `CertLogic`.
    pub when: Value,
    /// What must be true of them, in `CertLogic`.
    pub require: Value,
    /// The answer for those of whom it is not true.
    pub otherwise: Otherwise,
    /// What the rule says, in words.
    pub text: Words,
}

/// The answer that a rule gives those who fail it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// The verdict.
    pub verdict: RuleVerdict,
    /// The reason code.
    pub reason: String,
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
