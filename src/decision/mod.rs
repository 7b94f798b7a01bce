//! The decision: what the terminal advises, and why.
//!
//! [`judge`] goes from a symbol's text to a [`Decision`] through every stage, in the order that
//! the reason codes are defined in; the first check to fail is the one reported. [`judge_reading`]
//! does the same for all that was seen in one frame. Both are plain functions of the text, the
//! [`Basis`], and the instant: the same three give the same answer on every terminal.
//!
//! Nothing that is unknown counts as yes. No error ends in a pass.

mod facts;

use std::fmt;

use thiserror::Error;

use crate::{
    clock::{Floor, Timestamp},
    credential::{self, Claims, Credential, ParseError, VerifiedCredential, VerifyError},
    place::Place,
    policy::{self, Otherwise, Policy, RuleReason, RuleVerdict, TrustAge},
    recognition::NormalStatus,
    symbol::{Reading, SymbolText},
    trust::Trust,
};

/// All that a judgement rests on. Replaced whole, never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// The lists, if any have been installed.
    pub trust: Option<Trust>,
    /// The kind of place the terminal stands at, if it has been told.
    pub place: Option<Place>,
    /// The latest instant that is known to have passed.
    pub floor: Floor,
}

impl Basis {
    /// A terminal that has been given nothing yet: it refers everybody.
    pub const UNPROVISIONED: Self = Self { trust: None, place: None, floor: Floor::LOWEST };

    /// A basis of `trust` alone, at `place`. The documents' own dates raise the floor.
    #[must_use]
    pub fn of(trust: Trust, place: Option<Place>) -> Self {
        let floor = Floor::LOWEST.raised_to(trust.published());
        Self { trust: Some(trust), place, floor }
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
    CheckId(VerifiedCredential, Reason),
    /// The terminal cannot tell; a person must.
    Refer(Reason, Option<VerifiedCredential>),
    /// Do not let the holder pass.
    Deny(Reason, Option<VerifiedCredential>),
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
            Self::CheckId(_, reason)
            | Self::Refer(reason, _)
            | Self::Deny(reason, _)
            | Self::Retry(reason) => Some(*reason),
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

    /// The decision that `reason` stands for where no rule has said otherwise.
    fn because(reason: Reason, credential: Option<VerifiedCredential>) -> Self {
        Self::told(Told { verdict: reason.verdict(), reason }, credential)
    }

    /// The decision of that verdict for that reason. Without a credential nobody passes.
    fn told(told: Told, credential: Option<VerifiedCredential>) -> Self {
        let Told { verdict, reason } = told;
        match (verdict, credential) {
            (Verdict::CheckId, Some(credential)) => Self::CheckId(credential, reason),
            (Verdict::Deny, credential) => Self::Deny(reason, credential),
            (Verdict::Retry, _) => Self::Retry(reason),
            (Verdict::CheckId | Verdict::Pass | Verdict::Refer, credential) => {
                Self::Refer(reason, credential)
            }
        }
    }
}

/// A verdict, and the reason for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Told {
    verdict: Verdict,
    reason: Reason,
}

impl From<Reason> for Told {
    fn from(reason: Reason) -> Self {
        Self { verdict: reason.verdict(), reason }
    }
}

impl From<Otherwise> for Told {
    fn from(Otherwise { verdict, reason }: Otherwise) -> Self {
        let verdict = match verdict {
            RuleVerdict::CheckId => Verdict::CheckId,
            RuleVerdict::Deny => Verdict::Deny,
            RuleVerdict::Refer => Verdict::Refer,
        };
        Self { verdict, reason: reason.into() }
    }
}

/// The five answers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// Every check is good.
    Pass,
    /// Compare the document.
    CheckId,
    /// The terminal cannot tell.
    Refer,
    /// The answer is no.
    Deny,
    /// Show it again.
    Retry,
}

