//! Scanners, as far as the port: which texts come of what they send, whatever that is.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod plugged;

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, ErrorKind, Read},
    path::Path,
    rc::Rc,
    time::Duration,
};

use chrono::TimeDelta;
use evdev::KeyCode;
use greengate::{
    clock::Timestamp,
    device::scanner::{
        Notice, Scanner,
        emulator::Emulator,
        framing::{Framing, Silence},
        keys::{InputEvent, Keys, SUB},
        port::PluggedScanner,
    },
    symbol::{MAX_LEN, SymbolText},
};
use proptest::prelude::*;
use tempfile::tempdir;

/// The time between two turns.
const STEP: TimeDelta = TimeDelta::milliseconds(50);

/// The most turns until something that must come has come: ten seconds.
const TURNS: usize = 200;

/// The texts that come of pieces, with silence at the end.
fn texts<'bytes>(
    silence: Silence,
    pieces: impl IntoIterator<Item = &'bytes [u8]>,
) -> Vec<SymbolText> {
    let mut framing = Framing::new(silence);
    let mut texts = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            texts.extend(framing.take(&mut piece));
        }
    }
    texts.extend(framing.fall_silent());
    texts
}

fn as_strs(texts: &[SymbolText]) -> Vec<&str> {
    texts.iter().map(SymbolText::as_str).collect()
}

#[test]
fn what_ends_a_text_and_what_is_no_part_of_it() {
    let longest = "7".repeat(MAX_LEN);
    let line = |text: &str| format!("{text}\r").into_bytes();
    let longest_line = line(&longest);
    let longest_prefixed = line(&format!("]Q1\\000026{longest}"));
    let too_long = [line(&format!("{longest}7")), line("A")].concat();
    let much_too_long = [line(&longest.repeat(3)), line("A")].concat();
    let too_long_frame = [b"\x02", longest.repeat(2).as_bytes(), b"\rA\nB\x03C\r"].concat();
    let cases: [(&str, &[u8], &[&str]); 40] = [
        ("carriage return", b"A\rB\r", &["A", "B"]),
        ("line feed", b"A\nB\n", &["A", "B"]),
        ("both", b"A\r\nB\r\n", &["A", "B"]),
        ("empty lines", b"\r\n\r\n\n\n\r", &[]),
        ("frame", b"\x02A\x03", &["A"]),
        ("frames", b"\x02A\x03\x02B\x03", &["A", "B"]),
        ("frames and lines", b"\x02A\x03\r\nB\r\n\x02C\x03", &["A", "B", "C"]),
        ("line ends in a frame", b"\x02A\rB\nC\x03", &["A\rB\nC"]),
        ("line end behind a text in a frame", b"\x02A\r\n\x03", &["A"]),
        ("empty frame", b"\x02\x03", &[]),
        ("frame begun twice", b"\x02A\x02B\x03", &["B"]),
        ("frame begun within a line", b"A\x02B\x03", &["B"]),
        ("end of a frame that was not begun", b"A\x03B\r", &["A", "B"]),
        ("nothing behind it but silence", b"A", &["A"]),
        ("cut-off frame", b"\x02A", &[]),
        ("spaces stay", b" A \r", &[" A "]),
        ("noise in front", b"\0\0\x1b\x7fA\r", &["A"]),
        ("noise in front in a frame", b"\x02\0A\x03", &["A"]),
        ("control characters within stay", b"A\0B\x1b[2JC\x1dD\r", &["A\0B\u{1b}[2JC\u{1d}D"]),
        ("utf-8", "健康码\r".as_bytes(), &["健康码"]),
        ("not utf-8", b"A\xff\xfeB\r", &["A\u{fffd}\u{fffd}B"]),
        ("longest", &longest_line, &[&longest]),
        ("longest, with all that may be in front", &longest_prefixed, &[&longest]),
        ("too long by one", &too_long, &["A"]),
        ("much too long", &much_too_long, &["A"]),
        ("too long a frame", &too_long_frame, &["C"]),
        ("symbology identifier", b"]Q1A\r", &["A"]),
        ("each identifier", b"]Q0A\r]Q2B\r]Q3C\r]Q6D\r", &["A", "B", "C", "D"]),
        ("identifier of something else", b"]d2A\r]Q7A\r]Q\r", &["]d2A", "]Q7A", "]Q"]),
        ("identifier alone", b"]Q1\r", &[]),
        ("identifier once", b"]Q1]Q1A\r", &["]Q1A"]),
        ("encoding", b"\\000026A\r", &["A"]),
        ("identifier and encoding", b"]Q1\\000026A\r", &["A"]),
        ("identifier in a frame", b"\x02]Q2\\000026A\x03", &["A"]),
        ("encoding alone", b"\\000026\r", &[]),
        ("no encoding", b"\\00002\r\\00002A6\r\\\r", &["\\00002", "\\00002A6", "\\"]),
        ("encoding behind the front", b"A\\000026B\r", &["A\\000026B"]),
        ("encodings within", b"]Q2A\\000026B\\000003C\r", &["ABC"]),
        ("doubled backslashes", b"]Q4\\000026A\\\\000026B\\\\\r", &["A\\000026B\\"]),
        ("single backslashes", b"]Q2A\\B\\\r", &["A\\B\\"]),
    ];
    for (name, bytes, expected) in cases {
        let whole = texts(Silence::Ends, [bytes]);
        assert_eq!(as_strs(&whole), expected, "{name}");
        let bytewise = texts(Silence::Ends, bytes.chunks(1));
        assert_eq!(as_strs(&bytewise), expected, "{name}, byte by byte");
    }
}

