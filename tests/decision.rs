//! Which verdict, for which reason, to the second.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use chrono::TimeDelta;
use common::{
    NOW, at, basis, code, envelope, files, judge, judge_reading, key, key_entry, key_ring, policy,
    recognition, text, text_of, usual_files,
};
use greengate::{
    clock::{Floor, Timestamp},
    credential::{
        Binding, Claims, CodeId, DigestKey, Kind, Nat, NatOutcome, NatResult, NatSource, Relation,
        Travel, TravelLevel, Visit, write,
    },
    decision::{Basis, Decision, Detail, History, Reason, Shown, Verdict},
    issuer::IssuerId,
    place::Place,
    symbol::{Reading, SymbolText},
    trust::{Trust, TrustFiles},
};
use serde_json::{Value, json};

fn told(decision: &Decision) -> (&'static str, Option<&'static str>) {
    (decision.verdict().code(), decision.reason().map(Reason::code))
}

fn bound(claims: &mut Claims) {
    let guardian = CodeId::new(vec![1; 8]).unwrap();
    claims.binding = Some(Binding { relation: Relation::Child, guardian });
}

fn paper(claims: &mut Claims) {
    claims.kind = Kind::Paper;
    claims.expires = at("2021-12-20T00:00:00Z");
}

#[test]
fn claims_decide() {
    const PASS: (&str, Option<&str>) = ("pass", None);
    let basis = basis(&usual_files());
    let cases: [(&str, fn(&mut Claims), _); 11] = [
        ("green", |_| {}, PASS),
        ("national", |claims| claims.issuer = IssuerId::NATIONAL, PASS),
        (
            "converted",
            |claims| {
                claims.issuer = IssuerId::NATIONAL;
                claims.origin = Some(IssuerId::new(42));
            },
            PASS,
        ),
        ("review", |claims| claims.status = 0, ("refer", Some("E42"))),
        ("yellow", |claims| claims.status = 2, ("deny", Some("E40"))),
        ("red", |claims| claims.status = 3, ("deny", Some("E41"))),
        ("unmapped", |claims| claims.status = 4, ("refer", Some("E43"))),
        ("paper", paper, ("check_id", Some("E01"))),
        ("bound", bound, ("check_id", Some("E02"))),
        (
            "paper before bound",
            |claims| {
                paper(claims);
                bound(claims);
            },
            ("check_id", Some("E01")),
        ),
        (
            "red before paper",
            |claims| {
                paper(claims);
                claims.status = 3;
            },
            ("deny", Some("E41")),
        ),
    ];
    for (name, change, expected) in cases {
        assert_eq!(told(&judge(&code(change), &basis, at(NOW))), expected, "{name}");
    }
}

#[test]
fn dates_are_half_open() {
    let basis = basis(&usual_files());
    let phone = |claims: &mut Claims| claims.expires = at("2021-12-20T00:00:00Z");
    let short: fn(&mut Claims) = |_| {};
    // Issued at 2021-11-19T23:00:00Z; two minutes of tolerance; a phone's code is good for a day,
    // paper for fourteen. The lists are from three hours before that.
    let cases: [(&str, fn(&mut Claims), &str, _); 10] = [
        ("ahead within tolerance", short, "2021-11-19T22:58:00Z", ("pass", None)),
        ("ahead by a second more", short, "2021-11-19T22:57:59Z", ("refer", Some("E33"))),
        ("first second", short, "2021-11-19T23:00:00Z", ("pass", None)),
        ("last second", short, "2021-11-20T10:59:59Z", ("pass", None)),
        ("first second after", short, "2021-11-20T11:00:00Z", ("deny", Some("E31"))),
        ("last second of a day", phone, "2021-11-20T22:59:59Z", ("pass", None)),
        ("a day", phone, "2021-11-20T23:00:00Z", ("deny", Some("E32"))),
        ("paper after a day", paper, "2021-11-20T23:00:00Z", ("check_id", Some("E01"))),
        ("expired before too old", short, "2021-11-21T00:00:00Z", ("deny", Some("E31"))),
        (
            "expired and red",
            |claims| claims.status = 3,
            "2021-11-20T11:00:00Z",
            ("deny", Some("E31")),
        ),
    ];
    for (name, change, now, expected) in cases {
        assert_eq!(told(&judge(&code(change), &basis, at(now))), expected, "{name}");
    }
    // Paper lives longer than the lists do: they are published again on the way.
    let mut later = usual_files();
    let mut published = policy();
    published["issued"] = "2021-12-03T12:00:00Z".into();
    later.policy = Some(published.to_string().into_bytes());
    let basis = common::basis(&later);
    let last = judge(&code(paper), &basis, at("2021-12-03T22:59:59Z"));
    assert_eq!(told(&last), ("check_id", Some("E01")), "last second of paper");
    let over = judge(&code(paper), &basis, at("2021-12-03T23:00:00Z"));
    assert_eq!(told(&over), ("deny", Some("E32")), "paper of fourteen days");
}

