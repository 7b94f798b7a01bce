//! The demonstration's desk: people who have no phone, an extract with them, and a reader of cards.
//!
//! The authority seals the extract and signs what it publishes; the terminal is told where it stands
//! by a bundle, syncs from a folder, and looks people up, all of it as anywhere. One thing is not as
//! anywhere, and the desk says so: the extract's key lies beside it.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use greengate::{
    authority::{
        Authority, ExtractOrder, FullName, Guardianship, Health, WithoutCounty,
        repository::Repository,
    },
    clock::Timestamp,
    credential::{Kind, Relation},
    device::id_card::{
        card::CardKind,
        emulator::{Emulator, Habit, SampleCard},
    },
    frame::Frame,
    id_document::NumberText,
    issuer::IssuerId,
    language::Words,
    place::{Gate, Place},
    presentation::Audience,
    roster::Stretching,
    session::desk::{Agreed, Choice, Key},
    shift::{Backoff, Operator, Pin, PinCost, PinHash, Role},
    store::Store,
    sync::{self, Source},
};
use tempfile::TempDir;

use super::{
    CASES, PACK, STEP,
    camera::DemoCamera,
    people::{Carrier, Person},
};
use crate::{
    Failure,
    kiosk::{
        desk::{Counter, Setting, key::TokenSource},
        shots::Shots,
    },
    lane::Lane,
};

/// Who issues the codes of the people here.
const BEIJING: IssuerId = IssuerId::new(11);

/// What the terminal is called.
const TERMINAL: &str = "demo-desk";

/// Who can be looked up, and what is known of each.
const GREEN: &str = "11010519491231002X";
const WATCH: &str = "110102196507080224";
const STOP: &str = "110101200002290018";
const CHILD: &str = "110108201309010120";

/// Of a county that the extract does not have.
const ELSEWHERE: &str = "440524188001010014";

/// Who works at the desk: staff number, role, PIN.
const STAFF: [(&str, Role, &str); 2] =
    [("2001", Role::Staff, "975310"), ("3001", Role::Supervisor, "864209")];

/// Who lets the others in.
const MAINTAINER: (&str, Role, &str) = ("1001", Role::Maintainer, "246813");

/// How often a card is put on the reader, and how long it lies there.
const CARD_EVERY: Duration = Duration::from_secs(15);
const CARD_LIES: Duration = Duration::from_secs(4);

/// All that a demonstration of the desk needs.
pub(super) struct Desk {
    lane: Lane,
    people: Vec<Person>,
    setting: Setting,
    now: Timestamp,
    folder: TempDir,
}

