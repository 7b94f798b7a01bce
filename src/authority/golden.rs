//! Golden cases: what a policy pack must say of certain codes, run before the pack is published.
//!
//! A case describes a code in the words of the trust documents, where and when it is shown, and the
//! verdict, reason, and rule that must come of it. It takes the way of every code: it is signed,
//! read, and judged, by an issuer made for the occasion. A rule whose absence no case would notice
//! is named too.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{NaiveDate, TimeDelta};
use ed25519_dalek::SigningKey;
use serde::Deserialize;
use thiserror::Error;

use super::registers::usual_statuses;
use crate::{
    clock::{Floor, Timestamp},
    credential::{
        Binding, Claims, CodeId, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult, NatSource,
        Relation, Travel, TravelLevel, Vaccination, Visit, WriteError, write,
    },
    decision::{Basis, Decision, Detail, History, Reason, judge},
    document::{self, DocumentError, unique_keys},
    issuer::IssuerId,
    key_ring::{IssuerEntry, KeyEntry, KeyRing, KeyRingDocument},
    place::Place,
    policy::{Flaw, Policy},
    recognition::{NormalStatus, Recognition, RecognitionDocument, TranscodingEntry},
    risk_area::{RiskArea, RiskAreas},
    symbol::SymbolText,
    trust::Trust,
};

/// How golden cases came out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// How many were run: one for each case and place.
    pub run: usize,
    /// Those that came out otherwise than they must.
    pub failures: Vec<Failure>,
    /// The rules that could be missing without any case coming out otherwise.
    pub unnoticed: Vec<String>,
}

/// A golden case that came out otherwise than it must.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{name}, at {}: expected {expected}, came out {found}", place.code())]
pub struct Failure {
    /// The case.
    pub name: String,
    /// Where.
    pub place: Place,
    /// The verdict that was expected, with its reason and rule.
    pub expected: String,
    /// The verdict that came out.
    pub found: String,
}

/// Runs the golden cases in `cases` on the pack `policy`.
///
/// # Errors
///
/// [`GoldenError`] if the cases cannot be run at all, or the pack has a flaw that forbids it.
pub fn check(policy: &[u8], cases: &[u8]) -> Result<Report, GoldenError> {
    let policy = Policy::parse(policy).map_err(GoldenError::Policy)?;
    let flaws = policy.flaws();
    if !flaws.is_empty() {
        return Err(GoldenError::Flaws { flaws });
    }
    let Cases { risk_areas, cases } = document::read(cases).map_err(GoldenError::Cases)?;
    // It is in no ring but the one below.
    let key = SigningKey::from_bytes(&[1; 32]);
    let cases = cases.iter().map(|case| Ok((case, case.sign(&key)?)));
    let cases = cases.collect::<Result<Vec<_>, GoldenError>>()?;
    let mut stage = Stage { trust: trust(&key, risk_areas)?, policy: &policy };

    let mut report = Report::default();
    let whole = stage.run(&cases, None);
    for ((case, _), answers) in cases.iter().zip(&whole) {
        for (place, found) in answers {
            report.run += 1;
            let expected = case.expect.to_string();
            if *found != expected {
                let (name, found) = (case.name.clone(), found.clone());
                report.failures.push(Failure { name, place: *place, expected, found });
            }
        }
    }
    for rule in &policy.rules {
        if stage.run(&cases, Some(&rule.id)) == whole {
            report.unnoticed.push(rule.id.clone());
        }
    }
    Ok(report)
}

/// What every case is judged on, but its policy.
struct Stage<'policy> {
    trust: Trust,
    policy: &'policy Policy,
}

impl Stage<'_> {
    /// What comes of each case at each of its places, without one of the rules.
    fn run(
        &mut self,
        cases: &[(&Case, SymbolText)],
        without: Option<&str>,
    ) -> Vec<Vec<(Place, String)>> {
        cases.iter().map(|(case, text)| self.run_case(case, text, without)).collect()
    }

    fn run_case(
        &mut self,
        case: &Case,
        text: &SymbolText,
        without: Option<&str>,
    ) -> Vec<(Place, String)> {
        // Published at the very moment, so that neither its age nor the clock is in question.
        let mut policy = Policy { issued: case.at, ..self.policy.clone() };
        policy.rules.retain(|rule| without != Some(rule.id.as_str()));
        for rule in &mut policy.rules {
            rule.places.extend(case.switched_on.get(&rule.id).into_iter().flatten());
        }
        self.trust.policy = Some(policy);
        let trust = Some(self.trust.clone());
        let basis = Basis { trust, floor: Floor::LOWEST, ..Basis::UNPROVISIONED };
        let at = |place| Basis { place: Some(place), ..basis.clone() };
        let places = case.places.iter().copied();
        places
            .map(|place| {
                let decision = judge(text, &at(place), &History::empty(), case.at);
                (place, Expectation::of(&decision).to_string())
            })
            .collect()
    }
}

