//! How fast symbols are read, and how many, beside the decoders of others: `cargo bench --bench
//! reading`. Words after `--` choose: `frames`, `pictures`, `whole`, `soak`, `spoilt`, and by its first
//! word what by.
//!
//! rxing and rqrr run in this process. `GREENGATE_PEER_PYTHON` names a Python that has the wheels
//! zxing-cpp, pyzbar and numpy, in a virtual environment outside the tree; without it those are
//! skipped. The pictures that others collected are skipped where they are not.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark draws and prints, and its panic is the report"
)]

#[path = "../../common/mod.rs"]
mod common;
#[path = "../figures.rs"]
mod figures;
#[path = "../rules.rs"]
mod rules;

mod chart;
mod draw;
mod hostile;
mod peers;
mod soak;
mod whole;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use chart::{Line, Panel};
use draw::{Chance, FACTORS, Picture, Spoilt, draw, symbol};
use greengate::symbol::Reader;
use peers::{Case, Decoder, Outcome};
use qrcodegen::QrCodeEcc;

fn main() {
    let chosen: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_chosen = |word: &str| chosen.is_empty() || chosen.iter().any(|one| one == word);
    if is_chosen("frames") {
        frames();
    }
    if is_chosen("pictures") {
        pictures();
    }
    if is_chosen("whole") {
        whole::whole();
    }
    if is_chosen("soak") {
        soak_with_the_hardest();
    }
    if is_chosen("spoilt") {
        spoilt(&chosen);
    }
}

/// Frames as a camera gives them, with version 11 or without.
fn frames() {
    let pose = Spoilt { module: 8.0, noise: 3.0, gain: 1.0, contrast: 205.0, ..Spoilt::default() };
    let (hd, full_hd) = ((1280, 720), (1920, 1080));
    let kinds = [
        ("720p clean", pose, hd),
        ("720p keystone, blur", Spoilt { turn: 13.0, keystone: 20.0, defocus: 0.25, ..pose }, hd),
        ("720p turned", Spoilt { turn: 30.0, ..pose }, hd),
        ("720p 3.6 px a module", Spoilt { module: 3.6, turn: 5.0, ..pose }, hd),
        ("720p no symbol", Spoilt { module: 0.0, ..pose }, hd),
        ("1080p clean", pose, full_hd),
        ("1080p no symbol", Spoilt { module: 0.0, ..pose }, full_hd),
    ];
    let decoders = [Decoder::Reader, Decoder::ReaderTurns, Decoder::Rxing, Decoder::Rqrr];
    for (name, pose, sides) in kinds {
        let cases: Vec<Case> = (0..20)
            .map(|seed| {
                let mut chance = Chance::seeded(seed + 1);
                let (code, text) = symbol(11, QrCodeEcc::Medium, &mut chance);
                if pose.module > 0.0 {
                    Case { picture: draw(&code, &pose, sides, &mut chance), texts: vec![text] }
                } else {
                    Case { picture: wall(sides, &mut chance), texts: Vec::new() }
                }
            })
            .collect();
        println!("{name}");
        let mut outcomes = peers::run(&decoders, &cases, 9);
        outcomes.extend(peers::run_python(&cases));
        report(&outcomes);
    }
}

/// A wall in uneven light, with edges and writing-like strokes.
fn wall((width, height): (usize, usize), chance: &mut Chance) -> Picture {
    let strokes: Vec<[f64; 4]> = (0..60)
        .map(|_| [0.0; 4].map(|_| chance.part()))
        .map(|[x, y, w, h]| [x * width as f64, y * height as f64, w * 90.0 + 4.0, h * 30.0 + 3.0])
        .collect();
    let luma = (0..width * height).map(|place| {
        let (x, y) = ((place % width) as f64, (place / width) as f64);
        let inside = |[left, top, wide, high]: &[f64; 4]| {
            (*left..left + wide).contains(&x) && (*top..top + high).contains(&y)
        };
        let stroke = if strokes.iter().any(inside) { 70.0 } else { 0.0 };
        let light = 150.0 + 25.0 * ((x / 190.0).sin() + (y / 170.0).cos());
        (light - stroke + chance.part() * 8.0) as u8
    });
    let luma = luma.collect();
    Picture { luma, width, height }
}

/// The pictures that others collected, by set; none where they are not.
fn collected() -> Vec<(String, Vec<Case>)> {
    let given = env::var_os("GREENGATE_PEER_DATA").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/peer-data");
    let folder = given.unwrap_or_else(beside).join("qr");
    let list = fs::read_to_string(folder.join("expected.tsv")).unwrap_or_default();
    let mut sets: Vec<(String, Vec<Case>)> = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let [path, _, _, texts] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        // The one kind that is not read here.
        if Path::new(path).extension().is_some_and(|kind| kind == "gif") {
            continue;
        }
        let set = path.split('/').next().unwrap_or_default().to_owned();
        let picture = image::open(folder.join(path)).expect(path).to_luma8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let picture = Picture { luma: picture.into_raw(), width, height };
        let case = Case { picture, texts: serde_json::from_str(texts).unwrap() };
        match sets.iter_mut().find(|(name, _)| *name == set) {
            Some((_, cases)) => cases.push(case),
            None => sets.push((set, vec![case])),
        }
    }
    sets
}

