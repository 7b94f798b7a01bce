//! What a shift added up to: counted, signed, and drawn.
//!
//! A report is made of the records of a [`Span`] and has nothing in it that they have not: codes,
//! counts, and staff numbers. As JSON it is signed with the terminal's key, over the shortest JSON of
//! the report behind a line of its own, so that it may be indented or taken apart and put together
//! again, and no other thing that the key signs can be taken for one.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    audit::{DeskAct, Entry, Event, Link, StaffNumber},
    clock::{Timestamp, in_shanghai},
};

mod chart;

/// The most bytes of a signed report. One of a month has some 400 kB.
const MAX_BYTES: usize = 8 << 20;

/// What is signed before the report.
const SIGNED_AS: &[u8] = b"greengate shift report 1\n";

/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// Of which records a report is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Span {
    /// Whose: those under this operator, or all.
    pub staff: Option<StaffNumber>,
    /// From when on.
    pub from: Timestamp,
    /// Up to when, exclusive.
    pub to: Timestamp,
}

/// What a shift added up to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftReport {
    /// The name of the terminal's log, by the key that signs.
    pub origin: String,
    /// What the authority calls the terminal, if it has said so.
    pub terminal: Option<String>,
    /// The gate.
    pub gate: Option<String>,
    /// Whose shift; everybody's and nobody's, if absent.
    pub staff: Option<StaffNumber>,
    /// From when on.
    pub from: Timestamp,
    /// Up to when, exclusive.
    pub to: Timestamp,
    /// Decisions by verdict.
    pub verdicts: Vec<Counted>,
    /// Decisions by the reason's code.
    pub reasons: Vec<Counted>,
    /// Decisions about verified codes by what they were shown on.
    pub kinds: Vec<Counted>,
    /// Decisions about verified codes by issuer.
    pub issuers: Vec<Counted>,
    /// Decisions by hour, verdict, and reason.
    pub hours: Vec<HourCount>,
    /// What each operator did beside.
    pub operators: Vec<OperatorCount>,
}

/// How many there were of one thing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Its code.
    pub of: String,
    /// How many.
    pub count: u64,
}

/// How many decisions there were in an hour, of a verdict and for a reason.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HourCount {
    /// When the hour began.
    pub hour: Timestamp,
    /// The verdict.
    pub verdict: String,
    /// The reason's code, if there was one.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// What an operator did beside scanning.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorCount {
    /// Who.
    pub staff: StaffNumber,
    /// Look-ups.
    pub look_ups: u64,
    /// Those of them that found nobody.
    pub not_found: u64,
    /// Documents compared with a code.
    pub id_checks: u64,
    /// Those of them that did not match.
    pub no_match: u64,
    /// People registered by hand.
    pub registered: u64,
    /// Mistaken PINs.
    pub wrong_pins: u64,
    /// Each override.
    pub overrides: Vec<Overridden>,
}

/// One override.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Overridden {
    /// When.
    pub at: Timestamp,
    /// What the terminal advised.
    pub from: String,
    /// Its reason's code.
    pub was: Option<String>,
    /// Why the person passed all the same.
    pub reason: String,
    /// The second person, if there was one.
    pub second: Option<StaffNumber>,
}

impl ShiftReport {
    /// An empty report of `span`, at a terminal of this name, to which records are
    /// [added](Self::counting).
    #[must_use]
    pub fn begin(
        origin: String,
        terminal: Option<String>,
        gate: Option<String>,
        span: Span,
    ) -> Self {
        let Span { staff, from, to } = span;
        Self {
            origin,
            terminal,
            gate,
            staff,
            from: whole_seconds(from),
            to: whole_seconds(to),
            verdicts: Vec::new(),
            reasons: Vec::new(),
            kinds: Vec::new(),
            issuers: Vec::new(),
            hours: Vec::new(),
            operators: Vec::new(),
        }
    }

