//! What is kept of a desk: operators, what they did, and whom they registered.

#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::fs;

use chrono::TimeDelta;
use common::{NOW, at, basis, code, judge_reading, usual_files};
use greengate::{
    audit::{
        AuditRecord, Checker, Consent, ConsentBy, ConsentHow, DeskAct, Entry, Event, Found,
        IdOutcome, OverrideReason, StaffNumber,
    },
    clock::Timestamp,
    credential::{Claims, CodeDigest},
    decision::{Reason, Verdict},
    id_document::{DocumentKind, DocumentNumber, NumberText},
    language::Words,
    place::{Gate, Place},
    registration::{
        OpenError, OpeningKey, Person, PersonDocument, PersonName, Registration,
        RegistrationReason, SEALED_BYTES,
    },
    shift::{
        Backoff, Known, Operator, OperatorCount, Overridden, Pin, PinCost, PinHash, ReportError,
        Role, SignedReport, Span,
    },
    store::{DESK_KEPT, OperatorError, SignInError, Store, StoreError},
    symbol::Reading,
};
use proptest::prelude::*;
use tempfile::tempdir;

const CHEAP: PinCost = PinCost { memory_kib: 8, passes: 1 };

fn number(text: &str) -> StaffNumber {
    text.parse().unwrap()
}

fn pin(text: &str) -> Pin {
    Pin::entered(text).unwrap()
}

fn operator(staff: &str, role: Role, text: &str) -> Operator {
    Operator {
        number: number(staff),
        name: Some("王五".to_owned()),
        role,
        pin: PinHash::of(&pin(text), CHEAP).unwrap(),
        backoff: Backoff::default(),
    }
}

fn after(seconds: i64) -> Timestamp {
    at(NOW) + TimeDelta::seconds(seconds)
}

/// A store with a maintainer 9, who is known.
fn maintained(mut store: Store) -> (Store, Known) {
    store.add_operator(&operator("9", Role::Maintainer, "902817"), None, at(NOW)).unwrap();
    let known = store.sign_in(&number("9"), &pin("902817"), at(NOW)).unwrap();
    (store, known)
}

