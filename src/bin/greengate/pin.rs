//! PINs from standard input: never from an argument, which everybody sees in a list of what runs.

use std::io::{self, BufRead, IsTerminal, Write};

use greengate::{
    audit::StaffNumber,
    clock::Timestamp,
    shift::{Known, Pin},
    store::Store,
};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::Failure;

/// The longest line that is read.
const MAX_LINE: usize = 64;

/// Who the operator `number` is, once the PIN is right.
pub(crate) fn known(
    store: &mut Store,
    number: &StaffNumber,
    now: Timestamp,
) -> Result<Known, Failure> {
    let line = ask(&format!("PIN of {number}"))?;
    let pin = Pin::entered(&line).map_err(Failure::input)?;
    store.sign_in(number, &pin, now).map_err(Failure::input)
}

/// A new PIN for `number`; who enters it at a terminal enters it twice.
pub(crate) fn chosen(number: &StaffNumber) -> Result<Pin, Failure> {
    let line = ask(&format!("new PIN of {number}"))?;
    let pin = Pin::chosen(&line, number).map_err(Failure::input)?;
    if io::stdin().is_terminal() && *ask("the same again")? != *line {
        return Err(Failure::input("the two are not the same"));
    }
    Ok(pin)
}

/// A line of standard input, which a terminal does not show.
fn ask(what: &str) -> Result<Zeroizing<String>, Failure> {
    let stdin = io::stdin();
    let shown = stdin.is_terminal().then(|| tcgetattr(&stdin)).transpose();
    let shown = shown.map_err(|error| Failure::input(format!("cannot hide a PIN: {error}")))?;
    if let Some(shown) = &shown {
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)
            .map_err(|error| Failure::input(format!("cannot hide a PIN: {error}")))?;
        write!(io::stderr(), "{what}: ").ok();
    }
    let mut line = Zeroizing::new(String::with_capacity(MAX_LINE));
    let read = stdin.lock().read_line(&mut line);
    if let Some(shown) = &shown {
        tcsetattr(&stdin, OptionalActions::Flush, shown).ok();
        writeln!(io::stderr()).ok();
    }
    match read {
        Ok(1..) if line.len() <= MAX_LINE => Ok(Zeroizing::new(line.trim().to_owned())),
        Ok(_) => Err(Failure::input(format!("standard input has no {what}"))),
        Err(_) => Err(Failure::input("cannot read standard input")),
    }
}
