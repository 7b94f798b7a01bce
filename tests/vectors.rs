//! Codes that another program wrote, good and bad, and what must become of them.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod common;

use std::{fs, path::Path};

use common::{at, judge, text};
use greengate::{
    decision::{Basis, Reason},
    sync,
};
use serde_json::Value;

#[test]
fn codes_of_another_encoder_are_decided_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/credentials");
    let trust = sync::read_trust(&folder.join("trust")).unwrap();
    let cases = fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let mut count = 0;
    for case in cases.lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let member = |name: &str| case[name].as_str().unwrap();
        let basis = Basis::of(trust.clone(), Some(member("place").parse().unwrap()));
        let decision = judge(&text(member("text")), &basis, at(member("at")));
        let told = (
            Value::from(decision.verdict().code()),
            Value::from(decision.reason().map(Reason::code)),
        );
        let expected = (case["expect_verdict"].clone(), case["expect_reason"].clone());
        assert_eq!(told, expected, "{}: {}", member("id"), member("why"));
        count += 1;
    }
    assert_eq!(count, 172);
}