#[test]
fn silence_ends_a_text_or_makes_it_void() {
    let too_long = [b'7'; 2 * MAX_LEN];
    let cases: [(&str, &[u8], &[&str], &[&str]); 5] = [
        ("a line", b"A", &["A", "B"], &["B"]),
        ("a frame", b"\x02A", &["B"], &["B"]),
        ("a line that was dropped", &too_long, &["B"], &["B"]),
        ("a line of which keys were lost", b"A\x1a", &["A\u{1a}", "B"], &["A\u{1a}", "B"]),
        ("nothing", b"", &["B"], &["B"]),
    ];
    for (name, bytes, if_it_ends, if_it_voids) in cases {
        for (silence, expected) in [(Silence::Ends, if_it_ends), (Silence::Voids, if_it_voids)] {
            let mut framing = Framing::new(silence);
            let mut bytes = bytes;
            assert_eq!(framing.take(&mut bytes), None, "{name}");
            let mut found: Vec<_> = framing.fall_silent().into_iter().collect();
            assert_eq!(framing.fall_silent(), None, "{name}");
            found.extend(framing.take(&mut &b"B\r"[..]));
            assert_eq!(as_strs(&found), expected, "{name}, {silence:?}");
        }
    }
}

proptest! {
    #[test]
    fn however_bytes_are_cut_they_are_the_same_texts(
        bytes in prop::collection::vec(
            prop_oneof![
                any::<u8>(),
                prop::sample::select(b"\x02\x03\r\n\x1a]Q\\0126".to_vec()),
            ],
            0..400,
        ),
        cuts in prop::collection::vec(1..40_usize, 1..80),
    ) {
        let whole = texts(Silence::Ends, [&bytes[..]]);
        let mut left = &bytes[..];
        let pieces = cuts.iter().cycle().map_while(|length| {
            let (piece, rest) = left.split_at((*length).min(left.len()));
            left = rest;
            (!piece.is_empty()).then_some(piece)
        });
        let pieces: Vec<_> = pieces.collect();
        prop_assert_eq!(&texts(Silence::Ends, pieces), &whole);
        for text in whole {
            prop_assert!(!text.as_str().is_empty() && text.as_str().len() <= MAX_LEN);
        }
    }

    #[test]
    fn a_text_comes_through_as_it_is(text in "[A-Z0-9 $%*+./:-][ -\\[\\^-~健康码]{0,400}") {
        for sent in [format!("{text}\r"), format!("{text}\n"), format!("\x02{text}\x03"),
            format!("]Q1{text}\r\n"), format!("]Q2\\000026{text}\r")]
        {
            let single = if sent.starts_with("]Q2") { text.replace("\\\\", "\\") } else { text.clone() };
            let found = texts(Silence::Voids, [sent.as_bytes()]);
            prop_assert_eq!(as_strs(&found), [single.as_str()]);
        }
    }

    #[test]
    fn no_event_panics_and_each_character_is_ascii(
        events in prop::collection::vec((0..6_u16, 0..300_u16, -1..3_i32), 0..400),
    ) {
        let mut keys = Keys::default();
        for (kind, code, value) in events {
            let character = keys.on(InputEvent { kind, code, value });
            prop_assert!(character.is_none_or(|character| character.is_ascii()));
        }
    }
}

