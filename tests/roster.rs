//! The look-up extract: what opens it, what it gives away, and what becomes of a damaged one.

#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tables of cases are long, and in a test a panic is the report"
)]

mod common;

use std::{
    cell::Cell,
    collections::HashSet,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use chrono::{NaiveDate, TimeDelta};
use common::{NOW, at, code};
use greengate::{
    clock::Timestamp,
    credential::{HolderName, IdTail, Kind},
    id_document::DocumentNumber,
    roster::{EpochKey, EpochToken, Plan, Roster, RosterError, Stretching, build, file_name, keep},
    symbol::SymbolText,
};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

const GATE: &str = "gate-3";
const EPOCH: u64 = 7;

/// The last instant at which an extract of [`NOW`] counts, and the first after it.
const LAST: &str = "2021-11-26T23:59:59Z";
const AFTER: &str = "2021-11-27T00:00:00Z";

fn today() -> NaiveDate {
    at(NOW).date_naive()
}

/// Rows that a look-up reads at once.
const GROUP: usize = 16;

/// A citizen's number, each with another last digits.
fn citizen(person: usize) -> DocumentNumber {
    let (day, serial) = (person / 1000, person % 1000);
    let body = format!(
        "11010519{:02}{:02}{:02}{serial:03}",
        40 + day / 336,
        1 + day / 28 % 12,
        1 + day % 28
    );
    let check = (0..=10).map(|check| "0123456789X".as_bytes()[check]);
    let mut numbers = check.map(|check| format!("{body}{}", char::from(check)));
    numbers.find_map(|number| DocumentNumber::parse(&number, today()).ok()).unwrap()
}

fn other(text: &str) -> DocumentNumber {
    DocumentNumber::parse(text, today()).unwrap()
}

fn paper(number: &DocumentNumber, name: &str) -> SymbolText {
    code(|claims| {
        claims.kind = Kind::Paper;
        claims.name = HolderName::masked(name).unwrap();
        claims.id_tail = IdTail::of(number.text());
        claims.expires = claims.issued + TimeDelta::days(7);
    })
}

/// What an extract is made of in these tests, and where it is.
struct Desk {
    folder: TempDir,
    key: [u8; EpochKey::LEN],
    terminal: &'static str,
    stretching: Stretching,
}

impl Desk {
    fn new(terminal: &'static str, key: u8) -> Self {
        let folder = tempdir().unwrap();
        Self { folder, key: [key; EpochKey::LEN], terminal, stretching: Stretching::None }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(file_name(self.terminal).unwrap())
    }

    fn build(&self, people: &[DocumentNumber]) -> Result<u64, RosterError> {
        let codes = people.iter().map(|number| Ok((number.clone(), paper(number, "张三"))));
        self.build_of(codes)
    }

    fn build_of(
        &self,
        codes: impl IntoIterator<Item = Result<(DocumentNumber, SymbolText), RosterError>>,
    ) -> Result<u64, RosterError> {
        let dated = at(NOW);
        let plan = Plan {
            terminal: self.terminal,
            epoch: EPOCH,
            dated,
            expires: dated + TimeDelta::days(7),
            stretching: self.stretching,
        };
        let file = File::create(self.path()).unwrap();
        let key = EpochKey::new(&self.key).unwrap();
        build(&file, self.folder.path(), plan, &key, codes, &mut |_, _| {})
    }

    fn open(&self) -> Roster {
        Roster::open(&self.path(), self.terminal).unwrap()
    }

    /// Looks somebody up with a key of the day.
    fn ask(&self, number: &DocumentNumber, now: &str) -> Result<Option<SymbolText>, RosterError> {
        let roster = Roster::open(&self.path(), self.terminal)?;
        let token = token(self.terminal, EPOCH, self.key, now);
        roster.unlock(&token)?.look_up(number, at(now))
    }
}

fn token(terminal: &str, epoch: u64, key: [u8; 32], now: &str) -> EpochToken {
    let key = EpochKey::new(&key).unwrap();
    EpochToken::new(terminal, epoch, key, at(now), at(now) + TimeDelta::hours(12)).unwrap()
}

fn code_of<T>(outcome: Result<T, RosterError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "none")
}

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

