//! Letting somebody pass against what the terminal advised.

use thiserror::Error;

use super::{Known, Refused, Role, Shift, Task};
use crate::{
    audit::{DeskAct, Event, OverrideReason, StaffNumber},
    credential::CodeDigest,
    decision::{Decision, Reason, Verdict},
    place::Place,
};

/// An override that may be: the person passes once it is recorded.
///
/// From a decision that was not made, because the terminal is out of service, there is none.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub struct Override {
    by: StaffNumber,
    second: Option<StaffNumber>,
    from: Verdict,
    was: Option<Reason>,
    reason: OverrideReason,
}

impl Shift {
    /// Overrides `decision` for `reason`: who is on duty alone where the terminal did not know, or
    /// wants a document compared; with a `second` person, another and a supervisor, where it said
    /// no.
    ///
    /// # Errors
    ///
    /// [`OverrideError`].
    pub fn overrule(
        &self,
        decision: &Decision,
        reason: OverrideReason,
        place: Option<Place>,
        second: Option<&Known>,
    ) -> Result<Override, OverrideError> {
        let by = self.on_duty_for(Task::Override)?;
        let (from, was) = (decision.verdict(), decision.reason());
        if matches!(from, Verdict::Pass | Verdict::Retry) {
            return Err(OverrideError::NothingToOverride);
        }
        if !reason.answers(was, place) {
            return Err(OverrideError::NoAnswer);
        }
        let second = second.map(Known::operator);
        if from == Verdict::Deny && second.is_none() {
            return Err(OverrideError::SecondNeeded);
        }
        if let Some(second) = second {
            if second.number == by.number {
                return Err(OverrideError::SamePerson);
            }
            if !second.role.may(Task::SecondOverride) {
                return Err(OverrideError::NoSupervisor);
            }
        }
        let is_supervised = by.role == Role::Supervisor || second.is_some();
        if reason == OverrideReason::DocumentCompared && !is_supervised {
            return Err(OverrideError::NoSupervisor);
        }
        let (by, second) = (by.number.clone(), second.map(|second| second.number.clone()));
        Ok(Override { by, second, from, was, reason })
    }
}

impl Override {
    /// What is recorded of it, before the person passes; `digest` is of the code, or of the document
    /// that was looked up.
    #[must_use]
    pub fn done(self, digest: Option<CodeDigest>) -> Event {
        let Self { by, second, from, was, reason } = self;
        let act = DeskAct::Overridden { from, was, reason, second, digest };
        Event::Desk { by: Some(by), act }
    }
}

/// A decision stays as it is.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OverrideError {
    /// The reason is none against this decision at this place.
    #[error("this reason does not answer the decision here [S31]")]
    NoAnswer,

    /// A supervisor has to agree, or to compare the document.
    #[error("a supervisor is needed [S32]")]
    NoSupervisor,

    /// The person may pass already, or nothing was decided.
    #[error("there is nothing to override [S33]")]
    NothingToOverride,

    /// Nobody is on duty who may.
    #[error(transparent)]
    Refused(#[from] Refused),

    /// The second person is the first.
    #[error("the second person is another than who is on duty [S34]")]
    SamePerson,

    /// The answer was no.
    #[error("a second person's PIN is needed [S35]")]
    SecondNeeded,
}
