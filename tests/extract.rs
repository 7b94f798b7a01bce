//! Look-up extracts as the authority makes them: who is in one, and what becomes of its key.

#![allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use common::{NOW, at};
use greengate::{
    authority::{
        Authority, AuthorityError, Extract, ExtractOrder, FullName, Guardianship, Health, Progress,
        WithoutCounty, repository::Repository,
    },
    credential::{
        Claims, Credential, IdMatch, IdTail, Kind, MatchKey, Relation, VerifiedCredential, verify,
    },
    id_document::{DocumentKind, DocumentNumber, NumberText},
    issuer::IssuerId,
    key_ring::KeyRing,
    language::Words,
    place::{Gate, Place},
    roster::{EpochToken, Roster, RosterError, Stretching},
    symbol::SymbolText,
};
use tempfile::{TempDir, tempdir};

const EARLY: &str = "2021-11-01T00:00:00Z";
const BEIJING: IssuerId = IssuerId::new(11);

const HERE: &str = "11010519491231002X";
const OLD_FORM: &str = "110105491231003";
const PREFECTURE: &str = "11010819900101001X";
const ELSEWHERE: &str = "440524188001010014";
const HONG_KONG: &str = "810000199001010019";
const TRAVEL_PERMIT: &str = "12345678";
const PASSPORT: &str = "E12345678";

struct Office {
    authority: Authority,
    folder: TempDir,
}

impl Office {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let mut authority = Authority::init(folder.path()).unwrap();
        authority.new_key(BEIJING, at(EARLY)).unwrap();
        let gate = |gate: &str| Gate {
            place: Place::RailCheckpoint,
            name: Words::new("站", "Station"),
            gate: gate.to_owned(),
        };
        for name in ["gate-3", "gate-4"] {
            authority.put_terminal(name, &gate(name)).unwrap();
        }
        Self { authority, folder }
    }

    fn declare(&mut self, person: &str) {
        self.authority
            .declare(&number(person), &FullName::new("张三").unwrap(), at(EARLY))
            .unwrap();
    }

    fn healthy(&mut self, person: &str) {
        self.declare(person);
        self.authority.review(&number(person), at(EARLY)).unwrap();
        self.authority.audit(&number(person), Health::Normal, at(EARLY)).unwrap();
    }

    fn bind(&mut self, guardian: &str, dependant: &str) {
        let guardianship = Guardianship {
            guardian: number(guardian),
            dependant: number(dependant),
            relation: Relation::Child,
            consent: "form 7".to_owned(),
        };
        self.authority.bind(&guardianship, at(EARLY)).unwrap();
    }

    fn extract(&mut self, order: &ExtractOrder, now: &str) -> Result<Extract, AuthorityError> {
        self.authority.extract(order, &mut |_| {}, at(now))
    }

    fn roster(&self, terminal: &str) -> Roster {
        let path = self.folder.path().join(format!("extracts/roster-{terminal}.bin"));
        Roster::open(&path, terminal).unwrap()
    }

    /// What the desk of a terminal comes to believe of somebody.
    fn found(&mut self, terminal: &str, document: &DocumentNumber, now: &str) -> Option<Claims> {
        let token = self.authority.epoch_token(terminal, at(now)).unwrap();
        let roster = self.roster(terminal);
        let text = roster.unlock(&token).unwrap().look_up(document, at(now)).unwrap()?;
        Some(self.believed(&text, now).claims().clone())
    }

    fn believed(&mut self, text: &SymbolText, now: &str) -> VerifiedCredential {
        let ring = KeyRing::parse(&self.authority.publish(at(now)).unwrap().key_ring).unwrap();
        verify(Credential::parse(text).unwrap(), &ring).unwrap()
    }

    fn token(&self, now: &str) -> EpochToken {
        self.authority.epoch_token("gate-3", at(now)).unwrap()
    }

    /// The epochs whose match keys a token of `now` has.
    fn epochs(&self, now: &str) -> Vec<u64> {
        let token = self.token(now);
        token.match_keys(at(now)).unwrap().iter().map(MatchKey::epoch).collect()
    }

    fn keys(&self) -> Vec<String> {
        let mut names = names(&self.folder.path().join("keys"));
        names.retain(|name| name.starts_with("roster-"));
        names
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn order(terminal: &str, counties: &[&str]) -> ExtractOrder {
    ExtractOrder {
        terminal: terminal.to_owned(),
        counties: counties.iter().map(|county| county.parse().unwrap()).collect(),
        without_county: WithoutCounty::LeftOut,
        issuer: None,
        days: 7,
        stretching: Stretching::None,
    }
}

fn number(text: &str) -> NumberText {
    NumberText::new(text).unwrap()
}

fn document(text: &str) -> DocumentNumber {
    DocumentNumber::parse(text, at(NOW).date_naive()).unwrap()
}

fn said<T>(outcome: Result<T, AuthorityError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "done".to_owned())
}

