//! What the rules see of a code, as one JSON value.
//!
//! The form is that of the trust documents' specification: `payload` is what the issuer says,
//! with the status in its normal meaning; `external` is when and where. Two members are the
//! terminal's own: a test's age in civil days of the policy's zone, and how its risk-area list,
//! newer than the code, sees the areas visited.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::Footing;
use crate::{
    clock::{Timestamp, shanghai_date},
    credential::{Claims, Nat, NatOutcome, NatResult, NatSource, Travel, TravelLevel},
    policy::Policy,
    recognition::NormalStatus,
    risk_area::{RiskAreas, RiskLevel},
};

/// The facts of a code whose status has the normal meaning `status`.
pub(super) fn of(
    claims: &Claims,
    status: NormalStatus,
    footing: &Footing<'_>,
    now: Timestamp,
) -> Value {
    let nat = claims.nat.as_ref().map(|nat| self::nat(nat, footing.policy, now));
    let vaccination = claims
        .vaccination
        .map(|vaccination| json!({"doses": vaccination.doses, "day": vaccination.day.to_string()}));
    let risk_areas = footing.trust.risk_areas.as_ref();
    let travel = claims.travel.as_ref().map(|travel| self::travel(travel, risk_areas, now));
    json!({
        "payload": {
            "issuer": claims.issuer,
            "kind": claims.kind.code(),
            "status": status,
            "origin": claims.origin,
            "commuter": claims.commuter,
            "bound": claims.binding.is_some(),
            "nat": nat,
            "vaccination": vaccination,
            "travel": travel,
        },
        "external": {
            "validationClock": instant(now),
            "today": shanghai_date(now).to_string(),
            "place": footing.place,
        },
    })
}

fn nat(nat: &Nat, policy: &Policy, now: Timestamp) -> Value {
    let Nat { source, sampled, outcome } = nat;
    let (result, reported, uploaded) = match *outcome {
        NatOutcome::Pending => ("pending", None, None),
        NatOutcome::Known { result: NatResult::Negative, reported, uploaded } => {
            ("negative", Some(reported), Some(uploaded))
        }
        NatOutcome::Known { result: NatResult::Positive, reported, uploaded } => {
            ("positive", Some(reported), Some(uploaded))
        }
    };
    let source = match source {
        NatSource::National => "national",
        NatSource::Municipal => "municipal",
    };
    let age_days = policy.nat_day(nat).map(|day| (shanghai_date(now) - day).num_days());
    json!({
        "result": result,
        "source": source,
        "sampled": instant(*sampled),
        "reported": reported.map(instant),
        "uploaded": uploaded.map(instant),
        "age_days": age_days,
    })
}

fn travel(travel: &Travel, risk_areas: Option<&RiskAreas>, now: Timestamp) -> Value {
    let level = match travel.level {
        TravelLevel::None => "none",
        TravelLevel::Medium => "medium",
        TravelLevel::High => "high",
        TravelLevel::Unknown => "unknown",
    };
    let today = shanghai_date(now);
    let visits = travel.visits.iter().map(|visit| (visit.area, visit.last_day));
    let listed = risk_areas.and_then(|list| list.worst(visits, today));
    let listed = match listed {
        // Where the holder has been means nothing to a terminal without a list.
        None if risk_areas.is_none() && !travel.visits.is_empty() => None,
        None => Some("none"),
        Some(RiskLevel::Medium) => Some("medium"),
        Some(RiskLevel::High) => Some("high"),
    };
    json!({"level": level, "as_of": instant(travel.as_of), "listed": listed})
}

/// An instant as the rules compare them: RFC 3339 in UTC.
fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
