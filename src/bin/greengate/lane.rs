//! One lane: frames in, decisions recorded, screens out.
//!
//! The lane owns the store and the session, and takes its time from the frames. Each decision is
//! written before it is shown. If it cannot be written nobody passes: the lane is out of service
//! until writing works again.

use greengate::{
    audit::AuditRecord,
    clock::Timestamp,
    decision::{Basis, Decision, judge_reading},
    frame::Frame,
    place::Gate,
    presentation::{Audience, Presentation},
    session::{Effect, Event, Session},
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
    /// A result, and the decision it is of.
    Result(Box<Presentation>, Box<Decision>),
}

impl Lane {
    /// A lane on what `store` keeps.
    pub(crate) fn open(
        store: Store,
        audience: Audience,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            data_version: store.data_version()?,
            basis: store.load_basis()?,
            gate: store.gate()?,
            totals: store.totals(now)?,
            store,
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

    /// Reads a frame and does what follows from it.
    pub(crate) fn see(&mut self, frame: &Frame) -> Option<Showing> {
        let reading = symbol::read(frame, Effort::Live);
        let now = frame.taken();
        match self.session.on(Event::Read(&reading), now) {
            Some(Effect::Judge) => self.judge(&reading, now),
            effect => self.follow(effect),
        }
    }

    /// Lets time pass without a frame.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<Showing> {
        let effect = self.session.on(Event::Tick, now);
        self.follow(effect)
    }

    /// Clears the result, as staff have asked.
    pub(crate) fn acknowledge(&mut self, now: Timestamp) -> Option<Showing> {
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
        if data_version != self.data_version || self.service == Service::Out {
            self.basis = self.store.load_basis()?;
            self.gate = self.store.gate()?;
            self.data_version = data_version;
        }
        self.totals = self.store.totals(now)?;
        Ok(())
    }

    /// Judges what was read, keeps the record, and only then says what to show.
    fn judge(&mut self, reading: &Reading, now: Timestamp) -> Option<Showing> {
        let decision = judge_reading(reading, &self.basis, now)?;
        let digest_key = self.store.digest_key();
        let record = AuditRecord::of(&decision, reading, &self.basis, digest_key, now);
        if self.store.record(&record).is_err() {
            return Some(self.fail());
        }
        self.service = Service::In;
        self.basis.floor = self.basis.floor.raised_to(now);
        self.totals.add(decision.verdict());
        let effect = self.session.on(Event::Judged(decision.verdict()), now);
        debug_assert_eq!(effect, None, "a judgement is shown, and asks for nothing else");
        let presentation = Presentation::of(&decision, self.audience);
        Some(Showing::Result(Box::new(presentation), Box::new(decision)))
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
