//! The answer to "why was I stopped?": each check in words, for staff.

use super::words;
use crate::{
    decision::{CheckKind, Explanation, Outcome},
    language::Words,
};

/// One check, as staff read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExplainedCheck {
    /// What came of it.
    pub outcome: Outcome,
    /// What it is called.
    pub name: Words,
    /// What it saw, as names and values.
    pub saw: String,
}

/// The checks of an explanation in words. Rules that are for others are left out.
#[must_use]
pub fn explained(explanation: &Explanation) -> Vec<ExplainedCheck> {
    let checks = explanation.checks.iter();
    checks
        .filter(|check| check.outcome != Outcome::NotConcerned)
        .map(|check| {
            let saw = check.saw.iter().map(|(name, value)| {
                let name = name.rsplit('.').next().unwrap_or(name);
                super::legible(&format!("{name} {value}"))
            });
            let name = match (&check.rule, check.kind) {
                (Some((id, version)), CheckKind::Rule) => {
                    let id = super::legible(id);
                    Words::new(format!("规则 {id} · {version}"), format!("Rule {id} · {version}"))
                }
                _ => words::check(check.kind),
            };
            let saw = saw.collect::<Vec<_>>().join(" · ");
            ExplainedCheck { outcome: check.outcome, name, saw }
        })
        .collect()
}
