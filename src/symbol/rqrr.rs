//! What rqrr is asked: to correct and decode the modules of one symbol.
//!
//! It is never handed a picture. Its own search copies the whole picture for every three patterns
//! that might belong together, which takes it many seconds on a sheet of symbols, and its geometry
//! panics on some; the crops on which it was tried beside [`Grid`](super::grid::Grid) gave no
//! symbol more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::SymbolText;

/// What a symbol holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// Bytes in no encoding known here: Latin-1 and Shift JIS cannot be told apart, since rqrr
    /// does not tell in which mode they were written.
    Bytes,
    /// A text in UTF-8.
    Text(SymbolText),
}

/// The content of a symbol with `size` rows of `size` modules, `true` for dark; mirrored ones too.
pub(super) fn decode(modules: &[bool], size: usize) -> Option<Content> {
    let read = || {
        let symbol = rqrr::SimpleGrid::from_func(size, |x, y| modules[y * size + x]);
        let mut bytes = Vec::new();
        rqrr::Grid::new(symbol).decode_to(&mut bytes).ok().map(|_| bytes)
    };
    // Not known to panic here, but its decoder holds assertions. Their messages, which the
    // program's panic hook prints, name a line of its source and nothing of the symbol. Nothing
    // that could be left half done outlives the call.
    let bytes = catch_unwind(AssertUnwindSafe(read)).ok().flatten()?;
    match String::from_utf8(bytes) {
        // Plain paper is a valid symbol without a text.
        Ok(text) if text.is_empty() => None,
        Ok(text) => SymbolText::new(text).ok().map(Content::Text),
        Err(_) => Some(Content::Bytes),
    }
}

#[cfg(test)]
mod tests {
    use qrcodegen::{QrCode, QrCodeEcc};

    use super::*;

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
    fn only_utf8_is_a_text() {
        let cases = [
            ("ascii", &b"JKM1:A"[..], Some(text("JKM1:A"))),
            ("utf-8", "健康码".as_bytes(), Some(text("健康码"))),
            ("shift jis", b"\x8c\x92", Some(Content::Bytes)),
            ("empty", b"", None),
        ];
        for (name, bytes, expected) in cases {
            let (modules, size) = symbol(bytes);
            assert_eq!(decode(&modules, size), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_symbol_is_not_read() {
        for size in [0, 1, 20, 21, 177, 181] {
            for dark in [false, true] {
                assert_eq!(decode(&vec![dark; size * size], size), None, "{size} {dark}");
            }
        }
    }

    #[test]
    fn a_mirrored_symbol_is_read() {
        let (modules, size) = symbol(b"JKM1:A");
        let mirrored: Vec<bool> =
            (0..size * size).map(|place| modules[place % size * size + place / size]).collect();
        assert_eq!(decode(&mirrored, size), Some(text("JKM1:A")));
    }
}
