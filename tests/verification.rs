//! What is believed, and what is not.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use common::{
    Envelope, Health, NOW, at, basis, cbor, claims, code, envelope, judge, key, key_entry,
    key_ring, payload, policy, recognition, text, text_of, top_claims, usual_files,
};
use greengate::{
    credential::{self, Credential, ParseError, VerifyError, write},
    decision::{Reason, Verdict},
    issuer::IssuerId,
    key_ring::KeyRing,
    symbol::SymbolText,
};

fn parse(text: &SymbolText) -> Option<ParseError> {
    Credential::parse(text).err()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside `None` in the tables")]
fn claim(claim: &'static str) -> Option<ParseError> {
    Some(ParseError::Claim { claim })
}

#[test]
fn an_envelope_by_hand_is_the_one_that_is_written() {
    assert_eq!(Envelope::usual().sign(), envelope(&code(|_| {})));
}

#[test]
fn only_the_one_form_of_an_envelope_is_well_formed() {
    use ParseError::{Header, NotCoseSign1, NotDeterministic};

    let key_id = Envelope::usual().protected[4..].to_vec();
    let protected = |entries: &[(Vec<u8>, Vec<u8>)]| cbor::map(entries);
    let kid = (cbor::uint(4), key_id);
    let algorithm = |number| (cbor::uint(1), cbor::negative(number));
    let usual = Envelope::usual;
    let cases = [
        ("as written", usual(), None),
        (
            "EdDSA",
            Envelope { protected: protected(&[algorithm(-8), kid.clone()]), ..usual() },
            None,
        ),
        (
            "ES256",
            Envelope { protected: protected(&[algorithm(-7), kid.clone()]), ..usual() },
            Some(Header),
        ),
        (
            "no algorithm",
            Envelope { protected: protected(std::slice::from_ref(&kid)), ..usual() },
            Some(Header),
        ),
        ("no key", Envelope { protected: protected(&[algorithm(-19)]), ..usual() }, Some(Header)),
        (
            "key of five bytes",
            Envelope {
                protected: protected(&[algorithm(-19), (cbor::uint(4), cbor::bytes(&[1; 5]))]),
                ..usual()
            },
            Some(Header),
        ),
        (
            "one header more",
            Envelope {
                protected: protected(&[
                    algorithm(-19),
                    (cbor::uint(3), cbor::uint(0)),
                    kid.clone(),
                ]),
                ..usual()
            },
            Some(NotDeterministic),
        ),
        (
            "headers in the other order",
            Envelope { protected: protected(&[kid.clone(), algorithm(-19)]), ..usual() },
            Some(NotDeterministic),
        ),
        (
            "algorithm in a longer form",
            Envelope {
                protected: protected(&[(cbor::uint(1), vec![0x39, 0, 18]), kid.clone()]),
                ..usual()
            },
            Some(NotDeterministic),
        ),
        (
            "header twice",
            Envelope { protected: protected(&[algorithm(-19), algorithm(-19), kid]), ..usual() },
            Some(NotCoseSign1),
        ),
        ("empty header", Envelope { protected: Vec::new(), ..usual() }, Some(Header)),
        (
            "unprotected header",
            Envelope {
                unprotected: cbor::map(&[(cbor::uint(4), cbor::bytes(&[1; 4]))]),
                ..usual()
            },
            Some(NotDeterministic),
        ),
        ("no tag", Envelope { tag: vec![], ..usual() }, Some(NotCoseSign1)),
        ("tag of COSE_Sign", Envelope { tag: vec![0xD8, 98], ..usual() }, Some(NotCoseSign1)),
        (
            "tag in a longer form",
            Envelope { tag: vec![0xD8, 18], ..usual() },
            Some(NotDeterministic),
        ),
        (
            "tag of CWT before it",
            Envelope { tag: vec![0xD8, 61, 0xD2], ..usual() },
            Some(NotCoseSign1),
        ),
        ("a byte behind", Envelope { behind: vec![0], ..usual() }, Some(NotCoseSign1)),
    ];
    for (name, envelope, expected) in cases {
        assert_eq!(parse(&text_of(&envelope.sign())), expected, "{name}");
    }
}

#[test]
fn only_the_one_form_of_the_claims_is_well_formed() {
    use ParseError::{EndsBeforeItBegins, NotDeterministic, UnknownClaim};

    let top = |change: fn(&mut Vec<(Vec<u8>, Vec<u8>)>)| {
        let mut claims = top_claims(&Health::usual());
        change(&mut claims);
        cbor::map(&claims)
    };
    let health = |health: Health| payload(&health);
    let pending = [cbor::uint(2), cbor::uint(0), cbor::uint(9), vec![0xF6], vec![0xF6]];
    let negative: Vec<_> = [0_u64, 0, 9, 8, 7].map(cbor::uint).to_vec();
    let but = |index: usize, value: Vec<u8>| {
        let mut nat = negative.clone();
        nat[index] = value;
        cbor::array(&nat)
    };
    let visit = cbor::array(&[cbor::uint(110_106), cbor::uint(3)]);
    let travel = |level, visits: usize| {
        cbor::array(&[cbor::uint(level), cbor::uint(9), cbor::array(&vec![visit.clone(); visits])])
    };
    let cases = [
        ("as written", payload(&Health::usual()), None),
        ("no issuer", top(|claims| drop(claims.remove(0))), claim("issuer")),
        ("no health", top(|claims| drop(claims.remove(4))), claim("health")),
        ("issuer as text", top(|claims| claims[0].1 = cbor::text("11")), claim("issuer")),
        ("issuer below zero", top(|claims| claims[0].1 = cbor::negative(-11)), claim("issuer")),
        (
            "issuer in a longer form",
            top(|claims| claims[0].1 = vec![0x18, 11]),
            Some(NotDeterministic),
        ),
        (
            "issued as a float",
            top(|claims| claims[2].1 = vec![0xFA, 0x4E, 0, 0, 0]),
            claim("issued"),
        ),
        (
            "issued beyond all time",
            top(|claims| claims[2].1 = cbor::uint(u64::MAX)),
            claim("issued"),
        ),
        (
            "expires when issued",
            top(|claims| claims[1].1 = claims[2].1.clone()),
            Some(EndsBeforeItBegins),
        ),
        ("code id of 7 bytes", top(|claims| claims[3].1 = cbor::bytes(&[7; 7])), claim("code id")),
        ("code id of 8 bytes", top(|claims| claims[3].1 = cbor::bytes(&[7; 8])), None),
        ("code id of 16 bytes", top(|claims| claims[3].1 = cbor::bytes(&[7; 16])), None),
        (
            "code id of 17 bytes",
            top(|claims| claims[3].1 = cbor::bytes(&[7; 17])),
            claim("code id"),
        ),
        ("code id as text", top(|claims| claims[3].1 = cbor::text("seven777")), claim("code id")),
        ("claims in another order", top(|claims| claims.swap(0, 1)), Some(NotDeterministic)),
        ("claim twice", top(|claims| claims.insert(1, claims[0].clone())), Some(UnknownClaim)),
        (
            "unknown claim",
            top(|claims| claims.insert(1, (cbor::uint(2), cbor::text("x")))),
            Some(UnknownClaim),
        ),
        ("payload is a list", cbor::array(&[cbor::uint(1)]), claim("all")),
        ("payload is nothing", Vec::new(), claim("all")),
        (
            "byte behind the claims",
            [payload(&Health::usual()), vec![0]].concat(),
            Some(NotDeterministic),
        ),
        (
            "map without a length",
            {
                let mut bytes = payload(&Health::usual());
                bytes[0] = 0xBF;
                [bytes, vec![0xFF]].concat()
            },
            Some(NotDeterministic),
        ),
        ("unknown health claim", health(Health::with(11, cbor::uint(0))), Some(UnknownClaim)),
        (
            "health claim as text",
            health(Health(vec![(cbor::text("0"), cbor::uint(1))])),
            claim("status"),
        ),
        ("no status", health(Health(Health::usual().0.split_off(1))), claim("status")),
        ("kind 0", health(Health::but(1, cbor::uint(0))), claim("kind")),
        ("kind 2", health(Health::but(1, cbor::uint(2))), None),
        ("kind 3", health(Health::but(1, cbor::uint(3))), claim("kind")),
        ("no name", health(Health::but(2, cbor::text(""))), claim("name")),
        ("name of 32 characters", health(Health::but(2, cbor::text(&"张".repeat(32)))), None),
        (
            "name of 33 characters",
            health(Health::but(2, cbor::text(&"张".repeat(33)))),
            claim("name"),
        ),
        ("name as bytes", health(Health::but(2, cbor::bytes(b"Z**"))), claim("name")),
        (
            "name in parts",
            health(Health::but(
                2,
                [vec![0x7F], cbor::text("Z"), cbor::text("*"), vec![0xFF]].concat(),
            )),
            Some(NotDeterministic),
        ),
        ("tail of 3", health(Health::but(3, cbor::text("02X"))), claim("document tail")),
        ("tail of 5", health(Health::but(3, cbor::text("0002X"))), claim("document tail")),
        (
            "match",
            health(Health::with(4, cbor::array(&[cbor::uint(1), cbor::bytes(&[9; 8])]))),
            None,
        ),
        (
            "match of 7 bytes",
            health(Health::with(4, cbor::array(&[cbor::uint(1), cbor::bytes(&[9; 7])]))),
            claim("document match"),
        ),
        ("test", health(Health::with(5, cbor::array(&negative))), None),
        ("test pending", health(Health::with(5, cbor::array(&pending))), None),
        ("test null", health(Health::with(5, vec![0xF6])), claim("test")),
        ("test of four", health(Health::with(5, cbor::array(&negative[..4]))), claim("test")),
        ("test result 3", health(Health::with(5, but(0, cbor::uint(3)))), claim("test")),
        ("test pending with times", health(Health::with(5, but(0, cbor::uint(2)))), claim("test")),
        (
            "test negative without a report",
            health(Health::with(5, but(3, vec![0xF6]))),
            claim("test"),
        ),
        ("test source 2", health(Health::with(5, but(1, cbor::uint(2)))), claim("test")),
        (
            "test after the issue",
            health(Health::with(5, but(2, cbor::negative(-1)))),
            claim("test"),
        ),
        ("test before 1970", health(Health::with(5, but(2, cbor::uint(u64::MAX)))), claim("test")),
        (
            "vaccination",
            health(Health::with(6, cbor::array(&[cbor::uint(2), cbor::uint(18_900)]))),
            None,
        ),
        (
            "vaccination beyond all time",
            health(Health::with(6, cbor::array(&[cbor::uint(2), cbor::uint(u64::MAX)]))),
            claim("vaccination"),
        ),
        ("travel", health(Health::with(7, travel(3, 8))), None),
        ("travel level 4", health(Health::with(7, travel(4, 0))), claim("travel")),
        ("nine visits", health(Health::with(7, travel(0, 9))), claim("travel")),
        ("commuter", health(Health::with(8, cbor::uint(13))), None),
        ("commuter from nowhere", health(Health::with(8, cbor::uint(16))), claim("commuter")),
        (
            "bound",
            health(Health::with(9, cbor::array(&[cbor::uint(4), cbor::bytes(&[1; 8])]))),
            None,
        ),
        (
            "relation 0",
            health(Health::with(9, cbor::array(&[cbor::uint(0), cbor::bytes(&[1; 8])]))),
            claim("binding"),
        ),
        (
            "relation 5",
            health(Health::with(9, cbor::array(&[cbor::uint(5), cbor::bytes(&[1; 8])]))),
            claim("binding"),
        ),
        (
            "guardian of 7 bytes",
            health(Health::with(9, cbor::array(&[cbor::uint(1), cbor::bytes(&[1; 7])]))),
            claim("binding"),
        ),
        (
            "made by a province from another's",
            health(Health::with(10, cbor::uint(42))),
            claim("origin"),
        ),
    ];
    for (name, payload, expected) in cases {
        assert_eq!(parse(&text_of(&Envelope::around(payload).sign())), expected, "{name}");
    }
}

#[test]
fn only_strict_base45_behind_the_prefix_is_well_formed() {
    use ParseError::{ForeignSymbol, NotBase45, NotCoseSign1, TooLong};

    let good = code(|_| {});
    let body = good.as_str().strip_prefix("JKM1:").unwrap();
    let padded = |length: usize| format!("JKM1:{}", "0".repeat(length - 5));
    let cases = [
        ("as written", good.as_str().to_owned(), None),
        ("nothing", String::new(), Some(ForeignSymbol)),
        ("another prefix", format!("JKM2:{body}"), Some(ForeignSymbol)),
        ("small letters", format!("jkm1:{body}"), Some(ForeignSymbol)),
        ("a blank before", format!(" JKM1:{body}"), Some(ForeignSymbol)),
        ("a health code elsewhere", format!("HC1:{body}"), Some(ForeignSymbol)),
        ("prefix alone", "JKM1:".to_owned(), Some(NotCoseSign1)),
        ("a small letter", format!("JKM1:{}", body.to_lowercase()), Some(NotBase45)),
        ("a line's end", format!("JKM1:{body}\n"), Some(NotBase45)),
        ("a character alone at the end", format!("JKM1:{body}00"), Some(NotBase45)),
        ("a triple above 65535", format!("JKM1:GGW{body}"), Some(NotBase45)),
        ("the highest triple", format!("JKM1:FGW{body}"), Some(NotCoseSign1)),
        ("a pair above 255", "JKM1:V5".to_owned(), Some(NotCoseSign1)),
        ("800 characters", padded(800), Some(TooLong)),
        ("801 characters", padded(801), Some(TooLong)),
        ("513 bytes", format!("JKM1:{}", base45::encode([0; 513])), Some(TooLong)),
        ("512 bytes", format!("JKM1:{}", base45::encode([0; 512])), Some(NotCoseSign1)),
    ];
    for (name, written, expected) in cases {
        assert_eq!(parse(&text(&written)), expected, "{name}");
    }
}

#[test]
fn a_good_envelope_with_a_pair_above_255_is_not_in_its_only_form() {
    // The last pair of Base45 stands for one byte; 256 more is the same byte to a lax reader.
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let good = code(|_| {});
    assert_eq!(envelope(&good).len() % 2, 1, "an odd number of bytes ends in a pair");
    let (body, pair) = good.as_str().split_at(good.as_str().len() - 2);
    let value = |byte: u8| ALPHABET.iter().position(|other| *other == byte).unwrap();
    let number = value(pair.as_bytes()[0]) + 45 * value(pair.as_bytes()[1]) + 256;
    let lax = [ALPHABET[number % 45], ALPHABET[number / 45]];
    let lax = format!("{body}{}", std::str::from_utf8(&lax).unwrap());
    assert!(matches!(
        parse(&text(&lax)),
        Some(ParseError::NotBase45 | ParseError::NotDeterministic)
    ));
}

#[test]
fn the_key_decides_by_issuer_and_identifier() {
    use VerifyError::{BadSignature, CompromisedKey, RetiredKey, UnknownKey, WithdrawnSeries};

    let retired_at = "2021-11-19T23:00:00Z";
    let entry = |status: &str| key_entry(&key(1), status);
    let with = |member: &str, value: &str| {
        let mut entry = entry(if member == "retired_at" { "retired" } else { "active" });
        entry[member] = value.into();
        entry
    };
    let mut other_key_same_issuer = key_entry(&key(2), "active");
    other_key_same_issuer["status"] = "active".into();
    let later = "2021-11-19T23:00:01Z";
    let cases = [
        ("active", 11, entry("active"), None),
        ("another issuer's", 12, entry("active"), Some(UnknownKey)),
        ("another key of the issuer", 11, other_key_same_issuer, Some(UnknownKey)),
        ("compromised", 11, entry("compromised"), Some(CompromisedKey)),
        ("withdrawn series", 11, entry("withdrawn_series"), Some(WithdrawnSeries)),
        ("retired a second later", 11, with("retired_at", later), None),
        (
            "retired in that second",
            11,
            with("retired_at", retired_at),
            Some(RetiredKey { retired: at(retired_at) }),
        ),
        ("in use since that second", 11, with("valid_from", retired_at), None),
        ("in use a second later", 11, with("valid_from", later), Some(UnknownKey)),
    ];
    for (name, issuer, key, expected) in cases {
        let ring = key_ring(&[(issuer, vec![key])]).to_string();
        let ring = KeyRing::parse(ring.as_bytes()).expect(name);
        let credential = Credential::parse(&code(|_| {})).expect(name);
        assert_eq!(credential::verify(credential, &ring).err(), expected, "{name}");
    }

    let ring = key_ring(&[(11, vec![entry("active")])]).to_string();
    let ring = KeyRing::parse(ring.as_bytes()).unwrap();
    let cases = [
        ("signed for another purpose", Envelope { aad: b"JKM2", ..Envelope::usual() }.sign()),
        ("signed for none", Envelope { aad: b"", ..Envelope::usual() }.sign()),
    ];
    for (name, envelope) in cases {
        let credential = Credential::parse(&text_of(&envelope)).expect(name);
        assert_eq!(credential::verify(credential, &ring).err(), Some(BadSignature), "{name}");
    }
}

#[test]
fn a_retired_keys_forgery_is_a_bad_signature_first() {
    let mut entry = key_entry(&key(1), "retired");
    entry["retired_at"] = "2021-01-02T00:00:00Z".into();
    let ring = key_ring(&[(11, vec![entry])]).to_string();
    let ring = KeyRing::parse(ring.as_bytes()).unwrap();
    let mut forged = envelope(&code(|_| {}));
    *forged.last_mut().unwrap() ^= 1;
    let credential = Credential::parse(&text_of(&forged)).unwrap();
    assert_eq!(credential::verify(credential, &ring).err(), Some(VerifyError::BadSignature));
}

#[test]
fn no_single_flipped_bit_is_ever_believed() {
    let basis = basis(&usual_files());
    let good = envelope(&code(|_| {}));
    assert_eq!(judge(&text_of(&good), &basis, at(NOW)).verdict(), Verdict::Pass);
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let decision = judge(&text_of(&flipped), &basis, at(NOW));
        let believed = decision.credential().is_some();
        assert!(!believed, "bit {bit} gives {:?}", decision.reason());
    }
}

