//! The decision: what the terminal advises, and why.
//!
//! [`judge`] goes from a symbol's text to a [`Decision`] through every stage, in the order that
//! the reason codes are defined in; the first check to fail is the one reported. [`judge_reading`]
//! does the same for all that was seen in one frame. Both are plain functions of the text, the
//! [`Basis`], the lane's [`History`], and the instant: the same four give the same answer on every
//! terminal. [`explain`] says afterwards what each check saw.
//!
//! Nothing that is unknown counts as yes. No error ends in a pass.

mod explain;
mod facts;
mod history;
mod reason;

use chrono::TimeDelta;

pub use self::{
    explain::{Check, CheckKind, Explanation, Outcome, explain},
    history::{History, Shown},
    reason::{Reason, Verdict},
};
use crate::{
    clock::{Floor, Timestamp},
    credential::{self, Claims, Credential, VerifiedCredential},
    issuer::IssuerId,
    language::Words,
    place::Place,
    policy::{self, Policy, Rule, RuleVerdict, TrustAge},
    recognition::{self, NormalStatus, Recognition},
    revocation::{ListId, Revocations, Standing},
    symbol::{Reading, SymbolText},
    trust::Trust,
};

/// All that a judgement rests on. Replaced whole, never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// The lists, if any have been installed.
    pub trust: Option<Trust>,
    /// The codes that were revoked.
    pub revocations: Revocations,
    /// The kind of place the terminal stands at, if it has been told.
    pub place: Option<Place>,
    /// The latest instant that is known to have passed.
    pub floor: Floor,
}

impl Basis {
    /// A terminal that has been given nothing yet: it refers everybody.
    pub const UNPROVISIONED: Self =
        Self { trust: None, revocations: Revocations::NONE, place: None, floor: Floor::LOWEST };

    /// A basis of `trust` alone, at `place`: nothing is revoked. The documents' own dates raise the floor.
    #[must_use]
    pub fn of(trust: Trust, place: Option<Place>) -> Self {
        let floor = Floor::LOWEST.raised_to(trust.published());
        Self { trust: Some(trust), revocations: Revocations::NONE, place, floor }
    }
}

/// What the terminal advises the operator to do.
///
/// Exhaustive on purpose: a program that forgets one of the five must not compile.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub enum Decision {
    /// Let the holder pass.
    Pass(VerifiedCredential),
    /// Let the holder pass once staff have compared the document.
    CheckId(VerifiedCredential, Cause),
    /// The terminal cannot tell; a person must.
    Refer(Cause, Option<VerifiedCredential>),
    /// Do not let the holder pass.
    Deny(Cause, Option<VerifiedCredential>),
    /// There is nothing to judge yet: show it again.
    Retry(Reason),
}

