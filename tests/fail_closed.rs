//! Nobody passes unless everything holds, by a second and simpler account of it.
//!
//! Random lists, codes, and clocks are judged. Whatever comes out, it is a pass exactly when each
//! condition holds that is written down here again, without any of the library's judging.

#![allow(
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "one account of everything is long, and in a test a panic is the report"
)]

mod common;

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use chrono::{DateTime, Duration, NaiveDate, TimeDelta, Utc};
use common::{at, key, key_entry, revocation};
use greengate::{
    clock::Floor,
    credential::{
        Binding, Claims, CodeId, DigestKey, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult,
        NatSource, Relation, Travel, TravelLevel, Visit, write,
    },
    decision::{Basis, History, Shown, Verdict, judge},
    issuer::IssuerId,
    place::Place,
    revocation::Revocations,
    trust::{Trust, TrustFiles},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

/// A stream of choices, the first of each being the one by which people pass.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    /// One of them; the first three times in four.
    fn mostly<T: Clone>(&mut self, options: &[T]) -> T {
        let choice = usize::from(self.0.next().unwrap_or(0));
        if choice < 192 { options[0].clone() } else { options[choice % options.len()].clone() }
    }

    /// One of them.
    fn any<T: Clone>(&mut self, options: &[T]) -> T {
        options[usize::from(self.0.next().unwrap_or(0)) % options.len()].clone()
    }
}

/// A rule's expression, as JSON and as what it comes to.
#[derive(Clone, Debug)]
enum Expression {
    And(Vec<Self>),
    If(Box<[Self; 3]>),
    In(Box<Self>, Vec<Fact>),
    Literal(Fact),
    AtMost(Vec<Self>),
    Not(Box<Self>),
    Same(Box<[Self; 2]>),
    Var(&'static str),
}

/// What a fact is, as far as these rules can tell.
#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Nothing,
    Truth(bool),
    Number(i64),
    Text(String),
    Something,
}

fn text(text: &str) -> Fact {
    Fact::Text(text.to_owned())
}

const PATHS: [&str; 12] = [
    "payload.nat",
    "payload.nat.age_days",
    "payload.nat.result",
    "payload.commuter",
    "payload.bound",
    "payload.kind",
    "payload.issuer",
    "payload.origin",
    "payload.travel",
    "payload.travel.level",
    "payload.travel.listed",
    "external.place",
];

impl Expression {
    fn chosen(choices: &mut Choices, depth: u8) -> Self {
        let part = |choices: &mut Choices| Self::chosen(choices, depth - 1);
        let leaf = if depth == 0 { 0 } else { choices.any(&[0, 1, 2, 3, 4, 5, 6, 7, 8]) };
        match leaf {
            0 | 1 => Self::Var(choices.any(&PATHS)),
            2 => Self::Literal(choices.any(&[
                Fact::Truth(true),
                Fact::Truth(false),
                Fact::Number(0),
                Fact::Number(14),
                text("negative"),
            ])),
            3 => Self::And(vec![part(choices), part(choices)]),
            4 => Self::If(Box::new([part(choices), part(choices), part(choices)])),
            5 => Self::In(
                Box::new(part(choices)),
                vec![text("none"), text("unknown"), text("phone")],
            ),
            6 => Self::AtMost(vec![
                Self::Literal(Fact::Number(0)),
                part(choices),
                Self::Literal(Fact::Number(14)),
            ]),
            7 => Self::Not(Box::new(part(choices))),
            _ => Self::Same(Box::new([part(choices), part(choices)])),
        }
    }