#[test]
fn a_damaged_extract_is_an_error_and_never_another_answer() {
    let people: Vec<_> = (0..600).map(citizen).collect();
    let desk = Desk::new(GATE, 1);
    desk.build(&people).unwrap();
    let whole = fs::read(desk.path()).unwrap();
    let row = (whole.len() - 128) / 1024;
    // One whose neighbours are in its group: nobody reads another.
    let inside = |number: &&DocumentNumber| {
        (1..GROUP - 1).contains(&(index_of(&whole, row, &desk, number) % GROUP))
    };
    let number = people.iter().find(inside).unwrap();
    let token = token(GATE, EPOCH, desk.key, NOW);
    let ask = || {
        let roster = Roster::open(&desk.path(), GATE)?;
        roster.unlock(&token)?.look_up(number, at(NOW))
    };
    // One byte is changed, and the sum over it mended or not; the next change undoes it.
    let file = File::options().write(true).open(desk.path()).unwrap();
    let undo = Cell::new(0..0);
    let change = |place: usize, bit: u8, is_mended: bool| {
        let undone = undo.take();
        file.write_all_at(&whole[undone.clone()], u64::try_from(undone.start).unwrap()).unwrap();
        let begin = if place < 128 { 0 } else { 128 + (place - 128) / row * row };
        let end = if place < 128 { 128 } else { begin + row };
        let mut part = whole[begin..end].to_vec();
        part[place - begin] ^= bit;
        if is_mended && begin == 0 {
            mend_header(&mut part);
        } else if is_mended {
            mend_row(&mut part, (begin - 128) / row);
        }
        file.write_all_at(&part, u64::try_from(begin).unwrap()).unwrap();
        undo.set(begin..end);
    };

    // Every byte of the header, with its sum as it was, and mended.
    for place in 0..128 {
        change(place, 1, false);
        let expected = if place < 8 { "L04" } else { "L01" };
        assert_eq!(code_of(ask()), expected, "byte {place}");
        change(place, 1, true);
        let expected = match place {
            0..8 | 49 | 52..56 | 104..124 => &["L04"][..],
            8..24 => &["L12"],
            24..32 => &["L11"],
            // An instant that is none, dates too far apart, or a sound header that was not made so.
            32..48 => &["L02", "L04", "L20"],
            50..52 => &["L04", "L07"],
            56..64 => &["L07", "L18"],
            48 | 64..104 => &["L20"],
            _ => &["none"],
        };
        assert!(expected.contains(&code_of(ask())), "byte {place}: {}", code_of(ask()));
    }

    // Every byte of the row that is asked for, and of its neighbours.
    let index = index_of(&whole, row, &desk, number);
    for neighbour in [index - 1, index, index + 1] {
        for byte in 0..row {
            let place = 128 + neighbour * row + byte;
            change(place, 0x80, false);
            assert_eq!(code_of(ask()), "L01", "row {neighbour}, byte {byte}");
            assert_eq!(code_of(Roster::open(&desk.path(), GATE).unwrap().verify()), "L01");
        }
    }
    // With the sums mended, the seal tells.
    for byte in 16..row - 4 {
        change(128 + index * row + byte, 1, true);
        assert_eq!(code_of(ask()), "L01", "sealed byte {byte}");
    }
    // Two rows, or their records, change places.
    let (one, other) = (128 + index * row, 128 + (index + 1) * row);
    for (from, what) in [(0, "rows"), (16, "records")] {
        let mut bytes = whole.clone();
        for byte in from..row {
            bytes.swap(one + byte, other + byte);
        }
        mend_row(&mut bytes[one..other], index);
        mend_row(&mut bytes[other..other + row], index + 1);
        fs::write(desk.path(), bytes).unwrap();
        assert_eq!(code_of(ask()), "L01", "{what}");
    }
    for length in [0, 1, 127, 128, 129, 128 + row, whole.len() - 1] {
        fs::write(desk.path(), &whole[..length]).unwrap();
        assert_eq!(code_of(ask()), "L07", "{length} bytes");
    }
    fs::write(desk.path(), [&whole[..], b"!"].concat()).unwrap();
    assert_eq!(code_of(ask()), "L07", "longer");
    // Cut short while it is open.
    fs::write(desk.path(), &whole).unwrap();
    let roster = desk.open();
    File::options().write(true).open(desk.path()).unwrap().set_len(128).unwrap();
    assert_eq!(code_of(roster.unlock(&token).unwrap().look_up(number, at(NOW))), "L05");
    fs::remove_file(desk.path()).unwrap();
    fs::create_dir(desk.path()).unwrap();
    assert_eq!(code_of(ask()), "L04", "a folder");
}

