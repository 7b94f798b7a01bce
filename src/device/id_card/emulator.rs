//! An SDT-SAM reader that is not there: the demonstration's, and the tests'.
//!
//! [`Module`] is the device's side of the conversation, without any input or output. [`Emulator`]
//! speaks it on a pseudo-terminal, to which it leads by a link, as udev makes one for a port: cards
//! are put on it and taken off, and it is unplugged and plugged in again, by calls. It has no thread
//! and never waits; whoever has one calls [`Emulator::turn`] every few milliseconds.
//!
//! The people on its cards do not exist.

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use zeroize::Zeroizing;

use super::{
    card::{CardKind, LONG_TERM, TEXT_LENGTH, Until, Validity},
    protocol::{Answer, Command, Deframer, Status},
};
use crate::device::{pty::Pty, serial::hear};

/// How long a picture is. Source: GA/T 490.
const PICTURE_LENGTH: usize = 1_024;

/// What stands in a picture's place, so that it can be looked for where it must not be.
const PICTURE: u8 = 0xC3;

/// A card to put on the emulator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SampleCard {
    /// What kind of card it is.
    pub kind: CardKind,
    /// Its number.
    pub number: String,
    /// The holder's name: a foreigner's in Latin letters.
    pub name: String,
    /// How long it is valid.
    pub validity: Validity,
}

impl SampleCard {
    /// One card of each kind.
    #[must_use]
    pub fn each() -> [Self; 4] {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let card = |kind, number: &str, name: &str, from, until| Self {
            kind,
            number: number.to_owned(),
            name: name.to_owned(),
            validity: Validity { from, until },
        };
        [
            card(CardKind::Citizen, "11010519491231002X", "张三", day(2006, 3, 1), Until::LongTerm),
            card(
                CardKind::HongKongMacaoTaiwan,
                "810000199001010019",
                "陈小明",
                day(2019, 1, 15),
                Until::Day(day(2024, 1, 15)),
            ),
            card(
                CardKind::Foreign2017,
                "CHE110085062501",
                "MUSTER, ERIKA",
                day(2018, 6, 1),
                Until::Day(day(2028, 5, 31)),
            ),
            card(
                CardKind::Foreign2023,
                "911756198506250114",
                "MUSTERMANN, MAXIMILIAN ALEXANDER FERDINAND",
                day(2023, 12, 1),
                Until::Day(day(2033, 11, 30)),
            ),
        ]
    }

    /// The text on the card, with something in each field that nobody asks for.
    #[must_use]
    pub fn text(&self) -> Zeroizing<[u8; TEXT_LENGTH]> {
        let from = self.validity.from.format("%Y%m%d").to_string();
        let until = match self.validity.until {
            Until::Day(until) => until.format("%Y%m%d").to_string(),
            Until::LongTerm => LONG_TERM.to_owned(),
        };
        let (number, name) = (self.number.as_str(), self.name.as_str());
        let (first, rest) =
            name.char_indices().nth(35).map_or((name, ""), |(at, _)| name.split_at(at));
        let marker = self.kind.marker().to_string();
        let fields: &[(usize, &str)] = match self.kind {
            CardKind::Citizen | CardKind::HongKongMacaoTaiwan => &[
                (30, name),
                (2, "1"),
                (4, "01"),
                (16, "19491231"),
                (70, "某省某市某街一号"),
                (36, number),
                (30, "某市公安局"),
                (16, &from),
                (16, &until),
                (18, ""),
                (4, ""),
                (6, ""),
                (2, &marker),
                (6, ""),
            ],
            CardKind::Foreign2017 => &[
                (120, name),
                (2, "2"),
                (30, number),
                (6, "CHE"),
                (30, "穆斯特"),
                (16, &from),
                (16, &until),
                (16, "19850625"),
                (4, "01"),
                (8, "1100"),
                (2, &marker),
                (6, ""),
            ],
            CardKind::Foreign2023 => &[
                (30, "穆斯特曼"),
                (2, "1"),
                (4, "00"),
                (16, "19850625"),
                (70, first),
                (36, number),
                (30, ""),
                (16, &from),
                (16, &until),
                (22, rest),
                (6, "756"),
                (2, &marker),
                (6, "000"),
            ],
        };
        let units = fields.iter().flat_map(|(width, text)| {
            text.encode_utf16().chain(std::iter::repeat(u16::from(b' '))).take(width / 2)
        });
        let mut bytes = Zeroizing::new([0; TEXT_LENGTH]);
        for (place, unit) in bytes.chunks_exact_mut(2).zip(units) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }
}

