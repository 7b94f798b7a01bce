//! Who is on duty, what they may do, and how often.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use chrono::TimeDelta;
use common::{NOW, at, basis, code, judge, text, usual_files};
use greengate::{
    audit::{
        Consent, ConsentBy, ConsentHow, DeskAct, Event, Found, IdOutcome, OverrideReason,
        StaffNumber,
    },
    clock::Timestamp,
    credential::{DigestKey, DocumentMatch, IdMatch, IdTail, Kind, MatchKey, MatchKeys},
    decision::{Decision, Reason, Verdict},
    id_document::DocumentNumber,
    locked::Locked,
    place::Place,
    presentation::{Audience, Presentation},
    shift::{
        Agreement, Backoff, CompareError, Comparison, Duty, IDLE_LOCK, Known, LOOK_UPS_A_DAY,
        LookUpGuard, LookUpRefused, Operator, OverrideError, Pin, PinCost, PinError, PinHash,
        Refused, Role, Shift, ShiftEvent, Task, Tried,
    },
};
use proptest::prelude::*;

/// A cost at which a test may hash as often as it likes.
const CHEAP: PinCost = PinCost { memory_kib: 8, passes: 1 };

const PIN: &str = "271828";

/// Of a code's identifier of twelve sevens, the document 11010519491231002X, and a key of fives.
const DOCUMENT_MATCH: [u8; 8] = [0xEC, 0xFE, 0xCA, 0x20, 0x23, 0xF4, 0x91, 0x8F];

/// The number of somebody else from the same county, with the same end.
const SAME_END: &str = "11010519540101002X";

fn number(text: &str) -> StaffNumber {
    text.parse().unwrap()
}

fn operator(staff: &str, role: Role) -> Operator {
    Operator {
        number: number(staff),
        name: None,
        role,
        pin: PinHash::of(&Pin::entered(PIN).unwrap(), CHEAP).unwrap(),
        backoff: Backoff::default(),
    }
}

fn known(staff: &str, role: Role) -> Known {
    match operator(staff, role).try_pin(&Pin::entered(PIN).unwrap(), at(NOW)) {
        Tried::Right(known) => known,
        other => panic!("{other:?}"),
    }
}

/// A shift in which `staff` has just come on duty.
fn shift(staff: &str, role: Role) -> Shift {
    let mut shift = Shift::default();
    assert!(shift.on(ShiftEvent::Enter(known(staff, role)), at(NOW)).is_ok());
    shift
}

fn after(seconds: i64) -> Timestamp {
    at(NOW) + TimeDelta::seconds(seconds)
}

fn by(staff: &str, act: DeskAct) -> Event {
    Event::Desk { by: Some(number(staff)), act }
}

#[test]
fn a_pin_is_of_digits_and_none_that_is_tried_first() {
    let staff = number("20211120");
    let cases = [
        ("271828", Ok(())),
        ("112233", Ok(())),
        ("135790", Ok(())),
        ("123123123129", Ok(())),
        ("27182", Err(PinError::Form)),
        ("2718281828459", Err(PinError::Form)),
        ("27182a", Err(PinError::Form)),
        ("２７１８２８", Err(PinError::Form)),
        ("", Err(PinError::Form)),
        ("123456", Err(PinError::Trivial)),
        ("876543", Err(PinError::Trivial)),
        ("000000", Err(PinError::Trivial)),
        ("272727", Err(PinError::Trivial)),
        ("271271", Err(PinError::Trivial)),
        ("20211120", Err(PinError::Trivial)),
    ];
    for (pin, expected) in cases {
        assert_eq!(Pin::chosen(pin, &staff).map(drop), expected, "{pin}");
    }
    assert_eq!(format!("{:?}", Pin::entered(PIN).unwrap()), "Pin(..)");
}

