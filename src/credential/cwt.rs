//! Claims as a CBOR map, and back.
//!
//! Reading takes each known claim out of its map and refuses whatever is left, so that an unknown
//! claim, a foreign key, or one that stands twice cannot hide. Whether a value was written in its
//! shortest form is not looked at here: the caller writes what was read and compares.

use chrono::{Days, NaiveDate};
use ciborium::Value;

use super::{
    ParseError, WriteError,
    claims::{
        Binding, Claims, CodeId, DocumentMatch, HolderName, IdTail, Kind, Nat, NatOutcome,
        NatResult, NatSource, Relation, Travel, TravelLevel, Vaccination, Visit,
    },
};
use crate::{
    clock::{Timestamp, shanghai_date},
    issuer::IssuerId,
};

/// The claims of RFC 8392, section 4, by their keys.
const ISSUER: i64 = 1;
const EXPIRES: i64 = 4;
const ISSUED: i64 = 6;
const CODE_ID: i64 = 7;

/// The health claims, under a key for private use (RFC 8392, section 9.1.1), and what they hold.
const HEALTH: i64 = -65537;
const STATUS: i64 = 0;
const KIND: i64 = 1;
const NAME: i64 = 2;
const ID_TAIL: i64 = 3;
const DOCUMENT_MATCH: i64 = 4;
const NAT: i64 = 5;
const VACCINATION: i64 = 6;
const TRAVEL: i64 = 7;
const COMMUTER: i64 = 8;
const BINDING: i64 = 9;
const ORIGIN: i64 = 10;

/// Numbers of six digits, as GB/T 2260 has them.
const AREAS: std::ops::RangeInclusive<u32> = 100_000..=999_999;

/// Reads the claims of a code.
pub(super) fn read(bytes: &[u8]) -> Result<Claims, ParseError> {
    let payload = ciborium::from_reader(bytes).map_err(|_| ParseError::Claim { claim: "all" })?;
    let mut claims = Fields::of(payload, "all")?;
    let signer = claims.require(ISSUER, "issuer", issuer)?;
    let expires = claims.require(EXPIRES, "expires", instant)?;
    let issued = claims.require(ISSUED, "issued", instant)?;
    let code_id = claims.require(CODE_ID, "code id", code_id)?;
    let mut health = Fields::of(claims.require(HEALTH, "health", Some)?, "health")?;
    claims.end()?;
    let claims = Claims {
        issuer: signer,
        expires,
        issued,
        code_id,
        status: health.require(STATUS, "status", uint)?,
        kind: health.require(KIND, "kind", kind)?,
        name: health.require(NAME, "name", |value| HolderName::new(text(value)?))?,
        id_tail: health.require(ID_TAIL, "document tail", |value| IdTail::new(text(value)?))?,
        document_match: health.optional(DOCUMENT_MATCH, "document match", document_match)?,
        nat: health.optional(NAT, "test", |value| nat(value, issued))?,
        vaccination: health.optional(VACCINATION, "vaccination", vaccination)?,
        travel: health.optional(TRAVEL, "travel", |value| travel(value, issued))?,
        commuter: health.optional(COMMUTER, "commuter", province)?,
        binding: health.optional(BINDING, "binding", binding)?,
        origin: health.optional(ORIGIN, "origin", province)?,
    };
    health.end()?;
    if claims.expires <= claims.issued {
        return Err(ParseError::EndsBeforeItBegins);
    }
    // Only the national platform makes codes from other issuers'.
    if claims.origin.is_some() && claims.issuer != IssuerId::NATIONAL {
        return Err(ParseError::Claim { claim: "origin" });
    }
    Ok(claims)
}

/// Writes the claims of a code, keys in their order.
pub(super) fn write(claims: &Claims) -> Result<Vec<u8>, WriteError> {
    let Claims { issuer, expires, issued, code_id, .. } = claims;
    let payload = map([
        (ISSUER, Some(issuer.number().into())),
        (EXPIRES, Some(seconds(*expires, "expires")?)),
        (ISSUED, Some(seconds(*issued, "issued")?)),
        (CODE_ID, Some(Value::Bytes(code_id.as_bytes().to_vec()))),
        (HEALTH, Some(write_health(claims)?)),
    ]);
    let mut bytes = Vec::new();
    ciborium::into_writer(&payload, &mut bytes).map_err(|_| WriteError { claim: "all" })?;
    Ok(bytes)
}

/// A CBOR map under reading.
struct Fields(Vec<(Value, Value)>);

impl Fields {
    /// The fields of `value`, which is the claim of that name.
    fn of(value: Value, claim: &'static str) -> Result<Self, ParseError> {
        value.into_map().map(Self).map_err(|_| ParseError::Claim { claim })
    }

