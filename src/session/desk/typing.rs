//! What is typed at the desk.

use chrono::NaiveDate;

use super::{Credentials, DeskEffect, Entry, Key};
use crate::{
    credential::IdTail,
    id_document::{DocumentNumber, Mrz},
};

/// The most characters that are typed into anything: three lines of a machine-readable zone have 90,
/// and an Enter each. Source: ICAO 9303, part 5.
pub(super) const MAX_TYPED: usize = 96;

/// The number that was typed, or that of a machine-readable zone, whose lines a scanner that is like a
/// keyboard ends with Enter as well.
pub(super) fn number(entry: &mut Entry, today: NaiveDate) -> Option<DocumentNumber> {
    if !entry.contains('<') {
        return DocumentNumber::parse(entry, today).ok();
    }
    entry.push('\n');
    Mrz::parse(entry, today).ok()?.document(today).ok()
}

/// What was typed to compare a document by: the end of its number, or the whole of it.
pub(super) fn compared(entry: &mut Entry, today: NaiveDate) -> Option<DeskEffect> {
    if let Some(tail) = IdTail::new(entry.to_ascii_uppercase()) {
        return Some(DeskEffect::CompareTail(tail));
    }
    number(entry, today).map(DeskEffect::CompareNumber)
}

/// Types at what was typed so far.
pub(super) fn write(entry: &mut Entry, key: Key) {
    match key {
        Key::Character(character) if entry.chars().count() < MAX_TYPED => entry.push(character),
        Key::Back => drop(entry.pop()),
        _ => {}
    }
}

/// Types at a staff number and then at a PIN; both, once they are whole.
pub(super) fn signed(who: &mut Credentials, key: Key) -> Option<(String, Entry)> {
    let is_digit = !matches!(key, Key::Character(character) if !character.is_ascii_digit());
    match (key, &who.staff) {
        (Key::Enter, _) if who.entry.is_empty() => None,
        (Key::Enter, None) => {
            who.staff = Some(std::mem::take(&mut who.entry).to_string());
            None
        }
        (Key::Enter, Some(staff)) => {
            let done = (staff.clone(), std::mem::take(&mut who.entry));
            *who = Credentials::default();
            Some(done)
        }
        (key, _) if is_digit => {
            write(&mut who.entry, key);
            None
        }
        _ => None,
    }
}
