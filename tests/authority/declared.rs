//! What a declaration becomes, and what a code says of its person.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use chrono::TimeDelta;
use greengate::{
    authority::{Authority, AuthorityError, Enrolment, FullName, Health},
    clock::Timestamp,
    credential::{Claims, CodeId, Credential, HolderName, IdTail, Kind, verify},
    id_document::NumberText,
    issuer::IssuerId,
    key_ring::KeyRing,
    recognition::NormalStatus,
};
use tempfile::tempdir;

use crate::{
    BEIJING, HEBEI, Office,
    common::{NOW, at},
    day, name, number, said,
};

#[test]
fn a_number_and_a_name_have_their_form_and_are_not_shown() {
    let numbers = [
        ("too short", "12X", None),
        ("shortest", "123x", Some("123X")),
        ("longest", "12345678901234567890123456789012", Some("9012")),
        ("too long", "123456789012345678901234567890123", None),
        ("a space", "1234 5678", None),
        ("full width", "１２３４", None),
        ("nothing", "", None),
    ];
    for (case, text, tail) in numbers {
        let tail = tail.map(|tail| IdTail::new(tail).unwrap());
        assert_eq!(NumberText::new(text).map(|number| IdTail::of(&number)), tail, "{case}");
    }
    let names = [
        ("one character", "张", Some("张")),
        ("spaces around it", " 欧阳娜娜 ", Some("欧***")),
        ("nothing but spaces", "  ", None),
        ("a control", "张\u{1b}三", None),
        ("longest", &"a".repeat(32), Some("a*******************************")),
        ("too long", &"a".repeat(33), None),
    ];
    for (case, text, masked) in names {
        let masked = masked.map(|masked| HolderName::new(masked).unwrap());
        assert_eq!(FullName::new(text).map(|name| name.masked().clone()), masked, "{case}");
    }
    let shown = format!("{:?} {:?}", number("11010519491231002X"), name("张三"));
    assert_eq!(shown, "NumberText(..) FullName(..)");
}

#[test]
fn the_registers_are_one_file_that_its_owner_alone_can_read() {
    let Office { folder, authority } = Office::new();
    drop(authority);
    let path = folder.path().join("authority.db");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = said(Authority::init(folder.path()));
    assert_eq!(again, format!("there is an authority in {} already", folder.path().display()));

    let reopened = |bytes: &[u8]| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("authority.db");
        std::fs::write(&path, bytes).unwrap();
        said(Authority::open(folder.path())).replace(&path.display().to_string(), "FILE")
    };
    let mut other_version = std::fs::read(&path).unwrap();
    other_version[63] = 99; // The last byte of user_version, SQLite file format, section 1.3.
    let cases = [
        ("nothing in it", reopened(b""), "FILE is no register of an authority"),
        ("a text", reopened(b"{}"), "cannot open FILE: file is not a database"),
        (
            "another version",
            reopened(&other_version),
            "the registers have version 99, this program reads 4",
        ),
    ];
    for (case, said, expected) in cases {
        assert_eq!(said, expected, "{case}");
    }
    let nowhere = said(Authority::open(&folder.path().join("nowhere")));
    assert!(nowhere.starts_with("cannot open "), "{nowhere}");
}

