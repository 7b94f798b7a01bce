//! Why a decision came out as it did: each check with what it saw and what came of it.
//!
//! Checks run in one order and the first to fail decides, so a decision's reason tells how far it
//! came. Nothing is judged here a second time: what is explained is the decision that was made.
//! No name and no number of a document is in an explanation.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::Value;

use super::{Basis, Decision, Detail, Footing, History, Reason, Shown, Verdict, facts, footing};
use crate::{
    clock::Timestamp,
    credential::{Claims, VerifiedCredential},
    issuer::IssuerId,
    policy::{Rule, RuleAnswer},
    revocation::Month,
    trust::{DocumentKind, Trust},
};

/// What each check saw and what came of it, and the lists they went by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// The version of each list and when it was issued.
    pub trust: Vec<(DocumentKind, u64, Timestamp)>,
}

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// Which.
    pub kind: CheckKind,
    /// The rule's name and version, where a rule was asked.
    pub rule: Option<(String, u64)>,
    /// What came of it.
    pub outcome: Outcome,
    /// What it saw: names and values.
    pub saw: Vec<(String, String)>,
}

/// The checks, in their order. Source: REQUIREMENTS, section 2.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CheckKind {
    /// The clock is not below what has certainly passed.
    Clock,
    /// The terminal knows its place, and has rules.
    Policy,
    /// The lists are not too old.
    TrustAge,
    /// What was shown is one health code, well formed.
    Form,
    /// The issuer's key is known and in use.
    Key,
    /// The signature is that key's.
    Signature,
    /// The key had not been retired when it signed.
    Retirement,
    /// The code is valid now.
    Dates,
    /// The issuer has not withdrawn the code.
    Revocation,
    /// The issuer's codes are recognised here.
    Recognition,
    /// The holder's status is green.
    Status,
    /// A rule of the policy.
    Rule,
    /// The code was not here a short while ago.
    Repeat,
    /// The document need not be compared.
    Document,
}

impl CheckKind {
    const ALL: [Self; 14] = [
        Self::Clock,
        Self::Policy,
        Self::TrustAge,
        Self::Form,
        Self::Key,
        Self::Signature,
        Self::Retirement,
        Self::Dates,
        Self::Revocation,
        Self::Recognition,
        Self::Status,
        Self::Rule,
        Self::Repeat,
        Self::Document,
    ];

    /// The name that the command line uses.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Policy => "policy",
            Self::TrustAge => "trust_age",
            Self::Form => "form",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Retirement => "retirement",
            Self::Dates => "dates",
            Self::Revocation => "revocation",
            Self::Recognition => "recognition",
            Self::Status => "status",
            Self::Rule => "rule",
            Self::Repeat => "repeat",
            Self::Document => "document",
        }
    }

    /// The check that made `decision` for `reason`.
    fn that_made(decision: &Decision, reason: Reason) -> Self {
        match (reason, decision.verdict(), decision.detail()) {
            // A rule asked for it, after which the code was still looked up in the history.
            (Reason::CompareDocument, Verdict::CheckId, _) => return Self::Document,
            (_, _, Some(Detail::Rule { .. })) => return Self::Rule,
            (_, _, Some(Detail::Revocations(_))) => return Self::Revocation,
            _ => {}
        }
        match reason {
            Reason::Clock => Self::Clock,
            Reason::NoPolicy => Self::Policy,
            Reason::TrustPastLimit => Self::TrustAge,
            Reason::Unreadable
            | Reason::ForeignSymbol
            | Reason::Malformed
            | Reason::SeveralCodes
            | Reason::NotInExtract => Self::Form,
            Reason::UnknownKey | Reason::CompromisedKey | Reason::WithdrawnSeries => Self::Key,
            Reason::BadSignature => Self::Signature,
            Reason::RetiredKey => Self::Retirement,
            Reason::IssuedInFuture | Reason::Expired | Reason::PastLifetime => Self::Dates,
            Reason::Revoked => Self::Revocation,
            Reason::ExceptedProvince | Reason::PartnerNotInForce => Self::Recognition,
            Reason::Watch | Reason::Stop | Reason::UnderReview | Reason::UnmappedStatus => {
                Self::Status
            }
            Reason::NatMissing
            | Reason::NatTooOld
            | Reason::NatPositive
            | Reason::NotCommuter
            | Reason::NatPending
            | Reason::RiskArea => Self::Rule,
            Reason::ShownAlready => Self::Repeat,
            Reason::PaperCode
            | Reason::BoundCode
            | Reason::CompareDocument
            | Reason::TrustStale
            | Reason::IdMismatch => Self::Document,
        }
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Nothing is wrong.
    Good,
    /// The rule is for others.
    NotConcerned,
    /// This check decided.
    Failed(Reason),
    /// An earlier one had decided.
    NotReached,
}

