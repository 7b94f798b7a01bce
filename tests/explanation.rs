//! What is said beside a verdict: lines, the checks behind it, and a group's tally.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use chrono::TimeDelta;
use common::{NOW, at, basis, code, files, judge, key, key_entry, key_ring, policy, recognition};
use greengate::{
    clock::Timestamp,
    credential::{
        Binding, Claims, CodeId, DigestKey, Nat, NatOutcome, NatResult, NatSource, Relation,
        Travel, TravelLevel, Vaccination, Visit,
    },
    decision::{Basis, Decision, History, Outcome, Reason, Shown, explain},
    issuer::IssuerId,
    language::Words,
    presentation::{Audience, LineTone, Presentation, explained},
    session::{Companions, GROUP_OVER_AFTER, MAX_GROUP, Tally},
    symbol::SymbolText,
    trust::TrustFiles,
};
use serde_json::{Value, json};

/// Lists with two rules, a risk area, an exception for Shanghai, and Korea as a partner.
fn lists() -> TrustFiles {
    let mut policy = policy();
    let there = |path: &str| json!({"!": [{"!": [{"var": path}]}]});
    let age = json!({"var": "payload.nat.age_days"});
    let rule = |id: &str, when: Value, require: Value, verdict: &str, reason: &str| {
        json!({
            "id": id, "version": 2, "places": ["rail_checkpoint"], "kinds": ["phone", "paper"],
            "when": when, "require": require,
            "otherwise": {"verdict": verdict, "reason": reason},
            "text": {"zh": "规则", "en": "The rule"},
        })
    };
    policy["rules"] = json!([
        rule("CN-R2", there("payload.commuter"), json!({"<=": [0, age, 14]}), "deny", "E51"),
        rule("CN-R22", there("payload.vaccination"), json!(true), "deny", "E50"),
    ]);
    let mut recognition = recognition();
    let statuses = recognition["transcoding"][0]["statuses"].clone();
    let list = recognition["transcoding"].as_array_mut().unwrap();
    list.extend([31, 410].map(|issuer| json!({"issuer": issuer, "statuses": statuses})));
    let (from, to) = ("2021-11-01T00:00:00Z", "2021-12-01T00:00:00Z");
    recognition["exceptions"] = json!([{
        "issuer": 31, "places": ["rail_checkpoint"], "from": from, "to": to, "filed": from,
        "filing": "备案2021-12号", "instead": {"zh": "请改用国家平台码", "en": "Use the national code"},
    }]);
    recognition["partners"] = json!([{
        "partner": "KR", "agreement": "2021-7", "places": ["rail_checkpoint"], "from": from, "to": to,
    }]);
    let ring = [11, 31, 156, 410].map(|issuer| (issuer, vec![key_entry(&key(1), "active")]));
    let mut files = files(&key_ring(&ring), &recognition, &policy);
    let areas = json!({"version": 1, "issued": "2021-11-19T20:00:00Z", "window_days": 14, "areas": [
        {"area": 420_100, "level": "high", "from": "2021-11-01", "to": null},
    ]});
    files.risk_areas = Some(areas.to_string().into_bytes());
    files
}

fn nat(uploaded: &str, result: NatResult) -> Nat {
    let uploaded = at(uploaded);
    let outcome = NatOutcome::Known { result, reported: uploaded, uploaded };
    Nat { source: NatSource::National, sampled: uploaded, outcome }
}

fn commuter(claims: &mut Claims, uploaded: &str) {
    claims.commuter = Some(IssuerId::new(13));
    claims.nat = Some(nat(uploaded, NatResult::Negative));
}

fn travel(claims: &mut Claims, level: TravelLevel, area: Option<u32>) {
    let last_day = "2021-11-19".parse().unwrap();
    let visits = area.into_iter().map(|area| Visit { area, last_day }).collect();
    claims.travel = Some(Travel { level, as_of: claims.issued, visits });
}

/// The lines that staff see of a code, those that ask for something with a mark.
fn lines(decision: &Decision, basis: &Basis, audience: Audience) -> Vec<String> {
    let lines = Presentation::of(decision, basis, audience, at(NOW)).lines;
    let mark = |tone| match tone {
        LineTone::Badge => "* ",
        LineTone::Caution => "! ",
        LineTone::Plain => "",
    };
    lines.into_iter().map(|line| mark(line.tone).to_owned() + &line.words.en).collect()
}

