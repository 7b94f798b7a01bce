//! What an extract and its key give away.

use std::{collections::HashSet, fs, path::Path};

use greengate::roster::{EpochKey, EpochToken, keep};
use sha2::{Digest, Sha256};
use tempfile::tempdir;

use crate::{
    Desk, EPOCH, GATE, citizen, code_of,
    common::{NOW, at},
    paper, token,
};

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