/// What a module does with a card that it has read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Habit {
    /// It lets it sleep, and finds it no more until it was taken away. Most do.
    #[default]
    FindsOnce,
    /// It finds it again each time.
    FindsAgain,
}

/// A module's side of the conversation.
#[derive(Debug, Default)]
pub struct Module {
    habit: Habit,
    card: Option<SampleCard>,
    stage: Stage,
    deframer: Deframer,
}

/// How far a module has come with the card that lies on it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    New,
    Found,
    Selected,
    Asleep,
}

impl Module {
    /// A module without a card.
    #[must_use]
    pub fn new(habit: Habit) -> Self {
        Self { habit, ..Self::default() }
    }

    /// Has a card put on it, in place of the one that lies there.
    pub fn put(&mut self, card: SampleCard) {
        self.card = Some(card);
        self.stage = Stage::New;
    }

    /// Has the card taken off.
    pub fn take(&mut self) {
        self.card = None;
        self.stage = Stage::New;
    }

    /// What the module sends upon what was sent to it, which may be any part of a command.
    #[must_use]
    pub fn hear(&mut self, mut bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut sent = Zeroizing::new(Vec::new());
        while let Some(body) = self.deframer.take(&mut bytes) {
            let answer = match body {
                Ok(body) => Command::parse(&body).map_or_else(
                    || Answer::frame(Status::WrongCommand, &[]),
                    |command| self.answer(command),
                ),
                Err(_) => Answer::frame(Status::WrongSum, &[]),
            };
            sent.extend_from_slice(&answer);
        }
        sent
    }

    /// What the module answers.
    fn answer(&mut self, command: Command) -> Zeroizing<Vec<u8>> {
        let (stage, status, data) = match (command, self.stage, &self.card) {
            (Command::Reset, ..) => (Stage::New, Status::Done, Zeroizing::default()),
            (Command::Status, stage, _) => (stage, Status::Done, Zeroizing::default()),
            (Command::Find, stage, Some(_)) if stage != Stage::Asleep => {
                (Stage::Found, Status::Found, Zeroizing::new(vec![0; 4]))
            }
            (Command::Find, stage, _) => (stage, Status::NoCard, Zeroizing::default()),
            (Command::Select, Stage::Found, Some(_)) => {
                (Stage::Selected, Status::Done, Zeroizing::new(vec![0; 8]))
            }
            (Command::Select, stage, _) => (stage, Status::NotSelected, Zeroizing::default()),
            (Command::Read, Stage::Selected, Some(card)) => {
                let read = match self.habit {
                    Habit::FindsOnce => Stage::Asleep,
                    Habit::FindsAgain => Stage::New,
                };
                (read, Status::Done, contents(card))
            }
            (Command::Read, stage, _) => (stage, Status::NotRead, Zeroizing::default()),
        };
        self.stage = stage;
        Answer::frame(status, &data)
    }
}

/// What is read from a card: two lengths, the text, and the picture.
fn contents(card: &SampleCard) -> Zeroizing<Vec<u8>> {
    let mut contents = Zeroizing::new(Vec::with_capacity(4 + TEXT_LENGTH + PICTURE_LENGTH));
    for length in [TEXT_LENGTH, PICTURE_LENGTH] {
        contents.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
    }
    contents.extend_from_slice(card.text().as_slice());
    contents.extend([PICTURE; PICTURE_LENGTH]);
    contents
}

/// A reader on a pseudo-terminal.
pub struct Emulator {
    module: Module,
    link: PathBuf,
    line: Option<Pty>,
    unplug_after: Option<usize>,
}