/// One reader for thousands of frames: what others collected that is never read, and what is drawn
/// to be hard; then what is drawn to be slow.
fn soak_with_the_hardest() {
    let mut cases: Vec<Case> = collected().into_iter().flat_map(|(_, cases)| cases).collect();
    cases.retain(|case| {
        let mut reader = Reader::new();
        let reading = reader.next(&peers::frame(&case.picture));
        reading.texts.len() < reading.seen
    });
    for &(_, levels, how) in FACTORS {
        let hardest = levels.last().map_or_else(Spoilt::default, |&level| how(level));
        let mut chance = Chance::seeded(5);
        let (code, text) = symbol(11, QrCodeEcc::Medium, &mut chance);
        let picture = draw(&code, &hardest, (520, 520), &mut chance);
        cases.push(Case { picture, texts: vec![text] });
    }
    soak::soak(&cases);
    println!("made to be slow:");
    soak::soak(&hostile::hostile());
}

/// The pictures that others collected, read by each decoder.
fn pictures() {
    let sets = collected();
    if sets.is_empty() {
        println!("pictures: skipped, no peer data");
    }
    // Without rqrr, which takes a quarter of a minute on some.
    let decoders = [Decoder::Reader, Decoder::ReaderTurns, Decoder::Thorough, Decoder::Rxing];
    for (set, cases) in &sets {
        println!("{set}, {} pictures", cases.len());
        let mut outcomes = peers::run(&decoders, cases, 1);
        outcomes.extend(peers::run_python(cases));
        report(&outcomes);
    }
}

/// Drawn pictures, spoilt more and more.
fn spoilt(chosen: &[String]) {
    const EACH: u64 = 6;
    let mut panels = Vec::new();
    let named = |factor: &str| chosen.iter().any(|word| factor.starts_with(word.as_str()));
    let some_named = FACTORS.iter().any(|(factor, ..)| named(factor));
    let factors = FACTORS.iter().filter(|(factor, ..)| named(factor) || !some_named);
    for &(factor, levels, how) in factors {
        let mut lines: Vec<Line> = Vec::new();
        for &level in levels {
            let cases: Vec<Case> = (0..2 * EACH)
                .map(|seed| {
                    let mut chance = Chance::seeded(seed * 31 + 7);
                    let (version, ecc) = [(11, QrCodeEcc::Medium), (13, QrCodeEcc::Quartile)]
                        [usize::from(seed >= EACH)];
                    let (code, text) = symbol(version, ecc, &mut chance);
                    let picture = draw(&code, &how(level), (520, 520), &mut chance);
                    Case { picture, texts: vec![text] }
                })
                .collect();
            let decoders = [Decoder::Thorough, Decoder::ReaderTurns, Decoder::Rxing];
            let mut outcomes = peers::run(&decoders, &cases, 1);
            outcomes.extend(peers::run_python(&cases));
            for outcome in outcomes {
                let part = outcome.read as f64 / cases.len() as f64;
                match lines.iter_mut().find(|line| line.decoder == outcome.decoder) {
                    Some(line) => line.survived.push(part),
                    None => lines.push(Line { decoder: outcome.decoder, survived: vec![part] }),
                }
            }
        }
        println!("{factor}: {levels:?}");
        let ours = lines.first().map(|line| line.survived.clone()).unwrap_or_default();
        for line in &lines {
            let percent: Vec<_> =
                line.survived.iter().map(|part| format!("{:3.0}", part * 100.0)).collect();
            let behind = ours.iter().zip(&line.survived).any(|(ours, theirs)| ours < theirs);
            let note = if behind { "  ahead of us" } else { "" };
            println!("  {:24} {}{note}", line.decoder, percent.join(" "));
        }
        panels.push(Panel { factor, levels, lines });
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reading.svg");
    fs::write(&path, chart::svg(&panels)).unwrap();
    println!("drawn into {}", path.display());
}

/// One line a decoder; the ratio is that of the medians to zxing-cpp's, or to rxing's without it.
fn report(outcomes: &[Outcome]) {
    let median = |outcome: &Outcome| outcome.times[outcome.times.len() / 2];
    let measure = ["zxing-cpp", "rxing"]
        .iter()
        .find_map(|name| outcomes.iter().find(|outcome| outcome.decoder == *name));
    for outcome in outcomes {
        let p95 = outcome.times[outcome.times.len() * 95 / 100];
        let ratio = measure.map_or(1.0, |measure| median(outcome) / median(measure));
        println!(
            "  {:24} read {:4}, false {}: median {:.2} ms, p95 {p95:.2}, ratio {ratio:.2}",
            outcome.decoder,
            outcome.read,
            outcome.odd,
            median(outcome),
        );
    }
}
