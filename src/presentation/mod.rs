//! What is shown of a decision, to whom, in words.
//!
//! Staff see the reason, its code, and what they compare a document with. The public screen is
//! softer: it sends a forged code to the desk and says no more. Nothing is decided here.
//!
//! A name is whatever an issuer signed. Before it is shown it is made legible: a character that the
//! screen's font lacks, or that would reorder or hide others, is shown as its code point.

mod explained;
mod hints;
pub mod id_document;
mod legible;
mod lines;
mod words;

use chrono::TimeDelta;

pub use self::{
    explained::{ExplainedCheck, explained},
    hints::HintWords,
    legible::{legible, legible_in_bold},
    lines::{Line, LineTone, Topic},
};
use crate::{
    clock::Timestamp,
    credential::{Claims, Kind, VerifiedCredential},
    decision::{Basis, Decision, Detail, Reason, Verdict},
    issuer::IssuerId,
    language::Words,
};

/// Who reads the screen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Audience {
    /// The people who pass.
    #[default]
    Public,
    /// The people who work here.
    Staff,
}

/// What is shown of one decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presentation {
    /// Colour, shape, word, and sound.
    pub tone: Verdict,
    /// The reason's code.
    pub code: Option<&'static str>,
    /// Why.
    pub reason: Words,
    /// What to do now.
    pub advice: Words,
    /// What to compare a document with.
    pub subject: Option<Subject>,
    /// Who issued the code, and what colour of code it is.
    pub issuer: Option<Words>,
    /// What it was shown on.
    pub kind: Option<Kind>,
    /// What else there is to say, the most important first.
    pub lines: Vec<Line>,
    /// The rule that decided: its name and version.
    pub rule: Option<String>,
}

/// What to compare a document with. Legible, and still personal: shown, and never kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// The masked name.
    pub name: String,
    /// The last four characters of the document's number.
    pub id_tail: String,
}

impl Presentation {
    /// What `audience` is shown of `decision`, which was made on `basis` at `now`.
    #[must_use]
    pub fn of(decision: &Decision, basis: &Basis, audience: Audience, now: Timestamp) -> Self {
        let verdict = decision.verdict();
        let reason = decision.reason();
        if let (Audience::Public, Some(reason)) = (audience, reason)
            && is_delicate(reason)
        {
            return Self {
                tone: Verdict::Refer,
                code: None,
                reason: Words::new("请到人工核验台", "Please go to the desk"),
                advice: Words::new("工作人员会帮助您", "The staff there will help you"),
                subject: None,
                issuer: None,
                kind: None,
                lines: Vec::new(),
                rule: None,
            };
        }
        let credential = decision.credential();
        let claims = credential.map(VerifiedCredential::claims);
        let compares = audience == Audience::Staff || verdict == Verdict::CheckId;
        Self {
            tone: verdict,
            code: reason.map(Reason::code),
            reason: match (reason, claims) {
                (Some(reason), _) => words::reason(reason),
                (None, claims) => pass_words(claims),
            },
            advice: words::advice(verdict, reason),
            subject: claims.filter(|_| compares).map(|claims| Subject {
                name: legible(claims.name.as_str()),
                id_tail: legible_in_bold(claims.id_tail.as_str()),
            }),
            issuer: credential.map(|credential| issuer_words(credential, decision)),
            kind: claims.map(|claims| claims.kind),
            lines: lines::of(decision, basis, audience, now),
            rule: match decision.detail() {
                Some(Detail::Rule { id, version, .. }) => {
                    Some(format!("{} · {version}", legible_in_bold(id)))
                }
                _ => None,
            },
        }
    }
}

/// Whether a reason is between the holder and the desk: somebody may have forged the code, or the
/// whole queue would read what is nobody's business.
fn is_delicate(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::BadSignature
            | Reason::CompromisedKey
            | Reason::RetiredKey
            | Reason::Revoked
            | Reason::NatPositive
            | Reason::RiskArea
            | Reason::ShownAlready
            | Reason::IdMismatch
    )
}

/// What a pass is for. Source: REQUIREMENTS, R1, R5, and R6.
fn pass_words(claims: Option<&Claims>) -> Words {
    match claims {
        Some(Claims { commuter: Some(_), .. }) => Words::new("通勤绿码", "Commuting green code"),
        Some(Claims { issuer: IssuerId::NATIONAL, .. }) | None => {
            Words::new("未见异常", "No abnormality")
        }
        Some(_) => Words::new("绿码", "Green code"),
    }
}

/// Who issued the code; with its colour where the status was found to be normal.
fn issuer_words(credential: &VerifiedCredential, decision: &Decision) -> Words {
    let name = credential.issuer_name();
    let (zh, en) = (legible(&name.zh), legible(&name.en));
    let issuer = credential.claims().issuer;
    match (decision.verdict(), issuer) {
        (Verdict::Pass | Verdict::CheckId, IssuerId::NATIONAL) => {
            Words::new(format!("{zh} 未见异常"), format!("{en}: no abnormality"))
        }
        (Verdict::Pass | Verdict::CheckId, issuer) if issuer.is_province() => {
            Words::new(format!("{zh} 绿码"), format!("{en} green code"))
        }
        _ => Words::new(zh, en),
    }
}

/// A length of time in its two largest units.
#[must_use]
pub fn age(age: TimeDelta) -> Words {
    let (days, hours, minutes) = (age.num_days(), age.num_hours() % 24, age.num_minutes() % 60);
    if days > 0 {
        Words::new(format!("{days} 天 {hours} 小时"), format!("{days} d {hours} h"))
    } else if hours > 0 {
        Words::new(format!("{hours} 小时 {minutes} 分"), format!("{hours} h {minutes} min"))
    } else {
        Words::new(format!("{minutes} 分钟"), format!("{minutes} min"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Cause;

    #[test]
    fn the_public_screen_sends_a_forged_code_to_the_desk() {
        let cause = Cause { reason: Reason::BadSignature, detail: None };
        let forged = Decision::Deny(cause, None);
        let of = |audience| {
            Presentation::of(&forged, &Basis::UNPROVISIONED, audience, Timestamp::UNIX_EPOCH)
        };
        let public = of(Audience::Public);
        assert_eq!((public.tone, public.code), (Verdict::Refer, None));
        let staff = of(Audience::Staff);
        assert_eq!((staff.tone, staff.code), (Verdict::Deny, Some("E20")));
    }
}