/// A key that is pressed, released, or both.
#[derive(Clone, Copy, Debug)]
enum Do {
    Down(KeyCode),
    Up(KeyCode),
    Tap(KeyCode),
}
use Do::{Down, Tap, Up};

impl Do {
    fn events(self) -> Vec<InputEvent> {
        let event = |key: KeyCode, value| InputEvent { kind: 1, code: key.0, value };
        match self {
            Down(key) => vec![event(key, 1), event(key, 2), event(key, 2)],
            Up(key) => vec![event(key, 0)],
            Tap(key) => vec![event(key, 1), event(key, 0)],
        }
    }
}

/// What is typed by these keys.
fn typed(keys: &[Do]) -> String {
    let mut state = Keys::default();
    let events = keys.iter().flat_map(|key| key.events());
    events.filter_map(|event| state.on(event)).map(char::from).collect()
}

#[test]
fn keys_mean_what_they_mean_on_an_american_keyboard() {
    let keys = |first: u16, last: u16| (first..=last).map(|code| Tap(KeyCode(code)));
    let all: Vec<_> = keys(2, 13)
        .chain(keys(16, 27))
        .chain(keys(30, 41))
        .chain(keys(43, 53))
        .chain(keys(57, 57))
        .collect();
    let shift = [&[Down(KeyCode::KEY_LEFTSHIFT)], &all[..], &[Up(KeyCode::KEY_LEFTSHIFT)]].concat();
    let plain = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./ ";
    let shifted = "!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"~|ZXCVBNM<>? ";
    assert_eq!(typed(&all), plain);
    assert_eq!(typed(&shift), shifted);
    let each = |text: &str| (' '..='~').filter(|character| text.contains(*character)).count();
    assert_eq!(each(&format!("{plain}{shifted}")), 95, "every character of ASCII can be typed");
}

