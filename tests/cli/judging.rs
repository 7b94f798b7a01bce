//! What `greengate verify` says of texts and pictures.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use chrono::TimeDelta;
use greengate::{
    clock::Timestamp,
    credential::{Nat, NatOutcome, NatResult, NatSource},
};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    TERMINAL,
    common::{NOW, code, files, key, key_entry, key_ring, policy, recognition, text_of},
    folder, lines, path, run, status, stdout, trust, verify,
};

#[test]
fn a_verdict_is_an_exit_status_and_a_line() {
    let trust = trust();
    let codes = [
        (code(|_| {}), 0, "text: pass\n"),
        (code(|claims| claims.status = 3), 10, "text: deny: status is stop [E41]\n"),
        (code(|claims| claims.status = 0), 11, "text: refer: under review [E42]\n"),
        (
            code(|claims| claims.kind = greengate::credential::Kind::Paper),
            12,
            "text: check_id: paper code [E01]\n",
        ),
        (text_of(b"\0"), 13, "text: retry: malformed code [E12]\n"),
    ];
    for (code, expected, line) in codes {
        let output = verify(&trust, &["--text", code.as_str()]);
        assert_eq!(status(&output), expected, "{line}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), line);
    }
}

#[test]
fn json_says_what_scripts_ask_for() {
    let trust = trust();
    let output = verify(&trust, &["--json", "--text", code(|_| {}).as_str()]);
    let [answer] = lines(&output).try_into().unwrap();
    let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["input", "issuer", "kind", "latency_us", "reason", "verdict"]);
    assert_eq!(answer["verdict"], "pass");
    assert_eq!(answer["reason"], Value::Null);
    assert_eq!(answer["issuer"], 11);
    assert_eq!(answer["kind"], "phone");
    assert!(answer["latency_us"].is_u64());
}

