use super::{typing::MAX_TYPED, *};

const NUMBER: &str = "11010519491231002X";

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_637_366_400 + second, 0).unwrap()
}

/// Types a text and then Enter, and gives what came of that.
fn enter(desk: &mut Desk, text: &str, second: i64) -> Option<DeskEffect> {
    for character in text.chars() {
        assert!(desk.on(DeskEvent::Key(Key::Character(character)), at(second)).is_none());
    }
    desk.on(DeskEvent::Key(Key::Enter), at(second))
}

fn choose(desk: &mut Desk, choice: Choice, second: i64) -> Option<DeskEffect> {
    desk.on(DeskEvent::Chosen(choice), at(second))
}

/// A desk that somebody has signed in at.
fn on_duty() -> Desk {
    let mut desk = Desk::new(at(0));
    assert!(enter(&mut desk, "2001", 0).is_none());
    match enter(&mut desk, "975310", 0) {
        Some(DeskEffect::SignIn(staff, pin)) => {
            assert_eq!((staff.as_str(), pin.as_str()), ("2001", "975310"));
        }
        other => panic!("{other:?}"),
    }
    assert!(desk.on(DeskEvent::SignedIn, at(1)).is_none());
    assert_eq!(desk.step(), &Step::Home);
    desk
}

/// A desk that waits for a document.
fn at_document() -> Desk {
    let mut desk = on_duty();
    assert!(choose(&mut desk, Choice::LookUp, 2).is_none());
    assert!(choose(&mut desk, Choice::Consent(Agreed::Signed), 3).is_none());
    desk
}

#[test]
fn nobody_is_looked_up_without_consent_and_a_number_that_can_be_one() {
    let mut desk = on_duty();
    assert!(choose(&mut desk, Choice::Consent(Agreed::Spoken), 2).is_none());
    assert_eq!(desk.step(), &Step::Home, "nobody is there yet");
    let card = DocumentNumber::parse(NUMBER, shanghai_date(at(0))).unwrap();
    assert!(desk.on(DeskEvent::Card(card.clone()), at(2)).is_none());
    assert_eq!(desk.step(), &Step::Home, "a card is no consent");

    let mut desk = at_document();
    assert!(enter(&mut desk, "110105194912310021", 4).is_none());
    assert!(matches!(desk.typed(shanghai_date(at(4))), Some(Typed::Wrong { .. })));
    for _ in 0..18 {
        assert!(desk.on(DeskEvent::Key(Key::Back), at(5)).is_none());
    }
    match enter(&mut desk, NUMBER, 6) {
        Some(DeskEffect::LookUp { agreed: Agreed::Signed, number }) => assert_eq!(number, card),
        other => panic!("{other:?}"),
    }
    // What was typed is not kept.
    let wiped = Step::Document { agreed: Agreed::Signed, entry: Entry::default() };
    assert_eq!(desk.step(), &wiped);

    let mut desk = at_document();
    let effect = desk.on(DeskEvent::Card(card.clone()), at(4));
    assert!(matches!(effect, Some(DeskEffect::LookUp { .. })), "{effect:?}");
    assert!(desk.on(DeskEvent::Judged(Verdict::CheckId), at(5)).is_none());
    let effect = desk.on(DeskEvent::Card(card), at(6));
    assert!(matches!(effect, Some(DeskEffect::CompareNumber(_))), "{effect:?}");
}

