//! What a symbol holds.

use super::SymbolText;

/// What a symbol holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// Bytes in no encoding known here.
    Bytes,
    /// A text.
    Text(SymbolText),
}

impl Content {
    /// The content of a symbol of these bytes, which a decoder takes for that text.
    ///
    /// Bytes that are UTF-8 are what they say, unless the symbol names another encoding. The rest
    /// may be Shift JIS or Latin-1. A decoder that guesses wrong, or guesses at what is no text at
    /// all, mostly comes upon control characters, of which texts have few.
    pub(super) fn of(bytes: &[u8], encoding: Encoding, guess: String) -> Self {
        let text = match (encoding, str::from_utf8(bytes)) {
            (Encoding::Unnamed, Ok(text)) => text.to_owned(),
            (Encoding::Unnamed, Err(_)) if guess.contains(is_strange) => return Self::Bytes,
            _ => guess,
        };
        SymbolText::new(text).map_or(Self::Bytes, Self::Text)
    }
}

/// Whether a symbol says in which encoding its bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// It does, by an extended channel interpretation.
    Named,
    /// It does not.
    Unnamed,
}

/// Whether a character stands in no text: the separators of data fields do.
fn is_strange(character: char) -> bool {
    let separators = ['\t', '\n', '\r', '\u{4}', '\u{1d}', '\u{1e}'];
    character == char::REPLACEMENT_CHARACTER
        || (character.is_control() && !separators.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_a_text_if_they_are_utf8_or_the_guess_looks_like_one() {
        use Encoding::{Named, Unnamed};
        let text = |text: &str| Content::Text(SymbolText::new(text).unwrap());
        let cases = [
            ("ascii", &b"JKM1:A"[..], Unnamed, "JKM1:A", text("JKM1:A")),
            ("utf-8, guessed wrong", "健康".as_bytes(), Unnamed, "?", text("健康")),
            ("utf-8, named otherwise", "é".as_bytes(), Named, "Ã©", text("Ã©")),
            ("shift jis", b"\x8c\x92", Unnamed, "健", text("健")),
            ("control characters", b"\x8c\x01", Unnamed, "\u{8c}\u{1}", Content::Bytes),
            ("not to be told", b"\xff", Unnamed, "\u{fffd}", Content::Bytes),
            (
                "data fields",
                b"06\x1dP\xe9\x1e",
                Unnamed,
                "06\u{1d}Pé\u{1e}",
                text("06\u{1d}Pé\u{1e}"),
            ),
        ];
        for (name, bytes, encoding, guess, expected) in cases {
            assert_eq!(Content::of(bytes, encoding, guess.to_owned()), expected, "{name}");
        }
    }
}
