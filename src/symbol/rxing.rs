//! What rxing is asked: to correct and decode the modules of a symbol, and to find symbols in a
//! bitmap made for it.
//!
//! Of its two readers it is the younger one, ported from zxing-cpp. Its decoder takes a twentieth
//! of rqrr's time and knows mirrored symbols, those of before 2000 (model 1), and the encodings
//! that came before UTF-8. Its detector follows the edges of finder patterns, and so finds symbols
//! of many small modules in which ours is led astray. Its panics are caught.

use rxing::{
    common::{BitMatrix, DetectorRXingResult, cpp_essentials::DecoderResult},
    qrcode::cpp_port::{
        decoder::Decode,
        detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR},
    },
};

use super::budget::Budget;
use super::content::{Content, Encoding};
use super::finder;
use super::guard::Panics;
use super::perspective::Point;
use super::plane::Bitmap;

/// The most finder patterns of one bitmap that are put together: each with fifteen others.
const MAX_PATTERNS: usize = 160;

/// The most threes of them that are sampled: some 0.1 milliseconds each.
const MAX_SETS: usize = 60;

/// What looking for finder patterns costs, in looks: for each pixel, and for each change between
/// light and dark; what it costs to put them together; and to sample and decode three.
const PIXEL: u64 = 1;
const CHANGE: u64 = 20;
const SETS: u64 = 700_000;
const SET: u64 = 150_000;

/// The content of a symbol with `size` rows of `size` modules, `true` for dark; mirrored ones too.
pub(super) fn decode(dark: &[bool], size: usize, panics: &mut Panics) -> Option<Content> {
    let read = || {
        let count = u32::try_from(size).ok()?;
        let mut matrix = BitMatrix::new(count, count).ok()?;
        let places = (0..count).flat_map(|y| (0..count).map(move |x| (x, y)));
        for ((x, y), _) in places.zip(dark).filter(|&(_, &dark)| dark) {
            matrix.set(x, y);
        }
        content(&matrix)
    };
    panics.caught(read)
}

/// The symbols that rxing finds in `bitmap` and can decode, with their corners in pixels.
pub(super) fn detect(
    bitmap: &Bitmap,
    budget: &mut Budget,
    panics: &mut Panics,
) -> Vec<([Point; 4], Content)> {
    let pixels = Budget::price(bitmap.width(), PIXEL) * Budget::price(bitmap.height(), 1);
    let candidates = finder::count_candidates(bitmap);
    // It compares each with all that it found before.
    let price = pixels + bitmap.count_changes() * CHANGE + candidates * candidates / 8;
    if budget.take(price).is_none() {
        return Vec::new();
    }
    let search = || {
        let matrix = matrix(bitmap)?;
        let mut patterns = FindFinderPatterns(&matrix, true, 0);
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.size));
        patterns.truncate(MAX_PATTERNS);
        Some((GenerateFinderPatternSets(&mut patterns), matrix))
    };
    let _ = budget.take(SETS);
    let Some((sets, matrix)) = panics.caught(search) else {
        return Vec::new();
    };
    let mut used = Vec::new();
    let mut found = Vec::new();
    for set in sets.into_iter().take(MAX_SETS) {
        let corners = [set.bl, set.tl, set.tr];
        if corners.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        if budget.take(SET).is_none() {
            break;
        }
        // One by one, lest a panic lose what was found before.
        let read = || {
            let sampled = SampleQR(&matrix, &set).ok()?;
            let content = content(sampled.getBits())?;
            let &[a, b, c, d] = sampled.getPoints() else { return None };
            Some(([a, b, c, d].map(|at| Point::new(f64::from(at.x), f64::from(at.y))), content))
        };
        if let Some(symbol) = panics.caught(read) {
            found.push(symbol);
            used.extend(corners);
        }
    }
    found
}

/// The same bitmap as rxing keeps it.
fn matrix(bitmap: &Bitmap) -> Option<BitMatrix> {
    let [width, height] = [bitmap.width(), bitmap.height()].map(u32::try_from);
    let mut matrix = BitMatrix::new(width.ok()?, height.ok()?).ok()?;
    let mut places = Vec::new();
    for (y, row) in (0..bitmap.height()).zip(0..) {
        bitmap.changes(y, &mut places);
        for run in places.chunks_exact(2) {
            let [start, end] = [run[0], run[1]].map(u32::try_from);
            (start.ok()?..end.ok()?).for_each(|x| matrix.set(x, row));
        }
    }
    Some(matrix)
}

/// What the modules in `matrix` say.
fn content(matrix: &BitMatrix) -> Option<Content> {
    let symbol = Decode(matrix).ok().filter(DecoderResult::isValid)?;
    let said = symbol.content();
    let encoding = if said.has_eci { Encoding::Named } else { Encoding::Unnamed };
    // Plain paper is a valid symbol without a text.
    (!said.bytes().is_empty()).then(|| Content::of(said.bytes(), encoding, symbol.text()))
}

#[cfg(test)]
mod tests {
    use qrcodegen::{QrCode, QrCodeEcc};

    use super::*;
    use crate::symbol::SymbolText;

    /// The modules of a symbol that holds `bytes`.
    fn symbol(bytes: &[u8]) -> (Vec<bool>, usize) {
        let symbol = QrCode::encode_binary(bytes, QrCodeEcc::Medium).unwrap();
        let places = (0..symbol.size()).flat_map(|y| (0..symbol.size()).map(move |x| (x, y)));
        let modules = places.map(|(x, y)| symbol.get_module(x, y)).collect();
        (modules, symbol.size().try_into().unwrap())
    }

    fn text(text: &str) -> Content {
        Content::Text(SymbolText::new(text).unwrap())
    }

    #[test]
    fn what_a_symbol_holds_is_read() {
        let cases = [
            ("ascii", &b"JKM1:A"[..], Some(text("JKM1:A"))),
            ("utf-8", "健康码".as_bytes(), Some(text("健康码"))),
            ("shift jis", b"\x8c\x92\x8dN\x83R\x81[\x83h", Some(text("健康コード"))),
            ("no text", b"\x00\x01\x02\xff\xfe", Some(Content::Bytes)),
            ("empty", b"", None),
        ];
        for (name, bytes, expected) in cases {
            let (modules, size) = symbol(bytes);
            let mut panics = Panics::default();
            assert_eq!(decode(&modules, size, &mut panics), expected, "{name}");
            assert_eq!(panics, Panics::default(), "{name}");
        }
    }

    #[test]
    fn what_is_no_symbol_is_not_read() {
        for size in [0, 1, 20, 21, 177, 181] {
            for dark in [false, true] {
                let modules = vec![dark; size * size];
                assert_eq!(decode(&modules, size, &mut Panics::default()), None, "{size} {dark}");
            }
        }
    }

    #[test]
    fn a_mirrored_symbol_is_read() {
        let (modules, size) = symbol(b"JKM1:A");
        let mirrored: Vec<bool> =
            (0..size * size).map(|place| modules[place % size * size + place / size]).collect();
        assert_eq!(decode(&mirrored, size, &mut Panics::default()), Some(text("JKM1:A")));
    }
}