impl Desk {
    /// Has an authority seal an extract, and a terminal take it.
    pub(super) fn set(now: Timestamp) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::state)?;
        let path = |name: &str| folder.path().join(name);
        let place = Place::Hospital;
        let name = Words::new("无健康码通道（演示）", "No health code desk (demo)");
        let gate = Gate { place, name, gate: "D1".to_owned() };
        let before = now - TimeDelta::days(30);
        let mut authority =
            Authority::init_demo(&path("authority"), before).map_err(Failure::state)?;
        authority.set_policy(PACK, CASES).map_err(Failure::state)?;
        // Whoever has it open is alone with it.
        let repository = || Repository::open(&path("authority")).map_err(Failure::state);
        repository()?.init_root(&path("root-keys"), now).map_err(Failure::state)?;
        authority.put_terminal(TERMINAL, &gate).map_err(Failure::state)?;
        let people = people(&mut authority, now)?;
        let order = ExtractOrder {
            terminal: TERMINAL.to_owned(),
            counties: ["110000".parse().map_err(Failure::state)?].into(),
            without_county: WithoutCounty::LeftOut,
            issuer: None,
            days: 7,
            stretching: Stretching::None,
        };
        authority.extract(&order, &mut |_| {}, now).map_err(Failure::state)?;
        authority
            .publish_repository(&path("published"), Vec::new(), now)
            .map_err(Failure::state)?;
        let token = authority.epoch_token(TERMINAL, now).map_err(Failure::state)?;
        fs::write(path("token"), &*token.to_bytes()).map_err(Failure::state)?;
        let bundle = repository()?.bundle(TERMINAL, gate, now).map_err(Failure::state)?;

        let state = path("state");
        fs::create_dir(&state).map_err(Failure::state)?;
        fs::create_dir(path("stick")).map_err(Failure::state)?;
        let mut store = Store::in_memory_beside(&state).map_err(Failure::state)?;
        let bundle = sync::read_bundle(&bundle, None, now).map_err(Failure::state)?;
        store.provision_by(&bundle.provisioning, &bundle.root, now).map_err(Failure::state)?;
        sync::sync(&mut store, &Source::Folder(path("published")), now).map_err(Failure::state)?;
        let maintainer = operator(MAINTAINER)?;
        store.add_operator(&maintainer, None, now).map_err(Failure::state)?;
        let pin = Pin::entered(MAINTAINER.2).map_err(Failure::state)?;
        let known = store.sign_in(&maintainer.number, &pin, now).map_err(Failure::state)?;
        for staff in STAFF {
            let staff = operator(staff)?;
            store.add_operator(&staff, Some(&known), now).map_err(Failure::state)?;
        }
        let setting = Setting {
            reader: None,
            token: TokenSource::File(path("token")),
            export: Some(path("stick")),
            large: false,
            state,
            note: note(),
        };
        let lane = Lane::open(store, Audience::Staff, None, now).map_err(Failure::state)?;
        Ok(Self { lane, people, setting, now, folder })
    }

    /// The lane, what it sees, and the desk beside it, with a reader on which a card is put now and
    /// then.
    pub(super) fn with_reader(mut self) -> Result<(Lane, DeskCamera, Setting), Failure> {
        let port = self.folder.path().join("reader");
        let emulator = Emulator::plug_in(&port, Habit::default()).map_err(Failure::state)?;
        thread::Builder::new()
            .name("cards".to_owned())
            .spawn(move || put_cards(emulator))
            .map_err(Failure::state)?;
        self.setting.reader = Some(port);
        let camera = DemoCamera::new(&self.people, self.now);
        let camera = DeskCamera { camera, people: self.people, _folder: self.folder };
        Ok((self.lane, camera, self.setting))
    }

    /// Goes through a shift, and takes a picture of each step.
    pub(super) fn shoot(self, shots: &mut Shots) -> Result<(), Failure> {
        let counter = Counter::new(self.setting, self.now);
        let people = self.people;
        let mut scene = Scene { counter, lane: self.lane, shots, now: self.now };
        scene.shoot("sign-in")?;
        scene.type_text("2001");
        scene.enter();
        scene.type_text("9753");
        scene.shoot("pin")?;
        scene.type_text("10");
        scene.enter();
        scene.shoot("home")?;
        scene.choose(Choice::LookUp);
        scene.shoot("consent")?;
        scene.choose(Choice::Consent(Agreed::Spoken));
        scene.type_text("110105194912310021");
        scene.shoot("document-wrong")?;
        scene.press(Key::Back);
        scene.type_text("X");
        scene.shoot("document")?;
        scene.enter();
        scene.shoot("check-id")?;
        scene.choose(Choice::Agrees);
        scene.look_up(WATCH);
        scene.shoot("watch")?;
        scene.choose(Choice::Next);
        scene.look_up(STOP);
        scene.shoot("stop")?;
        scene.choose(Choice::Override);
        scene.shoot("reasons")?;
        scene.choose(Choice::Reason(1));
        scene.shoot("second-person")?;
        scene.type_text("3001");
        scene.enter();
        scene.type_text("864209");
        scene.enter();
        scene.shoot("let-pass")?;
        scene.look_up(ELSEWHERE);
        scene.shoot("not-found")?;
        scene.choose(Choice::Register);
        scene.type_text("LI SI");
        scene.shoot("register")?;
        scene.enter();
        scene.choose(Choice::Group);
        scene.choose(Choice::Scan);
        let mut camera = DemoCamera::new(&people, scene.now);
        scene.see(&mut camera, |_| true)?;
        scene.shoot("scan")?;
        scene.see(&mut camera, |counter| !counter.wants_codes())?;
        scene.shoot("paper-code")?;
        scene.type_text("002X");
        scene.shoot("paper-code-typed")?;
        scene.enter();
        scene.shoot("paper-code-compared")?;
        scene.choose(Choice::Agrees);
        scene.press(Key::Escape);
        scene.shoot("group")?;
        scene.choose(Choice::EndShift);
        scene.shoot("report")?;
        scene.choose(Choice::Export);
        scene.shoot("exported")?;
        scene.choose(Choice::Cancel);
        scene.choose(Choice::Lock);
        scene.shoot("locked")
    }
}

/// What the camera sees at the desk: codes on paper, one after the other, over and over.
pub(super) struct DeskCamera {
    camera: DemoCamera,
    people: Vec<Person>,
    /// What goes with the demonstration.
    _folder: TempDir,
}

impl DeskCamera {
    pub(super) fn frame(&mut self, now: Timestamp) -> Frame {
        if self.camera.is_over(now) {
            self.camera = DemoCamera::new(&self.people, now);
        }
        self.camera.frame(now)
    }
}

/// A shift that nobody sees, but on pictures.
struct Scene<'shots> {
    counter: Counter,
    lane: Lane,
    shots: &'shots mut Shots,
    now: Timestamp,
}

