//! From a frame to a verdict that is on the disk, and what each stage of it takes.

use std::hint::black_box;

use ed25519_dalek::Signer;
use greengate::{
    audit::AuditRecord,
    authority::print::Modules,
    decision::Verdict,
    frame::Frame,
    store::Store,
    symbol::{Reader, Reading},
};
use image::{GrayImage, Luma, imageops};

use crate::{
    common::{NOW, at, judge, judge_reading, key},
    figures::{measure, report},
    rules::{commuter, shipped, with_policy},
};

/// How often each is measured: the 99th percentile is the thirtieth longest.
const RUNS: usize = 3_000;

/// Measures each stage alone, and all of them one after the other as a lane does them.
pub fn whole() {
    let (basis, now) = (with_policy(&shipped()), at(NOW));
    let text = commuter(now);
    let mut wall = GrayImage::from_pixel(1280, 720, Luma([110]));
    let picture = Modules::of(&text).unwrap().picture();
    let symbol = imageops::resize(&picture, 400, 400, imageops::FilterType::Triangle);
    let empty = Frame::new(wall.clone().into_raw(), 1280, 720, now).unwrap();
    imageops::replace(&mut wall, &symbol, 440, 160);
    let frame = Frame::new(wall.into_raw(), 1280, 720, now).unwrap();
    let reading = Reading::of(text.clone());
    assert_eq!(Reader::new().next(&frame), reading);
    // On a disk: the usual folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut store = Store::open(folder.path()).unwrap();

    println!(
        "720p frame to a verdict by the shipped rules that is on the disk (wanted: p99 33 ms)"
    );
    let mut reader = Reader::new();
    report("  frame to text", measure(RUNS, || reader.next(&frame)), "");
    report("  frame without a symbol", measure(RUNS, || reader.next(&empty)), "");
    let signer = key(1);
    let signature = signer.sign(&[7; 150]);
    let public = signer.verifying_key();
    let verified = measure(RUNS, || public.verify_strict(black_box(&[7; 150]), &signature));
    report("  the signature", verified, "");
    let judged = measure(RUNS, || judge(&text, &basis, now).verdict());
    report("  text to verdict, signature and all", judged, "");
    let decision = judge_reading(&reading, &basis, now).unwrap();
    let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
    report("  its record onto the disk", measure(RUNS, || store.record(&record).unwrap()), "");
    let all = measure(RUNS, || {
        let reading = reader.next(&frame);
        let decision = judge_reading(&reading, &basis, now).unwrap();
        assert_eq!(decision.verdict(), Verdict::Pass);
        let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
        store.record(&record).unwrap();
    });
    report("  all of it", all, "");
}
