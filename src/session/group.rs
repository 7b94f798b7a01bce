//! People who come together, a family or the passengers of a vehicle, counted together.
//!
//! Staff begin a group by a tap, and whoever comes then belongs to it. It also begins by itself
//! when a bound code follows its guardian's or one of the same guardian, and then only such codes
//! belong to it. It ends by a tap, when nobody has come for a while, or when the next one begins.

use chrono::TimeDelta;

use crate::{
    clock::Timestamp,
    credential::{CodeDigest, CodeId, VerifiedCredential},
    decision::{Decision, Reason, Verdict},
    language::Words,
};

/// The most people in a group. Source: REQUIREMENTS, R14: one person binds many.
pub const MAX_GROUP: usize = 9;

/// For how long nobody may come before a group is over: as long as staff see a result.
pub const GROUP_OVER_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Who came lately, and whether they belong together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Companions {
    members: Vec<Member>,
    began: Option<Began>,
    last: Timestamp,
}

/// How a group began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Began {
    ByTap,
    ByRelation,
}

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Member {
    digest: CodeDigest,
    code_id: Option<CodeId>,
    guardian: Option<CodeId>,
    standing: Standing,
}

/// What has become of one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Passed,
    ToCheck,
    ToDesk,
}

/// What a group has come to so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Everybody.
    pub all: usize,
    /// Those who may pass.
    pub passed: usize,
    /// Those whose document staff have yet to compare.
    pub to_check: usize,
    /// Those who may not, or not yet.
    pub to_desk: usize,
}

impl Companions {
    /// Begins a group, or ends the one there is.
    pub fn tap(&mut self, now: Timestamp) {
        *self = match self.began {
            Some(_) => Self::default(),
            None => Self { members: Vec::new(), began: Some(Began::ByTap), last: now },
        };
    }

    /// Counts a decision about the code with that digest. What is to be shown again does not count
    /// yet, and a member who is only recognised again has been counted.
    pub fn judged(&mut self, decision: &Decision, digest: Option<CodeDigest>, now: Timestamp) {
        self.pass_time(now);
        let Some((standing, digest)) = standing(decision).zip(digest) else { return };
        let claims = decision.credential().map(VerifiedCredential::claims);
        let member = Member {
            digest,
            code_id: claims.map(|claims| claims.code_id.clone()),
            guardian: claims.and_then(|claims| Some(claims.binding.as_ref()?.guardian.clone())),
            standing,
        };
        if let Some(known) = self.members.iter_mut().find(|known| known.digest == digest) {
            if decision.reason() != Some(Reason::ShownAlready) {
                *known = member;
            }
            self.last = now;
            return;
        }
        let is_related = self.members.iter().any(|known| known.is_related_to(&member));
        let has_room = self.members.len() < MAX_GROUP;
        self.began = match self.began {
            Some(began) if has_room && (began == Began::ByTap || is_related) => Some(began),
            None if is_related => Some(Began::ByRelation),
            _ => {
                self.members.clear();
                None
            }
        };
        self.members.push(member);
        self.last = now;
    }

    /// Staff have compared the document of the one who came last, and it agrees.
    pub fn agreed(&mut self) {
        if let Some(Member { standing: standing @ Standing::ToCheck, .. }) = self.members.last_mut()
        {
            *standing = Standing::Passed;
        }
    }

    /// Somebody of the group is being dealt with: while that lasts the group is not over.
    pub fn attend(&mut self, now: Timestamp) {
        if self.began.is_some() {
            self.last = now;
        }
    }

    /// Lets time pass.
    pub fn pass_time(&mut self, now: Timestamp) {
        if now - self.last >= GROUP_OVER_AFTER || now < self.last {
            *self = Self::default();
        }
    }

    /// What the group has come to so far, if there is one.
    #[must_use]
    pub fn tally(&self) -> Option<Tally> {
        self.began?;
        let count =
            |standing| self.members.iter().filter(|member| member.standing == standing).count();
        Some(Tally {
            all: self.members.len(),
            passed: count(Standing::Passed),
            to_check: count(Standing::ToCheck),
            to_desk: count(Standing::ToDesk),
        })
    }
}

impl Member {
    /// Whether one of them is the other's guardian, or both have the same.
    fn is_related_to(&self, other: &Self) -> bool {
        let is_guardian =
            |one: &Self, other: &Self| one.code_id.is_some() && one.code_id == other.guardian;
        let siblings = self.guardian.is_some() && self.guardian == other.guardian;
        siblings || is_guardian(self, other) || is_guardian(other, self)
    }
}

fn standing(decision: &Decision) -> Option<Standing> {
    match decision.verdict() {
        Verdict::Pass => Some(Standing::Passed),
        Verdict::CheckId => Some(Standing::ToCheck),
        Verdict::Refer | Verdict::Deny => Some(Standing::ToDesk),
        Verdict::Retry => None,
    }
}

impl Tally {
    /// "2/3 passed, 1 to the desk".
    #[must_use]
    pub fn words(self) -> Words {
        let Self { all, passed, to_check, to_desk } = self;
        if all == 0 {
            return Words::new("请依次出示", "Show the codes one after the other");
        }
        let passed =
            [Words::new(format!("{passed}/{all} 已通过"), format!("{passed}/{all} passed"))];
        let to_check = (to_check > 0).then(|| {
            Words::new(format!("{to_check} 人待核对证件"), format!("{to_check} to check"))
        });
        let to_desk = (to_desk > 0)
            .then(|| Words::new(format!("{to_desk} 人到人工台"), format!("{to_desk} to the desk")));
        let parts = passed.into_iter().chain(to_check).chain(to_desk);
        let (zh, en): (Vec<_>, Vec<_>) = parts.map(|Words { zh, en }| (zh, en)).unzip();
        Words::new(zh.join("，"), en.join(", "))
    }
}