#[test]
fn an_extract_has_the_people_of_its_counties() {
    let everybody = [HERE, OLD_FORM, PREFECTURE, ELSEWHERE, HONG_KONG, TRAVEL_PERMIT, PASSPORT];
    let mut office = Office::new();
    for person in everybody {
        office.healthy(person);
    }
    let cases: [(&str, &[&str], WithoutCounty, &[&str]); 6] = [
        ("a county", &["110105"], WithoutCounty::LeftOut, &[HERE, OLD_FORM]),
        ("a prefecture", &["110100"], WithoutCounty::LeftOut, &[HERE, OLD_FORM, PREFECTURE]),
        (
            "several, one of another",
            &["110105", "110000", "440524"],
            WithoutCounty::LeftOut,
            &[HERE, OLD_FORM, PREFECTURE, ELSEWHERE],
        ),
        ("residents of Hong Kong", &["810000"], WithoutCounty::LeftOut, &[HONG_KONG]),
        ("nobody", &["650000"], WithoutCounty::LeftOut, &[]),
        (
            "who has no county",
            &["110108"],
            WithoutCounty::Included,
            &[PREFECTURE, TRAVEL_PERMIT, PASSPORT],
        ),
    ];
    for (case, counties, without_county, expected) in cases {
        let issuer = Some(BEIJING);
        let order = ExtractOrder { without_county, issuer, ..order("gate-3", counties) };
        let made = office.extract(&order, NOW).unwrap();
        // Eight digits are a travel permit's or a passport's: found by either.
        let twice = u64::from(expected.contains(&TRAVEL_PERMIT));
        assert_eq!(made.codes, u64::try_from(expected.len()).unwrap() + twice, "{case}");
        assert_eq!(made.left_out, 0, "{case}");
        for person in everybody {
            let found = office.found("gate-3", &document(person), NOW);
            assert_eq!(found.is_some(), expected.contains(&person), "{case}: {person}");
        }
    }
    let today = at(NOW).date_naive();
    let passport = DocumentNumber::parse_as(DocumentKind::Passport, TRAVEL_PERMIT, today).unwrap();
    assert!(office.found("gate-3", &passport, NOW).is_some());
    // A card of before 1999 and the number of today are one person's.
    office.extract(&order("gate-3", &["110105"]), NOW).unwrap();
    let upgraded = document(document(OLD_FORM).text().expose());
    assert!(office.found("gate-3", &upgraded, NOW).is_some());
}

#[test]
fn a_row_is_the_persons_own_paper_code() {
    let mut office = Office::new();
    office.healthy(HERE);
    office.extract(&order("gate-3", &["110105"]), NOW).unwrap();
    let claims = office.found("gate-3", &document(HERE), NOW).unwrap();
    assert_eq!((claims.issuer, claims.kind, claims.status), (BEIJING, Kind::Paper, 1));
    assert_eq!((claims.issued, claims.expires), (at(NOW), at("2021-11-27T00:00:00Z")));
    assert_eq!(claims.id_tail, IdTail::new("002X").unwrap());
    assert_eq!(claims.name.as_str(), "张*");
    // It is one of the person's codes as any other.
    assert_eq!(office.authority.revoke_all(&number(HERE), at(NOW)).unwrap(), 1);
}

