//! The record of what happened: what is kept of it, and how it is held together.
//!
//! A record of a decision says when, where, and what was decided, by which rules, about which code,
//! the code only as a keyed digest. No name, no number of a document, and no text of a code is in
//! it, so none can be in a log, an export, or a stolen disk. It is written before the result is
//! shown.
//!
//! Each record names the digest of the one before: they are a [chain](Link), and a signed
//! [`Checkpoint`] vouches for all of it up to one. Whoever changes, removes, or reorders a record
//! breaks the chain; whoever cuts off its end has no checkpoint for what is left.

mod chain;
mod checkpoint;
mod desk;

pub use self::{
    chain::{ChainError, Entry, Link, follow},
    checkpoint::{Checkpoint, CheckpointError},
    desk::{
        Checker, Consent, ConsentBy, ConsentHow, DeskAct, Found, IdOutcome, NotAStaffNumber,
        OperatorChange, OverrideReason, StaffNumber, UnknownReason,
    },
};
use crate::{
    clock::{ClockState, Timestamp},
    credential::{CodeDigest, DigestKey, Kind, VerifiedCredential},
    decision::{Basis, Decision, Reason, Verdict},
    issuer::IssuerId,
    place::Place,
    symbol::Reading,
};

/// One decision, as it is kept. Source: REQUIREMENTS, section 6.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditRecord {
    /// When it was made.
    pub at: Timestamp,
    /// The answer.
    pub verdict: Verdict,
    /// Why, for every answer but a pass.
    pub reason: Option<Reason>,
    /// What the code was shown on, if it was verified.
    pub kind: Option<Kind>,
    /// Who issued the code, if it was verified.
    pub issuer: Option<IssuerId>,
    /// The policy it was made by, if there was one.
    pub policy_version: Option<u64>,
    /// What was shown, known again only by who holds the terminal's key; nothing, if nothing could
    /// be read.
    pub digest: Option<CodeDigest>,
    /// How far the clock could be believed.
    pub clock: ClockState,
    /// Who was on duty, where somebody must be.
    pub staff: Option<StaffNumber>,
}

impl AuditRecord {
    /// The record of `decision` about `reading`, made at `now` on `basis` by a clock that is good,
    /// with nobody on duty.
    #[must_use]
    pub fn of(
        decision: &Decision,
        reading: &Reading,
        basis: &Basis,
        key: &DigestKey,
        now: Timestamp,
    ) -> Self {
        let claims = decision.credential().map(VerifiedCredential::claims);
        let policy = basis.trust.as_ref().and_then(|trust| trust.policy.as_ref());
        Self {
            at: now,
            verdict: decision.verdict(),
            reason: decision.reason(),
            kind: claims.map(|claims| claims.kind),
            issuer: claims.map(|claims| claims.issuer),
            policy_version: policy.map(|policy| policy.version),
            digest: match decision.credential() {
                Some(credential) => Some(key.of(credential)),
                None => key.of_texts(&reading.texts),
            },
            clock: ClockState::Good,
            staff: None,
        }
    }
}

/// What happened, that is no decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A supervisor has accepted a state of which the marks said otherwise, for this reason.
    Accepted {
        /// What was wrong, and why it was accepted.
        reason: String,
    },
    /// The clock is believed more, or less, than before.
    Clock(ClockState),
    /// Staff did something.
    Desk {
        /// Who; nobody, where the first operator is put down.
        by: Option<StaffNumber>,
        /// What.
        act: DeskAct,
    },
    /// Lists were installed.
    Installed {
        /// Which, with their versions.
        lists: String,
    },
    /// The authority has said where the terminal stands.
    Provisioned {
        /// The token of its bundle.
        token: String,
        /// The kind of place.
        place: Place,
        /// What the authority calls the terminal.
        terminal: String,
    },
    /// Records that are older than they are kept were counted and removed.
    Pruned {
        /// The last of them.
        through: u64,
        /// The chain up to it.
        link: Link,
    },
    /// Lists were refused.
    Refused {
        /// The refusal's code.
        code: String,
    },
    /// The terminal began to work.
    Started,
}

impl Event {
    /// The name of the event of a decision.
    pub const SCAN: &'static str = "scan";

    /// The name of a change in how far the clock is believed.
    pub const CLOCK: &'static str = "clock";

    /// The name of a provisioning.
    pub const PROVISIONED: &'static str = "provisioned";

    /// The name that records use.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Clock(_) => Self::CLOCK,
            Self::Desk { act, .. } => act.code(),
            Self::Installed { .. } => "installed",
            Self::Provisioned { .. } => Self::PROVISIONED,
            Self::Pruned { .. } => "pruned",
            Self::Refused { .. } => "refused",
            Self::Started => "started",
        }
    }

    /// What there is to say of it.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Accepted { reason } => Some(reason.clone()),
            Self::Clock(state) => Some(state.code().to_owned()),
            Self::Desk { act, .. } => act.detail(),
            Self::Installed { lists } => Some(lists.clone()),
            Self::Provisioned { token, place, terminal } => {
                Some(format!("{token} {} {terminal}", place.code()))
            }
            Self::Pruned { through, link } => Some(format!("{through} {link}")),
            Self::Refused { code } => Some(code.clone()),
            Self::Started => None,
        }
    }
}
