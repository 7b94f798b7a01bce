//! The issuing side: what its registers allow, and what stands in the codes and lists it makes.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use chrono::{NaiveDate, TimeDelta};
use common::{NOW, at, code};
use greengate::{
    authority::{
        Authority, AuthorityError, Enrolment, FullName, Guardianship, Health, TravelHistory,
    },
    clock::Timestamp,
    credential::{
        Claims, CodeId, Credential, HolderName, IdTail, Kind, Nat, NatOutcome, NatResult,
        NatSource, Relation, Travel, TravelLevel, Vaccination, Visit, verify,
    },
    id_document::NumberText,
    issuer::IssuerId,
    key_ring::{KeyId, KeyRing, KeyStatus},
    language::Words,
    place::Place,
    recognition::{Exception, NormalStatus, Partner, Recognition},
    risk_area::{RiskArea, RiskAreas, RiskLevel},
    symbol::SymbolText,
};
use tempfile::{TempDir, tempdir};

const BEIJING: IssuerId = IssuerId::new(11);
const HEBEI: IssuerId = IssuerId::new(13);
const EARLY: &str = "2021-11-01T00:00:00Z";

/// An authority with a key for Beijing and one for the national platform.
struct Office {
    authority: Authority,
    folder: TempDir,
}

impl Office {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let mut authority = Authority::init(folder.path()).unwrap();
        for issuer in [BEIJING, IssuerId::NATIONAL] {
            authority.new_key(issuer, at(EARLY)).unwrap();
        }
        Self { authority, folder }
    }

    /// An audited declaration.
    fn healthy(&mut self, person: &NumberText) {
        self.authority.declare(person, &name("张三"), at(EARLY)).unwrap();
        self.authority.review(person, at(EARLY)).unwrap();
        self.authority.audit(person, Health::Normal, at(EARLY)).unwrap();
    }

    /// What a terminal believes of the code that the registers give a person.
    fn claims(&mut self, person: &NumberText, now: &str) -> Result<Claims, AuthorityError> {
        let text = self.authority.issue_for(person, BEIJING, Kind::Phone, at(now))?;
        Ok(self.believed(&text))
    }

    fn believed(&mut self, text: &SymbolText) -> Claims {
        let verified = verify(Credential::parse(text).unwrap(), &self.ring()).unwrap();
        verified.claims().clone()
    }

    fn ring(&mut self) -> KeyRing {
        KeyRing::parse(&self.authority.publish(at(NOW)).unwrap().key_ring).unwrap()
    }

    fn recognition(&mut self) -> Recognition {
        let files = self.authority.publish(at(NOW)).unwrap();
        Recognition::parse(&files.recognition.unwrap()).unwrap()
    }

    fn risk_areas(&mut self) -> Vec<RiskArea> {
        let files = self.authority.publish(at(NOW)).unwrap();
        RiskAreas::parse(&files.risk_areas.unwrap()).unwrap().areas
    }
}

fn number(text: &str) -> NumberText {
    NumberText::new(text).unwrap()
}

