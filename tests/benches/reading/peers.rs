//! Decoders, ours and others', that read the same pictures.

use std::{
    collections::HashSet,
    env, fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Command, Stdio},
};

use greengate::{
    clock::Timestamp,
    frame::Frame,
    symbol::{self, Effort, Reader, Reading},
};
use rustix::time::{ClockId, clock_gettime};

use crate::draw::Picture;

/// A picture, and the texts that are in it as far as they are known.
pub struct Case {
    pub picture: Picture,
    pub texts: Vec<String>,
}

/// What a decoder made of some pictures.
pub struct Outcome {
    pub decoder: String,
    /// Pictures of which one text at the least was read.
    pub read: usize,
    /// Texts that stand in no picture.
    pub odd: usize,
    /// Milliseconds of the thread's own time, sorted.
    pub times: Vec<f64>,
}

/// A decoder in this process.
#[derive(Clone, Copy)]
pub enum Decoder {
    /// Ours, at the first frame of a lane.
    Reader,
    /// Ours, at the first eight frames of a lane, all alike: the time is the mean of one.
    ReaderTurns,
    Rqrr,
    Rxing,
    /// Ours, with all that can be tried.
    Thorough,
}

/// How many frames a lane gets to read one picture.
const TURNS: u32 = 8;

impl Decoder {
    fn name(self) -> &'static str {
        match self {
            Self::Reader => "ours, first frame",
            Self::ReaderTurns => "ours, eight frames",
            Self::Rqrr => "rqrr",
            Self::Rxing => "rxing",
            Self::Thorough => "ours, thorough",
        }
    }

    fn read(self, picture: &Picture) -> Vec<String> {
        match self {
            Self::Reader => texts(&Reader::new().next(&frame(picture))),
            Self::Thorough => texts(&symbol::read(&frame(picture), Effort::Thorough)),
            Self::ReaderTurns => {
                let mut reader = Reader::new();
                let frame = frame(picture);
                let readings = (0..TURNS).map(|_| texts(&reader.next(&frame)));
                let read: HashSet<String> = readings.flatten().collect();
                read.into_iter().collect()
            }
            Self::Rqrr => {
                let read = || {
                    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(
                        picture.width,
                        picture.height,
                        |x, y| picture.luma[y * picture.width + x],
                    );
                    let grids = picture.detect_grids();
                    grids
                        .iter()
                        .filter_map(|grid| grid.decode().ok())
                        .map(|(_, text)| text)
                        .collect()
                };
                catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
            }
            Self::Rxing => {
                let read = || {
                    let mut hints = rxing::DecodeHints::default();
                    rxing::helpers::detect_in_luma_slice_with_hints(
                        &picture.luma,
                        picture.width as u32,
                        picture.height as u32,
                        Some(rxing::BarcodeFormat::QR_CODE),
                        &mut hints,
                    )
                };
                let read = catch_unwind(AssertUnwindSafe(read)).ok().and_then(Result::ok);
                read.map(|result| result.getText().to_owned()).into_iter().collect()
            }
        }
    }
}

/// A picture as a camera gives it.
pub fn frame(picture: &Picture) -> Frame {
    let (width, height) = (picture.width as u32, picture.height as u32);
    Frame::new(picture.luma.clone(), width, height, Timestamp::UNIX_EPOCH).unwrap()
}

fn texts(reading: &Reading) -> Vec<String> {
    reading.texts.iter().map(|text| text.as_str().to_owned()).collect()
}

/// Each decoder on each picture, so many times; the fastest run counts.
pub fn run(decoders: &[Decoder], cases: &[Case], runs: u32) -> Vec<Outcome> {
    // Panics of others are part of what is measured, their messages are not.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcomes = decoders.iter().map(|&decoder| {
        let read = cases.iter().map(|case| {
            let mut best = f64::MAX;
            let mut texts = Vec::new();
            // One frame alone can take rqrr a quarter of a minute.
            let runs = if matches!(decoder, Decoder::Rqrr) { 1 } else { runs };
            for _ in 0..runs {
                let started = thread_time();
                texts = decoder.read(&case.picture);
                best = best.min(thread_time() - started);
            }
            let frames = if matches!(decoder, Decoder::ReaderTurns) { TURNS } else { 1 };
            (texts, best / f64::from(frames))
        });
        outcome(decoder.name(), cases, read)
    });
    let outcomes = outcomes.collect();
    std::panic::set_hook(hook);
    outcomes
}

fn outcome(
    decoder: &str,
    cases: &[Case],
    read: impl Iterator<Item = (Vec<String>, f64)>,
) -> Outcome {
    let known: HashSet<&String> = cases.iter().flat_map(|case| &case.texts).collect();
    let mut outcome = Outcome { decoder: decoder.to_owned(), read: 0, odd: 0, times: Vec::new() };
    for (case, (texts, time)) in cases.iter().zip(read) {
        outcome.read += usize::from(texts.iter().any(|text| case.texts.contains(text)));
        outcome.odd += texts.iter().filter(|text| !known.contains(text)).count();
        outcome.times.push(time);
    }
    outcome.times.sort_by(f64::total_cmp);
    outcome
}

/// zxing-cpp and zbar, as far as they are installed.
pub fn run_python(cases: &[Case]) -> Vec<Outcome> {
    let Some(python) = env::var_os("GREENGATE_PEER_PYTHON") else {
        return Vec::new();
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let paths: Vec<_> =
        (0..cases.len()).map(|nth| folder.path().join(format!("{nth}.pgm"))).collect();
    for (case, path) in cases.iter().zip(&paths) {
        let Picture { luma, width, height } = &case.picture;
        let mut file = format!("P5 {width} {height} 255\n").into_bytes();
        file.extend_from_slice(luma);
        fs::write(path, file).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches/reading/peers.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let lines = lines.join("\n") + "\n";
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    ["zxing-cpp", "zbar"]
        .into_iter()
        .filter_map(|name| {
            let lines = output.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let read: Vec<(Vec<String>, f64)> = lines
                .filter(|fields| fields[0] == name)
                .map(|fields| {
                    (serde_json::from_str(fields[3]).unwrap(), fields[2].parse().unwrap())
                })
                .collect();
            (read.len() == cases.len()).then(|| outcome(name, cases, read.into_iter()))
        })
        .collect()
}

/// Milliseconds that this thread has run.
pub fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
