//! The desk, driven: what its state machine asks for is done here, by the lane and its store.
//!
//! Everything is on record before it is shown. What is known of a person is dropped, and with it
//! wiped, as soon as the state machine says so. The key of the look-up extract is in this process's
//! locked memory alone, and gone with the shift.

mod duty;
pub(crate) mod key;
mod person;
#[cfg(test)]
mod tests;
pub(crate) mod view;
mod words;

use std::{path::PathBuf, time::Duration};

use greengate::{
    audit::OverrideReason,
    clock::{Timestamp, shanghai_date},
    decision::Verdict,
    device::id_card::{notice::Notice, port::SerialCardReader},
    id_document::DocumentNumber,
    language::Words,
    presentation::{HintWords, Presentation, id_document},
    session::desk::{Choice, Desk, DeskEffect, DeskEvent, Key, Step},
    shift::{Agreement, Comparison, Duty, LookUpGuard, Shift, ShiftEvent, ShiftReport},
};

use self::{
    key::{TodaysKey, TokenSource},
    person::Attended,
    view::{Around, View},
    words::gone_words,
};
use crate::lane::{Lane, Showing};

/// How long a turn waits for the reader of cards.
const READER_PATIENCE: Duration = Duration::from_millis(5);

/// What a desk is given when it is set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// The serial port of the reader of cards.
    pub(crate) reader: Option<PathBuf>,
    /// Where the token with the extract's key comes from.
    pub(crate) token: TokenSource,
    /// The folder that reports are written into, such as a USB stick.
    pub(crate) export: Option<PathBuf>,
    /// Whether texts are larger than usual.
    pub(crate) large: bool,
    /// The terminal's state, where the extract is kept.
    pub(crate) state: PathBuf,
    /// What is said to staff all the time.
    pub(crate) note: Words,
}

/// A desk beside a lane.
pub(crate) struct Counter {
    setting: Setting,
    desk: Desk,
    shift: Shift,
    guard: LookUpGuard,
    reader: Option<SerialCardReader>,
    key: TodaysKey,
    /// Whose document was looked up last, until the person's data are wiped.
    asked_for: Option<DocumentNumber>,
    person: Option<Attended>,
    report: Option<ShiftReport>,
    around: Around,
    reasons: Vec<OverrideReason>,
    /// What was done last, to be said once the person's data are gone.
    said: Option<Words>,
    shown: View,
    /// The lane is out of service, and says so in the whole window.
    is_out: bool,
    /// The window shows something else, or another person's result, or nothing yet.
    is_hidden: bool,
}

impl Counter {
    /// A desk at which nobody is on duty.
    pub(crate) fn new(setting: Setting, now: Timestamp) -> Self {
        let port = setting.reader.clone();
        let reader = port.map(|port| SerialCardReader::at(port, READER_PATIENCE));
        let key = TodaysKey::from(setting.token.clone());
        Self {
            setting,
            desk: Desk::new(now),
            shift: Shift::default(),
            guard: LookUpGuard::default(),
            reader,
            key,
            asked_for: None,
            person: None,
            report: None,
            around: Around::default(),
            reasons: Vec::new(),
            said: None,
            shown: View::default(),
            is_out: false,
            is_hidden: true,
        }
    }

    /// Whether a code that is shown is to be judged.
    pub(crate) fn wants_codes(&self) -> bool {
        matches!(self.desk.step(), Step::Scan)
    }

    /// Whether a code that was shown may still be there.
    pub(crate) fn has_shown_code(&self) -> bool {
        self.person.as_ref().is_some_and(Attended::has_shown_a_code)
    }

    /// Takes over what the lane shows.
    pub(crate) fn follow_lane(&mut self, showing: Showing, lane: &mut Lane, now: Timestamp) {
        match showing {
            Showing::Camera => {
                self.around.trouble = Words::default();
                self.is_hidden |= std::mem::take(&mut self.is_out);
            }
            Showing::Hint(hint) => self.around.trouble = HintWords::of(hint).what,
            Showing::OutOfService => self.is_out = true,
            Showing::Result(judged) => {
                let event = self.take(*judged, lane, now);
                self.on(event, lane, now);
            }
        }
    }

    /// What is wrong with the camera, nothing if it is there.
    pub(crate) fn set_camera_fault(&mut self, fault: Words) {
        self.around.camera = fault;
    }

    /// The way on of that number, among those of the view `serial`: what was touched when another
    /// was shown is nothing any more.
    pub(crate) fn choose(&mut self, serial: i32, number: usize, lane: &mut Lane, now: Timestamp) {
        let is_shown = serial == self.shown.serial;
        let way = self.shown.ways.iter().flatten().nth(number).filter(|_| is_shown);
        if let Some(choice) = way.map(|way| way.choice) {
            self.choose_way(choice, lane, now);
        }
    }

    /// A way on, whether it is shown or not.
    pub(crate) fn choose_way(&mut self, choice: Choice, lane: &mut Lane, now: Timestamp) {
        self.on(DeskEvent::Chosen(choice), lane, now);
    }

    /// A key that was typed or touched.
    pub(crate) fn press(&mut self, key: Key, lane: &mut Lane, now: Timestamp) {
        self.around.trouble = Words::default();
        self.on(DeskEvent::Key(key), lane, now);
    }

