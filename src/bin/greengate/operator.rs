//! `greengate operator`: who works with this terminal.

use std::{io::Write, path::Path};

use clap::{Args, Subcommand};
use greengate::{
    audit::StaffNumber,
    clock,
    shift::{Backoff, Operator as Entry, PinCost, PinHash, Role},
};

use crate::{Failure, open_store, pin};

/// Say who works with this terminal.
///
/// PINs come from standard input, a line each: the maintainer's, then the new one. The first operator
/// is a maintainer, and needs none.
///
/// Exit status: 0 done, 1 refused, 70 the terminal's state cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Operator {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put down an operator.
    Add {
        /// The staff number: up to 12 letters and digits.
        #[arg(value_name = "NUMBER")]
        number: StaffNumber,

        /// What the operator may do: staff, supervisor, or maintainer.
        #[arg(long)]
        role: Role,

        /// What the operator is called, for the list of operators; records have the number alone.
        #[arg(long)]
        name: Option<String>,

        /// The maintainer who does so.
        #[arg(long, value_name = "NUMBER")]
        by: Option<StaffNumber>,
    },
    /// Print the operators: number, role, mistaken PINs in a row, and name.
    List,
    /// Remove an operator.
    Remove {
        /// The staff number.
        #[arg(value_name = "NUMBER")]
        number: StaffNumber,

        /// The maintainer who does so.
        #[arg(long, value_name = "NUMBER")]
        by: StaffNumber,
    },
    /// Give an operator another PIN, and end the wait for mistaken ones.
    Reset {
        /// The staff number.
        #[arg(value_name = "NUMBER")]
        number: StaffNumber,

        /// The maintainer who does so.
        #[arg(long, value_name = "NUMBER")]
        by: StaffNumber,
    },
}

impl Operator {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let now = clock::now();
        let mut store = open_store(state)?;
        match &self.command {
            Command::Add { number, role, name, by } => {
                let by = by.as_ref().map(|by| pin::known(&mut store, by, now)).transpose()?;
                let operator = Entry {
                    number: number.clone(),
                    name: name.clone(),
                    role: *role,
                    pin: new_pin(number)?,
                    backoff: Backoff::default(),
                };
                store.add_operator(&operator, by.as_ref(), now).map_err(Failure::input)?;
            }
            Command::List => {
                for Entry { number, name, role, backoff, .. } in store.operators()? {
                    let (role, failed) = (role.code(), backoff.failed);
                    writeln!(out, "{number}\t{role}\t{failed}\t{}", name.unwrap_or_default())?;
                }
            }
            Command::Remove { number, by } => {
                let by = pin::known(&mut store, by, now)?;
                store.remove_operator(number, &by, now).map_err(Failure::input)?;
            }
            Command::Reset { number, by } => {
                let by = pin::known(&mut store, by, now)?;
                let pin = new_pin(number)?;
                store.reset_operator(number, &pin, &by, now).map_err(Failure::input)?;
            }
        }
        Ok(0)
    }
}

fn new_pin(number: &StaffNumber) -> Result<PinHash, Failure> {
    PinHash::of(&pin::chosen(number)?, PinCost::USUAL).map_err(Failure::state)
}
