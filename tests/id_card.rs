//! Readers of identity cards, as far as the port: what the desk is told, whatever comes in.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    path::Path,
    rc::Rc,
    time::Duration,
};

use chrono::TimeDelta;
use greengate::{
    clock::Timestamp,
    device::id_card::{
        emulator::{Emulator, Habit, Module, SampleCard},
        notice::Notice,
        port::{CardReader, SerialCardReader},
        protocol::{Answer, Command, Status},
    },
};
use proptest::prelude::*;
use tempfile::tempdir;

/// The time between two turns.
const STEP: TimeDelta = TimeDelta::milliseconds(20);

/// The most turns until something that must come has come: ten seconds.
const TURNS: usize = 500;

/// A notice in words; a card by its kind and masked number.
fn words(notice: &Notice) -> String {
    match notice {
        Notice::Found(card) => format!("{} {}", card.kind().code(), card.number().masked()),
        Notice::Gone(gone) => gone.code().to_owned(),
        Notice::Ready => "ready".to_owned(),
        Notice::Removed => "removed".to_owned(),
        Notice::Unread(unread) => unread.code().to_owned(),
    }
}

const CITIZEN: &str = "citizen **************002X";
const PERMIT: &str = "hong_kong_macao_taiwan **************0019";

/// What is at the other end of a line in memory.
#[derive(Debug, Default)]
struct Far {
    module: Module,
    plugged_in: bool,
    sent: VecDeque<u8>,
    faults: VecDeque<Fault>,
}

/// What happens to one answer to a command to read.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// So many bytes arrive, and no more.
    Cut(usize),
    /// So many bytes arrive, and the card is taken away: the module says that it was not read.
    CardAway,
    /// So many bytes arrive, and the reader is unplugged.
    Unplugged(usize),
    /// One bit is another.
    Flipped(usize),
    /// Something else comes first.
    Garbage(&'static [u8]),
    /// Another frame follows, with another card's text.
    Doubled,
    /// Bytes without end come in its place.
    Endless(u8),
}

/// The near end of a line.
#[derive(Debug)]
struct Near {
    far: Rc<RefCell<Far>>,
    /// How many bytes are given at once.
    piece: usize,
    endless: Option<u8>,
}

impl Far {
    fn hear(&mut self, bytes: &[u8]) -> Option<u8> {
        let reads = bytes == &Command::Read.frame()[..];
        let fault = if reads { self.faults.pop_front() } else { None };
        if let Some(Fault::CardAway) = fault {
            self.module.take();
        }
        let mut answer = self.module.hear(bytes);
        match fault {
            Some(Fault::Cut(length)) => answer.truncate(length),
            Some(Fault::Unplugged(length)) => {
                answer.truncate(length);
                self.plugged_in = false;
            }
            Some(Fault::Flipped(at)) => answer[at] ^= 0x10,
            Some(Fault::Garbage(garbage)) => self.sent.extend(garbage),
            Some(Fault::Doubled) => {
                let [_, permit, ..] = SampleCard::each();
                let mut other = Module::default();
                other.put(permit);
                for command in [Command::Find, Command::Select, Command::Read] {
                    let more = other.hear(&command.frame());
                    answer.extend_from_slice(&more);
                }
            }
            Some(Fault::Endless(byte)) => return Some(byte),
            Some(Fault::CardAway) | None => {}
        }
        self.sent.extend(answer.iter());
        None
    }
}

impl Read for Near {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut far = self.far.borrow_mut();
        if let Some(byte) = self.endless {
            bytes.fill(byte);
            return Ok(bytes.len());
        }
        let length = self.piece.min(bytes.len()).min(far.sent.len());
        match length {
            0 if far.plugged_in => Err(ErrorKind::WouldBlock.into()),
            0 => Err(ErrorKind::BrokenPipe.into()),
            _ => {
                for (place, byte) in bytes.iter_mut().zip(far.sent.drain(..length)) {
                    *place = byte;
                }
                Ok(length)
            }
        }
    }
}

