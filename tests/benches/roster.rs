//! What a look-up extract costs, to make and to ask: `cargo bench --bench roster`.
//! `GREENGATE_ROSTER=5000000` asks one of so many people, and `GREENGATE_ROSTER_BUILD=1000000` makes
//! one of so many out of an authority's registers.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and its panic is the report"
)]

mod figures;

use std::{
    env,
    fs::{self, File},
    path::Path,
    time::{Duration, Instant},
};

use chrono::{NaiveDate, TimeDelta};
use figures::{measure_each, megabytes, report, resident};
use greengate::{
    authority::{Authority, ExtractOrder, WithoutCounty},
    clock::Timestamp,
    credential::PREFIX,
    id_document::DocumentNumber,
    issuer::IssuerId,
    language::Words,
    place::{Gate, Place},
    roster::{EpochKey, EpochToken, Plan, Roster, RosterError, Stretching, build},
    symbol::SymbolText,
};
use rusqlite::{Connection, OptionalExtension, params};
use tempfile::tempdir_in;

const LOOK_UPS: usize = 100_000;

/// The most rows for `SQLCipher`, which takes minutes for more.
const PEER_ROWS: usize = 1_000_000;

/// The bytes of a code with a test and travel. Source: CODE-FORMAT.
const ENVELOPE: usize = 147;

fn main() {
    let count = |name, usual| env::var(name).map_or(usual, |text| text.parse().unwrap());
    made_from_registers(count("GREENGATE_ROSTER_BUILD", 20_000));
    asked(count("GREENGATE_ROSTER", 200_000));
    stretched();
}

/// How long an extract of so many people takes, from the registers to the file.
fn made_from_registers(people: usize) {
    let folder = tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut authority = Authority::init(folder.path()).unwrap();
    authority.new_key(IssuerId::new(11), now()).unwrap();
    let gate = Gate { place: Place::Station, name: Words::new("站", "Station"), gate: "1".into() };
    authority.put_terminal("gate-1", &gate).unwrap();
    fill(&folder.path().join("authority.db"), people);
    let order = ExtractOrder {
        terminal: "gate-1".to_owned(),
        counties: vec!["110100".parse().unwrap()],
        without_county: WithoutCounty::LeftOut,
        issuer: None,
        days: 7,
        stretching: Stretching::None,
    };
    let before = resident();
    let (started, mut peak) = (Instant::now(), before);
    let mut progress = |_| peak = peak.max(resident());
    let made = authority.extract(&order, &mut progress, now()).unwrap();
    let took = started.elapsed();
    assert_eq!(made.codes, u64::try_from(people).unwrap());
    let length = fs::metadata(folder.path().join("extracts/roster-gate-1.bin")).unwrap().len();
    println!(
        "{people} people from registers, not stretched: {took:.2?}, so a million in {:.0?}; \
         {:.1} MB; memory grew by {:.1} MB",
        for_a_million(took, people),
        megabytes(length),
        megabytes(peak - before),
    );
}

