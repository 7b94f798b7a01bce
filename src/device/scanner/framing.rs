//! What a scanner sends, as the texts of symbols.
//!
//! A text ends with CR or LF, or stands between STX and ETX. A [`Framing`] takes bytes in whatever
//! pieces they come, and keeps no more of them than the longest text has: what is longer is dropped
//! up to its end. It does no input or output and knows no time; whoever does says when a line has
//! fallen silent.
//!
//! Two things that scanners may add are no part of a text: the symbology identifier in front (ISO/IEC
//! 15424: `]Q1`), and the escapes that name an encoding (AIM ECI: `\000026`). Nor are control
//! characters in front, which are noise. All the rest is left as it is, for a text to be judged as it
//! would be from a camera; bytes that are not UTF-8 are marked as unreadable, which no credential is.

use std::fmt;

use zeroize::Zeroizing;

use super::keys::SUB;
use crate::symbol::{MAX_LEN, SymbolText};

/// Starts a text that ends with [`ETX`].
const STX: u8 = 0x02;

/// Ends a text, whatever started it.
const ETX: u8 = 0x03;

/// How many bytes of a text are kept: the longest, with a symbology identifier and one escape.
const KEPT: usize = MAX_LEN + 3 + 7;

/// What it means that a line has fallen silent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Silence {
    /// The text is whole. Many a scanner on a serial port sends nothing behind it.
    Ends,
    /// The text was never finished, and is dropped. A scanner that types ends with Enter; a person
    /// who types is slower than that. If keys are known to be lost, Enter may be among them: such a
    /// text is told, so that it can be shown again.
    Voids,
}

/// What has come in of a text.
pub struct Framing {
    silence: Silence,
    within: Within,
    /// Nothing if the text is dropped.
    kept: Option<Zeroizing<Vec<u8>>>,
}

/// What ends a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Within {
    /// CR, LF, or ETX.
    Line,
    /// ETX.
    Frame,
}

impl Framing {
    /// A line on which nothing has come yet.
    #[must_use]
    pub fn new(silence: Silence) -> Self {
        Self { silence, within: Within::Line, kept: Some(Zeroizing::default()) }
    }

    /// Takes bytes off `bytes` up to the end of a text, and gives it; nothing if all are taken and no
    /// text has ended.
    #[must_use]
    pub fn take(&mut self, bytes: &mut &[u8]) -> Option<SymbolText> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if let Some(text) = self.push(byte) {
                return Some(text);
            }
        }
        None
    }

    /// Nothing has come for a while.
    #[must_use]
    pub fn fall_silent(&mut self) -> Option<SymbolText> {
        let is_told = match (self.within, self.silence) {
            (Within::Frame, _) => false,
            (Within::Line, Silence::Ends) => true,
            (Within::Line, Silence::Voids) => {
                self.kept.as_ref().is_some_and(|kept| kept.contains(&SUB))
            }
        };
        self.begin(Within::Line).filter(|_| is_told).and_then(|kept| text(&kept))
    }

    fn push(&mut self, byte: u8) -> Option<SymbolText> {
        match (byte, self.within) {
            (STX, _) => {
                self.begin(Within::Frame);
                return None;
            }
            (ETX, _) | (b'\r' | b'\n', Within::Line) => {
                return self.begin(Within::Line).and_then(|kept| text(&kept));
            }
            _ => {}
        }
        let kept = self.kept.as_mut()?;
        if kept.len() == KEPT {
            self.kept = None;
        } else if !(kept.is_empty() && byte.is_ascii_control()) {
            // Never moved while it grows, which would leave a copy behind.
            let room = KEPT - kept.len();
            kept.reserve_exact(room);
            kept.push(byte);
        }
        None
    }

    /// Begins anew, and gives what there was, unless it was dropped.
    fn begin(&mut self, within: Within) -> Option<Zeroizing<Vec<u8>>> {
        self.within = within;
        self.kept.replace(Zeroizing::default())
    }
}

impl fmt::Debug for Framing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.as_ref().map(|kept| kept.len());
        write!(out, "Framing({:?}, {:?}, {kept:?} bytes)", self.silence, self.within)
    }
}

/// The text of a symbol in what a scanner has sent of it, if there is one.
fn text(bytes: &[u8]) -> Option<SymbolText> {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let sent = Zeroizing::new(String::from_utf8_lossy(bytes.get(..=end)?).into_owned());
    let text = match identified(&sent) {
        Some((Escapes::Everywhere, text)) => unescaped(text),
        Some((Escapes::InFront, text)) => without_escape(text).to_owned(),
        None => without_escape(&sent).to_owned(),
    };
    SymbolText::new(text).ok().filter(|text| !text.as_str().is_empty())
}

/// Where a text may name its encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Escapes {
    /// Anywhere, and a backslash that is none is doubled.
    Everywhere,
    /// Nowhere, by the standard. Some scanners say so in front all the same.
    InFront,
}

/// What stands behind a QR symbol's identifier, if there is one. Source: ISO/IEC 18004:2015, annex F.
fn identified(text: &str) -> Option<(Escapes, &str)> {
    let text = text.strip_prefix("]Q")?;
    match text.split_at_checked(1)? {
        ("2" | "4" | "6", text) => Some((Escapes::Everywhere, text)),
        ("0" | "1" | "3" | "5", text) => Some((Escapes::InFront, text)),
        _ => None,
    }
}

/// What stands behind an escape, if there is one.
fn without_escape(text: &str) -> &str {
    let behind = text.strip_prefix('\\').and_then(|text| text.split_at_checked(6));
    behind
        .filter(|(number, _)| number.bytes().all(|digit| digit.is_ascii_digit()))
        .map_or(text, |(_, behind)| behind)
}

/// A text without its escapes, and with its backslashes single again.
fn unescaped(mut text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    while let Some((plain, _)) = text.split_once('\\') {
        unescaped.push_str(plain);
        text = text.get(plain.len()..).unwrap_or_default();
        let behind = without_escape(text);
        if behind.len() == text.len() {
            unescaped.push('\\');
            text = text.strip_prefix("\\\\").or(text.strip_prefix('\\')).unwrap_or_default();
        } else {
            text = behind;
        }
    }
    unescaped.push_str(text);
    unescaped
}