#[test]
fn staff_read_what_there_is_to_say_of_a_code() {
    let basis = basis(&lists());
    let cases: [(&str, fn(&mut Claims), &[&str]); 17] = [
        ("nothing", |_| {}, &[]),
        (
            "day 0",
            |claims| commuter(claims, "2021-11-19T18:00:00Z"),
            &[
                "* Commuter · Hebei · 14 days left",
                "NAT negative, day 0 of 14",
                "Counts as the paper NAT certificate",
            ],
        ),
        (
            "day 11",
            |claims| commuter(claims, "2021-11-09T15:59:00Z"),
            &[
                "* Commuter · Hebei · 3 days left",
                "NAT negative, day 11 of 14",
                "Counts as the paper NAT certificate",
            ],
        ),
        (
            "day 12",
            |claims| commuter(claims, "2021-11-08T15:59:00Z"),
            &[
                "* Commuter · Hebei · 2 days left",
                "! NAT negative, day 12 of 14: renew by 2021-11-22",
                "Counts as the paper NAT certificate",
            ],
        ),
        (
            "day 14",
            |claims| commuter(claims, "2021-11-05T16:00:00Z"),
            &[
                "* Commuter · Hebei · 0 days left",
                "! NAT negative, day 14 of 14: renew by 2021-11-20",
                "Counts as the paper NAT certificate",
            ],
        ),
        (
            "day 15",
            |claims| commuter(claims, "2021-11-05T15:59:00Z"),
            &["! The rule", "* Commuter · Hebei", "! NAT negative, day 15: more than 14 days"],
        ),
        (
            "positive",
            |claims| claims.nat = Some(nat("2021-11-19T18:00:00Z", NatResult::Positive)),
            &["! NAT positive"],
        ),
        (
            "pending",
            |claims| {
                let outcome = NatOutcome::Pending;
                let sampled = at("2021-11-19T18:00:00Z");
                claims.nat = Some(Nat { source: NatSource::National, sampled, outcome });
            },
            &["! NAT: no result yet"],
        ),
        (
            "converted",
            |claims| {
                claims.issuer = IssuerId::NATIONAL;
                claims.origin = Some(IssuerId::new(42));
            },
            &["Converted from Hubei"],
        ),
        (
            "excepted",
            |claims| claims.issuer = IssuerId::new(31),
            &["! Filed as 备案2021-12号", "! Use the national code"],
        ),
        ("partner", |claims| claims.issuer = IssuerId::new(410), &["Partner abroad: KR"]),
        (
            "nowhere",
            |claims| travel(claims, TravelLevel::None, None),
            &["No areas of risk visited"],
        ),
        ("unknown", |claims| travel(claims, TravelLevel::Unknown, None), &["Travel unknown"]),
        (
            "worse by the list",
            |claims| travel(claims, TravelLevel::Medium, Some(420_102)),
            &["! Has been to a high-risk area (by the newest list)"],
        ),
        (
            "worse by the card",
            |claims| travel(claims, TravelLevel::High, Some(110_101)),
            &["! Has been to a high-risk area (by the travel card)"],
        ),
        (
            "by both",
            |claims| travel(claims, TravelLevel::High, Some(420_102)),
            &["! Has been to a high-risk area (by travel card and list)"],
        ),
        (
            "bound and vaccinated",
            |claims| {
                let guardian = CodeId::new(vec![1; 8]).unwrap();
                claims.binding = Some(Binding { relation: Relation::Parent, guardian });
                let day = "2021-09-30".parse().unwrap();
                claims.vaccination = Some(Vaccination { doses: 2, day });
            },
            &["Handled for the guardian's parent", "Vaccinated: 2 doses, the last on 2021-09-30"],
        ),
    ];
    for (name, change, expected) in cases {
        let decision = judge(&code(change), &basis, at(NOW));
        assert_eq!(lines(&decision, &basis, Audience::Staff), expected, "{name}");
    }
}