/// The number of a citizen's row.
fn index_of(bytes: &[u8], row: usize, desk: &Desk, number: &DocumentNumber) -> usize {
    let mut mac = Hmac::<Sha256>::new_from_slice(&desk.key).unwrap();
    mac.update(b"idx\x01");
    mac.update(number.text().expose().as_bytes());
    let index = mac.finalize().into_bytes();
    bytes[128..].chunks(row).position(|row| row.starts_with(&index[..16])).unwrap()
}

/// Writes a header's sum anew, as one does who alters a file on purpose.
fn mend_header(header: &mut [u8]) {
    let sum = crc32fast::hash(&header[..124]);
    header[124..128].copy_from_slice(&sum.to_be_bytes());
}

/// Writes a row's sum anew.
fn mend_row(row: &mut [u8], number: usize) {
    let (body, sum) = row.split_at_mut(row.len() - 4);
    let check = crc32fast::hash(&[&number.to_be_bytes(), &*body].concat());
    sum.copy_from_slice(&check.to_be_bytes());
}

#[test]
fn a_token_is_read_strictly_and_keeps_to_itself() {
    let made = token(GATE, EPOCH, [9; 32], NOW);
    let bytes = made.to_bytes();
    let again = EpochToken::read(&bytes).unwrap();
    assert_eq!((again.terminal(), again.epoch()), (GATE, EPOCH));
    assert_eq!(again.to_bytes(), bytes);
    let folder = tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, &*bytes).unwrap();
    assert_eq!(EpochToken::open(&path).unwrap().to_bytes(), bytes);
    assert_eq!(code_of(EpochToken::open(folder.path())), "L17");

    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let key = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    assert!(text.contains(key));
    let cases = [
        ("nothing", String::new(), "L17"),
        ("no JSON", "CQkJ".to_owned(), "L17"),
        ("a member more", text.replacen('{', "{\"more\": 1,", 1), "L17"),
        ("a member twice", text.replacen('{', "{\"epoch\": 7,", 1), "L17"),
        ("something behind it", format!("{text}{{}}"), "L17"),
        ("the key elsewhere", text.replacen(": 7", &format!(": \"{key}\""), 1), "L17"),
        ("a short key", text.replace("CQk=", "CQ=="), "L17"),
        ("no base64", text.replace("CQk=", "C*k="), "L17"),
        ("too long", text.replacen('{', &format!("{{{}", " ".repeat(4096)), 1), "L17"),
        ("another name", text.replace(GATE, "../gate"), "L16"),
        ("25 hours", text.replace("T12:00:00Z", "T25:00:00Z"), "L17"),
        ("two days", text.replace("2021-11-20T12", "2021-11-22T12"), "L02"),
        ("ends before it begins", text.replace("2021-11-20T12", "2021-11-18T12"), "L02"),
    ];
    for (case, text, expected) in cases {
        let error = EpochToken::read(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), expected, "{case}");
        assert!(!format!("{error} {error:?}").contains("CQkJ"), "{case}");
    }
    let shown = format!("{made:?}");
    assert!(shown.contains("key: EpochKey(..)") && !shown.contains("CQkJ"), "{shown}");
}

#[test]
fn a_key_is_in_memory_that_is_not_swapped_out() {
    let locked = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    // Other tests of this program come and go with theirs.
    let keys: Vec<_> = (0..100).map(|_| EpochKey::random().unwrap()).collect();
    assert!(locked() >= 400, "{} kB", locked());
    drop(keys);
}

/// The bytes of the rows.
fn rows(desk: &Desk) -> Vec<u8> {
    fs::read(desk.path()).unwrap().split_off(128)
}

