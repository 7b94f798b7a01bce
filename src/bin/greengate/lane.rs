//! One lane: frames in, decisions recorded, screens out.
//!
//! The lane owns the store and the session, and takes its time from the frames. Each decision is
//! written before it is shown. If it cannot be written nobody passes: the lane is out of service
//! until writing works again.

use chrono::TimeDelta;
use greengate::{
    audit::{self, AuditRecord, StaffNumber},
    clock::{Anchor, ClockState, Timestamp, Uptime},
    decision::{Basis, Decision, History, Shown, Verdict, explain, judge_reading},
    frame::Frame,
    place::Gate,
    policy::Policy,
    presentation::{Audience, ExplainedCheck, HintWords, Presentation, explained},
    session::{Companions, Effect, Event, Session, Tally},
    store::{Store, StoreError, Totals},
    symbol::{Hint, Reader, Reading, SymbolText},
};
#[cfg(feature = "kiosk")]
use greengate::{
    credential::{IdMatch, MatchKeys},
    id_document::DocumentNumber,
};

/// After how long a good clock is anchored anew.
const ANCHOR_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// After how long rows that have been kept for long enough are looked for again.
const PRUNE_AGAIN: TimeDelta = TimeDelta::hours(1);

/// One camera, one screen, one session.
#[derive(Debug)]
pub(crate) struct Lane {
    store: Store,
    data_version: i64,
    basis: Basis,
    gate: Option<Gate>,
    history: History,
    companions: Companions,
    session: Session,
    reader: Reader,
    audience: Audience,
    totals: Totals,
    service: Service,
    clock: ClockState,
    anchor: Option<Anchor>,
    pruned: Option<Timestamp>,
    /// Who is on duty.
    staff: Option<StaffNumber>,
}

/// Whether the lane can decide.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Service {
    In,
    Out,
}

/// What the screen is to show from now on.
#[derive(Debug)]
pub(crate) enum Showing {
    /// The camera's picture.
    Camera,
    /// How to be read, over the camera's picture: as that shows, or in general.
    Hint(Option<Hint>),
    /// That the terminal cannot be used.
    OutOfService,
    /// A result.
    Result(Box<Judged>),
}

/// A decision, and what is shown of it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) decision: Decision,
    pub(crate) presentation: Presentation,
    /// Each check, for staff.
    pub(crate) checks: Vec<ExplainedCheck>,
}

impl Lane {
    /// A lane on what `store` keeps.
    pub(crate) fn open(
        store: Store,
        audience: Audience,
        up: Option<&Uptime>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut store = store;
        store.note(&audit::Event::Started, now)?;
        let basis = store.load_basis()?;
        let mut lane = Self {
            data_version: store.data_version()?,
            history: store.history(now - repeat_window(&basis))?,
            basis,
            gate: store.gate()?,
            totals: store.totals(now)?,
            companions: Companions::default(),
            session: Session::default(),
            reader: Reader::new(),
            audience,
            service: Service::In,
            clock: ClockState::Good,
            anchor: store.anchor()?,
            pruned: None,
            staff: None,
            store,
        };
        lane.look_at_clock(up, now)?;
        Ok(lane)
    }

    /// How far the clock can be believed.
    pub(crate) fn clock(&self) -> ClockState {
        self.clock
    }

    /// Judges the clock by how long the machine has been up, records a change, and while it is good
    /// moves the anchor along.
    fn look_at_clock(&mut self, up: Option<&Uptime>, now: Timestamp) -> Result<(), StoreError> {
        let Some(up) = up else { return Ok(()) };
        let floor = self.basis.floor;
        let state = match &self.anchor {
            Some(anchor) => anchor.believes(up, floor, now),
            None => floor.believes(now),
        };
        if state != self.clock {
            self.clock = state;
            self.store.note(&audit::Event::Clock(state), now)?;
        }
        if state != ClockState::Good {
            return Ok(());
        }
        self.basis.floor = floor.raised_to(now);
        self.store.raise_floor(now);
        let is_due = self.anchor.as_ref().is_none_or(|anchor| now - anchor.at >= ANCHOR_AGAIN);
        if is_due {
            let anchor = Anchor { at: now, up: up.clone() };
            self.store.set_anchor(&anchor)?;
            self.anchor = Some(anchor);
        }
        Ok(())
    }

