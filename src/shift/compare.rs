//! Comparing a document with a code, by machine or by staff.

use thiserror::Error;

use super::{Refused, Shift, Task};
use crate::{
    audit::{Checker, DeskAct, Event, IdOutcome},
    credential::{CodeDigest, IdMatch, IdTail, MatchKeys, VerifiedCredential},
    decision::Decision,
    id_document::DocumentNumber,
};

/// What a code is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Comparison<'document> {
    /// The whole number, from a card on the reader or typed, under the keys that there are.
    Number(&'document DocumentNumber, &'document MatchKeys),
    /// The number's last four characters, typed.
    Tail(&'document IdTail),
    /// The card and the face, by staff who say what they see.
    Seen(Agreement),
}

/// What staff say of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Agreement {
    /// Name, end of the number, and face are the holder's.
    Match,
    /// They are not.
    NoMatch,
}

/// A document was compared.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Compared {
    /// What came of it. After [`IdOutcome::NoMatch`] the decision is
    /// [`mismatched`](Decision::mismatched); after [`IdOutcome::TailOnly`] staff have still to look.
    pub outcome: IdOutcome,
    /// What is to be recorded, before anything is shown.
    pub event: Event,
}

impl Shift {
    /// Compares a document with the code of `decision`, whose digest is `code`.
    ///
    /// # Errors
    ///
    /// [`CompareError`].
    pub fn compare(
        &self,
        decision: &Decision,
        with: Comparison<'_>,
        code: Option<CodeDigest>,
    ) -> Result<Compared, CompareError> {
        let staff = self.on_duty_for(Task::CheckId)?.number.clone();
        let credential = decision.credential().ok_or(CompareError::NoCode)?;
        let (by, outcome) = outcome(credential, with);
        let event = Event::Desk { by: Some(staff), act: DeskAct::IdChecked { by, outcome, code } };
        Ok(Compared { outcome, event })
    }
}

fn outcome(credential: &VerifiedCredential, with: Comparison<'_>) -> (Checker, IdOutcome) {
    let found = match with {
        Comparison::Number(number, keys) => credential.compare(number, keys),
        Comparison::Tail(tail) => credential.compare_tail(tail),
        Comparison::Seen(Agreement::Match) => return (Checker::Staff, IdOutcome::Match),
        Comparison::Seen(Agreement::NoMatch) => return (Checker::Staff, IdOutcome::NoMatch),
    };
    let outcome = match found {
        IdMatch::Match => IdOutcome::Match,
        IdMatch::Mismatch => IdOutcome::NoMatch,
        IdMatch::TailOnly => IdOutcome::TailOnly,
    };
    (Checker::Machine, outcome)
}

/// Nothing was compared.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CompareError {
    /// No code was verified.
    #[error("there is no code to compare with [S15]")]
    NoCode,

    /// Nobody is on duty who may.
    #[error(transparent)]
    Refused(#[from] Refused),
}