#[test]
fn trust_data_ages_in_stages() {
    let basis = basis(&usual_files());
    // Published at 2021-11-19T20:00:00Z.
    let cases = [
        ("two days", "2021-11-21T20:00:00Z", ("pass", None)),
        ("a second more", "2021-11-21T20:00:01Z", ("check_id", Some("E70"))),
        ("seven days", "2021-11-26T20:00:00Z", ("check_id", Some("E70"))),
        ("a second more than that", "2021-11-26T20:00:01Z", ("refer", Some("E71"))),
    ];
    for (name, now, expected) in cases {
        let fresh = code(|claims| {
            claims.issued = at(now);
            claims.expires = at("2021-12-20T00:00:00Z");
        });
        assert_eq!(told(&judge(&fresh, &basis, at(now))), expected, "{name}");
        let red = code(|claims| {
            claims.issued = at(now);
            claims.expires = at("2021-12-20T00:00:00Z");
            claims.status = 3;
        });
        let red = told(&judge(&red, &basis, at(now)));
        let decided = if expected.0 == "refer" { expected } else { ("deny", Some("E41")) };
        assert_eq!(red, decided, "red, {name}");
    }
}

#[test]
fn the_first_check_to_fail_is_the_one_reported() {
    let now = at(NOW);
    let usual = basis(&usual_files());
    let mut no_policy = usual_files();
    no_policy.policy = None;
    let mut no_recognition = usual_files();
    no_recognition.recognition = None;
    let forged = {
        let mut bytes = envelope(&code(|claims| claims.status = 3));
        *bytes.last_mut().unwrap() ^= 1;
        text_of(&bytes)
    };
    let unknown = write(&common::claims(), &key(9)).unwrap();
    let late = at("2021-11-30T00:00:00Z");
    let early = at("2021-11-19T19:57:59Z");
    let cases = [
        ("not provisioned", &forged, Basis::UNPROVISIONED, now, ("refer", Some("E73"))),
        ("no place", &forged, Basis { place: None, ..usual.clone() }, now, ("refer", Some("E73"))),
        ("no policy", &forged, basis(&no_policy), now, ("refer", Some("E73"))),
        ("clock before trust", &forged, basis(&no_policy), early, ("refer", Some("E72"))),
        ("trust before form", &text("HELLO"), usual.clone(), late, ("refer", Some("E71"))),
        ("no health code", &text("HELLO"), usual.clone(), now, ("retry", Some("E11"))),
        ("malformed", &text("JKM1:HELLO"), usual.clone(), now, ("retry", Some("E12"))),
        ("unknown key", &unknown, usual.clone(), now, ("refer", Some("E21"))),
        ("forged before red", &forged, usual.clone(), now, ("deny", Some("E20"))),
        ("no recognition", &code(|_| {}), basis(&no_recognition), now, ("refer", Some("E43"))),
    ];
    for (name, text, basis, now, expected) in cases {
        assert_eq!(told(&judge(text, &basis, now)), expected, "{name}");
    }
}

#[test]
fn a_clock_below_the_floor_refers_everybody() {
    let usual = basis(&usual_files());
    let floor = Floor::LOWEST.raised_to(at("2021-11-20T00:02:00Z"));
    let raised = Basis { floor, ..usual };
    let cases =
        [("two minutes below", NOW, "pass"), ("a second more", "2021-11-19T23:59:59Z", "refer")];
    for (name, now, verdict) in cases {
        assert_eq!(judge(&code(|_| {}), &raised, at(now)).verdict().code(), verdict, "{name}");
    }
}

