//! Greengate decides at the gate, without a network, whether a signed health code lets its holder
//! pass.
//!
//! # The way of a code
//!
//! Data moves one way, and no stage is skipped:
//!
//! 1. [`frame`]: one picture, from a camera or a file.
//! 2. [`symbol`]: the text of each QR symbol in it.
//! 3. [`credential`]: the signed statement in a text, as presented and as verified.
//! 4. [`decision`]: what the terminal advises, of five answers, and why.
//! 5. [`audit`]: the record of it, written before anything is shown; [`presentation`]: what is
//!    shown.
//!
//! # What a decision rests on
//!
//! [`trust`] is the set of lists that an authority publishes: the [`key_ring`], mutual
//! [`recognition`], the [`risk_area`]s, and the place's [`policy`], each one [`document`] with a
//! version and a date. [`revocation`] is the set of codes that were withdrawn before they expire, and
//! [`roster`] the sealed extract in which a desk looks people up who have no phone.
//! [`sync`] fetches what a trusted root vouches for, by wire or from a stick, and [`store`] keeps it
//! beside the records.
//!
//! # Around it
//!
//! [`session`] is one lane as a state machine: what to judge, what to show, and for how long; and
//! the desk as another, [`session::desk`]. [`shift`] is who is on duty, and what they may do;
//! [`registration`] seals whom they have to write down. [`device`] is what is plugged in, or could
//! be: readers of identity cards, scanners, and picture files in a camera's place. [`id_document`]
//! is the number of an identity document, checked, and shown only as its end. [`authority`] is the
//! issuing side: keys, registers, codes, the lists, and the signed repository that terminals fetch
//! them from; [`update`] has the words that both sides of it share, and [`provisioning`] what a new
//! terminal is told. [`locked`] is memory for keys that are on no disk. [`clock`], [`issuer`],
//! [`language`], and [`place`] are the words that all of them share, and `bulk` how they do
//! what is large beside a lane.
//!
//! # What is true of the whole
//!
//! - Nothing is believed before its signature is: only a verified credential shows its claims.
//! - Time is an argument. [`clock`] alone reads it, and only a program asks it to.
//! - What judges does no input or output, but that revocations are looked up where they lie, in files
//!   that are open already and never change. [`store`] and the registers of `authority`, each in a
//!   room of its own, alone speak SQL; `revocation`, `roster`, `sync`, `device`, `authority`, and the
//!   programs alone touch files, and `sync` alone asks a network.
//! - The library knows no camera and no screen. Those are the programs', in `src/bin`, and a
//!   program names no other.
//! - No input panics, no error ends in a pass, and nothing personal is in an error or a record.

#![forbid(unsafe_code)]

pub mod audit;
pub mod authority;
mod bulk;
pub mod clock;
pub mod credential;
pub mod decision;
pub mod device;
pub mod document;
pub mod frame;
pub mod id_document;
pub mod issuer;
pub mod key_ring;
pub mod language;
pub mod locked;
pub mod place;
pub mod policy;
pub mod presentation;
pub mod provisioning;
pub mod recognition;
pub mod registration;
pub mod revocation;
pub mod risk_area;
pub mod roster;
pub mod session;
pub mod shift;
pub mod store;
pub mod symbol;
pub mod sync;
pub mod trust;
pub mod update;
