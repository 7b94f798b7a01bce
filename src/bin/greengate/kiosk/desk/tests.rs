//! A desk from sign-in to the end of the shift, on what an authority published.

use std::fs;

use chrono::TimeDelta;
use greengate::{
    audit::StaffNumber,
    authority::{Authority, ExtractOrder, FullName, Health, WithoutCounty, repository::Repository},
    clock,
    credential::{Kind, MatchKeys},
    decision::{Reason, Verdict},
    id_document::NumberText,
    issuer::IssuerId,
    place::{Gate, Place},
    presentation::Audience,
    roster::Stretching,
    session::desk::{Agreed, Entry},
    shift::{Operator, Pin, PinCost, PinHash, Role, SignedReport},
    store::Store,
    symbol::SymbolText,
    sync::{self, Source},
};
use tempfile::TempDir;

use super::*;

const GREEN: &str = "11010519491231002X";
const RED: &str = "110101200002290018";
/// Of a county that the extract does not have.
const ELSEWHERE: &str = "440524188001010014";

struct Scene {
    folder: TempDir,
    counter: Counter,
    lane: Lane,
    /// The paper code of the first person.
    paper: SymbolText,
    now: Timestamp,
}

fn operator(number: &str, role: Role, pin: &str) -> Operator {
    let number: StaffNumber = number.parse().unwrap();
    let cheap = PinCost { memory_kib: 8, passes: 1 };
    let pin = PinHash::of(&Pin::entered(pin).unwrap(), cheap).unwrap();
    Operator { number, name: None, role, pin, backoff: greengate::shift::Backoff::default() }
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let now = clock::now();
        let mut authority =
            Authority::init_demo(&path("authority"), now - TimeDelta::days(30)).unwrap();
        Repository::open(&path("authority")).unwrap().init_root(&path("keys"), now).unwrap();
        let place = Place::Station;
        let gate = Gate { place, name: place.words(), gate: "D1".to_owned() };
        authority.put_terminal("desk-1", &gate).unwrap();
        let filed = now - TimeDelta::days(1);
        for (number, health) in [(GREEN, Health::Normal), (RED, Health::Stop)] {
            let number = NumberText::new(number).unwrap();
            authority.declare(&number, &FullName::new("张三").unwrap(), filed).unwrap();
            authority.review(&number, filed).unwrap();
            authority.audit(&number, health, filed).unwrap();
        }
        let number = NumberText::new(GREEN).unwrap();
        let paper = authority.issue_for(&number, IssuerId::new(11), Kind::Paper, now).unwrap();
        let order = ExtractOrder {
            terminal: "desk-1".to_owned(),
            counties: vec!["110000".parse().unwrap()],
            without_county: WithoutCounty::LeftOut,
            issuer: None,
            days: 7,
            stretching: Stretching::None,
        };
        authority.extract(&order, &mut |_| {}, now).unwrap();
        authority.publish_repository(&path("out"), Vec::new(), now).unwrap();
        let token = authority.epoch_token("desk-1", now).unwrap();
        fs::write(path("token.json"), &*token.to_bytes()).unwrap();
        let repository = Repository::open(&path("authority")).unwrap();
        let bundle = repository.bundle("desk-1", gate, now).unwrap();

        let mut store = Store::open(&path("state")).unwrap();
        let bundle = sync::read_bundle(&bundle, None, now).unwrap();
        store.provision_by(&bundle.provisioning, &bundle.root, now).unwrap();
        sync::sync(&mut store, &Source::Folder(path("out")), now).unwrap();
        let first = operator("9", Role::Maintainer, "902817");
        store.add_operator(&first, None, now).unwrap();
        let known = store.sign_in(&first.number, &Pin::entered("902817").unwrap(), now).unwrap();
        for (number, role, pin) in
            [("2001", Role::Staff, "975310"), ("3001", Role::Supervisor, "864209")]
        {
            store.add_operator(&operator(number, role, pin), Some(&known), now).unwrap();
        }
        let lane = Lane::open(store, Audience::Staff, None, now).unwrap();
        fs::create_dir(path("stick")).unwrap();
        let setting = Setting {
            reader: None,
            token: TokenSource::File(path("token.json")),
            export: Some(path("stick")),
            large: false,
            state: path("state"),
            note: Words::default(),
        };
        let counter = Counter::new(setting, now);
        Self { folder, counter, lane, paper, now }
    }

    fn enter(&mut self, text: &str) {
        for character in text.chars() {
            self.counter.press(Key::Character(character), &mut self.lane, self.now);
        }
        self.counter.press(Key::Enter, &mut self.lane, self.now);
    }

    /// Chooses as an operator does: a way that is shown.
    fn choose(&mut self, choice: Choice) {
        self.counter.view(self.now);
        let ways: Vec<_> = self.counter.shown.ways.iter().flatten().collect();
        let number = ways.iter().position(|way| way.choice == choice);
        let number = number.unwrap_or_else(|| panic!("{choice:?} among {ways:?}"));
        let serial = self.counter.shown.serial;
        self.counter.choose(serial - 1, number, &mut self.lane, self.now);
        self.counter.choose(serial, number, &mut self.lane, self.now);
    }

    fn sign_in(&mut self) {
        self.enter("2001");
        self.enter("975310");
        assert_eq!(self.counter.desk.step(), &Step::Home, "{:?}", self.counter.around);
    }

    /// Looks somebody up, and gives what is shown of it: verdict and reason.
    fn look_up(&mut self, number: &str) -> (Verdict, Option<Reason>) {
        self.now += TimeDelta::seconds(3);
        self.choose(Choice::LookUp);
        self.choose(Choice::Consent(Agreed::Spoken));
        self.enter(number);
        let person = self.counter.person.as_ref();
        let person = person.unwrap_or_else(|| panic!("{:?}", self.counter.around));
        (person.judged.decision.verdict(), person.judged.decision.reason())
    }

    /// Shows the paper code, as the camera's frame would.
    fn scan(&mut self) {
        // Long enough after the time before, at a desk that is not left alone.
        for _ in 0..10 {
            self.now += TimeDelta::minutes(2);
            self.counter.press(Key::Back, &mut self.lane, self.now);
        }
        assert!(self.counter.wants_codes());
        let number = DocumentNumber::parse(GREEN, shanghai_date(self.now)).unwrap();
        let judged = self.lane.judge_looked_up(
            Some(self.paper.clone()),
            &number,
            &MatchKeys::NONE,
            self.now,
        );
        let showing = Showing::Result(Box::new(judged.unwrap()));
        self.counter.follow_lane(showing, &mut self.lane, self.now);
        assert!(!self.counter.wants_codes() && self.counter.has_shown_code());
    }

    fn trouble(&self) -> &str {
        &self.counter.around.trouble.en
    }

    /// The log's events, in their order, with what they say.
    fn log(&mut self) -> Vec<(String, Option<String>)> {
        let mut log = Vec::new();
        let each = |entry: greengate::audit::Entry, _| {
            log.push((entry.event, entry.detail.or(entry.verdict)));
            Ok::<_, greengate::store::StoreError>(())
        };
        self.lane.store().each_entry(each).unwrap();
        log
    }
}

