//! Revoked codes: the lists, whom they stop, and how they come from the desk to the gate.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

#[path = "../common/mod.rs"]
mod common;
mod desk;
mod files;
mod kept;

use std::{collections::BTreeSet, fs::File, path::Path};

use common::{NOW, at, basis, claims, code, judge, revoked, usual_files};
use greengate::{
    credential::{Claims, CodeId},
    decision::{Basis, Decision, History, Outcome, Reason, explain},
    issuer::IssuerId,
    revocation::{Change, DeltaFile, Edition, ListId, Month, Prefix, RevocationFile},
};
use tempfile::tempfile;

/// The list that the usual code would be in.
fn beijing() -> ListId {
    ListId { issuer: IssuerId::new(11), month: Month::from_number(202_111).unwrap() }
}

fn prefix(number: u64) -> Prefix {
    Prefix::from_bytes(number.to_be_bytes())
}

/// A list of these entries in a file.
fn list(version: u64, entries: &BTreeSet<u64>, file: File) -> RevocationFile {
    let entries = entries.iter().map(|number| Ok(prefix(*number)));
    RevocationFile::write(file, beijing(), version, entries).unwrap()
}

/// A new file to be written and read.
fn new_file(path: &Path) -> File {
    File::options().read(true).write(true).create_new(true).open(path).unwrap()
}

/// Entries as digests are: spread evenly, the same each time.
fn spread(count: u64) -> BTreeSet<u64> {
    (0..count).map(|number| (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect()
}

/// The change from one set to another.
fn change(before: &BTreeSet<u64>, after: &BTreeSet<u64>) -> Change {
    let new =
        |these: &BTreeSet<u64>, others| these.difference(others).copied().map(prefix).collect();
    Change { added: new(after, before), removed: new(before, after) }
}

/// Writes the change from one set to another, and says what comes of it.
fn write_change(
    path: &Path,
    before: (u64, &BTreeSet<u64>),
    after: (u64, &BTreeSet<u64>),
) -> Edition {
    let outcome = list(after.0, after.1, tempfile().unwrap()).edition();
    DeltaFile::write(&new_file(path), before.0, outcome, &change(before.1, after.1)).unwrap();
    outcome
}
/// The block with this number, with bytes put over it, and its check made good.
fn forge(bytes: &mut [u8], block: usize, at: usize, put: &[u8]) {
    let block = &mut bytes[512 * block..512 * (block + 1)];
    block[at..at + put.len()].copy_from_slice(put);
    let check = crc32fast::hash(&block[..508]);
    block[508..].copy_from_slice(&check.to_be_bytes());
}
fn told(decision: &Decision) -> (&'static str, Option<&'static str>) {
    (decision.verdict().code(), decision.reason().map(Reason::code))
}
#[test]
fn a_revoked_code_is_stopped_after_the_dates_and_before_all_else() {
    let usual = Basis { revocations: revoked(&claims()), ..basis(&usual_files()) };
    let mut excepted = common::recognition();
    excepted["exceptions"] = serde_json::json!([{
        "issuer": 11, "places": ["rail_checkpoint"], "from": "2021-11-01T00:00:00Z",
        "to": "2021-12-01T00:00:00Z", "filed": "2021-11-01T00:00:00Z", "filing": "1",
        "instead": {"zh": "", "en": ""},
    }]);
    let mut files = usual_files();
    files.recognition = Some(excepted.to_string().into_bytes());
    let excepted = Basis { revocations: revoked(&claims()), ..basis(&files) };
    let none = basis(&usual_files());
    let same: fn(&mut Claims) = |_| {};
    let red: fn(&mut Claims) = |claims| claims.status = 3;
    let other: fn(&mut Claims) = |claims| claims.code_id = CodeId::new(vec![8; 12]).unwrap();
    let national: fn(&mut Claims) = |claims| claims.issuer = IssuerId::NATIONAL;
    let december: fn(&mut Claims) = |claims| claims.expires = at("2021-12-01T00:00:00Z");
    let november: fn(&mut Claims) = |claims| claims.expires = at("2021-11-30T23:59:59Z");
    let cases: [(&str, fn(&mut Claims), &Basis, &str, _); 10] = [
        ("revoked", same, &usual, NOW, ("deny", Some("E24"))),
        ("not revoked", same, &none, NOW, ("pass", None)),
        ("another code", other, &usual, NOW, ("pass", None)),
        ("another issuer's of the same name", national, &usual, NOW, ("pass", None)),
        ("of the same month", november, &usual, NOW, ("deny", Some("E24"))),
        ("of another month", december, &usual, NOW, ("pass", None)),
        ("before its status", red, &usual, NOW, ("deny", Some("E24"))),
        ("before recognition", same, &excepted, NOW, ("deny", Some("E24"))),
        ("after the dates", same, &usual, "2021-11-20T11:00:00Z", ("deny", Some("E31"))),
        ("not recognised", other, &excepted, NOW, ("refer", Some("E60"))),
    ];
    for (name, change, basis, now, expected) in cases {
        assert_eq!(told(&judge(&code(change), basis, at(now))), expected, "{name}");
    }

    let decision = judge(&code(|_| {}), &usual, at(NOW));
    let checks = explain(&decision, &usual, &History::empty(), at(NOW)).checks;
    let check = checks.iter().find(|check| check.kind.code() == "revocation").unwrap();
    assert_eq!(check.outcome, Outcome::Failed(Reason::Revoked));
    let saw = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(check.saw, [saw("list", "2021-11"), saw("version", "1")]);
}