impl Outcome {
    /// The name that the command line uses.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotConcerned => "not_concerned",
            Self::Failed(_) => "failed",
            Self::NotReached => "not_reached",
        }
    }
}

/// Explains `decision`, which was made on this basis and history at `now`.
#[must_use]
pub fn explain(
    decision: &Decision,
    basis: &Basis,
    history: &History,
    now: Timestamp,
) -> Explanation {
    let failed = decision.reason();
    let failed = failed.map(|reason| (CheckKind::that_made(decision, reason), reason));
    let sight = Sight { decision, basis, history, now };
    let mut checks = Vec::new();
    for kind in CheckKind::ALL {
        let outcome = match failed {
            Some((at, reason)) if kind == at => Outcome::Failed(reason),
            Some((at, _)) if kind > at => Outcome::NotReached,
            _ => Outcome::Good,
        };
        if kind == CheckKind::Rule {
            checks.extend(sight.rules(outcome));
        } else {
            let saw = match outcome {
                Outcome::NotReached => Vec::new(),
                _ => sight.saw(kind),
            };
            checks.push(Check { kind, rule: None, outcome, saw });
        }
    }
    let trust = basis.trust.as_ref().map(|trust| trust.versions().collect()).unwrap_or_default();
    Explanation { checks, trust }
}

/// All that was in sight when the decision was made.
struct Sight<'sight> {
    decision: &'sight Decision,
    basis: &'sight Basis,
    history: &'sight History,
    now: Timestamp,
}

