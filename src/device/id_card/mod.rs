//! Readers of identity cards: SDT-SAM modules on a serial port.
//!
//! The card lies on the reader, and the desk is told its number, its holder's name, and how long it
//! is valid. Nothing else that is on it is looked at or kept: [`protocol`] drops the picture while
//! it passes by, [`card`] takes three fields of the text, and all of it is wiped. [`reader`] knows
//! what to ask and when, [`port`] asks it, the desk gets a [`notice`], and [`emulator`] is a reader for
//! demonstrations and tests.
//!
//! A reader that types the number as a keyboard would needs none of this.

pub mod card;
pub mod emulator;
pub mod notice;
pub mod port;
pub mod protocol;
pub mod reader;
