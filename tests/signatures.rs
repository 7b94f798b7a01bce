//! Ed25519 as strictly as others have tested it: Wycheproof, and the edge cases of speccheck.
//!
//! The vectors are others' and are looked for beside the project; see README.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it says how many ran, and in a test a panic is the report"
)]

mod common;

use std::{env, fs, path::PathBuf};

use common::at;
use ed25519_dalek::VerifyingKey;
use greengate::key_ring::{IssuerKey, KeyStatus};
use serde_json::Value;

/// The vectors in a file of `peer-data/crypto`, if there is one.
fn vectors(file: &str) -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/peer-data");
    let folder = env::var_os("GREENGATE_PEER_DATA").map_or(beside, PathBuf::from);
    let bytes = fs::read(folder.join("crypto").join(file)).ok();
    if bytes.is_none() {
        println!("skipped: no peer data");
    }
    serde_json::from_slice(&bytes?).ok()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Whether the key believes the signature; a key that is no point never does.
fn believes(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    key.is_some_and(|key| {
        let key = IssuerKey { key, valid_from: at(common::NOW), status: KeyStatus::Active };
        key.has_signed(message, signature)
    })
}

#[test]
fn wycheproof_agrees() {
    let Some(vectors) = vectors("ed25519_test.json") else { return };
    let mut count = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = bytes(&group["publicKey"]["pk"]);
        for test in group["tests"].as_array().unwrap() {
            let believed = believes(&key, &bytes(&test["msg"]), &bytes(&test["sig"]));
            assert_eq!(believed, test["result"] == "valid", "test {}", test["tcId"]);
            count += 1;
        }
    }
    println!("Wycheproof Ed25519: {count} of {count} agree");
    assert_eq!(count, 151);
}

#[test]
fn speccheck_is_believed_only_where_nothing_is_odd() {
    // Case 3 alone has a key and a commitment of mixed order for which the equation holds without
    // the cofactor; all others hold only with it, or have a small order or a second encoding.
    let Some(vectors) = vectors("speccheck.json") else { return };
    let cases = vectors.as_array().unwrap();
    let believed: Vec<_> = cases
        .iter()
        .map(|case| {
            believes(&bytes(&case["pub_key"]), &bytes(&case["message"]), &bytes(&case["signature"]))
        })
        .collect();
    let mut expected = [false; 12];
    expected[3] = true;
    assert_eq!(believed, expected);
}