#[test]
fn the_public_reads_what_it_can_act_on() {
    let basis = basis(&lists());
    let cases: [(&str, fn(&mut Claims), &[&str]); 4] = [
        (
            "a test that lasts",
            |claims| commuter(claims, "2021-11-19T18:00:00Z"),
            &["* Commuter · Hebei · 14 days left"],
        ),
        (
            "a test to renew",
            |claims| commuter(claims, "2021-11-06T18:00:00Z"),
            &[
                "* Commuter · Hebei · 1 day left",
                "! NAT negative, day 13 of 14: renew by 2021-11-21",
            ],
        ),
        (
            "an exception",
            |claims| claims.issuer = IssuerId::new(31),
            &["! Filed as 备案2021-12号", "! Use the national code"],
        ),
        (
            "where somebody has been",
            |claims| {
                travel(claims, TravelLevel::High, None);
                claims.nat = Some(nat("2021-11-19T18:00:00Z", NatResult::Positive));
            },
            &[],
        ),
    ];
    for (name, change, expected) in cases {
        let decision = judge(&code(change), &basis, at(NOW));
        assert_eq!(lines(&decision, &basis, Audience::Public), expected, "{name}");
    }
}

#[test]
fn a_verdict_names_its_issuer_and_its_rule() {
    let basis = basis(&lists());
    let of = |change: fn(&mut Claims)| {
        let decision = judge(&code(change), &basis, at(NOW));
        let shown = Presentation::of(&decision, &basis, Audience::Staff, at(NOW));
        (shown.issuer.unwrap().en, shown.reason.en, shown.rule)
    };
    let words = |issuer: &str, reason: &str, rule: Option<&str>| {
        (issuer.to_owned(), reason.to_owned(), rule.map(str::to_owned))
    };
    assert_eq!(of(|_| {}), words("Province green code", "Green code", None));
    let national = |claims: &mut Claims| claims.issuer = IssuerId::NATIONAL;
    assert_eq!(of(national), words("Province: no abnormality", "No abnormality", None));
    assert_eq!(
        of(|claims| commuter(claims, "2021-11-19T18:00:00Z")),
        words("Province green code", "Commuting green code", None)
    );
    assert_eq!(
        of(|claims| commuter(claims, "2021-11-05T15:59:00Z")),
        words("Province", "The nucleic-acid test is too old", Some("CN-R2 · 2"))
    );
}

