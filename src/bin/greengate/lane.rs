//! One lane: frames in, decisions recorded, screens out.
//!
//! The lane owns the store and the session, and takes its time from the frames. Each decision is
//! written before it is shown. If it cannot be written nobody passes: the lane is out of service
//! until writing works again.

use chrono::TimeDelta;
use greengate::{
    audit::AuditRecord,
    clock::Timestamp,
    decision::{Basis, Decision, History, Shown, Verdict, explain, judge_reading},
    frame::Frame,
    place::Gate,
    policy::Policy,
    presentation::{Audience, ExplainedCheck, Presentation, explained},
    session::{Companions, Effect, Event, Session, Tally},
    store::{Store, StoreError, Totals},
    symbol::{self, Effort, Reading},
};

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
    audience: Audience,
    totals: Totals,
    service: Service,
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
    /// How to be read, over the camera's picture.
    Hint,
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
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let basis = store.load_basis()?;
        Ok(Self {
            data_version: store.data_version()?,
            history: store.history(now - repeat_window(&basis))?,
            basis,
            gate: store.gate()?,
            totals: store.totals(now)?,
            store,
            companions: Companions::default(),
            session: Session::default(),
            audience,
            service: Service::In,
        })
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

    /// Reads a frame and does what follows from it.
    pub(crate) fn see(&mut self, frame: &Frame) -> Option<Showing> {
        let reading = symbol::read(frame, Effort::Live);
        let now = frame.taken();
        self.companions.pass_time(now);
        match self.session.on(Event::Read(&reading), now) {
            Some(Effect::Judge) => self.judge(&reading, now),
            effect => self.follow(effect),
        }
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
        self.companions.agreed();
        let effect = self.session.on(Event::Acknowledged, now);
        self.follow(effect)
    }

    /// Takes up what another process has brought into the store, and the day's totals; to be called
    /// every few seconds. A store that can no longer be read takes the lane out of service.
    pub(crate) fn refresh(&mut self, now: Timestamp) -> Option<Showing> {
        match self.reload(now) {
            Ok(()) if self.service == Service::Out => {
                self.service = Service::In;
                Some(Showing::Camera)
            }
            Ok(()) => None,
            Err(_) => Some(self.fail()),
        }
    }

    fn reload(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.service == Service::Out {
            self.store.try_writing()?;
        }
        let data_version = self.store.data_version()?;
        let is_whole = self.basis.revocations.are_whole();
        if data_version != self.data_version || self.service == Service::Out || !is_whole {
            self.basis = self.store.load_basis()?;
            self.history = self.store.history(now - repeat_window(&self.basis))?;
            self.gate = self.store.gate()?;
            self.data_version = data_version;
        }
        self.history.forget_before(now - repeat_window(&self.basis));
        self.totals = self.store.totals(now)?;
        Ok(())
    }

    /// Judges what was read, keeps the record, and only then says what to show.
    fn judge(&mut self, reading: &Reading, now: Timestamp) -> Option<Showing> {
        let decision = judge_reading(reading, &self.basis, &self.history, now)?;
        let digest_key = self.store.digest_key();
        let record = AuditRecord::of(&decision, reading, &self.basis, digest_key, now);
        if self.store.record(&record).is_err() {
            return Some(self.fail());
        }
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
        self.basis.floor = self.basis.floor.raised_to(now);
        self.totals.add(decision.verdict());
        let effect = self.session.on(Event::Judged(decision.verdict()), now);
        debug_assert_eq!(effect, None, "a judgement is shown, and asks for nothing else");
        let presentation = Presentation::of(&decision, &self.basis, self.audience, now);
        Some(Showing::Result(Box::new(Judged { decision, presentation, checks })))
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
            Effect::ShowHint => Some(Showing::Hint),
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
    use greengate::{authority::Authority, credential::CodeId, issuer::IssuerId, sync};

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
            Lane::open(Store::open(state.path()).unwrap(), Audience::Staff, now).unwrap();
        assert_eq!(lane.basis().revocations.lists().count(), 0);
        import(&mut other);
        assert!(lane.refresh(now).is_none(), "nothing is to be seen of it");
        assert_eq!(lane.basis().revocations.lists().count(), 1);
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }
}