#[test]
fn two_extracts_of_the_same_people_have_nothing_in_common() {
    let people: Vec<_> = (0..2000).map(citizen).collect();
    let desks = [Desk::new(GATE, 1), Desk::new("gate-4", 2)];
    // The very same codes, too.
    for desk in &desks {
        assert_eq!(desk.build(&people).unwrap(), 2000);
    }
    let [one, other] = desks.map(|desk| rows(&desk));
    let seen: HashSet<&[u8]> = one.windows(8).collect();
    let shared = other.windows(8).filter(|window| seen.contains(window)).count();
    assert_eq!(shared, 0, "of {} windows", other.len());
    // Nor do two rows of one: nothing repeats but by chance, which has odds of 1 in 10^8.
    assert!(seen.len() >= one.len() - 7 - 1);
}

#[test]
fn a_stolen_terminal_gives_nobody_away() {
    let names = ["张三丰", "欧阳娜娜", "買買提", "Müller"];
    let people: Vec<_> = (0..2000).map(citizen).collect();
    let desk = Desk::new(GATE, 5);
    let codes: Vec<_> = people
        .iter()
        .zip(names.iter().cycle())
        .map(|(number, name)| (number.clone(), paper(number, name)))
        .collect();
    desk.build_of(codes.iter().cloned().map(Ok)).unwrap();
    let kept = desk.folder.path().join("state");
    fs::create_dir(&kept).unwrap();
    fs::rename(desk.path(), keep::arrival(&kept)).unwrap();
    keep::install(&keep::arrival(&kept), &kept, GATE, at(NOW)).unwrap();
    // And it does answer, with the key.
    let roster = keep::open(&kept, GATE).unwrap().unwrap();
    let token = token(GATE, EPOCH, desk.key, NOW);
    let found = roster.unlock(&token).unwrap().look_up(&people[7], at(NOW)).unwrap();
    assert_eq!(found.as_ref(), Some(&codes[7].1));

    let image = image(desk.folder.path());
    assert!(image.len() > 300_000);
    // Each search is by the first eight bytes, the longer ones by every eight of theirs.
    let windows: HashSet<&[u8]> = image.windows(8).collect();
    for (number, code) in &codes {
        let text = number.text().expose().as_bytes();
        assert!(!text.windows(8).any(|part| windows.contains(part)));
        let digits: Vec<_> = text.iter().map(|digit| digit & 0xF).collect();
        assert!(!digits.windows(8).any(|part| windows.contains(part)));
        let code = code.as_str().as_bytes();
        assert!(!code.windows(8).any(|part| windows.contains(part)));
        let envelope = base45::decode(std::str::from_utf8(&code[5..]).unwrap()).unwrap();
        assert!(!envelope.windows(8).any(|part| windows.contains(part)));
    }
    // A masked name of six bytes by chance: 1 in 10^8.
    let sixes: HashSet<&[u8]> = image.windows(6).collect();
    for name in names.into_iter().chain(["normal", "JKM1:1", "review", "110105"]) {
        assert!(!sixes.contains(&name.as_bytes()[..6]), "{name}");
    }
    // Nor do plain digests of the numbers find a row.
    for (number, _) in &codes {
        let digest: [u8; 32] = Sha256::digest(number.text().expose()).into();
        assert!(!windows.contains(&digest[..8]));
    }
}

/// Every byte of every file below a folder, and the files' names.
fn image(folder: &Path) -> Vec<u8> {
    let mut image = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        image.extend_from_slice(path.file_name().unwrap().as_encoded_bytes());
        if path.is_dir() {
            image.extend(self::image(&path));
        } else {
            image.extend(fs::read(&path).unwrap());
        }
    }
    image
}

/// What is done to a file.
type Harm = fn(&File);