#[test]
fn keys_that_change_others_and_keys_that_mean_nothing() {
    use KeyCode as K;

    let alt = |digits: &[KeyCode]| {
        let taps = digits.iter().map(|digit| Tap(*digit));
        [Down(K::KEY_LEFTALT)].into_iter().chain(taps).chain([Up(K::KEY_LEFTALT)]).collect()
    };
    let cases: [(&str, Vec<Do>, &str); 17] = [
        ("either shift", vec![Down(K::KEY_RIGHTSHIFT), Tap(K::KEY_A), Up(K::KEY_RIGHTSHIFT)], "A"),
        (
            "shift released",
            vec![Down(K::KEY_LEFTSHIFT), Tap(K::KEY_A), Up(K::KEY_LEFTSHIFT), Tap(K::KEY_A)],
            "Aa",
        ),
        (
            "both shifts, one released",
            vec![
                Down(K::KEY_LEFTSHIFT),
                Down(K::KEY_RIGHTSHIFT),
                Up(K::KEY_LEFTSHIFT),
                Tap(K::KEY_1),
            ],
            "!",
        ),
        ("held down", vec![Down(K::KEY_A), Up(K::KEY_A)], "a"),
        ("rolled over", vec![Down(K::KEY_A), Down(K::KEY_B), Up(K::KEY_A), Up(K::KEY_B)], "ab"),
        (
            "caps lock",
            vec![
                Tap(K::KEY_CAPSLOCK),
                Tap(K::KEY_A),
                Tap(K::KEY_1),
                Down(K::KEY_LEFTSHIFT),
                Tap(K::KEY_A),
                Tap(K::KEY_1),
                Up(K::KEY_LEFTSHIFT),
                Tap(K::KEY_CAPSLOCK),
                Tap(K::KEY_A),
            ],
            "A1a!a",
        ),
        ("enter", vec![Tap(K::KEY_ENTER), Tap(K::KEY_KPENTER)], "\r\r"),
        ("tab", vec![Tap(K::KEY_TAB)], "\t"),
        (
            "keypad",
            vec![Tap(K::KEY_KP7), Tap(K::KEY_KP0), Tap(K::KEY_KPSLASH), Tap(K::KEY_KPASTERISK)],
            "70/*",
        ),
        ("number under alt", alt(&[K::KEY_KP0, K::KEY_KP6, K::KEY_KP5]), "A"),
        ("number beyond ascii", alt(&[K::KEY_KP0, K::KEY_KP2, K::KEY_KP3, K::KEY_KP3]), "\u{1a}"),
        ("number without end", alt(&[K::KEY_KP9; 40]), "\u{1a}"),
        ("alt alone", alt(&[]), ""),
        ("letter under alt", alt(&[K::KEY_A]), "\u{1a}"),
        (
            "ctrl",
            vec![
                Down(K::KEY_LEFTCTRL),
                Tap(K::KEY_B),
                Tap(K::KEY_RIGHTBRACE),
                Tap(K::KEY_1),
                Up(K::KEY_LEFTCTRL),
            ],
            "\u{2}\u{1d}\u{1a}",
        ),
        ("meta", vec![Down(K::KEY_LEFTMETA), Tap(K::KEY_L), Up(K::KEY_LEFTMETA)], "\u{1a}"),
        ("no characters", vec![Tap(K::KEY_F1), Tap(K::KEY_UP), Tap(K::KEY_POWER)], ""),
    ];
    for (name, keys, expected) in cases {
        assert_eq!(typed(&keys), expected, "{name}");
    }
    let mut keys = Keys::default();
    assert_eq!(keys.on(InputEvent { kind: 1, code: K::KEY_LEFTSHIFT.0, value: 1 }), None);
    let lost = InputEvent { kind: 0, code: 3, value: 0 };
    assert_eq!(keys.on(lost), Some(SUB), "a text of which events were lost says so");
    assert_eq!(keys, Keys::default());
}

/// What is at the other end of a line in memory.
#[derive(Debug, Default)]
struct Far {
    sent: VecDeque<u8>,
    /// What is sent without end.
    endless: Option<&'static [u8]>,
    unplugged: Option<ErrorKind>,
}

/// The near end of it.
#[derive(Debug)]
struct Near(Rc<RefCell<Far>>);

impl Read for Near {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut far = self.0.borrow_mut();
        if let Some(endless) = far.endless {
            for (place, byte) in bytes.iter_mut().zip(endless.iter().cycle()) {
                *place = *byte;
            }
            return Ok(bytes.len());
        }
        match far.sent.read(bytes)? {
            0 if far.unplugged.is_some() => Ok(0),
            0 => Err(ErrorKind::TimedOut.into()),
            length => Ok(length),
        }
    }
}

