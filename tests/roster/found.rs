//! Who is found, and with which key.

use std::fs;

use chrono::TimeDelta;
use greengate::{
    id_document::DocumentNumber,
    roster::{EpochKey, EpochToken, Plan, Roster, RosterError, Stretching, build},
    symbol::SymbolText,
};

use crate::{
    AFTER, Desk, EPOCH, GATE, LAST, citizen, code_of,
    common::{NOW, at},
    hex, other, paper, today, token,
};

#[test]
fn everybody_in_it_is_found_and_nobody_else() {
    let people: Vec<_> = (0..3000)
        .map(citizen)
        .chain(
            ["810000199001010019", "H12345678", "12345678", "CHE110085062501", "E12345678"]
                .map(other),
        )
        .collect();
    let desk = Desk::new(GATE, 1);
    assert_eq!(desk.build(&people).unwrap(), 3005);
    let roster = desk.open();
    roster.verify().unwrap();
    assert_eq!((roster.epoch(), roster.dated(), roster.expires()), (EPOCH, at(NOW), at(AFTER)));
    assert_eq!(roster.rows(), 3072);
    for number in &people {
        assert_eq!(desk.ask(number, NOW).unwrap(), Some(paper(number, "张三")));
    }
    for person in 3000..6000 {
        assert_eq!(desk.ask(&citizen(person), NOW).unwrap(), None);
    }
    // A number of another kind is another person's.
    let passport = DocumentNumber::parse_as(
        greengate::id_document::DocumentKind::Passport,
        "12345678",
        today(),
    );
    assert_eq!(desk.ask(&passport.unwrap(), NOW).unwrap(), None);
}

#[test]
fn small_and_stretched_extracts_answer_alike() {
    for count in [0, 1, 2, 1023, 1024] {
        let people: Vec<_> = (0..count).map(citizen).collect();
        let desk = Desk::new(GATE, 2);
        desk.build(&people).unwrap();
        let rows = if count < 1024 { 1024 } else { 2048 };
        assert_eq!(desk.open().rows(), rows, "{count}");
        for number in &people {
            assert_eq!(desk.ask(number, NOW).unwrap(), Some(paper(number, "张三")), "{count}");
        }
        assert_eq!(desk.ask(&citizen(2000), NOW).unwrap(), None, "{count}");
    }
    let mut desk = Desk::new(GATE, 2);
    desk.stretching = Stretching::Argon2id;
    desk.build(&[citizen(0), citizen(1)]).unwrap();
    assert_eq!(desk.ask(&citizen(1), NOW).unwrap(), Some(paper(&citizen(1), "张三")));
    assert_eq!(desk.ask(&citizen(2), NOW).unwrap(), None);
}

#[test]
fn a_row_is_found_by_the_form_that_is_written_down() {
    // The index was made with another program, from what file.rs says:
    let desk = Desk::new(GATE, 1);
    desk.build(&[other("11010519491231002X")]).unwrap();
    let bytes = fs::read(desk.path()).unwrap();
    // python3 -c 'import hmac; print(hmac.digest(bytes([1]*32),
    //     b"idx"+bytes([1])+b"11010519491231002X", "sha256")[:16].hex())'
    let index = "9ae51e8ba588446b186b2e0a1a61921b";
    let row = (bytes.len() - 128) / 1024;
    let indices: Vec<_> = bytes[128..].chunks(row).map(|row| hex(&row[..16])).collect();
    assert!(indices.contains(&index.to_owned()));
    assert!(indices.is_sorted());
}

#[test]
fn extract_and_key_must_fit_and_count() {
    let desk = Desk::new(GATE, 1);
    desk.build(&[citizen(0)]).unwrap();
    let roster = desk.open();
    let early = "2021-11-19T23:59:59Z";
    let cases: [(&str, EpochToken, &str, &str); 9] = [
        ("fits", token(GATE, EPOCH, desk.key, NOW), NOW, "none"),
        ("another key", token(GATE, EPOCH, [2; 32], NOW), NOW, "L20"),
        ("another epoch", token(GATE, 8, desk.key, NOW), NOW, "L11"),
        ("another terminal", token("gate-4", EPOCH, desk.key, NOW), NOW, "L12"),
        ("the extract's last second", token(GATE, EPOCH, desk.key, LAST), LAST, "none"),
        ("the extract has expired", token(GATE, EPOCH, desk.key, LAST), AFTER, "L03"),
        ("before its data", token(GATE, EPOCH, desk.key, early), early, "L09"),
        (
            "the key's last second",
            token(GATE, EPOCH, desk.key, NOW),
            "2021-11-20T11:59:59Z",
            "none",
        ),
        ("the key has expired", token(GATE, EPOCH, desk.key, NOW), "2021-11-20T12:00:00Z", "L06"),
    ];
    for (case, token, now, expected) in cases {
        let found =
            roster.unlock(&token).and_then(|unlocked| unlocked.look_up(&citizen(0), at(now)));
        assert_eq!(code_of(found), expected, "{case}");
    }
    assert_eq!(code_of(Roster::open(&desk.path(), "gate-4")), "L12");
}

#[test]
fn what_cannot_be_an_extract_is_not_written() {
    let desk = Desk::new(GATE, 1);
    assert_eq!(code_of(desk.build(&[citizen(0), citizen(1), citizen(0)])), "L19");
    let text = |text: &str| Ok((citizen(0), SymbolText::new(text).unwrap()));
    for foreign in ["", "JKM1:", "JKM1:::", "JKM1:V5", "hello"] {
        assert_eq!(code_of(desk.build_of([text(foreign)])), "L14", "{foreign}");
    }
    let many = (0..5000).map(|_| text("hello"));
    assert_eq!(code_of(desk.build_of(many)), "L14", "and nothing waits for ever");
    let failing = [Err(RosterError::Random)];
    assert_eq!(code_of(desk.build_of(failing)), "L13");

    let plan = |terminal: &'static str, days| {
        let file = tempfile::tempfile().unwrap();
        let (dated, expires) = (at(NOW), at(NOW) + TimeDelta::days(days));
        let stretching = Stretching::None;
        let plan = Plan { terminal, epoch: 1, dated, expires, stretching };
        let key = EpochKey::random().unwrap();
        let nobody = std::iter::empty::<Result<_, RosterError>>();
        code_of(build(&file, desk.folder.path(), plan, &key, nobody, &mut |_, _| {}))
    };
    assert_eq!([plan(GATE, 7), plan(GATE, 8), plan(GATE, 0)], ["none", "L02", "L02"]);
    assert_eq!(plan("../gate", 7), "L16");
}