    /// One that makes sense, or any.
    fn usual(choices: &mut Choices) -> Self {
        let there = |path| Self::Not(Box::new(Self::Not(Box::new(Self::Var(path)))));
        let days = Self::AtMost(vec![
            Self::Literal(Fact::Number(0)),
            Self::Var("payload.nat.age_days"),
            Self::Literal(Fact::Number(14)),
        ]);
        let same = |path, fact| Self::Same(Box::new([Self::Var(path), Self::Literal(fact)]));
        let random = Self::chosen(choices, 3);
        choices.any(&[
            Self::Literal(Fact::Truth(true)),
            there("payload.nat"),
            days,
            same("payload.nat.result", text("negative")),
            same("payload.travel.listed", text("none")),
            Self::Not(Box::new(same("payload.travel.level", text("high")))),
            Self::In(
                Box::new(Self::Var("payload.travel.level")),
                vec![text("none"), text("unknown")],
            ),
            there("payload.commuter"),
            random,
        ])
    }

    fn json(&self) -> Value {
        let fact = |fact: &Fact| match fact {
            Fact::Truth(truth) => json!(truth),
            Fact::Number(number) => json!(number),
            Fact::Text(text) => json!(text),
            Fact::Nothing | Fact::Something => panic!("not to be written"),
        };
        let all = |parts: &[Self]| parts.iter().map(Self::json).collect::<Value>();
        match self {
            Self::And(parts) => json!({"and": all(parts)}),
            Self::If(parts) => json!({"if": all(&parts[..])}),
            Self::In(part, facts) => {
                json!({"in": [part.json(), facts.iter().map(fact).collect::<Value>()]})
            }
            Self::Literal(literal) => fact(literal),
            Self::AtMost(parts) => json!({"<=": all(parts)}),
            Self::Not(part) => json!({"!": [part.json()]}),
            Self::Same(parts) => json!({"===": all(&parts[..])}),
            Self::Var(path) => json!({"var": path}),
        }
    }

    /// What it comes to; nothing, if it errs.
    fn comes_to(&self, facts: &BTreeMap<&str, Fact>) -> Option<Fact> {
        let truthy = |fact: &Fact| match fact {
            Fact::Nothing => false,
            Fact::Truth(truth) => *truth,
            Fact::Number(number) => *number != 0,
            Fact::Text(text) => !text.is_empty(),
            Fact::Something => true,
        };
        Some(match self {
            Self::And(parts) => {
                let mut last = Fact::Truth(true);
                for part in parts {
                    last = part.comes_to(facts)?;
                    if !truthy(&last) {
                        break;
                    }
                }
                last
            }
            Self::If(parts) => {
                let [guard, then, otherwise] = &**parts;
                let chosen = if truthy(&guard.comes_to(facts)?) { then } else { otherwise };
                chosen.comes_to(facts)?
            }
            Self::In(part, among) => {
                let part = part.comes_to(facts)?;
                Fact::Truth(among.contains(&part))
            }
            Self::Literal(fact) => fact.clone(),
            Self::AtMost(parts) => {
                let mut numbers = Vec::new();
                for part in parts {
                    match part.comes_to(facts)? {
                        Fact::Number(number) => numbers.push(number),
                        _ => return None,
                    }
                }
                Fact::Truth(numbers.windows(2).all(|pair| pair[0] <= pair[1]))
            }
            Self::Not(part) => Fact::Truth(!truthy(&part.comes_to(facts)?)),
            Self::Same(parts) => {
                let [one, other] = &**parts;
                let (one_is, other_is) = (one.comes_to(facts)?, other.comes_to(facts)?);
                match (&one_is, &other_is) {
                    // An object is the same as itself: two paths to it are one.
                    (Fact::Something, Fact::Something) => {
                        Fact::Truth(one.path(facts) == other.path(facts))
                    }
                    _ => Fact::Truth(one_is == other_is),
                }
            }
            Self::Var(path) => facts.get(path).cloned().unwrap_or(Fact::Nothing),
        })
    }

