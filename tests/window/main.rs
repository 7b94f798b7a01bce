//! The real program and its real window, on a display that nobody sees. Without Xvfb, and for the desk
//! without xdotool, the tests say "skipped".

#![allow(
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod desk;
mod display;
mod restart;
