//! Bindings: on whose behalf another person handles the codes.

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, meaning, word};
use crate::{
    authority::{Authority, AuthorityError},
    clock::Timestamp,
    credential::Relation,
    id_document::NumberText,
};

/// The most dependants of one guardian: a group at a gate is of nine at most, guardian and all.
const MAX_DEPENDANTS: u32 = 8;

/// The most characters of a consent.
const MAX_CONSENT: usize = 200;

/// A person who handles codes for another, and by what right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guardianship {
    /// Who handles the codes.
    pub guardian: NumberText,
    /// On whose behalf.
    pub dependant: NumberText,
    /// What the dependant is to the guardian.
    pub relation: Relation,
    /// Where the consent is to be found, in words, such as a form's number.
    pub consent: String,
}

impl Authority {
    /// Binds a dependant to a guardian.
    ///
    /// # Errors
    ///
    /// [`BindingError`].
    pub fn bind(
        &mut self,
        guardianship: &Guardianship,
        now: Timestamp,
    ) -> Result<(), AuthorityError> {
        let Guardianship { guardian, dependant, relation, consent } = guardianship;
        let consent = consent.trim();
        if consent.is_empty() || consent.chars().count() > MAX_CONSENT {
            return Err(BindingError::NoConsent.into());
        }
        if guardian == dependant {
            return Err(BindingError::Oneself.into());
        }
        self.registers.change(|entries| {
            if entries.guardian(dependant)?.is_some() {
                return Err(BindingError::Bound.into());
            }
            if entries.guardian(guardian)?.is_some() || entries.dependants(dependant)? > 0 {
                return Err(BindingError::Chain.into());
            }
            if entries.dependants(guardian)? >= MAX_DEPENDANTS {
                return Err(BindingError::TooMany.into());
            }
            entries.write(
                "INSERT INTO binding (dependant, guardian, relation, consent, bound_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    dependant.expose(),
                    guardian.expose(),
                    word(relation),
                    consent,
                    now.timestamp()
                ],
            )?;
            Ok(())
        })
    }

    /// Lets a dependant go.
    ///
    /// # Errors
    ///
    /// [`BindingError::NotBound`].
    pub fn unbind(&mut self, dependant: &NumberText) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let removed =
                entries.write("DELETE FROM binding WHERE dependant = ?1", [dependant.expose()])?;
            if removed == 0 { Err(BindingError::NotBound.into()) } else { Ok(()) }
        })
    }
}

impl Entries<'_> {
    /// Who handles a dependant's codes, and what the dependant is to them.
    pub(crate) fn guardian(
        &self,
        dependant: &NumberText,
    ) -> Result<Option<(NumberText, Relation)>, RegisterError> {
        self.first(
            "SELECT guardian, relation FROM binding WHERE dependant = ?1",
            [dependant.expose()],
            |row| {
                let guardian = NumberText::new(&row.get::<_, String>(0)?);
                let guardian = guardian.ok_or(RegisterError::Content { what: "a guardian" })?;
                Ok((guardian, meaning(row, 1, "a relation")?))
            },
        )
    }

    /// Whose codes somebody handles.
    pub(crate) fn dependants_of(
        &self,
        guardian: &NumberText,
    ) -> Result<Vec<NumberText>, RegisterError> {
        self.all(
            "SELECT dependant FROM binding WHERE guardian = ?1 ORDER BY dependant",
            [guardian.expose()],
            |row| {
                let dependant = NumberText::new(&row.get::<_, String>(0)?);
                dependant.ok_or(RegisterError::Content { what: "a dependant" })
            },
        )
    }

    fn dependants(&self, guardian: &NumberText) -> Result<u32, RegisterError> {
        let count = self.first(
            "SELECT count(*) FROM binding WHERE guardian = ?1",
            [guardian.expose()],
            |row| Ok(row.get(0)?),
        )?;
        Ok(count.unwrap_or_default())
    }
}

/// Two people cannot be bound so.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BindingError {
    /// Somebody handles the dependant's codes already.
    #[error("the dependant has a guardian already")]
    Bound,

    /// Somebody else handles the guardian's codes, or the dependant handles others'.
    #[error("a dependant guards nobody, and a guardian is nobody's dependant")]
    Chain,

    /// The guardian has no code that the dependant's could name.
    #[error("the guardian has no code that is valid: issue the guardian's code first")]
    GuardianHasNoCode,

    /// It does not say where the consent is, or in too many words.
    #[error("say where the consent is to be found, in at most {MAX_CONSENT} characters")]
    NoConsent,

    /// There is no binding to remove.
    #[error("the dependant has no guardian")]
    NotBound,

    /// Guardian and dependant are one person.
    #[error("nobody is bound to themselves")]
    Oneself,

    /// The guardian has as many dependants as there may be.
    #[error("a guardian has at most {MAX_DEPENDANTS} dependants")]
    TooMany,
}
