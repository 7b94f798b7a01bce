//! Pictures in, texts out: what is read, what is only seen, and what is neither.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::PathBuf;

use greengate::clock::Timestamp;
use greengate::frame::Frame;
use greengate::symbol::{Effort, Hint, Reader, Reading, SymbolText, read};
use proptest::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

const PAPER: u8 = 230;
const INK: u8 = 25;

/// A grey picture to draw on.
#[derive(Clone)]
struct Picture {
    luma: Vec<u8>,
    width: u32,
    height: u32,
}

/// How a symbol lies in a picture.
#[derive(Clone, Copy)]
struct Pose {
    /// Pixels a module.
    module: f64,
    /// Degrees clockwise.
    turn: f64,
    /// How much nearer its right side is than its left, as a part of the distance.
    lean: f64,
}

const STRAIGHT: Pose = Pose { module: 4.0, turn: 0.0, lean: 0.0 };

impl Picture {
    fn new(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self { luma: places.map(|(x, y)| value(x, y)).collect(), width, height }
    }

    fn grey() -> Self {
        Self::new(640, 480, |_, _| 120)
    }

    /// The picture with `symbol` and its quiet zone around `middle`.
    fn with(mut self, symbol: &QrCode, middle: (f64, f64), pose: Pose) -> Self {
        let side = f64::from(symbol.size());
        let half = side / 2.0 + 4.0;
        let (rise, run) = pose.turn.to_radians().sin_cos();
        let mut pixel = 0;
        for y in 0..self.height {
            for x in 0..self.width {
                let mut ink = 0;
                let mut paper = 0;
                // Nine looks a pixel, so that edges are grey.
                for part in 0..9 {
                    let right = f64::from(x) + f64::from(part % 3) / 3.0 + 1.0 / 6.0 - middle.0;
                    let down = f64::from(y) + f64::from(part / 3) / 3.0 + 1.0 / 6.0 - middle.1;
                    let u = (run * right + rise * down) / pose.module;
                    let v = (run * down - rise * right) / pose.module;
                    let depth = 1.0 + pose.lean * u / (2.0 * half);
                    let (u, v) = (u / depth, v / depth);
                    if u.abs() < half && v.abs() < half {
                        let (column, row) = (u + side / 2.0, v + side / 2.0);
                        let dark = symbol.get_module(whole(column), whole(row));
                        if dark { ink += 1 } else { paper += 1 }
                    }
                }
                let ground = u16::from(self.luma[pixel]) * (9 - ink - paper);
                let value = ground + u16::from(INK) * ink + u16::from(PAPER) * paper;
                self.luma[pixel] = u8::try_from(value / 9).expect("a mean");
                pixel += 1;
            }
        }
        self
    }

    /// Each pixel the mean of those up to `across` beside and `down` above and below it.
    fn smeared(self, across: u32, down: u32) -> Self {
        let value = |x: u32, y: u32| {
            let (left, right) = (x.saturating_sub(across), (x + across).min(self.width - 1));
            let (top, bottom) = (y.saturating_sub(down), (y + down).min(self.height - 1));
            let places = (top..=bottom).flat_map(|y| (left..=right).map(move |x| (x, y)));
            let sum: u32 = places.map(|(x, y)| u32::from(self.at(x, y))).sum();
            u8::try_from(sum / ((right - left + 1) * (bottom - top + 1))).expect("a mean")
        };
        Self::new(self.width, self.height, value)
    }

    /// The picture with a fleck of `value` over a part of it.
    fn covered(self, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>, value: u8) -> Self {
        Self::new(self.width, self.height, |x, y| {
            let covered = columns.contains(&x) && rows.contains(&y);
            if covered { value } else { self.at(x, y) }
        })
    }

    /// The picture with up to so much more or less in each pixel.
    fn noisy(self, most: u32) -> Self {
        Self::new(self.width, self.height, |x, y| {
            let value = u32::from(self.at(x, y)) + scrambled(x, y) % (2 * most + 1);
            u8::try_from(value.saturating_sub(most).min(255)).expect("a byte")
        })
    }

    fn inverted(self) -> Self {
        Self::new(self.width, self.height, |x, y| 255 - self.at(x, y))
    }

    fn mirrored(self) -> Self {
        Self::new(self.width, self.height, |x, y| self.at(self.width - 1 - x, y))
    }