fn entries(store: &Store) -> Vec<Entry> {
    let mut entries = Vec::new();
    store
        .each_entry(|entry, _| {
            entries.push(entry);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    entries
}

/// Event, staff, and detail of each record.
fn acts(store: &Store) -> Vec<(String, Option<String>, Option<String>)> {
    entries(store).into_iter().map(|entry| (entry.event, entry.staff, entry.detail)).collect()
}

fn act(
    event: &str,
    staff: Option<&str>,
    detail: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    (event.to_owned(), staff.map(str::to_owned), detail.map(str::to_owned))
}

#[test]
fn operators_are_the_maintainers_to_change() {
    let mut store = Store::in_memory().unwrap();
    let staff = operator("1001", Role::Staff, "271828");
    let first = store.add_operator(&staff, None, at(NOW));
    assert!(matches!(first, Err(OperatorError::MaintainerFirst)), "{first:?}");
    let (mut store, maintainer) = maintained(store);
    let unasked = store.add_operator(&staff, None, at(NOW));
    assert!(matches!(unasked, Err(OperatorError::MaintainerFirst)), "{unasked:?}");
    let second = operator("8", Role::Maintainer, "902817");
    let unasked = store.add_operator(&second, None, at(NOW));
    assert!(matches!(unasked, Err(OperatorError::NotMaintainer)), "{unasked:?}");
    store.add_operator(&staff, Some(&maintainer), at(NOW)).unwrap();
    let again = store.add_operator(&staff, Some(&maintainer), at(NOW));
    assert!(matches!(again, Err(OperatorError::Exists)), "{again:?}");
    assert_eq!(store.operator(&staff.number).unwrap(), Some(staff.clone()));

    let known = store.sign_in(&staff.number, &pin("271828"), at(NOW)).unwrap();
    let by_staff = store.remove_operator(&number("9"), &known, at(NOW));
    assert!(matches!(by_staff, Err(OperatorError::LastMaintainer)), "{by_staff:?}");
    let by_staff = store.remove_operator(&staff.number, &known, at(NOW));
    assert!(matches!(by_staff, Err(OperatorError::NotMaintainer)), "{by_staff:?}");
    let unknown = store.remove_operator(&number("7"), &maintainer, at(NOW));
    assert!(matches!(unknown, Err(OperatorError::Unknown)), "{unknown:?}");

    let anew = PinHash::of(&pin("314159"), CHEAP).unwrap();
    store.reset_operator(&staff.number, &anew, &maintainer, at(NOW)).unwrap();
    assert!(store.sign_in(&staff.number, &pin("314159"), at(NOW)).is_ok());
    store.remove_operator(&staff.number, &maintainer, at(NOW)).unwrap();
    assert_eq!(store.operator(&staff.number).unwrap(), None);
    assert_eq!(
        acts(&store),
        [
            act("operator", None, Some("added 9")),
            act("operator", Some("9"), Some("added 1001")),
            act("operator", Some("9"), Some("reset 1001")),
            act("operator", Some("9"), Some("removed 1001")),
        ]
    );
}

#[test]
fn the_wait_for_a_mistake_outlasts_a_restart() {
    let state = tempdir().unwrap();
    let (mut store, _) = maintained(Store::open(state.path()).unwrap());
    let try_pin = |store: &mut Store, text, seconds| match store.sign_in(
        &number("9"),
        &pin(text),
        after(seconds),
    ) {
        Ok(_) => "in".to_owned(),
        Err(SignInError::Blocked { until }) => {
            format!("blocked {}", (until - at(NOW)).num_seconds())
        }
        Err(SignInError::Wrong { until }) => {
            format!("wrong {}", (until.unwrap() - at(NOW)).num_seconds())
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(try_pin(&mut store, "314159", 0), "wrong 1");
    assert_eq!(try_pin(&mut store, "314159", 1), "wrong 3");
    drop(store);
    let mut store = Store::open(state.path()).unwrap();
    assert_eq!(try_pin(&mut store, "902817", 2), "blocked 3");
    assert_eq!(try_pin(&mut store, "902817", 3), "in");
    assert_eq!(store.operators().unwrap()[0].backoff, Backoff::default());
    let nobody = store.sign_in(&number("314159"), &pin("314159"), at(NOW));
    assert!(matches!(nobody, Err(SignInError::Wrong { until: None })), "{nobody:?}");
    assert_eq!(
        acts(&store)[1..],
        [act("wrong_pin", Some("9"), Some("1")), act("wrong_pin", Some("9"), Some("2"))],
        "and no number that nobody has"
    );
}

/// Judges a code at `now` under `staff` and keeps the record.
fn scan(store: &mut Store, staff: Option<&str>, change: impl FnOnce(&mut Claims), now: Timestamp) {
    let basis = basis(&usual_files());
    let reading = Reading::of(code(change));
    let decision = judge_reading(&reading, &basis, now).unwrap();
    let record = AuditRecord::of(&decision, &reading, &basis, store.digest_key(), now);
    store.record(&AuditRecord { staff: staff.map(number), ..record }).unwrap();
}

fn note(store: &mut Store, staff: &str, act: DeskAct, now: Timestamp) {
    store.note(&Event::Desk { by: Some(number(staff)), act }, now).unwrap();
}

fn looked_up(found: Found) -> DeskAct {
    let consent = Consent { by: ConsentBy::Holder, how: ConsentHow::Spoken };
    DeskAct::LookedUp { consent, document: CodeDigest::new([7; 32]), found }
}

fn overridden() -> DeskAct {
    DeskAct::Overridden {
        from: Verdict::Deny,
        was: Some(Reason::Stop),
        reason: OverrideReason::MedicalEmergency,
        second: Some(number("1003")),
        digest: None,
    }
}

/// A store with a shift of 1001 from eight to ten in the morning, and one scan beside it.
fn worked() -> Store {
    let mut store = Store::in_memory().unwrap();
    let name = Words::new("北京南站", "Beijing South");
    let gate = Gate { place: Place::RailCheckpoint, name, gate: "3".to_owned() };
    store.provision(&gate).unwrap();
    note(&mut store, "1001", DeskAct::SignedIn, at(NOW));
    scan(&mut store, None, |_| {}, after(1));
    for seconds in [10, 20, 3_700] {
        scan(&mut store, Some("1001"), |_| {}, after(seconds));
    }
    scan(&mut store, Some("1001"), |claims| claims.status = 3, after(3_800));
    note(&mut store, "1001", overridden(), after(3_810));
    note(&mut store, "1001", looked_up(Found::Found), after(4_000));
    note(&mut store, "1001", looked_up(Found::NotFound), after(4_010));
    for (by, outcome) in
        [(Checker::Machine, IdOutcome::TailOnly), (Checker::Staff, IdOutcome::NoMatch)]
    {
        note(&mut store, "1001", DeskAct::IdChecked { by, outcome, code: None }, after(4_020));
    }
    note(&mut store, "1001", DeskAct::SignedOut, after(7_200));
    store
}

fn span(staff: Option<&str>) -> Span {
    Span { staff: staff.map(number), from: at(NOW), to: after(7_201) }
}

#[test]
fn a_report_counts_what_a_shift_added_up_to() {
    let store = worked();
    assert_eq!(store.last_sign_in(Some(&number("1001"))).unwrap(), Some(at(NOW)));
    assert_eq!(store.last_sign_in(Some(&number("1002"))).unwrap(), None);
    assert_eq!(store.look_ups_today(&number("1001"), after(5_000)).unwrap(), 2);
    assert_eq!(store.look_ups_today(&number("1001"), after(86_400)).unwrap(), 0);
    let report = store.shift_report(span(Some("1001"))).unwrap();
    assert_eq!(
        report.csv(),
        "table,at,verdict,reason,of,count\n\
         verdict,,deny,,,1\n\
         verdict,,pass,,,3\n\
         reason,,,E41,,1\n\
         kind,,,,phone,4\n\
         issuer,,,,11,4\n\
         hour,2021-11-20T08:00:00+08:00,pass,,,2\n\
         hour,2021-11-20T09:00:00+08:00,deny,E41,,1\n\
         hour,2021-11-20T09:00:00+08:00,pass,,,1\n\
         look_ups,,,,1001,2\n\
         not_found,,,,1001,1\n\
         id_checks,,,,1001,2\n\
         no_match,,,,1001,1\n\
         registered,,,,1001,0\n\
         wrong_pins,,,,1001,0\n\
         overrides,,,,1001,1\n\
         override,2021-11-20T09:03:30+08:00,deny,E41,1001 medical_emergency 1003,1\n"
    );
    let bar = "#".repeat(40);
    let (first, then) = (&bar[..40], "#".repeat(20) + &"x".repeat(20));
    assert_eq!(
        report.text_chart(),
        format!(
            "# pass  + check_id  ? refer  x deny  ~ retry\n\
             11-20 08:00  2 / 0 / 0 / 0 / 0         {first}\n\
             11-20 09:00  1 / 0 / 0 / 1 / 0         {then}\n\
             E41          1                         {}\n",
            "=".repeat(40)
        )
    );
    let svg = report.svg();
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<rect").count(), 1 + 5 + 2 * 5 + 1, "background, legend, hours, E41");

    let all = store.shift_report(span(None)).unwrap();
    assert_eq!(all.verdicts[1].count, 4, "with what nobody was on duty for");
    let early = Span { to: after(3_810), ..span(Some("1001")) };
    let early = store.shift_report(early).unwrap();
    assert_eq!(early.operators, [], "a span ends before its end");
}

#[test]
fn a_report_is_opened_by_the_terminals_key_alone() {
    let mut store = worked();
    let report = store.shift_report(span(None)).unwrap();
    let signed = store.close_shift(report.clone(), Some(&number("1001")), after(7_300)).unwrap();
    let key = store.device_key();
    let json = signed.json();
    assert_eq!(SignedReport::open(json.as_bytes(), &key), Ok(report.clone()));
    let closed = acts(&store).pop().unwrap();
    assert_eq!(closed, act("shift_closed", Some("1001"), Some(&signed.digest().to_string())));

    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let compact = value.to_string();
    assert_eq!(SignedReport::open(compact.as_bytes(), &key), Ok(report), "in another order");
    let other = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key();
    let cases = [
        ("another key", json.clone(), &other, ReportError::Signature),
        ("one override fewer", json.replace("medical", "ordered"), &key, ReportError::Signature),
        ("a count", json.replacen("\"count\": 1", "\"count\": 2", 1), &key, ReportError::Signature),
        ("something beside", json.replacen('{', "{\"more\": 1,", 1), &key, ReportError::Form),
        ("a table", "table,at\n".to_owned(), &key, ReportError::Form),
        ("nothing", String::new(), &key, ReportError::Form),
    ];
    for (name, json, key, error) in cases {
        assert_eq!(SignedReport::open(json.as_bytes(), key), Err(error), "{name}");
    }
}

#[test]
fn look_ups_and_overrides_are_kept_for_thirty_days_and_no_name_with_them() {
    let mut store = worked();
    scan(&mut store, None, |_| {}, after(8_000));
    let day = |days: i64| after(7_200) + TimeDelta::days(days);
    store.note(&Event::Started, day(8)).unwrap();
    assert!(store.prune(day(8)).unwrap() > 0);
    let report = |store: &Store, days| {
        store.shift_report(Span { staff: None, from: at(NOW), to: day(days) }).unwrap()
    };
    let kept = report(&store, 8);
    assert_eq!(kept.verdicts, [], "rows of decisions are gone");
    let expected = OperatorCount {
        staff: number("1001"),
        look_ups: 2,
        not_found: 1,
        id_checks: 0,
        no_match: 0,
        registered: 0,
        wrong_pins: 0,
        overrides: vec![Overridden {
            at: after(3_810),
            from: "deny".to_owned(),
            was: Some("E41".to_owned()),
            reason: "medical_emergency".to_owned(),
            second: Some(number("1003")),
        }],
    };
    assert_eq!(kept.operators, [expected]);
    assert!(store.verify_log().is_ok());

    // Thirty days to the second after the override, and no more after the last look-up.
    store.prune(after(3_810) + DESK_KEPT).unwrap();
    assert_eq!(report(&store, 8).operators[0].overrides.len(), 1);
    store.prune(after(4_011) + DESK_KEPT).unwrap();
    assert_eq!(report(&store, 8).operators, []);
}

fn registration(name: &str, number: Option<&str>) -> Registration {
    let document = number.map(|number| PersonDocument {
        kind: DocumentKind::CitizenId,
        number: NumberText::new(number).unwrap(),
    });
    Registration {
        person: Person::new(PersonName::new(name).unwrap(), document),
        reason: RegistrationReason::Minor,
        guardian: Some(Person::new(PersonName::new("张三").unwrap(), None)),
        staff: self::number("1001"),
        terminal: Some("gate-3".to_owned()),
        at: at(NOW),
    }
}

#[test]
fn a_registration_is_opened_by_the_authority_alone() {
    let key = OpeningKey::new([3; 32]);
    let public = key.sealing_key().unwrap();
    let written = registration("张小三", Some("11010519491231002X"));
    let sealed = written.seal(&public).unwrap();
    assert!(key.open(&sealed).unwrap() == written);
    assert_ne!(sealed, written.seal(&public).unwrap(), "no two are alike");
    let longest = registration(&"𠮷".repeat(64), Some("11010519491231002X"));
    let name = PersonName::new(&"𠮷".repeat(64)).unwrap();
    let document = PersonDocument {
        kind: DocumentKind::ForeignPermanentResident,
        number: NumberText::new(&"9".repeat(NumberText::MAX_CHARS)).unwrap(),
    };
    let both = Registration {
        person: Person::new(name.clone(), Some(document.clone())),
        guardian: Some(Person::new(name, Some(document))),
        terminal: Some("g".repeat(64)),
        staff: number(&"9".repeat(8)),
        ..longest.clone()
    };
    assert!(key.open(&both.seal(&public).unwrap()).unwrap() == both, "whatever is in it fits");
    for other in [registration("李", None), longest, both] {
        assert_eq!(other.seal(&public).unwrap().len(), SEALED_BYTES, "all have one size");
    }
    let error = |sealed: &[u8]| key.open(sealed).unwrap_err();
    for index in 0..sealed.len() {
        let mut bytes = sealed.clone();
        bytes[index] ^= 1;
        let expected = if index < 8 { OpenError::Form } else { OpenError::Sealed };
        assert_eq!(error(&bytes), expected, "byte {index}");
    }
    assert_eq!(error(&sealed[..sealed.len() - 1]), OpenError::Form);
    assert_eq!(error(&[]), OpenError::Form);
    assert_eq!(OpeningKey::new([4; 32]).open(&sealed).unwrap_err(), OpenError::Sealed);
    assert_eq!(format!("{written:?} {key:?}"), "Registration(minor, ..) OpeningKey(..)");
}

#[test]
fn a_name_is_short_and_steers_nothing() {
    for name in ["", " ", "张\u{1B}[2J", "a\nb", "a\"b", &"张".repeat(65)] {
        assert!(PersonName::new(name).is_none(), "{name:?}");
    }
    for name in ["张三", "买买提·吐尔逊", "O'Brien", &"张".repeat(64)] {
        assert_eq!(PersonName::new(name).unwrap().expose(), name);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_that_are_opened(bytes in proptest::collection::vec(any::<u8>(), SEALED_BYTES)) {
        let key = OpeningKey::new([3; 32]);
        prop_assert!(key.open(&bytes).is_err());
        prop_assert!(SignedReport::open(&bytes, &common::key(1).verifying_key()).is_err());
    }
}

#[test]
fn a_registration_is_kept_until_it_is_sent_and_nobody_is_in_the_store() {
    let state = tempdir().unwrap();
    let mut store = Store::open(state.path()).unwrap();
    let public = OpeningKey::new([3; 32]).sealing_key().unwrap();
    let person = registration("张小三", Some("11010519491231002X"));
    for _ in 0..3 {
        let sealed = person.seal(&public).unwrap();
        store.keep_registration(&sealed, &number("1001"), at(NOW)).unwrap();
    }
    assert!(store.keep_registration(b"nothing", &number("1001"), at(NOW)).is_err());
    let document = DocumentNumber::parse("11010519491231002X", at(NOW).date_naive()).unwrap();
    let digest = store.digest_key().of_document(&document);
    let consent = Consent { by: ConsentBy::Holder, how: ConsentHow::Spoken };
    let looked_up = DeskAct::LookedUp { consent, document: digest, found: Found::NotFound };
    note(&mut store, "1001", looked_up, at(NOW));
    let registrations = store.registrations().unwrap();
    let ids: Vec<_> = registrations.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 2, 3]);
    store.erase_registrations(2).unwrap();
    assert_eq!(store.registrations().unwrap()[..], registrations[2..]);
    store.erase_registrations(3).unwrap();
    let sealed = person.seal(&public).unwrap();
    store.keep_registration(&sealed, &number("1001"), at(NOW)).unwrap();
    assert_eq!(store.registrations().unwrap(), [(4, sealed)], "no number comes twice");
    let lines: String = entries(&store).iter().map(Entry::line).collect();
    drop(store);
    let files = fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> =
        files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect();
    for secret in ["张小三", "11010519491231002X", "1949"] {
        assert!(!lines.contains(secret), "{secret}");
        assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}