    /// The path whose object it comes to.
    fn path(&self, facts: &BTreeMap<&str, Fact>) -> Option<&'static str> {
        match self {
            Self::Var(path) => Some(path),
            Self::And(parts) => parts.last().and_then(|part| part.path(facts)),
            Self::If(parts) => {
                let [guard, then, otherwise] = &**parts;
                let is_true = Self::Not(Box::new(Self::Not(Box::new(guard.clone()))));
                let chosen = match is_true.comes_to(facts)? {
                    Fact::Truth(true) => then,
                    _ => otherwise,
                };
                chosen.path(facts)
            }
            _ => None,
        }
    }

    fn reads(&self, wanted: &str) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Var(path) => *path == wanted,
            Self::And(parts) | Self::AtMost(parts) => parts.iter().any(|part| part.reads(wanted)),
            Self::If(parts) => parts.iter().any(|part| part.reads(wanted)),
            Self::In(part, _) | Self::Not(part) => part.reads(wanted),
            Self::Same(parts) => parts.iter().any(|part| part.reads(wanted)),
        }
    }
}

#[derive(Debug)]
struct Rule {
    places: Vec<&'static str>,
    kinds: Vec<&'static str>,
    when: Expression,
    require: Expression,
}

fn shanghai(instant: DateTime<Utc>) -> NaiveDate {
    (instant + Duration::hours(8)).date_naive()
}

const ISSUERS: [u16; 5] = [11, 31, 156, 410, 999];

/// What may have been revoked: nothing, other codes, the code, a code of its name that expires in
/// another month, or nobody can tell.
static REVOKED: LazyLock<[Revocations; 5]> = LazyLock::new(|| {
    let each = |change: fn(&mut Claims)| {
        Revocations::of(ISSUERS.map(|issuer| {
            let mut claims = common::claims();
            claims.issuer = IssuerId::new(issuer);
            change(&mut claims);
            revocation(&claims)
        }))
    };
    let code = each(|_| {});
    let editions = code.lists().map(|(edition, _)| edition).collect::<Vec<_>>();
    let other = each(|claims| claims.code_id = CodeId::new(vec![8; 12]).unwrap());
    let later = each(|claims| claims.expires = at("2021-12-01T00:00:00Z"));
    let lost = Revocations::open_kept(Path::new("/nowhere"), editions);
    [Revocations::NONE, other, code, later, lost]
});

