//! The characters of a number, and how they are read from what somebody typed.

use std::fmt;

use zeroize::Zeroizing;

use super::{NumberError, form::Flaw};

/// The most characters of typed text that are read: the longest number has 18, and may be parted
/// behind each of them by as much as two characters.
pub const MAX_TYPED: usize = 64;

/// The characters of a document's number: 4 to 32 ASCII letters and digits, letters as capitals.
///
/// Whether a number of some kind can be so is [`DocumentNumber`](super::DocumentNumber)'s to say;
/// this one only keeps it out of sight. It has no `Display`, its debugging form does not show it,
/// and it is wiped from memory when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct NumberText(Zeroizing<String>);

impl NumberText {
    /// The fewest characters: a code shows the last four.
    pub const MIN_CHARS: usize = 4;

    /// The most characters: room for any number that a machine-readable zone can hold.
    pub const MAX_CHARS: usize = 32;

    /// A text, if it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| {
            let mut number = Zeroizing::new(text.to_owned());
            number.make_ascii_uppercase();
            Self(number)
        })
    }

    /// The text of a number that has been found to be one.
    pub(super) fn of(number: Zeroizing<String>) -> Self {
        Self(number)
    }

    /// The whole number, for what compares or keeps it: never for a screen, a log, or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, which a code shows.
    #[must_use]
    pub fn tail(&self) -> &str {
        let start = self.0.len().saturating_sub(Self::MIN_CHARS);
        self.0.get(start..).unwrap_or_default()
    }

    /// The number as it is shown: the last four characters, and `*` for each other.
    ///
    /// No more of it: who knows the county and the last four characters is left with some 3,300
    /// numbers, and fewer with an age.
    #[must_use]
    pub fn masked(&self) -> String {
        let hidden = self.0.len().saturating_sub(Self::MIN_CHARS);
        "*".repeat(hidden) + self.tail()
    }
}

impl fmt::Debug for NumberText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("NumberText(..)")
    }
}

/// The letters and digits of a typed text, letters as capitals, up to the first flaw.
///
/// Spaces, hyphens, and what has no width are passed over; full-width characters count as the ones
/// they stand for, and a Roman ten as the X that GB 11643 writes for it.
pub(super) fn characters(text: &str) -> (Zeroizing<Vec<u8>>, Option<Flaw>) {
    let mut read = Zeroizing::new(Vec::with_capacity(MAX_TYPED));
    for (index, character) in text.chars().enumerate() {
        let position = read.len() + 1;
        if index == MAX_TYPED {
            return (read, Some(Flaw { position, error: NumberError::TooLong }));
        }
        let character = half_width(character);
        if is_passed_over(character) {
            continue;
        }
        let ascii = u8::try_from(character).ok().filter(u8::is_ascii_alphanumeric);
        let Some(ascii) = ascii else {
            return (read, Some(Flaw { position, error: NumberError::Character { position } }));
        };
        read.push(ascii.to_ascii_uppercase());
    }
    (read, None)
}

/// The ASCII character that a full-width one stands for; any other as it is.
pub(super) fn half_width(character: char) -> char {
    match character {
        // The block is in the order of ASCII.
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character)
        }
        '\u{2169}' | '\u{2179}' => 'X',
        other => other,
    }
}

/// Whether a character says nothing in a number: a space, or what has no width and comes with text
/// that is copied.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{AD}'
                | '\u{200B}'..='\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{2069}'
                | '\u{FEFF}'
        )
}

/// The same, and hyphens of all sorts, by which people part a number.
fn is_passed_over(character: char) -> bool {
    is_blank(character)
        || matches!(
            character,
            '-' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2043}'
                    | '\u{207B}'
                    | '\u{208B}'
                    | '\u{2212}'
                    | '\u{2E3A}'
                    | '\u{2E3B}'
                    | '\u{30FC}'
                    | '\u{FE31}'
                    | '\u{FE32}'
                    | '\u{FE58}'
                    | '\u{FE63}'
                    | '\u{FF70}'
        )
}
