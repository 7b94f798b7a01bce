//! Policy packs: what is refused, and what the shipped one says.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use common::{files, key, key_entry, key_ring, policy, recognition};
use greengate::{
    authority::golden::{self, Failure, Report},
    clock::Timestamp,
    place::Place,
    policy::Policy,
    store::Store,
};
use serde_json::{Value, json};

const PACK: &[u8] = include_bytes!("../assets/policy/cn-2021-11.json");
const CASES: &[u8] = include_bytes!("../assets/policy/cn-2021-11.cases.json");

/// A pack of one rule, the usual one but for what `change` says.
fn pack(change: impl FnOnce(&mut Value)) -> Value {
    let mut rule = json!({
        "id": "A-1", "version": 1, "places": ["station"], "kinds": ["phone"],
        "when": true, "require": {"===": [{"var": "payload.kind"}, "phone"]},
        "otherwise": {"verdict": "deny", "reason": "E50"},
        "text": {"zh": "须有核酸", "en": "A test is needed"},
    });
    change(&mut rule);
    let mut pack = policy();
    pack["rules"] = json!([rule]);
    pack
}

#[test]
fn a_pack_that_cannot_be_read_is_refused_by_rule_and_place() {
    let cases: [(&str, fn(&mut Value), &str); 8] = [
        (
            "unknown member",
            |rule| rule["colour"] = "green".into(),
            "rule A-1, /rules/0: unknown field `colour`, expected one of `id`, `version`, \
             `places`, `kinds`, `when`, `require`, `otherwise`, `text`",
        ),
        (
            "unknown operation",
            |rule| rule["require"] = json!({"and": [true, {"cat": ["a"]}]}),
            "rule A-1, /rules/0/require/and/1: unknown operation",
        ),
        (
            "a fraction",
            |rule| rule["when"] = json!({"<": [1.5, 2]}),
            "rule A-1, /rules/0/when/</0: a number that is not an integer of at most 53 bits",
        ),
        (
            "unknown place",
            |rule| rule["places"] = json!(["moon"]),
            "rule A-1, /rules/0: unknown variant `moon`, expected one of `rail_checkpoint`, \
             `highway_checkpoint`, `residential`, `station`, `airport`, `port`, \
             `passenger_station`, `ferry`, `dock`, `hospital`, `park`",
        ),
        (
            "unknown reason",
            |rule| rule["otherwise"]["reason"] = "E99".into(),
            "rule A-1, /rules/0: unknown variant `E99`, expected one of `E03`, `E50`, `E51`, \
             `E52`, `E53`, `E54`, `E55`",
        ),
        (
            "a rule that lets pass",
            |rule| rule["otherwise"]["verdict"] = "pass".into(),
            "rule A-1, /rules/0: unknown variant `pass`, expected one of `check_id`, `deny`, \
             `refer`",
        ),
        (
            "no text in one language",
            |rule| rule["text"] = json!({"zh": "须有核酸"}),
            "rule A-1, /rules/0: missing field `en`",
        ),
        (
            "no name",
            |rule| {
                rule.as_object_mut().unwrap().remove("id");
            },
            "rule without an id, /rules/0: missing field `id`",
        ),
    ];
    for (name, change, said) in cases {
        let error = Policy::parse(pack(change).to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), said, "{name}");
    }
    let twice =
        pack(|_| {}).to_string().replace("\"when\":true", "\"when\":{\"!\":[true],\"!\":[1]}");
    let error = Policy::parse(twice.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("not well formed: member \"!\" stands twice"), "{error}");
}