/// Something that is done to a scanner, and how long it is waited for what comes of it.
#[derive(Clone, Copy, Debug)]
enum Then {
    Send(&'static str),
    Wait(i64),
    Unplug(ErrorKind),
    Plug,
    SetBack,
}
use Then::{Plug, Send, SetBack, Unplug, Wait};

/// A notice in words.
fn words(notice: &Notice) -> String {
    match notice {
        Notice::Gone(gone) => gone.code().to_owned(),
        Notice::Ready => "ready".to_owned(),
        Notice::Scanned(text) => format!("<{}>", text.as_str()),
    }
}

#[test]
fn a_scanner_is_told_of_once_and_found_again() {
    let cases: [(&str, &[Then], &[&str]); 8] = [
        ("nothing", &[Wait(5_000)], &["ready"]),
        ("a text", &[Wait(100), Send("A\r"), Wait(100)], &["ready", "<A>"]),
        ("two at once", &[Wait(100), Send("A\rB\r"), Wait(100)], &["ready", "<A>", "<B>"]),
        (
            "slowly, and in pieces",
            &[Wait(100), Send("A"), Wait(200), Send("B"), Wait(200), Send("\r"), Wait(1_000)],
            &["ready", "<AB>"],
        ),
        (
            "nothing behind it",
            &[Wait(100), Send("A"), Wait(400), Send("B"), Wait(400)],
            &["ready", "<A>", "<B>"],
        ),
        (
            "unplugged within a text",
            &[
                Wait(100),
                Send("A"),
                Unplug(ErrorKind::NotFound),
                Wait(5_000),
                Plug,
                Wait(1_100),
                Send("B\r"),
                Wait(100),
            ],
            &["ready", "scanner_unplugged", "ready", "<B>"],
        ),
        (
            "not there at first, then not allowed, then in use, then no scanner",
            &[
                Unplug(ErrorKind::NotFound),
                Wait(3_000),
                Unplug(ErrorKind::PermissionDenied),
                Wait(3_000),
                Unplug(ErrorKind::ResourceBusy),
                Wait(3_000),
                Unplug(ErrorKind::InvalidInput),
                Wait(3_000),
                Plug,
                Wait(1_100),
            ],
            &["scanner_unplugged", "scanner_not_allowed", "scanner_held", "scanner_none", "ready"],
        ),
        (
            "the clock set back",
            &[
                Wait(100),
                Send("A"),
                Wait(50),
                SetBack,
                Wait(100),
                Unplug(ErrorKind::NotFound),
                Wait(100),
                Plug,
                SetBack,
                Wait(100),
            ],
            &["ready", "<A>", "scanner_unplugged", "ready"],
        ),
    ];
    for (name, script, expected) in cases {
        let far = Rc::new(RefCell::new(Far::default()));
        let mut scanner = Scanner::new(|| match far.borrow().unplugged {
            Some(error) => Err(error.into()),
            None => Ok((Near(Rc::clone(&far)), Framing::new(Silence::Ends))),
        });
        let mut now = Timestamp::UNIX_EPOCH + TimeDelta::days(400);
        let mut told = Vec::new();
        for then in script {
            match *then {
                Send(bytes) => far.borrow_mut().sent.extend(bytes.bytes()),
                Unplug(error) => {
                    far.borrow_mut().unplugged = Some(error);
                    far.borrow_mut().sent.clear();
                }
                Plug => far.borrow_mut().unplugged = None,
                SetBack => now -= TimeDelta::days(1),
                Wait(milliseconds) => {
                    let until = now + TimeDelta::milliseconds(milliseconds);
                    while now < until {
                        told.extend(scanner.turn(now).as_ref().map(words));
                        now += STEP;
                    }
                }
            }
        }
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn a_stream_without_end_brings_no_text_and_one_of_short_texts_brings_one_a_turn() {
    let cases: [(&str, &[u8], Option<&str>); 6] = [
        ("no end", b"A", None),
        ("nothing but nul", b"\0", None),
        ("nothing but ends", b"\r\n", None),
        ("nothing but frames begun", b"\x02", None),
        ("escape sequences", b"\x1b[2J\x1b]0;A\x07", None),
        ("short texts", b"A\r", Some("<A>")),
    ];
    for (name, endless, expected) in cases {
        let far = Rc::new(RefCell::new(Far { endless: Some(endless), ..Far::default() }));
        let near = || Ok((Near(Rc::clone(&far)), Framing::new(Silence::Ends)));
        let mut scanner = Scanner::new(near);
        let mut now = Timestamp::UNIX_EPOCH;
        assert_eq!(scanner.turn(now), Some(Notice::Ready));
        for _ in 0..2_000 {
            now += STEP;
            assert_eq!(scanner.turn(now).as_ref().map(words).as_deref(), expected, "{name}");
        }
        far.borrow_mut().endless = None;
        far.borrow_mut().sent.extend(b"\x03B\r");
        let told: Vec<_> = (0..600).filter_map(|_| scanner.turn(now).as_ref().map(words)).collect();
        assert_eq!(told.last().map(String::as_str), Some("<B>"), "{name}: the next text is read");
    }
}

/// Turns until there is something to know; nothing if that takes too long.
fn next(scanner: &mut PluggedScanner, now: &mut Timestamp) -> String {
    for _ in 0..TURNS {
        *now += STEP;
        if let Some(notice) = scanner.turn(*now) {
            return words(&notice);
        }
    }
    format!("nothing within {TURNS} turns")
}

#[test]
fn a_serial_port_can_be_unplugged_at_any_time_and_is_for_one_alone() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("scanner");
    let name = link.to_str().unwrap().to_owned();
    let patience = Duration::from_millis(5);
    let mut now = Timestamp::UNIX_EPOCH;
    let mut scanner = PluggedScanner::at(name.clone(), patience);
    assert_eq!(next(&mut scanner, &mut now), "scanner_unplugged");

    let mut emulator = Emulator::plug_in(&link).unwrap();
    assert_eq!(next(&mut scanner, &mut now), "ready");
    assert_eq!(emulator.send(b"]Q1JKM1:A B\r\n\x02C\x03").unwrap(), 16);
    assert_eq!(next(&mut scanner, &mut now), "<JKM1:A B>");
    assert_eq!(next(&mut scanner, &mut now), "<C>");
    let mut other = PluggedScanner::at(name, patience);
    assert_eq!(next(&mut other, &mut now), "scanner_held");

    assert_eq!(emulator.send(b"half a te").unwrap(), 9);
    emulator.unplug();
    assert_eq!(next(&mut scanner, &mut now), "scanner_unplugged");
    assert_eq!(emulator.send(b"xt\r").unwrap_err().kind(), ErrorKind::NotConnected);
    emulator.plug().unwrap();
    assert_eq!(next(&mut scanner, &mut now), "ready");

    let longest = [&[b'7'; MAX_LEN][..], b"\r"].concat();
    let mut unsent = &longest[..];
    let mut told = None;
    for _ in 0..TURNS {
        now += STEP;
        unsent = &unsent[emulator.send(unsent).unwrap()..];
        told = told.or(scanner.turn(now));
    }
    assert_eq!(told, Some(Notice::Scanned(SymbolText::new("7".repeat(MAX_LEN)).unwrap())));
}

#[test]
fn what_is_no_serial_port_and_no_keyboard_is_no_scanner() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "A\r").unwrap();
    for path in [file.as_path(), folder.path(), Path::new("/dev/null")] {
        let name = path.to_str().unwrap().to_owned();
        let mut scanner = PluggedScanner::at(name.clone(), Duration::from_millis(5));
        assert_eq!(
            next(&mut scanner, &mut Timestamp::UNIX_EPOCH.clone()),
            "scanner_none",
            "{name}"
        );
    }
}