#[test]
fn a_signature_plus_the_order_of_the_group_is_not_believed() {
    // S + L verifies wherever S does, if nobody looks at its size. L by RFC 8032, section 5.1.
    const ORDER: [u8; 32] = [
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = envelope(&code(|_| {}));
    let start = bytes.len() - 32;
    let mut carry = 0_u16;
    for (byte, order) in bytes[start..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    let decision = judge(&text_of(&bytes), &basis(&usual_files()), at(NOW));
    assert_eq!(decision.reason().map(Reason::code), Some("E20"));
}

#[test]
fn claims_that_a_code_cannot_say_are_not_written() {
    let cases: [(&str, fn(&mut credential::Claims), &str); 4] = [
        ("before 1970", |claims| claims.issued = at("1969-12-31T23:59:59Z"), "issued"),
        ("between two seconds", |claims| claims.expires = at("2021-11-20T11:00:00.5Z"), "expires"),
        ("ends before it begins", |claims| claims.expires = claims.issued, "all"),
        (
            "a province that made it from another's",
            |claims| claims.origin = Some(IssuerId::new(42)),
            "origin",
        ),
    ];
    for (name, change, claim) in cases {
        let mut claims = claims();
        change(&mut claims);
        assert_eq!(write(&claims, &key(1)), Err(credential::WriteError { claim }), "{name}");
    }
}

#[test]
fn lists_that_contradict_themselves_are_refused() {
    let entry = || key_entry(&key(1), "active");
    let mut renamed = entry();
    renamed["kid"] = "00000000".into();
    let mut unretired = entry();
    unretired["status"] = "retired".into();
    let mut point = entry();
    point["public_key"] = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    let mut unknown = key_ring(&[(11, vec![entry()])]);
    unknown["allow"] = true.into();
    let cases = [
        ("key twice", key_ring(&[(11, vec![entry(), entry()])])),
        ("issuer twice", key_ring(&[(11, vec![entry()]), (11, vec![])])),
        ("identifier of another key", key_ring(&[(11, vec![renamed])])),
        ("retired without a date", key_ring(&[(11, vec![unretired])])),
        ("no point of the curve", key_ring(&[(11, vec![point])])),
        ("unknown member", unknown),
    ];
    for (name, ring) in cases {
        let error = KeyRing::parse(ring.to_string().as_bytes()).err();
        assert!(error.is_some(), "{name}");
    }
    let twice = br#"{"version":1,"version":2,"issued":"2021-11-20T00:00:00Z","issuers":[]}"#;
    assert!(KeyRing::parse(twice).is_err(), "member twice");

    let statuses = recognition().to_string().replace("\"0\":\"review\"", "\"1\":\"review\"");
    let error = greengate::recognition::Recognition::parse(statuses.as_bytes()).err();
    assert!(error.is_some(), "status twice");
    let ages = policy().to_string().replace("\"warn\":24", "\"warn\":49");
    assert!(greengate::policy::Policy::parse(ages.as_bytes()).is_err(), "ages that fall");
}