    /// The picture without so many pixels on each side.
    fn cropped(self, across: u32, down: u32) -> Self {
        let (width, height) = (self.width - 2 * across, self.height - 2 * down);
        Self::new(width, height, |x, y| self.at(x + across, y + down))
    }

    /// The rows above `bottom` alone.
    fn cut_below(self, bottom: u32) -> Self {
        Self::new(self.width, bottom, |x, y| self.at(x, y))
    }

    fn at(&self, x: u32, y: u32) -> u8 {
        self.luma[usize::try_from(y * self.width + x).expect("small")]
    }

    fn frame(self) -> Frame {
        Frame::new(self.luma, self.width, self.height, Timestamp::UNIX_EPOCH).expect("of its size")
    }
}

/// The module in which a place lies; none if it lies before the first.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "of small numbers")]
fn whole(place: f64) -> i32 {
    place.floor() as i32
}

/// A symbol of that version that holds `text`.
fn symbol(text: &str, version: u8) -> QrCode {
    let version = Version::new(version);
    let segments = QrSegment::make_segments(text);
    QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, version, version, None, false)
        .expect("it fits")
}

/// A text as long as a health code's.
fn code(length: usize) -> String {
    "JKM1:"
        .chars()
        .chain("6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE".chars().cycle())
        .take(length)
        .collect()
}

fn reading<T: AsRef<str>>(texts: &[T], seen: usize) -> Reading {
    let texts = texts.iter().map(|text| SymbolText::new(text.as_ref()).expect("short")).collect();
    Reading { texts, seen, hint: None }
}

/// What was read in one frame, whatever the reason why not.
fn told(frame: &Frame, effort: Effort) -> Reading {
    Reading { hint: None, ..read(frame, effort) }
}

fn nothing() -> Reading {
    Reading::default()
}

/// Numbers without a pattern, always the same.
fn scrambled(x: u32, y: u32) -> u32 {
    let mut value = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ 0x2545_F491;
    for _ in 0..2 {
        value = (value ^ (value >> 15)).wrapping_mul(0xC2B2_AE3D);
    }
    value >> 8
}

/// Whether a place is dark in a finder pattern whose corner is at the origin, light margin and all.
fn is_finder(x: u32, y: u32) -> bool {
    let ring = x.abs_diff(4).max(y.abs_diff(4));
    ring <= 1 || ring == 3
}

fn noise(width: u32, height: u32) -> Picture {
    Picture::new(width, height, |x, y| u8::try_from(scrambled(x, y) % 256).expect("below 256"))
}

#[test]
fn symbols_are_read_as_they_are_held() {
    let middle = (320.0, 240.0);
    let (short, long, longest) = (code(60), code(200), code(350));
    let at = |module: f64, turn: f64, lean: f64| Pose { module, turn, lean };
    let cases = [
        ("version 1", "JKM1:A", 1, STRAIGHT),
        ("version 8", &long, 8, STRAIGHT),
        ("version 11, turned right", &long, 11, at(4.0, 15.0, 0.0)),
        ("version 11, turned left and leaning", &long, 11, at(4.0, -15.0, 0.15)),
        ("version 13", &longest, 13, STRAIGHT),
        ("version 13, leaning and upside down", &longest, 13, at(4.2, 190.0, 0.25)),
        ("on its corner", &short, 5, at(5.0, 45.0, 0.0)),
        ("close", "JKM1:A", 1, at(13.0, 5.0, 0.1)),
        ("far", &long, 11, at(2.5, 8.0, 0.0)),
    ];
    for (name, text, version, pose) in cases {
        let frame = Picture::grey().with(&symbol(text, version), middle, pose).frame();
        assert_eq!(told(&frame, Effort::Live), reading(&[text], 1), "{name}");
    }
}

#[test]
fn effort_decides_what_else_is_read() {
    let text = code(200);
    let clean = Picture::grey().with(&symbol(&text, 11), (320.0, 240.0), STRAIGHT);
    let read_once = || reading(&[&text], 1);
    let cases = [
        ("mirrored", clean.clone().mirrored(), read_once(), read_once()),
        ("out of focus", clean.clone().smeared(1, 1), read_once(), read_once()),
        ("without a margin", clean.clone().cropped(198, 118), read_once(), read_once()),
        ("light on dark", clean.clone().inverted(), nothing(), read_once()),
        ("a stain", clean.clone().covered(310..340, 230..260, PAPER), read_once(), read_once()),
        ("a finger on a corner", clean.clone().covered(330..480, 250..400, 90), seen(1), seen(1)),
        ("far out of focus", clean.clone().smeared(3, 3), read_once(), read_once()),
        ("moved by less than two modules", clean.clone().smeared(3, 0), read_once(), read_once()),
    ];
    for (name, picture, live, thorough) in cases {
        let frame = picture.frame();
        assert_eq!(told(&frame, Effort::Live), live, "{name}, live");
        assert_eq!(told(&frame, Effort::Thorough), thorough, "{name}, thorough");
    }
}