    /// Lets time pass, and listens to the reader of cards.
    pub(crate) fn tick(&mut self, lane: &mut Lane, now: Timestamp) {
        let is_on = matches!(self.shift.duty(), Duty::On { .. });
        self.move_shift(ShiftEvent::Tick, lane, now);
        if is_on && !matches!(self.shift.duty(), Duty::On { .. }) {
            self.on(DeskEvent::Locked, lane, now);
        }
        if let Some(words) = self.key.turn(now) {
            self.around.trouble = words;
        }
        match self.reader.as_mut().and_then(|reader| reader.turn(now)) {
            Some(Notice::Found(card)) => {
                let number = DocumentNumber::parse(card.number().as_str(), shanghai_date(now));
                match number {
                    Ok(number) => self.on(DeskEvent::Card(number), lane, now),
                    Err(error) => self.around.trouble = id_document::number_error(error),
                }
            }
            Some(Notice::Gone(gone)) => self.around.reader = gone_words(gone),
            Some(Notice::Ready | Notice::Removed) => {
                self.around.reader =
                    Words::new("可将身份证放在读卡器上", "Put the card on the reader");
            }
            Some(Notice::Unread(_)) => {
                self.around.trouble = Words::new(
                    "读卡失败：请取下重放",
                    "The card was not read: take it off, put it on again",
                );
            }
            None => {}
        }
        self.on(DeskEvent::Tick, lane, now);
    }

    /// What the desk shows, and the result on it, if it has changed since it was last asked.
    pub(crate) fn view(&mut self, now: Timestamp) -> Option<(View, Option<Presentation>)> {
        let view = View {
            serial: self.shown.serial,
            is_large: self.setting.large,
            note: self.setting.note.clone(),
            ..View::of(&self.desk, &self.around, shanghai_date(now))
        };
        // A code that was shown has not come by the steps of a look-up.
        let view = if self.has_shown_code() { View { step: 0, ..view } } else { view };
        if self.is_out || (view == self.shown && !self.is_hidden) {
            return None;
        }
        self.is_hidden = false;
        let view = View { serial: view.serial.wrapping_add(1), ..view };
        self.shown = view.clone();
        let mut presentation =
            self.person.as_ref().map(|person| person.judged.presentation.clone());
        let is_to_be_typed = matches!(
            self.desk.step(),
            Step::Verdict { verdict: Verdict::CheckId, is_compared: false, .. }
        );
        if is_to_be_typed && let Some(presentation) = &mut presentation {
            // What is to be typed off the document is not read off the screen.
            presentation.subject = None;
        }
        Some((view, presentation))
    }

    /// Moves the desk on, and does what it asks for, until it asks for nothing more.
    fn on(&mut self, event: DeskEvent, lane: &mut Lane, now: Timestamp) {
        if !matches!(event, DeskEvent::Tick) {
            self.move_shift(ShiftEvent::Touch, lane, now);
            lane.attend_group(now);
        }
        let mut event = Some(event);
        while let Some(next) = event {
            let effect = self.desk.on(next, now);
            event = effect.and_then(|effect| self.follow(effect, lane, now));
        }
        if let Some(said) = self.said.take() {
            self.around.trouble = said;
        }
        self.around.in_group = lane.tally().is_some();
    }

    fn follow(&mut self, effect: DeskEffect, lane: &mut Lane, now: Timestamp) -> Option<DeskEvent> {
        let done = match effect {
            DeskEffect::BeginOrEndGroup => {
                lane.tap_group(now);
                Ok(None)
            }
            DeskEffect::CompareNumber(number) => self.compare_number(&number, lane, now),
            DeskEffect::CompareTail(tail) => self.compare(Comparison::Tail(&tail), lane, now),
            DeskEffect::Compared { agrees } => {
                let seen = if agrees { Agreement::Match } else { Agreement::NoMatch };
                self.compare(Comparison::Seen(seen), lane, now)
            }
            DeskEffect::Export => self.export(lane, now),
            DeskEffect::Lock => {
                self.move_shift(ShiftEvent::Lock, lane, now);
                self.wipe();
                Ok(None)
            }
            DeskEffect::LookUp { agreed, number } => self.look_up(agreed, &number, lane, now),
            DeskEffect::Override { reason, second, .. } => self.overrule(reason, second, lane, now),
            DeskEffect::Register { name } => self.register(&name, lane, now),
            DeskEffect::Report => {
                if lane.tally().is_some() {
                    lane.tap_group(now);
                }
                self.report(lane, now)
            }
            DeskEffect::Scan => {
                self.wipe();
                Ok(None)
            }
            DeskEffect::SignIn(staff, pin) => self.sign_in(&staff, &pin, lane, now),
            DeskEffect::SignOut => {
                self.move_shift(ShiftEvent::SignOut, lane, now);
                self.key.forget();
                self.wipe();
                Ok(None)
            }
            DeskEffect::Wipe => {
                // In a group, the next one's code comes after the one that was shown.
                let has_next = self.has_shown_code() && lane.tally().is_some();
                self.wipe();
                Ok(has_next.then_some(DeskEvent::Chosen(Choice::Scan)))
            }
        };
        done.unwrap_or_else(|trouble| {
            self.around.trouble = trouble;
            None
        })
    }

    /// Drops what is known of the person.
    fn wipe(&mut self) {
        self.person = None;
        self.asked_for = None;
        self.report = None;
        self.around = Around {
            staff: std::mem::take(&mut self.around.staff),
            reader: std::mem::take(&mut self.around.reader),
            camera: std::mem::take(&mut self.around.camera),
            in_group: self.around.in_group,
            ..Around::default()
        };
    }
}

/// What came of what the desk asked for: what happens next, or what to tell staff.
type Done = Result<Option<DeskEvent>, Words>;
