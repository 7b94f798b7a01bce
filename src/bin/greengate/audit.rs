//! `greengate audit`: check and hand out the record of what happened.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{ArgGroup, Args, Subcommand};
use ed25519_dalek::VerifyingKey;
use greengate::{
    audit::{Checkpoint, Entry, Link, follow},
    clock::{self, Timestamp},
    store::{Store, StoreError},
};
use serde::{Deserialize, Serialize};

use crate::{Failure, judging::write_json, open_store};

/// Check and hand out the record of what happened. Nothing personal is in it.
#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the whole chain of records, and check each signed checkpoint.
    ///
    /// Exit status: 0 whole, 1 not whole, 70 the terminal's state cannot be used.
    Verify {
        /// An exported file instead of the terminal's own records.
        #[arg(long, value_name = "FILE", requires = "key")]
        file: Option<PathBuf>,

        /// The key that must have signed the file's checkpoint, as `audit key` prints it.
        #[arg(long, value_name = "BASE64", value_parser = public_key)]
        key: Option<VerifyingKey>,
    },
    /// Print all records, and a signed checkpoint of the last.
    #[command(group(ArgGroup::new("form").required(true)))]
    Export {
        /// As lines of JSON, each with its link; the checkpoint last. This can be checked again.
        #[arg(long, group = "form")]
        json: bool,

        /// As a table for people, without links.
        #[arg(long, group = "form")]
        csv: bool,
    },
    /// Print the public key with which this terminal signs.
    Key,
    /// Go on with a state that is not what its marks say, for a reason that is kept in the log.
    Accept {
        /// Why it is so, and who has found that out.
        #[arg(long)]
        reason: String,
    },
}

/// One line of an export.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Line {
    Begin { begin: u64, link: String },
    Entry { entry: Box<Entry>, link: String },
    Checkpoint { checkpoint: String },
}

impl Audit {
    pub(crate) fn run(&self, state: &Path, out: &mut impl Write) -> Result<u8, Failure> {
        let now = clock::now();
        match &self.command {
            Command::Verify { file: Some(file), key: Some(key) } => verify_file(file, key, out),
            Command::Verify { .. } => {
                let log = open_store(state)?.verify_log().map_err(|error| match error {
                    StoreError::Chain(_) => Failure::input(error),
                    error => Failure::state(error),
                })?;
                let (first, end, checkpoints) = (log.begin + 1, log.end, log.checkpoints);
                writeln!(out, "records {first} to {end} are whole; {checkpoints} checkpoints")?;
                Ok(0)
            }
            Command::Export { json: true, .. } => export_json(&mut open_store(state)?, now, out),
            Command::Export { .. } => export_csv(&open_store(state)?, out),
            Command::Key => {
                let store = open_store(state)?;
                let key = STANDARD.encode(store.device_key().as_bytes());
                writeln!(out, "{} {key}", store.origin())?;
                Ok(0)
            }
            Command::Accept { reason } => {
                let key = crate::key_file(state);
                Store::accept(state, &key, reason, now)?;
                Ok(0)
            }
        }
    }
}

fn export_json(store: &mut Store, now: Timestamp, out: &mut impl Write) -> Result<u8, Failure> {
    let checkpoint = store.checkpoint(now)?;
    let begin = store.verify_log()?.begin;
    write_json(out, &Line::Begin { begin, link: store.link_before()?.to_string() })?;
    store.each_entry(|entry, link| {
        Ok::<_, Failure>(write_json(
            out,
            &Line::Entry { entry: Box::new(entry), link: link.to_string() },
        )?)
    })?;
    write_json(out, &Line::Checkpoint { checkpoint })?;
    Ok(0)
}

fn export_csv(store: &Store, out: &mut impl Write) -> Result<u8, Failure> {
    writeln!(out, "id,at,event,gate,verdict,reason,kind,issuer,policy_version,staff,clock,detail")?;
    store.each_entry(|entry, _| {
        let at = Timestamp::from_timestamp(entry.at, 0).unwrap_or_default();
        let at = clock::in_shanghai(at).format("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let fields = [
            Some(entry.id.to_string()),
            Some(at),
            Some(entry.event),
            entry.gate,
            entry.verdict,
            entry.reason,
            entry.kind,
            number(entry.issuer.map(u64::from)),
            number(entry.policy_version),
            entry.staff,
            Some(entry.clock),
            entry.detail,
        ];
        let fields = fields.map(|field| field.map(|field| csv(&field)).unwrap_or_default());
        Ok::<_, Failure>(writeln!(out, "{}", fields.join(","))?)
    })?;
    Ok(0)
}

/// A field of a table: quoted where it must be (RFC 4180), and never a formula for a spreadsheet.
fn csv(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

fn verify_file(path: &Path, key: &VerifyingKey, out: &mut impl Write) -> Result<u8, Failure> {
    let refused =
        |what: &dyn std::fmt::Display| Failure::input(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| refused(&error))?;
    let mut at = None;
    let mut first = 0;
    let mut checkpoint = None;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error: io::Error| refused(&error))?;
        let line = serde_json::from_str(&line).map_err(|_| refused(&"not an export"))?;
        let parsed = |link: String| link.parse::<Link>().map_err(|error| refused(&error));
        match (line, &mut at, &checkpoint) {
            (Line::Begin { begin, link: before }, None, None) => {
                first = begin + 1;
                at = Some((begin, parsed(before)?));
            }
            (Line::Entry { entry, link: kept }, Some(at), None) => {
                *at = follow(*at, [(*entry, parsed(kept)?)]).map_err(|error| refused(&error))?;
            }
            (Line::Checkpoint { checkpoint: note }, Some(_), None) => {
                let opened = Checkpoint::open(&note, key).map_err(|error| refused(&error))?;
                checkpoint = Some(opened);
            }
            _ => return Err(refused(&"not an export")),
        }
    }
    let (Some((end, link)), Some(checkpoint)) = (at, checkpoint) else {
        return Err(refused(&"the end is missing"));
    };
    if (checkpoint.size, checkpoint.link) != (end, link) {
        return Err(refused(&"the checkpoint is of other records"));
    }
    writeln!(out, "records {first} to {end} are whole, signed by {}", checkpoint.origin)?;
    Ok(0)
}

pub(crate) fn public_key(text: &str) -> Result<VerifyingKey, String> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    let key = bytes.and_then(|bytes: [u8; 32]| VerifyingKey::from_bytes(&bytes).ok());
    key.ok_or_else(|| "32 bytes in base64".to_owned())
}
