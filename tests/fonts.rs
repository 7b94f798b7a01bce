//! Whatever the screens show has a glyph: a missing one would leave a blank, and say nothing.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use greengate::{
    id_document::DocumentKind,
    issuer::IssuerId,
    place::Place,
    presentation::{legible, legible_in_bold},
};
use skrifa::{FontRef, MetadataProvider};

const REGULAR: &str = "assets/fonts/NotoSansCJKsc-Regular.otf";
const BOLD: &str = "assets/fonts/NotoSansCJKsc-Bold.otf";

fn at_home(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first of `characters` that the font lacks.
fn lacks(font: &str, mut characters: impl Iterator<Item = char>) -> Option<char> {
    let bytes = fs::read(at_home(font)).unwrap();
    let charmap = FontRef::new(&bytes).unwrap().charmap();
    characters.find(|character| charmap.map(*character).is_none())
}

#[test]
fn each_character_that_is_called_legible_has_a_glyph() {
    let as_it_is = |legible: fn(&str) -> String| {
        ('\0'..=char::MAX)
            .filter(move |character| legible(&character.to_string()).starts_with(*character))
    };
    let count = as_it_is(legible).count();
    assert!(count > 27_000, "the characters of names are among them, not {count} alone");
    assert_eq!(lacks(REGULAR, as_it_is(legible)), None);
    assert_eq!(lacks(BOLD, as_it_is(legible_in_bold)), None);
}

#[test]
fn the_screens_own_words_have_glyphs_in_both_weights() {
    let mut words = fs::read_to_string(at_home("ui/lang/zh/LC_MESSAGES/greengate.po")).unwrap();
    words += &fs::read_to_string(at_home("src/presentation/hints.rs")).unwrap();
    for folder in ["ui/screens", "ui/widgets"] {
        for entry in fs::read_dir(at_home(folder)).unwrap() {
            words += &fs::read_to_string(entry.unwrap().path()).unwrap();
        }
    }
    let shown = || words.chars().filter(|character| !character.is_control());
    assert_eq!(lacks(REGULAR, shown()), None);
    assert_eq!(lacks(BOLD, shown()), None);
}

#[test]
fn the_words_that_rust_makes_have_glyphs() {
    let issuers = IssuerId::all().filter_map(IssuerId::name);
    let kinds = Place::ALL.map(Place::words).into_iter();
    let kinds = kinds.chain(DocumentKind::ALL.map(DocumentKind::words));
    let names = issuers.chain(kinds).map(|words| words.zh + &words.en);
    let names: String = names.collect();
    let files = fs::read_dir(at_home("src/presentation")).unwrap();
    let others =
        ["audit/desk.rs", "registration.rs", "session/group.rs", "shift/mod.rs", "sync/token.rs"];
    let others = others.map(|file| at_home("src").join(file));
    let files = files.map(|entry| entry.unwrap().path()).chain(others);
    let words: String = files
        .map(|file| {
            let code = fs::read_to_string(file).unwrap();
            code.split("#[cfg(test)]").next().unwrap().to_owned()
        })
        .collect();
    let shown = names.chars().chain(words.chars()).filter(|character| !character.is_control());
    assert_eq!(lacks(REGULAR, shown), None);
}
