//! The desk as a state machine: who is on duty, and a person looked up by document in three steps.
//!
//! Keys, touches, cards, and answers go in; at most one thing to do comes out. What is typed is kept
//! here and nowhere else, and wiped when it is handed on, given up, or out of time. Nothing is
//! decided here: whether somebody may sign in, what a look-up says, and what an override counts for
//! are answers.

use chrono::{NaiveDate, TimeDelta};
use zeroize::Zeroizing;

use crate::{
    clock::{Timestamp, shanghai_date},
    decision::Verdict,
    id_document::{DocumentNumber, Mrz, Typed},
};

/// After how long a person's data are wiped if nobody does anything. Source: REQUIREMENTS, section 7:
/// a result that staff must act on stays for 60 seconds at most.
pub const WIPED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The most characters that are typed into anything: three lines of a machine-readable zone have 90,
/// and an Enter each. Source: ICAO 9303, part 5.
const MAX_TYPED: usize = 96;

/// What has been typed; wiped when it goes.
pub type Entry = Zeroizing<String>;

/// How somebody has agreed to be looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Agreed {
    /// By a word.
    Spoken,
    /// On paper.
    Signed,
    /// The guardian, by a word.
    Guardian,
}

/// Whose number and PIN are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Credentials {
    /// The staff number, once it is whole.
    pub staff: Option<String>,
    /// What is typed now: the staff number, and then the PIN.
    pub entry: Entry,
}

/// Where the desk is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nobody is on duty, or whoever is has left the desk.
    SignIn(Credentials),
    /// Nobody is at the desk.
    Home,
    /// Has the person agreed?
    Consent,
    /// Which document?
    Document {
        /// How the person agreed.
        agreed: Agreed,
        /// What is typed of its number.
        entry: Entry,
    },
    /// What came of the look-up is up.
    Verdict(Verdict),
    /// The person is not in the extract.
    NotFound,
    /// Why should somebody pass against the verdict?
    Reasons(Verdict),
    /// A second person is asked.
    Second {
        /// Against which verdict.
        from: Verdict,
        /// Which of the reasons.
        reason: usize,
        /// Who that person is.
        who: Credentials,
    },
    /// Who is put down by hand, and why: the name.
    Register(Entry),
    /// What the shift added up to.
    Report,
}

/// A key that was typed or touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// The last character goes.
    Back,
    /// A character.
    Character(char),
    /// What was typed is whole.
    Enter,
    /// What was begun is given up.
    Escape,
}

/// A way on that is touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The document agrees with the person and the code.
    Agrees,
    /// What was begun is given up.
    Cancel,
    /// Somebody has agreed to be looked up.
    Consent(Agreed),
    /// The document does not agree.
    Differs,
    /// The shift ends.
    EndShift,
    /// The report is written for the supervisor.
    Export,
    /// The desk is left for a moment.
    Lock,
    /// Somebody comes who is to be looked up.
    LookUp,
    /// The next person.
    Next,
    /// Somebody passes against the verdict.
    Override,
    /// For this reason, of those that there are.
    Reason(usize),
    /// Somebody is put down by hand.
    Register,
    /// A code is shown to the camera instead.
    Scan,
    /// Whoever is on duty goes home.
    SignOut,
}

/// What happens at the desk.
#[derive(Clone, Debug)]
pub enum DeskEvent {
    /// A card was put on the reader.
    Card(DocumentNumber),
    /// A way on was touched.
    Chosen(Choice),
    /// What was asked for was done, and there is nothing else to show.
    Done,
    /// A look-up or a comparison has this verdict.
    Judged(Verdict),
    /// A key was typed or touched.
    Key(Key),
    /// Whoever is on duty has done nothing for too long.
    Locked,
    /// The person is not in the extract.
    NotFound,
    /// A second person is wanted for this reason.
    SecondWanted(usize),
    /// Somebody has signed in.
    SignedIn,
    /// Time has passed.
    Tick,
}