impl Scene<'_> {
    fn type_text(&mut self, text: &str) {
        for character in text.chars() {
            self.press(Key::Character(character));
        }
    }

    fn enter(&mut self) {
        self.press(Key::Enter);
    }

    fn press(&mut self, key: Key) {
        self.counter.press(key, &mut self.lane, self.now);
    }

    fn choose(&mut self, choice: Choice) {
        self.counter.choose_way(choice, &mut self.lane, self.now);
    }

    /// Looks somebody up, as soon as that is allowed.
    fn look_up(&mut self, number: &str) {
        self.now += TimeDelta::seconds(20);
        self.choose(Choice::LookUp);
        self.choose(Choice::Consent(Agreed::Spoken));
        self.type_text(number);
        self.enter();
    }

    /// Shows the camera's picture to the lane until something is so.
    fn see(
        &mut self,
        camera: &mut DemoCamera,
        is_so: impl Fn(&Counter) -> bool,
    ) -> Result<(), Failure> {
        for _ in 0..50 {
            self.now += STEP;
            let frame = camera.frame(self.now);
            self.shots.picture(&frame);
            if let Some(showing) = self.lane.see(&frame) {
                self.counter.follow_lane(showing, &mut self.lane, self.now);
            }
            if is_so(&self.counter) {
                return Ok(());
            }
        }
        Err(Failure::state("the desk's camera shows nothing"))
    }

    fn shoot(&mut self, name: &str) -> Result<(), Failure> {
        self.counter.tick(&mut self.lane, self.now);
        let view = self.counter.view(self.now);
        self.shots.desk(name, view, &self.lane, self.now)
    }
}

fn note() -> Words {
    let numbers = [GREEN, WATCH, STOP, ELSEWHERE].join("、");
    Words::new(
        format!(
            "演示：工号 2001，密码 975310；班长 3001，密码 864209。证件号：{numbers}。\
             演示中名单密钥与名单同在一处，毫无保护作用。"
        ),
        format!(
            "Demonstration: staff 2001, PIN 975310; supervisor 3001, PIN 864209. Documents: {}. \
             Here the extract's key lies beside it, which protects nothing.",
            numbers.replace('、', ", ")
        ),
    )
}

fn operator((number, role, pin): (&str, Role, &str)) -> Result<Operator, Failure> {
    let number = number.parse().map_err(Failure::state)?;
    let pin = Pin::entered(pin).map_err(Failure::state)?;
    let pin = PinHash::of(&pin, PinCost::USUAL).map_err(Failure::state)?;
    Ok(Operator { number, name: None, role, pin, backoff: Backoff::default() })
}

/// Enters who can be looked up, and gives those who come with a code on paper.
fn people(authority: &mut Authority, now: Timestamp) -> Result<Vec<Person>, Failure> {
    let filed = now - TimeDelta::days(1);
    let known = [
        (GREEN, "张三", Health::Normal),
        (WATCH, "王秀英", Health::Watch),
        (STOP, "刘洋", Health::Stop),
        (CHILD, "张小明", Health::Normal),
    ];
    for (number, name, health) in known {
        let number = self::number(number)?;
        let name = FullName::new(name).ok_or_else(|| Failure::state("this is no name"))?;
        authority.declare(&number, &name, filed).map_err(Failure::state)?;
        authority.review(&number, filed).map_err(Failure::state)?;
        authority.audit(&number, health, filed).map_err(Failure::state)?;
    }
    let (guardian, dependant) = (number(GREEN)?, number(CHILD)?);
    let consent = "form 2021-0417".to_owned();
    let bond = Guardianship { guardian, dependant, relation: Relation::Other, consent };
    let grandfather = paper(authority, "paper code", GREEN, now)?;
    authority.bind(&bond, now).map_err(Failure::state)?;
    Ok(vec![grandfather, paper(authority, "bound code", CHILD, now)?])
}

/// Somebody with a code on paper.
fn paper(
    authority: &mut Authority,
    role: &'static str,
    person: &str,
    now: Timestamp,
) -> Result<Person, Failure> {
    let text = authority.issue_for(&number(person)?, BEIJING, Kind::Paper, now);
    Ok(Person { role, text: text.map_err(Failure::state)?, carrier: Carrier::Paper })
}

fn number(text: &str) -> Result<NumberText, Failure> {
    NumberText::new(text).ok_or_else(|| Failure::state("this is no number"))
}

/// Puts the first person's card on the reader now and then, as long as the reader is there.
fn put_cards(mut emulator: Emulator) {
    let Some(card) = SampleCard::each().into_iter().find(|card| card.kind == CardKind::Citizen)
    else {
        return;
    };
    let mut since = Instant::now();
    let mut lies = false;
    while emulator.turn().is_ok() {
        thread::sleep(Duration::from_millis(5));
        if !lies && since.elapsed() >= CARD_EVERY {
            emulator.put(card.clone());
            (lies, since) = (true, Instant::now());
        } else if lies && since.elapsed() >= CARD_LIES {
            emulator.take();
            (lies, since) = (false, Instant::now());
        }
    }
}
