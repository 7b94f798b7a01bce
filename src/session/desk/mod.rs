//! The desk as a state machine: who is on duty, and a person looked up by document in three steps.
//!
//! Keys, touches, cards, and answers go in; at most one thing to do comes out. What is typed is kept
//! here and nowhere else, and wiped when it is handed on, given up, or out of time. Nothing is
//! decided here: whether somebody may sign in, what a look-up says, and what an override counts for
//! are answers.

mod step;
#[cfg(test)]
mod tests;
mod typing;

use chrono::{NaiveDate, TimeDelta};

pub use self::step::{Agreed, Choice, Credentials, DeskEffect, DeskEvent, Entry, Key, Step};
use self::typing::{compared, number, signed, write};
use crate::{
    clock::{Timestamp, shanghai_date},
    decision::Verdict,
    id_document::{DocumentNumber, Typed},
};

/// After how long a person's data are wiped if nobody does anything. Source: REQUIREMENTS, section 7:
/// a result that staff must act on stays for 60 seconds at most.
pub const WIPED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The desk.
#[derive(Clone, Debug)]
pub struct Desk {
    step: Step,
    touched: Timestamp,
}

impl Desk {
    /// A desk at which nobody is on duty.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { step: Step::SignIn(Credentials::default()), touched: now }
    }

    /// Where it is.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// How far the document's number has been typed, if that is asked for and begun.
    #[must_use]
    pub fn typed(&self, today: NaiveDate) -> Option<Typed> {
        match &self.step {
            Step::Document { entry, .. } if !entry.is_empty() && !entry.contains('<') => {
                Some(Typed::so_far(entry, None, today))
            }
            _ => None,
        }
    }

    /// Moves on by one event, saying what to do about it.
    ///
    /// Events that mean nothing in the present step change nothing. A step that knows something of a
    /// person is left after [`WIPED_AFTER`] without a touch, and at once if the clock was set back.
    #[must_use]
    pub fn on(&mut self, event: DeskEvent, now: Timestamp) -> Option<DeskEffect> {
        let idle = now - self.touched;
        let is_over = idle >= WIPED_AFTER || idle < TimeDelta::zero();
        match event {
            DeskEvent::Tick if self.is_personal() && is_over => return Some(self.wipe(now)),
            DeskEvent::Tick => return None,
            _ => self.touched = now,
        }
        match event {
            DeskEvent::Card(number) => self.card(number),
            DeskEvent::Chosen(choice) => self.choose(choice, now),
            DeskEvent::Done => Some(self.wipe(now)),
            // Whoever was looked up was looked up by the document's number.
            DeskEvent::Judged(verdict) => self.show(verdict, true),
            DeskEvent::Key(key) => self.key(key, now),
            DeskEvent::Locked => {
                self.step = Step::SignIn(Credentials::default());
                Some(DeskEffect::Wipe)
            }
            DeskEvent::NotFound => self.go(Step::NotFound),
            DeskEvent::Scanned(verdict) => match self.step {
                // What is to be shown again is waited for.
                Step::Scan if verdict != Verdict::Retry => self.show(verdict, false),
                _ => None,
            },
            DeskEvent::SecondWanted(reason) => match self.step {
                Step::Reasons(from) => {
                    self.go(Step::Second { from, reason, who: Credentials::default() })
                }
                _ => None,
            },
            DeskEvent::SignedIn => match self.step {
                Step::SignIn(_) => self.go(Step::Home),
                _ => None,
            },
            DeskEvent::TailAgrees => match self.step {
                Step::Verdict { verdict, .. } => self.show(verdict, true),
                _ => None,
            },
            DeskEvent::Tick => None,
        }
    }

    /// Whether the step knows something of a person.
    fn is_personal(&self) -> bool {
        !matches!(self.step, Step::Home | Step::Report)
    }

    fn go(&mut self, step: Step) -> Option<DeskEffect> {
        self.step = step;
        None
    }

    fn show(&mut self, verdict: Verdict, is_compared: bool) -> Option<DeskEffect> {
        self.go(Step::Verdict { verdict, is_compared, entry: Entry::default() })
    }

    /// Gives up what was begun, whatever it was.
    fn wipe(&mut self, now: Timestamp) -> DeskEffect {
        self.touched = now;
        self.step = match self.step {
            Step::SignIn(_) => Step::SignIn(Credentials::default()),
            _ => Step::Home,
        };
        DeskEffect::Wipe
    }

    /// A card is as good as a number that was typed, where one is asked for; where a document is to be
    /// compared it is that document.
    fn card(&mut self, number: DocumentNumber) -> Option<DeskEffect> {
        match self.step {
            Step::Document { agreed, .. } => {
                self.step = Step::Document { agreed, entry: Entry::default() };
                Some(DeskEffect::LookUp { agreed, number })
            }
            Step::Verdict { verdict: Verdict::CheckId, .. } => {
                Some(DeskEffect::CompareNumber(number))
            }
            _ => None,
        }
    }

    fn choose(&mut self, choice: Choice, now: Timestamp) -> Option<DeskEffect> {
        match (&self.step, choice) {
            (Step::SignIn(_), Choice::Cancel) => Some(self.wipe(now)),
            (Step::SignIn(_), _) => None,
            (Step::Home, Choice::LookUp) => self.go(Step::Consent),
            (Step::Home, Choice::EndShift) => {
                self.step = Step::Report;
                Some(DeskEffect::Report)
            }
            (Step::Home, Choice::Lock) => {
                self.step = Step::SignIn(Credentials::default());
                Some(DeskEffect::Lock)
            }
            (Step::Home, Choice::Group) => Some(DeskEffect::BeginOrEndGroup),
            (Step::Home | Step::NotFound, Choice::Scan) => {
                self.step = Step::Scan;
                Some(DeskEffect::Scan)
            }
            (Step::Consent, Choice::Consent(agreed)) => {
                self.go(Step::Document { agreed, entry: Entry::default() })
            }
            (Step::NotFound, Choice::Register) => self.go(Step::Register(Entry::default())),
            (
                Step::Verdict { verdict: Verdict::CheckId, is_compared: true, .. },
                Choice::Agrees,
            ) => Some(DeskEffect::Compared { agrees: true }),
            (Step::Verdict { verdict: Verdict::CheckId, .. }, Choice::Differs) => {
                Some(DeskEffect::Compared { agrees: false })
            }
            (
                Step::Verdict {
                    verdict: from @ (Verdict::CheckId | Verdict::Refer | Verdict::Deny),
                    ..
                },
                Choice::Override,
            ) => self.go(Step::Reasons(*from)),
            (Step::Reasons(from), Choice::Reason(reason)) => {
                Some(DeskEffect::Override { from: *from, reason, second: None })
            }
            (Step::Report, Choice::Export) => Some(DeskEffect::Export),
            (Step::Report, Choice::SignOut) => {
                self.step = Step::SignIn(Credentials::default());
                Some(DeskEffect::SignOut)
            }
            (_, Choice::Cancel | Choice::Next) => Some(self.wipe(now)),
            _ => None,
        }
    }

    fn key(&mut self, key: Key, now: Timestamp) -> Option<DeskEffect> {
        if key == Key::Escape {
            return Some(self.wipe(now));
        }
        match &mut self.step {
            Step::SignIn(who) => {
                let (staff, pin) = signed(who, key)?;
                Some(DeskEffect::SignIn(staff, pin))
            }
            Step::Second { from, reason, who } => {
                let (from, reason) = (*from, *reason);
                let second = Some(signed(who, key)?);
                Some(DeskEffect::Override { from, reason, second })
            }
            Step::Document { agreed, entry } => {
                let agreed = *agreed;
                if key != Key::Enter {
                    write(entry, key);
                    return None;
                }
                let number = number(entry, shanghai_date(now))?;
                *entry = Entry::default();
                Some(DeskEffect::LookUp { agreed, number })
            }
            Step::Verdict { verdict: Verdict::CheckId, entry, .. } => match key {
                Key::Enter => {
                    let effect = compared(entry, shanghai_date(now))?;
                    *entry = Entry::default();
                    Some(effect)
                }
                key => {
                    write(entry, key);
                    None
                }
            },
            Step::Register(entry) => match key {
                Key::Enter if entry.trim().is_empty() => None,
                Key::Enter => Some(DeskEffect::Register { name: std::mem::take(entry) }),
                key => {
                    write(entry, key);
                    None
                }
            },
            Step::Home if key == Key::Enter => self.go(Step::Consent),
            _ => None,
        }
    }
}
