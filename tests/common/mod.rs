//! A small issuer with fixed keys, and trust lists that know it.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared by tests, each of which uses a part, and where a panic is the report"
)]

use ed25519_dalek::{Signer, SigningKey};
use greengate::{
    clock::Timestamp,
    credential::{Claims, CodeId, HolderName, IdTail, Kind, write},
    decision::{self, Basis, Decision, History},
    issuer::IssuerId,
    key_ring::KeyId,
    place::Place,
    revocation::{ListId, Prefix, RevocationFile, Revocations},
    symbol::{Reading, SymbolText},
    trust::{Trust, TrustFiles},
};
use serde_json::{Value, json};

/// Judges a text at a terminal that has let nobody pass.
pub fn judge(text: &SymbolText, basis: &Basis, now: Timestamp) -> Decision {
    decision::judge(text, basis, &History::empty(), now)
}

/// Judges a reading at a terminal that has let nobody pass.
pub fn judge_reading(reading: &Reading, basis: &Basis, now: Timestamp) -> Option<Decision> {
    decision::judge_reading(reading, basis, &History::empty(), now)
}

/// 2021-11-20 at eight in the morning in Shanghai.
pub const NOW: &str = "2021-11-20T00:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn text(text: &str) -> SymbolText {
    SymbolText::new(text).unwrap()
}

/// The key that is made of one number.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A key ring's entry for a key.
pub fn key_entry(key: &SigningKey, status: &str) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let public = key.verifying_key();
    json!({
        "kid": KeyId::of(&public).to_string(),
        "public_key": STANDARD.encode(public.as_bytes()),
        "valid_from": "2021-01-01T00:00:00Z",
        "status": status,
    })
}

/// A key ring with these keys, by issuer.
pub fn key_ring(issuers: &[(u16, Vec<Value>)]) -> Value {
    let issuers: Vec<_> = issuers
        .iter()
        .map(|(issuer, keys)| {
            json!({"issuer": issuer, "name": {"zh": "省", "en": "Province"}, "keys": keys})
        })
        .collect();
    json!({"version": 7, "issued": "2021-11-19T20:00:00Z", "issuers": issuers})
}

/// Statuses 0 review, 1 normal, 2 watch, 3 stop, for issuers 11 and 156.
pub fn recognition() -> Value {
    let statuses = json!({"0": "review", "1": "normal", "2": "watch", "3": "stop"});
    json!({
        "version": 3, "issued": "2021-11-19T20:00:00Z",
        "transcoding": [
            {"issuer": 11, "statuses": statuses}, {"issuer": 156, "statuses": statuses},
        ],
        "exceptions": [], "partners": [],
    })
}

/// A policy without rules.
pub fn policy() -> Value {
    json!({
        "name": "TEST", "version": 5, "issued": "2021-11-19T20:00:00Z",
        "time_zone": "Asia/Shanghai", "nat_anchor": "uploaded",
        "trust_age_hours": {"warn": 24, "check_id": 48, "refer": 168},
        "max_lifetime_hours": {"phone": 24, "paper": 336},
        "repeat_window_seconds": 300, "clock_tolerance_seconds": 120, "rules": [],
    })
}

/// The files of a set of lists.
pub fn files(key_ring: &Value, recognition: &Value, policy: &Value) -> TrustFiles {
    TrustFiles {
        key_ring: key_ring.to_string().into_bytes(),
        recognition: Some(recognition.to_string().into_bytes()),
        risk_areas: None,
        policy: Some(policy.to_string().into_bytes()),
    }
}

/// A set of lists that knows key 1 of issuers 11 and 156.
pub fn usual_files() -> TrustFiles {
    let keys = || vec![key_entry(&key(1), "active")];
    files(&key_ring(&[(11, keys()), (156, keys())]), &recognition(), &policy())
}

/// A basis at a railway checkpoint.
pub fn basis(files: &TrustFiles) -> Basis {
    Basis::of(Trust::parse(files).unwrap(), Some(Place::RailCheckpoint))
}

/// A list of revocations that has the code of these claims.
pub fn revoked(claims: &Claims) -> Revocations {
    Revocations::of([revocation(claims)])
}

/// The list that has the code of these claims.
pub fn revocation(claims: &Claims) -> RevocationFile {
    let list = ListId::of(claims.issuer, claims.expires);
    let entry = Prefix::of(claims.issuer, &claims.code_id);
    RevocationFile::write(tempfile::tempfile().unwrap(), list, 1, [Ok(entry)]).unwrap()
}

/// A green code of Beijing for a phone, issued an hour before [`NOW`] and good for twelve.
pub fn claims() -> Claims {
    Claims {
        issuer: IssuerId::new(11),
        expires: at("2021-11-20T11:00:00Z"),
        issued: at("2021-11-19T23:00:00Z"),
        code_id: CodeId::new(vec![7; 12]).unwrap(),
        status: 1,
        kind: Kind::Phone,
        name: HolderName::new("张**").unwrap(),
        id_tail: IdTail::new("002X").unwrap(),
        document_match: None,
        nat: None,
        vaccination: None,
        travel: None,
        commuter: None,
        binding: None,
        origin: None,
    }
}

