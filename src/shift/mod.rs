//! Who is on duty, what they may do, and what the shift added up to.
//!
//! An [`Operator`] who has entered the right PIN is [`Known`]; who is known can come on duty in a
//! [`Shift`], and can be the second person of an override. A shift is a state machine: what happens
//! and the time go in, and what is to be recorded comes out, to be written before the screen
//! changes. Nothing here waits, keeps anything, or asks the time.
//!
//! A kiosk that nobody attends runs without a shift. At a desk, nobody is looked up, overridden, or
//! registered without one.

mod compare;
mod look_up;
mod overrule;
mod pin;
mod report;

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use thiserror::Error;

pub use self::{
    compare::{Agreement, CompareError, Compared, Comparison},
    look_up::{LOOK_UP_EVERY, LOOK_UPS_A_DAY, LookUp, LookUpGuard, LookUpRefused},
    overrule::{Override, OverrideError},
    pin::{
        BACKOFF_CAP, BACKOFF_FIRST, Backoff, MAX_DIGITS, MIN_DIGITS, Pin, PinCost, PinError,
        PinHash, PinHashError,
    },
    report::{
        Counted, HourCount, OperatorCount, Overridden, ReportError, ShiftReport, SignedReport, Span,
    },
};
use crate::{
    audit::{DeskAct, Event, StaffNumber},
    clock::Timestamp,
    language::Words,
};

/// After how long without a touch the screen is locked: as long as a desk may be left for a moment
/// *(chosen)*.
pub const IDLE_LOCK: TimeDelta = TimeDelta::minutes(5);

/// What somebody is here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Works at the desk.
    Staff,
    /// Works at the desk, is the second person of an override, and sees everybody's shift.
    Supervisor,
    /// Looks after the terminal and its operators, and decides about nobody.
    Maintainer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Staff, Self::Supervisor, Self::Maintainer];

    /// Whether who has this role may do `task`.
    #[must_use]
    pub fn may(self, task: Task) -> bool {
        match task {
            Task::CheckId | Task::LookUp | Task::Override | Task::Register => {
                matches!(self, Self::Staff | Self::Supervisor)
            }
            Task::OwnReport => true,
            Task::SecondOverride | Task::AnyReport => self == Self::Supervisor,
            Task::Maintain => matches!(self, Self::Supervisor | Self::Maintainer),
            Task::ChangeOperators => self == Self::Maintainer,
        }
    }

    /// The name that the store and the command line use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Supervisor => "supervisor",
            Self::Maintainer => "maintainer",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> Words {
        let (zh, en) = match self {
            Self::Staff => ("工作人员", "Staff"),
            Self::Supervisor => ("主管", "Supervisor"),
            Self::Maintainer => ("维护人员", "Maintainer"),
        };
        Words::new(zh, en)
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(code: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.code() == code).ok_or(UnknownRole)
    }
}

/// A name that is no role.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a role: one of staff, supervisor, maintainer")]
pub struct UnknownRole;

/// What there is to do that not everybody may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// See everybody's report.
    AnyReport,
    /// Add and remove operators, and give them another PIN.
    ChangeOperators,
    /// Compare a document with a code.
    CheckId,
    /// Look somebody up.
    LookUp,
    /// Sync, export, set the clock, test devices.
    Maintain,
    /// Let somebody pass against the advice.
    Override,
    /// See the report of one's own shift.
    OwnReport,
    /// Register somebody by hand.
    Register,
    /// Be the second person of an override.
    SecondOverride,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 9] = [
        Self::AnyReport,
        Self::ChangeOperators,
        Self::CheckId,
        Self::LookUp,
        Self::Maintain,
        Self::Override,
        Self::OwnReport,
        Self::Register,
        Self::SecondOverride,
    ];
}

/// Somebody who works with this terminal. The debugging form has no name.
#[derive(Clone, Eq, PartialEq)]
pub struct Operator {
    /// The number that records have.
    pub number: StaffNumber,
    /// What the operator is called, if that is kept: for a list of operators, and no record has it.
    pub name: Option<String>,
    /// What the operator may do.
    pub role: Role,
    /// The PIN, as it is kept.
    pub pin: PinHash,
    /// Mistaken PINs.
    pub backoff: Backoff,
}

impl Operator {
    /// Tries a PIN. Whatever comes of it, the [`Backoff`] of the operator that comes back is to be
    /// kept before the answer is shown.
    ///
    /// While the operator has to wait nothing is compared, and the wait does not grow.
    pub fn try_pin(self, pin: &Pin, now: Timestamp) -> Tried {
        if let Some(until) = self.backoff.blocks(now) {
            return Tried::Blocked { until };
        }
        if self.pin.is_of(pin) {
            Tried::Right(Known(Self { backoff: Backoff::default(), ..self }))
        } else {
            Tried::Wrong(self.backoff.after_mistake(now))
        }
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Operator({}, {})", self.number, self.role.code())
    }
}

/// What came of a PIN.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub enum Tried {
    /// It was not tried.
    Blocked {
        /// From when on one is.
        until: Timestamp,
    },
    /// It is the operator's.
    Right(Known),
    /// It is not.
    Wrong(Backoff),
}

/// An operator who has entered the right PIN: [`Operator::try_pin`] alone makes one.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub struct Known(Operator);

impl Known {
    /// Who it is.
    #[must_use]
    pub fn operator(&self) -> &Operator {
        &self.0
    }
}