#[test]
fn a_scanner_types_a_machine_readable_zone_line_by_line() {
    let mut desk = at_document();
    let lines = [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ];
    assert!(enter(&mut desk, lines[0], 4).is_none());
    match enter(&mut desk, lines[1], 4) {
        Some(DeskEffect::LookUp { number, .. }) => {
            assert_eq!(number.text().expose(), "L898902C3");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_known_of_a_person_is_wiped_after_a_minute_and_when_the_clock_goes_back() {
    for (name, second, wiped) in
        [("not yet", 62, false), ("a minute", 63, true), ("set back", 2, true)]
    {
        let mut desk = at_document();
        let effect = desk.on(DeskEvent::Tick, at(second));
        assert_eq!(matches!(effect, Some(DeskEffect::Wipe)), wiped, "{name}");
        assert_eq!(desk.step() == &Step::Home, wiped, "{name}");
    }
    let mut desk = on_duty();
    assert!(desk.on(DeskEvent::Tick, at(10_000)).is_none(), "nobody is there");
}

#[test]
fn a_code_that_was_shown_is_compared_by_machine_before_staff_say_anything() {
    let number = DocumentNumber::parse(NUMBER, shanghai_date(at(0))).unwrap();
    let scanned = || {
        let mut desk = on_duty();
        assert!(matches!(choose(&mut desk, Choice::Scan, 2), Some(DeskEffect::Scan)));
        assert!(desk.on(DeskEvent::Scanned(Verdict::Retry), at(3)).is_none());
        assert_eq!(desk.step(), &Step::Scan, "it is shown again");
        assert!(desk.on(DeskEvent::Scanned(Verdict::CheckId), at(3)).is_none());
        desk
    };
    let mut desk = scanned();
    assert!(choose(&mut desk, Choice::Agrees, 4).is_none(), "nothing was compared");
    assert!(enter(&mut desk, "00", 4).is_none(), "too few");
    let is_tail = |effect: Option<DeskEffect>| match effect {
        Some(DeskEffect::CompareTail(tail)) => tail.as_str() == "002X",
        other => panic!("{other:?}"),
    };
    assert!(is_tail(enter(&mut desk, "2x", 5)));
    assert!(desk.on(DeskEvent::TailAgrees, at(6)).is_none());
    let agrees = choose(&mut desk, Choice::Agrees, 7);
    assert!(matches!(agrees, Some(DeskEffect::Compared { agrees: true })), "{agrees:?}");

    // A reader that is like a keyboard types the whole of it.
    let typed = enter(&mut scanned(), NUMBER, 4);
    assert!(matches!(typed, Some(DeskEffect::CompareNumber(typed)) if typed == number));
    let differs = choose(&mut scanned(), Choice::Differs, 4);
    assert!(matches!(differs, Some(DeskEffect::Compared { agrees: false })), "{differs:?}");
    let mut elsewhere = on_duty();
    assert!(elsewhere.on(DeskEvent::Scanned(Verdict::Pass), at(3)).is_none());
    assert_eq!(elsewhere.step(), &Step::Home, "nobody asked for a code");
}

#[test]
fn an_override_asks_for_a_second_person_when_it_is_told_to() {
    let mut desk = at_document();
    assert!(desk.on(DeskEvent::Judged(Verdict::Deny), at(4)).is_none());
    assert!(choose(&mut desk, Choice::Agrees, 5).is_none(), "there is nothing to agree");
    assert!(choose(&mut desk, Choice::Override, 5).is_none());
    match choose(&mut desk, Choice::Reason(1), 6) {
        Some(DeskEffect::Override { from: Verdict::Deny, reason: 1, second: None }) => {}
        other => panic!("{other:?}"),
    }
    assert!(desk.on(DeskEvent::SecondWanted(1), at(7)).is_none());
    assert!(enter(&mut desk, "3001", 8).is_none());
    match enter(&mut desk, "864209", 9) {
        Some(DeskEffect::Override { reason: 1, second: Some((staff, pin)), .. }) => {
            assert_eq!((staff.as_str(), pin.as_str()), ("3001", "864209"));
        }
        other => panic!("{other:?}"),
    }
    let effect = desk.on(DeskEvent::Done, at(10));
    assert!(matches!(effect, Some(DeskEffect::Wipe)), "{effect:?}");
}

#[test]
fn a_desk_that_is_left_asks_for_the_pin() {
    let mut desk = at_document();
    let effect = desk.on(DeskEvent::Locked, at(4));
    assert!(matches!(effect, Some(DeskEffect::Wipe)), "{effect:?}");
    assert_eq!(desk.step(), &Step::SignIn(Credentials::default()));
    assert!(choose(&mut desk, Choice::LookUp, 5).is_none());
    let mut desk = on_duty();
    let effect = choose(&mut desk, Choice::Lock, 2);
    assert!(matches!(effect, Some(DeskEffect::Lock)), "{effect:?}");
}

#[test]
fn a_pin_is_digits_and_no_more_is_typed_than_anything_has() {
    let mut desk = Desk::new(at(0));
    for character in "20a01".chars() {
        assert!(desk.on(DeskEvent::Key(Key::Character(character)), at(0)).is_none());
    }
    let Step::SignIn(who) = desk.step() else { panic!("{:?}", desk.step()) };
    assert_eq!(who.entry.as_str(), "2001");
    let mut desk = at_document();
    for _ in 0..100 {
        assert!(desk.on(DeskEvent::Key(Key::Character('1')), at(4)).is_none());
    }
    let Step::Document { entry, .. } = desk.step() else { panic!("{:?}", desk.step()) };
    assert_eq!(entry.len(), MAX_TYPED);
}
