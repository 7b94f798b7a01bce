//! What a reader does, event by event.

use super::{
    super::{card::CardKind, emulator::SampleCard, protocol::Deframer},
    *,
};

/// What comes in, in these tests.
#[derive(Clone, Copy, Debug)]
enum In {
    /// A status, and no data.
    Says(Status),
    /// The status of the citizen's card that was read, or of the permit.
    Reads(CardKind),
    /// A text that is no card's.
    ReadsNonsense,
    Garbled,
    Lost,
    Opened,
    Tick,
}
use In::{Garbled, Lost, Opened, Reads, ReadsNonsense, Says, Tick};
use Status::{Broken, Done, Found, NoCard, NotRead, NotSelected};

/// What comes in at milliseconds, and what must come out.
type Script = &'static [(i64, In, &'static str)];

fn event(what: In) -> Event {
    let answer = |status, data: &[u8]| {
        let body = Deframer::default().take(&mut &Answer::frame(status, data)[..]);
        Event::Answered(Answer::parse(body.unwrap().unwrap()).unwrap())
    };
    match what {
        Says(status) => answer(status, &[]),
        Reads(kind) => {
            let card = SampleCard::each().into_iter().find(|card| card.kind == kind).unwrap();
            answer(Done, &[&[1, 0, 4, 0], card.text().as_slice()].concat())
        }
        ReadsNonsense => answer(Done, &[1; 260]),
        Garbled => Event::Garbled,
        Lost => Event::Lost,
        Opened => Event::Opened,
        Tick => Event::Tick,
    }
}

/// What comes out, in a word; a card by the end of its number.
fn word(effect: Option<Effect>) -> String {
    let notice = |notice| match notice {
        Notice::Found(card) => card.number().as_str()[14..].to_owned(),
        Notice::Gone(gone) => gone.code().to_owned(),
        Notice::Ready => "ready".to_owned(),
        Notice::Removed => "removed".to_owned(),
        Notice::Unread(unread) => unread.code().to_owned(),
    };
    match effect {
        None => String::new(),
        Some(Effect::Close(None)) => "close".to_owned(),
        Some(Effect::Close(Some(told))) => format!("close, {}", notice(told)),
        Some(Effect::Open) => "open".to_owned(),
        Some(Effect::Send(command)) => format!("{command:?}").to_lowercase(),
        Some(Effect::Tell(told)) => notice(told),
    }
}

/// Plays events at milliseconds and expects these effects.
fn play(reader: &mut Reader, name: &str, script: Script) {
    for (step, &(milliseconds, what, expected)) in script.iter().enumerate() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds);
        let effect = word(reader.on(event(what), now));
        assert_eq!(effect, expected, "{name}: step {step}, {what:?} at {milliseconds}");
    }
}

const CITIZEN: In = Reads(CardKind::Citizen);
const PERMIT: In = Reads(CardKind::HongKongMacaoTaiwan);

/// A reader that has looked for a card at 0, in vain.
fn ready() -> Reader {
    let mut reader = Reader::default();
    let script: Script = &[
        (0, Tick, "open"),
        (0, Opened, "status"),
        (0, Says(Done), ""),
        (0, Tick, "find"),
        (0, Says(NoCard), "ready"),
    ];
    play(&mut reader, "ready", script);
    reader
}

/// A reader that has read a citizen's card at 400.
fn with_card() -> Reader {
    let mut reader = ready();
    let script: Script = &[
        (319, Tick, ""),
        (320, Tick, "find"),
        (330, Says(Found), "select"),
        (340, Says(Done), "read"),
        (400, CITIZEN, "002X"),
    ];
    play(&mut reader, "with card", script);
    reader
}