#[test]
fn an_exception_holds_for_its_places_and_dates_and_the_provinces_own_codes() {
    let mut recognition = recognition();
    recognition["exceptions"] = json!([{
        "issuer": 11, "places": ["rail_checkpoint"], "from": NOW, "to": "2021-11-20T01:00:00Z",
        "filed": "2021-11-01T00:00:00Z", "filing": "2021-12", "instead": {"zh": "", "en": ""},
    }]);
    let keys = || vec![key_entry(&key(1), "active")];
    let files = files(&key_ring(&[(11, keys()), (156, keys())]), &recognition, &policy());
    let rail = basis(&files);
    let park = Basis { place: Some(Place::Park), ..rail.clone() };
    let national: fn(&mut Claims) = |claims| {
        claims.issuer = IssuerId::NATIONAL;
        claims.origin = Some(IssuerId::new(11));
    };
    let cases: [(&str, fn(&mut Claims), &Basis, &str, _); 6] = [
        ("a second before", |_| {}, &rail, "2021-11-19T23:59:59Z", ("pass", None)),
        ("first second", |_| {}, &rail, NOW, ("refer", Some("E60"))),
        ("last second", |_| {}, &rail, "2021-11-20T00:59:59Z", ("refer", Some("E60"))),
        ("over", |_| {}, &rail, "2021-11-20T01:00:00Z", ("pass", None)),
        ("elsewhere", |_| {}, &park, NOW, ("pass", None)),
        ("converted", national, &rail, NOW, ("pass", None)),
    ];
    for (name, change, basis, now, expected) in cases {
        assert_eq!(told(&judge(&code(change), basis, at(now))), expected, "{name}");
    }
}

/// A rule for phones at railway checkpoints.
fn rule(id: &str, when: &Value, require: &Value, verdict: &str, reason: &str) -> Value {
    json!({
        "id": id, "version": 1, "places": ["rail_checkpoint"], "kinds": ["phone"],
        "when": when, "require": require,
        "otherwise": {"verdict": verdict, "reason": reason}, "text": {"zh": "", "en": ""},
    })
}

/// The usual lists, but with these rules and published at `issued`.
fn with_rules(rules: &Value, issued: &str) -> TrustFiles {
    let mut with_rules = policy();
    with_rules["rules"] = rules.clone();
    with_rules["issued"] = issued.into();
    files(&key_ring(&[(11, vec![key_entry(&key(1), "active")])]), &recognition(), &with_rules)
}

#[test]
fn the_first_rule_that_is_not_met_gives_the_answer() {
    let (always, never) = (json!(true), json!(false));
    let commuter = json!({"var": "payload.commuter"});
    let is_commuter = json!({"!": [{"!": [commuter]}]});
    let errs = json!({"<": [{"var": "payload.kind"}, 2]});
    let pass: (&str, Option<&str>) = ("pass", None);
    let cases = [
        ("none", json!([]), pass),
        ("met", json!([rule("A", &always, &always, "deny", "E50")]), pass),
        ("not met", json!([rule("A", &always, &never, "deny", "E50")]), ("deny", Some("E50"))),
        ("none of its business", json!([rule("A", &never, &never, "deny", "E50")]), pass),
        (
            "milder than its reason",
            json!([rule("A", &always, &is_commuter, "refer", "E53")]),
            ("refer", Some("E53")),
        ),
        (
            "for a look at the document",
            json!([rule("A", &always, &never, "check_id", "E03")]),
            ("check_id", Some("E03")),
        ),
        (
            "the first of two",
            json!([
                rule("A", &always, &never, "refer", "E55"),
                rule("B", &always, &never, "deny", "E50")
            ]),
            ("refer", Some("E55")),
        ),
        (
            "one that errs",
            json!([rule("A", &always, &errs, "deny", "E50")]),
            ("refer", Some("E73")),
        ),
        (
            "one that errs on whom",
            json!([rule("A", &errs, &always, "deny", "E50")]),
            ("refer", Some("E73")),
        ),
        (
            "no yes and no no",
            json!([rule("A", &always, &commuter, "deny", "E50")]),
            ("refer", Some("E73")),
        ),
    ];
    for (name, rules, expected) in cases {
        let rail = basis(&with_rules(&rules, "2021-11-19T20:00:00Z"));
        assert_eq!(told(&judge(&code(|_| {}), &rail, at(NOW))), expected, "{name}");
        let park = Basis { place: Some(Place::Park), ..rail.clone() };
        assert_eq!(told(&judge(&code(|_| {}), &park, at(NOW))), pass, "{name}, elsewhere");
        let paper = told(&judge(&code(paper), &rail, at(NOW)));
        assert_eq!(paper, ("check_id", Some("E01")), "{name}, on paper");
    }
}

