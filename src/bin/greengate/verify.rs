//! `greengate verify`: judge texts and pictures.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use greengate::{
    audit::AuditRecord,
    clock::{self, Floor, Timestamp},
    decision::{Basis, History, Verdict, explain},
    place::Place,
    store::Store,
    sync,
    trust::Trust,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Failure,
    judging::{Answer, Input, write_json},
    open_store,
};

/// The longest line of a batch. The longest text that any symbol holds has 7,089 characters; what is
/// longer is answered too, as no health code, up to here.
const MAX_LINE: u64 = 1 << 20;

/// Judge the text of a symbol, or pictures of symbols.
///
/// Exit status: 0 pass, 10 deny, 11 refer, 12 check ID, 13 retry, of the worst input in the order
/// deny, refer, retry, check ID, pass; 0 for a batch that was answered. Anything else means there
/// was no judgement: 1 an input cannot be read, 2 wrong usage, 70 the terminal's state cannot be
/// used, 74 the answer could not be written.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Judge by the lists in this folder instead of the terminal's own, and keep no record.
    #[arg(long, value_name = "DIR")]
    trust: Option<PathBuf>,

    /// Judge as of this instant instead of now, and keep no record; for example
    /// 2021-11-20T08:00:00+08:00.
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,

    /// Judge as at this kind of place instead of the terminal's own. With --trust and without
    /// this: `rail_checkpoint`.
    #[arg(long)]
    place: Option<Place>,

    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,

    /// Also say what each check saw and what came of it, by which rules and lists.
    #[arg(long, conflicts_with = "batch")]
    explain: bool,

    /// Judge the lines of FILE (- for standard input), each by itself: JSON objects with "id", and
    /// "text" or "image"; "at" and "place" as above. Answers in the same order, keeps no record.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "images"])]
    batch: Option<PathBuf>,

    /// The text as it stood in the symbol.
    #[arg(long, conflicts_with = "images", required_unless_present_any = ["batch", "images"])]
    text: Option<String>,

    /// Pictures, PNG or JPEG.
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

impl Verify {
    pub(crate) fn run(
        &self,
        state: impl FnOnce() -> Result<PathBuf, Failure>,
        out: &mut impl Write,
    ) -> Result<u8, Failure> {
        let (mut basis, mut store) = if let Some(folder) = &self.trust {
            let trust = sync::read_trust(folder).map_err(Failure::state)?;
            let revocations = sync::read_revocations(folder).map_err(Failure::state)?;
            let basis = Basis::of(trust, Some(Place::RailCheckpoint));
            (Basis { revocations, ..basis }, None)
        } else {
            let store = open_store(&state()?)?;
            (store.load_basis().map_err(Failure::state)?, Some(store))
        };
        basis.place = self.place.or(basis.place);
        if let Some(batch) = &self.batch {
            return self.run_batch(batch, basis, out);
        }
        // What would be decided at another time or place is a question, not an event.
        if self.at.is_some() || self.place.is_some() {
            store = None;
            // Nor is the terminal's own clock in question, only the lists' dates.
            let published = basis.trust.iter().map(Trust::published);
            basis.floor = published.fold(Floor::LOWEST, Floor::raised_to);
        }
        self.run_inputs(&basis, store.as_mut(), out)
    }

    fn run_inputs(
        &self,
        basis: &Basis,
        mut store: Option<&mut Store>,
        out: &mut impl Write,
    ) -> Result<u8, Failure> {
        let text = self.text.iter().cloned().map(Input::Text);
        let images = self.images.iter().cloned().map(Input::Image);
        let mut worst = Verdict::Pass;
        let mut failed = None;
        for input in text.chain(images) {
            let now = self.at.unwrap_or_else(clock::now);
            let history = history(store.as_deref(), basis, now)?;
            let (decision, reading, mut answer) = match input.judge(basis, &history, now) {
                Ok(judged) => judged,
                Err(error) => {
                    if self.json {
                        write_json(out, &Unanswered::new(None, Some(input.name()), &error))?;
                    }
                    failed = Some(Failure::input(error));
                    continue;
                }
            };
            if let Some(store) = &mut store {
                let record = AuditRecord::of(&decision, &reading, basis, store.digest_key(), now);
                store.record(&record).map_err(Failure::state)?;
            }
            if self.explain {
                answer.explanation = Some(explain(&decision, basis, &history, now).into());
            }
            if self.json {
                write_json(out, &answer)?;
            } else {
                answer.write(out, decision.reason())?;
            }
            worst = worst_of(worst, decision.verdict());
        }
        failed.map_or(Ok(status(worst)), Err)
    }