/// The desk of one lane.
#[derive(Debug, Default)]
pub struct Shift {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Out,
    In {
        operator: Operator,
        since: Timestamp,
        touched: Timestamp,
    },
    Locked {
        operator: Operator,
        since: Timestamp,
    },
}

/// What happens to a shift.
#[derive(Debug)]
pub enum ShiftEvent {
    /// Somebody has entered the right PIN.
    Enter(Known),
    /// The operator locks the screen.
    Lock,
    /// The operator leaves.
    SignOut,
    /// Time has passed.
    Tick,
    /// The operator has touched the screen.
    Touch,
}

/// How a shift stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Duty {
    /// Nobody is on duty.
    Nobody,
    /// Somebody is, and has left the screen locked.
    Locked {
        /// Who.
        by: StaffNumber,
        /// Since when on duty.
        since: Timestamp,
    },
    /// Somebody is.
    On {
        /// Who.
        by: StaffNumber,
        /// As what.
        role: Role,
        /// Since when.
        since: Timestamp,
    },
}

impl Shift {
    /// Moves on by one event, and gives what is to be recorded of it, in its order.
    ///
    /// Who comes while another's screen is locked takes the desk over if a supervisor; anybody else
    /// is refused. A clock that was set back locks the screen: how long nobody touched it is then
    /// not known.
    ///
    /// # Errors
    ///
    /// [`Refused`], and nothing has changed.
    pub fn on(&mut self, event: ShiftEvent, now: Timestamp) -> Result<Vec<Event>, Refused> {
        let state = std::mem::take(&mut self.state);
        let (state, done) = match (state, event) {
            (State::Out, ShiftEvent::Enter(Known(operator))) => {
                let signed_in = act(&operator, DeskAct::SignedIn);
                (State::In { operator, since: now, touched: now }, Ok(vec![signed_in]))
            }
            (State::Locked { operator, since }, ShiftEvent::Enter(Known(other))) => {
                if operator.number == other.number {
                    let unlocked = act(&other, DeskAct::Unlocked);
                    (State::In { operator: other, since, touched: now }, Ok(vec![unlocked]))
                } else if other.role == Role::Supervisor {
                    let done =
                        vec![act(&operator, DeskAct::SignedOut), act(&other, DeskAct::SignedIn)];
                    (State::In { operator: other, since: now, touched: now }, Ok(done))
                } else {
                    (State::Locked { operator, since }, Err(Refused::Occupied))
                }
            }
            (state @ State::In { .. }, ShiftEvent::Enter(_)) => (state, Err(Refused::Occupied)),
            (State::In { operator, since, .. }, ShiftEvent::Lock) => lock(operator, since),
            (State::In { operator, .. } | State::Locked { operator, .. }, ShiftEvent::SignOut) => {
                (State::Out, Ok(vec![act(&operator, DeskAct::SignedOut)]))
            }
            (
                State::In { operator, since, touched },
                event @ (ShiftEvent::Tick | ShiftEvent::Touch),
            ) => {
                let idle = now - touched;
                if idle < TimeDelta::zero() || idle >= IDLE_LOCK {
                    lock(operator, since)
                } else {
                    let is_touch = matches!(event, ShiftEvent::Touch);
                    let touched = if is_touch { now } else { touched };
                    (State::In { operator, since, touched }, Ok(Vec::new()))
                }
            }
            (state @ State::Out, ShiftEvent::SignOut | ShiftEvent::Lock) => {
                (state, Err(Refused::Nobody))
            }
            (
                state @ (State::Out | State::Locked { .. }),
                ShiftEvent::Lock | ShiftEvent::Tick | ShiftEvent::Touch,
            ) => (state, Ok(Vec::new())),
        };
        self.state = state;
        done
    }

    /// How it stands.
    #[must_use]
    pub fn duty(&self) -> Duty {
        match &self.state {
            State::Out => Duty::Nobody,
            State::Locked { operator, since } => {
                Duty::Locked { by: operator.number.clone(), since: *since }
            }
            State::In { operator, since, .. } => {
                Duty::On { by: operator.number.clone(), role: operator.role, since: *since }
            }
        }
    }

    /// Who decisions are recorded under: who is on duty, the screen locked or not.
    #[must_use]
    pub fn staff(&self) -> Option<&StaffNumber> {
        match &self.state {
            State::Out => None,
            State::In { operator, .. } | State::Locked { operator, .. } => Some(&operator.number),
        }
    }

    /// Who is on duty, if that operator may do `task` now.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn on_duty_for(&self, task: Task) -> Result<&Operator, Refused> {
        match &self.state {
            State::Out => Err(Refused::Nobody),
            State::Locked { .. } => Err(Refused::Locked),
            State::In { operator, .. } if operator.role.may(task) => Ok(operator),
            State::In { .. } => Err(Refused::Role),
        }
    }
}

fn lock(operator: Operator, since: Timestamp) -> (State, Result<Vec<Event>, Refused>) {
    let locked = act(&operator, DeskAct::Locked);
    (State::Locked { operator, since }, Ok(vec![locked]))
}

fn act(operator: &Operator, act: DeskAct) -> Event {
    Event::Desk { by: Some(operator.number.clone()), act }
}

/// Somebody may not do what was asked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// The screen is locked.
    #[error("the screen is locked: enter the PIN [S11]")]
    Locked,

    /// Nobody is on duty.
    #[error("nobody is on duty: sign in first [S12]")]
    Nobody,

    /// Somebody else is on duty.
    #[error("somebody else is on duty [S13]")]
    Occupied,

    /// The operator's role does not allow it.
    #[error("this is for another role [S14]")]
    Role,
}