#[test]
fn a_pack_with_a_rule_that_makes_no_sense_is_refused_by_the_rules_name() {
    let (always, never) = (json!(true), json!(false));
    let cases = [
        ("unknown operation", rule("A-1", &json!({"cat": ["a", "b"]}), &always, "deny", "E50")),
        ("a float", rule("A-1", &always, &json!({"<": [1.5, 2]}), "deny", "E50")),
        ("no verdict for a rule", rule("A-1", &always, &never, "pass", "E50")),
        ("no reason for a rule", rule("A-1", &always, &never, "deny", "E41")),
    ];
    for (name, rule) in cases {
        let files = with_rules(&json!([rule]), NOW);
        assert!(Trust::parse(&files).is_err(), "{name}");
    }
    let twice = rule("A-1", &always, &never, "deny", "E50");
    let files = with_rules(&json!([twice.clone(), twice]), NOW);
    let said = Trust::parse(&files).unwrap_err().to_string();
    assert_eq!(said, "policy.json: rule A-1 stands twice");
}

#[test]
fn a_test_counts_for_fourteen_civil_days_in_shanghai() {
    let tested = json!({"!": [{"!": [{"var": "payload.nat"}]}]});
    let days = json!({"<=": [0, {"var": "payload.nat.age_days"}, 14]});
    let rules = json!([
        rule("CN-R2-1", &json!(true), &tested, "deny", "E50"),
        rule("CN-R2-2", &json!(true), &days, "deny", "E51"),
    ]);
    // Source: REQUIREMENTS, section 3.
    let cases = [
        ("2021-11-06", "2021-11-20T23:59:59+08:00", "2021-11-21T00:00:00+08:00"),
        ("2021-11-06", "2021-11-20T12:00:00+08:00", "2021-11-21T00:10:00+08:00"),
        ("2023-02-15", "2023-03-01T23:59:59+08:00", "2023-03-02T00:00:00+08:00"),
        ("2024-02-15", "2024-02-29T23:59:59+08:00", "2024-03-01T00:00:00+08:00"),
        ("2024-02-29", "2024-03-14T23:59:59+08:00", "2024-03-15T00:00:00+08:00"),
        ("2023-12-25", "2024-01-08T23:59:59+08:00", "2024-01-09T00:00:00+08:00"),
    ];
    for (anchor, last, denied) in cases {
        for (now, expected) in [(last, ("pass", None)), (denied, ("deny", Some("E51")))] {
            for minute in ["00:00", "23:59"] {
                let uploaded = at(&format!("{anchor}T{minute}:00+08:00"));
                let now = at(now);
                let tested = code(|claims| {
                    claims.issued = now;
                    claims.expires = now + TimeDelta::hours(1);
                    let result = NatResult::Negative;
                    let outcome = NatOutcome::Known { result, reported: uploaded, uploaded };
                    let source = NatSource::Municipal;
                    claims.nat =
                        Some(Nat { source, sampled: uploaded - TimeDelta::days(1), outcome });
                });
                let basis = basis(&with_rules(&rules, &now.to_rfc3339()));
                assert_eq!(
                    told(&judge(&tested, &basis, now)),
                    expected,
                    "{anchor} {minute}, {now}"
                );
                let untested = code(|claims| {
                    claims.issued = now;
                    claims.expires = now + TimeDelta::hours(1);
                });
                assert_eq!(told(&judge(&untested, &basis, now)), ("deny", Some("E50")));
            }
        }
    }
}