impl Decision {
    /// Which of the five it is.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Pass(_) => Verdict::Pass,
            Self::CheckId(..) => Verdict::CheckId,
            Self::Refer(..) => Verdict::Refer,
            Self::Deny(..) => Verdict::Deny,
            Self::Retry(_) => Verdict::Retry,
        }
    }

    /// Why, for every verdict but a pass.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Pass(_) => None,
            Self::CheckId(_, cause) | Self::Refer(cause, _) | Self::Deny(cause, _) => {
                Some(cause.reason)
            }
            Self::Retry(reason) => Some(*reason),
        }
    }

    /// What there is to say of the reason beyond its code.
    #[must_use]
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Self::Pass(_) | Self::Retry(_) => None,
            Self::CheckId(_, cause) | Self::Refer(cause, _) | Self::Deny(cause, _) => {
                cause.detail.as_ref()
            }
        }
    }

    /// What a trusted issuer said, if it came to that.
    #[must_use]
    pub fn credential(&self) -> Option<&VerifiedCredential> {
        match self {
            Self::Pass(credential) | Self::CheckId(credential, _) => Some(credential),
            Self::Refer(_, credential) | Self::Deny(_, credential) => credential.as_ref(),
            Self::Retry(_) => None,
        }
    }

    /// The decision about somebody of whom the desk's extract has no code.
    pub fn not_found() -> Self {
        Self::because(Reason::NotInExtract)
    }

    /// The decision once the document was compared, and is another person's: nobody passes with a
    /// code that is not theirs. What was denied already stays so, for the reason it has; where no
    /// code was verified there is nothing to compare with, and nothing changes.
    pub fn mismatched(self) -> Self {
        match self {
            Self::Pass(credential)
            | Self::CheckId(credential, _)
            | Self::Refer(_, Some(credential)) => {
                Self::told(Reason::IdMismatch.into(), Some(credential))
            }
            other @ (Self::Refer(_, None) | Self::Deny(..) | Self::Retry(_)) => other,
        }
    }

    /// The decision that `reason` stands for where nothing was verified.
    fn because(reason: Reason) -> Self {
        Self::told(reason.into(), None)
    }

    /// The decision of that verdict for that cause. Without a credential nobody passes.
    fn told(Told { verdict, cause }: Told, credential: Option<VerifiedCredential>) -> Self {
        match (verdict, credential) {
            (Verdict::CheckId, Some(credential)) => Self::CheckId(credential, cause),
            (Verdict::Deny, credential) => Self::Deny(cause, credential),
            (Verdict::Retry, _) => Self::Retry(cause.reason),
            (Verdict::CheckId | Verdict::Pass | Verdict::Refer, credential) => {
                Self::Refer(cause, credential)
            }
        }
    }
}

/// Why, and what there is to say of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cause {
    /// The reason.
    pub reason: Reason,
    /// What there is to say of it beyond its code.
    pub detail: Option<Detail>,
}

/// What there is to say of a reason beyond its code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Detail {
    /// The exception that keeps the province's codes from counting.
    Exception {
        /// The number under which it was filed.
        filing: String,
        /// What is accepted instead.
        instead: Words,
    },
    /// The rule of the policy that was not met, or that erred.
    Rule {
        /// Its name for all time.
        id: String,
        /// Its version.
        version: u64,
        /// What it says.
        text: Words,
    },
    /// The list of revocations that the code could be in, which cannot be read.
    Revocations(ListId),
    /// When and where the code was let pass before.
    Shown {
        /// How long ago.
        ago: TimeDelta,
        /// At which gate, if that is known.
        gate: Option<String>,
    },
}

impl Detail {
    fn rule(rule: &Rule) -> Self {
        Self::Rule { id: rule.id.clone(), version: rule.version, text: rule.text.clone() }
    }
}

/// A verdict, and the cause of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Told {
    verdict: Verdict,
    cause: Cause,
}

impl Told {
    /// Whether it is that a rule wants the document compared, and nothing worse.
    fn is_to_compare(&self) -> bool {
        self.verdict == Verdict::CheckId && self.cause.reason == Reason::CompareDocument
    }

    fn because(reason: Reason, detail: Detail) -> Self {
        Self { verdict: reason.verdict(), cause: Cause { reason, detail: Some(detail) } }
    }
}

impl From<Reason> for Told {
    fn from(reason: Reason) -> Self {
        Self { verdict: reason.verdict(), cause: Cause { reason, detail: None } }
    }
}

/// Judges all that was seen in one frame; nothing, if nothing was.
///
/// Symbols that are no health codes, such as the poster on the wall, do not count beside one that
/// is. Two health codes do: which of them is meant, only their holders know.
#[must_use]
pub fn judge_reading(
    reading: &Reading,
    basis: &Basis,
    history: &History,
    now: Timestamp,
) -> Option<Decision> {
    if reading.seen == 0 && reading.texts.is_empty() {
        return None;
    }
    if let Err(reason) = footing(basis, now) {
        return Some(Decision::because(reason));
    }
    let mut codes =
        reading.texts.iter().filter(|text| text.as_str().starts_with(credential::PREFIX));
    Some(match (codes.next(), codes.next(), reading.texts.first()) {
        (Some(code), None, _) => judge(code, basis, history, now),
        (Some(_), Some(_), _) => Decision::Retry(Reason::SeveralCodes),
        (None, _, Some(text)) => judge(text, basis, history, now),
        (None, _, None) => Decision::Retry(Reason::Unreadable),
    })
}