/// An issuer of each number, all with one key, and the usual statuses.
fn trust(key: &SigningKey, risk_areas: Option<Areas>) -> Result<Trust, GoldenError> {
    let (version, issued) = (1, Timestamp::UNIX_EPOCH);
    let issuers = || IssuerId::all().chain([IssuerId::new(410)]);
    let key_ring = KeyRingDocument {
        version,
        issued,
        issuers: issuers()
            .map(|issuer| IssuerEntry {
                issuer,
                name: issuer.name().unwrap_or_default(),
                keys: vec![KeyEntry::active(&key.verifying_key(), issued)],
            })
            .collect(),
    };
    let statuses = || {
        let usual = usual_statuses().into_iter();
        usual.map(|(local, normal)| (local.to_string(), normal)).collect()
    };
    let recognition = RecognitionDocument {
        version,
        issued,
        transcoding: issuers()
            .map(|issuer| TranscodingEntry { issuer, statuses: statuses() })
            .collect(),
        exceptions: Vec::new(),
        partners: Vec::new(),
    };
    let Areas { window_days, areas } =
        risk_areas.unwrap_or(Areas { window_days: 14, areas: vec![] });
    let risk_areas = RiskAreas { version, issued, window_days, areas };
    Ok(Trust {
        key_ring: KeyRing::parse(&super::json(&key_ring)).map_err(GoldenError::Cases)?,
        recognition: Some(
            Recognition::parse(&super::json(&recognition)).map_err(GoldenError::Cases)?,
        ),
        risk_areas: Some(RiskAreas::parse(&super::json(&risk_areas)).map_err(GoldenError::Cases)?),
        policy: None,
    })
}

/// The form of a file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    risk_areas: Option<Areas>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Areas {
    window_days: u16,
    areas: Vec<RiskArea>,
}

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    at: Timestamp,
    /// Everywhere, if it does not say where.
    #[serde(default = "everywhere")]
    places: BTreeSet<Place>,
    /// Where rules apply beside the places that they name: so are rules tested that are off.
    #[serde(default, deserialize_with = "unique_keys")]
    switched_on: BTreeMap<String, BTreeSet<Place>>,
    code: Code,
    expect: Expectation,
}

fn everywhere() -> BTreeSet<Place> {
    Place::ALL.into()
}

fn national() -> NatSource {
    NatSource::National
}

/// What must come of a case.
#[derive(Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expectation {
    verdict: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    rule: Option<String>,
}

impl Expectation {
    fn of(decision: &Decision) -> Self {
        Self {
            verdict: decision.verdict().code().to_owned(),
            reason: decision.reason().map(Reason::code).map(str::to_owned),
            rule: match decision.detail() {
                Some(Detail::Rule { id, .. }) => Some(id.clone()),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.verdict)?;
        let more = [&self.reason, &self.rule];
        more.into_iter().flatten().try_for_each(|part| write!(out, " {part}"))
    }
}

/// A code in the words of the trust documents; what is not said is that of a green code of Beijing
/// for a phone, issued an hour before it is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    #[serde(default)]
    issuer: Option<IssuerId>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    status: Option<NormalStatus>,
    #[serde(default)]
    issued: Option<Timestamp>,
    #[serde(default)]
    expires: Option<Timestamp>,
    #[serde(default)]
    origin: Option<IssuerId>,
    #[serde(default)]
    commuter: Option<IssuerId>,
    #[serde(default)]
    bound: bool,
    #[serde(default)]
    nat: Option<Test>,
    #[serde(default)]
    vaccination: Option<Doses>,
    #[serde(default)]
    travel: Option<Journey>,
}