impl Emulator {
    /// Plugs a reader in; `link` will lead to its port.
    ///
    /// # Errors
    ///
    /// If there is no pseudo-terminal to be had, or something that is no link is at `link`.
    pub fn plug_in(link: &Path, habit: Habit) -> io::Result<Self> {
        let mut emulator = Self {
            module: Module::new(habit),
            link: link.to_path_buf(),
            line: None,
            unplug_after: None,
        };
        emulator.plug()?;
        Ok(emulator)
    }

    /// Plugs it in again, if it is not. A card that lies on it is new to it.
    ///
    /// # Errors
    ///
    /// As [`Self::plug_in`].
    pub fn plug(&mut self) -> io::Result<()> {
        if self.line.is_some() {
            return Ok(());
        }
        self.line = Some(Pty::plug_in(&self.link)?);
        let Module { habit, card, .. } = std::mem::take(&mut self.module);
        self.module = Module { habit, card, ..Module::default() };
        Ok(())
    }

    /// Unplugs it: the port is gone, whoever has it open.
    pub fn unplug(&mut self) {
        self.line = None;
    }

    /// Unplugs it once it has sent so many more bytes.
    pub fn unplug_after(&mut self, bytes: usize) {
        self.unplug_after = Some(bytes);
    }

    /// Has a card put on it, in place of the one that lies there.
    pub fn put(&mut self, card: SampleCard) {
        self.module.put(card);
    }

    /// Has the card taken off.
    pub fn take(&mut self) {
        self.module.take();
    }

    /// Answers what has been asked of it since.
    ///
    /// # Errors
    ///
    /// If the pseudo-terminal fails.
    pub fn turn(&mut self) -> io::Result<()> {
        let Some(device) = &mut self.line else { return Ok(()) };
        let mut heard = [0; 64];
        let length = hear(device, &mut heard)?;
        let answer = self.module.hear(heard.get(..length).unwrap_or_default());
        match &mut self.unplug_after {
            Some(left) if answer.len() >= *left => {
                device.write_all(answer.get(..*left).unwrap_or_default())?;
                self.unplug_after = None;
                self.unplug();
            }
            left => {
                device.write_all(&answer)?;
                *left = left.map(|left| left - answer.len());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.line.is_some() { "plugged in" } else { "unplugged" };
        write!(out, "Emulator({}, {state})", self.link.display())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::card::Card, *};

    #[test]
    fn each_sample_is_read_as_it_was_written() {
        for (kind, sample) in CardKind::ALL.into_iter().zip(SampleCard::each()) {
            let card = Card::parse(&contents(&sample)).unwrap();
            let read = SampleCard {
                kind: card.kind(),
                number: card.number().as_str().to_owned(),
                name: card.name().to_owned(),
                validity: card.validity(),
            };
            assert_eq!((kind, &read), (sample.kind, &sample));
        }
    }

    #[test]
    fn a_module_takes_one_step_at_a_time() {
        let [citizen, ..] = SampleCard::each();
        let long = 3 + 4 + TEXT_LENGTH + PICTURE_LENGTH + 8;
        for (habit, again) in [(Habit::FindsOnce, 0x80), (Habit::FindsAgain, 0x9F)] {
            let mut module = Module::new(habit);
            let ask = |module: &mut Module, command: Command| {
                let answer = module.hear(&command.frame());
                (answer.len(), answer[9])
            };
            assert_eq!(ask(&mut module, Command::Status), (11, 0x90));
            assert_eq!(ask(&mut module, Command::Find), (11, 0x80));
            module.put(citizen.clone());
            assert_eq!(ask(&mut module, Command::Select), (11, 0x81));
            assert_eq!(ask(&mut module, Command::Read), (11, 0x41));
            assert_eq!(ask(&mut module, Command::Find), (15, 0x9F));
            assert_eq!(ask(&mut module, Command::Select), (19, 0x90));
            assert_eq!(ask(&mut module, Command::Read), (long, 0x90));
            assert_eq!(ask(&mut module, Command::Find).1, again, "{habit:?}");
            assert_eq!(ask(&mut module, Command::Reset), (11, 0x90));
            assert_eq!(ask(&mut module, Command::Find), (15, 0x9F));
            module.take();
            assert_eq!(ask(&mut module, Command::Find), (11, 0x80));
        }
    }
}
