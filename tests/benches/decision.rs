//! How long a decision takes, beside what of it cannot be saved: `cargo bench --bench decision`. From
//! the frame to the record it is the benchmark `reading` that measures.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;

mod figures;
mod rules;

use std::hint::black_box;

use common::{NOW, at, basis, code, judge, key, usual_files};
use ed25519_dalek::Signer;
use figures::{compare, measure};
use greengate::decision::Verdict;
use rules::{commuter, shipped, thousand_rules, with_policy};

fn main() {
    let (basis, now) = (basis(&usual_files()), at(NOW));
    let text = code(|_| {});
    let verdict = measure(2_000, || black_box(judge(&text, &basis, now)).verdict());
    let key = key(1);
    let signature = key.sign(&[7; 150]);
    let public = key.verifying_key();
    let signature = measure(2_000, || public.verify_strict(black_box(&[7; 150]), &signature));
    compare("text to verdict", verdict, "its signature alone", signature);
    let commuter = commuter(now);
    for (name, pack) in [("shipped rules", shipped()), ("1,000 rules", thousand_rules())] {
        let basis = with_policy(&pack);
        assert_eq!(judge(&commuter, &basis, now).verdict(), Verdict::Pass, "{name}");
        let verdict = measure(2_000, || black_box(judge(&commuter, &basis, now)).verdict());
        compare(&format!("text to verdict by {name}"), verdict, "its signature alone", signature);
    }
}