#[test]
fn a_desk_decides_as_the_lane_does_and_everything_is_on_record() {
    let mut scene = Scene::new();
    scene.enter("2001");
    scene.enter("111222");
    assert_eq!(scene.trouble(), "Staff number or PIN is wrong: wait 1 s");
    scene.now += TimeDelta::seconds(2);
    scene.sign_in();

    // A paper code: the document is compared.
    assert_eq!(scene.look_up(GREEN), (Verdict::CheckId, Some(Reason::PaperCode)));
    scene.choose(Choice::Agrees);
    assert_eq!(scene.trouble(), "Document agrees: let pass");
    assert!(scene.counter.person.is_none(), "wiped");

    // The same again within the repeat window.
    assert_eq!(scene.look_up(GREEN), (Verdict::Refer, Some(Reason::ShownAlready)));
    scene.choose(Choice::Next);

    // Stop, and a second person.
    assert_eq!(scene.look_up(RED), (Verdict::Deny, Some(Reason::Stop)));
    scene.choose(Choice::Override);
    scene.choose(Choice::Reason(1));
    assert!(matches!(scene.counter.desk.step(), Step::Second { .. }));
    scene.enter("2001");
    scene.enter("975310");
    assert!(scene.trouble().contains("[S34]"), "nobody is the second person of their own");
    scene.enter("3001");
    scene.enter("864209");
    assert_eq!(scene.trouble(), "On record: let pass");

    // Not in the extract, and put down by hand.
    assert_eq!(scene.look_up(ELSEWHERE), (Verdict::Refer, Some(Reason::NotInExtract)));
    assert_eq!(scene.counter.desk.step(), &Step::NotFound);
    scene.choose(Choice::Register);
    scene.enter("LI SI");
    assert_eq!(scene.trouble(), "Registered");
    assert_eq!(scene.lane.store().registrations().unwrap().len(), 1);

    // Too soon after the one before.
    scene.choose(Choice::LookUp);
    scene.choose(Choice::Consent(Agreed::Guardian));
    scene.enter(GREEN);
    assert!(scene.trouble().contains("[S22]"), "{}", scene.trouble());
    assert!(scene.counter.person.is_none());
    scene.counter.press(Key::Escape, &mut scene.lane, scene.now);

    scene.choose(Choice::EndShift);
    scene.choose(Choice::Export);
    assert!(scene.trouble().starts_with("Written as shift-"), "{}", scene.trouble());
    let stick = scene.folder.path().join("stick");
    let mut written: Vec<_> =
        fs::read_dir(&stick).unwrap().map(|entry| entry.unwrap().path()).collect();
    written.sort();
    let json = fs::read(&written[1]).unwrap();
    let report = SignedReport::open(&json, &scene.lane.store().device_key()).unwrap();
    assert_eq!((report.operators[0].look_ups, report.operators[0].overrides.len()), (4, 1));
    scene.choose(Choice::SignOut);
    assert!(!scene.counter.key.is_here(), "the key goes with who brought it");

    let log = scene.log();
    let events: Vec<_> = log.iter().map(|(event, _)| event.as_str()).skip(6).collect();
    let expected = [
        "wrong_pin",
        "signed_in",
        "look_up",
        "scan",
        "id_check",
        "look_up",
        "scan",
        "look_up",
        "scan",
        "override",
        "look_up",
        "scan",
        "registered",
        "shift_closed",
        "signed_out",
    ];
    assert_eq!(events, expected);
    for (event, detail) in log {
        let detail = detail.unwrap_or_default();
        for personal in [GREEN, RED, ELSEWHERE, "张", "LI SI"] {
            assert!(!detail.contains(personal), "{event}: {detail}");
        }
    }
}