    /// Counts records, each if it is of this report's span.
    #[must_use]
    pub fn counting(self, entries: impl IntoIterator<Item = Entry>) -> Self {
        let (from, to) = (self.from.timestamp(), self.to.timestamp());
        let mut sum = Sum::default();
        for entry in entries {
            let is_own = self
                .staff
                .as_ref()
                .is_none_or(|staff| entry.staff.as_deref() == Some(staff.as_str()));
            if is_own && (from..to).contains(&entry.at) {
                sum.add(&entry);
            }
        }
        Self {
            verdicts: counted(sum.verdicts),
            reasons: counted(sum.reasons),
            kinds: counted(sum.kinds),
            issuers: counted(sum.issuers),
            hours: sum
                .hours
                .into_iter()
                .filter_map(|((hour, verdict, reason), count)| {
                    let hour = Timestamp::from_timestamp(hour * HOUR, 0)?;
                    Some(HourCount { hour, verdict, reason, count })
                })
                .collect(),
            operators: sum.operators.into_values().collect(),
            ..self
        }
    }

    /// As a table: what is counted, hour or instant in Shanghai, verdict, reason, what else it is
    /// counted by, and how many.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut rows = vec!["table,at,verdict,reason,of,count".to_owned()];
        let mut row = |table: &str, at: &str, verdict: &str, reason: &str, of: &str, count: u64| {
            rows.push(format!("{table},{at},{verdict},{reason},{of},{count}"));
        };
        for Counted { of, count } in &self.verdicts {
            row("verdict", "", of, "", "", *count);
        }
        for Counted { of, count } in &self.reasons {
            row("reason", "", "", of, "", *count);
        }
        for Counted { of, count } in &self.kinds {
            row("kind", "", "", "", of, *count);
        }
        for Counted { of, count } in &self.issuers {
            row("issuer", "", "", "", of, *count);
        }
        for HourCount { hour, verdict, reason, count } in &self.hours {
            let reason = reason.as_deref().unwrap_or_default();
            row("hour", &local(*hour), verdict, reason, "", *count);
        }
        for operator in &self.operators {
            let staff = operator.staff.as_str();
            for (table, count) in operator.counts() {
                row(table, "", "", "", staff, count);
            }
            for Overridden { at, from, was, reason, second } in &operator.overrides {
                let was = was.as_deref().unwrap_or_default();
                let second = second.as_ref().map(StaffNumber::as_str).unwrap_or_default();
                row("override", &local(*at), from, was, &format!("{staff} {reason} {second}"), 1);
            }
        }
        rows.push(String::new());
        rows.join("\n")
    }

    /// Signs the report with the terminal's key.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> SignedReport {
        let signature = STANDARD.encode(key.sign(&self.message()).to_bytes());
        SignedReport { report: self, signature }
    }

    /// What is signed.
    fn message(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("a report is of texts and numbers");
        [SIGNED_AS, &json].concat()
    }
}

impl OperatorCount {
    /// One who has done nothing yet.
    fn none(staff: StaffNumber) -> Self {
        Self {
            staff,
            look_ups: 0,
            not_found: 0,
            id_checks: 0,
            no_match: 0,
            registered: 0,
            wrong_pins: 0,
            overrides: Vec::new(),
        }
    }

    /// Each count with its name.
    fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("look_ups", self.look_ups),
            ("not_found", self.not_found),
            ("id_checks", self.id_checks),
            ("no_match", self.no_match),
            ("registered", self.registered),
            ("wrong_pins", self.wrong_pins),
            ("overrides", u64::try_from(self.overrides.len()).unwrap_or(u64::MAX)),
        ]
    }
}

/// A report, and the signature of the terminal that made it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReport {
    report: ShiftReport,
    signature: String,
}

impl SignedReport {
    /// Reads a report and checks that `key` has signed it.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn open(json: &[u8], key: &VerifyingKey) -> Result<ShiftReport, ReportError> {
        if json.len() > MAX_BYTES {
            return Err(ReportError::Form);
        }
        let Self { report, signature } =
            serde_json::from_slice(json).map_err(|_| ReportError::Form)?;
        let signature = STANDARD.decode(signature).map_err(|_| ReportError::Form)?;
        let signature = Signature::from_slice(&signature).map_err(|_| ReportError::Form)?;
        match key.verify_strict(&report.message(), &signature) {
            Ok(()) => Ok(report),
            Err(_) => Err(ReportError::Signature),
        }
    }

    /// The report.
    #[must_use]
    pub fn report(&self) -> &ShiftReport {
        &self.report
    }

    /// The whole as JSON.
    #[expect(clippy::missing_panics_doc, reason = "texts and numbers are always JSON")]
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is of texts and numbers") + "\n"
    }

    /// The SHA-256 of what was signed: the log says by it that the report was made.
    #[must_use]
    pub fn digest(&self) -> Link {
        Link::new(Sha256::digest(self.report.message()).into())
    }
}