#[test]
fn who_can_have_no_code_is_left_out_and_dependants_come_with_their_guardians() {
    let (guardian, child) = (HERE, "110105201501010017");
    let (stranger, far_child) = (ELSEWHERE, "110105201502020016");
    let child = &whole(child);
    let far_child = &whole(far_child);
    let withdrawn = &whole("110105199001010010");
    let under_review = &whole("110105199002020010");
    let mut office = Office::new();
    for person in [guardian, child, stranger, far_child, PASSPORT, withdrawn] {
        office.healthy(person);
    }
    office.declare(under_review);
    office.authority.withdraw(&number(withdrawn), at(EARLY)).unwrap();
    office.bind(guardian, child);
    office.bind(guardian, PASSPORT);
    office.bind(stranger, far_child);
    // Of no document that terminals know.
    office.healthy("ABCDEFGHIJKLMNOP");

    let order = order("gate-3", &["110105"]);
    let made = office.extract(&order, NOW).unwrap();
    // The guardian, both dependants, and who is under review; not who is withdrawn, and not the
    // child whose guardian has no code.
    assert_eq!((made.codes, made.left_out), (4, 2));
    let code = |office: &mut Office, person| office.found("gate-3", &document(person), NOW);
    let guardians = code(&mut office, guardian).unwrap().code_id;
    for dependant in [child.as_str(), PASSPORT] {
        let binding = code(&mut office, dependant).unwrap().binding.unwrap();
        assert_eq!((binding.relation, &binding.guardian), (Relation::Child, &guardians));
    }
    assert_eq!(code(&mut office, under_review).unwrap().status, 0);
    assert!(code(&mut office, withdrawn).is_none());
    assert!(code(&mut office, far_child).is_none());

    // With a code of the guardian's there is one to name; the guardian is in no county of it.
    office.authority.issue_for(&number(stranger), BEIJING, Kind::Phone, at(NOW)).unwrap();
    let made = office.extract(&order, NOW).unwrap();
    assert_eq!((made.codes, made.left_out), (5, 1));
    assert!(code(&mut office, far_child).unwrap().binding.is_some());
    // Whose guardian is withdrawn has none.
    office.authority.withdraw(&number(guardian), at(NOW)).unwrap();
    let made = office.extract(&order, "2021-12-20T00:00:00Z").unwrap();
    assert_eq!((made.codes, made.left_out), (1, 4));
}

/// A number whose last character is made right.
fn whole(text: &str) -> String {
    let numbers = "0123456789X".chars().map(|check| format!("{}{check}", &text[..17]));
    let is_right = |text: &String| DocumentNumber::parse(text, at(NOW).date_naive()).is_ok();
    numbers.into_iter().find(is_right).unwrap()
}

#[test]
fn a_number_that_stands_in_the_registers_in_two_forms_has_one_code() {
    let mut office = Office::new();
    office.healthy(OLD_FORM);
    office.healthy(document(OLD_FORM).text().expose());
    let made = office.extract(&order("gate-3", &["110105"]), NOW).unwrap();
    assert_eq!((made.codes, made.left_out), (1, 1));
}

#[test]
fn each_epoch_has_a_key_of_its_own_which_goes_with_it() {
    let mut office = Office::new();
    office.healthy(HERE);
    let order = order("gate-3", &["110105"]);
    assert_eq!(
        said(office.authority.epoch_token("gate-3", at(NOW))),
        "there is no extract for this terminal that counts: make one with `extract`"
    );
    let first = office.extract(&order, NOW).unwrap().epoch;
    office.extract(&self::order("gate-4", &["110105"]), NOW).unwrap();
    let token = office.authority.epoch_token("gate-3", at(NOW)).unwrap();
    let path = office.folder.path().join(format!("keys/roster-gate-3.{first}.key"));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // A later one is higher, even in the same second; a key of the one before opens it no more.
    let second = office.extract(&order, NOW).unwrap().epoch;
    assert_eq!(second, first + 1);
    assert!(!path.exists());
    let other = format!("roster-gate-4.{first}.key");
    assert_eq!(office.keys(), [format!("roster-gate-3.{second}.key"), other.clone()]);
    assert_eq!(office.roster("gate-3").unlock(&token).unwrap_err().code(), "L11");

    // A token counts for a day, and no longer than the extract.
    assert_eq!(token.expires(), at("2021-11-21T00:00:00Z"));
    let late = office.authority.epoch_token("gate-3", at("2021-11-26T18:00:00Z")).unwrap();
    assert_eq!(late.expires(), at("2021-11-27T00:00:00Z"));
    let after = office.authority.epoch_token("gate-3", at("2021-11-27T00:00:00Z"));
    assert!(said(after).starts_with("there is no extract"));
    // Another epoch's key under its name.
    let path = office.folder.path().join(format!("keys/roster-gate-3.{second}.key"));
    fs::copy(office.folder.path().join("keys").join(other), &path).unwrap();
    let foreign = said(office.authority.epoch_token("gate-3", at(NOW)));
    assert_eq!(foreign, format!("{} does not hold the key it is named for", path.display()));
}

