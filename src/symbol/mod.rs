//! Symbols: the texts of the QR symbols in a frame.
//!
//! A symbol (ISO/IEC 18004) is found here and decoded by [rqrr]. [`read`] makes smaller copies of
//! the frame and tells dark from light by the mean around each pixel; it looks for finder patterns,
//! puts together every three that may be the corners of one symbol, fits a grid of modules to them,
//! and has rqrr correct and decode what the grid shows. So several symbols in one frame are read,
//! turned, tilted, mirrored, and in shade; light ones on dark by [`Effort::Thorough`] alone.
//!
//! No frame panics, and none takes long: each step is bounded by a count, not by what the picture
//! shows. The same frame gives the same reading.
//!
//! A text is what the symbol says and nothing more. Whether it is a credential is not decided here
//! but in [`credential`](crate::credential). Bytes that are not UTF-8 are no text: such a symbol,
//! like one too blurred or damaged, is seen and not read. So are Micro QR, rMQR and the symbols of
//! before 2000 (model 1), FNC1 and structured append.
//!
//! [rqrr]: https://docs.rs/rqrr

use std::fmt;

use thiserror::Error;

use self::plane::Plane;
use crate::frame::Frame;

mod finder;
mod grid;
mod modules;
mod outline;
mod perspective;
mod plane;
mod rqrr;
mod search;

/// The longest text in bytes: digits in a symbol of version 40 at level L.
///
/// Source: ISO/IEC 18004:2015, table 7. Other modes hold less: 4 296 alphanumeric characters or
/// 2 953 bytes.
pub const MAX_LEN: usize = 7_089;

/// The text of one symbol, as it stood there.
///
/// It may name a person, so it has no `Display` and its `Debug` shows the length alone.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SymbolText(String);

impl SymbolText {
    /// A text that fits a symbol.
    ///
    /// # Errors
    ///
    /// [`TextError::TooLong`] above [`MAX_LEN`] bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > MAX_LEN {
            return Err(TextError::TooLong { bytes: text.len() });
        }
        Ok(Self(text))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SymbolText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SymbolText({} bytes)", self.0.len())
    }
}

/// What was found in one frame.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reading {
    /// The texts read, each once, in the order in which they were found.
    pub texts: Vec<SymbolText>,
    /// How many symbols were seen, read or not: 0 if there was none, more than `texts` if some
    /// could not be read.
    pub seen: usize,
}

/// How much work a frame is worth.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Effort {
    /// A few cheap attempts: the next frame comes soon.
    #[default]
    Live,
    /// Every attempt there is: this picture is all there will be.
    Thorough,
}

/// Reads the symbols in `frame`.
///
/// A symbol counts as seen if three finder patterns of about one size stand at right angles with
/// equal legs, as they may look from the side, and their modules show under the grid fitted to
/// them. A finder pattern alone counts for nothing: logos and letters look like one.
#[must_use]
pub fn read(frame: &Frame, effort: Effort) -> Reading {
    // A side has 8 192 pixels at the most, so that this cannot fail.
    let width = usize::try_from(frame.width()).unwrap_or_default();
    search::read(Plane::new(frame.luma(), width), effort)
}

/// A text cannot have come from a symbol.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TextError {
    /// It is longer than any symbol holds.
    #[error("a text of {bytes} bytes is longer than a symbol holds")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_longer_than_a_symbol_holds() {
        let cases = [
            ("empty", 0, None),
            ("longest", MAX_LEN, None),
            ("one more", MAX_LEN + 1, Some(TextError::TooLong { bytes: MAX_LEN + 1 })),
        ];
        for (name, bytes, error) in cases {
            assert_eq!(SymbolText::new("7".repeat(bytes)).err(), error, "{name}");
        }
    }

    #[test]
    fn debug_output_keeps_the_text_to_itself() {
        let text = SymbolText::new("JKM1:SECRET").unwrap();
        let reading = Reading { texts: vec![text], seen: 1 };
        assert_eq!(format!("{reading:?}"), "Reading { texts: [SymbolText(11 bytes)], seen: 1 }");
    }
}