    fn run_batch(&self, file: &Path, basis: Basis, out: &mut impl Write) -> Result<u8, Failure> {
        let unreadable =
            |error: io::Error| Failure::input(format!("cannot read {}: {error}", file.display()));
        let mut lines: Box<dyn BufRead> = if file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(file).map_err(unreadable)?))
        };
        let own_place = basis.place;
        let mut basis = basis;
        while let Some(line) = next_line(&mut lines).map_err(unreadable)? {
            let (id, line) = match line.and_then(|line| BatchLine::parse(&line)) {
                Ok(parsed) => parsed,
                Err((id, error)) => {
                    write_json(out, &Unanswered::new(id, None, &error))?;
                    continue;
                }
            };
            basis.place = line.place.or(own_place);
            let now = line.at.or(self.at).unwrap_or_else(clock::now);
            match line.input.judge(&basis, &History::empty(), now) {
                Ok((_, _, answer)) => write_json(out, &BatchAnswer { id, answer })?,
                Err(error) => {
                    write_json(out, &Unanswered::new(id, Some(line.input.name()), &error))?;
                }
            }
        }
        Ok(0)
    }
}

/// The codes that were let pass a short while ago, as far as a store keeps them.
fn history(store: Option<&Store>, basis: &Basis, now: Timestamp) -> Result<History, Failure> {
    let policy = basis.trust.as_ref().and_then(|trust| trust.policy.as_ref());
    match store.zip(policy) {
        Some((store, policy)) => {
            store.history(now - policy.repeat_window()).map_err(Failure::state)
        }
        None => Ok(History::empty()),
    }
}

/// One line of a batch.
struct BatchLine {
    input: Input,
    at: Option<Timestamp>,
    place: Option<Place>,
}

impl BatchLine {
    /// Reads a line; an error comes with the line's "id" if that can be told.
    fn parse(line: &[u8]) -> Result<(Option<Value>, Self), (Option<Value>, String)> {
        /// Members that are not named here are passed over: a test set says more than is asked.
        #[derive(Deserialize)]
        struct Members {
            text: Option<String>,
            image: Option<PathBuf>,
            at: Option<String>,
            place: Option<String>,
        }

        let mut value: Value =
            serde_json::from_slice(line).map_err(|error| (None, error.to_string()))?;
        let id = value.get_mut("id").map(Value::take);
        let parsed = (|| {
            let Members { text, image, at, place } =
                serde_json::from_value(value).map_err(|error| error.to_string())?;
            let input = match (text, image) {
                (Some(text), None) => Input::Text(text),
                (None, Some(image)) => Input::Image(image),
                (None, None) => return Err("neither \"text\" nor \"image\"".to_owned()),
                (Some(_), Some(_)) => return Err("both \"text\" and \"image\"".to_owned()),
            };
            let at = at.map(|at| at.parse::<Timestamp>()).transpose();
            let at = at.map_err(|error| format!("\"at\": {error}"))?;
            let place = place.map(|place| place.parse::<Place>()).transpose();
            let place = place.map_err(|error| format!("\"place\": {error}"))?;
            Ok(Self { input, at, place })
        })();
        match parsed {
            Ok(line) => Ok((id, line)),
            Err(error) => Err((id, error)),
        }
    }
}

/// The answer to one line of a batch.
#[derive(Serialize)]
struct BatchAnswer {
    id: Option<Value>,
    #[serde(flatten)]
    answer: Answer,
}

/// What stands in the place of an answer where there can be none.
#[derive(Serialize)]
struct Unanswered {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    error: String,
}

impl Unanswered {
    fn new(id: Option<Value>, input: Option<String>, error: &impl ToString) -> Self {
        Self { id, input, error: error.to_string() }
    }
}

/// The next line that is not blank, without its end; an error in its place if it is too long.
#[expect(clippy::type_complexity, reason = "the error is the one that a line's parser gives")]
fn next_line(
    lines: &mut dyn BufRead,
) -> io::Result<Option<Result<Vec<u8>, (Option<Value>, String)>>> {
    loop {
        let mut line = Vec::new();
        if lines.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if u64::try_from(line.len()) == Ok(MAX_LINE) && !line.ends_with(b"\n") {
            lines.skip_until(b'\n')?;
            return Ok(Some(Err((None, format!("a line of more than {MAX_LINE} bytes")))));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(Ok(line)));
        }
    }
}

/// The worse of two verdicts.
fn worst_of(one: Verdict, other: Verdict) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Deny => 4,
        Verdict::Refer => 3,
        Verdict::Retry => 2,
        Verdict::CheckId => 1,
        Verdict::Pass => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// The exit status of a verdict.
fn status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Deny => 10,
        Verdict::Refer => 11,
        Verdict::CheckId => 12,
        Verdict::Retry => 13,
    }
}