    /// What the lane judges by.
    pub(crate) fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Where the lane stands.
    pub(crate) fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// How often each verdict was given today.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// What is left of the time that a result is shown, from 1 down to 0; nothing if none is.
    pub(crate) fn remaining(&self, now: Timestamp) -> Option<f32> {
        self.session.remaining(now)
    }

    /// What the group that is coming has come to so far, if one is.
    pub(crate) fn tally(&self) -> Option<Tally> {
        self.companions.tally()
    }

    /// Judges the code of somebody who was looked up by this document, or that there is none, as a
    /// code that was shown is judged. A code of another document's is nobody's here.
    #[cfg(feature = "kiosk")]
    pub(crate) fn judge_looked_up(
        &mut self,
        code: Option<SymbolText>,
        number: &DocumentNumber,
        keys: &MatchKeys,
        now: Timestamp,
    ) -> Result<Judged, StoreError> {
        let reading = code.map_or_else(Reading::default, Reading::of);
        let decision = judge_reading(&reading, &self.basis, &self.history, now);
        let decision = decision.unwrap_or_else(Decision::not_found);
        let matches = decision.credential().map(|found| found.compare(number, keys));
        let decision = match matches {
            Some(IdMatch::Mismatch) => decision.mismatched(),
            Some(IdMatch::Match | IdMatch::TailOnly) | None => decision,
        };
        self.conclude(decision, &reading, now)
    }

    /// Makes of a decision one that the document is another's, and keeps the record of it.
    #[cfg(feature = "kiosk")]
    pub(crate) fn deny_mismatched(
        &mut self,
        decision: Decision,
        now: Timestamp,
    ) -> Result<Judged, StoreError> {
        self.conclude(decision.mismatched(), &Reading::default(), now)
    }

    /// The store, for what the desk keeps in it.
    #[cfg(feature = "kiosk")]
    pub(crate) fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Records decisions under who is on duty from now on.
    #[cfg(feature = "kiosk")]
    pub(crate) fn set_staff(&mut self, staff: Option<StaffNumber>) {
        self.staff = staff;
    }

    /// Reads a frame and does what follows from it.
    pub(crate) fn see(&mut self, frame: &Frame) -> Option<Showing> {
        let reading = self.reader.next(frame);
        self.take(&reading, frame.taken())
    }

    /// Takes a text that a scanner has read as if it had been seen.
    ///
    /// It counts as of the newest frame, from which the lane has its time, or of the moment if there is
    /// none: a frame that was taken before and comes after would otherwise look like a clock set back.
    pub(crate) fn scan(&mut self, text: SymbolText, now: Timestamp) -> Option<Showing> {
        self.take(&Reading::of(text), now)
    }

    /// Does what follows from what was read.
    fn take(&mut self, reading: &Reading, now: Timestamp) -> Option<Showing> {
        self.companions.pass_time(now);
        match self.session.on(Event::Read(reading), now) {
            Some(Effect::Judge) => self.judge(reading, now),
            effect => self.follow(effect),
        }
    }

    /// Reads a frame in which nobody is waited for, so that a code that stays there is not judged
    /// again.
    #[cfg(feature = "kiosk")]
    pub(crate) fn watch(&mut self, frame: &Frame) -> Option<Showing> {
        let reading = self.reader.next(frame);
        self.companions.pass_time(frame.taken());
        let effect = self.session.on(Event::Watched(&reading), frame.taken());
        self.follow(effect)
    }

