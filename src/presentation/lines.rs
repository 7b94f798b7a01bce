//! What there is to say of a code beside the verdict, a line for each topic.

use chrono::{Days, NaiveDate, TimeDelta};

use super::{Audience, age, legible};
use crate::{
    clock::{Timestamp, shanghai_date},
    credential::{
        Claims, Nat, NatOutcome, NatResult, Relation, Travel, TravelLevel, Vaccination,
        VerifiedCredential,
    },
    decision::{Basis, Decision, Detail, Verdict},
    issuer::IssuerId,
    language::Words,
    place::Place,
    risk_area::RiskLevel,
};

/// For how many civil days after it came into a database a test counts. Source: REQUIREMENTS, R2.
const NAT_DAYS: i64 = 14;

/// The day from which on somebody is told to have the next test made. Source: REQUIREMENTS, R2.
const NAT_RENEWED_FROM: i64 = 12;

/// One thing to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// What of.
    pub topic: Topic,
    /// How much it matters.
    pub tone: LineTone,
    /// In words.
    pub words: Words,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// What is accepted instead, or must be done.
    Instead,
    /// The rule that decided.
    Rule,
    /// When the code was let pass before.
    Repeat,
    /// That the holder is a registered commuter.
    Commuter,
    /// The nucleic-acid test.
    Nat,
    /// What the code counts as.
    Equivalence,
    /// Who handles the code for its holder.
    Binding,
    /// Whose code it was made from.
    Origin,
    /// The country abroad that it comes from.
    Partner,
    /// Where the holder has been.
    Travel,
    /// Vaccination.
    Vaccination,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineTone {
    /// It marks the code as one of a kind.
    Badge,
    /// It is so.
    Plain,
    /// Something is to be done or looked at.
    Caution,
}

/// Everything there is to say to `audience`, the most important first. The public is told what it
/// can act on, and nothing of where somebody has been.
pub(super) fn of(
    decision: &Decision,
    basis: &Basis,
    audience: Audience,
    now: Timestamp,
) -> Vec<Line> {
    let mut lines = detail(decision);
    let Some(claims) = decision.credential().map(VerifiedCredential::claims) else {
        return lines;
    };
    let today = shanghai_date(now);
    let nat_day = claims.nat.as_ref().and_then(|nat| {
        let policy = basis.trust.as_ref()?.policy.as_ref()?;
        policy.nat_day(nat)
    });
    let nat = claims.nat.as_ref().map(|nat| self::nat(nat, nat_day, today));
    let commuter = claims.commuter.map(|home| {
        let left = nat_day.map(|day| NAT_DAYS - (today - day).num_days());
        commuter(home, left.filter(|_| is_negative(claims)))
    });
    match audience {
        Audience::Public => {
            lines.extend(commuter);
            lines.extend(nat.filter(|line| is_negative(claims) && line.tone == LineTone::Caution));
        }
        Audience::Staff => {
            lines.extend(commuter);
            lines.extend(nat);
            lines.extend(equivalence(decision, claims, basis.place));
            lines.extend(claims.binding.as_ref().map(|binding| bound(binding.relation)));
            lines.extend(claims.origin.map(origin));
            lines.extend(partner(claims.issuer));
            lines.extend(claims.travel.as_ref().map(|travel| self::travel(travel, basis, today)));
            lines.extend(claims.vaccination.map(vaccination));
        }
    }
    lines
}

fn plain(topic: Topic, zh: impl Into<String>, en: impl Into<String>) -> Line {
    Line { topic, tone: LineTone::Plain, words: Words::new(zh, en) }
}

fn caution(topic: Topic, zh: impl Into<String>, en: impl Into<String>) -> Line {
    Line { topic, tone: LineTone::Caution, words: Words::new(zh, en) }
}

/// What there is to say of the reason.
fn detail(decision: &Decision) -> Vec<Line> {
    match decision.detail() {
        None => Vec::new(),
        Some(Detail::Exception { filing, instead }) => {
            let filing = legible(filing);
            vec![
                caution(Topic::Rule, format!("备案号 {filing}"), format!("Filed as {filing}")),
                caution(Topic::Instead, legible(&instead.zh), legible(&instead.en)),
            ]
        }
        Some(Detail::Revocations(list)) => {
            let (issuer, month) = (list.issuer, list.month);
            vec![caution(
                Topic::Rule,
                format!("签发方 {issuer} 的撤销名单（{month}）无法读取"),
                format!("The revocations of issuer {issuer} for {month} cannot be read"),
            )]
        }
        Some(Detail::Rule { text, .. }) => {
            vec![caution(Topic::Rule, legible(&text.zh), legible(&text.en))]
        }
        Some(Detail::Shown { ago, gate }) => vec![repeat(*ago, gate.as_deref())],
    }
}

fn repeat(ago: TimeDelta, gate: Option<&str>) -> Line {
    let ago = match ago.num_seconds() {
        seconds @ ..60 => Words::new(format!("{seconds} 秒"), format!("{seconds} s")),
        _ => age(ago),
    };
    let gate = gate.filter(|gate| !gate.is_empty()).map(legible);
    match gate {
        Some(gate) => caution(
            Topic::Repeat,
            format!("{}前已在 {gate} 号口出示", ago.zh),
            format!("Shown {} ago at gate {gate}", ago.en),
        ),
        None => {
            caution(Topic::Repeat, format!("{}前已出示", ago.zh), format!("Shown {} ago", ago.en))
        }
    }
}

