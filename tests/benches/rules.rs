//! What benchmarks judge by, and a code that all of it looks at.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "shared by benchmarks, each of which uses a part"
)]

use chrono::TimeDelta;
use greengate::{
    clock::{Timestamp, shanghai_date},
    credential::{Nat, NatOutcome, NatResult, NatSource, Travel, TravelLevel, Visit},
    decision::Basis,
    issuer::IssuerId,
    symbol::SymbolText,
};
use serde_json::{Value, json};

use crate::common::{NOW, basis, code, files, key, key_entry, key_ring, recognition};

/// A code with all that the shipped rules look at.
pub fn commuter(now: Timestamp) -> SymbolText {
    code(|claims| {
        claims.commuter = Some(IssuerId::new(13));
        let uploaded = now - TimeDelta::days(3);
        let result = NatResult::Negative;
        let outcome = NatOutcome::Known { result, reported: uploaded, uploaded };
        claims.nat = Some(Nat { source: NatSource::National, sampled: uploaded, outcome });
        let visit = |area| Visit { area, last_day: shanghai_date(now) - TimeDelta::days(4) };
        let visits = vec![visit(130_681), visit(110_105)];
        claims.travel = Some(Travel { level: TravelLevel::None, as_of: uploaded, visits });
    })
}

pub fn shipped() -> Value {
    serde_json::from_slice(include_bytes!("../../assets/policy/cn-2021-11.json")).unwrap()
}

/// The rule that asks most, a thousand times.
pub fn thousand_rules() -> Value {
    let mut pack = shipped();
    let rules = pack["rules"].as_array_mut().unwrap();
    let days = rules.iter().find(|rule| rule["id"] == "CN-R2-DAYS").unwrap().clone();
    *rules = (0..1_000)
        .map(|index| {
            let mut rule = days.clone();
            rule["id"] = format!("R-{index}").into();
            rule
        })
        .collect();
    pack
}

pub fn with_policy(pack: &Value) -> Basis {
    let ring = key_ring(&[(11, vec![key_entry(&key(1), "active")])]);
    let mut files = files(&ring, &recognition(), pack);
    let areas = json!({"version": 1, "issued": NOW, "window_days": 14, "areas": [
        {"area": 420_106, "level": "medium", "from": "2021-11-01", "to": null},
    ]});
    files.risk_areas = Some(areas.to_string().into_bytes());
    basis(&files)
}