    /// Lets time pass without a frame.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<Showing> {
        self.companions.pass_time(now);
        let effect = self.session.on(Event::Tick, now);
        self.follow(effect)
    }

    /// Begins a group, or ends the one there is, as staff have asked.
    pub(crate) fn tap_group(&mut self, now: Timestamp) {
        self.companions.tap(now);
    }

    /// Leaves the group open, since staff are dealing with one of them.
    #[cfg(feature = "kiosk")]
    pub(crate) fn attend_group(&mut self, now: Timestamp) {
        self.companions.attend(now);
    }

    /// The document of who came last was compared, and agrees.
    pub(crate) fn agree(&mut self) {
        self.companions.agreed();
    }

    /// Who reads the screen.
    #[cfg(feature = "kiosk")]
    pub(crate) fn audience(&self) -> Audience {
        self.audience
    }

    /// Leaves the result up to be read, if one is.
    #[cfg(feature = "kiosk")]
    pub(crate) fn study(&mut self, now: Timestamp) -> bool {
        self.session.study(now)
    }

    /// Clears the result, as staff have asked: where a document was to be compared, it agrees.
    pub(crate) fn acknowledge(&mut self, now: Timestamp) -> Option<Showing> {
        self.agree();
        self.clear(now)
    }

    /// Clears the result, which goes on elsewhere.
    pub(crate) fn clear(&mut self, now: Timestamp) -> Option<Showing> {
        let effect = self.session.on(Event::Acknowledged, now);
        self.follow(effect)
    }

    /// Takes up what another process has brought into the store, and the day's totals; to be called
    /// every few seconds. A store that can no longer be read takes the lane out of service.
    pub(crate) fn refresh(&mut self, up: Option<&Uptime>, now: Timestamp) -> Option<Showing> {
        match self.reload(up, now) {
            Ok(()) if self.service == Service::Out => {
                self.service = Service::In;
                Some(Showing::Camera)
            }
            Ok(()) => None,
            Err(_) => Some(self.fail()),
        }
    }

    fn reload(&mut self, up: Option<&Uptime>, now: Timestamp) -> Result<(), StoreError> {
        if self.service == Service::Out {
            self.store.try_writing()?;
        }
        let data_version = self.store.data_version()?;
        let is_whole = self.basis.revocations.are_whole();
        if data_version != self.data_version || self.service == Service::Out || !is_whole {
            self.basis = self.store.load_basis()?;
            self.history = self.store.history(now - repeat_window(&self.basis))?;
            self.gate = self.store.gate()?;
            self.anchor = self.store.anchor()?;
            self.data_version = data_version;
        }
        self.look_at_clock(up, now)?;
        let is_due = self.pruned.is_none_or(|pruned| now - pruned >= PRUNE_AGAIN);
        if self.clock == ClockState::Good && is_due {
            self.store.prune(now)?;
            self.pruned = Some(now);
        }
        self.history.forget_before(now - repeat_window(&self.basis));
        self.totals = self.store.totals(now)?;
        Ok(())
    }

    /// Judges what was read, keeps the record, and only then says what to show.
    fn judge(&mut self, reading: &Reading, now: Timestamp) -> Option<Showing> {
        let decision = judge_reading(reading, &self.basis, &self.history, now)?;
        let Ok(mut judged) = self.conclude(decision, reading, now) else {
            return Some(self.fail());
        };
        if let Some(hint) = self.session.hint() {
            judged.presentation.advice = HintWords::of(Some(hint)).what;
        }
        let effect = self.session.on(Event::Judged(judged.decision.verdict()), now);
        debug_assert_eq!(effect, None, "a judgement is shown, and asks for nothing else");
        Some(Showing::Result(Box::new(judged)))
    }

    /// Keeps the record of a decision, and makes of it what is shown.
    fn conclude(
        &mut self,
        decision: Decision,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<Judged, StoreError> {
        let digest_key = self.store.digest_key();
        let mut record = AuditRecord::of(&decision, reading, &self.basis, digest_key, now);
        record.clock = self.clock;
        record.staff.clone_from(&self.staff);
        self.store.record(&record)?;
        self.service = Service::In;
        let checks = match self.audience {
            Audience::Public => Vec::new(),
            Audience::Staff => explained(&explain(&decision, &self.basis, &self.history, now)),
        };
        self.companions.judged(&decision, record.digest, now);
        if let (Verdict::Pass | Verdict::CheckId, Some(digest)) =
            (decision.verdict(), record.digest)
        {
            let gate = self.gate.as_ref().map(|gate| gate.gate.clone());
            self.history.remember(digest, Shown { at: now, gate });
        }
        if self.clock == ClockState::Good {
            self.basis.floor = self.basis.floor.raised_to(now);
        }
        self.totals.add(decision.verdict());
        let presentation = Presentation::of(&decision, &self.basis, self.audience, now);
        Ok(Judged { decision, presentation, checks })
    }

    fn fail(&mut self) -> Showing {
        self.service = Service::Out;
        Showing::OutOfService
    }

    /// What an effect that asks for no judgement shows. Out of service, nothing else is.
    fn follow(&self, effect: Option<Effect>) -> Option<Showing> {
        match effect? {
            _ if self.service == Service::Out => None,
            Effect::ShowCamera => Some(Showing::Camera),
            Effect::ShowHint(hint) => Some(Showing::Hint(hint)),
            Effect::Judge => None,
        }
    }
}