#[test]
fn a_reader_takes_turns_until_it_reads() {
    let text = code(200);
    let clean = Picture::grey().with(&symbol(&text, 11), (320.0, 240.0), STRAIGHT);
    let close = Pose { module: 7.0, ..STRAIGHT };
    let close = Picture::grey().with(&symbol(&text, 11), (320.0, 240.0), close);
    // Up to which frame, all of them alike.
    let cases = [
        ("clean", clean.clone(), 1),
        ("mirrored", clean.clone().mirrored(), 1),
        ("light on dark", clean.clone().inverted(), 4),
        ("light on dark and mirrored", clean.clone().inverted().mirrored(), 4),
        ("far out of focus", clean.clone().smeared(3, 3), 8),
        ("far out of focus and light on dark", clean.inverted().smeared(3, 3), 4),
        ("close and light on dark", close.clone().inverted(), 4),
        ("close and in much noise", close.noisy(170), 1),
    ];
    for (name, picture, frames) in cases {
        let frame = picture.frame();
        let mut reader = Reader::new();
        let read = (1..=frames).find(|_| reader.next(&frame).texts == reading(&[&text], 1).texts);
        assert!(read.is_some(), "{name}");
        assert_eq!(reader.panics(), 0, "{name}");
    }
}

#[test]
fn a_reader_forgets_what_is_gone() {
    let code = Picture::grey().with(&symbol("JKM1:A", 1), (320.0, 240.0), STRAIGHT).frame();
    let wall = Picture::grey().frame();
    let mut reader = Reader::new();
    for _ in 0..2 {
        assert_eq!(reader.next(&code), reading(&["JKM1:A"], 1));
        (0..16).for_each(|_| assert_eq!(reader.next(&wall), nothing()));
    }
}

#[test]
fn what_cannot_be_read_is_said_to_be_so_for_a_reason() {
    let long = code(200);
    let middle = (320.0, 240.0);
    let symbol = symbol(&long, 11);
    let clean = Picture::grey().with(&symbol, middle, STRAIGHT);
    let dim = |picture: Picture| {
        Picture::new(picture.width, picture.height, |x, y| 8 + picture.at(x, y) / 16)
    };
    let spoilt = |picture: Picture| picture.covered(270..370, 190..300, 90);
    let cases = [
        ("read", clean.clone(), None),
        ("its corner covered", clean.clone().covered(330..480, 250..400, 90), None),
        ("in the dark", dim(spoilt(clean.clone())), Some(Hint::TooDark)),
        ("a lamp in it", clean.clone().covered(260..390, 190..320, 255), Some(Hint::Glare)),
        ("out of focus", spoilt(clean.clone()).smeared(3, 3), Some(Hint::Blur)),
        (
            "far away",
            Picture::grey().with(&symbol, middle, Pose { module: 2.0, ..STRAIGHT }).covered(
                290..350,
                210..270,
                90,
            ),
            Some(Hint::TooFar),
        ),
        (
            "too close",
            Picture::grey().with(&symbol, middle, Pose { turn: 45.0, ..STRAIGHT }).cut_below(310),
            Some(Hint::TooClose),
        ),
        (
            "so close that one finder pattern is left",
            Picture::grey().with(&symbol, (420.0, 360.0), Pose { module: 10.0, ..STRAIGHT }),
            Some(Hint::TooClose),
        ),
        (
            "the same, turned",
            Picture::grey().with(
                &symbol,
                (430.0, 390.0),
                Pose { module: 10.0, turn: 20.0, ..STRAIGHT },
            ),
            Some(Hint::TooClose),
        ),
    ];
    for (name, picture, hint) in cases {
        let reading = read(&picture.frame(), Effort::Live);
        assert_eq!(reading.hint, hint, "{name}: {reading:?}");
    }
}

fn seen(symbols: usize) -> Reading {
    Reading { seen: symbols, ..Reading::default() }
}

