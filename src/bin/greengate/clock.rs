//! `greengate clock`: see how far the clock is believed, and confirm it.

use std::{io::Write, path::Path};

use clap::{Args, Subcommand};
use greengate::{
    audit::Event,
    clock::{self, Anchor, ClockState},
};

use crate::{Failure, open_store};

/// See how far this terminal's clock is believed, and confirm it.
#[derive(Args, Debug)]
pub(crate) struct Clock {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say that somebody has compared the clock, and it is right.
    ///
    /// A clock below what has certainly passed is not confirmed: set it first. Exit status: 0 done,
    /// 1 refused, 70 the terminal's state cannot be used.
    Confirm,
    /// Print what it reads, what has certainly passed, and how far it is believed.
    Show,
}

impl Clock {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let (now, up) = (clock::now(), clock::uptime());
        let mut store = open_store(state)?;
        let floor = store.load_basis()?.floor;
        match self.command {
            Command::Confirm if floor.is_above(now) => {
                let floor = floor.instant();
                Err(Failure::input(format!("it reads {now}, and {floor} has passed: set it first")))
            }
            Command::Confirm => {
                let up =
                    up.ok_or_else(|| Failure::state("the system does not say how long it is up"))?;
                store.set_anchor(&Anchor { at: now, up })?;
                store.note(&Event::Clock(ClockState::Good), now)?;
                Ok(0)
            }
            Command::Show => {
                let believed =
                    store.anchor()?.zip(up).map(|(anchor, up)| anchor.believes(&up, floor, now));
                let believed = believed.unwrap_or_else(|| floor.believes(now));
                let floor = floor.instant();
                writeln!(out, "{}: it reads {now}, and {floor} has passed", believed.code())?;
                Ok(0)
            }
        }
    }
}