#[test]
fn a_rule_that_wants_the_document_compared_comes_with_the_other_reasons_for_it() {
    let compare = rule("A", &json!(true), &json!(false), "check_id", "E03");
    let refers = rule("A", &json!(true), &json!(false), "refer", "E03");
    let denies = rule("B", &json!(true), &json!(false), "deny", "E50");
    let on = |rules: Value| basis(&with_rules(&rules, "2021-11-19T20:00:00Z"));
    let bound: fn(&mut Claims) = bound;
    let plain: fn(&mut Claims) = |_| {};
    let stale: fn(&mut Claims) = |claims| {
        claims.issued = at("2021-11-21T20:00:01Z");
        claims.expires = at("2021-11-21T21:00:00Z");
    };
    let e03 = ("check_id", Some("E03"));
    let cases: [(&str, Basis, fn(&mut Claims), &str, _); 6] = [
        ("alone", on(json!([compare])), plain, NOW, e03),
        ("a bound code", on(json!([compare])), bound, NOW, ("check_id", Some("E02"))),
        ("stale lists", on(json!([compare])), stale, "2021-11-21T20:00:01Z", e03),
        ("before another rule", on(json!([compare, denies])), plain, NOW, e03),
        ("after another", on(json!([denies, compare])), plain, NOW, ("deny", Some("E50"))),
        ("one that refers", on(json!([refers])), bound, NOW, ("refer", Some("E03"))),
    ];
    for (name, basis, change, now, expected) in cases {
        assert_eq!(told(&judge(&code(change), &basis, at(now))), expected, "{name}");
    }
}

#[test]
fn a_rule_about_areas_errs_without_a_list_of_them() {
    let listed = json!({"===": [{"var": "payload.travel.listed"}, "none"]});
    let travelled = json!({"!": [{"!": [{"var": "payload.travel"}]}]});
    let rules = json!([rule("A", &travelled, &listed, "refer", "E55")]);
    let mut files = with_rules(&rules, "2021-11-19T20:00:00Z");
    let without = basis(&files);
    let list = json!({"version": 1, "issued": "2021-11-19T20:00:00Z", "window_days": 14, "areas": [
        {"area": 420_100, "level": "high", "from": "2021-11-01", "to": null},
    ]});
    files.risk_areas = Some(list.to_string().into_bytes());
    let with = basis(&files);
    let visit = |area: u32| {
        code(|claims| {
            let last_day = "2021-11-19".parse().unwrap();
            let visits = vec![Visit { area, last_day }];
            let as_of = claims.issued;
            claims.travel = Some(Travel { level: TravelLevel::None, as_of, visits });
        })
    };
    let stayed = code(|claims| {
        let as_of = claims.issued;
        claims.travel = Some(Travel { level: TravelLevel::None, as_of, visits: Vec::new() });
    });
    let cases = [
        ("listed", &with, visit(420_102), ("refer", Some("E55"))),
        ("not listed", &with, visit(110_101), ("pass", None)),
        ("no list", &without, visit(110_101), ("refer", Some("E73"))),
        ("no list, nowhere visited", &without, stayed, ("pass", None)),
        ("no list, no claim", &without, code(|_| {}), ("pass", None)),
    ];
    for (name, basis, code, expected) in cases {
        assert_eq!(told(&judge(&code, basis, at(NOW))), expected, "{name}");
    }
}

#[test]
fn a_partner_counts_by_an_agreement_that_is_in_force_here_and_now() {
    let korea = 410;
    let agreement = |partner: &str, places: Value| {
        json!([{
            "partner": partner, "agreement": "2021-7", "places": places,
            "from": NOW, "to": "2021-11-20T01:00:00Z",
        }])
    };
    let with = |partners: Value| {
        let mut recognition = recognition();
        let statuses = recognition["transcoding"][0]["statuses"].clone();
        recognition["partners"] = partners;
        let list = recognition["transcoding"].as_array_mut().unwrap();
        list.push(json!({"issuer": korea, "statuses": statuses}));
        let ring = key_ring(&[(korea, vec![key_entry(&key(1), "active")])]);
        basis(&files(&ring, &recognition, &policy()))
    };
    let rail = json!(["rail_checkpoint"]);
    let not_in_force = ("refer", Some("E62"));
    let cases = [
        ("none", json!([]), NOW, not_in_force),
        ("a second before", agreement("KR", rail.clone()), "2021-11-19T23:59:59Z", not_in_force),
        ("first second", agreement("KR", rail.clone()), NOW, ("pass", None)),
        ("last second", agreement("KR", rail.clone()), "2021-11-20T00:59:59Z", ("pass", None)),
        ("over", agreement("KR", rail.clone()), "2021-11-20T01:00:00Z", not_in_force),
        ("elsewhere", agreement("KR", json!(["airport"])), NOW, not_in_force),
        ("with another", agreement("SG", rail), NOW, not_in_force),
    ];
    for (name, partners, now, expected) in cases {
        let basis = with(partners);
        let green = code(|claims| claims.issuer = IssuerId::new(korea));
        assert_eq!(told(&judge(&green, &basis, at(now))), expected, "{name}");
        let red = code(|claims| {
            claims.issuer = IssuerId::new(korea);
            claims.status = 3;
        });
        let first = if expected.0 == "pass" { ("deny", Some("E41")) } else { expected };
        assert_eq!(told(&judge(&red, &basis, at(now))), first, "{name}, and red");
    }
}