impl Sight<'_> {
    fn claims(&self) -> Option<&Claims> {
        self.decision.credential().map(VerifiedCredential::claims)
    }

    /// What a check that is no rule saw.
    fn saw(&self, kind: CheckKind) -> Vec<(String, String)> {
        let Self { basis, now, .. } = self;
        let trust = basis.trust.as_ref();
        let policy = trust.and_then(|trust| trust.policy.as_ref());
        let mut saw = Vec::new();
        let mut see = |name: &str, value: Option<String>| {
            saw.extend(value.map(|value| (name.to_owned(), value)));
        };
        match kind {
            CheckKind::Clock => {
                see("now", Some(instant(*now)));
                see("floor", Some(instant(basis.floor.instant())));
            }
            CheckKind::Policy => {
                see("place", basis.place.map(|place| place.code().to_owned()));
                see("policy", policy.map(|policy| format!("{} {}", policy.name, policy.version)));
            }
            CheckKind::TrustAge => {
                let published = trust.map(Trust::published);
                see("age", published.map(|published| length(*now - published)));
                let limits = policy.map(|policy| policy.trust_age_hours);
                see("check ID after", limits.map(|limits| format!("{} h", limits.check_id)));
                see("refer after", limits.map(|limits| format!("{} h", limits.refer)));
            }
            CheckKind::Key => {
                let issuer = self.claims().map(|claims| claims.issuer);
                see("issuer", issuer.map(|issuer| issuer.to_string()));
            }
            CheckKind::Dates => {
                let claims = self.claims();
                see("issued", claims.map(|claims| instant(claims.issued)));
                see("expires", claims.map(|claims| instant(claims.expires)));
                let lifetime = claims.zip(policy);
                let lifetime = lifetime.map(|(claims, policy)| policy.max_lifetime(claims.kind));
                see("at most", lifetime.map(length));
            }
            CheckKind::Revocation => {
                let claims = self.claims();
                let list =
                    claims.and_then(|claims| basis.revocations.list(claims.issuer, claims.expires));
                see("list", claims.map(|claims| Month::of(claims.expires).to_string()));
                let version = list.map_or("none".to_owned(), |list| list.version.to_string());
                see("version", claims.map(|_| version));
            }
            CheckKind::Recognition => {
                let origin = self.claims().and_then(|claims| claims.origin);
                see("converted from", origin.map(|origin| origin.to_string()));
                if let Some(Detail::Exception { filing, .. }) = self.decision.detail() {
                    see("filing", Some(filing.clone()));
                }
                let country = self.claims().and_then(|claims| claims.issuer.country());
                see("partner", country.map(str::to_owned));
                let list = trust.and_then(|trust| trust.recognition.as_ref());
                let agreement =
                    self.claims().zip(list).zip(basis.place).and_then(|((claims, list), place)| {
                        list.partner(claims.issuer, place, *now)
                    });
                see("agreement", agreement.map(|partner| partner.agreement.clone()));
            }
            CheckKind::Status => {
                let local = self.claims().map(|claims| (claims.issuer, claims.status));
                see("status", local.map(|(_, status)| status.to_string()));
                see("means", local.and_then(|(issuer, status)| meaning(trust?, issuer, status)));
            }
            CheckKind::Repeat => {
                see("window", policy.map(|policy| length(policy.repeat_window())));
                let shown = self.decision.credential();
                let shown = shown.and_then(|credential| self.history.last_shown(credential));
                see("last let pass", shown.map(|Shown { at, .. }| instant(*at)));
                see("gate", shown.and_then(|Shown { gate, .. }| gate.clone()));
            }
            CheckKind::Document => {
                see("kind", self.claims().map(|claims| claims.kind.code().to_owned()));
                let bound = self.claims().map(|claims| claims.binding.is_some());
                see("bound", bound.map(|bound| bound.to_string()));
            }
            CheckKind::Form | CheckKind::Signature | CheckKind::Retirement | CheckKind::Rule => {}
        }
        saw
    }

    /// Each rule for this place and kind of code, with what it saw if it was asked.
    fn rules(&self, outcome: Outcome) -> Vec<Check> {
        let Some((claims, footing)) = self.claims().zip(footing(self.basis, self.now).ok()) else {
            return Vec::new();
        };
        let mut facts = match outcome {
            Outcome::NotReached => None,
            _ => self.facts(claims, &footing),
        };
        let rules = footing.policy.rules.iter();
        let rules = rules.filter(|rule| rule.is_for(footing.place, claims.kind));
        let mut checks = Vec::new();
        for rule in rules {
            let outcome = match facts.as_ref().map(|facts| rule.answer(facts)) {
                None => Outcome::NotReached,
                Some(RuleAnswer::NotConcerned) => Outcome::NotConcerned,
                Some(RuleAnswer::Met) => Outcome::Good,
                Some(RuleAnswer::NotMet) => Outcome::Failed(rule.otherwise.reason.into()),
                Some(RuleAnswer::Erred) => Outcome::Failed(Reason::NoPolicy),
            };
            let saw = facts.as_ref().map(|facts| seen_by(rule, facts)).unwrap_or_default();
            let rule = Some((rule.id.clone(), rule.version));
            checks.push(Check { kind: CheckKind::Rule, rule, outcome, saw });
            if let Outcome::Failed(_) = outcome {
                facts = None;
            }
        }
        checks
    }

    fn facts(&self, claims: &Claims, footing: &Footing<'_>) -> Option<Value> {
        let list = footing.trust.recognition.as_ref()?;
        let status = list.normal_status(claims.issuer, claims.status)?;
        Some(facts::of(claims, status, footing, self.now))
    }
}

/// What `local` means in the list that the terminal has.
fn meaning(trust: &Trust, issuer: IssuerId, local: u64) -> Option<String> {
    let status = trust.recognition.as_ref()?.normal_status(issuer, local)?;
    Some(format!("{status:?}").to_lowercase())
}

/// Each path that the rule may read, and what it leads to.
fn seen_by(rule: &Rule, facts: &Value) -> Vec<(String, String)> {
    let value = |path: &str| {
        let fragments = path.split('.').filter(|fragment| !fragment.is_empty());
        fragments.fold(facts, |value, fragment| value.get(fragment).unwrap_or(&Value::Null))
    };
    rule.paths()
        .into_iter()
        .map(|path| {
            let value = match value(path) {
                Value::String(text) => text.clone(),
                // That it is there, is what was asked; what is in it, others ask.
                Value::Object(_) => "present".to_owned(),
                value => value.to_string(),
            };
            (path.to_owned(), value)
        })
        .collect()
}

fn instant(instant: Timestamp) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A length of time in its two largest units.
fn length(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
    let (large, small, units) = match seconds {
        3_600.. => (seconds / 3_600, seconds % 3_600 / 60, ("h", "min")),
        60.. => (seconds / 60, seconds % 60, ("min", "s")),
        _ => (0, seconds, ("", "s")),
    };
    match (large, small) {
        (0, small) => format!("{sign}{small} {}", units.1),
        (large, 0) => format!("{sign}{large} {}", units.0),
        (large, small) => format!("{sign}{large} {} {small} {}", units.0, units.1),
    }
}