#[test]
fn a_code_that_was_shown_is_compared_by_its_end_and_counted() {
    let mut scene = Scene::new();
    scene.sign_in();
    scene.choose(Choice::Scan);
    scene.scan();
    let (_, presentation) = scene.counter.view(scene.now).unwrap();
    assert_eq!(presentation.unwrap().subject, None, "what is to be typed is not to be read off");
    let ways: Vec<_> = scene.counter.shown.ways.iter().flatten().map(|way| way.choice).collect();
    assert_eq!(ways, [Choice::Differs, Choice::Override], "nobody has compared anything");
    scene.enter("0000");
    let person = scene.counter.person.as_ref().unwrap();
    assert_eq!(person.judged.decision.reason(), Some(Reason::IdMismatch));
    let (_, presentation) = scene.counter.view(scene.now).unwrap();
    assert!(presentation.unwrap().subject.is_some());
    scene.choose(Choice::Next);
    assert_eq!(scene.counter.desk.step(), &Step::Home);

    scene.choose(Choice::Group);
    scene.choose(Choice::Scan);
    scene.scan();
    scene.enter("002x");
    assert_eq!(scene.lane.tally().unwrap().to_check, 1);
    scene.choose(Choice::Agrees);
    assert_eq!(scene.trouble(), "Document agrees: let pass");
    let tally = scene.lane.tally().unwrap();
    assert_eq!((tally.all, tally.passed), (1, 1));
    assert!(scene.counter.wants_codes(), "the next one of the group");
    scene.counter.press(Key::Escape, &mut scene.lane, scene.now);
    assert_eq!(scene.counter.desk.step(), &Step::Home);
    let log: Vec<_> = scene.log().into_iter().map(|(event, _)| event).skip(6).collect();
    let expected = ["signed_in", "scan", "id_check", "scan", "scan", "id_check", "id_check"];
    assert_eq!(log, expected);
}