#[test]
fn a_code_that_was_let_pass_a_short_while_ago_is_referred() {
    let basis = basis(&usual_files());
    let key = DigestKey::new([5; 32]);
    let judged = |text: &SymbolText, history: &History, now: &str| {
        greengate::decision::judge(text, &basis, history, at(now))
    };
    let green = code(|_| {});
    let nobody = History::new(key.clone());
    let first = judged(&green, &nobody, NOW);
    assert_eq!(told(&first), ("pass", None));
    let digest = key.of(first.credential().unwrap());
    let mut history = nobody.clone();
    history.remember(digest, Shown { at: at(NOW), gate: Some("3".to_owned()) });

    // The window is five minutes.
    let other = code(|claims| claims.code_id = CodeId::new(vec![8; 12]).unwrap());
    let red = code(|claims| claims.status = 3);
    let refer = ("refer", Some("E80"));
    let cases = [
        ("at once", &green, NOW, refer),
        ("last second", &green, "2021-11-20T00:04:59Z", refer),
        ("over", &green, "2021-11-20T00:05:00Z", ("pass", None)),
        ("a clock set back a little", &green, "2021-11-19T23:59:30Z", refer),
        ("another", &other, NOW, ("pass", None)),
        ("the same one, but red", &red, NOW, ("deny", Some("E41"))),
        ("the same one, on paper", &code(paper), NOW, refer),
        ("the same one, bound", &code(bound), NOW, refer),
    ];
    for (name, text, now, expected) in cases {
        assert_eq!(told(&judged(text, &history, now)), expected, "{name}");
        assert_ne!(judged(text, &nobody, now).reason().map(Reason::code), Some("E80"), "{name}");
    }
    let again = judged(&green, &history, "2021-11-20T00:01:30Z");
    let ago = TimeDelta::seconds(90);
    assert_eq!(again.detail(), Some(&Detail::Shown { ago, gate: Some("3".to_owned()) }));

    history.forget_before(at("2021-11-20T00:00:01Z"));
    assert_eq!(told(&judged(&green, &history, "2021-11-20T00:01:30Z")), ("pass", None));
}

#[test]
fn what_is_seen_in_one_frame_is_one_answer() {
    let basis = basis(&usual_files());
    let green = code(|_| {});
    let red = code(|claims| claims.status = 3);
    let poster = text("https://example.com");
    let reading = |texts: &[_], seen| Reading { texts: texts.to_vec(), seen, hint: None };
    let cases = [
        ("nothing", reading(&[], 0), None),
        ("unreadable", reading(&[], 1), Some(("retry", Some("E10")))),
        ("one", reading(std::slice::from_ref(&green), 1), Some(("pass", None))),
        ("one, and one unreadable", reading(std::slice::from_ref(&green), 2), Some(("pass", None))),
        ("a poster", reading(std::slice::from_ref(&poster), 1), Some(("retry", Some("E11")))),
        ("a poster beside one", reading(&[poster, red.clone()], 2), Some(("deny", Some("E41")))),
        ("two that disagree", reading(&[green, red], 2), Some(("retry", Some("E13")))),
    ];
    for (name, reading, expected) in cases {
        let decision = judge_reading(&reading, &basis, at(NOW));
        assert_eq!(decision.as_ref().map(told), expected, "{name}");
    }
    let two = Reading { seen: 1, ..Reading::default() };
    let unprovisioned = judge_reading(&two, &Basis::UNPROVISIONED, at(NOW));
    assert_eq!(unprovisioned.as_ref().map(told), Some(("refer", Some("E73"))));
}

#[test]
fn the_same_three_give_the_same_answer() {
    let basis = basis(&usual_files());
    let first = judge(&code(|_| {}), &basis, at(NOW));
    let second =
        judge(&code(|_| {}), &basis.clone(), Timestamp::from_timestamp(1_637_366_400, 0).unwrap());
    assert_eq!(first, second);
    assert_eq!(first.verdict(), Verdict::Pass);
}