#[test]
fn the_worst_picture_is_the_exit_status() {
    let trust = trust();
    let folder = tempdir().unwrap();
    let save = |name: &str, code| {
        let path = folder.path().join(name);
        let modules = greengate::authority::print::Modules::of(&code).unwrap();
        modules.picture().save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let green = save("green.png", code(|_| {}));
    let red = save("red.png", code(|claims| claims.status = 3));
    let review = save("review.png", code(|claims| claims.status = 0));
    let poster = save("poster.png", crate::common::text("https://example.com"));
    let cases: [(&[&String], i32); 5] = [
        (&[&green], 0),
        (&[&green, &poster], 13),
        (&[&poster, &review], 11),
        (&[&red, &review, &poster, &green], 10),
        (&[&green, &green], 0),
    ];
    for (images, expected) in cases {
        let images: Vec<_> = images.iter().map(|image| image.as_str()).collect();
        assert_eq!(status(&verify(&trust, &images)), expected, "{images:?}");
    }
    let missing = verify(&trust, &[&green, "missing.png"]);
    assert_eq!(status(&missing), 1, "no judgement is no pass");

    let output = run(TERMINAL, &["read", "--json", &green, &poster]);
    let [first, second] = lines(&output).try_into().unwrap();
    assert_eq!(first["texts"], json!([code(|_| {}).as_str()]));
    assert_eq!(second["texts"], json!(["https://example.com"]));
    assert_eq!((status(&output), &first["seen"]), (0, &json!(1)));
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let trust = trust();
    let mut child = Command::new(TERMINAL)
        .args(["verify", "--json", "--batch", "-", "--trust", path(&trust)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let green = code(|_| {});
    let green = green.as_str();
    let asked = [
        json!({"id": 1, "text": green, "at": NOW, "place": "park"}).to_string(),
        json!({"id": "again", "text": green, "at": NOW}).to_string(),
        json!({"id": [2], "text": green, "at": "2021-11-20T19:00:00+08:00"}).to_string(),
        "{\"id\": 3, \"text\":".to_owned(),
        String::new(),
        json!({"id": 4, "at": NOW}).to_string(),
        json!({"id": 5, "text": "x", "image": "x"}).to_string(),
        json!({"id": 6, "text": "x", "at": "yesterday"}).to_string(),
        json!({"id": 7, "text": "x", "place": "moon"}).to_string(),
        json!({"id": 8, "image": "missing.png"}).to_string(),
        "[1]".to_owned(),
        json!({"id": 9, "text": "9".repeat(50_000), "at": NOW}).to_string(),
        json!({"text": green, "at": NOW, "expected": "pass"}).to_string(),
    ];
    child.stdin.take().unwrap().write_all(asked.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers = lines(&output);
    let told = |answer: &Value| {
        let told = ["id", "verdict", "reason"].map(|member| answer[member].clone());
        (told, answer.get("error").is_some())
    };
    let answered = |id: Value, verdict: &str, reason: Value| ([id, verdict.into(), reason], false);
    let refused = |id: Value| ([id, Value::Null, Value::Null], true);
    let expected = [
        answered(json!(1), "pass", Value::Null),
        answered(json!("again"), "pass", Value::Null),
        answered(json!([2]), "deny", json!("E31")),
        refused(Value::Null),
        refused(json!(4)),
        refused(json!(5)),
        refused(json!(6)),
        refused(json!(7)),
        refused(json!(8)),
        refused(Value::Null),
        answered(json!(9), "retry", json!("E11")),
        answered(Value::Null, "pass", Value::Null),
    ];
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(status(&output), 0);
}

#[test]
fn wrong_usage_is_not_a_verdict() {
    let cases: [&[&str]; 5] = [
        &["verify"],
        &["verify", "--text", "a", "b.png"],
        &["verify", "--place", "moon", "--text", "a"],
        &["verify", "--at", "noon", "--text", "a"],
        &["frobnicate"],
    ];
    for arguments in cases {
        assert_eq!(status(&run(TERMINAL, arguments)), 2, "{arguments:?}");
    }
    let nowhere = run(TERMINAL, &["verify", "--trust", "/nowhere", "--text", "a"]);
    assert_eq!(status(&nowhere), 70);
}

/// The 14-day rule, its table, and what the zone of the machine has to do with it: nothing.
#[test]
fn days_change_at_midnight_in_shanghai_whatever_the_zone() {
    // Source: REQUIREMENTS, section 3: the day of the upload, and the first instant of denial.
    let table = [
        ("2021-11-06", "2021-11-21"),
        ("2023-02-15", "2023-03-02"),
        ("2024-02-15", "2024-03-01"),
        ("2024-02-29", "2024-03-15"),
        ("2023-12-25", "2024-01-09"),
    ];
    for (day, denied) in table {
        let midnight: Timestamp = format!("{denied}T00:00:00+08:00").parse().unwrap();
        let mut rules = policy();
        rules["issued"] = (midnight - TimeDelta::hours(3)).to_rfc3339().into();
        rules["rules"] = json!([{
            "id": "CN-R2", "version": 1, "places": ["rail_checkpoint"], "kinds": ["phone"],
            "when": true, "require": {"<=": [0, {"var": "payload.nat.age_days"}, 14]},
            "otherwise": {"verdict": "deny", "reason": "E51"}, "text": {"zh": "-", "en": "-"},
        }]);
        let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
        let trust = folder(&files(&ring, &recognition(), &rules));
        let trust = trust.path().to_str().unwrap();
        let lines = ["00:00:00", "23:59:00"].map(|time| {
            let uploaded: Timestamp = format!("{day}T{time}+08:00").parse().unwrap();
            let code = code(|claims| {
                claims.issued = midnight - TimeDelta::hours(1);
                claims.expires = midnight + TimeDelta::hours(1);
                let outcome =
                    NatOutcome::Known { result: NatResult::Negative, reported: uploaded, uploaded };
                claims.nat = Some(Nat { source: NatSource::National, sampled: uploaded, outcome });
            });
            [-1, 0, 600].map(|second| {
                let at = (midnight + TimeDelta::seconds(second)).to_rfc3339();
                json!({"text": code.as_str(), "at": at, "place": "rail_checkpoint"}).to_string()
            })
        });
        let batch = tempfile::NamedTempFile::new().unwrap();
        fs::write(batch.path(), lines.concat().join("\n")).unwrap();
        let batch = batch.path().to_str().unwrap();
        for zone in [None, Some("UTC"), Some("America/New_York"), Some("Asia/Shanghai")] {
            let mut command = Command::new(TERMINAL);
            command.args(["verify", "--trust", trust, "--batch", batch, "--json"]);
            match zone {
                None => command.env_remove("TZ"),
                Some(zone) => command.env("TZ", zone),
            };
            let answers = self::lines(&command.output().unwrap());
            let verdicts: Vec<_> = answers
                .iter()
                .map(|answer| (answer["verdict"].as_str().unwrap(), answer["reason"].as_str()))
                .collect();
            let (good, late) = (("pass", None), ("deny", Some("E51")));
            assert_eq!(verdicts, [good, late, late, good, late, late], "{day}, {zone:?}");
        }
    }
}

#[test]
fn why_is_said_with_rules_values_and_versions() {
    let mut rules = policy();
    rules["rules"] = json!([{
        "id": "CN-R2", "version": 4, "places": ["rail_checkpoint"], "kinds": ["phone"],
        "when": true, "require": {"!": [{"!": [{"var": "payload.nat"}]}]},
        "otherwise": {"verdict": "deny", "reason": "E50"}, "text": {"zh": "-", "en": "-"},
    }]);
    let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
    let trust = folder(&files(&ring, &recognition(), &rules));
    let trust = trust.path().to_str().unwrap();
    let text = code(|_| {});
    let arguments = ["verify", "--trust", trust, "--at", NOW, "--explain", "--text", text.as_str()];
    let told = run(TERMINAL, &arguments);
    let expected = "\
text: deny: no nucleic-acid test [E50]
  good          clock: floor = 2021-11-19T20:00:00Z, now = 2021-11-20T00:00:00Z
  good          policy: place = rail_checkpoint, policy = TEST 5
  good          trust_age: age = 4 h, check ID after = 48 h, refer after = 168 h
  good          form
  good          key: issuer = 11
  good          signature
  good          retirement
  good          dates: at most = 24 h, expires = 2021-11-20T11:00:00Z, issued = 2021-11-19T23:00:00Z
  good          revocation: list = 2021-11, version = none
  good          recognition
  good          status: means = normal, status = 1
  failed        rule CN-R2 version 4 [E50]: payload.nat = null
  not_reached   repeat
  not_reached   document
  by key-ring.json version 7 of 2021-11-19 20:00:00 UTC
  by recognition.json version 3 of 2021-11-19 20:00:00 UTC
  by policy.json version 5 of 2021-11-19 20:00:00 UTC
";
    assert_eq!((status(&told), stdout(&told).as_str()), (10, expected));
    let told = &lines(&run(TERMINAL, &[&arguments[..], &["--json"]].concat()))[0];
    assert_eq!(told["rule"], json!({"id": "CN-R2", "version": 4}));
    assert_eq!(
        told["explanation"]["checks"][11],
        json!({
            "check": "rule", "rule": {"id": "CN-R2", "version": 4}, "outcome": "failed",
            "reason": "E50", "saw": {"payload.nat": "null"},
        })
    );
    let list = json!({"file": "policy.json", "version": 5, "issued": "2021-11-19T20:00:00Z"});
    assert_eq!(told["explanation"]["trust"][2], list);
}