#[test]
fn a_declaration_takes_its_steps_in_their_order() {
    type Act = fn(&mut Authority, &NumberText) -> Result<(), AuthorityError>;
    let declare: Act = |office, who| office.declare(who, &name("张三"), at(NOW));
    let review: Act = |office, who| office.review(who, at(NOW));
    let audit: Act = |office, who| office.audit(who, Health::Watch, at(NOW));
    let correct: Act = |office, who| office.correct(who, Some(&name("李四")), at(NOW));
    let withdraw: Act = |office, who| office.withdraw(who, at(NOW));
    let none = "nobody has declared under this number";
    let state = |state: &str, step: &str| format!("a declaration that is {state} cannot be {step}");
    let declared = |step| state("declared and not yet under review", step);
    let reviewed = |step| state("under review", step);
    let audited = |step| state("audited", step);
    let withdrawn = |step| state("withdrawn", step);
    let done = || "done".to_owned();
    let steps = [declare, review, audit, correct, withdraw];
    let cases: [(&str, &[Act], [String; 5]); 7] = [
        ("none", &[], [done(), none.into(), none.into(), none.into(), none.into()]),
        (
            "declared",
            &[declare],
            [
                declared("declared again"),
                done(),
                declared("audited"),
                declared("corrected"),
                done(),
            ],
        ),
        (
            "under review",
            &[declare, review],
            [reviewed("declared again"), reviewed("taken under review"), done(), done(), done()],
        ),
        (
            "audited",
            &[declare, review, audit],
            [
                audited("declared again"),
                audited("taken under review"),
                audited("audited"),
                done(),
                done(),
            ],
        ),
        (
            "corrected",
            &[declare, review, audit, correct],
            [reviewed("declared again"), reviewed("taken under review"), done(), done(), done()],
        ),
        (
            "withdrawn",
            &[declare, withdraw],
            [
                done(),
                withdrawn("taken under review"),
                withdrawn("audited"),
                withdrawn("corrected"),
                withdrawn("withdrawn"),
            ],
        ),
        (
            "declared anew",
            &[declare, withdraw, declare],
            [
                declared("declared again"),
                done(),
                declared("audited"),
                declared("corrected"),
                done(),
            ],
        ),
    ];
    let mut office = Office::new();
    for (row, (case, before, expected)) in cases.iter().enumerate() {
        for (column, (step, expected)) in steps.iter().zip(expected).enumerate() {
            let who = number(&format!("ROW{row}COLUMN{column}"));
            for act in *before {
                act(&mut office.authority, &who).unwrap();
            }
            assert_eq!(said(step(&mut office.authority, &who)), *expected, "{case}, {column}");
        }
    }
}

#[test]
fn a_code_has_the_status_of_its_declaration_in_the_issuers_numbers() {
    let mut office = Office::new();
    let statuses = [
        (1, NormalStatus::Normal),
        (2, NormalStatus::Watch),
        (9, NormalStatus::Review),
        (4, NormalStatus::Review),
        (3, NormalStatus::Stop),
    ];
    office.authority.set_statuses(BEIJING, &BTreeMap::from(statuses)).unwrap();
    let who = number("11010519491231002X");
    let status = |office: &mut Office| match office.claims(&who, NOW) {
        Ok(claims) => claims.status.to_string(),
        Err(error) => error.to_string(),
    };
    let mut seen = vec![status(&mut office)];
    office.authority.declare(&who, &name("张三丰"), at(NOW)).unwrap();
    seen.push(status(&mut office));
    office.authority.review(&who, at(NOW)).unwrap();
    seen.push(status(&mut office));
    for health in [Health::Normal, Health::Watch, Health::Stop] {
        office.authority.audit(&who, health, at(NOW)).unwrap();
        seen.push(status(&mut office));
        office.authority.correct(&who, None, at(NOW)).unwrap();
        seen.push(status(&mut office));
    }
    office.authority.set_statuses(BEIJING, &BTreeMap::from([(1, NormalStatus::Normal)])).unwrap();
    seen.push(status(&mut office));
    office.authority.withdraw(&who, at(NOW)).unwrap();
    seen.push(status(&mut office));
    let expected = [
        "nobody has declared under this number",
        "4",
        "4",
        "1",
        "4",
        "2",
        "4",
        "3",
        "4",
        "issuer 11 has no status that means review",
        "the declaration under this number is withdrawn: no code can be issued",
    ];
    assert_eq!(seen, expected);

    let stranger = IssuerId::new(12);
    let refused = office.authority.set_statuses(stranger, &BTreeMap::new());
    assert_eq!(said(refused), "issuer 12 has no key in use: make one first");
}

#[test]
fn a_code_says_no_more_of_a_person_than_it_must() {
    let mut office = Office::new();
    let who = number("11010519491231002x");
    office.authority.declare(&who, &name("欧阳娜娜"), at(NOW)).unwrap();
    for (kind, lifetime) in
        [(Kind::Phone, TimeDelta::hours(24)), (Kind::Paper, TimeDelta::days(14))]
    {
        let text = office.authority.issue_for(&who, BEIJING, kind, at(NOW)).unwrap();
        let claims = office.believed(&text);
        let code_id = claims.code_id.clone();
        let document_match = claims.document_match.clone();
        assert_eq!(document_match.as_ref().map(|matched| matched.epoch), Some(1), "{kind:?}");
        let expected = Claims {
            issuer: BEIJING,
            expires: at(NOW) + lifetime,
            issued: at(NOW),
            code_id,
            status: 0,
            kind,
            name: HolderName::new("欧***").unwrap(),
            id_tail: IdTail::new("002X").unwrap(),
            document_match,
            nat: None,
            vaccination: None,
            travel: None,
            commuter: None,
            binding: None,
            origin: None,
        };
        assert_eq!(claims, expected, "{kind:?}");
    }
}