/// For how long a code that was let pass counts as shown again, on this basis.
fn repeat_window(basis: &Basis) -> TimeDelta {
    let policy = basis.trust.as_ref().and_then(|trust| trust.policy.as_ref());
    policy.map(Policy::repeat_window).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use greengate::{
        authority::Authority, credential::CodeId, decision::Reason, issuer::IssuerId, sync,
    };

    use super::*;

    #[test]
    fn a_lane_takes_up_revocations_that_another_process_has_brought_in() {
        let (registers, trust, state) = (folder(), folder(), folder());
        let now: Timestamp = "2021-11-20T00:00:00Z".parse().unwrap();
        let mut authority = Authority::init_demo(registers.path(), now).unwrap();
        let mut import = |store: &mut Store| {
            authority.publish_to(trust.path(), now).unwrap();
            let files = sync::read_folder(trust.path()).unwrap();
            store.install_from(&files, trust.path(), now).unwrap();
            let code = CodeId::new(vec![7; 12]).unwrap();
            let expires = Some(now + TimeDelta::days(1));
            authority.revoke(IssuerId::NATIONAL, &code, expires, now).unwrap();
        };
        let mut other = Store::open(state.path()).unwrap();
        import(&mut other);
        let mut lane =
            Lane::open(Store::open(state.path()).unwrap(), Audience::Staff, None, now).unwrap();
        assert_eq!(lane.basis().revocations.lists().count(), 0);
        import(&mut other);
        assert!(lane.refresh(None, now).is_none(), "nothing is to be seen of it");
        assert_eq!(lane.basis().revocations.lists().count(), 1);
    }

    #[test]
    fn what_is_scanned_is_judged_at_the_pace_of_what_is_seen() {
        let state = folder();
        let start: Timestamp = "2021-11-20T00:00:00Z".parse().unwrap();
        let at = |milliseconds| start + TimeDelta::milliseconds(milliseconds);
        let store = Store::open(state.path()).unwrap();
        // One without lists, which refers everybody.
        let mut lane = Lane::open(store, Audience::Staff, None, start).unwrap();
        let mut scan = |text: &str, milliseconds| {
            let text = SymbolText::new(text).unwrap();
            match lane.scan(text, at(milliseconds)) {
                Some(Showing::Result(judged)) => judged.decision.reason().map(Reason::code),
                _ => None,
            }
        };
        let cases = [
            ("the first", "a", 0, Some("E73")),
            ("another too soon", "b", 799, None),
            ("another", "b", 800, Some("E73")),
            ("the same, held before the scanner", "b", 3_000, None),
            ("the same, held on", "b", 5_400, None),
            ("the same, shown again", "b", 7_900, Some("E73")),
        ];
        for (name, text, milliseconds, expected) in cases {
            assert_eq!(scan(text, milliseconds), expected, "{name}");
        }
        let flood = (0..1_000).filter_map(|number| scan(&number.to_string(), 10_000 + 10 * number));
        assert_eq!(flood.count(), 13, "ten seconds of a hundred texts each");
        drop(lane);
        let store = Store::open(state.path()).unwrap();
        assert_eq!(store.totals(start).unwrap().refer, 16, "each is on record");
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }
}
