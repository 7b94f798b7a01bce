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
mod tests;