    /// Takes out a field that may be absent.
    fn optional<T>(
        &mut self,
        key: i64,
        claim: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        let key = Value::from(key);
        let Some(position) = self.0.iter().position(|(other, _)| *other == key) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(position);
        read(value).map(Some).ok_or(ParseError::Claim { claim })
    }

    /// Takes out a field that must be there.
    fn require<T>(
        &mut self,
        key: i64,
        claim: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, ParseError> {
        self.optional(key, claim, read)?.ok_or(ParseError::Claim { claim })
    }

    /// Refuses whatever is left.
    fn end(self) -> Result<(), ParseError> {
        if self.0.is_empty() { Ok(()) } else { Err(ParseError::UnknownClaim) }
    }
}

fn uint(value: Value) -> Option<u64> {
    value.into_integer().ok()?.try_into().ok()
}

fn text(value: Value) -> Option<String> {
    value.into_text().ok()
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    value.into_bytes().ok()
}

/// The items of an array that has just so many.
fn items<const N: usize>(value: Value) -> Option<[Value; N]> {
    value.into_array().ok()?.try_into().ok()
}

fn instant(value: Value) -> Option<Timestamp> {
    Timestamp::from_timestamp(uint(value)?.try_into().ok()?, 0)
}

/// The whole minute so many minutes before the code was issued.
fn minutes_before(value: Value, issued: Timestamp) -> Option<Timestamp> {
    let minute = minute(issued).checked_sub_unsigned(uint(value)?)?;
    (minute >= 0).then(|| Timestamp::from_timestamp(minute * 60, 0))?
}

fn issuer(value: Value) -> Option<IssuerId> {
    uint(value)?.try_into().ok().map(IssuerId::new)
}

fn province(value: Value) -> Option<IssuerId> {
    issuer(value).filter(|province| province.is_province())
}

fn code_id(value: Value) -> Option<CodeId> {
    CodeId::new(bytes(value)?)
}

fn kind(value: Value) -> Option<Kind> {
    match uint(value)? {
        1 => Some(Kind::Phone),
        2 => Some(Kind::Paper),
        _ => None,
    }
}

fn document_match(value: Value) -> Option<DocumentMatch> {
    let [epoch, digest] = items(value)?;
    Some(DocumentMatch { epoch: uint(epoch)?, digest: bytes(digest)?.try_into().ok()? })
}

fn nat(value: Value, issued: Timestamp) -> Option<Nat> {
    let [result, source, sampled, reported, uploaded] = items(value)?;
    let known = |result| {
        Some(NatOutcome::Known {
            result,
            reported: minutes_before(reported.clone(), issued)?,
            uploaded: minutes_before(uploaded.clone(), issued)?,
        })
    };
    let outcome = match uint(result)? {
        0 => known(NatResult::Negative)?,
        1 => known(NatResult::Positive)?,
        2 if reported.is_null() && uploaded.is_null() => NatOutcome::Pending,
        _ => return None,
    };
    let source = match uint(source)? {
        0 => NatSource::National,
        1 => NatSource::Municipal,
        _ => return None,
    };
    Some(Nat { source, sampled: minutes_before(sampled, issued)?, outcome })
}

fn vaccination(value: Value) -> Option<Vaccination> {
    let [doses, day] = items(value)?;
    let day = NaiveDate::default().checked_add_days(Days::new(uint(day)?))?;
    Some(Vaccination { doses: uint(doses)?, day })
}

fn travel(value: Value, issued: Timestamp) -> Option<Travel> {
    let [level, as_of, visits] = items(value)?;
    let level = match uint(level)? {
        0 => TravelLevel::None,
        1 => TravelLevel::Medium,
        2 => TravelLevel::High,
        3 => TravelLevel::Unknown,
        _ => return None,
    };
    let visits = visits.into_array().ok()?;
    if visits.len() > Travel::MAX_VISITS {
        return None;
    }
    let visit = |value| {
        let [area, days] = items(value)?;
        let area = u32::try_from(uint(area)?).ok().filter(|area| AREAS.contains(area))?;
        let last_day = shanghai_date(issued).checked_sub_days(Days::new(uint(days)?))?;
        Some(Visit { area, last_day })
    };
    Some(Travel {
        level,
        as_of: minutes_before(as_of, issued)?,
        visits: visits.into_iter().map(visit).collect::<Option<_>>()?,
    })
}

fn binding(value: Value) -> Option<Binding> {
    let [relation, guardian] = items(value)?;
    let relation = match uint(relation)? {
        1 => Relation::Child,
        2 => Relation::Parent,
        3 => Relation::Spouse,
        4 => Relation::Other,
        _ => return None,
    };
    Some(Binding { relation, guardian: code_id(guardian)? })
}

fn write_health(claims: &Claims) -> Result<Value, WriteError> {
    let issued = claims.issued;
    Ok(map([
        (STATUS, Some(claims.status.into())),
        (
            KIND,
            Some(Value::from(match claims.kind {
                Kind::Phone => 1,
                Kind::Paper => 2,
            })),
        ),
        (NAME, Some(claims.name.as_str().into())),
        (ID_TAIL, Some(claims.id_tail.as_str().into())),
        (DOCUMENT_MATCH, claims.document_match.as_ref().map(write_document_match)),
        (NAT, claims.nat.as_ref().map(|nat| write_nat(nat, issued)).transpose()?),
        (VACCINATION, claims.vaccination.map(write_vaccination).transpose()?),
        (TRAVEL, claims.travel.as_ref().map(|travel| write_travel(travel, issued)).transpose()?),
        (COMMUTER, claims.commuter.map(|province| province.number().into())),
        (BINDING, claims.binding.as_ref().map(write_binding)),
        (ORIGIN, claims.origin.map(|issuer| issuer.number().into())),
    ]))
}

/// A map of the fields that are there, in the order in which they are given.
fn map<const N: usize>(fields: [(i64, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(key, value)| Some((key.into(), value?)));
    Value::Map(present.collect())
}

/// An instant at or after 1970 and on a whole second.
fn seconds(instant: Timestamp, claim: &'static str) -> Result<Value, WriteError> {
    let whole = instant.timestamp_subsec_nanos() == 0;
    let seconds = u64::try_from(instant.timestamp()).ok().filter(|_| whole);
    seconds.map(Value::from).ok_or(WriteError { claim })
}

/// The number of the minute that `instant` lies in, since 1970.
fn minute(instant: Timestamp) -> i64 {
    instant.timestamp().div_euclid(60)
}

fn write_minutes_before(
    instant: Timestamp,
    issued: Timestamp,
    claim: &'static str,
) -> Result<Value, WriteError> {
    let minutes = u64::try_from(minute(issued) - minute(instant));
    minutes.map(Value::from).map_err(|_| WriteError { claim })
}

fn write_document_match(DocumentMatch { epoch, digest }: &DocumentMatch) -> Value {
    Value::Array(vec![(*epoch).into(), Value::Bytes(digest.to_vec())])
}

fn write_nat(
    Nat { source, sampled, outcome }: &Nat,
    issued: Timestamp,
) -> Result<Value, WriteError> {
    let before = |instant| write_minutes_before(instant, issued, "test");
    let (result, reported, uploaded) = match *outcome {
        NatOutcome::Pending => (2, Value::Null, Value::Null),
        NatOutcome::Known { result, reported, uploaded } => {
            let result = match result {
                NatResult::Negative => 0,
                NatResult::Positive => 1,
            };
            (result, before(reported)?, before(uploaded)?)
        }
    };
    let source = match source {
        NatSource::National => 0,
        NatSource::Municipal => 1,
    };
    Ok(Value::Array(vec![result.into(), source.into(), before(*sampled)?, reported, uploaded]))
}

fn write_vaccination(Vaccination { doses, day }: Vaccination) -> Result<Value, WriteError> {
    let days = u64::try_from((day - NaiveDate::default()).num_days());
    let days = days.map_err(|_| WriteError { claim: "vaccination" })?;
    Ok(Value::Array(vec![doses.into(), days.into()]))
}

fn write_travel(
    Travel { level, as_of, visits }: &Travel,
    issued: Timestamp,
) -> Result<Value, WriteError> {
    let level = match level {
        TravelLevel::None => 0,
        TravelLevel::Medium => 1,
        TravelLevel::High => 2,
        TravelLevel::Unknown => 3,
    };
    let today = shanghai_date(issued);
    let visits = visits
        .iter()
        .map(|Visit { area, last_day }| {
            let days = u64::try_from((today - *last_day).num_days());
            let days = days.map_err(|_| WriteError { claim: "travel" })?;
            Ok(Value::Array(vec![(*area).into(), days.into()]))
        })
        .collect::<Result<_, _>>()?;
    let as_of = write_minutes_before(*as_of, issued, "travel")?;
    Ok(Value::Array(vec![level.into(), as_of, Value::Array(visits)]))
}

fn write_binding(Binding { relation, guardian }: &Binding) -> Value {
    let relation = match relation {
        Relation::Child => 1,
        Relation::Parent => 2,
        Relation::Spouse => 3,
        Relation::Other => 4,
    };
    Value::Array(vec![relation.into(), Value::Bytes(guardian.as_bytes().to_vec())])
}
