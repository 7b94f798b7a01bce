//! Text that others wrote, made legible: no character is hidden, missing, or out of its place.

use std::fmt::Write;

/// A text that shows every one of its characters: those that the screen's font has, as they are;
/// any other as its code point.
#[must_use]
pub fn legible(text: &str) -> String {
    written(text, is_shown)
}

/// The same for a text that is shown in bold, which is cut to ASCII and the screens' own words.
#[must_use]
pub fn legible_in_bold(text: &str) -> String {
    written(text, |character| matches!(character, ' '..='~'))
}

fn written(text: &str, is_shown: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_shown(character) {
            shown.push(character);
        } else {
            // Writing to a `String` cannot fail.
            write!(shown, "[U+{:04X}]", u32::from(character)).ok();
        }
    }
    shown
}

/// Whether the screen's font has a glyph for `character`, and it stands in its own place.
///
/// The ranges lie within those that the fonts in `assets/fonts` were cut to; tests/fonts.rs holds
/// them to it.
fn is_shown(character: char) -> bool {
    matches!(
        character,
        ' '..='~'
            | '\u{A1}'..='\u{AC}'
            | '\u{AE}'..='\u{103}'
            | '\u{2010}'..='\u{2016}'
            | '\u{2018}'..='\u{201A}'
            | '\u{201C}'..='\u{201E}'
            | '\u{2020}'..='\u{2022}'
            | '\u{2025}'..='\u{2027}'
            | '\u{3001}'..='\u{301F}'
            | '\u{3400}'..='\u{4DB5}'
            | '\u{4E00}'..='\u{9FEF}'
            | '\u{F900}'..='\u{FA6D}'
            | '\u{FF01}'..='\u{FF5E}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_every_character_or_its_code_point() {
        let cases = [
            ("plain", "张**", "张**"),
            ("extension A", "㐆*", "㐆*"),
            ("middle dot", "古丽·*", "古丽·*"),
            ("Latin", "M*** O'B****", "M*** O'B****"),
            ("beyond the font", "𠮷*", "[U+20BB7]*"),
            ("bidi override", "A\u{202E}B", "A[U+202E]B"),
            ("NUL", "A\0B", "A[U+0000]B"),
            ("terminal escape", "\u{1B}[2J", "[U+001B][2J"),
            ("zero width", "张\u{200B}*", "张[U+200B]*"),
            ("soft hyphen", "a\u{AD}b", "a[U+00AD]b"),
        ];
        for (name, text, shown) in cases {
            assert_eq!(legible(text), shown, "{name}");
        }
    }
}