/// Judges the text of one symbol.
pub fn judge(text: &SymbolText, basis: &Basis, history: &History, now: Timestamp) -> Decision {
    let footing = match footing(basis, now) {
        Ok(footing) => footing,
        Err(reason) => return Decision::because(reason),
    };
    let verified = Credential::parse(text)
        .map_err(Reason::from)
        .and_then(|form| Ok(credential::verify(form, &footing.trust.key_ring)?));
    match verified {
        Ok(credential) => match check(&credential, &footing, history, now) {
            Ok(()) => Decision::Pass(credential),
            Err(told) => Decision::told(told, Some(credential)),
        },
        Err(reason) => Decision::because(reason),
    }
}

/// The parts of a basis that a judgement cannot do without.
struct Footing<'basis> {
    trust: &'basis Trust,
    revocations: &'basis Revocations,
    policy: &'basis Policy,
    place: Place,
    age: TrustAge,
}

/// What the judgement stands on, unless the clock or the trust data forbids any.
fn footing(basis: &Basis, now: Timestamp) -> Result<Footing<'_>, Reason> {
    if basis.floor.is_above(now) {
        return Err(Reason::Clock);
    }
    let (Some(trust), Some(place)) = (&basis.trust, basis.place) else {
        return Err(Reason::NoPolicy);
    };
    let policy = trust.policy.as_ref().ok_or(Reason::NoPolicy)?;
    match policy.trust_age(trust.published(), now) {
        TrustAge::PastLimit => Err(Reason::TrustPastLimit),
        age @ (TrustAge::Fresh | TrustAge::Ageing | TrustAge::Stale) => {
            let revocations = &basis.revocations;
            Ok(Footing { trust, revocations, policy, place, age })
        }
    }
}

/// Every check of what a trusted issuer has said, in its order.
fn check(
    credential: &VerifiedCredential,
    footing: &Footing<'_>,
    history: &History,
    now: Timestamp,
) -> Result<(), Told> {
    let claims = credential.claims();
    check_dates(claims, footing.policy, now)?;
    check_revocation(claims, footing.revocations)?;
    check_recognition(claims.issuer, footing, now)?;
    let status = check_status(claims, footing.trust)?;
    let compare = match check_rules(claims, status, footing, now) {
        // It is one of the reasons to look at a document, and those come last.
        Err(told) if told.is_to_compare() => Some(told),
        asked => {
            asked?;
            None
        }
    };
    check_repeat(credential, footing.policy, history, now)?;
    check_document_needed(claims, compare, footing.age)
}

/// `issued <= now < expires`, with the policy's tolerance for a fast issuer, and no older than a
/// code of its kind may be.
fn check_dates(claims: &Claims, policy: &Policy, now: Timestamp) -> Result<(), Reason> {
    if claims.issued > now + policy.clock_tolerance() {
        Err(Reason::IssuedInFuture)
    } else if now >= claims.expires {
        Err(Reason::Expired)
    } else if now - claims.issued >= policy.max_lifetime(claims.kind) {
        Err(Reason::PastLifetime)
    } else {
        Ok(())
    }
}

/// The issuer has not withdrawn it; where its list cannot be read, nobody can say.
fn check_revocation(claims: &Claims, revocations: &Revocations) -> Result<(), Told> {
    match revocations.standing(claims.issuer, &claims.code_id, claims.expires) {
        Standing::NotListed => Ok(()),
        Standing::Listed => Err(Reason::Revoked.into()),
        Standing::Unreadable => {
            let list = ListId::of(claims.issuer, claims.expires);
            Err(Told::because(Reason::NoPolicy, Detail::Revocations(list)))
        }
    }
}