impl Write for Near {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut far = self.far.borrow_mut();
        if !far.plugged_in {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.endless = far.hear(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Something done at the desk, and how long it is waited for what comes of it.
#[derive(Clone, Copy, Debug)]
enum Do {
    Put(usize),
    Take,
    Plug,
    Unplug,
    Wait(i64),
}
use Do::{Plug, Put, Take, Unplug, Wait};

/// What the desk is told while these things are done one after the other.
fn told(habit: Habit, piece: usize, faults: &[Fault], script: &[Do]) -> Vec<String> {
    let far = Rc::new(RefCell::new(Far {
        module: Module::new(habit),
        plugged_in: true,
        faults: faults.iter().copied().collect(),
        ..Far::default()
    }));
    let mut reader = CardReader::new(|| {
        if far.borrow().plugged_in {
            far.borrow_mut().sent.clear();
            Ok(Near { far: Rc::clone(&far), piece, endless: None })
        } else {
            Err(ErrorKind::NotFound.into())
        }
    });
    let mut now = Timestamp::UNIX_EPOCH;
    let mut told = Vec::new();
    for step in script {
        match *step {
            Put(sample) => far.borrow_mut().module.put(SampleCard::each()[sample].clone()),
            Take => far.borrow_mut().module.take(),
            Plug => far.borrow_mut().plugged_in = true,
            Unplug => far.borrow_mut().plugged_in = false,
            Wait(milliseconds) => {
                let until = now + TimeDelta::milliseconds(milliseconds);
                while now < until {
                    told.extend(reader.turn(now).as_ref().map(words));
                    now += STEP;
                }
            }
        }
    }
    told
}

#[test]
fn the_desk_is_told_of_each_card_once() {
    let cases: [(&str, &[Do], &[&str]); 10] = [
        ("no card", &[Wait(5_000)], &["ready"]),
        ("a card", &[Wait(500), Put(0), Wait(1_000)], &["ready", CITIZEN]),
        ("a card that lay there already", &[Put(0), Wait(1_000)], &["ready", CITIZEN]),
        (
            "a card of each kind",
            &[Put(0), Wait(1_000), Put(1), Wait(1_000), Put(2), Wait(1_000), Put(3), Wait(1_000)],
            &[
                "ready",
                CITIZEN,
                PERMIT,
                "foreign_2017 ***********2501",
                "foreign_2023 **************0114",
            ],
        ),
        (
            "two cards",
            &[Put(0), Wait(700), Take, Wait(2_000), Put(1), Wait(700), Take, Wait(2_000)],
            &["ready", CITIZEN, "removed", PERMIT, "removed"],
        ),
        (
            "two cards in quick succession",
            &[Put(0), Wait(700), Take, Wait(400), Put(1), Wait(1_000)],
            &["ready", CITIZEN, PERMIT],
        ),
        (
            "the same card again",
            &[Put(0), Wait(700), Take, Wait(2_000), Put(0), Wait(1_000)],
            &["ready", CITIZEN, "removed", CITIZEN],
        ),
        (
            "the same card, lifted for a moment",
            &[Put(0), Wait(700), Take, Wait(400), Put(0), Wait(600)],
            &["ready", CITIZEN],
        ),
        (
            "unplugged and plugged in",
            &[Put(0), Wait(700), Unplug, Wait(5_000), Plug, Take, Wait(2_000), Put(0), Wait(700)],
            &["ready", CITIZEN, "reader_unplugged", "ready", CITIZEN],
        ),
        (
            "plugged in late",
            &[Unplug, Wait(5_000), Plug, Wait(2_000), Put(1), Wait(700)],
            &["reader_unplugged", "ready", PERMIT],
        ),
    ];
    for (name, script, expected) in cases {
        for piece in [1_500, 64, 7] {
            let told = told(Habit::FindsAgain, piece, &[], script);
            assert_eq!(told, expected, "{name}, {piece} bytes at a time");
        }
    }
}

#[test]
fn a_module_that_lets_cards_sleep_says_removed_and_no_card_twice() {
    let script = [Put(0), Wait(10_000), Take, Wait(1_000), Put(0), Wait(500), Take, Put(1)];
    let script = [&script[..], &[Wait(500), Take, Wait(2_000)]].concat();
    let told = told(Habit::FindsOnce, 64, &[], &script);
    assert_eq!(told, ["ready", CITIZEN, "removed", CITIZEN, PERMIT, "removed"]);
}

#[test]
fn a_fault_in_the_middle_costs_an_attempt_and_brings_no_wrong_card() {
    let preamble: &[u8] = b"\xAA\xAA\xAA\x96\x69";
    let cases: [(&str, &[Fault], &[Do], &[&str]); 13] = [
        ("cut in the preamble", &[Fault::Cut(3)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("cut in the text", &[Fault::Cut(100)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("cut before the sum", &[Fault::Cut(1_294)], &[Wait(9_000)], &["ready", CITIZEN]),
        (
            "cut three times",
            &[Fault::Cut(100), Fault::Cut(200), Fault::Cut(1_294)],
            &[Wait(13_000), Take, Wait(500), Put(0), Wait(1_000)],
            &["ready", "card_cut", CITIZEN],
        ),
        ("length", &[Fault::Flipped(5)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("number", &[Fault::Flipped(140)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("picture", &[Fault::Flipped(1_000)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("sum", &[Fault::Flipped(1_294)], &[Wait(9_000)], &["ready", CITIZEN]),
        (
            "garbage",
            &[Fault::Garbage(b"\x00\xFFnoise\xAA\xAA")],
            &[Wait(9_000)],
            &["ready", CITIZEN],
        ),
        ("half a frame", &[Fault::Garbage(preamble)], &[Wait(9_000)], &["ready", CITIZEN]),
        ("two answers", &[Fault::Doubled], &[Wait(9_000)], &["ready", CITIZEN]),
        (
            "card away",
            &[Fault::CardAway],
            &[Wait(3_000), Put(0), Wait(1_000)],
            &["ready", "card_status", CITIZEN],
        ),
        (
            "unplugged",
            &[Fault::Unplugged(600)],
            &[Wait(3_000), Plug, Wait(2_000)],
            &["ready", "reader_unplugged", "ready", CITIZEN],
        ),
    ];
    for (name, faults, script, expected) in cases {
        let script = [&[Put(0)], script].concat();
        let told = told(Habit::FindsAgain, 64, faults, &script);
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn a_stream_without_end_is_left_and_found_out() {
    for byte in [0x00, 0xAA, 0xFF] {
        let script = [Put(0), Wait(20_000)];
        let told = told(Habit::FindsAgain, 64, &[Fault::Endless(byte)], &script);
        assert_eq!(told, ["ready", CITIZEN], "the stream ends with the next command");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_in_panics_or_is_taken_for_a_card(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..600),
                prop::sample::select(vec![0x80, 0x90, 0x9F])
                    .prop_map(|status| Answer::frame(Status::from(status), &[0; 8]).to_vec()),
            ],
            0..64,
        ),
    ) {
        let far = Rc::new(RefCell::new(Far { plugged_in: true, ..Far::default() }));
        let near = || Ok(Near { far: Rc::clone(&far), piece: 64, endless: None });
        let mut reader = CardReader::new(near);
        let mut now = Timestamp::UNIX_EPOCH;
        for piece in pieces {
            far.borrow_mut().sent.extend(piece);
            for _ in 0..20 {
                let notice = reader.turn(now);
                prop_assert!(!matches!(notice, Some(Notice::Found(_))));
                now += STEP;
            }
        }
    }
}

/// A reader on the emulator's pseudo-terminal, and what the desk is told by it.
struct Desk<'link> {
    emulator: Emulator,
    link: &'link Path,
    now: Timestamp,
}

impl Desk<'_> {
    /// Turns both until the desk is told something; nothing if that takes too long.
    fn next<Port: Read + Write, Open: FnMut() -> io::Result<Port>>(
        &mut self,
        reader: &mut CardReader<Port, Open>,
    ) -> String {
        for _ in 0..TURNS {
            self.emulator.turn().unwrap();
            self.now += STEP;
            if let Some(notice) = reader.turn(self.now) {
                return words(&notice);
            }
        }
        format!("nothing within {TURNS} turns at {}", self.link.display())
    }
}

#[test]
fn a_serial_port_can_be_unplugged_at_any_time() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("reader");
    let emulator = Emulator::plug_in(&link, Habit::FindsOnce).unwrap();
    let mut desk = Desk { emulator, link: &link, now: Timestamp::UNIX_EPOCH };
    let mut reader = SerialCardReader::at(link.clone(), Duration::from_millis(5));
    let [citizen, permit, ..] = SampleCard::each();

    assert_eq!(desk.next(&mut reader), "ready");
    desk.emulator.put(citizen.clone());
    assert_eq!(desk.next(&mut reader), CITIZEN);
    desk.emulator.take();
    assert_eq!(desk.next(&mut reader), "removed");

    desk.emulator.unplug();
    assert_eq!(desk.next(&mut reader), "reader_unplugged");
    desk.emulator.plug().unwrap();
    assert_eq!(desk.next(&mut reader), "ready");

    // The answers to find and select have 34 bytes; this is within the card's text.
    desk.emulator.unplug_after(200);
    desk.emulator.put(permit);
    assert_eq!(desk.next(&mut reader), "reader_unplugged");
    desk.emulator.plug().unwrap();
    assert_eq!(desk.next(&mut reader), "ready");
    assert_eq!(desk.next(&mut reader), PERMIT);

    drop(reader);
    let mut reader = SerialCardReader::at(link.clone(), Duration::from_millis(5));
    desk.emulator.put(citizen);
    assert_eq!(desk.next(&mut reader), "ready");
    assert_eq!(desk.next(&mut reader), CITIZEN);
}
