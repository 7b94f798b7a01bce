//! What is plugged into a terminal, one file or folder each.

pub mod id_card;
pub mod pictures;
mod pty;
pub mod scanner;
pub mod serial;
