//! `greengate shift`: what a shift added up to.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use ed25519_dalek::VerifyingKey;
use greengate::{
    audit::StaffNumber,
    clock::{self, Timestamp, in_shanghai},
    shift::{Counted, OperatorCount, Overridden, ShiftReport, SignedReport, Span},
    store::Store,
};

use crate::{Failure, audit::public_key, open_store, registration::write_synced};

/// The most bytes of a report's file that are read.
const MAX_BYTES: u64 = (8 << 20) + 1;

/// Say what a shift added up to.
#[derive(Args, Debug)]
pub(crate) struct Shift {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print totals, a chart by hour, and what each operator did.
    Report {
        #[command(flatten)]
        span: Asked,

        /// As JSON, unsigned.
        #[arg(long)]
        json: bool,
    },
    /// Write the report as a table, as signed JSON, and as a chart, and record that.
    Export {
        /// The folder to write into, such as a stick's.
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        #[command(flatten)]
        span: Asked,
    },
    /// Check that a report is as a terminal has signed it, and print it.
    ///
    /// Exit status: 0 it is, 1 it is not.
    Verify {
        /// The report's JSON.
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// The key that must have signed it, as `audit key` prints it.
        #[arg(long, value_name = "BASE64", value_parser = public_key)]
        key: VerifyingKey,
    },
}

/// Of which records.
#[derive(Args, Debug)]
struct Asked {
    /// Of one operator; of all, if absent.
    #[arg(long, value_name = "NUMBER")]
    staff: Option<StaffNumber>,

    /// From when on, for example 2021-11-20T08:00:00+08:00; since the operator, or whoever was last,
    /// came on duty, if absent.
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,

    /// Up to when, exclusive; up to now, if absent.
    #[arg(long, value_name = "INSTANT")]
    to: Option<Timestamp>,
}

impl Shift {
    pub(crate) fn run(
        &self,
        state: impl FnOnce() -> Result<PathBuf, Failure>,
        out: &mut impl Write,
    ) -> Result<u8, Failure> {
        let now = clock::now();
        match &self.command {
            Command::Report { span, json } => {
                let store = open_store(&state()?)?;
                let report = store.shift_report(span.span(&store, now)?)?;
                if *json {
                    crate::judging::write_json(out, &report)?;
                } else {
                    print(&report, out)?;
                }
            }
            Command::Export { folder, span } => {
                let mut store = open_store(&state()?)?;
                let report = store.shift_report(span.span(&store, now)?)?;
                let signed = store.close_shift(report, span.staff.as_ref(), now)?;
                for path in write(&signed, folder)? {
                    writeln!(out, "{}", path.display())?;
                }
            }
            Command::Verify { file, key } => {
                let mut json = Vec::new();
                File::open(file)
                    .and_then(|opened| opened.take(MAX_BYTES).read_to_end(&mut json))
                    .map_err(|error| {
                    Failure::input(format!("cannot read {}: {error}", file.display()))
                })?;
                let report = SignedReport::open(&json, key)
                    .map_err(|error| Failure::input(format!("{}: {error}", file.display())))?;
                print(&report, out)?;
            }
        }
        Ok(0)
    }
}

impl Asked {
    fn span(&self, store: &Store, now: Timestamp) -> Result<Span, Failure> {
        let Self { staff, from, to } = self;
        let from = match from {
            Some(from) => *from,
            None => store.last_sign_in(staff.as_ref())?.unwrap_or(now - TimeDelta::days(1)),
        };
        // What was recorded in this second counts.
        let to = to.unwrap_or(now + TimeDelta::seconds(1));
        Ok(Span { staff: staff.clone(), from, to })
    }
}

/// Writes a report in its three forms, and names the files.
pub(crate) fn write(signed: &SignedReport, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let report = signed.report();
    let to = in_shanghai(report.to).format("%Y%m%dT%H%M%S");
    let staff = report.staff.as_ref().map(|staff| format!("-{staff}")).unwrap_or_default();
    let name = format!("shift-{to}{staff}");
    fs::create_dir_all(folder)
        .map_err(|error| Failure::input(format!("cannot make {}: {error}", folder.display())))?;
    let files = [("csv", report.csv()), ("json", signed.json()), ("svg", report.svg())];
    files
        .into_iter()
        .map(|(form, text)| write_synced(&folder.join(format!("{name}.{form}")), text.as_bytes()))
        .collect()
}

fn print(report: &ShiftReport, out: &mut impl Write) -> Result<(), Failure> {
    let ShiftReport { origin, terminal, gate, staff, from, to, .. } = report;
    let terminal = terminal.as_deref().unwrap_or(origin);
    let gate = gate.as_deref().unwrap_or("-");
    let staff = staff.as_ref().map_or("all", StaffNumber::as_str);
    let local = |instant| in_shanghai(instant).format("%Y-%m-%d %H:%M:%S");
    writeln!(out, "terminal {terminal}, gate {gate}, staff {staff}")?;
    writeln!(out, "{} to {}", local(*from), local(*to))?;
    let ShiftReport { verdicts, reasons, kinds, issuers, .. } = report;
    for (of, counts) in
        [("verdict", verdicts), ("reason", reasons), ("kind", kinds), ("issuer", issuers)]
    {
        for Counted { of: what, count } in counts {
            writeln!(out, "{of}\t{what}\t{count}")?;
        }
    }
    write!(out, "{}", report.text_chart())?;
    for operator in &report.operators {
        let OperatorCount { staff, look_ups, not_found, id_checks, no_match, .. } = operator;
        let OperatorCount { registered, wrong_pins, overrides, .. } = operator;
        writeln!(
            out,
            "{staff}: {look_ups} look-ups, {not_found} not found; {id_checks} documents compared, \
             {no_match} not matching; {registered} registered; {wrong_pins} wrong PINs; {} overrides",
            overrides.len()
        )?;
        for Overridden { at, from, was, reason, second } in overrides {
            let was = was.as_deref().unwrap_or("-");
            let second = second.as_ref().map_or("-", StaffNumber::as_str);
            writeln!(out, "\t{} {from} {was} {reason}, second {second}", local(*at))?;
        }
    }
    Ok(())
}