#[test]
fn a_card_is_told_of_once_while_it_lies_there() {
    let cases: [(&str, Script); 5] = [
        (
            "found again and again",
            &[
                (720, Tick, "find"),
                (730, Says(Found), "select"),
                (740, Says(Done), "read"),
                (800, CITIZEN, ""),
                (1_120, Tick, "find"),
                (1_130, Says(Found), "select"),
                (1_140, Says(Done), "read"),
                (1_200, CITIZEN, ""),
            ],
        ),
        (
            "found every other time",
            &[
                (720, Tick, "find"),
                (730, Says(NoCard), ""),
                (1_050, Tick, "find"),
                (1_060, Says(Found), "select"),
                (1_070, Says(Done), "read"),
                (1_100, CITIZEN, ""),
                (1_420, Tick, "find"),
                (1_430, Says(NoCard), ""),
            ],
        ),
        (
            "asleep, then away, then back",
            &[
                (720, Tick, "find"),
                (730, Says(NoCard), ""),
                (1_050, Tick, "find"),
                (1_729, Says(NoCard), ""),
                (2_050, Tick, "find"),
                (2_060, Says(NoCard), "removed"),
                (2_380, Tick, "find"),
                (2_390, Says(NoCard), ""),
                (2_710, Tick, "find"),
                (2_720, Says(Found), "select"),
                (2_730, Says(Done), "read"),
                (2_800, CITIZEN, "002X"),
            ],
        ),
        (
            "another at once",
            &[
                (720, Tick, "find"),
                (730, Says(NoCard), ""),
                (1_050, Tick, "find"),
                (1_060, Says(Found), "select"),
                (1_070, Says(Done), "read"),
                (1_100, PERMIT, "0019"),
                (1_420, Tick, "find"),
                (1_430, Says(Found), "select"),
                (1_440, Says(Done), "read"),
                (1_500, CITIZEN, "002X"),
            ],
        ),
        (
            "away while it is read again",
            &[
                (720, Tick, "find"),
                (730, Says(NoCard), ""),
                (1_050, Tick, "find"),
                (1_060, Says(Found), "select"),
                (1_070, Says(NotSelected), ""),
                (1_390, Tick, "find"),
                (1_400, Says(NoCard), ""),
                (1_720, Tick, "find"),
                (1_730, Says(NoCard), "removed"),
            ],
        ),
    ];
    for (name, script) in cases {
        play(&mut with_card(), name, script);
    }
}

#[test]
fn a_card_that_fails_is_told_of_once_and_read_when_it_is_back() {
    let cases: [(&str, Script); 6] = [
        (
            "away in the middle",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, Says(Done), "read"),
                (400, Says(NotRead), ""),
                (720, Tick, "find"),
                (730, Says(NoCard), "card_status"),
                (1_050, Tick, "find"),
                (1_060, Says(Found), "select"),
                (1_070, Says(Done), "read"),
                (1_100, CITIZEN, "002X"),
            ],
        ),
        (
            "second attempt",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, Says(NotSelected), ""),
                (660, Tick, "find"),
                (670, Says(Found), "select"),
                (680, Says(Done), "read"),
                (700, CITIZEN, "002X"),
            ],
        ),
        (
            "three attempts",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, Says(Done), "read"),
                (350, ReadsNonsense, ""),
                (670, Tick, "find"),
                (680, Says(Found), "select"),
                (690, Says(NotSelected), ""),
                (1_010, Tick, "find"),
                (1_020, Says(Found), "select"),
                (1_030, Says(Done), "read"),
                (1_040, ReadsNonsense, "card_length"),
                (1_360, Tick, "find"),
                (1_370, Says(Found), ""),
                (1_690, Tick, "find"),
                (1_700, Says(NoCard), ""),
                (2_020, Tick, "find"),
                (2_700, Says(NoCard), ""),
                (3_020, Tick, "find"),
                (3_030, Says(Found), "select"),
                (3_040, Says(Done), "read"),
                (3_050, CITIZEN, "002X"),
            ],
        ),
        (
            "no answer",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, Says(Done), "read"),
                (3_339, Tick, ""),
                (3_340, Tick, ""),
                (3_341, Tick, "find"),
                (3_350, Says(NoCard), "card_cut"),
            ],
        ),
        (
            "garbled",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, Says(Done), "read"),
                (350, Garbled, ""),
                (351, CITIZEN, ""),
                (669, Tick, ""),
                (670, Tick, "find"),
                (680, Says(NoCard), "card_cut"),
            ],
        ),
        (
            "a text where none was asked for",
            &[
                (320, Tick, "find"),
                (330, Says(Found), "select"),
                (340, CITIZEN, ""),
                (660, Tick, "find"),
                (670, CITIZEN, ""),
                (990, Tick, "find"),
                (1_000, Says(Found), "select"),
                (1_010, Says(Done), "read"),
                (1_020, PERMIT, "0019"),
            ],
        ),
    ];
    for (name, script) in cases {
        play(&mut ready(), name, script);
    }
}

