//! What the commands share that judge: inputs, and answers as they are printed.

use std::{collections::BTreeMap, io, path::PathBuf, time::Instant};

use greengate::{
    clock::Timestamp,
    credential::{PREFIX, VerifiedCredential},
    decision::{
        Basis, Check, Decision, Detail, Explanation, History, Outcome, Reason, judge_reading,
    },
    device::pictures::{self, PictureError},
    symbol::{self, Effort, MAX_LEN, Reading, SymbolText},
};
use serde::Serialize;

/// What is to be judged.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A picture's file.
    Image(PathBuf),
    /// A symbol's text, as a scanner would give it.
    Text(String),
}

/// One answer, as it is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// The picture's file; a text is not repeated, since it may name a person.
    pub(crate) input: String,
    /// The verdict's name.
    pub(crate) verdict: &'static str,
    /// The reason's code.
    pub(crate) reason: Option<&'static str>,
    /// The issuer's number, if one that is trusted has signed.
    pub(crate) issuer: Option<u16>,
    /// Phone or paper, likewise.
    pub(crate) kind: Option<&'static str>,
    /// Microseconds from the input in memory to the decision.
    pub(crate) latency_us: u128,
    /// The rule that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<NamedRule>,
    /// What each check saw, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explanation: Option<Explained>,
}

/// A rule's name and version.
#[derive(Debug, Serialize)]
pub(crate) struct NamedRule {
    id: String,
    version: u64,
}

impl NamedRule {
    fn new(id: &str, version: u64) -> Self {
        Self { id: id.to_owned(), version }
    }
}

/// An explanation, as it is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    checks: Vec<ExplainedCheck>,
    trust: Vec<ExplainedList>,
}

#[derive(Debug, Serialize)]
struct ExplainedCheck {
    check: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<NamedRule>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    saw: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct ExplainedList {
    file: &'static str,
    version: u64,
    issued: Timestamp,
}

impl From<Explanation> for Explained {
    fn from(Explanation { checks, trust }: Explanation) -> Self {
        let checks = checks.into_iter().map(|Check { kind, rule, outcome, saw }| ExplainedCheck {
            check: kind.code(),
            rule: rule.map(|(id, version)| NamedRule { id, version }),
            outcome: outcome.code(),
            reason: match outcome {
                Outcome::Failed(reason) => Some(reason.code()),
                Outcome::Good | Outcome::NotConcerned | Outcome::NotReached => None,
            },
            saw: saw.into_iter().collect(),
        });
        let trust = trust.into_iter().map(|(kind, version, issued)| ExplainedList {
            file: kind.file_name(),
            version,
            issued,
        });
        Self { checks: checks.collect(), trust: trust.collect() }
    }
}

impl Explained {
    /// Writes it below its answer, a line for each check and each list.
    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        for ExplainedCheck { check, rule, outcome, reason, saw } in &self.checks {
            write!(out, "  {outcome:13} {check}")?;
            if let Some(NamedRule { id, version }) = rule {
                write!(out, " {id} version {version}")?;
            }
            if let Some(reason) = reason {
                write!(out, " [{reason}]")?;
            }
            let saw = saw.iter().map(|(name, value)| format!("{name} = {value}"));
            let saw = saw.collect::<Vec<_>>().join(", ");
            writeln!(out, "{}{saw}", if saw.is_empty() { "" } else { ": " })?;
        }
        for ExplainedList { file, version, issued } in &self.trust {
            writeln!(out, "  by {file} version {version} of {issued}")?;
        }
        Ok(())
    }
}

impl Input {
    /// The input's name in an answer.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Image(path) => path.display().to_string(),
            Self::Text(_) => "text".to_owned(),
        }
    }

    /// Judges the input as of `now`, and says what was seen and how long it took.
    ///
    /// A picture without any symbol is one to show again: whoever names a picture means that there
    /// is a code in it.
    pub(crate) fn judge(
        &self,
        basis: &Basis,
        history: &History,
        now: Timestamp,
    ) -> Result<(Decision, Reading, Answer), PictureError> {
        let (reading, started) = match self {
            Self::Image(path) => {
                let frame = pictures::read(path, now)?;
                let started = Instant::now();
                (symbol::read(&frame, Effort::Thorough), started)
            }
            Self::Text(text) => {
                let started = Instant::now();
                (Reading::of(symbol_text(text)), started)
            }
        };
        let decision = judge_reading(&reading, basis, history, now);
        let decision = decision.unwrap_or(Decision::Retry(Reason::Unreadable));
        let latency_us = started.elapsed().as_micros();
        let claims = decision.credential().map(VerifiedCredential::claims);
        let answer = Answer {
            input: self.name(),
            verdict: decision.verdict().code(),
            reason: decision.reason().map(Reason::code),
            issuer: claims.map(|claims| claims.issuer.number()),
            kind: claims.map(|claims| claims.kind.code()),
            latency_us,
            rule: match decision.detail() {
                Some(Detail::Rule { id, version, .. }) => Some(NamedRule::new(id, *version)),
                _ => None,
            },
            explanation: None,
        };
        Ok((decision, reading, answer))
    }
}

impl Answer {
    /// Writes the answer on one line.
    pub(crate) fn write(&self, out: &mut impl io::Write, reason: Option<Reason>) -> io::Result<()> {
        write!(out, "{}: {}", self.input, self.verdict)?;
        match reason {
            Some(reason) => writeln!(out, ": {reason} [{}]", reason.code())?,
            None => writeln!(out)?,
        }
        self.explanation.iter().try_for_each(|explanation| explanation.write(out))
    }
}

/// Writes a value as one line of JSON.
pub(crate) fn write_json(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// A text as it could stand in a symbol. What no symbol holds is cut, and is then too long for a
/// health code all the same.
pub(crate) fn symbol_text(text: &str) -> SymbolText {
    let text = SymbolText::new(text).or_else(|_| {
        let cut = (0..=MAX_LEN).rev().find(|length| text.is_char_boundary(*length)).unwrap_or(0);
        SymbolText::new(&text[..cut])
    });
    text.or_else(|_| SymbolText::new(PREFIX)).expect("the prefix fits a symbol")
}