#[test]
fn why_somebody_was_stopped_is_told_check_by_check() {
    let basis = basis(&lists());
    let explanation = |text: &SymbolText| {
        let decision = judge(text, &basis, at(NOW));
        explain(&decision, &basis, &History::empty(), at(NOW))
    };
    let outcomes = |text: &SymbolText| {
        let explanation = explanation(text);
        let line = |check: &greengate::decision::Check| {
            let rule = check.rule.as_ref().map(|(id, version)| format!(" {id} {version}"));
            let reason = match check.outcome {
                Outcome::Failed(reason) => format!(" {}", reason.code()),
                _ => String::new(),
            };
            let rule = rule.unwrap_or_default();
            format!("{}{rule} {}{reason}", check.kind.code(), check.outcome.code())
        };
        explanation.checks.iter().map(line).collect::<Vec<_>>()
    };
    let late = code(|claims| commuter(claims, "2021-11-05T15:59:00Z"));
    assert_eq!(
        outcomes(&late),
        [
            "clock good",
            "policy good",
            "trust_age good",
            "form good",
            "key good",
            "signature good",
            "retirement good",
            "dates good",
            "revocation good",
            "recognition good",
            "status good",
            "rule CN-R2 2 failed E51",
            "rule CN-R22 2 not_reached",
            "repeat not_reached",
            "document not_reached",
        ]
    );
    assert_eq!(outcomes(&code(|_| {}))[11], "rule CN-R2 2 not_concerned");
    assert_eq!(
        outcomes(&code(|claims| claims.status = 3))[10..12],
        ["status failed E41", "rule CN-R2 2 not_reached"]
    );
    assert_eq!(outcomes(&common::text("HELLO"))[3..5], ["form failed E11", "key not_reached"]);

    let checks = explanation(&late).checks;
    let saw = |index: usize| {
        let check: &greengate::decision::Check = &checks[index];
        check.saw.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(saw(11), ["payload.commuter=13", "payload.nat.age_days=15"]);
    assert_eq!(saw(10), ["status=1", "means=normal"]);
    assert_eq!(
        saw(7),
        ["issued=2021-11-19T23:00:00Z", "expires=2021-11-20T11:00:00Z", "at most=24 h"]
    );
    assert_eq!(saw(8), ["list=2021-11", "version=none"]);
    let words: Vec<Words> =
        explained(&explanation(&late)).into_iter().map(|check| check.name).collect();
    assert_eq!(words[11], Words::new("规则 CN-R2 · 2", "Rule CN-R2 · 2"));
    // Nothing in it says whose code it was.
    let all = format!("{:?}", explanation(&late));
    assert!(!all.contains('张') && !all.contains("002X"), "{all}");
}

#[test]
fn companions_are_counted_together() {
    let basis = basis(&lists());
    let key = DigestKey::new([5; 32]);
    let guardian = CodeId::new(vec![7; 12]).unwrap();
    let own = || code(|_| {});
    let numbered = |number: u8, change: fn(&mut Claims)| {
        code(|claims| {
            claims.code_id = CodeId::new(vec![number; 12]).unwrap();
            change(claims);
        })
    };
    let child = |number: u8, guardian: &CodeId| {
        code(|claims| {
            claims.code_id = CodeId::new(vec![number; 12]).unwrap();
            let relation = Relation::Child;
            claims.binding = Some(Binding { relation, guardian: guardian.clone() });
        })
    };
    let show = |companions: &mut Companions, text: &SymbolText, now: Timestamp| {
        let decision = judge(text, &basis, now);
        let texts = key.of_texts(std::slice::from_ref(text));
        let digest = decision.credential().map(|credential| key.of(credential)).or(texts);
        companions.judged(&decision, digest, now);
    };
    let tally = |all, passed, to_check, to_desk| Some(Tally { all, passed, to_check, to_desk });
    let now = at(NOW);

    // By relation: a guardian and two children; then somebody else.
    let mut companions = Companions::default();
    show(&mut companions, &own(), now);
    assert_eq!(companions.tally(), None, "one is no group");
    show(&mut companions, &child(1, &guardian), now);
    assert_eq!(companions.tally(), tally(2, 1, 1, 0));
    companions.agreed();
    assert_eq!(companions.tally(), tally(2, 2, 0, 0));
    show(&mut companions, &child(2, &guardian), now);
    assert_eq!(companions.tally(), tally(3, 2, 1, 0));
    show(&mut companions, &numbered(3, |_| {}), now);
    assert_eq!(companions.tally(), None, "who is not related is the next");

    // Children of one guardian who is not there.
    show(&mut companions, &child(4, &guardian), now);
    show(&mut companions, &child(5, &guardian), now);
    assert_eq!(companions.tally(), tally(2, 0, 2, 0));

    // By a tap: whoever comes, until the next tap.
    companions.tap(now);
    assert_eq!(companions.tally(), None);
    companions.tap(now);
    assert_eq!(companions.tally(), tally(0, 0, 0, 0));
    show(&mut companions, &numbered(1, |_| {}), now);
    show(&mut companions, &numbered(2, |claims| claims.status = 3), now);
    show(&mut companions, &numbered(3, |_| {}), now);
    assert_eq!(companions.tally(), tally(3, 2, 0, 1));
    let words = companions.tally().unwrap().words();
    assert_eq!(words, Words::new("2/3 已通过，1 人到人工台", "2/3 passed, 1 to the desk"));

    // The same one again is not another, and what is to be shown again does not count.
    show(&mut companions, &numbered(2, |claims| claims.status = 3), now);
    show(&mut companions, &common::text("HELLO"), now);
    assert_eq!(companions.tally(), tally(3, 2, 0, 1));
    let mut history = History::new(key.clone());
    let shown = numbered(1, |_| {});
    let first = judge(&shown, &basis, now);
    let digest = key.of(first.credential().unwrap());
    history.remember(digest, Shown { at: now, gate: None });
    let again = greengate::decision::judge(&shown, &basis, &history, now);
    assert_eq!(again.reason(), Some(Reason::ShownAlready));
    companions.judged(&again, Some(digest), now);
    assert_eq!(companions.tally(), tally(3, 2, 0, 1), "a member who is recognised has passed");

    // Nobody for a while ends it, and so does one too many.
    companions.pass_time(now + GROUP_OVER_AFTER - TimeDelta::seconds(1));
    assert!(companions.tally().is_some());
    companions.pass_time(now + GROUP_OVER_AFTER);
    assert_eq!(companions.tally(), None);
    companions.tap(now);
    for number in (0..=u8::MAX).take(MAX_GROUP) {
        show(&mut companions, &numbered(number, |_| {}), now);
    }
    assert_eq!(companions.tally(), tally(9, 9, 0, 0));
    show(&mut companions, &numbered(99, |_| {}), now);
    assert_eq!(companions.tally(), None);
}