#[test]
fn a_reader_that_goes_is_told_of_once_and_found_again() {
    let cases: [(&str, Script); 6] = [
        (
            "unplugged with a card",
            &[
                (500, Lost, "close, reader_unplugged"),
                (1_499, Tick, ""),
                (1_500, Tick, "open"),
                (1_500, Lost, "close"),
                (2_500, Tick, "open"),
                (2_500, Opened, "status"),
                (2_510, Says(Done), ""),
                (2_510, Tick, "find"),
                (2_520, Says(Found), "ready"),
                (2_520, Tick, "select"),
                (2_530, Says(Done), "read"),
                (2_600, CITIZEN, "002X"),
            ],
        ),
        (
            "silent",
            &[
                (720, Tick, "find"),
                (1_719, Tick, ""),
                (1_720, Tick, ""),
                (1_720, Tick, "find"),
                (2_720, Tick, ""),
                (2_720, Tick, "find"),
                (3_720, Tick, "close, reader_silent"),
                (4_720, Tick, "open"),
                (4_720, Opened, "status"),
                (5_720, Tick, ""),
                (5_720, Tick, "status"),
                (5_800, Says(Done), ""),
                (5_800, Tick, "find"),
                (5_810, Says(NoCard), "ready"),
            ],
        ),
        (
            "faulty, and no better after a reset",
            &[
                (500, Lost, "close, reader_unplugged"),
                (1_500, Tick, "open"),
                (1_500, Opened, "status"),
                (1_510, Says(Broken), "reset"),
                (1_520, Says(Broken), ""),
                (1_840, Tick, "reset"),
                (1_850, Says(Broken), ""),
                (2_170, Tick, "reset"),
                (2_180, Says(Broken), "close, reader_faulty"),
                (3_180, Tick, "open"),
            ],
        ),
        (
            "well again after a reset",
            &[
                (500, Lost, "close, reader_unplugged"),
                (1_500, Tick, "open"),
                (1_500, Opened, "status"),
                (1_510, Says(Broken), "reset"),
                (1_520, Says(Done), ""),
                (1_520, Tick, "find"),
                (1_530, Says(NoCard), "ready"),
            ],
        ),
        (
            "faulty in the middle",
            &[
                (720, Tick, "find"),
                (730, Says(Broken), ""),
                (1_050, Tick, "find"),
                (1_060, Says(Broken), ""),
                (1_380, Tick, "find"),
                (1_390, Says(Broken), "close, reader_faulty"),
            ],
        ),
        (
            "garbled for a while",
            &[
                (720, Tick, "find"),
                (730, Garbled, ""),
                (1_050, Tick, "find"),
                (1_060, Garbled, ""),
                (1_380, Tick, "find"),
                (1_390, Says(Found), "select"),
                (1_400, Garbled, ""),
                (1_720, Tick, "find"),
                (1_730, Garbled, ""),
                (2_050, Tick, "find"),
                (2_060, Says(NoCard), ""),
            ],
        ),
    ];
    for (name, script) in cases {
        play(&mut with_card(), name, script);
    }
}

#[test]
fn a_clock_set_back_stops_nothing() {
    let cases: [(&str, Script); 3] = [
        ("between two looks", &[(-3_600_000, Tick, "find")]),
        (
            "while it answers",
            &[
                (720, Tick, "find"),
                (-3_600_000, Tick, ""),
                (-3_599_000, Tick, ""),
                (-3_599_000, Tick, "find"),
            ],
        ),
        ("while it is gone", &[(500, Lost, "close, reader_unplugged"), (-9, Tick, "open")]),
    ];
    for (name, script) in cases {
        play(&mut with_card(), name, script);
    }
}
