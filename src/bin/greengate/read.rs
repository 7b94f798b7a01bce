//! `greengate read`: the texts in pictures, and nothing else.

use std::{io::Write, path::PathBuf, time::Instant};

use clap::Args;
use greengate::{
    clock,
    device::pictures,
    symbol::{self, Effort, SymbolText},
};
use serde::Serialize;

use crate::{Failure, judging::write_json};

/// Print the text of every symbol in some pictures.
///
/// Exit status: 0 if every picture could be opened, 1 if not. A picture without a symbol is
/// answered with no texts.
#[derive(Args, Debug)]
pub(crate) struct Read {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,

    /// Pictures, PNG or JPEG, or folders of them.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
}

/// What was read in one picture.
#[derive(Serialize)]
struct Answer<'reading> {
    input: String,
    texts: Vec<&'reading str>,
    seen: usize,
    latency_us: u128,
}

impl Read {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<u8, Failure> {
        let mut failed = None;
        for image in &self.images {
            for path in pictures::list(image).map_err(Failure::input)? {
                let frame = match pictures::read(&path, clock::now()) {
                    Ok(frame) => frame,
                    Err(error) => {
                        failed = Some(Failure::input(error));
                        continue;
                    }
                };
                let started = Instant::now();
                let reading = symbol::read(&frame, Effort::Thorough);
                let latency_us = started.elapsed().as_micros();
                let texts = reading.texts.iter().map(SymbolText::as_str).collect();
                let input = path.display().to_string();
                if self.json {
                    write_json(out, &Answer { input, texts, seen: reading.seen, latency_us })?;
                } else {
                    for text in texts {
                        writeln!(out, "{input}: {}", text.escape_debug())?;
                    }
                    if reading.texts.is_empty() {
                        writeln!(out, "{input}: nothing read, {} seen", reading.seen)?;
                    }
                }
            }
        }
        failed.map_or(Ok(0), Err)
    }
}