impl Verdict {
    /// The name that records and the command line use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::CheckId => "check_id",
            Self::Refer => "refer",
            Self::Deny => "deny",
            Self::Retry => "retry",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// Why. Each has a code that never gets another meaning, and a verdict of its own.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
pub enum Reason {
    /// The key that signed is not the issuer's alone.
    #[error("issuer key is compromised")]
    CompromisedKey,
    /// The holder's status is red.
    #[error("status is stop")]
    Stop,
    /// The holder's status is yellow.
    #[error("status is watch")]
    Watch,
    /// Somebody other than the issuer signed, or somebody changed it since.
    #[error("signature does not match")]
    BadSignature,
    /// Somebody else handles the code for its holder.
    #[error("bound code")]
    BoundCode,
    /// The clock is behind what has certainly passed.
    #[error("clock is wrong")]
    Clock,
    /// Codes of the province are not recognised here for now.
    #[error("province is excepted here")]
    ExceptedProvince,
    /// Its last second is over.
    #[error("expired")]
    Expired,
    /// It is not a health code.
    #[error("not a health code")]
    ForeignSymbol,
    /// It was issued later than now.
    #[error("issued in the future")]
    IssuedInFuture,
    /// It begins like a health code and is none.
    #[error("malformed code")]
    Malformed,
    /// There is no policy to judge by, or no place it could be for, or a rule that erred.
    #[error("no policy to judge by")]
    NoPolicy,
    /// It was issued longer ago than its kind may be.
    #[error("too old for its kind")]
    PastLifetime,
    /// It is on paper.
    #[error("paper code")]
    PaperCode,
    /// The issuer had stopped signing with this key.
    #[error("issuer key was retired")]
    RetiredKey,
    /// Several codes were shown, and they are not one.
    #[error("several codes that disagree")]
    SeveralCodes,
    /// The trust data is older than is good for a pass by itself.
    #[error("trust data is stale")]
    TrustStale,
    /// The trust data is older than is good for anything.
    #[error("trust data is past its limit")]
    TrustPastLimit,
    /// The holder's declaration is being audited.
    #[error("under review")]
    UnderReview,
    /// The terminal does not know the issuer or the key.
    #[error("unknown issuer or key")]
    UnknownKey,
    /// The status is not in the transcoding table.
    #[error("unmapped status")]
    UnmappedStatus,
    /// A symbol was seen, and cannot be read.
    #[error("seen but unreadable")]
    Unreadable,
    /// A rule wants the document compared.
    #[error("the policy wants the document compared")]
    CompareDocument,
    /// There is no nucleic-acid test.
    #[error("no nucleic-acid test")]
    NatMissing,
    /// The test is too old.
    #[error("nucleic-acid test too old")]
    NatTooOld,
    /// The test is positive.
    #[error("nucleic-acid test positive")]
    NatPositive,
    /// The holder is no registered commuter.
    #[error("not a registered commuter")]
    NotCommuter,
    /// The test has no result yet.
    #[error("nucleic-acid test without a result yet")]
    NatPending,
    /// The holder has been to an area of risk.
    #[error("has been to an area of risk")]
    RiskArea,
    /// The series of codes has been replaced by another.
    #[error("code series is withdrawn")]
    WithdrawnSeries,
}

impl Reason {
    /// The stable code. Source: REQUIREMENTS, section 2.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PaperCode => "E01",
            Self::BoundCode => "E02",
            Self::CompareDocument => "E03",
            Self::Unreadable => "E10",
            Self::ForeignSymbol => "E11",
            Self::Malformed => "E12",
            Self::SeveralCodes => "E13",
            Self::BadSignature => "E20",
            Self::UnknownKey => "E21",
            Self::RetiredKey => "E22",
            Self::CompromisedKey => "E23",
            Self::Expired => "E31",
            Self::PastLifetime => "E32",
            Self::IssuedInFuture => "E33",
            Self::Watch => "E40",
            Self::Stop => "E41",
            Self::UnderReview => "E42",
            Self::UnmappedStatus => "E43",
            Self::NatMissing => "E50",
            Self::NatTooOld => "E51",
            Self::NatPositive => "E52",
            Self::NotCommuter => "E53",
            Self::NatPending => "E54",
            Self::RiskArea => "E55",
            Self::ExceptedProvince => "E60",
            Self::WithdrawnSeries => "E61",
            Self::TrustStale => "E70",
            Self::TrustPastLimit => "E71",
            Self::Clock => "E72",
            Self::NoPolicy => "E73",
        }
    }

    /// The verdict that the code belongs to, where no rule of the policy names another.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::PaperCode | Self::BoundCode | Self::CompareDocument | Self::TrustStale => {
                Verdict::CheckId
            }
            Self::Unreadable | Self::ForeignSymbol | Self::Malformed | Self::SeveralCodes => {
                Verdict::Retry
            }
            Self::UnknownKey
            | Self::IssuedInFuture
            | Self::UnderReview
            | Self::UnmappedStatus
            | Self::NatPending
            | Self::RiskArea
            | Self::ExceptedProvince
            | Self::WithdrawnSeries
            | Self::TrustPastLimit
            | Self::Clock
            | Self::NoPolicy => Verdict::Refer,
            Self::BadSignature
            | Self::RetiredKey
            | Self::CompromisedKey
            | Self::Expired
            | Self::PastLifetime
            | Self::Watch
            | Self::Stop
            | Self::NatMissing
            | Self::NatTooOld
            | Self::NatPositive
            | Self::NotCommuter => Verdict::Deny,
        }
    }
}