#[test]
fn extracts_are_published_with_the_lists_until_they_expire() {
    let mut office = Office::new();
    office.healthy(HERE);
    let root_keys = tempdir().unwrap();
    let repository = Repository::open(office.folder.path()).unwrap();
    repository.init_root(root_keys.path(), at(EARLY)).unwrap();
    drop(repository);
    let out = tempdir().unwrap();
    let published = |office: &mut Office, now: &str| {
        office.authority.publish_repository(out.path(), Vec::new(), at(now)).unwrap();
        let mut names = names(&out.path().join("targets"));
        names.retain(|name| name.contains("roster-"));
        let names = names.iter().map(|name| name.split_once('.').unwrap().1.to_owned());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(published(&mut office, NOW).is_empty());
    for terminal in ["gate-3", "gate-4"] {
        office.extract(&order(terminal, &["110105"]), NOW).unwrap();
    }
    assert_eq!(
        published(&mut office, NOW),
        ["roster-gate-3.bin", "roster-gate-4.bin"].map(str::to_owned).into()
    );
    assert_eq!(office.keys().len(), 2);

    // A terminal that is no more has none. The version before is still there for who is fetching it.
    office.authority.remove_terminal("gate-4").unwrap();
    published(&mut office, NOW);
    assert_eq!(published(&mut office, NOW), ["roster-gate-3.bin".to_owned()].into());
    assert_eq!(office.keys().len(), 1);
    assert_eq!(names(&office.folder.path().join("extracts")), ["lock", "roster-gate-3.bin"]);

    published(&mut office, "2021-11-27T00:00:00Z");
    assert!(published(&mut office, "2021-11-27T00:00:00Z").is_empty());
    assert!(office.keys().is_empty());
    assert_eq!(names(&office.folder.path().join("extracts")), ["lock"]);
}

#[test]
fn what_cannot_be_made_changes_nothing() {
    let mut office = Office::new();
    office.healthy(HERE);
    let usual = order("gate-3", &["110105"]);
    let cases = [
        (
            "another terminal",
            order("gate-5", &["110105"]),
            "no terminal of that name is in the register",
        ),
        ("no county", order("gate-3", &[]), "say of which counties"),
        ("no key", order("gate-3", &["440524"]), "issuer 44 has no key in use: make one first"),
        (
            "too long",
            ExtractOrder { days: 8, ..usual.clone() },
            "an extract counts for at most 7 days, and its key for 24 hours",
        ),
        (
            "not a day",
            ExtractOrder { days: 0, ..usual.clone() },
            "an extract counts for at most 7 days, and its key for 24 hours",
        ),
    ];
    office.extract(&usual, NOW).unwrap();
    let (bytes, keys) = (extract_bytes(&office), office.keys());
    for (case, order, expected) in cases {
        assert_eq!(said(office.extract(&order, NOW)), expected, "{case}");
        assert_eq!(
            (extract_bytes(&office), office.keys()),
            (bytes.clone(), keys.clone()),
            "{case}"
        );
    }
    let gate = Gate { place: Place::Station, name: Words::new("站", "Station"), gate: "1".into() };
    for name in ["Gate", "gate 3", "../gate", "", "三号"] {
        let put = said(office.authority.put_terminal(name, &gate));
        assert!(
            put.starts_with("a terminal's name has 1 to 64 lower-case letters"),
            "{name}: {put}"
        );
    }
}

fn extract_bytes(office: &Office) -> Vec<u8> {
    fs::read(office.folder.path().join("extracts/roster-gate-3.bin")).unwrap()
}

#[test]
fn it_is_said_how_far_it_is_and_nobody_is_left_between_two_pages() {
    let mut office = Office::new();
    let people: Vec<_> = (0..1001)
        .map(|person| {
            whole(&format!(
                "1101051970{:02}{:02}{:03}0",
                1 + person / 200,
                1 + person % 28,
                person % 999
            ))
        })
        .collect();
    for person in &people {
        // Under review at once: one write and not three.
        office.declare(person);
    }
    let mut said = Vec::new();
    let mut progress = |progress| said.push(progress);
    let order = order("gate-3", &["110105"]);
    let made = office.authority.extract(&order, &mut progress, at(NOW)).unwrap();
    assert_eq!(made.codes, 1001);
    let people_said = [1000, 1001].map(|done| Progress::People { done, of: 1001 });
    assert_eq!(said[..2], people_said);
    assert_eq!(said.last(), Some(&Progress::Rows { done: 1024, of: 1024 }));
    for person in &people {
        assert!(office.found_text(person), "{person}");
    }
}

impl Office {
    fn found_text(&self, person: &str) -> bool {
        let token = self.authority.epoch_token("gate-3", at(NOW)).unwrap();
        let roster = self.roster("gate-3");
        roster.unlock(&token).unwrap().look_up(&document(person), at(NOW)).unwrap().is_some()
    }
}

/// Ends as [`HERE`] does.
const SAME_END: &str = "11010519540101002X";

#[test]
fn a_token_brings_the_keys_by_which_a_machine_tells_whose_document_it_is() {
    let mut office = Office::new();
    for person in [HERE, HONG_KONG, TRAVEL_PERMIT, PASSPORT] {
        office.healthy(person);
    }
    office.extract(&order("gate-3", &["110105"]), NOW).unwrap();
    let token = office.token(NOW);
    let keys = token.match_keys(at(NOW)).unwrap();
    let cases = [
        ("the holder's", HERE, document(HERE), IdMatch::Match),
        ("of the same end", HERE, document(SAME_END), IdMatch::Mismatch),
        ("a residence permit", HONG_KONG, document(HONG_KONG), IdMatch::Match),
        ("a passport", PASSPORT, document(PASSPORT), IdMatch::Match),
        ("a passport's or a permit's", TRAVEL_PERMIT, document(TRAVEL_PERMIT), IdMatch::TailOnly),
    ];
    for (case, holder, shown, expected) in cases {
        for kind in [Kind::Phone, Kind::Paper] {
            let text = office.authority.issue_for(&number(holder), BEIJING, kind, at(NOW)).unwrap();
            let believed = office.believed(&text, NOW);
            assert_eq!(believed.compare(&shown, keys), expected, "{case} {kind:?}");
        }
    }
    // They count as long as the token.
    assert!(token.match_keys(token.expires()).is_none());
    assert!(token.match_keys(at("2021-11-19T23:59:59Z")).is_none());
    let shown = format!("{token:?}");
    assert!(shown.contains("MatchKey(1, ..)"), "{shown}");
}

#[test]
fn match_keys_change_each_week_and_go_when_no_code_of_theirs_is_valid() {
    let mut office = Office::new();
    office.healthy(HERE);
    let root_keys = tempdir().unwrap();
    Repository::open(office.folder.path()).unwrap().init_root(root_keys.path(), at(EARLY)).unwrap();
    let issued = |office: &mut Office, now: &str| {
        let text = office.authority.issue_for(&number(HERE), BEIJING, Kind::Paper, at(now));
        let believed = office.believed(&text.unwrap(), now);
        believed.claims().document_match.as_ref().unwrap().epoch
    };
    // The second of three keys is made a day ahead, and goes to terminals that day.
    let (last_day, last) = ("2021-11-26T00:00:00Z", "2021-11-26T23:59:59Z");
    let next = "2021-11-27T00:00:00Z";
    assert_eq!(issued(&mut office, NOW), 1);
    office.extract(&order("gate-3", &["110105"]), "2021-11-20T12:00:00Z").unwrap();
    assert_eq!(office.epochs("2021-11-25T23:59:59Z"), [1]);
    assert_eq!(issued(&mut office, last_day), 1);
    assert_eq!(office.epochs(last_day), [1]);
    assert_eq!(office.epochs("2021-11-26T00:00:01Z"), [2, 1]);
    assert_eq!((issued(&mut office, last), issued(&mut office, next)), (1, 2));
    // One that is issued as of before has a key too, and so have those after a pause.
    assert_eq!(issued(&mut office, "2021-11-10T00:00:00Z"), 3);
    assert_eq!(issued(&mut office, "2021-12-10T12:00:00Z"), 4);
    assert_eq!(issued(&mut office, NOW), 1);

    // 21 days after it began, no code of it can be met.
    let match_keys = |office: &Office| {
        let mut names = names(&office.folder.path().join("keys"));
        names.retain(|name| name.starts_with("match-"));
        names
    };
    let out = tempdir().unwrap();
    let publish = |office: &mut Office, now: &str| {
        office.authority.publish_repository(out.path(), Vec::new(), at(now)).unwrap();
    };
    publish(&mut office, "2021-12-10T23:59:59Z");
    assert_eq!(match_keys(&office), ["match-1.key", "match-2.key", "match-4.key"]);
    office.extract(&order("gate-3", &["110105"]), "2021-12-11T00:00:00Z").unwrap();
    assert_eq!(office.epochs("2021-12-11T00:00:00Z"), [4, 2]);
    publish(&mut office, "2021-12-11T00:00:00Z");
    assert_eq!(match_keys(&office), ["match-2.key", "match-4.key"]);
    let path = office.folder.path().join("keys/match-4.key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // A key that was lost is not missed: codes are issued with another.
    fs::remove_file(path).unwrap();
    assert_eq!(issued(&mut office, "2021-12-11T00:00:00Z"), 5);
}

#[test]
fn registers_of_before_there_were_match_keys_are_taken_over() {
    let mut office = Office::new();
    office.healthy(HERE);
    let Office { authority, folder } = office;
    drop(authority);
    let registers = rusqlite::Connection::open(folder.path().join("authority.db")).unwrap();
    registers.execute_batch("DROP TABLE match_epoch; PRAGMA user_version = 3").unwrap();
    drop(registers);
    let mut office = Office { authority: Authority::open(folder.path()).unwrap(), folder };
    let issued = office.authority.issue_for(&number(HERE), BEIJING, Kind::Phone, at(NOW)).unwrap();
    assert!(office.believed(&issued, NOW).claims().document_match.is_some());
}

#[test]
fn the_match_keys_of_a_token_are_read_strictly() {
    let mut office = Office::new();
    office.healthy(HERE);
    office.extract(&order("gate-3", &["110105"]), NOW).unwrap();
    let bytes = office.token(NOW).to_bytes();
    assert_eq!(EpochToken::read(&bytes).unwrap().to_bytes(), bytes);
    let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let key = whole["match_keys"][0]["key"].as_str().unwrap().to_owned();
    let entry = |epoch: u64, key: &str| serde_json::json!({"epoch": epoch, "key": key});
    let with = |keys: Vec<serde_json::Value>| {
        let mut changed = whole.clone();
        changed["match_keys"] = keys.into();
        changed
    };
    let without = |name: &str| {
        let mut changed = whole.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed
    };
    let mut later = whole.clone();
    later["version"] = 3.into();
    let mut more = entry(1, &key);
    more["more"] = 1.into();
    let cases = [
        ("none", with(Vec::new()), "a token"),
        ("eight", with((1..=8).map(|epoch| entry(epoch, &key)).collect()), "a token"),
        ("nine", with((1..=9).map(|epoch| entry(epoch, &key)).collect()), "L21"),
        ("two of an epoch", with(vec![entry(1, &key), entry(1, &key)]), "L21"),
        ("a short one", with(vec![entry(1, "AAAA")]), "L17"),
        ("no base64", with(vec![entry(1, &key.replace('=', "*"))]), "L17"),
        ("a member more", with(vec![more]), "L17"),
        ("no list", without("match_keys"), "L17"),
        ("no version", without("version"), "L17"),
        ("another version", later, "L17"),
    ];
    for (case, value, expected) in cases {
        let read = EpochToken::read(&serde_json::to_vec(&value).unwrap());
        let code = read.as_ref().map_or_else(RosterError::code, |_| "a token");
        assert_eq!(code, expected, "{case}");
        assert!(!format!("{read:?}").contains(&key[..8]), "{case}");
    }
}