#[test]
fn a_pin_is_kept_as_argon2id_and_a_hash_that_costs_too_much_is_refused() {
    let usual = PinHash::of(&Pin::entered(PIN).unwrap(), PinCost::USUAL).unwrap();
    assert!(usual.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", usual.as_str());
    assert_eq!(PinHash::parse(usual.as_str()), Ok(usual.clone()));
    assert_eq!(format!("{usual:?}"), "PinHash(..)");
    let usual = Operator { pin: usual, ..operator("1001", Role::Staff) };
    let wrong = Pin::entered("314159").unwrap();
    assert!(matches!(usual.clone().try_pin(&wrong, at(NOW)), Tried::Wrong(_)));
    assert!(matches!(usual.try_pin(&Pin::entered(PIN).unwrap(), at(NOW)), Tried::Right(_)));
    let salt = "$c2FsdHNhbHRzYWx0$";
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (name, hash) in [
        ("nothing", String::new()),
        ("a PIN in the clear", PIN.to_owned()),
        ("another algorithm", format!("$argon2i$v=19$m=8,t=1,p=1{salt}{hash}")),
        ("a gigabyte", format!("$argon2id$v=19$m=1048576,t=1,p=1{salt}{hash}")),
        ("a thousand passes", format!("$argon2id$v=19$m=8,t=1000,p=1{salt}{hash}")),
        ("no hash", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0".to_owned()),
        ("too long", format!("$argon2id$v=19$m=8,t=1,p=1{salt}{}", hash.repeat(9))),
    ] {
        assert!(PinHash::parse(&hash).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_hash_that_panics(text in "\\PC{0,80}") {
        if let Ok(hash) = PinHash::parse(&text) {
            prop_assert_eq!(hash.as_str(), text);
        }
    }

    #[test]
    fn a_staff_number_reads_back(text in "\\PC{0,16}") {
        if let Ok(number) = text.parse::<StaffNumber>() {
            prop_assert_eq!(number.as_str().parse::<StaffNumber>(), Ok(number.clone()));
            prop_assert!(number.as_str().len() <= StaffNumber::MAX_CHARS);
        }
    }
}

#[test]
fn each_mistake_costs_twice_as_long_up_to_a_quarter_of_an_hour() {
    let mut backoff = Backoff::default();
    let mut waits = Vec::new();
    for _ in 0..12 {
        backoff = backoff.after_mistake(at(NOW));
        waits.push((backoff.until.unwrap() - at(NOW)).num_seconds());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    let long_ago = Backoff { failed: u32::MAX, until: None };
    assert_eq!(long_ago.after_mistake(at(NOW)).until, Some(after(900)));

    let wrong = Pin::entered("314159").unwrap();
    let right = Pin::entered(PIN).unwrap();
    let operator = Operator {
        backoff: Backoff { failed: 4, until: Some(after(8)) },
        ..operator("1001", Role::Staff)
    };
    let cases = [
        ("the right one, too early", &right, 7, "blocked"),
        ("a wrong one, too early", &wrong, 7, "blocked"),
        ("the right one", &right, 8, "right"),
        ("a wrong one", &wrong, 8, "wrong"),
        ("after the clock was set back a day", &right, -86_400, "blocked"),
    ];
    for (name, pin, seconds, expected) in cases {
        let tried = match operator.clone().try_pin(pin, after(seconds)) {
            Tried::Blocked { until } => {
                assert!(until <= after(seconds + 900), "{name}: nobody waits longer");
                "blocked"
            }
            Tried::Right(known) => {
                assert_eq!(known.operator().backoff, Backoff::default(), "{name}");
                "right"
            }
            Tried::Wrong(backoff) => {
                assert_eq!(backoff, Backoff { failed: 5, until: Some(after(8 + 16)) }, "{name}");
                "wrong"
            }
        };
        assert_eq!(tried, expected, "{name}");
    }
}

#[test]
fn each_role_may_do_what_it_is_for() {
    use Task::{
        AnyReport, ChangeOperators, CheckId, LookUp, Maintain, Override, OwnReport, Register,
        SecondOverride,
    };
    let cases: [(Role, &[Task]); 3] = [
        (Role::Staff, &[CheckId, LookUp, Override, OwnReport, Register]),
        (
            Role::Supervisor,
            &[AnyReport, CheckId, LookUp, Maintain, Override, OwnReport, Register, SecondOverride],
        ),
        (Role::Maintainer, &[ChangeOperators, Maintain, OwnReport]),
    ];
    for (role, may) in cases {
        let allowed: Vec<_> = Task::ALL.into_iter().filter(|task| role.may(*task)).collect();
        assert_eq!(allowed, may, "{role:?}");
        assert_eq!(role.code().parse(), Ok(role));
    }
}

#[test]
fn a_shift_goes_from_hand_to_hand() {
    let enter = |staff, role| ShiftEvent::Enter(known(staff, role));
    let mut shift = Shift::default();
    let on = |staff, role, since| Duty::On { by: number(staff), role, since };
    let locked = |staff, since| Duty::Locked { by: number(staff), since };
    let idle = IDLE_LOCK.num_seconds();
    let (staff, supervisor) = (Role::Staff, Role::Supervisor);
    let steps: Vec<(&str, i64, ShiftEvent, Result<Vec<Event>, Refused>, Duty)> = vec![
        ("nobody leaves", 0, ShiftEvent::SignOut, Err(Refused::Nobody), Duty::Nobody),
        ("nothing is touched", 0, ShiftEvent::Touch, Ok(vec![]), Duty::Nobody),
        (
            "one comes",
            0,
            enter("1001", staff),
            Ok(vec![by("1001", DeskAct::SignedIn)]),
            on("1001", staff, after(0)),
        ),
        (
            "another comes too",
            1,
            enter("1003", supervisor),
            Err(Refused::Occupied),
            on("1001", staff, after(0)),
        ),
        ("a touch", 200, ShiftEvent::Touch, Ok(vec![]), on("1001", staff, after(0))),
        ("nearly idle", 199 + idle, ShiftEvent::Tick, Ok(vec![]), on("1001", staff, after(0))),
        (
            "idle",
            200 + idle,
            ShiftEvent::Tick,
            Ok(vec![by("1001", DeskAct::Locked)]),
            locked("1001", after(0)),
        ),
        ("and still", 900, ShiftEvent::Touch, Ok(vec![]), locked("1001", after(0))),
        (
            "a colleague",
            901,
            enter("1002", staff),
            Err(Refused::Occupied),
            locked("1001", after(0)),
        ),
        (
            "who was there",
            902,
            enter("1001", staff),
            Ok(vec![by("1001", DeskAct::Unlocked)]),
            on("1001", staff, after(0)),
        ),
        (
            "the clock is set back",
            100,
            ShiftEvent::Tick,
            Ok(vec![by("1001", DeskAct::Locked)]),
            locked("1001", after(0)),
        ),
        (
            "a supervisor takes over",
            903,
            enter("1003", supervisor),
            Ok(vec![by("1001", DeskAct::SignedOut), by("1003", DeskAct::SignedIn)]),
            on("1003", supervisor, after(903)),
        ),
        (
            "locks",
            904,
            ShiftEvent::Lock,
            Ok(vec![by("1003", DeskAct::Locked)]),
            locked("1003", after(903)),
        ),
        (
            "and leaves",
            905,
            ShiftEvent::SignOut,
            Ok(vec![by("1003", DeskAct::SignedOut)]),
            Duty::Nobody,
        ),
    ];
    for (name, seconds, event, expected, duty) in steps {
        assert_eq!(shift.on(event, after(seconds)), expected, "{name}");
        assert_eq!(shift.duty(), duty, "{name}");
    }
}

#[test]
fn nobody_does_anything_without_being_on_duty() {
    let cases = [
        ("nobody", Shift::default(), Task::LookUp, Some(Refused::Nobody)),
        ("staff", shift("1001", Role::Staff), Task::LookUp, None),
        ("staff, maintaining", shift("1001", Role::Staff), Task::Maintain, Some(Refused::Role)),
        ("maintainer", shift("9", Role::Maintainer), Task::LookUp, Some(Refused::Role)),
    ];
    for (name, shift, task, expected) in cases {
        assert_eq!(shift.on_duty_for(task).err(), expected, "{name}");
    }
    let mut locked = shift("1001", Role::Staff);
    assert!(locked.on(ShiftEvent::Lock, after(1)).is_ok());
    assert_eq!(locked.on_duty_for(Task::CheckId).err(), Some(Refused::Locked));
    assert_eq!(locked.staff(), Some(&number("1001")), "scans go on under who locked it");
}

/// Decisions: a pass, and one each of the others, with the claims of the usual code.
fn decided(verdict: Verdict) -> Decision {
    let basis = basis(&usual_files());
    let text = match verdict {
        Verdict::Pass => code(|_| {}),
        Verdict::CheckId => code(|claims| claims.kind = Kind::Paper),
        Verdict::Refer => code(|claims| claims.status = 0),
        Verdict::Deny => code(|claims| claims.status = 3),
        Verdict::Retry => text("hello"),
    };
    let decision = judge(&text, &basis, at(NOW));
    assert_eq!(decision.verdict(), verdict);
    decision
}

#[test]
fn an_override_needs_a_reason_and_from_a_denial_a_second_person() {
    use OverrideReason::{DocumentCompared, MedicalEmergency, PaperNatCertificate};
    let staff = || shift("1001", Role::Staff);
    let supervisor = || shift("1003", Role::Supervisor);
    let second = |staff, role| Some(known(staff, role));
    let cases = [
        ("to compare", staff(), Verdict::CheckId, MedicalEmergency, None, Ok(())),
        ("unknown", staff(), Verdict::Refer, MedicalEmergency, None, Ok(())),
        ("no", staff(), Verdict::Deny, MedicalEmergency, None, Err(OverrideError::SecondNeeded)),
        (
            "no, to a supervisor",
            supervisor(),
            Verdict::Deny,
            MedicalEmergency,
            None,
            Err(OverrideError::SecondNeeded),
        ),
        (
            "no, with a colleague",
            staff(),
            Verdict::Deny,
            MedicalEmergency,
            second("1002", Role::Staff),
            Err(OverrideError::NoSupervisor),
        ),
        (
            "no, with a maintainer",
            staff(),
            Verdict::Deny,
            MedicalEmergency,
            second("9", Role::Maintainer),
            Err(OverrideError::NoSupervisor),
        ),
        (
            "no, with oneself",
            supervisor(),
            Verdict::Deny,
            MedicalEmergency,
            second("1003", Role::Supervisor),
            Err(OverrideError::SamePerson),
        ),
        (
            "no, with a supervisor",
            staff(),
            Verdict::Deny,
            MedicalEmergency,
            second("1003", Role::Supervisor),
            Ok(()),
        ),
        (
            "a supervisor's look, by staff",
            staff(),
            Verdict::Refer,
            DocumentCompared,
            None,
            Err(OverrideError::NoSupervisor),
        ),
        ("by a supervisor", supervisor(), Verdict::Refer, DocumentCompared, None, Ok(())),
        (
            "a certificate against a red code",
            staff(),
            Verdict::Deny,
            PaperNatCertificate,
            second("1003", Role::Supervisor),
            Err(OverrideError::NoAnswer),
        ),
        (
            "a pass",
            staff(),
            Verdict::Pass,
            MedicalEmergency,
            None,
            Err(OverrideError::NothingToOverride),
        ),
        (
            "nothing read",
            staff(),
            Verdict::Retry,
            MedicalEmergency,
            None,
            Err(OverrideError::NothingToOverride),
        ),
        (
            "nobody on duty",
            Shift::default(),
            Verdict::Refer,
            MedicalEmergency,
            None,
            Err(OverrideError::Refused(Refused::Nobody)),
        ),
        (
            "a maintainer",
            shift("9", Role::Maintainer),
            Verdict::Refer,
            MedicalEmergency,
            None,
            Err(OverrideError::Refused(Refused::Role)),
        ),
    ];
    for (name, shift, verdict, reason, second, expected) in cases {
        let place = Some(Place::RailCheckpoint);
        let done = shift.overrule(&decided(verdict), reason, place, second.as_ref());
        assert_eq!(done.map(drop), expected, "{name}");
    }

    let supervisor = known("1003", Role::Supervisor);
    let done = staff().overrule(&decided(Verdict::Deny), MedicalEmergency, None, Some(&supervisor));
    let event = done.unwrap().done(None);
    assert_eq!(event.code(), "override");
    assert_eq!(event.detail().unwrap(), "deny pass medical_emergency 1003");
}

#[test]
fn a_paper_certificate_answers_for_a_test_at_a_checkpoint() {
    let (rail, road, park) =
        (Some(Place::RailCheckpoint), Some(Place::HighwayCheckpoint), Some(Place::Park));
    let cases = [
        (Reason::NatMissing, rail, true),
        (Reason::NatTooOld, road, true),
        (Reason::NatPending, rail, true),
        (Reason::NotCommuter, road, true),
        (Reason::NatPositive, rail, false),
        (Reason::Stop, rail, false),
        (Reason::NatMissing, park, false),
        (Reason::NatMissing, None, false),
    ];
    for (reason, place, expected) in cases {
        let answers = OverrideReason::PaperNatCertificate.answers(Some(reason), place);
        assert_eq!(answers, expected, "{reason:?} at {place:?}");
    }
    for reason in OverrideReason::ALL {
        assert_eq!(reason.code().parse(), Ok(*reason));
        assert!(!reason.words().zh.is_empty() && !reason.words().en.is_empty());
    }
}

#[test]
fn a_look_up_is_made_at_the_pace_of_a_desk() {
    let consent = Consent { by: ConsentBy::Guardian, how: ConsentHow::Signed };
    let shift = shift("1001", Role::Staff);
    let mut guard = LookUpGuard::default();
    let mut ask = |seconds, made| guard.allow(&shift, consent, made, after(seconds)).map(drop);
    let too_soon = |seconds| Err(LookUpRefused::TooSoon { until: after(seconds) });
    assert_eq!(ask(0, 0), Ok(()));
    assert_eq!(ask(2, 1), too_soon(3));
    assert_eq!(ask(3, 1), Ok(()));
    assert_eq!(ask(-3_600, 2), too_soon(-3_597), "the clock was set back");
    assert_eq!(ask(-3_597, 2), Ok(()));
    assert_eq!(ask(10, LOOK_UPS_A_DAY), Err(LookUpRefused::TooMany));
    assert_eq!(ask(11, LOOK_UPS_A_DAY - 1), Ok(()));
    assert_eq!(ask(20, 0), Err(LookUpRefused::TooMany), "the guard counts too");
    assert_eq!(ask(86_400, 0), Ok(()), "another day");

    let nobody = Shift::default();
    let refused = guard.allow(&nobody, consent, 0, after(100_000)).map(drop);
    assert_eq!(refused, Err(LookUpRefused::Refused(Refused::Nobody)));

    let document = DigestKey::new([1; 32]).of_document(&document("11010519491231002X"));
    let look_up = LookUpGuard::default().allow(&shift, consent, 0, at(NOW)).unwrap();
    let event = look_up.done(document, Found::NotFound);
    assert_eq!(event.code(), "look_up");
    assert_eq!(event.detail().unwrap(), "guardian signed not_found");
}

fn document(number: &str) -> DocumentNumber {
    DocumentNumber::parse(number, at(NOW).date_naive()).unwrap()
}

#[test]
fn a_document_is_compared_by_its_whole_number_or_by_its_end() {
    // By another program: HMAC-SHA-256 over code id, type byte, and number.
    let expected = DocumentMatch { epoch: 4, digest: DOCUMENT_MATCH };
    let key = |epoch| MatchKey::new(epoch, Locked::new(&[5; 32]).unwrap());
    let decision = |document_match: Option<DocumentMatch>| {
        let text = code(|claims| claims.document_match = document_match);
        judge(&text, &basis(&usual_files()), at(NOW))
    };
    let (own, other) = ("11010519491231002X", SAME_END);
    let cases = [
        ("own, with the key", Some(&expected), vec![key(4)], own, IdMatch::Match),
        ("of the same end, with the key", Some(&expected), vec![key(4)], other, IdMatch::Mismatch),
        ("own, with another epoch's", Some(&expected), vec![key(3)], own, IdMatch::TailOnly),
        ("own, without a key", Some(&expected), vec![], own, IdMatch::TailOnly),
        ("of the same end, without", Some(&expected), vec![], other, IdMatch::TailOnly),
        ("own, of a code without", None, vec![key(4)], own, IdMatch::TailOnly),
        ("of another end", Some(&expected), vec![], "440524188001010014", IdMatch::Mismatch),
    ];
    for (name, document_match, keys, number, expected) in cases {
        let decision = decision(document_match.cloned());
        let keys: MatchKeys = keys.into_iter().collect();
        let outcome = decision.credential().unwrap().compare(&document(number), &keys);
        assert_eq!(outcome, expected, "{name}");
    }
    let decision = decision(None);
    for (typed, expected) in
        [("002X", IdMatch::TailOnly), ("002x", IdMatch::TailOnly), ("0021", IdMatch::Mismatch)]
    {
        let outcome = decision.credential().unwrap().compare_tail(&IdTail::new(typed).unwrap());
        assert_eq!(outcome, expected, "{typed}");
    }
}

#[test]
fn a_comparison_is_recorded_with_who_made_it() {
    let (own, other) = (document("11010519491231002X"), document("440524188001010014"));
    let tail = IdTail::new("002X").unwrap();
    let keys = MatchKeys::NONE;
    let cases = [
        ("a card", Comparison::Number(&own, &keys), IdOutcome::TailOnly, "machine tail_only"),
        ("another's", Comparison::Number(&other, &keys), IdOutcome::NoMatch, "machine no_match"),
        ("typed", Comparison::Tail(&tail), IdOutcome::TailOnly, "machine tail_only"),
        ("seen", Comparison::Seen(Agreement::Match), IdOutcome::Match, "staff match"),
        ("not", Comparison::Seen(Agreement::NoMatch), IdOutcome::NoMatch, "staff no_match"),
    ];
    let shift = shift("1001", Role::Staff);
    let paper = decided(Verdict::CheckId);
    for (name, with, outcome, detail) in cases {
        let compared = shift.compare(&paper, with, None).unwrap();
        assert_eq!(compared.outcome, outcome, "{name}");
        assert_eq!(compared.event.code(), "id_check", "{name}");
        assert_eq!(compared.event.detail().as_deref(), Some(detail), "{name}");
    }
    let tail = Comparison::Tail(&tail);
    let no_code = shift.compare(&decided(Verdict::Retry), tail, None);
    assert_eq!(no_code, Err(CompareError::NoCode));
    let nobody = Shift::default().compare(&paper, tail, None);
    assert_eq!(nobody, Err(CompareError::Refused(Refused::Nobody)));
}

#[test]
fn another_persons_document_is_denied_and_nobody_found_is_referred() {
    let cases = [
        (Verdict::Pass, (Verdict::Deny, Some("E91"))),
        (Verdict::CheckId, (Verdict::Deny, Some("E91"))),
        (Verdict::Refer, (Verdict::Deny, Some("E91"))),
        (Verdict::Deny, (Verdict::Deny, Some("E41"))),
        (Verdict::Retry, (Verdict::Retry, Some("E11"))),
    ];
    for (verdict, expected) in cases {
        let decision = decided(verdict).mismatched();
        let found = (decision.verdict(), decision.reason().map(Reason::code));
        assert_eq!(found, expected, "{verdict}");
    }
    let nobody = Decision::not_found();
    assert_eq!((nobody.verdict(), nobody.reason()), (Verdict::Refer, Some(Reason::NotInExtract)));
    assert_eq!(Decision::not_found().mismatched(), nobody);

    let basis = basis(&usual_files());
    let shown = |decision, audience| Presentation::of(decision, &basis, audience, at(NOW));
    let nobody = shown(&nobody, Audience::Staff);
    assert_eq!((nobody.tone, nobody.code), (Verdict::Refer, Some("E90")));
    assert_eq!(nobody.reason.zh, "本机数据中查无此人");
    assert_eq!(nobody.advice.zh, "请出示纸质码或同行人代办的码，否则人工登记");
    let another = decided(Verdict::CheckId).mismatched();
    let staff = shown(&another, Audience::Staff);
    assert_eq!((staff.tone, staff.code), (Verdict::Deny, Some("E91")));
    assert_eq!(staff.reason.en, "The document is not the code holder's");
    let public = shown(&another, Audience::Public);
    assert_eq!((public.tone, public.code, public.subject), (Verdict::Refer, None, None));
}