impl From<ParseError> for Reason {
    fn from(error: ParseError) -> Self {
        if error == ParseError::ForeignSymbol { Self::ForeignSymbol } else { Self::Malformed }
    }
}

impl From<VerifyError> for Reason {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::BadSignature => Self::BadSignature,
            VerifyError::CompromisedKey => Self::CompromisedKey,
            VerifyError::RetiredKey { .. } => Self::RetiredKey,
            VerifyError::UnknownKey => Self::UnknownKey,
            VerifyError::WithdrawnSeries => Self::WithdrawnSeries,
        }
    }
}

impl From<RuleReason> for Reason {
    fn from(reason: RuleReason) -> Self {
        match reason {
            RuleReason::CompareDocument => Self::CompareDocument,
            RuleReason::NatMissing => Self::NatMissing,
            RuleReason::NatTooOld => Self::NatTooOld,
            RuleReason::NatPositive => Self::NatPositive,
            RuleReason::NotCommuter => Self::NotCommuter,
            RuleReason::NatPending => Self::NatPending,
            RuleReason::RiskArea => Self::RiskArea,
        }
    }
}

/// Judges all that was seen in one frame; nothing, if nothing was.
///
/// Symbols that are no health codes, such as the poster on the wall, do not count beside one that
/// is. Two health codes do: which of them is meant, only their holders know.
#[must_use]
pub fn judge_reading(reading: &Reading, basis: &Basis, now: Timestamp) -> Option<Decision> {
    if reading.seen == 0 && reading.texts.is_empty() {
        return None;
    }
    if let Err(reason) = footing(basis, now) {
        return Some(Decision::because(reason, None));
    }
    let mut codes =
        reading.texts.iter().filter(|text| text.as_str().starts_with(credential::PREFIX));
    Some(match (codes.next(), codes.next(), reading.texts.first()) {
        (Some(code), None, _) => judge(code, basis, now),
        (Some(_), Some(_), _) => Decision::Retry(Reason::SeveralCodes),
        (None, _, Some(text)) => judge(text, basis, now),
        (None, _, None) => Decision::Retry(Reason::Unreadable),
    })
}

/// Judges the text of one symbol.
pub fn judge(text: &SymbolText, basis: &Basis, now: Timestamp) -> Decision {
    let footing = match footing(basis, now) {
        Ok(footing) => footing,
        Err(reason) => return Decision::because(reason, None),
    };
    let verified = Credential::parse(text)
        .map_err(Reason::from)
        .and_then(|form| Ok(credential::verify(form, &footing.trust.key_ring)?));
    match verified {
        Ok(credential) => judge_verified(credential, &footing, now),
        Err(reason) => Decision::because(reason, None),
    }
}

/// The parts of a basis that a judgement cannot do without.
struct Footing<'basis> {
    trust: &'basis Trust,
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
            Ok(Footing { trust, policy, place, age })
        }
    }
}

/// Judges what a trusted issuer has said.
fn judge_verified(
    credential: VerifiedCredential,
    footing: &Footing<'_>,
    now: Timestamp,
) -> Decision {
    match check(credential.claims(), footing, now) {
        Ok(()) => Decision::Pass(credential),
        Err(told) => Decision::told(told, Some(credential)),
    }
}

/// Every check of what was said, in its order.
fn check(claims: &Claims, footing: &Footing<'_>, now: Timestamp) -> Result<(), Told> {
    check_dates(claims, footing.policy, now)?;
    check_recognition(claims, footing, now)?;
    let status = check_status(claims, footing.trust)?;
    check_rules(claims, status, footing, now)?;
    check_document_needed(claims, footing.age)?;
    Ok(())
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

/// No exception keeps the issuer's own codes from counting here. A code that the national platform
/// made from a province's is the platform's.
fn check_recognition(claims: &Claims, footing: &Footing<'_>, now: Timestamp) -> Result<(), Reason> {
    let recognition = footing.trust.recognition.as_ref();
    match recognition.and_then(|list| list.exception(claims.issuer, footing.place, now)) {
        Some(_) => Err(Reason::ExceptedProvince),
        None => Ok(()),
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
        policy::Objection::Erred(_) => Reason::NoPolicy.into(),
        policy::Objection::NotMet(rule) => rule.otherwise.into(),
    })
}

/// Nothing asks for a look at the holder's document.
fn check_document_needed(claims: &Claims, age: TrustAge) -> Result<(), Reason> {
    if claims.kind == credential::Kind::Paper {
        Err(Reason::PaperCode)
    } else if claims.binding.is_some() {
        Err(Reason::BoundCode)
    } else if age == TrustAge::Stale {
        Err(Reason::TrustStale)
    } else {
        Ok(())
    }
}