/// No exception keeps the issuer's own codes from counting here, and if it is a partner abroad, an
/// agreement is in force. A code that the national platform made from a province's is the
/// platform's.
fn check_recognition(issuer: IssuerId, footing: &Footing<'_>, now: Timestamp) -> Result<(), Told> {
    let list = footing.trust.recognition.as_ref();
    if let Some(exception) = list.and_then(|list| list.exception(issuer, footing.place, now)) {
        let recognition::Exception { filing, instead, .. } = exception;
        let detail = Detail::Exception { filing: filing.clone(), instead: instead.clone() };
        return Err(Told::because(Reason::ExceptedProvince, detail));
    }
    let in_force = |list: &Recognition| list.partner(issuer, footing.place, now).is_some();
    if issuer.is_domestic() || list.is_some_and(in_force) {
        Ok(())
    } else {
        Err(Reason::PartnerNotInForce.into())
    }
}

/// The issuer's own status has a normal meaning, and that is green.
fn check_status(claims: &Claims, trust: &Trust) -> Result<NormalStatus, Reason> {
    let recognition = trust.recognition.as_ref();
    match recognition.and_then(|list| list.normal_status(claims.issuer, claims.status)) {
        Some(NormalStatus::Normal) => Ok(NormalStatus::Normal),
        Some(NormalStatus::Watch) => Err(Reason::Watch),
        Some(NormalStatus::Stop) => Err(Reason::Stop),
        Some(NormalStatus::Review) => Err(Reason::UnderReview),
        None => Err(Reason::UnmappedStatus),
    }
}

/// The policy's rules have nothing against it.
fn check_rules(
    claims: &Claims,
    status: NormalStatus,
    footing: &Footing<'_>,
    now: Timestamp,
) -> Result<(), Told> {
    let facts = facts::of(claims, status, footing, now);
    footing.policy.ask(footing.place, claims.kind, &facts).map_err(|objection| match objection {
        policy::Objection::Erred(rule) => Told::because(Reason::NoPolicy, Detail::rule(rule)),
        policy::Objection::NotMet(rule) => {
            let verdict = match rule.otherwise.verdict {
                RuleVerdict::CheckId => Verdict::CheckId,
                RuleVerdict::Deny => Verdict::Deny,
                RuleVerdict::Refer => Verdict::Refer,
            };
            let reason = rule.otherwise.reason.into();
            Told { verdict, cause: Cause { reason, detail: Some(Detail::rule(rule)) } }
        }
    })
}

/// It was not let pass here a short while ago.
fn check_repeat(
    credential: &VerifiedCredential,
    policy: &Policy,
    history: &History,
    now: Timestamp,
) -> Result<(), Told> {
    let Some(Shown { at, gate }) = history.last_shown(credential) else { return Ok(()) };
    let ago = now - *at;
    if ago >= policy.repeat_window() {
        return Ok(());
    }
    let ago = ago.max(TimeDelta::zero());
    Err(Told::because(Reason::ShownAlready, Detail::Shown { ago, gate: gate.clone() }))
}

/// Nothing asks for a look at the holder's document: not the code, not a rule that was not met, and
/// not the age of the lists.
fn check_document_needed(
    claims: &Claims,
    compare: Option<Told>,
    age: TrustAge,
) -> Result<(), Told> {
    if claims.kind == credential::Kind::Paper {
        Err(Reason::PaperCode.into())
    } else if claims.binding.is_some() {
        Err(Reason::BoundCode.into())
    } else if let Some(told) = compare {
        Err(told)
    } else if age == TrustAge::Stale {
        Err(Reason::TrustStale.into())
    } else {
        Ok(())
    }
}