/// What to do about it.
#[derive(Clone, Debug)]
pub enum DeskEffect {
    /// Compare the card on the reader with the code.
    CompareCard(DocumentNumber),
    /// Put down that staff have compared the document, and whether it agreed.
    Compared {
        /// Whether it did.
        agrees: bool,
    },
    /// Write the report.
    Export,
    /// Lock the shift.
    Lock,
    /// Look this person up.
    LookUp {
        /// How the person agreed.
        agreed: Agreed,
        /// The document's number.
        number: DocumentNumber,
    },
    /// Let somebody pass against the verdict.
    Override {
        /// Against which.
        from: Verdict,
        /// Which of the reasons.
        reason: usize,
        /// The second person's number and PIN, once they are wanted.
        second: Option<(String, Entry)>,
    },
    /// Keep this registration for the authority.
    Register {
        /// The name.
        name: Entry,
    },
    /// Add up the shift.
    Report,
    /// Have the lane read a code.
    Scan,
    /// Sign in with this number and PIN.
    SignIn(String, Entry),
    /// Sign out.
    SignOut,
    /// Wipe what is shown of the person.
    Wipe,
}

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
            DeskEvent::Judged(verdict) => self.go(Step::Verdict(verdict)),
            DeskEvent::Key(key) => self.key(key, now),
            DeskEvent::Locked => {
                self.step = Step::SignIn(Credentials::default());
                Some(DeskEffect::Wipe)
            }
            DeskEvent::NotFound => self.go(Step::NotFound),
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
            Step::Verdict(Verdict::CheckId) => Some(DeskEffect::CompareCard(number)),
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
            (Step::Home | Step::NotFound, Choice::Scan) => {
                self.step = Step::Home;
                Some(DeskEffect::Scan)
            }
            (Step::Consent, Choice::Consent(agreed)) => {
                self.go(Step::Document { agreed, entry: Entry::default() })
            }
            (Step::NotFound, Choice::Register) => self.go(Step::Register(Entry::default())),
            (Step::Verdict(Verdict::CheckId), Choice::Agrees) => {
                Some(DeskEffect::Compared { agrees: true })
            }
            (Step::Verdict(Verdict::CheckId), Choice::Differs) => {
                Some(DeskEffect::Compared { agrees: false })
            }
            (
                Step::Verdict(from @ (Verdict::CheckId | Verdict::Refer | Verdict::Deny)),
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

/// The number that was typed, or that of a machine-readable zone, whose lines a scanner that is like a
/// keyboard ends with Enter as well.
fn number(entry: &mut Entry, today: NaiveDate) -> Option<DocumentNumber> {
    if !entry.contains('<') {
        return DocumentNumber::parse(entry, today).ok();
    }
    entry.push('\n');
    Mrz::parse(entry, today).ok()?.document(today).ok()
}

/// Types at what was typed so far.
fn write(entry: &mut Entry, key: Key) {
    match key {
        Key::Character(character) if entry.chars().count() < MAX_TYPED => entry.push(character),
        Key::Back => drop(entry.pop()),
        _ => {}
    }
}

/// Types at a staff number and then at a PIN; both, once they are whole.
fn signed(who: &mut Credentials, key: Key) -> Option<(String, Entry)> {
    let is_digit = !matches!(key, Key::Character(character) if !character.is_ascii_digit());
    match (key, &who.staff) {
        (Key::Enter, _) if who.entry.is_empty() => None,
        (Key::Enter, None) => {
            who.staff = Some(std::mem::take(&mut who.entry).to_string());
            None
        }
        (Key::Enter, Some(staff)) => {
            let done = (staff.clone(), std::mem::take(&mut who.entry));
            *who = Credentials::default();
            Some(done)
        }
        (key, _) if is_digit => {
            write(&mut who.entry, key);
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "11010519491231002X";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_637_366_400 + second, 0).unwrap()
    }

    /// Types a text and then Enter, and gives what came of that.
    fn enter(desk: &mut Desk, text: &str, second: i64) -> Option<DeskEffect> {
        for character in text.chars() {
            assert!(desk.on(DeskEvent::Key(Key::Character(character)), at(second)).is_none());
        }
        desk.on(DeskEvent::Key(Key::Enter), at(second))
    }

    fn choose(desk: &mut Desk, choice: Choice, second: i64) -> Option<DeskEffect> {
        desk.on(DeskEvent::Chosen(choice), at(second))
    }

    /// A desk that somebody has signed in at.
    fn on_duty() -> Desk {
        let mut desk = Desk::new(at(0));
        assert!(enter(&mut desk, "2001", 0).is_none());
        match enter(&mut desk, "975310", 0) {
            Some(DeskEffect::SignIn(staff, pin)) => {
                assert_eq!((staff.as_str(), pin.as_str()), ("2001", "975310"));
            }
            other => panic!("{other:?}"),
        }
        assert!(desk.on(DeskEvent::SignedIn, at(1)).is_none());
        assert_eq!(desk.step(), &Step::Home);
        desk
    }

    /// A desk that waits for a document.
    fn at_document() -> Desk {
        let mut desk = on_duty();
        assert!(choose(&mut desk, Choice::LookUp, 2).is_none());
        assert!(choose(&mut desk, Choice::Consent(Agreed::Signed), 3).is_none());
        desk
    }

    #[test]
    fn nobody_is_looked_up_without_consent_and_a_number_that_can_be_one() {
        let mut desk = on_duty();
        assert!(choose(&mut desk, Choice::Consent(Agreed::Spoken), 2).is_none());
        assert_eq!(desk.step(), &Step::Home, "nobody is there yet");
        let card = DocumentNumber::parse(NUMBER, shanghai_date(at(0))).unwrap();
        assert!(desk.on(DeskEvent::Card(card.clone()), at(2)).is_none());
        assert_eq!(desk.step(), &Step::Home, "a card is no consent");

        let mut desk = at_document();
        assert!(enter(&mut desk, "110105194912310021", 4).is_none());
        assert!(matches!(desk.typed(shanghai_date(at(4))), Some(Typed::Wrong { .. })));
        for _ in 0..18 {
            assert!(desk.on(DeskEvent::Key(Key::Back), at(5)).is_none());
        }
        match enter(&mut desk, NUMBER, 6) {
            Some(DeskEffect::LookUp { agreed: Agreed::Signed, number }) => assert_eq!(number, card),
            other => panic!("{other:?}"),
        }
        // What was typed is not kept.
        let wiped = Step::Document { agreed: Agreed::Signed, entry: Entry::default() };
        assert_eq!(desk.step(), &wiped);

        let mut desk = at_document();
        let effect = desk.on(DeskEvent::Card(card.clone()), at(4));
        assert!(matches!(effect, Some(DeskEffect::LookUp { .. })), "{effect:?}");
        assert!(desk.on(DeskEvent::Judged(Verdict::CheckId), at(5)).is_none());
        let effect = desk.on(DeskEvent::Card(card), at(6));
        assert!(matches!(effect, Some(DeskEffect::CompareCard(_))), "{effect:?}");
    }

    #[test]
    fn a_scanner_types_a_machine_readable_zone_line_by_line() {
        let mut desk = at_document();
        let lines = [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        ];
        assert!(enter(&mut desk, lines[0], 4).is_none());
        match enter(&mut desk, lines[1], 4) {
            Some(DeskEffect::LookUp { number, .. }) => {
                assert_eq!(number.text().expose(), "L898902C3");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_known_of_a_person_is_wiped_after_a_minute_and_when_the_clock_goes_back() {
        for (name, second, wiped) in
            [("not yet", 62, false), ("a minute", 63, true), ("set back", 2, true)]
        {
            let mut desk = at_document();
            let effect = desk.on(DeskEvent::Tick, at(second));
            assert_eq!(matches!(effect, Some(DeskEffect::Wipe)), wiped, "{name}");
            assert_eq!(desk.step() == &Step::Home, wiped, "{name}");
        }
        let mut desk = on_duty();
        assert!(desk.on(DeskEvent::Tick, at(10_000)).is_none(), "nobody is there");
    }

    #[test]
    fn an_override_asks_for_a_second_person_when_it_is_told_to() {
        let mut desk = at_document();
        assert!(desk.on(DeskEvent::Judged(Verdict::Deny), at(4)).is_none());
        assert!(choose(&mut desk, Choice::Agrees, 5).is_none(), "there is nothing to agree");
        assert!(choose(&mut desk, Choice::Override, 5).is_none());
        match choose(&mut desk, Choice::Reason(1), 6) {
            Some(DeskEffect::Override { from: Verdict::Deny, reason: 1, second: None }) => {}
            other => panic!("{other:?}"),
        }
        assert!(desk.on(DeskEvent::SecondWanted(1), at(7)).is_none());
        assert!(enter(&mut desk, "3001", 8).is_none());
        match enter(&mut desk, "864209", 9) {
            Some(DeskEffect::Override { reason: 1, second: Some((staff, pin)), .. }) => {
                assert_eq!((staff.as_str(), pin.as_str()), ("3001", "864209"));
            }
            other => panic!("{other:?}"),
        }
        let effect = desk.on(DeskEvent::Done, at(10));
        assert!(matches!(effect, Some(DeskEffect::Wipe)), "{effect:?}");
    }

    #[test]
    fn a_desk_that_is_left_asks_for_the_pin() {
        let mut desk = at_document();
        let effect = desk.on(DeskEvent::Locked, at(4));
        assert!(matches!(effect, Some(DeskEffect::Wipe)), "{effect:?}");
        assert_eq!(desk.step(), &Step::SignIn(Credentials::default()));
        assert!(choose(&mut desk, Choice::LookUp, 5).is_none());
        let mut desk = on_duty();
        let effect = choose(&mut desk, Choice::Lock, 2);
        assert!(matches!(effect, Some(DeskEffect::Lock)), "{effect:?}");
    }

    #[test]
    fn a_pin_is_digits_and_no_more_is_typed_than_anything_has() {
        let mut desk = Desk::new(at(0));
        for character in "20a01".chars() {
            assert!(desk.on(DeskEvent::Key(Key::Character(character)), at(0)).is_none());
        }
        let Step::SignIn(who) = desk.step() else { panic!("{:?}", desk.step()) };
        assert_eq!(who.entry.as_str(), "2001");
        let mut desk = at_document();
        for _ in 0..100 {
            assert!(desk.on(DeskEvent::Key(Key::Character('1')), at(4)).is_none());
        }
        let Step::Document { entry, .. } = desk.step() else { panic!("{:?}", desk.step()) };
        assert_eq!(entry.len(), MAX_TYPED);
    }
}