#[test]
fn only_who_is_enrolled_on_the_day_of_issue_is_a_commuter() {
    let mut office = Office::new();
    let who = number("130102199003074515");
    office.healthy(&who);
    let enrolment = |home, from, until| Enrolment { home, from: day(from), until: day(until) };
    let refused = [
        (
            "the national platform",
            enrolment(IssuerId::NATIONAL, "2021-11-10", "2021-11-20"),
            "156 is no province of GB/T 2260 that a commuter could live in",
        ),
        (
            "backwards",
            enrolment(HEBEI, "2021-11-10", "2021-11-09"),
            "an enrolment cannot end before it begins",
        ),
    ];
    for (case, enrolment, expected) in refused {
        let outcome = office.authority.enrol_commuter(&who, enrolment);
        assert_eq!(said(outcome), expected, "{case}");
    }
    let nobody = "nobody is enrolled as a commuter under this number";
    assert_eq!(said(office.authority.expire_commuter(&who, day("2021-11-20"))), nobody);
    assert_eq!(said(office.authority.withdraw_commuter(&who, at(NOW))), nobody);

    office.authority.enrol_commuter(&who, enrolment(HEBEI, "2021-11-10", "2021-11-20")).unwrap();
    let check = |cases: &[(&str, &str, Option<IssuerId>)], office: &mut Office| {
        for (case, now, home) in cases {
            assert_eq!(office.claims(&who, now).unwrap().commuter, *home, "{case}");
        }
    };
    let first = [
        ("before", "2021-11-09T15:59:59Z", None),
        ("first second in Shanghai", "2021-11-09T16:00:00Z", Some(HEBEI)),
        ("last second", "2021-11-20T15:59:59Z", Some(HEBEI)),
        ("after", "2021-11-20T16:00:00Z", None),
    ];
    check(&first, &mut office);
    let early = office.authority.expire_commuter(&who, day("2021-11-09"));
    assert_eq!(said(early), "an enrolment cannot end before it begins");
    office.authority.expire_commuter(&who, day("2021-11-15")).unwrap();
    let expired = [
        ("last second of fewer", "2021-11-15T15:59:59Z", Some(HEBEI)),
        ("after fewer", "2021-11-15T16:00:00Z", None),
    ];
    check(&expired, &mut office);
    office.authority.withdraw_commuter(&who, at("2021-11-12T00:00:00Z")).unwrap();
    let withdrawn = [
        ("before it is withdrawn", "2021-11-11T23:59:59Z", Some(HEBEI)),
        ("when it is", "2021-11-12T00:00:00Z", None),
    ];
    check(&withdrawn, &mut office);
    assert_eq!(said(office.authority.withdraw_commuter(&who, at(NOW))), nobody);
    office.authority.enrol_commuter(&who, enrolment(HEBEI, "2021-11-12", "2021-11-12")).unwrap();
    check(&[("enrolled anew", "2021-11-12T00:00:00Z", Some(HEBEI))], &mut office);
}

#[test]
fn what_is_done_is_there_when_the_registers_are_opened_again() {
    let mut office = Office::new();
    let who = number("11010519491231002X");
    office.healthy(&who);
    let now: Timestamp = at(NOW);
    let version = |bytes: &[u8]| KeyRing::parse(bytes).unwrap().version();
    assert_eq!(version(&office.authority.publish(now).unwrap().key_ring), 1);
    let Office { authority, folder } = office;
    drop(authority);
    let mut authority = Authority::open(folder.path()).unwrap();
    assert_eq!(version(&authority.publish(now).unwrap().key_ring), 2);
    let again = authority.declare(&who, &name("张三"), now);
    assert_eq!(said(again), "a declaration that is audited cannot be declared again");
    let ids: Vec<CodeId> = (0..2)
        .map(|_| {
            let text = authority.issue_for(&who, BEIJING, Kind::Phone, now).unwrap();
            let ring = KeyRing::parse(&authority.publish(now).unwrap().key_ring).unwrap();
            let verified = verify(Credential::parse(&text).unwrap(), &ring).unwrap();
            verified.claims().code_id.clone()
        })
        .collect();
    assert_ne!(ids[0], ids[1], "each code has a name of its own");
}
