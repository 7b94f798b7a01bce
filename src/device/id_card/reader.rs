//! A reader as a state machine: what has happened and the time go in, and at most one thing to do
//! comes out.
//!
//! A module is asked whether it is well, then for a card, three times a second. A card that is found
//! is selected and read, so that another is never taken for the one before. It is told of once, and
//! again only when no card has been found for [`AWAY_AFTER`] or another was read in between: most
//! modules say of a card that they have read that it is gone while it lies there, and some find it
//! again each time. Nothing waits here, and nothing is believed but an answer to what was asked.

use chrono::TimeDelta;

use super::{
    card::{Card, CardNumber},
    notice::{Gone, Notice, Unread},
    protocol::{Answer, Command, Status},
};
use crate::clock::Timestamp;

/// How long after an answer a card is looked for again. Source: the modules' manuals, which ask for
/// more than 300 ms.
pub const LOOK_AGAIN: TimeDelta = TimeDelta::milliseconds(320);

/// How long no card must be found before it counts as taken away.
///
/// Some modules find a card only every other time that they look.
pub const AWAY_AFTER: TimeDelta = TimeDelta::seconds(1);

/// How long after a port was lost it is opened again.
pub const OPEN_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// How long a module may take to answer: about a second where it reads a card.
#[must_use]
pub fn answers_within(command: Command) -> TimeDelta {
    match command {
        Command::Find | Command::Reset | Command::Select | Command::Status => TimeDelta::seconds(1),
        Command::Read => TimeDelta::seconds(3),
    }
}

/// How often a card is tried before it counts as unreadable.
pub const ATTEMPTS: u8 = 3;

/// How many commands in a row may go wrong before the module counts as gone.
pub const SILENT_AFTER: u8 = 3;

/// What happens to a reader.
#[derive(Debug, Eq, PartialEq)]
pub enum Event {
    /// The module has answered.
    Answered(Answer),
    /// The module has sent something that is no answer.
    Garbled,
    /// The port could not be opened, or is no longer there.
    Lost,
    /// The port was opened.
    Opened,
    /// Time has passed.
    Tick,
}

/// What to do about it.
#[derive(Debug, Eq, PartialEq)]
pub enum Effect {
    /// Close the port, and tell this, if anything.
    Close(Option<Notice>),
    /// Open the port, and say what came of it.
    Open,
    /// Send this command, and forget what has come before.
    Send(Command),
    /// Tell this.
    Tell(Notice),
}

/// One reader.
#[derive(Debug, Default)]
pub struct Reader {
    now: Timestamp,
    line: Line,
    told: Option<Told>,
    /// How many commands in a row have gone wrong.
    wrong: u8,
    on_it: OnIt,
    /// Since when no card is found, if one was.
    away: Option<Timestamp>,
    /// How often the card that lies there was tried in vain, and what came of it.
    failed: Option<(u8, Unread)>,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Line {
    /// The port is closed, and is to be opened then.
    Closed { again: Timestamp },
    /// It is being opened.
    Opening,
    /// The command is to be sent then.
    Due(Command, Timestamp),
    /// The command was sent then.
    Sent(Command, Timestamp),
}

impl Default for Line {
    fn default() -> Self {
        Self::Closed { again: Timestamp::UNIX_EPOCH }
    }
}

/// What was last told of the reader itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Ready,
    Gone(Gone),
}

/// What was last told of the card that lies on it.
#[derive(Debug, Default, Eq, PartialEq)]
enum OnIt {
    #[default]
    Nothing,
    Read(CardNumber),
    Unread,
}

impl Reader {
    /// Moves on by one event, saying what to do about it.
    ///
    /// Events that mean nothing in the present state change nothing. If the clock was set back, all
    /// that was timed by it is due at once, so that no reader stops for the hour that is lived
    /// twice.
    #[must_use]
    pub fn on(&mut self, event: Event, now: Timestamp) -> Option<Effect> {
        if now < self.now {
            self.set_back(now);
        }
        self.now = now;
        match (event, self.line) {
            (Event::Tick, Line::Closed { again }) if now >= again => {
                self.line = Line::Opening;
                Some(Effect::Open)
            }
            (Event::Opened, Line::Opening) => {
                self.wrong = 0;
                Some(self.send(Command::Status))
            }
            (Event::Lost, _) => Some(self.close(Gone::Unplugged)),
            (Event::Tick, Line::Due(command, when)) if now >= when => Some(self.send(command)),
            (Event::Tick, Line::Sent(command, when)) if now - when >= answers_within(command) => {
                self.unanswered(command, now)
            }
            (Event::Garbled, Line::Sent(command, _)) => self.unanswered(command, now + LOOK_AGAIN),
            (Event::Answered(answer), Line::Sent(command, _)) => self.answered(command, &answer),
            _ => None,
        }
    }