#[test]
fn bytes_that_are_no_text_are_seen_and_not_read() {
    let symbol = QrCode::encode_binary(b"\x8c\x01\xff\x00\xfe\x02", QrCodeEcc::Medium).unwrap();
    let frame = Picture::grey().with(&symbol, (320.0, 240.0), STRAIGHT).frame();
    for effort in [Effort::Live, Effort::Thorough] {
        assert_eq!(told(&frame, effort), seen(1), "{effort:?}");
    }
}

#[test]
fn every_symbol_of_a_sheet_is_read_once() {
    let texts = [code(60), code(61), code(62), code(63)];
    let places = [(170.0, 120.0), (470.0, 120.0), (170.0, 360.0), (470.0, 360.0)];
    let sheet = |texts: [&str; 4]| {
        let blank = Picture::new(640, 480, |_, _| PAPER);
        let symbols = texts.iter().zip(places);
        symbols
            .fold(blank, |sheet, (text, place)| sheet.with(&symbol(text, 5), place, STRAIGHT))
            .frame()
    };
    let [a, b, c, d] = &texts;
    let cases = [("four", sheet([a, b, c, d]), 4), ("two of them twice", sheet([a, b, b, a]), 2)];
    for (name, frame, distinct) in cases {
        for effort in [Effort::Live, Effort::Thorough] {
            let Reading { texts: found, seen, .. } = read(&frame, effort);
            let found: HashSet<&str> = found.iter().map(SymbolText::as_str).collect();
            let expected = texts.iter().take(distinct).map(String::as_str).collect();
            assert_eq!((found, seen), (expected, 4), "{name}, {effort:?}");
        }
    }
}

#[test]
fn what_is_no_symbol_is_not_seen() {
    let finders = |count: u32| {
        Picture::new(640, 480, move |x, y| {
            let (column, x, y) = (x / 200, x % 200 / 5, y / 5);
            let inside = column < count && y < 9 && x < 9;
            if inside && is_finder(x, y) { INK } else { PAPER }
        })
    };
    let stripes = |width: u32| {
        Picture::new(640, 480, move |x, _| if (x / width).is_multiple_of(2) { INK } else { PAPER })
    };
    let cases = [
        ("grey", Picture::grey()),
        ("black", Picture::new(640, 480, |_, _| 0)),
        ("white", Picture::new(640, 480, |_, _| 255)),
        ("noise", noise(640, 480)),
        ("stripes", stripes(3)),
        (
            "bars as of a finder pattern",
            Picture::new(640, 480, |x, _| {
                if [0, 2, 3, 4, 6].contains(&(x / 4 % 8)) { INK } else { PAPER }
            }),
        ),
        (
            "checkerboard",
            Picture::new(
                640,
                480,
                |x, y| if (x / 7 + y / 7).is_multiple_of(2) { INK } else { PAPER },
            ),
        ),
        ("one finder pattern", finders(1)),
        ("three in a row", finders(3)),
        ("one pixel", Picture::new(1, 1, |_, _| 0)),
        ("one row", noise(640, 1)),
        ("one column", noise(1, 480)),
        ("smaller than any symbol", noise(20, 20)),
    ];
    for (name, picture) in cases {
        let frame = picture.frame();
        for effort in [Effort::Live, Effort::Thorough] {
            assert_eq!(told(&frame, effort), nothing(), "{name}, {effort:?}");
        }
    }
}

#[test]
fn a_poster_of_finder_patterns_is_bounded() {
    // Hundreds of them, with timing patterns between and modules without a meaning.
    for (module, every) in [(2, 9), (3, 14), (4, 18), (4, 25)] {
        let frame = Picture::new(640, 480, |x, y| {
            let (across, down) = (x / module, y / module);
            let (x, y) = (across % every, down % every);
            let dark = match (x, y) {
                (0..9, 0..9) => is_finder(x, y),
                (7, place) | (place, 7) => place % 2 == 1,
                _ => scrambled(across, down).is_multiple_of(2),
            };
            if dark { INK } else { PAPER }
        });
        let frame = frame.frame();
        for effort in [Effort::Live, Effort::Thorough] {
            assert_eq!(read(&frame, effort).texts, [], "{module} {every} {effort:?}");
        }
    }
}