/// The usual claims with one thing changed, signed with key 1.
pub fn code(change: impl FnOnce(&mut Claims)) -> SymbolText {
    let mut claims = claims();
    change(&mut claims);
    write(&claims, &key(1)).unwrap()
}

/// The bytes of a code's envelope.
pub fn envelope(code: &SymbolText) -> Vec<u8> {
    base45::decode(code.as_str().strip_prefix("JKM1:").unwrap()).unwrap()
}

/// The text of an envelope's bytes.
pub fn text_of(envelope: &[u8]) -> SymbolText {
    text(&format!("JKM1:{}", base45::encode(envelope)))
}

/// CBOR by hand, so that it can be written wrong. Source: RFC 8949, section 3.
pub mod cbor {
    pub fn uint(value: u64) -> Vec<u8> {
        head(0, value)
    }

    pub fn bytes(value: &[u8]) -> Vec<u8> {
        [head(2, value.len().try_into().unwrap()), value.to_vec()].concat()
    }

    pub fn text(value: &str) -> Vec<u8> {
        [head(3, value.len().try_into().unwrap()), value.as_bytes().to_vec()].concat()
    }

    pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
        [head(4, items.len().try_into().unwrap()), items.concat()].concat()
    }

    pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let body: Vec<u8> =
            entries.iter().flat_map(|(key, value)| [&key[..], value].concat()).collect();
        [head(5, entries.len().try_into().unwrap()), body].concat()
    }

    pub fn negative(value: i64) -> Vec<u8> {
        head(1, (-1 - value).try_into().unwrap())
    }

    fn head(major: u8, value: u64) -> Vec<u8> {
        let first = major << 5;
        let bytes = value.to_be_bytes();
        match value {
            0..24 => vec![first | bytes[7]],
            24..0x100 => vec![first | 0x18, bytes[7]],
            0x100..0x1_0000 => [&[first | 0x19], &bytes[6..]].concat(),
            0x1_0000..0x1_0000_0000 => [&[first | 0x1A], &bytes[4..]].concat(),
            _ => [&[first | 0x1B], &bytes[..]].concat(),
        }
    }
}

/// An envelope by hand, signed with key 1 over whatever it says.
pub struct Envelope {
    pub tag: Vec<u8>,
    pub protected: Vec<u8>,
    pub unprotected: Vec<u8>,
    pub payload: Vec<u8>,
    pub aad: &'static [u8],
    pub behind: Vec<u8>,
}

impl Envelope {
    /// The usual one around `payload`.
    pub fn around(payload: Vec<u8>) -> Self {
        let key_id = KeyId::of(&key(1).verifying_key()).bytes();
        Self {
            tag: vec![0xD2],
            protected: cbor::map(&[
                (cbor::uint(1), cbor::negative(-19)),
                (cbor::uint(4), cbor::bytes(&key_id)),
            ]),
            unprotected: vec![0xA0],
            payload,
            aad: b"JKM1",
            behind: Vec::new(),
        }
    }

    /// The usual one around the usual claims.
    pub fn usual() -> Self {
        Self::around(payload(&Health::usual()))
    }

    pub fn sign(&self) -> Vec<u8> {
        let to_be_signed = cbor::array(&[
            cbor::text("Signature1"),
            cbor::bytes(&self.protected),
            cbor::bytes(self.aad),
            cbor::bytes(&self.payload),
        ]);
        let signature = key(1).sign(&to_be_signed).to_bytes();
        let body = cbor::array(&[
            cbor::bytes(&self.protected),
            self.unprotected.clone(),
            cbor::bytes(&self.payload),
            cbor::bytes(&signature),
        ]);
        [&self.tag[..], &body, &self.behind].concat()
    }
}

/// The fields of the health claims by hand.
pub struct Health(pub Vec<(Vec<u8>, Vec<u8>)>);

impl Health {
    /// Status 1, a phone, 张**, 002X.
    pub fn usual() -> Self {
        Self(vec![
            (cbor::uint(0), cbor::uint(1)),
            (cbor::uint(1), cbor::uint(1)),
            (cbor::uint(2), cbor::text("张**")),
            (cbor::uint(3), cbor::text("002X")),
        ])
    }

    /// The usual with one more field.
    pub fn with(key: u64, value: Vec<u8>) -> Self {
        let mut health = Self::usual();
        health.0.push((cbor::uint(key), value));
        health
    }

    /// The usual with another value of one field.
    pub fn but(key: usize, value: Vec<u8>) -> Self {
        let mut health = Self::usual();
        health.0[key].1 = value;
        health
    }
}

/// The top claims of a payload by hand, in their order.
pub fn top_claims(health: &Health) -> Vec<(Vec<u8>, Vec<u8>)> {
    let seconds = |instant: Timestamp| cbor::uint(instant.timestamp().try_into().unwrap());
    vec![
        (cbor::uint(1), cbor::uint(11)),
        (cbor::uint(4), seconds(claims().expires)),
        (cbor::uint(6), seconds(claims().issued)),
        (cbor::uint(7), cbor::bytes(&[7; 12])),
        (cbor::negative(-65537), cbor::map(&health.0)),
    ]
}

/// A payload by hand: issuer 11 and the dates of [`claims`].
pub fn payload(health: &Health) -> Vec<u8> {
    cbor::map(&top_claims(health))
}