#[test]
fn a_pack_that_can_be_read_and_not_be_meant_is_not_installed() {
    let var = |path: &str| json!({"var": path});
    let cases: [(&str, Value, &str); 14] = [
        (
            "text compared as a number",
            json!({"<": [var("payload.kind"), 2]}),
            "require/</0: < needs integers",
        ),
        (
            "a text that is no number",
            json!({"and": [true, {"<": ["1", 2]}]}),
            "require/and/1/</0: < needs integers",
        ),
        (
            "an instant that was not read",
            json!({"after": [var("external.validationClock"), var("payload.nat.uploaded")]}),
            "require/after/0: after needs date-times",
        ),
        (
            "part of a text",
            json!({"in": ["phone", var("payload.kind")]}),
            "require/in/1: in needs an array",
        ),
        ("nothing there", var("payload.nat.age"), "require: there is nothing at that path"),
        ("neither yes nor no", var("payload.nat"), "require: comes to neither true nor false"),
        ("a number", json!({"+": [1, 2]}), "require: comes to neither true nor false"),
        (
            "an instant as yes or no",
            json!({"!": [{"plusTime": [var("payload.nat.uploaded"), 1, "day"]}]}),
            "require/!/0: ! needs what is truthy or falsy",
        ),
        (
            "no date",
            json!({"after": [
                {"plusTime": ["2021-02-30", 0, "day"]},
                {"plusTime": [var("external.today"), 0, "day"]},
            ]}),
            "require/after/0/plusTime/0: text that is no date",
        ),
        (
            "a sum of texts",
            json!({"===": [{"+": ["a", "b"]}, "ab"]}),
            "require/===/0/+/0: + needs integers",
        ),
        (
            "a local code",
            json!({"===": [var("payload.issuer"), 11]}),
            "require: demands a local code of holders of recognised ones: file an exception \
             instead",
        ),
        (
            "a local code of those of whom it is asked",
            json!({"if": [{"in": [var("payload.issuer"), [11, 156]]}, true, false]}),
            "require: demands a local code of holders of recognised ones: file an exception \
             instead",
        ),
        (
            "no converted codes",
            json!({"if": [{"===": [var("payload.issuer"), 42]}, false, true]}),
            "require: demands a local code of holders of recognised ones: file an exception \
             instead",
        ),
        (
            "an empty path of a rule that reads all",
            var(""),
            "require: comes to neither true nor false",
        ),
    ];
    let install = |pack: &Value| {
        let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
        let mut store = Store::in_memory().unwrap();
        store.install(&files(&ring, &recognition(), pack), Timestamp::UNIX_EPOCH)
    };
    for (name, require, said) in cases {
        let pack = pack(|rule| rule["require"] = require);
        let error = install(&pack).unwrap_err().to_string();
        assert_eq!(error, format!("policy.json: rule A-1, /rules/0/{said}"), "{name}");
    }
    let error = install(&pack(|rule| rule["text"]["en"] = " ".into())).unwrap_err().to_string();
    assert_eq!(error, "policy.json: rule A-1, /rules/0/text/en: there is no text");

    // A test asked of those of another province is no code asked of them, and a look at their
    // document is not either.
    let tested = json!({"!": [{"!": [var("payload.nat")]}]});
    let mild = pack(|rule| {
        rule["require"] = json!({"===": [var("payload.issuer"), 11]});
        rule["otherwise"] = json!({"verdict": "check_id", "reason": "E03"});
    });
    let of_others = pack(|rule| {
        rule["when"] = json!({"!": [{"===": [var("payload.issuer"), 11]}]});
        rule["require"] = tested;
    });
    for (name, pack) in [("mild", mild), ("a test of others", of_others), ("usual", pack(|_| {}))] {
        assert!(install(&pack).is_ok(), "{name}");
    }
}

#[test]
fn the_shipped_pack_says_what_its_golden_cases_expect() {
    let report = golden::check(PACK, CASES).unwrap();
    assert_eq!(report, Report { run: 242, ..Report::default() });
}

#[test]
fn a_pack_that_lacks_a_rule_or_has_another_is_found_out() {
    let mut cases: Value = serde_json::from_slice(CASES).unwrap();
    let mut pack: Value = serde_json::from_slice(PACK).unwrap();
    let rules = pack["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["id"] != "CN-R2-DAYS");
    let report = golden::check(pack.to_string().as_bytes(), CASES).unwrap();
    let place = Place::RailCheckpoint;
    let (name, expected) =
        ("R2 first second of day 15".to_owned(), "deny E51 CN-R2-DAYS".to_owned());
    let failure = Failure { name, place, expected, found: "pass".to_owned() };
    assert!(report.failures.contains(&failure), "{:?}", report.failures);
    assert_eq!(
        failure.to_string(),
        "R2 first second of day 15, at rail_checkpoint: expected deny E51 CN-R2-DAYS, came out pass"
    );

    // Without the cases about a rule nobody would notice that it is gone.
    let every = cases["cases"].as_array_mut().unwrap();
    every.retain(|case| case["expect"]["rule"] != "LOCAL-NAT-72H");
    let report = golden::check(PACK, cases.to_string().as_bytes()).unwrap();
    assert_eq!(report.failures, []);
    assert_eq!(report.unnoticed, ["LOCAL-NAT-72H"]);
}

#[test]
fn golden_cases_that_make_no_sense_are_refused() {
    let case = |change: fn(&mut Value)| {
        let mut case = json!({
            "name": "one", "at": "2021-11-20T08:00:00+08:00", "places": ["station"], "code": {},
            "expect": {"verdict": "pass"},
        });
        change(&mut case);
        json!({"cases": [case]}).to_string()
    };
    assert_eq!(golden::check(PACK, case(|_| {}).as_bytes()).unwrap().failures, []);
    let cases: [(&str, fn(&mut Value), &str); 3] = [
        (
            "unknown member",
            |case| case["code"]["name"] = "张三".into(),
            "the cases cannot be used: not well formed: unknown field `name`",
        ),
        (
            "unknown place",
            |case| case["places"] = json!(["moon"]),
            "the cases cannot be used: not well formed: unknown variant `moon`",
        ),
        (
            "a test after the code",
            |case| {
                case["code"]["nat"] =
                    json!({"result": "negative", "uploaded": "2021-11-20T08:00:00+08:00"});
            },
            "case one: ",
        ),
    ];
    for (name, change, said) in cases {
        let error = golden::check(PACK, case(change).as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(said), "{name}: {error}");
    }
}