fn name(text: &str) -> FullName {
    FullName::new(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What was said, `done` if nothing was.
fn said<T>(outcome: Result<T, AuthorityError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "done".to_owned())
}

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
            "the registers have version 99, this program reads 3",
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
        let expected = Claims {
            issuer: BEIJING,
            expires: at(NOW) + lifetime,
            issued: at(NOW),
            code_id,
            status: 0,
            kind,
            name: HolderName::new("欧***").unwrap(),
            id_tail: IdTail::new("002X").unwrap(),
            document_match: None,
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

/// A result, sampled, reported, and uploaded at these hours of the 18th.
fn nat(result: NatResult, source: NatSource, [sampled, reported, uploaded]: [i64; 3]) -> Nat {
    let hour = |hour| at("2021-11-18T00:00:00Z") + TimeDelta::hours(hour);
    let outcome = NatOutcome::Known { result, reported: hour(reported), uploaded: hour(uploaded) };
    Nat { source, sampled: hour(sampled), outcome }
}

#[test]
fn of_both_stores_the_result_sampled_last_counts() {
    use NatResult::{Negative, Positive};
    use NatSource::{Municipal, National};
    let pending = |hour| Nat {
        source: National,
        sampled: at("2021-11-18T00:00:00Z") + TimeDelta::hours(hour),
        outcome: NatOutcome::Pending,
    };
    let negative = |source, times| nat(Negative, source, times);
    let positive = |source, times| nat(Positive, source, times);
    let first = negative(National, [1, 2, 3]);
    let cases = [
        ("none", vec![], None),
        ("one", vec![first.clone()], Some(0)),
        (
            "a later positive of the other store",
            vec![first.clone(), positive(Municipal, [2, 3, 4])],
            Some(1),
        ),
        (
            "a later negative",
            vec![positive(Municipal, [1, 3, 4]), negative(National, [2, 3, 4])],
            Some(1),
        ),
        (
            "uploaded later, sampled earlier",
            vec![negative(National, [2, 3, 4]), positive(National, [1, 8, 9])],
            Some(0),
        ),
        (
            "both at one instant",
            vec![positive(National, [1, 2, 3]), negative(Municipal, [1, 8, 9])],
            Some(0),
        ),
        (
            "both at one instant in one store",
            vec![positive(National, [1, 2, 3]), negative(National, [1, 8, 9])],
            Some(0),
        ),
        ("one sample in both stores", vec![first.clone(), negative(Municipal, [1, 2, 4])], Some(1)),
        ("pending after a result", vec![first.clone(), pending(10)], Some(0)),
        ("pending alone", vec![pending(8), pending(10)], Some(1)),
        ("not yet uploaded", vec![first, positive(National, [5, 6, 49])], Some(0)),
        ("uploaded this instant", vec![positive(National, [5, 6, 48])], Some(0)),
        (
            "pending, and not yet uploaded",
            vec![pending(5), positive(National, [5, 6, 49])],
            Some(0),
        ),
        ("not yet sampled", vec![pending(49)], None),
    ];
    let mut office = Office::new();
    for (row, (case, tests, counts)) in cases.into_iter().enumerate() {
        for order in ["as given", "backwards"] {
            let who = number(&format!("ROW{row}{}", order.replace(' ', "")));
            office.healthy(&who);
            let mut given = tests.clone();
            if order == "backwards" {
                given.reverse();
            }
            for nat in &given {
                office.authority.record_nat(&who, nat).unwrap();
            }
            let expected = counts.map(|index| tests[index].clone());
            assert_eq!(office.claims(&who, NOW).unwrap().nat, expected, "{case}, {order}");
        }
    }
    for times in [[2, 1, 3], [1, 3, 2]] {
        let outcome = office.authority.record_nat(&number("ROW1"), &negative(National, times));
        let expected = "a test is sampled first, then reported, then uploaded";
        assert_eq!(said(outcome), expected, "{times:?}");
    }
}

#[test]
fn the_newest_vaccination_counts() {
    let mut office = Office::new();
    let who = number("11010519491231002X");
    office.healthy(&who);
    for (doses, date) in [(2, "2021-09-30"), (1, "2021-08-30"), (3, "2021-11-21")] {
        let vaccination = Vaccination { doses, day: day(date) };
        office.authority.record_vaccination(&who, vaccination).unwrap();
    }
    let counted = office.claims(&who, NOW).unwrap().vaccination;
    assert_eq!(counted, Some(Vaccination { doses: 2, day: day("2021-09-30") }), "none to come");
    for doses in [0, 21, u64::MAX] {
        let vaccination = Vaccination { doses, day: day("2021-09-30") };
        let outcome = office.authority.record_vaccination(&who, vaccination);
        assert_eq!(said(outcome), format!("{doses} is no number of doses: 1 to 20"));
    }
}

#[test]
fn travel_is_seen_with_the_registers_own_risk_areas() {
    let mut office = Office::new();
    let area = |area, level, from| RiskArea { area, level, from: day(from), to: None };
    for area in [
        area(110_106, RiskLevel::Medium, "2021-11-01"),
        area(620_000, RiskLevel::High, "2021-11-10"),
    ] {
        office.authority.add_risk_area(&area).unwrap();
    }
    let visit = |area, date| Visit { area, last_day: day(date) };
    let quiet = visit(130_100, "2021-11-19");
    let known = |visits: &[Visit]| Some(TravelHistory::Known(visits.to_vec()));
    let many: Vec<_> = (1..=9).map(|area| visit(130_100 + area, "2021-11-18")).collect();
    let cases = [
        ("nothing held", None, None),
        ("unknown", Some(TravelHistory::Unknown), Some((TravelLevel::Unknown, vec![]))),
        ("nowhere", known(&[]), Some((TravelLevel::None, vec![]))),
        ("quiet", known(&[quiet]), Some((TravelLevel::None, vec![quiet]))),
        (
            "medium, then the newest",
            known(&[quiet, visit(110_106, "2021-11-06")]),
            Some((TravelLevel::Medium, vec![visit(110_106, "2021-11-06"), quiet])),
        ),
        (
            "high before medium",
            known(&[visit(110_106, "2021-11-18"), visit(620_102, "2021-11-10")]),
            Some((
                TravelLevel::High,
                vec![visit(620_102, "2021-11-10"), visit(110_106, "2021-11-18")],
            )),
        ),
        (
            "before the area was listed",
            known(&[visit(620_102, "2021-11-09")]),
            Some((TravelLevel::None, vec![visit(620_102, "2021-11-09")])),
        ),
        (
            "before the window, and to come",
            known(&[visit(110_106, "2021-11-05"), visit(110_106, "2021-11-21")]),
            Some((TravelLevel::None, vec![])),
        ),
        (
            "more than a code holds",
            known(&[&many[..], &[visit(110_106, "2021-11-06"), quiet]].concat()),
            Some((
                TravelLevel::Medium,
                [&[visit(110_106, "2021-11-06"), quiet], &many[..6]].concat(),
            )),
        ),
    ];
    for (row, (case, history, expected)) in cases.into_iter().enumerate() {
        let who = number(&format!("ROW{row}"));
        office.healthy(&who);
        if let Some(history) = history {
            let unknown = TravelHistory::Unknown;
            office.authority.set_travel(&who, &unknown, at(EARLY)).unwrap();
            office.authority.set_travel(&who, &history, at("2021-11-19T22:30:00Z")).unwrap();
        }
        let as_of = at("2021-11-19T22:30:00Z");
        let expected = expected.map(|(level, visits)| Travel { level, as_of, visits });
        assert_eq!(office.claims(&who, NOW).unwrap().travel, expected, "{case}");
    }
    let who = number("ROW0");
    let refused = [
        ("five digits", vec![visit(11_010, "2021-11-18")], "area 11010 is not of six digits"),
        ("too many", vec![quiet; 337], "more than 336 visits are not held of one person"),
    ];
    for (case, visits, expected) in refused {
        let outcome = office.authority.set_travel(&who, &TravelHistory::Known(visits), at(NOW));
        assert_eq!(said(outcome), expected, "{case}");
    }
}

#[test]
fn risk_areas_are_listed_lifted_and_published() {
    let mut office = Office::new();
    let area = |area, from, to: Option<&str>| RiskArea {
        area,
        level: RiskLevel::High,
        from: day(from),
        to: to.map(day),
    };
    let listed = area(110_106, "2021-11-10", None);
    let add = |office: &mut Office, area: &RiskArea| said(office.authority.add_risk_area(area));
    let lift =
        |office: &mut Office, area, last| said(office.authority.lift_risk_area(area, day(last)));
    assert_eq!(add(&mut office, &listed), "done");
    let cases = [
        ("five digits", area(11_010, "2021-11-10", None), "area 11010 is not of six digits"),
        (
            "backwards",
            area(110_107, "2021-11-10", Some("2021-11-09")),
            "area 110107 would end before it begins",
        ),
        ("twice", listed.clone(), "area 110106 is listed from this day on already"),
    ];
    for (case, area, expected) in cases {
        assert_eq!(add(&mut office, &area), expected, "{case}");
    }
    assert_eq!(office.risk_areas(), [listed]);
    let unlisted = |area: u32| format!("area {area} is not listed, or has its last day");
    assert_eq!(lift(&mut office, 110_107, "2021-11-12"), unlisted(110_107));
    assert_eq!(lift(&mut office, 110_106, "2021-11-09"), "area 110106 would end before it begins");
    assert_eq!(lift(&mut office, 110_106, "2021-11-12"), "done");
    assert_eq!(lift(&mut office, 110_106, "2021-11-13"), unlisted(110_106));
    assert_eq!(office.risk_areas(), [area(110_106, "2021-11-10", Some("2021-11-12"))]);
}

#[test]
fn an_exception_is_filed_in_advance() {
    type Change = fn(&mut Exception);

    let mut office = Office::new();
    let usual = Exception {
        issuer: IssuerId::new(15),
        places: [Place::RailCheckpoint, Place::Port].into(),
        from: at("2021-11-20T00:00:00Z"),
        to: at("2021-11-21T00:00:00Z"),
        filed: at("2021-11-20T00:00:00Z"),
        filing: "备案2021-12号".to_owned(),
        instead: Words::new("请出示纸质核酸证明", "Show a paper certificate"),
    };
    let cases: [(&str, Change, &str); 9] = [
        (
            "back-dated",
            |exception| exception.filed += TimeDelta::seconds(1),
            "an exception is filed in advance: it cannot begin before it is filed",
        ),
        ("empty", |exception| exception.to = exception.from, "an exception ends after it begins"),
        (
            "no number",
            |exception| exception.filing = " ".into(),
            "an exception is filed under a number",
        ),
        (
            "nothing in Chinese",
            |exception| exception.instead.zh = String::new(),
            "an exception says, in both languages, what is accepted instead",
        ),
        (
            "nothing in English",
            |exception| exception.instead.en = " ".into(),
            "an exception says, in both languages, what is accepted instead",
        ),
        (
            "nowhere",
            |exception| exception.places.clear(),
            "an exception is for one kind of place at least",
        ),
        (
            "the national platform",
            |exception| exception.issuer = IssuerId::NATIONAL,
            "156 is no province of GB/T 2260 that an exception could be for",
        ),
        ("as it should be", |_| {}, "done"),
        ("twice", |_| {}, "an exception is filed as 备案2021-12号 already"),
    ];
    for (case, change, expected) in cases {
        let mut exception = usual.clone();
        change(&mut exception);
        assert_eq!(said(office.authority.file_exception(&exception)), expected, "{case}");
    }
    let published = office.recognition();
    let inner_mongolia = IssuerId::new(15);
    let found = |place, now| published.exception(inner_mongolia, place, at(now)).cloned();
    assert_eq!(found(Place::Port, NOW), Some(usual));
    assert_eq!(found(Place::Port, "2021-11-21T00:00:00Z"), None);
    assert_eq!(found(Place::Park, NOW), None);
}

#[test]
fn a_binding_joins_one_dependant_to_one_guardian() {
    let mut office = Office::new();
    let bond = |guardian: &str, dependant: &str, consent: &str| Guardianship {
        guardian: number(guardian),
        dependant: number(dependant),
        relation: Relation::Child,
        consent: consent.to_owned(),
    };
    for child in 0..7 {
        let bond = bond("MOTHER", &format!("CHILD{child}"), "form 12");
        office.authority.bind(&bond, at(NOW)).unwrap();
    }
    let chain = "a dependant guards nobody, and a guardian is nobody's dependant";
    let consent = "say where the consent is to be found, in at most 200 characters";
    let cases = [
        ("no consent", bond("MOTHER", "CHILD7", " "), consent),
        ("too many words", bond("MOTHER", "CHILD7", &"字".repeat(201)), consent),
        ("oneself", bond("MOTHER", "mother", "form 12"), "nobody is bound to themselves"),
        (
            "bound already",
            bond("FATHER", "CHILD0", "form 12"),
            "the dependant has a guardian already",
        ),
        ("a dependant as guardian", bond("CHILD0", "CHILD7", "form 12"), chain),
        ("a guardian as dependant", bond("FATHER", "MOTHER", "form 12"), chain),
        ("the eighth", bond("MOTHER", "CHILD7", &"字".repeat(200)), "done"),
        ("the ninth", bond("MOTHER", "CHILD8", "form 12"), "a guardian has at most 8 dependants"),
    ];
    for (case, bond, expected) in cases {
        assert_eq!(said(office.authority.bind(&bond, at(NOW))), expected, "{case}");
    }
    let unbind = |office: &mut Office, who| said(office.authority.unbind(&number(who)));
    assert_eq!(unbind(&mut office, "CHILD7"), "done");
    assert_eq!(unbind(&mut office, "CHILD7"), "the dependant has no guardian");
    assert_eq!(said(office.authority.bind(&bond("MOTHER", "CHILD8", "form 12"), at(NOW))), "done");
}

#[test]
fn a_bound_code_names_the_guardians_newest() {
    let mut office = Office::new();
    let (mother, child) = (number("11010519491231002X"), number("110105201503120016"));
    office.healthy(&mother);
    office.healthy(&child);
    let guardianship = Guardianship {
        guardian: mother.clone(),
        dependant: child.clone(),
        relation: Relation::Child,
        consent: "form 12".to_owned(),
    };
    office.authority.bind(&guardianship, at(NOW)).unwrap();
    let first = "the guardian has no code that is valid: issue the guardian's code first";
    assert_eq!(said(office.claims(&child, NOW)), first);
    office.claims(&mother, "2021-11-19T00:00:00Z").unwrap();
    assert_eq!(said(office.claims(&child, NOW)), first, "expired this instant");
    office.claims(&mother, "2021-11-19T20:00:00Z").unwrap();
    let newest = office.claims(&mother, "2021-11-19T21:00:00Z").unwrap();
    let bound = office.claims(&child, NOW).unwrap().binding.unwrap();
    assert_eq!((bound.relation, &bound.guardian), (Relation::Child, &newest.code_id));

    let text = office.authority.issue_for(&mother, BEIJING, Kind::Phone, at(NOW)).unwrap();
    let converted = office.authority.transcode(&text, at(NOW)).unwrap();
    let converted = office.believed(&converted);
    let bound = office.claims(&child, NOW).unwrap().binding.unwrap();
    assert_eq!(bound.guardian, converted.code_id, "a converted code is its holder's too");
    office.authority.unbind(&child).unwrap();
    assert_eq!(office.claims(&child, NOW).unwrap().binding, None);
}

#[test]
fn a_key_ends_in_one_of_three_ways_and_does_not_come_back() {
    type Act = fn(&mut Authority, KeyId) -> Result<(), AuthorityError>;
    let retire: Act = |office, key| office.retire_key(BEIJING, key, at(NOW));
    let compromise: Act = |office, key| office.compromise_key(BEIJING, key);
    let withdraw: Act = |office, key| office.withdraw_series(BEIJING, key);
    let retired = KeyStatus::Retired { at: at(NOW) };
    let cases: [(&str, &[Act], Act, Result<KeyStatus, &str>); 10] = [
        ("retired", &[], retire, Ok(retired)),
        ("compromised", &[], compromise, Ok(KeyStatus::Compromised)),
        ("withdrawn", &[], withdraw, Ok(KeyStatus::WithdrawnSeries)),
        ("retired twice", &[retire], retire, Err("retired")),
        ("compromised when retired", &[retire], compromise, Ok(KeyStatus::Compromised)),
        ("withdrawn when retired", &[retire], withdraw, Ok(KeyStatus::WithdrawnSeries)),
        ("retired when compromised", &[compromise], retire, Err("compromised")),
        ("withdrawn when compromised", &[compromise], withdraw, Err("compromised")),
        ("retired when withdrawn", &[withdraw], retire, Err("withdrawn_series")),
        ("compromised when withdrawn", &[withdraw], compromise, Ok(KeyStatus::Compromised)),
    ];
    for (case, before, act, expected) in cases {
        let mut office = Office::new();
        let ring = office.ring();
        let (first, _) = ring.issuer(BEIJING).unwrap().keys().next().unwrap();
        let second = office.authority.new_key(BEIJING, at(EARLY)).unwrap();
        for act in before {
            act(&mut office.authority, second).unwrap();
        }
        let outcome = act(&mut office.authority, second);
        match expected {
            Ok(status) => {
                outcome.unwrap();
                let ring = office.ring();
                let keys = ring.issuer(BEIJING).unwrap();
                assert_eq!(keys.key(second).unwrap().status, status, "{case}");
                assert_eq!(keys.key(first).unwrap().status, KeyStatus::Active, "{case}");
                let who = number("11010519491231002X");
                office.healthy(&who);
                assert!(office.claims(&who, NOW).is_ok(), "{case}: the first signs again");
            }
            Err(status) => {
                let expected = format!("key {second} of issuer 11 is {status} already");
                assert_eq!(said(outcome), expected, "{case}");
            }
        }
    }
    let mut office = Office::new();
    let stranger = KeyId::new([1, 2, 3, 4]);
    assert_eq!(said(retire(&mut office.authority, stranger)), "issuer 11 has no key 01020304");
}

#[test]
fn partners_are_none_until_there_is_an_agreement() {
    type Change = fn(&mut Partner);

    let mut office = Office::new();
    assert_eq!(office.recognition().partners(), []);
    let usual = Partner {
        partner: "KR".to_owned(),
        agreement: "中韩2021-3".to_owned(),
        from: at("2021-11-01T00:00:00Z"),
        to: at("2021-12-01T00:00:00Z"),
        places: [Place::Airport].into(),
    };
    let country = "a partner is a country by its two capital letters in ISO 3166-1";
    let overlap = "there is an agreement with KR for some of that time already";
    let cases: [(&str, Change, &str); 8] = [
        ("three letters", |partner| partner.partner = "KOR".into(), country),
        ("small letters", |partner| partner.partner = "kr".into(), country),
        (
            "no agreement",
            |partner| partner.agreement.clear(),
            "a partner counts by an agreement: name it",
        ),
        (
            "nowhere",
            |partner| partner.places.clear(),
            "an agreement is for one kind of place at least",
        ),
        ("empty", |partner| partner.to = partner.from, "an agreement ends after it begins"),
        ("as it should be", |_| {}, "done"),
        ("twice", |_| {}, overlap),
        ("overlapping", |partner| partner.from += TimeDelta::days(29), overlap),
    ];
    for (case, change, expected) in cases {
        let mut partner = usual.clone();
        change(&mut partner);
        assert_eq!(said(office.authority.add_partner(&partner)), expected, "{case}");
    }
    assert_eq!(office.recognition().partners(), std::slice::from_ref(&usual));

    let none = "there is no agreement with this country that could end then";
    let ends = [
        ("nobody", "JP", "2021-11-15T00:00:00Z", none),
        ("before it begins", "KR", "2021-11-01T00:00:00Z", "an agreement ends after it begins"),
        ("when it ends anyway", "KR", "2021-12-01T00:00:00Z", none),
        ("sooner", "KR", "2021-11-15T00:00:00Z", "done"),
    ];
    for (case, partner, to, expected) in ends {
        assert_eq!(said(office.authority.end_partner(partner, at(to))), expected, "{case}");
    }
    let ended = Partner { to: at("2021-11-15T00:00:00Z"), ..usual.clone() };
    assert_eq!(office.recognition().partners(), std::slice::from_ref(&ended));
    let next = Partner { from: ended.to, ..usual };
    office.authority.add_partner(&next).unwrap();
    assert_eq!(office.recognition().partners(), [ended, next]);
}

#[test]
fn a_test_partner_signs_under_its_countrys_number() {
    let mut office = Office::new();
    let korea = IssuerId::new(410);
    let name = Words::new("韩国（测试）", "Korea (test)");
    let number = |issuer| {
        format!("{issuer} is no number of ISO 3166-1, or an issuer of this country has it")
    };
    let cases = [
        ("a province's", IssuerId::new(12), name.clone(), number(12)),
        ("the national platform's", IssuerId::NATIONAL, name.clone(), number(156)),
        ("none", IssuerId::new(0), name.clone(), number(0)),
        ("four digits", IssuerId::new(1000), name.clone(), number(1000)),
        (
            "no name",
            korea,
            Words::new("韩国", ""),
            "an issuer abroad has a name in both languages".to_owned(),
        ),
    ];
    for (case, issuer, name, expected) in cases {
        let outcome = office.authority.new_partner_key(issuer, &name, at(EARLY));
        assert_eq!(said(outcome), expected, "{case}");
    }
    let key = office.authority.new_partner_key(korea, &name, at(EARLY)).unwrap();
    let mut claims = common::claims();
    claims.issuer = korea;
    let text = office.authority.issue(&claims).unwrap();
    assert_eq!(office.believed(&text), claims);
    let ring = office.ring();
    let issuer = ring.issuer(korea).unwrap();
    assert_eq!(issuer.name(), &name);
    assert!(issuer.key(key).is_some());
    let refused = office.authority.transcode(&text, at(NOW));
    assert_eq!(said(refused), "issuer 410 is no province: only a province's code is converted");
}

#[test]
fn a_policy_pack_is_published_byte_for_byte_and_only_rises() {
    let mut office = Office::new();
    let usual = office.authority.publish(at(NOW)).unwrap().policy.unwrap();
    assert!(String::from_utf8(usual).unwrap().contains("GREENGATE-BASE"));
    let dated = |version: u64, issued: &str| {
        let mut policy = common::policy();
        policy["version"] = version.into();
        policy["issued"] = issued.into();
        format!("  {policy}\n").into_bytes()
    };
    let pack = |version| dated(version, NOW);
    let golden = |verdict: &str| {
        let case = serde_json::json!({
            "name": "green", "at": NOW, "places": ["park"], "code": {},
            "expect": {"verdict": verdict},
        });
        serde_json::json!({ "cases": [case] }).to_string()
    };
    let refused = office.authority.set_policy(&pack(4), golden("deny").as_bytes());
    assert_eq!(
        said(refused),
        "1 of the golden cases came out otherwise:\ngreen, at park: expected deny, came out pass"
    );
    let earlier = dated(4, "2021-11-19T23:59:59Z");
    assert_eq!(
        said(office.authority.set_policy(&earlier, golden("pass").as_bytes())),
        "issued at 2021-11-19 23:59:59 UTC, before 2021-11-20 00:00:00 UTC, the date of one that \
         terminals may have"
    );
    let mut other = pack(5);
    other.push(b' ');
    let cases = [
        (
            "the usual policy's version",
            pack(1),
            "version 1 is not higher than 1, which terminals may have",
        ),
        ("higher", pack(5), "done"),
        ("the same again", pack(5), "done"),
        (
            "another of that version",
            other,
            "version 5 is not higher than 5, which terminals may have",
        ),
        ("lower", pack(4), "version 4 is not higher than 5, which terminals may have"),
        (
            "no policy",
            b"[".to_vec(),
            "not a policy: not well formed: EOF while parsing a list at line 1 column 1",
        ),
    ];
    for (case, bytes, expected) in cases {
        assert_eq!(
            said(office.authority.set_policy(&bytes, golden("pass").as_bytes())),
            expected,
            "{case}"
        );
    }
    assert_eq!(office.authority.publish(at(NOW)).unwrap().policy, Some(pack(5)));
}

#[test]
fn a_provinces_code_is_converted_into_the_national_platforms() {
    type Change = fn(&mut Claims);

    let mut office = Office::new();
    let statuses = [
        (20, NormalStatus::Normal),
        (21, NormalStatus::Watch),
        (22, NormalStatus::Stop),
        (23, NormalStatus::Review),
    ];
    office.authority.set_statuses(IssuerId::NATIONAL, &BTreeMap::from(statuses)).unwrap();
    for (status, national) in [(0, 23), (1, 20), (2, 21), (3, 22)] {
        let original = Claims { status, commuter: Some(HEBEI), ..common::claims() };
        let text = office.authority.issue(&original).unwrap();
        let converted = office.authority.transcode(&text, at(NOW)).unwrap();
        let converted = office.believed(&converted);
        assert_ne!(converted.code_id, original.code_id, "{status}");
        let expected = Claims {
            issuer: IssuerId::NATIONAL,
            issued: at(NOW),
            status: national,
            code_id: converted.code_id.clone(),
            origin: Some(BEIJING),
            ..original
        };
        assert_eq!(converted, expected, "{status}");
    }

    let usual = common::claims();
    let cases: [(&str, Change, &str, &str); 8] = [
        ("last second", |_| {}, "2021-11-20T10:59:59Z", "done"),
        (
            "expired",
            |_| {},
            "2021-11-20T11:00:00Z",
            "the code is valid no longer than to 2021-11-20 11:00:00 UTC",
        ),
        (
            "too old for its kind",
            |claims| claims.expires += TimeDelta::days(30),
            "2021-11-20T23:00:00Z",
            "the code is valid no longer than to 2021-11-20 23:00:00 UTC",
        ),
        (
            "paper lives longer",
            |claims| {
                claims.kind = Kind::Paper;
                claims.expires += TimeDelta::days(30);
            },
            "2021-11-20T23:00:00Z",
            "done",
        ),
        (
            "to come",
            |_| {},
            "2021-11-19T22:59:59Z",
            "the code is issued at 2021-11-19 23:00:00 UTC, which is to come",
        ),
        (
            "unmapped",
            |claims| claims.status = 7,
            NOW,
            "status 7 of issuer 11 has no normal meaning",
        ),
        (
            "national already",
            |claims| claims.issuer = IssuerId::NATIONAL,
            NOW,
            "issuer 156 is no province: only a province's code is converted",
        ),
        (
            "older than its key",
            |claims| claims.issued = at(EARLY) - TimeDelta::seconds(1),
            NOW,
            "the code is not believed: issuer key is not known to this terminal",
        ),
    ];
    for (case, change, now, expected) in cases {
        let mut claims = usual.clone();
        change(&mut claims);
        let text = office.authority.issue(&claims).unwrap();
        assert_eq!(said(office.authority.transcode(&text, at(now))), expected, "{case}");
    }
    let foreign = [
        ("no code", common::text("https://example.com"), "not a code: not a health code"),
        (
            "a stranger's key",
            code(|_| {}),
            "the code is not believed: issuer key is not known to this terminal",
        ),
    ];
    for (case, text, expected) in foreign {
        assert_eq!(said(office.authority.transcode(&text, at(NOW))), expected, "{case}");
    }
    let statuses = BTreeMap::from([(1, NormalStatus::Stop)]);
    office.authority.set_statuses(IssuerId::NATIONAL, &statuses).unwrap();
    let text = office.authority.issue(&usual).unwrap();
    let refused = office.authority.transcode(&text, at(NOW));
    assert_eq!(said(refused), "issuer 156 has no status that means normal");
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