fn check(choices: Vec<u8>) -> Result<(), TestCaseError> {
    let mut choices = Choices(choices.into_iter());
    let c = &mut choices;
    let now = at("2021-11-20T04:00:00Z");
    let (seconds, hours) = (TimeDelta::seconds, TimeDelta::hours);

    // The lists.
    let published = now - hours(c.mostly(&[1, 47, 48, 49, 168, 169, -1]));
    let retired = c.mostly(&[None, Some(now - hours(2)), Some(now + hours(2))]);
    let key_status = match retired {
        Some(_) => "retired",
        None => c.mostly(&["active", "compromised", "withdrawn_series"]),
    };
    let valid_from = now - hours(c.mostly(&[9_999, 1, -1]));
    let issuer: u16 = c.any(&[11, 11, 31, 156, 410, 410, 999]);
    let revoked = c.mostly(&[0, 1, 2, 3, 4]);
    let mut entry = key_entry(&key(1), key_status);
    entry["valid_from"] = valid_from.to_rfc3339().into();
    if let Some(retired) = retired {
        entry["retired_at"] = retired.to_rfc3339().into();
    }
    let ring_issuer = c.mostly(&[issuer, 12]);
    let issued_list = published.to_rfc3339();
    let key_ring = json!({"version": 1, "issued": issued_list, "issuers": [
        {"issuer": ring_issuer, "name": {"zh": "省", "en": "Province"}, "keys": [entry]},
    ]});
    let meaning = c.mostly(&[Some("normal"), Some("watch"), Some("stop"), Some("review"), None]);
    let statuses = meaning.map_or(json!({}), |meaning| json!({"1": meaning}));
    let span = c.mostly(&[(-1, 1), (0, 1), (-1, 0), (1, 2), (-2, -1)]);
    let (from, to) = (now + hours(span.0), now + hours(span.1));
    let excepted = c.mostly(&[None, Some(11), Some(31), Some(156), Some(410)]);
    let exception_place = c.any(&["station", "park"]);
    let exceptions = excepted.map_or(json!([]), |issuer| {
        json!([{
            "issuer": issuer, "places": [exception_place], "from": from.to_rfc3339(),
            "to": to.to_rfc3339(), "filed": from.to_rfc3339(), "filing": "1",
            "instead": {"zh": "-", "en": "-"},
        }])
    });
    let partner = c.any(&[Some("KR"), Some("SG"), None]);
    let partner_place = c.mostly(&["station", "park"]);
    let partners = partner.map_or(json!([]), |partner| {
        json!([{
            "partner": partner, "agreement": "1", "from": from.to_rfc3339(),
            "to": to.to_rfc3339(), "places": [partner_place],
        }])
    });
    let has_recognition = c.mostly(&[true, true, false]);
    let recognition = json!({
        "version": 1, "issued": issued_list, "exceptions": exceptions, "partners": partners,
        "transcoding": [{"issuer": issuer, "statuses": statuses}],
    });
    let has_areas = c.mostly(&[true, true, false]);
    let (area, area_from) =
        (c.any(&[420_100, 420_106, 110_000]), c.any(&["2021-11-01", "2021-11-19"]));
    let window = c.any(&[14, 1, 0]);
    let areas = json!({"version": 1, "issued": issued_list, "window_days": window, "areas": [
        {"area": area, "level": c.any(&["medium", "high"]), "from": area_from, "to": null},
    ]});
    let tolerance = c.any(&[0_i64, 120]);
    let lifetime = c.mostly(&[24_i64, 1]);
    let repeat_window = c.any(&[0_i64, 300]);
    let anchor = c.any(&["uploaded", "reported", "sampled"]);
    let count = c.any(&[0, 0, 1, 2, 3]);
    let rules: Vec<Rule> = (0..count)
        .map(|_| Rule {
            places: c.mostly(&[vec!["station"], vec!["park"], vec![], vec!["park", "station"]]),
            kinds: c.mostly(&[vec!["phone", "paper"], vec!["paper"]]),
            when: Expression::usual(c),
            require: Expression::usual(c),
        })
        .collect();
    let rules_json = rules.iter().enumerate().map(|(index, rule)| {
        json!({
            "id": format!("R{index}"), "version": 1, "places": rule.places, "kinds": rule.kinds,
            "when": rule.when.json(), "require": rule.require.json(),
            "otherwise": {"verdict": c.any(&["deny", "refer", "check_id"]), "reason": c.any(&["E50", "E03"])},
            "text": {"zh": "-", "en": "-"},
        })
    });
    let policy = json!({
        "name": "RANDOM", "version": 1, "issued": issued_list, "time_zone": "Asia/Shanghai",
        "nat_anchor": anchor, "trust_age_hours": {"warn": 24, "check_id": 48, "refer": 168},
        "max_lifetime_hours": {"phone": lifetime, "paper": 336},
        "repeat_window_seconds": repeat_window, "clock_tolerance_seconds": tolerance,
        "rules": rules_json.collect::<Value>(),
    });
    let has_policy = c.mostly(&[true, true, true, false]);
    let bytes = |value: &Value| value.to_string().into_bytes();
    let files = TrustFiles {
        key_ring: bytes(&key_ring),
        recognition: has_recognition.then(|| bytes(&recognition)),
        risk_areas: has_areas.then(|| bytes(&areas)),
        policy: has_policy.then(|| bytes(&policy)),
    };
    let place = c.mostly(&[Some(Place::Station), Some(Place::Park), None]);

    // The code.
    let issued = now - seconds(c.mostly(&[1_800, 3_599, 3_600, 86_399, 86_400, 0, -1, -120, -121]));
    let expires = issued + seconds(c.mostly(&[90_000, 1_800, 1_801, 3_601]));
    let kind = c.mostly(&[Kind::Phone, Kind::Paper]);
    let days = c.any(&[0, 1, 14, 15]);
    // The first minute of a day in Shanghai, or the last.
    let early = now - hours(12) - TimeDelta::days(days) + TimeDelta::minutes(c.any(&[0, 1_439]));
    let nat = c.any(&[
        None,
        Some(NatOutcome::Pending),
        Some(NatOutcome::Known { result: NatResult::Negative, reported: early, uploaded: early }),
        Some(NatOutcome::Known {
            result: NatResult::Positive,
            reported: early,
            uploaded: early + hours(13),
        }),
    ]);
    let nat = nat.map(|outcome| Nat { source: NatSource::National, sampled: early, outcome });
    let level =
        c.any(&[TravelLevel::None, TravelLevel::Medium, TravelLevel::High, TravelLevel::Unknown]);
    let visit = Visit {
        area: c.any(&[420_106, 110_105]),
        last_day: shanghai(issued) - Duration::days(c.any(&[0, 1, 14, 15])),
    };
    let travel = Travel { level, as_of: issued, visits: c.any(&[vec![], vec![visit]]) };
    let claims = Claims {
        issuer: IssuerId::new(issuer),
        expires,
        issued,
        code_id: CodeId::new(vec![7; 12]).unwrap(),
        status: c.mostly(&[1, 2]),
        kind,
        name: HolderName::new("张*").unwrap(),
        id_tail: IdTail::new("0000").unwrap(),
        document_match: None,
        nat,
        vaccination: None,
        travel: c.any(&[None, Some(travel)]),
        commuter: c.any(&[None, Some(IssuerId::new(13))]),
        binding: c.mostly(&[false, true]).then(|| Binding {
            relation: Relation::Child,
            guardian: CodeId::new(vec![1; 8]).unwrap(),
        }),
        origin: c.mostly(&[None, Some(IssuerId::new(31))]).filter(|_| issuer == 156),
    };
    let signer = c.mostly(&[1, 2]);
    // What cannot be written is no code.
    let Ok(code) = write(&claims, &key(signer)) else { return Ok(()) };
    let Ok(trust) = Trust::parse(&files) else { return Ok(()) };

    // The terminal.
    let floor = now + seconds(c.mostly(&[-9_999, 120, 121]));
    let mut basis = Basis::of(trust, place);
    basis.floor = Floor::raised_to(basis.floor, floor);
    basis.revocations = REVOKED[revoked].clone();
    let shown = c.mostly(&[None, Some(0), Some(299), Some(300)]);
    let digest_key = DigestKey::new([3; 32]);
    let mut history = History::new(digest_key.clone());
    let plain = judge(&code, &basis, &history, now);
    if let (Some(credential), Some(ago)) = (plain.credential(), shown) {
        let shown = Shown { at: now - seconds(ago), gate: None };
        history.remember(digest_key.of(credential), shown);
    }
    let decision = judge(&code, &basis, &history, now);

    // What must hold, told a second time.
    let place_name = match place {
        Some(Place::Station) => "station",
        Some(Place::Park) => "park",
        _ => "",
    };
    let today = shanghai(now);
    let age_days = claims.nat.as_ref().and_then(|nat| {
        let anchored = match (anchor, nat.outcome) {
            ("sampled", _) => nat.sampled,
            ("reported", NatOutcome::Known { reported, .. }) => reported,
            ("uploaded", NatOutcome::Known { uploaded, .. }) => uploaded,
            _ => return None,
        };
        Some((today - shanghai(anchored)).num_days())
    });
    let visited = |visit: &Visit| {
        let ago = (today - visit.last_day).num_days();
        let inside = match area {
            420_100 => visit.area / 100 == 4_201,
            110_000 => visit.area / 10_000 == 11,
            area => visit.area == area,
        };
        let first: NaiveDate = area_from.parse().unwrap();
        inside && (0..=window).contains(&ago) && visit.last_day >= first
    };
    let mut facts = BTreeMap::from([
        ("payload.bound", Fact::Truth(claims.binding.is_some())),
        ("payload.kind", text(claims.kind.code())),
        ("payload.issuer", Fact::Number(issuer.into())),
        ("external.place", text(place_name)),
    ]);
    let number = |issuer: IssuerId| Fact::Number(issuer.number().into());
    facts.extend(claims.commuter.map(|home| ("payload.commuter", number(home))));
    facts.extend(claims.origin.map(|origin| ("payload.origin", number(origin))));
    facts.extend(age_days.map(|days| ("payload.nat.age_days", Fact::Number(days))));
    if let Some(nat) = &claims.nat {
        let result = match nat.outcome {
            NatOutcome::Pending => "pending",
            NatOutcome::Known { result: NatResult::Negative, .. } => "negative",
            NatOutcome::Known { result: NatResult::Positive, .. } => "positive",
        };
        facts.extend([("payload.nat", Fact::Something), ("payload.nat.result", text(result))]);
    }
    let mut unlisted = false;
    if let Some(Travel { level, visits, .. }) = &claims.travel {
        let level = match level {
            TravelLevel::None => "none",
            TravelLevel::Medium => "medium",
            TravelLevel::High => "high",
            TravelLevel::Unknown => "unknown",
        };
        facts.extend([("payload.travel", Fact::Something), ("payload.travel.level", text(level))]);
        unlisted = !has_areas && !visits.is_empty();
        let found = has_areas && visits.iter().any(visited);
        let listed = if found { areas["areas"][0]["level"].as_str().unwrap() } else { "none" };
        if !unlisted {
            facts.insert("payload.travel.listed", text(listed));
        }
    }
    let is_met = |rule: &Rule| {
        if !rule.places.contains(&place_name) || !rule.kinds.contains(&claims.kind.code()) {
            return true;
        }
        let listed = "payload.travel.listed";
        if unlisted && rule.when.reads(listed) {
            return false;
        }
        match rule.when.comes_to(&facts) {
            Some(Fact::Truth(false)) => true,
            Some(Fact::Truth(true)) => {
                !(unlisted && rule.require.reads(listed))
                    && rule.require.comes_to(&facts) == Some(Fact::Truth(true))
            }
            _ => false,
        }
    };
    let in_span = from <= now && now < to;
    let abroad = issuer == 410 || issuer == 999;
    let conditions = [
        ("there is a policy and a place", has_policy && place.is_some()),
        ("the clock is right", now >= floor - seconds(120) && now >= published - seconds(120)),
        ("the lists are fresh", now - published <= hours(48)),
        ("the issuer's key signed", ring_issuer == issuer && signer == 1),
        ("the key is in use", key_status == "active" || retired.is_some_and(|at| issued < at)),
        ("the key was valid", valid_from <= issued),
        ("it is not from the future", issued <= now + seconds(tolerance)),
        ("it is not over", now < expires),
        ("it is not old", now - issued < hours(if kind == Kind::Phone { lifetime } else { 336 })),
        ("it is not revoked, for all that is known", ![2, 4].contains(&revoked)),
        (
            "it is recognised",
            !(excepted == Some(issuer)
                && in_span
                && exception_place == place_name
                && has_recognition)
                && (!abroad
                    || issuer == 410
                        && has_recognition
                        && partner == Some("KR")
                        && in_span
                        && partner_place == place_name),
        ),
        ("it is green", has_recognition && claims.status == 1 && meaning == Some("normal")),
        ("the rules are met", rules.iter().all(is_met)),
        ("it was not shown", shown.is_none_or(|ago| ago >= repeat_window)),
        ("no document is needed", kind == Kind::Phone && claims.binding.is_none()),
    ];
    let broken: Vec<_> =
        conditions.iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect();
    prop_assert_eq!(
        decision.verdict() == Verdict::Pass,
        broken.is_empty(),
        "{:?} by {:?}, though broken are {:?}; rules {:?}, facts {:?}",
        decision.verdict(),
        decision.reason(),
        broken,
        rules,
        facts
    );
    PASSES.with(|passes| passes.set(passes.get() + u32::from(broken.is_empty())));
    Ok(())
}

thread_local! {
    static PASSES: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[test]
fn somebody_passes_exactly_when_everything_holds() {
    let config =
        ProptestConfig { cases: 12_288, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(choices in vec(any::<u8>(), 200))| check(choices)?);
    // Neither account may be one that says no to all.
    assert!(PASSES.get() > 200, "{} passed", PASSES.get());
}