#[test]
fn a_terminal_keeps_the_newest_extract_and_erases_the_rest() {
    let desk = Desk::new(GATE, 1);
    let kept = desk.folder.path().join("state");
    fs::create_dir(&kept).unwrap();
    let arrive = |epoch: u64, person: usize| {
        let dated = at(NOW);
        let expires = dated + TimeDelta::days(7);
        let plan = Plan { terminal: GATE, epoch, dated, expires, stretching: Stretching::None };
        let key = EpochKey::new(&[1; 32]).unwrap();
        let file = File::create(keep::arrival(&kept)).unwrap();
        let number = citizen(person);
        let code = Ok::<_, RosterError>((number.clone(), paper(&number, "张三")));
        build(&file, &kept, plan, &key, [code], &mut |_, _| {}).unwrap();
    };
    let install = |now: &str| keep::install(&keep::arrival(&kept), &kept, GATE, at(now));
    let held = || keep::open(&kept, GATE).unwrap().map(|roster| roster.epoch());
    let names = || {
        let names = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(held(), None);
    arrive(7, 0);
    install(NOW).unwrap();
    let open = keep::open(&kept, GATE).unwrap().unwrap();

    // A newer one takes its place, and who has the old one open can still read it.
    fs::write(kept.join("roster-gate-9.bin"), "of a name before").unwrap();
    fs::write(kept.join("greengate.db"), "another's").unwrap();
    arrive(8, 1);
    let newer = install(NOW).unwrap();
    assert_eq!(
        (held(), names()),
        (Some(8), vec!["greengate.db".into(), "roster-gate-3.bin".into()])
    );
    open.verify().unwrap();
    assert!(!newer.is_same_as(&open));

    let refused: [(&str, Harm, u64, &str, &str); 4] = [
        ("an older epoch", |_| {}, 7, NOW, "L10"),
        ("an expired one", |_| {}, 9, AFTER, "L03"),
        ("a damaged one", |file| file.write_all_at(b"damage", 5000).unwrap(), 9, NOW, "L01"),
        ("a short one", |file| file.set_len(4000).unwrap(), 9, NOW, "L07"),
    ];
    for (case, harm, epoch, now, expected) in refused {
        arrive(epoch, 2);
        harm(&File::options().write(true).open(keep::arrival(&kept)).unwrap());
        assert_eq!(code_of(install(now)), expected, "{case}");
        assert_eq!(held(), Some(8), "{case}");
    }
    assert_eq!(code_of(keep::install(&keep::arrival(&kept), &kept, "gate-4", at(NOW))), "L12");

    // The same epoch heals what was damaged.
    fs::write(kept.join("roster-gate-3.bin"), "damaged").unwrap();
    arrive(8, 1);
    install(NOW).unwrap();
    assert_eq!(held(), Some(8));

    // What has expired is erased, and so is what never was installed.
    arrive(9, 3);
    keep::sweep(&kept, GATE, at(LAST)).unwrap();
    assert_eq!(names(), ["greengate.db", "roster-gate-3.bin"]);
    keep::sweep(&kept, GATE, at(AFTER)).unwrap();
    assert_eq!(names(), ["greengate.db"]);
    assert_eq!(held(), None);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A header of any content that bears its own sum.
fn header(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[..8].copy_from_slice(b"GGROSTR1");
    mend_header(&mut bytes);
    bytes
}

fn never_panics(bytes: &[u8]) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("roster-gate-3.bin");
    fs::write(&path, bytes).unwrap();
    let now: Timestamp = at(NOW);
    if let Ok(roster) = Roster::open(&path, GATE) {
        let token = token(GATE, roster.epoch(), [1; 32], NOW);
        let found = roster.unlock(&token).and_then(|it| it.look_up(&citizen(0), now));
        assert!(roster.verify().is_err() || roster.rows() == 0 || found.is_err());
    }
}

/// An extract with nobody in it.
static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let desk = Desk::new(GATE, 1);
    desk.build(&[]).unwrap();
    fs::read(desk.path()).unwrap()
});

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        never_panics(&bytes);
    }

    #[test]
    fn any_header_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 128..600)) {
        never_panics(&header(bytes));
    }

    #[test]
    fn any_change_of_a_sound_header_is_refused_or_read(
        place in 8_usize..124, byte in any::<u8>(), length in 128_usize..900,
    ) {
        let mut bytes = EMPTY.clone();
        bytes[place] = byte;
        bytes.truncate(length);
        never_panics(&header(bytes));
    }

    #[test]
    fn any_token_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(EpochToken::read(&bytes).is_err());
    }
}