#[test]
fn a_sheet_of_many_symbols_gives_some_and_none_that_is_not_there() {
    let text = |column: u32, row: u32| format!("{column}/{row}");
    let symbols: Vec<QrCode> = (0..140).map(|nth| symbol(&text(nth % 14, nth / 14), 1)).collect();
    let frame = Picture::new(14 * 58, 10 * 58, |x, y| {
        let symbol = &symbols[usize::try_from(y / 58 * 14 + x / 58).unwrap()];
        let module = |place: u32| i32::try_from(place % 58 / 2).unwrap() - 4;
        if symbol.get_module(module(x), module(y)) { INK } else { PAPER }
    });
    let frame = frame.frame();
    for effort in [Effort::Live, Effort::Thorough] {
        let Reading { texts, seen, .. } = read(&frame, effort);
        assert!(texts.len() >= 4 && seen >= texts.len(), "{} of {seen}, {effort:?}", texts.len());
        for found in &texts {
            let there = (0..140).any(|nth| text(nth % 14, nth / 14) == found.as_str());
            assert!(there, "{effort:?}");
        }
    }
}

proptest! {
    // Without a file of failures: whoever finds one adds its row above.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_picture_panics(width in 1..120_u32, luma in prop::collection::vec(any::<u8>(), 1..8_000)) {
        let width = width.min(u32::try_from(luma.len()).unwrap());
        let height = u32::try_from(luma.len()).unwrap() / width;
        let pixels = usize::try_from(width * height).unwrap();
        let frame = Frame::new(luma[..pixels].to_vec(), width, height, Timestamp::UNIX_EPOCH).unwrap();
        for effort in [Effort::Live, Effort::Thorough] {
            let Reading { texts, seen, .. } = read(&frame, effort);
            prop_assert!(seen >= texts.len());
        }
    }

    #[test]
    fn no_black_and_white_picture_panics(
        module in 1..5_usize,
        dark in prop::collection::vec(any::<bool>(), 32 * 32),
    ) {
        let side = 32 * module;
        let ink = |pixel: usize| dark[pixel / side / module * 32 + pixel % side / module];
        let luma = (0..side * side).map(|pixel| if ink(pixel) { INK } else { PAPER }).collect();
        let side = u32::try_from(side).unwrap();
        let frame = Frame::new(luma, side, side, Timestamp::UNIX_EPOCH).unwrap();
        for effort in [Effort::Live, Effort::Thorough] {
            prop_assert_eq!(read(&frame, effort).texts, []);
        }
    }
}

/// Every twelfth of the pictures that others collected: at least so many are read, and no text is
/// false.
///
/// Those that no two of other decoders could agree on prove nothing, and where several symbols
/// are in one picture the list of texts may lack some: a text counts as true if any picture has it.
#[test]
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn pictures_of_others_are_read_and_never_misread() {
    let given = env::var_os("GREENGATE_PEER_DATA").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/peer-data");
    let folder = given.unwrap_or_else(beside).join("qr");
    let Ok(list) = fs::read_to_string(folder.join("expected.tsv")) else {
        println!("skipped: no peer data");
        return;
    };
    let rows: Vec<(&str, &str, Vec<String>)> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let [path, _, truth, texts] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("four columns: {line}");
            };
            (path, truth, serde_json::from_str(texts).unwrap())
        })
        .collect();
    let known: HashSet<&String> = rows.iter().flat_map(|(_, _, texts)| texts).collect();
    let (mut live, mut thorough) = (0, 0);
    let proven = rows.iter().filter(|(path, truth, _)| {
        let kept = [".png", ".jpg"].iter().any(|end| path.ends_with(end));
        kept && *truth != "unread"
    });
    for (path, _, texts) in proven.step_by(12) {
        let picture = image::open(folder.join(path)).expect(path).to_luma8();
        let (width, height) = picture.dimensions();
        let frame =
            Frame::new(picture.into_raw(), width, height, Timestamp::UNIX_EPOCH).expect(path);
        for (effort, count) in [(Effort::Live, &mut live), (Effort::Thorough, &mut thorough)] {
            let reading = read(&frame, effort);
            for text in &reading.texts {
                assert!(known.contains(&text.as_str().to_owned()), "{path} is misread, {effort:?}");
            }
            let right =
                reading.texts.iter().any(|text| texts.iter().any(|other| other == text.as_str()));
            *count += u32::from(right);
        }
    }
    println!("{live} read live, {thorough} thoroughly");
    assert!(live >= 39 && thorough >= 40, "{live} read live, {thorough} thoroughly");
}