#[test]
fn out_of_service_is_said_until_it_is_over() {
    let mut scene = Scene::new();
    assert!(scene.counter.view(scene.now).is_some());
    assert!(scene.counter.view(scene.now).is_none(), "it is up already");
    scene.counter.follow_lane(Showing::OutOfService, &mut scene.lane, scene.now);
    scene.enter("2001");
    assert!(scene.counter.view(scene.now).is_none());
    scene.counter.follow_lane(Showing::Camera, &mut scene.lane, scene.now);
    assert!(scene.counter.view(scene.now).is_some());
}

#[test]
fn nothing_on_the_machine_tells_who_is_in_the_extract() {
    let mut scene = Scene::new();
    scene.sign_in();
    assert_eq!(scene.look_up(GREEN).0, Verdict::CheckId);
    scene.choose(Choice::Differs);
    assert_eq!(
        scene.counter.desk.step(),
        &Step::Verdict { verdict: Verdict::Deny, is_compared: true, entry: Entry::default() }
    );
    scene.choose(Choice::Next);
    scene.look_up(ELSEWHERE);
    scene.choose(Choice::Register);
    scene.enter("LI SI");
    let mut folders = vec![scene.folder.path().join("state")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).unwrap();
            for personal in [GREEN, RED, ELSEWHERE, "张", "LI SI", "JKM1:"] {
                let mut windows = bytes.windows(personal.len());
                let found = windows.any(|window| window == personal.as_bytes());
                assert!(!found, "{personal} in {}", path.display());
            }
        }
    }
    assert!(files >= 5, "{files} files");
}

#[test]
fn without_the_key_of_the_day_nobody_is_looked_up() {
    let mut scene = Scene::new();
    fs::remove_file(scene.folder.path().join("token.json")).unwrap();
    scene.sign_in();
    scene.choose(Choice::LookUp);
    scene.choose(Choice::Consent(Agreed::Signed));
    scene.enter(GREEN);
    assert!(scene.trouble().starts_with("No key of today"), "{}", scene.trouble());
    assert!(scene.counter.person.is_none());
}

#[test]
fn a_desk_that_nobody_touches_forgets_the_person_and_then_locks() {
    let mut scene = Scene::new();
    scene.sign_in();
    scene.look_up(GREEN);
    scene.now += TimeDelta::seconds(60);
    scene.counter.tick(&mut scene.lane, scene.now);
    assert!(scene.counter.person.is_none());
    assert_eq!(scene.counter.desk.step(), &Step::Home);
    scene.now += TimeDelta::minutes(5);
    scene.counter.tick(&mut scene.lane, scene.now);
    assert!(matches!(scene.counter.desk.step(), Step::SignIn(_)));
    let (view, _) = scene.counter.view(scene.now).unwrap();
    assert_eq!(view.staff.en, "2001, locked");
    scene.sign_in();
}