fn commuter(home: IssuerId, days_left: Option<i64>) -> Line {
    let home = home.name().unwrap_or_default();
    let (zh, en) = (format!("通勤 · {}", home.zh), format!("Commuter · {}", home.en));
    let words = match days_left {
        Some(1) => Words::new(format!("{zh} · 剩 1 天"), format!("{en} · 1 day left")),
        Some(left @ 0..=NAT_DAYS) => {
            Words::new(format!("{zh} · 剩 {left} 天"), format!("{en} · {left} days left"))
        }
        _ => Words::new(zh, en),
    };
    Line { topic: Topic::Commuter, tone: LineTone::Badge, words }
}

fn is_negative(claims: &Claims) -> bool {
    let outcome = claims.nat.as_ref().map(|nat| nat.outcome);
    matches!(outcome, Some(NatOutcome::Known { result: NatResult::Negative, .. }))
}

fn nat(nat: &Nat, day: Option<NaiveDate>, today: NaiveDate) -> Line {
    let result = match nat.outcome {
        NatOutcome::Pending => {
            return caution(Topic::Nat, "核酸结果未出", "NAT: no result yet");
        }
        NatOutcome::Known { result: NatResult::Positive, .. } => {
            return caution(Topic::Nat, "核酸阳性", "NAT positive");
        }
        NatOutcome::Known { result: NatResult::Negative, .. } => {
            Words::new("核酸阴性", "NAT negative")
        }
    };
    let Some(day) = day else { return plain(Topic::Nat, result.zh, result.en) };
    let (zh, en) = (result.zh, result.en);
    match (today - day).num_days() {
        age @ NAT_RENEWED_FROM..=NAT_DAYS => {
            let last = day + Days::new(NAT_DAYS.unsigned_abs());
            caution(
                Topic::Nat,
                format!("{zh} 第 {age} 天，请于 {last} 前再测"),
                format!("{en}, day {age} of {NAT_DAYS}: renew by {last}"),
            )
        }
        age @ 0..=NAT_DAYS => plain(
            Topic::Nat,
            format!("{zh} 第 {age} 天（共 {NAT_DAYS} 天）"),
            format!("{en}, day {age} of {NAT_DAYS}"),
        ),
        age => caution(
            Topic::Nat,
            format!("{zh} 第 {age} 天，已超过 {NAT_DAYS} 天"),
            format!("{en}, day {age}: more than {NAT_DAYS} days"),
        ),
    }
}

/// At the two kinds of checkpoint a commuter's green code counts as the paper certificate.
/// Source: REQUIREMENTS, R3.
fn equivalence(decision: &Decision, claims: &Claims, place: Option<Place>) -> Option<Line> {
    let lets_pass = matches!(decision.verdict(), Verdict::Pass | Verdict::CheckId);
    let at_checkpoint = matches!(place?, Place::RailCheckpoint | Place::HighwayCheckpoint);
    (lets_pass && at_checkpoint && claims.commuter.is_some() && is_negative(claims)).then(|| {
        plain(Topic::Equivalence, "等同纸质核酸证明", "Counts as the paper NAT certificate")
    })
}

fn bound(relation: Relation) -> Line {
    let (zh, en) = match relation {
        Relation::Child => ("子女", "child"),
        Relation::Parent => ("父母", "parent"),
        Relation::Spouse => ("配偶", "spouse"),
        Relation::Other => ("其他", "other"),
    };
    plain(Topic::Binding, format!("代办人的{zh}"), format!("Handled for the guardian's {en}"))
}

fn origin(origin: IssuerId) -> Line {
    let name = origin.name().unwrap_or_default();
    plain(Topic::Origin, format!("由{}健康码转换", name.zh), format!("Converted from {}", name.en))
}

fn partner(issuer: IssuerId) -> Option<Line> {
    let country = issuer.country()?;
    let (zh, en) = (format!("境外互认 {country}"), format!("Partner abroad: {country}"));
    Some(plain(Topic::Partner, zh, en))
}

/// The worse of what the issuer saw and what the terminal's own, newer list says.
fn travel(travel: &Travel, basis: &Basis, today: NaiveDate) -> Line {
    let visits = travel.visits.iter().map(|visit| (visit.area, visit.last_day));
    let list = basis.trust.as_ref().and_then(|trust| trust.risk_areas.as_ref());
    let listed = list.and_then(|list| list.worst(visits, today));
    let claimed = match travel.level {
        TravelLevel::None | TravelLevel::Unknown => None,
        TravelLevel::Medium => Some(RiskLevel::Medium),
        TravelLevel::High => Some(RiskLevel::High),
    };
    let (risk_zh, risk_en) = match claimed.max(listed) {
        Some(RiskLevel::Medium) => ("中风险地区", "medium-risk area"),
        Some(RiskLevel::High) => ("高风险地区", "high-risk area"),
        None if travel.level == TravelLevel::Unknown => {
            return plain(Topic::Travel, "行程未知", "Travel unknown");
        }
        None => return plain(Topic::Travel, "未到访中高风险地区", "No areas of risk visited"),
    };
    let (by_zh, by_en) = match (claimed, listed) {
        (claimed, listed) if listed > claimed => ("按最新名单", "by the newest list"),
        (claimed, listed) if listed < claimed => ("按行程卡", "by the travel card"),
        _ => ("行程卡与名单一致", "by travel card and list"),
    };
    let zh = format!("曾到访{risk_zh}（{by_zh}）");
    caution(Topic::Travel, zh, format!("Has been to a {risk_en} ({by_en})"))
}

fn vaccination(Vaccination { doses, day }: Vaccination) -> Line {
    let en = if doses == 1 { "dose" } else { "doses" };
    plain(
        Topic::Vaccination,
        format!("疫苗 {doses} 剂，末剂 {day}"),
        format!("Vaccinated: {doses} {en}, the last on {day}"),
    )
}
