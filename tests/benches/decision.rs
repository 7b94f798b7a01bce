//! How long a decision takes, beside what of it cannot be saved: `cargo bench`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use common::{
    NOW, at, basis, code, files, judge, judge_reading, key, key_entry, key_ring, recognition,
    usual_files,
};
use ed25519_dalek::Signer;
use greengate::{
    audit::AuditRecord,
    authority::print::Modules,
    clock::{Timestamp, shanghai_date},
    credential::{Nat, NatOutcome, NatResult, NatSource, Travel, TravelLevel, Visit},
    decision::{Basis, Verdict},
    frame::Frame,
    issuer::IssuerId,
    store::Store,
    symbol::{Effort, Reading, SymbolText, read},
};
use image::{GrayImage, Luma, imageops};
use serde_json::{Value, json};

fn main() {
    let (basis, now) = (basis(&usual_files()), at(NOW));
    let text = code(|_| {});
    let verdict = measure(2_000, || black_box(judge(&text, &basis, now)).verdict());
    let key = key(1);
    let signature = key.sign(&[7; 150]);
    let public = key.verifying_key();
    let signature = measure(2_000, || public.verify_strict(black_box(&[7; 150]), &signature));
    report("text to verdict", verdict, "its signature alone", signature);
    let commuter = commuter(now);
    for (name, pack) in [("shipped rules", shipped()), ("1,000 rules", thousand_rules())] {
        let basis = with_policy(&pack);
        assert_eq!(judge(&commuter, &basis, now).verdict(), Verdict::Pass, "{name}");
        let verdict = measure(2_000, || black_box(judge(&commuter, &basis, now)).verdict());
        report(&format!("text to verdict by {name}"), verdict, "its signature alone", signature);
    }

    let picture = Modules::of(&text).unwrap().picture();
    let frame = frame(&picture, now);
    let seen = measure(100, || black_box(read(&frame, Effort::Live)).seen);
    let decided = measure(100, || {
        judge_reading(&read(&frame, Effort::Live), &basis, now).map(|decision| decision.verdict())
    });
    report("720p frame to verdict", decided, "reading it alone", seen);
    let wall = Frame::new(vec![128; 1280 * 720], 1280, 720, now).unwrap();
    let empty = measure(100, || black_box(read(&wall, Effort::Live)).seen);
    report("720p frame without a symbol", empty, "with one", seen);

    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let reading = Reading::of(text);
    let decision = judge_reading(&reading, &basis, now).unwrap();
    let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
    let kept = measure(200, || store.record(&record).unwrap());
    report("record on the disk", kept, "text to verdict", verdict);
}

/// A code with all that the shipped rules look at.
fn commuter(now: Timestamp) -> SymbolText {
    code(|claims| {
        claims.commuter = Some(IssuerId::new(13));
        let uploaded = now - TimeDelta::days(3);
        let result = NatResult::Negative;
        let outcome = NatOutcome::Known { result, reported: uploaded, uploaded };
        claims.nat = Some(Nat { source: NatSource::National, sampled: uploaded, outcome });
        let visit = |area| Visit { area, last_day: shanghai_date(now) - TimeDelta::days(4) };
        let visits = vec![visit(130_681), visit(110_105)];
        claims.travel = Some(Travel { level: TravelLevel::None, as_of: uploaded, visits });
    })
}

fn shipped() -> Value {
    serde_json::from_slice(include_bytes!("../../assets/policy/cn-2021-11.json")).unwrap()
}

/// The rule that asks most, a thousand times.
fn thousand_rules() -> Value {
    let mut pack = shipped();
    let rules = pack["rules"].as_array_mut().unwrap();
    let days = rules.iter().find(|rule| rule["id"] == "CN-R2-DAYS").unwrap().clone();
    *rules = (0..1_000)
        .map(|index| {
            let mut rule = days.clone();
            rule["id"] = format!("R-{index}").into();
            rule
        })
        .collect();
    pack
}

fn with_policy(pack: &Value) -> Basis {
    let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
    let mut files = files(&ring, &recognition(), pack);
    let areas = json!({"version": 1, "issued": NOW, "window_days": 14, "areas": [
        {"area": 420_106, "level": "medium", "from": "2021-11-01", "to": null},
    ]});
    files.risk_areas = Some(areas.to_string().into_bytes());
    basis(&files)
}

/// The symbol in the middle of a grey wall, as a camera would see it.
fn frame(picture: &GrayImage, now: Timestamp) -> Frame {
    let mut wall = GrayImage::from_pixel(1280, 720, Luma([110]));
    let symbol = imageops::resize(picture, 400, 400, imageops::FilterType::Triangle);
    imageops::replace(&mut wall, &symbol, 440, 160);
    Frame::new(wall.into_raw(), 1280, 720, now).unwrap()
}

/// The median and the 99th percentile of so many runs.
fn measure<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, Duration) {
    let mut times: Vec<_> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            black_box(run());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[runs / 2], times[runs * 99 / 100])
}

fn report(what: &str, ours: (Duration, Duration), peer: &str, theirs: (Duration, Duration)) {
    let (median, p99) = ours;
    let ratio = median.as_secs_f64() / theirs.0.as_secs_f64();
    println!(
        "{what}: median {median:.1?}, p99 {p99:.1?}; {peer}: median {:.1?}, p99 {:.1?}; ratio {ratio:.2}",
        theirs.0, theirs.1
    );
}
