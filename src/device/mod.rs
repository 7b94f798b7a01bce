//! What is plugged into a terminal, one file each.

pub mod pictures;
