//! Declarations: who has declared, and how far the audit of it has come.
//!
//! A declaration is made, taken under review, and audited; one that is changed is reviewed anew;
//! one that is withdrawn gives no code until the person declares again. No step can be left out.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Entries, RegisterError, meaning, word};
use crate::{
    authority::{
        Authority, AuthorityError,
        person::{FullName, Health},
    },
    clock::Timestamp,
    id_document::NumberText,
    recognition::NormalStatus,
};

impl Authority {
    /// Takes down somebody's declaration.
    ///
    /// # Errors
    ///
    /// [`PersonError::OutOfOrder`] if there is one that has not been withdrawn.
    pub fn declare(
        &mut self,
        number: &NumberText,
        name: &FullName,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| match entries.person(number)?.map(|known| known.stage) {
            None | Some(Stage::Withdrawn) => {
                entries.put_person(number, name, Stage::Declared, None, now)
            }
            Some(stage) => Err(PersonError::OutOfOrder { step: Step::Declare, stage }.into()),
        })
    }

    /// Takes a declaration under review.
    ///
    /// # Errors
    ///
    /// [`PersonError`]; [`PersonError::OutOfOrder`] unless it has only been declared.
    pub fn review(&mut self, number: &NumberText, now: Timestamp) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let known = entries.person_at(number, Step::Review, &[Stage::Declared])?;
            entries.put_person(number, &known.name, Stage::UnderReview, None, now)
        })
    }

    /// Ends a review with what the background audit has found.
    ///
    /// # Errors
    ///
    /// [`PersonError`]; [`PersonError::OutOfOrder`] unless the declaration is under review.
    pub fn audit(
        &mut self,
        number: &NumberText,
        health: Health,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let known = entries.person_at(number, Step::Audit, &[Stage::UnderReview])?;
            entries.put_person(number, &known.name, Stage::Audited, Some(health), now)
        })
    }

    /// Changes a declaration, and the name in it if one is given, and takes it back under review.
    ///
    /// # Errors
    ///
    /// [`PersonError`]; [`PersonError::OutOfOrder`] unless it is under review or audited.
    pub fn correct(
        &mut self,
        number: &NumberText,
        name: Option<&FullName>,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let stages = [Stage::UnderReview, Stage::Audited];
            let known = entries.person_at(number, Step::Correct, &stages)?;
            let name = name.unwrap_or(&known.name);
            entries.put_person(number, name, Stage::UnderReview, None, now)
        })
    }

    /// Withdraws a declaration: no code is issued on it any more.
    ///
    /// # Errors
    ///
    /// [`PersonError`]; [`PersonError::OutOfOrder`] if it has been withdrawn already.
    pub fn withdraw(&mut self, number: &NumberText, now: Timestamp) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let stages = [Stage::Declared, Stage::UnderReview, Stage::Audited];
            let known = entries.person_at(number, Step::Withdraw, &stages)?;
            entries.put_person(number, &known.name, Stage::Withdrawn, None, now)
        })
    }
}

/// One declaration.
pub(crate) struct Person {
    pub(crate) name: FullName,
    pub(super) stage: Stage,
    pub(super) health: Option<Health>,
}

impl Person {
    /// The normal meaning of the status that a code of this person has; none once the declaration
    /// is withdrawn.
    pub(crate) fn status(&self) -> Option<NormalStatus> {
        match self.stage {
            Stage::Declared | Stage::UnderReview => Some(NormalStatus::Review),
            Stage::Audited => self.health.map(NormalStatus::from),
            Stage::Withdrawn => None,
        }
    }
}

/// How far a declaration has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It has been made.
    Declared,
    /// It is being looked into.
    UnderReview,
    /// The background audit is done.
    Audited,
    /// It no longer counts.
    Withdrawn,
}

impl Stage {
    fn words(self) -> &'static str {
        match self {
            Self::Declared => "declared and not yet under review",
            Self::UnderReview => "under review",
            Self::Audited => "audited",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What can be done with a declaration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Make it.
    Declare,
    /// Take it under review.
    Review,
    /// End the review.
    Audit,
    /// Change it.
    Correct,
    /// Withdraw it.
    Withdraw,
}

impl Step {
    fn done(self) -> &'static str {
        match self {
            Self::Declare => "declared again",
            Self::Review => "taken under review",
            Self::Audit => "audited",
            Self::Correct => "corrected",
            Self::Withdraw => "withdrawn",
        }
    }
}

impl Entries<'_> {
    /// Somebody's declaration, if there is one.
    pub(crate) fn person(&self, number: &NumberText) -> Result<Option<Person>, RegisterError> {
        self.first(
            "SELECT name, stage, health FROM person WHERE number = ?1",
            [number.expose()],
            |row| {
                let name = FullName::new(&row.get::<_, String>(0)?);
                let health: Option<String> = row.get(2)?;
                Ok(Person {
                    name: name.ok_or(RegisterError::Content { what: "a name" })?,
                    stage: meaning(row, 1, "a stage")?,
                    health: health.map(|_| meaning(row, 2, "a health")).transpose()?,
                })
            },
        )
    }

    /// How many have declared under numbers from one text to before another.
    pub(crate) fn people_between(&self, from: &str, to: &str) -> Result<u64, RegisterError> {
        let count: Option<i64> = self.first(
            "SELECT count(*) FROM person WHERE number >= ?1 AND number < ?2",
            [from, to],
            |row| Ok(row.get(0)?),
        )?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    /// The first of these numbers, `limit` at the most, in their order.
    pub(crate) fn numbers_between(
        &self,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<NumberText>, RegisterError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(
            "SELECT number FROM person WHERE number >= ?1 AND number < ?2 ORDER BY number LIMIT ?3",
            params![from, to, limit],
            |row| {
                let number = NumberText::new(&row.get::<_, String>(0)?);
                number.ok_or(RegisterError::Content { what: "a number" })
            },
        )
    }

    /// Somebody's declaration, if `step` can be done from where it stands.
    fn person_at(
        &self,
        number: &NumberText,
        step: Step,
        stages: &[Stage],
    ) -> Result<Person, AuthorityError> {
        let known = self.person(number)?.ok_or(PersonError::NotDeclared)?;
        if !stages.contains(&known.stage) {
            return Err(PersonError::OutOfOrder { step, stage: known.stage }.into());
        }
        Ok(known)
    }

    fn put_person(
        &self,
        number: &NumberText,
        name: &FullName,
        stage: Stage,
        health: Option<Health>,
        since: Timestamp,
    ) -> Result<(), AuthorityError> {
        self.write(
            "INSERT OR REPLACE INTO person (number, name, stage, health, since)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                number.expose(),
                name.as_str(),
                word(stage),
                health.map(word),
                since.timestamp()
            ],
        )?;
        Ok(())
    }
}

/// A declaration does not allow what was asked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PersonError {
    /// There is none under this number.
    #[error("nobody has declared under this number")]
    NotDeclared,

    /// The step does not follow from where the declaration stands.
    #[error("a declaration that is {} cannot be {}", stage.words(), step.done())]
    OutOfOrder {
        /// What was asked.
        step: Step,
        /// Where it stands.
        stage: Stage,
    },

    /// It has been withdrawn, so that no code can be issued on it.
    #[error("the declaration under this number is withdrawn: no code can be issued")]
    Withdrawn,
}