    /// What an answer comes to.
    fn answered(&mut self, command: Command, answer: &Answer) -> Option<Effect> {
        // A late answer to an earlier command may look like one to this. A text is none but to one.
        let brings_text = Card::is_within(answer.data());
        match (command, answer.status()) {
            (Command::Status | Command::Reset, Status::Done) if !brings_text => {
                self.due(Command::Find, self.now);
                None
            }
            (Command::Status, _) => Some(self.send(Command::Reset)),
            (Command::Find, Status::Found) => self.found(),
            (Command::Find, Status::NoCard) => self.found_none(),
            (Command::Select, Status::Done) if !brings_text => {
                self.wrong = 0;
                Some(self.send(Command::Read))
            }
            (Command::Read, Status::Done) => {
                self.wrong = 0;
                match Card::parse(answer.data()) {
                    Ok(card) => self.read(card),
                    Err(error) => self.fail(Unread::Card(error), self.now + LOOK_AGAIN),
                }
            }
            (Command::Select | Command::Read, status) => {
                self.fail(Unread::Status(status), self.now + LOOK_AGAIN)
            }
            (Command::Reset | Command::Find, status) => {
                self.wrong(Gone::Faulty(status), command, self.now + LOOK_AGAIN)
            }
        }
    }

    /// A card lies there. It is read, whether it is the one before or not, unless that was in vain
    /// and it has lain there since.
    fn found(&mut self) -> Option<Effect> {
        self.wrong = 0;
        let was_in_vain = self.on_it == OnIt::Unread && self.away.is_none();
        match self.ready() {
            Some(notice) => {
                self.due(Command::Select, self.now);
                Some(notice)
            }
            None if was_in_vain => {
                self.due(Command::Find, self.now + LOOK_AGAIN);
                None
            }
            None => Some(self.send(Command::Select)),
        }
    }

    /// No card lies there, or one that sleeps.
    fn found_none(&mut self) -> Option<Effect> {
        self.wrong = 0;
        self.due(Command::Find, self.now + LOOK_AGAIN);
        if let Some(notice) = self.ready() {
            return Some(notice);
        }
        let failed = self.failed.take();
        if self.on_it == OnIt::Nothing {
            let (_, why) = failed?;
            self.away = Some(self.now);
            self.on_it = OnIt::Unread;
            return Some(Effect::Tell(Notice::Unread(why)));
        }
        let since = *self.away.get_or_insert(self.now);
        if self.now - since < AWAY_AFTER {
            return None;
        }
        self.away = None;
        let was_read = matches!(std::mem::take(&mut self.on_it), OnIt::Read(_));
        was_read.then_some(Effect::Tell(Notice::Removed))
    }

    /// A card was read. It is told of, unless it was already.
    fn read(&mut self, card: Card) -> Option<Effect> {
        self.due(Command::Find, self.now + LOOK_AGAIN);
        self.failed = None;
        self.away = None;
        if matches!(&self.on_it, OnIt::Read(number) if number == card.number()) {
            return None;
        }
        self.on_it = OnIt::Read(card.number().clone());
        Some(Effect::Tell(Notice::Found(card)))
    }

    /// The card was not read. It is looked for again, and after some attempts that is told.
    fn fail(&mut self, why: Unread, when: Timestamp) -> Option<Effect> {
        self.due(Command::Find, when);
        let attempts = self.failed.map_or(0, |(attempts, _)| attempts) + 1;
        if attempts < ATTEMPTS {
            self.failed = Some((attempts, why));
            return None;
        }
        self.failed = None;
        self.away = None;
        let was_told = std::mem::replace(&mut self.on_it, OnIt::Unread) == OnIt::Unread;
        (!was_told).then_some(Effect::Tell(Notice::Unread(why)))
    }

    /// A command had no answer, or none that can be read.
    fn unanswered(&mut self, command: Command, when: Timestamp) -> Option<Effect> {
        match self.wrong(Gone::Silent, command, when) {
            None if matches!(command, Command::Select | Command::Read) => {
                self.fail(Unread::Cut, when)
            }
            effect => effect,
        }
    }

    /// A command went wrong. It is sent again then, unless that has happened too often.
    fn wrong(&mut self, gone: Gone, command: Command, when: Timestamp) -> Option<Effect> {
        self.wrong += 1;
        if self.wrong >= SILENT_AFTER {
            return Some(self.close(gone));
        }
        self.due(command, when);
        None
    }

    /// The port is to be closed for now; whatever lies on the reader will be new.
    fn close(&mut self, gone: Gone) -> Effect {
        self.line = Line::Closed { again: self.now + OPEN_AGAIN };
        (self.on_it, self.away, self.failed) = (OnIt::Nothing, None, None);
        let was_told = self.told.replace(Told::Gone(gone)) == Some(Told::Gone(gone));
        Effect::Close((!was_told).then_some(Notice::Gone(gone)))
    }

    /// Tells that the reader can be used, once it has looked for a card.
    fn ready(&mut self) -> Option<Effect> {
        let was_told = self.told.replace(Told::Ready) == Some(Told::Ready);
        (!was_told).then_some(Effect::Tell(Notice::Ready))
    }

    fn send(&mut self, command: Command) -> Effect {
        self.line = Line::Sent(command, self.now);
        Effect::Send(command)
    }

    fn due(&mut self, command: Command, when: Timestamp) {
        self.line = Line::Due(command, when);
    }

    /// Has everything due that waits for an instant.
    fn set_back(&mut self, now: Timestamp) {
        self.away = self.away.map(|_| now);
        self.line = match self.line {
            Line::Closed { .. } => Line::Closed { again: now },
            Line::Due(command, _) => Line::Due(command, now),
            Line::Sent(command, _) => Line::Sent(command, now),
            Line::Opening => Line::Opening,
        };
    }
}

#[cfg(test)]
mod tests {
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
}