/// Counts in the making.
#[derive(Default)]
struct Sum {
    verdicts: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    kinds: BTreeMap<String, u64>,
    issuers: BTreeMap<String, u64>,
    hours: BTreeMap<(i64, String, Option<String>), u64>,
    operators: BTreeMap<StaffNumber, OperatorCount>,
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        if entry.event == Event::SCAN {
            let Entry { at, verdict: Some(verdict), reason, kind, issuer, .. } = entry else {
                return;
            };
            more(&mut self.verdicts, verdict.clone());
            if let Some(reason) = reason {
                more(&mut self.reasons, reason.clone());
            }
            if let Some(kind) = kind {
                more(&mut self.kinds, kind.clone());
            }
            if let Some(issuer) = issuer {
                more(&mut self.issuers, issuer.to_string());
            }
            more(&mut self.hours, (at.div_euclid(HOUR), verdict.clone(), reason.clone()));
        } else if let Some(staff) = entry.staff.as_deref().and_then(|staff| staff.parse().ok()) {
            self.act(&staff, entry);
        }
    }

    /// Counts what an operator did; of acts that are not counted, nothing.
    fn act(&mut self, staff: &StaffNumber, entry: &Entry) {
        let words: Vec<_> = entry.detail.as_deref().unwrap_or_default().split(' ').collect();
        let mut count = |of: fn(&mut OperatorCount) -> &mut u64| {
            let none = || OperatorCount::none(staff.clone());
            *of(self.operators.entry(staff.clone()).or_insert_with(none)) += 1;
        };
        match entry.event.as_str() {
            DeskAct::LOOK_UP => {
                count(|operator| &mut operator.look_ups);
                if words.last() == Some(&"not_found") {
                    count(|operator| &mut operator.not_found);
                }
            }
            DeskAct::ID_CHECK => {
                count(|operator| &mut operator.id_checks);
                if words.last() == Some(&"no_match") {
                    count(|operator| &mut operator.no_match);
                }
            }
            DeskAct::REGISTERED => count(|operator| &mut operator.registered),
            DeskAct::WRONG_PIN => count(|operator| &mut operator.wrong_pins),
            DeskAct::OVERRIDE => {
                let (Some(at), [from, _, reason, second]) =
                    (Timestamp::from_timestamp(entry.at, 0), words.as_slice())
                else {
                    return;
                };
                let overridden = Overridden {
                    at,
                    from: (*from).to_owned(),
                    was: entry.reason.clone(),
                    reason: (*reason).to_owned(),
                    second: second.parse().ok(),
                };
                let none = || OperatorCount::none(staff.clone());
                let operator = self.operators.entry(staff.clone()).or_insert_with(none);
                operator.overrides.push(overridden);
            }
            _ => {}
        }
    }
}

fn more<K: Ord>(counts: &mut BTreeMap<K, u64>, of: K) {
    *counts.entry(of).or_default() += 1;
}

fn counted(counts: BTreeMap<String, u64>) -> Vec<Counted> {
    counts.into_iter().map(|(of, count)| Counted { of, count }).collect()
}

/// An instant as it is read here.
fn local(instant: Timestamp) -> String {
    in_shanghai(instant).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The second that an instant lies in: records are dated to the second.
fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(instant.timestamp(), 0).unwrap_or(instant)
}

/// A file is no report of this terminal's.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReportError {
    /// It has not the form of one.
    #[error("not a shift report [S41]")]
    Form,

    /// This key has not signed it.
    #[error("the report is not signed by this terminal, or was changed [S42]")]
    Signature,
}
