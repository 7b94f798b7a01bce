//! The five answers, and the reasons for them, each with its code.

use std::fmt;

use thiserror::Error;

use crate::{
    credential::{ParseError, VerifyError},
    policy::RuleReason,
};

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
    /// There is no agreement with the partner abroad that counts here and now.
    #[error("partner agreement is not in force")]
    PartnerNotInForce,
    /// It was let pass here a short while ago.
    #[error("shown here already")]
    ShownAlready,
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
    /// There is no policy to judge by, or no place it could be for, or a rule that erred, or a list
    /// of revocations that cannot be read.
    #[error("no policy to judge by")]
    NoPolicy,
    /// It was issued longer ago than its kind may be.
    #[error("too old for its kind")]
    PastLifetime,
    /// It is on paper.
    #[error("paper code")]
    PaperCode,
    /// The issuer has withdrawn the code.
    #[error("code was revoked")]
    Revoked,
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
    /// The desk's look-up extract has no code for the document.
    #[error("not in the look-up extract")]
    NotInExtract,
    /// The document that was compared is another person's.
    #[error("identity document does not match")]
    IdMismatch,
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
            Self::Revoked => "E24",
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
            Self::PartnerNotInForce => "E62",
            Self::TrustStale => "E70",
            Self::TrustPastLimit => "E71",
            Self::Clock => "E72",
            Self::NoPolicy => "E73",
            Self::ShownAlready => "E80",
            Self::NotInExtract => "E90",
            Self::IdMismatch => "E91",
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
            | Self::PartnerNotInForce
            | Self::ShownAlready
            | Self::NotInExtract
            | Self::TrustPastLimit
            | Self::Clock
            | Self::NoPolicy => Verdict::Refer,
            Self::BadSignature
            | Self::RetiredKey
            | Self::CompromisedKey
            | Self::Revoked
            | Self::Expired
            | Self::PastLifetime
            | Self::Watch
            | Self::Stop
            | Self::NatMissing
            | Self::NatTooOld
            | Self::NatPositive
            | Self::NotCommuter
            | Self::IdMismatch => Verdict::Deny,
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
