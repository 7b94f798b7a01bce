//! What becomes of bytes that are no sound extract, and of any bytes at all.

use std::{cell::Cell, fs, fs::File, os::unix::fs::FileExt, sync::LazyLock};

use greengate::{
    clock::Timestamp,
    id_document::DocumentNumber,
    roster::{EpochToken, Roster},
};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::Sha256;
use tempfile::tempdir;

use crate::{
    Desk, EPOCH, GATE, GROUP, citizen, code_of,
    common::{NOW, at},
    token,
};

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