/// A test; it was reported when it came into the database, and sampled when it was reported, if it
/// does not say otherwise.
#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case", deny_unknown_fields)]
enum Test {
    Pending {
        #[serde(default = "national")]
        source: NatSource,
        sampled: Timestamp,
    },
    Negative(Known),
    Positive(Known),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default = "national")]
    source: NatSource,
    #[serde(default)]
    sampled: Option<Timestamp>,
    #[serde(default)]
    reported: Option<Timestamp>,
    uploaded: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doses {
    doses: u64,
    day: NaiveDate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Journey {
    level: Level,
    #[serde(default)]
    visits: Vec<Stay>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    None,
    Medium,
    High,
    Unknown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stay {
    area: u32,
    day: NaiveDate,
}

impl Case {
    fn sign(&self, key: &SigningKey) -> Result<SymbolText, GoldenError> {
        write(&self.claims(), key)
            .map_err(|error| GoldenError::Code { name: self.name.clone(), error })
    }

    fn claims(&self) -> Claims {
        let code = &self.code;
        let issued = code.issued.unwrap_or(self.at - TimeDelta::hours(1));
        let kind = code.kind.unwrap_or(Kind::Phone);
        let lifetime = match kind {
            Kind::Phone => TimeDelta::hours(24),
            Kind::Paper => TimeDelta::days(14),
        };
        let id = CodeId::new(vec![1; 12]).expect("twelve bytes are a code's name");
        Claims {
            issuer: code.issuer.unwrap_or(IssuerId::new(11)),
            expires: code.expires.unwrap_or(issued + lifetime),
            issued,
            code_id: id.clone(),
            status: match code.status.unwrap_or(NormalStatus::Normal) {
                NormalStatus::Review => 0,
                NormalStatus::Normal => 1,
                NormalStatus::Watch => 2,
                NormalStatus::Stop => 3,
            },
            kind,
            name: HolderName::new("*").expect("one character is a name"),
            id_tail: IdTail::new("****").expect("four characters are a tail"),
            document_match: None,
            nat: code.nat.as_ref().map(Test::claim),
            vaccination: code
                .vaccination
                .as_ref()
                .map(|Doses { doses, day }| Vaccination { doses: *doses, day: *day }),
            travel: code.travel.as_ref().map(|journey| journey.claim(issued)),
            commuter: code.commuter,
            binding: code.bound.then_some(Binding { relation: Relation::Child, guardian: id }),
            origin: code.origin,
        }
    }
}

impl Test {
    fn claim(&self) -> Nat {
        let (source, known, result) = match self {
            Self::Pending { source, sampled } => {
                let outcome = NatOutcome::Pending;
                return Nat { source: *source, sampled: *sampled, outcome };
            }
            Self::Negative(known) => (known.source, known, NatResult::Negative),
            Self::Positive(known) => (known.source, known, NatResult::Positive),
        };
        let uploaded = known.uploaded;
        let reported = known.reported.unwrap_or_else(|| known.sampled.unwrap_or(uploaded));
        let sampled = known.sampled.unwrap_or(reported);
        let outcome = NatOutcome::Known { result, reported, uploaded };
        Nat { source, sampled, outcome }
    }
}

impl Journey {
    fn claim(&self, as_of: Timestamp) -> Travel {
        let level = match self.level {
            Level::None => TravelLevel::None,
            Level::Medium => TravelLevel::Medium,
            Level::High => TravelLevel::High,
            Level::Unknown => TravelLevel::Unknown,
        };
        let visits = self.visits.iter();
        let visits = visits.map(|Stay { area, day }| Visit { area: *area, last_day: *day });
        Travel { level, as_of, visits: visits.collect() }
    }
}

/// Golden cases cannot be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// The cases make no sense.
    #[error("the cases cannot be used: {0}")]
    Cases(DocumentError),

    /// A case describes no code that could be.
    #[error("case {name}: {error}")]
    Code {
        /// The case.
        name: String,
        /// Why not.
        error: WriteError,
    },

    /// The pack has rules that cannot be meant so.
    #[error("the pack cannot be published: {}", lines(flaws))]
    Flaws {
        /// All of them.
        flaws: Vec<Flaw>,
    },

    /// The pack cannot be read.
    #[error("the pack cannot be used: {0}")]
    Policy(DocumentError),
}

/// One on each line.
pub(super) fn lines<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