/// Writes people into registers, each with a test and where they have been.
fn fill(path: &Path, people: usize) {
    let mut registers = Connection::open(path).unwrap();
    let transaction = registers.transaction().unwrap();
    let at = now().timestamp() - 3600;
    for person in 0..people {
        let number = citizen(person);
        let number = number.text().expose();
        for (sql, values) in [
            (
                "INSERT INTO person VALUES (?1, '张三丰', 'audited', 'normal', ?2)",
                params![number, at],
            ),
            (
                "INSERT INTO nat VALUES (?1, 'national', ?2, 'negative', ?2, ?2)",
                params![number, at],
            ),
            ("INSERT INTO travel VALUES (?1, 1, ?2)", params![number, at]),
        ] {
            transaction.prepare_cached(sql).unwrap().execute(values).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// How fast an extract of so many people answers, beside `SQLCipher`.
fn asked(people: usize) {
    let folder = tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("roster");
    let key = EpochKey::new(&[7; 32]).unwrap();
    let codes = (0..people).map(|person| Ok::<_, RosterError>((citizen(person), text(person))));
    let before = resident();
    let started = Instant::now();
    let file = File::create(&path).unwrap();
    let mut peak = before;
    let mut sealed = |_, _| peak = peak.max(resident());
    build(&file, folder.path(), plan(Stretching::None), &key, codes, &mut sealed).unwrap();
    println!(
        "{people} codes sealed, sorted, and synced in {:.2?}; {:.1} MB; memory grew by {:.1} MB",
        started.elapsed(),
        megabytes(file.metadata().unwrap().len()),
        megabytes(peak - before),
    );
    drop(file);

    // Every other one is in it.
    let asked: Vec<_> = (0..LOOK_UPS)
        .map(|at| {
            let person = at.wrapping_mul(7_919) % people;
            citizen(if at % 2 == 0 { person } else { people + person })
        })
        .collect();
    let roster = Roster::open(&path, "gate-1").unwrap();
    let token = token();
    let unlocked = roster.unlock(&token).unwrap();
    let before = resident();
    let cold = measure_each(&asked, |number| unlocked.look_up(number, now()).unwrap().is_some());
    let warm = measure_each(&asked, |number| unlocked.look_up(number, now()).unwrap().is_some());
    report("look-up, the first of each", cold, "");
    let grown = resident().saturating_sub(before);
    report("look-up", warm, &format!("memory grew by {:.1} MB", megabytes(grown)));
    let started = Instant::now();
    roster.verify().unwrap();
    println!("checked from end to end in {:.2?}", started.elapsed());
    peer(folder.path(), people.min(PEER_ROWS), &asked);
}

/// The same with `SQLCipher`, which is not sealed by row: whoever has its key has a list of people.
fn peer(folder: &Path, rows: usize, asked: &[DocumentNumber]) {
    let path = folder.join("peer.db");
    let mut peer = Connection::open(&path).unwrap();
    peer.pragma_update(None, "key", format!("x'{}'", "07".repeat(32))).unwrap();
    peer.execute_batch("CREATE TABLE roster (number TEXT PRIMARY KEY, code BLOB) WITHOUT ROWID")
        .unwrap();
    let started = Instant::now();
    let transaction = peer.transaction().unwrap();
    for person in 0..rows {
        let mut insert = transaction.prepare_cached("INSERT INTO roster VALUES (?1, ?2)").unwrap();
        insert.execute(params![citizen(person).text().expose(), envelope(person)]).unwrap();
    }
    transaction.commit().unwrap();
    let written = started.elapsed();
    let mut query = peer.prepare("SELECT code FROM roster WHERE number = ?1").unwrap();
    let mut ask = |number: &DocumentNumber| {
        let code = query.query_row([number.text().expose()], |row| row.get::<_, Vec<u8>>(0));
        code.optional().unwrap().is_some()
    };
    measure_each(asked, &mut ask);
    let length = megabytes(fs::metadata(&path).unwrap().len());
    let note = format!("{length:.1} MB, written in {written:.2?}");
    report(&format!("SQLCipher with {rows} rows"), measure_each(asked, ask), &note);
}

/// What Argon2id costs, by the numbers of a few.
fn stretched() {
    let people = 100;
    let folder = tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("roster");
    let key = EpochKey::new(&[7; 32]).unwrap();
    let codes = (0..people).map(|person| Ok::<_, RosterError>((citizen(person), text(person))));
    let started = Instant::now();
    let file = File::create(&path).unwrap();
    build(&file, folder.path(), plan(Stretching::Argon2id), &key, codes, &mut |_, _| {}).unwrap();
    let took = started.elapsed();
    println!(
        "{people} codes stretched: {took:.2?}, so a million in {:.0?}",
        for_a_million(took, people)
    );
    let roster = Roster::open(&path, "gate-1").unwrap();
    let token = token();
    let unlocked = roster.unlock(&token).unwrap();
    let asked: Vec<_> = (0..people).map(citizen).collect();
    let times = measure_each(&asked, |number| unlocked.look_up(number, now()).unwrap().is_some());
    report("look-up, stretched", times, "");
}

fn plan(stretching: Stretching) -> Plan<'static> {
    let expires = now() + TimeDelta::days(7);
    Plan { terminal: "gate-1", epoch: 1, dated: now(), expires, stretching }
}

fn token() -> EpochToken {
    let key = EpochKey::new(&[7; 32]).unwrap();
    EpochToken::new("gate-1", 1, key, now(), now() + TimeDelta::hours(24)).unwrap()
}

fn now() -> Timestamp {
    "2021-11-20T00:00:00Z".parse().unwrap()
}

/// A citizen's number, for each of thirty million another.
fn citizen(person: usize) -> DocumentNumber {
    let (day, serial) = (person / 1000, person % 1000);
    let born =
        NaiveDate::from_ymd_opt(1935, 1, 1).unwrap() + TimeDelta::days(day.try_into().unwrap());
    let body = format!("110105{}{serial:03}", born.format("%Y%m%d"));
    // GB 11643-1999.
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize =
        body.bytes().zip(weights).map(|(digit, weight)| usize::from(digit & 0xF) * weight).sum();
    let check = char::from(b"10X98765432"[sum % 11]);
    DocumentNumber::parse(&format!("{body}{check}"), now().date_naive()).unwrap()
}

fn envelope(person: usize) -> Vec<u8> {
    let mut bytes = vec![0xA5; ENVELOPE];
    bytes[..8].copy_from_slice(&person.to_be_bytes());
    bytes
}

fn text(person: usize) -> SymbolText {
    SymbolText::new(format!("{PREFIX}{}", base45::encode(envelope(person)))).unwrap()
}

fn for_a_million(took: Duration, people: usize) -> Duration {
    took.mul_f64(1e6) / u32::try_from(people).unwrap()
}
