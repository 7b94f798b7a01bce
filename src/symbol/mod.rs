//! Symbols: the texts of the QR symbols in a frame.
//!
//! A symbol (ISO/IEC 18004) is looked for in smaller copies of the frame, in which dark is told from
//! light by what is around each pixel. Three readers look, each for what the others miss:
//!
//! - ours puts together every three finder patterns that may be the corners of one symbol, fits a
//!   grid of modules to them, and bends it as paper bends;
//! - [rxing] follows the edges of finder patterns: symbols of many small modules, and of before 2000
//!   (model 1);
//! - [rqrr] floods finder patterns: broken ones, and symbols seen very much from the side.
//!
//! What they find is corrected and decoded by rxing. So several symbols in one frame are read, turned,
//! tilted, mirrored, crumpled, in shade, and light ones on dark. [`read`] is for one picture, and
//! [`Reader`] for the frames of a lane: it looks cheaply at each, and closer at where something was
//! seen.
//!
//! No frame panics, and none takes long: each step is paid for from a budget of work, not of time,
//! so that the same frames give the same readings. The panics of others are caught.
//!
//! A text is what the symbol says and nothing more. Whether it is a credential is not decided here
//! but in [`credential`](crate::credential). Bytes that are no text are not read: such a symbol, like
//! one too blurred or damaged, is seen, and a [`Hint`] says why as far as the picture shows it. Micro
//! QR and rMQR are not seen, and structured append is not put together.
//!
//! [rqrr]: https://docs.rs/rqrr
//! [rxing]: https://docs.rs/rxing

use std::fmt;

use thiserror::Error;

pub use self::hint::Hint;
pub use self::reader::Reader;
use crate::frame::Frame;

mod bend;
mod budget;
mod content;
mod finder;
mod grid;
mod guard;
mod hint;
mod modules;
mod outline;
mod overflow;
mod perspective;
mod plane;
mod reader;
mod rqrr;
mod rxing;
mod scene;
mod search;
mod timing;

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
    /// Why one of those may not have been read, as far as the picture shows it.
    pub hint: Option<Hint>,
}

impl Reading {
    /// One symbol, and its text.
    #[must_use]
    pub fn of(text: SymbolText) -> Self {
        Self { texts: vec![text], seen: 1, hint: None }
    }
}

/// How much work a frame is worth.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Effort {
    /// As much as the first of many frames is worth to a [`Reader`]: 33 milliseconds at the most.
    #[default]
    Live,
    /// Every attempt there is: this picture is all there will be. Half a second at the most.
    Thorough,
}

/// Reads the symbols in `frame`.
///
/// A symbol counts as seen if three finder patterns of about one size stand at right angles with
/// equal legs, as they may look from the side, and their modules show under the grid fitted to
/// them. A finder pattern alone counts for nothing: logos and letters look like one.
#[must_use]
pub fn read(frame: &Frame, effort: Effort) -> Reading {
    reader::read(frame, effort)
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
        let reading = Reading::of(text);
        assert_eq!(
            format!("{reading:?}"),
            "Reading { texts: [SymbolText(11 bytes)], seen: 1, hint: None }"
        );
    }
}
