//! A person's code, composed from all registers.

use std::{collections::BTreeMap, path::Path};

use chrono::{Days, TimeDelta};
use thiserror::Error;

use super::{
    Authority, AuthorityError, new_code_id,
    registers::{BindingError, Entries, PersonError},
    whole_seconds,
};
use crate::{
    clock::Timestamp,
    credential::{self, Binding, Claims, IdTail, Kind, MatchKey},
    id_document::{DocumentNumber, Notice, NumberText},
    issuer::IssuerId,
    recognition::NormalStatus,
    risk_area::RiskAreas,
    symbol::SymbolText,
};

impl Authority {
    /// Issues the code that the registers have for a person at `now`, and remembers it.
    ///
    /// Name and number are masked, the status is that of the declaration in the issuer's own
    /// numbering, and the code is good for as long as its kind may be used. A dependant's code
    /// names the guardian's newest one. Where the number can be of one document alone, a keyed digest
    /// of it is in the code.
    ///
    /// # Errors
    ///
    /// [`PersonError::NotDeclared`] and [`PersonError::Withdrawn`];
    /// [`BindingError::GuardianHasNoCode`]; [`StatusError`]; [`AuthorityError::NoKey`].
    pub fn issue_for(
        &mut self,
        number: &NumberText,
        issuer: IssuerId,
        kind: Kind,
        now: Timestamp,
    ) -> Result<SymbolText, AuthorityError> {
        let (keys, now) = (self.keys_folder(), whole_seconds(now));
        self.registers.change(|entries| {
            let composer = Composer::new(entries, &keys, issuer, now)?;
            let claims = composer.claims(entries, number, kind)?;
            sign_and_remember(entries, &keys, &claims, Some(number))
        })
    }
}

/// How long a code of `kind` is good for. Source: CODE-FORMAT, "lifetimes".
#[must_use]
pub fn lifetime(kind: Kind) -> TimeDelta {
    match kind {
        Kind::Phone => TimeDelta::hours(24),
        Kind::Paper => TimeDelta::days(14),
    }
}

/// Signs a code and remembers it.
pub(super) fn sign_and_remember(
    entries: &Entries<'_>,
    keys: &Path,
    claims: &Claims,
    number: Option<&NumberText>,
) -> Result<SymbolText, AuthorityError> {
    let text = credential::write(claims, &entries.signing_key(keys, claims.issuer)?)?;
    entries.remember_code(claims, number)?;
    Ok(text)
}

/// The smallest of an issuer's own numbers that has a normal meaning.
pub(super) fn local_status(
    entries: &Entries<'_>,
    issuer: IssuerId,
    status: NormalStatus,
) -> Result<u64, AuthorityError> {
    Ok(smallest_status(&entries.statuses(issuer)?, issuer, status)?)
}

fn smallest_status(
    statuses: &BTreeMap<u64, NormalStatus>,
    issuer: IssuerId,
    status: NormalStatus,
) -> Result<u64, StatusError> {
    let local = statuses.iter().find(|(_, normal)| **normal == status);
    local.map(|(local, _)| *local).ok_or(StatusError { issuer, status })
}

/// What the codes of one issuer and one instant have in common, whosever they are.
pub(super) struct Composer {
    issuer: IssuerId,
    statuses: BTreeMap<u64, NormalStatus>,
    areas: RiskAreas,
    match_key: MatchKey,
    expires: Option<Timestamp>,
    now: Timestamp,
}

impl Composer {
    pub(super) fn new(
        entries: &Entries<'_>,
        keys: &Path,
        issuer: IssuerId,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let statuses = entries.statuses(issuer)?;
        let areas = super::risk_areas(entries, 0, now)?;
        let match_key = entries.match_key(keys, now)?;
        Ok(Self { issuer, statuses, areas, match_key, expires: None, now })
    }

    /// Has codes expire then, and not when their kind does.
    pub(super) fn expire_by(&mut self, expires: Timestamp) {
        self.expires = Some(expires);
    }

    /// Who signs.
    pub(super) fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// What the registers say of somebody.
    pub(super) fn claims(
        &self,
        entries: &Entries<'_>,
        number: &NumberText,
        kind: Kind,
    ) -> Result<Claims, AuthorityError> {
        let Self { issuer, now, .. } = *self;
        let person = entries.person(number)?.ok_or(PersonError::NotDeclared)?;
        let status = person.status().ok_or(PersonError::Withdrawn)?;
        let binding = match entries.guardian(number)? {
            None => None,
            Some((guardian, relation)) => {
                let code = entries.latest_code(&guardian, now)?;
                Some(Binding { relation, guardian: code.ok_or(BindingError::GuardianHasNoCode)? })
            }
        };
        let code_id = new_code_id()?;
        let document = only_document(number, now);
        let document_match = document.map(|document| self.match_key.of(&code_id, &document));
        Ok(Claims {
            issuer,
            expires: self.expires.unwrap_or(now + lifetime(kind)),
            issued: now,
            code_id,
            status: smallest_status(&self.statuses, issuer, status)?,
            kind,
            name: person.name.masked().clone(),
            id_tail: IdTail::of(number),
            document_match,
            nat: entries.nat(number, now)?,
            vaccination: entries.vaccination(number, now)?,
            travel: entries.travel(number, &self.areas, now)?,
            commuter: entries.commuter_home(number, now)?,
            binding,
            origin: None,
        })
    }
}

/// The document whose number it is, if it can be of no other kind: terminals digest the kind too, and
/// of two that it could be they may see either.
fn only_document(number: &NumberText, now: Timestamp) -> Option<DocumentNumber> {
    // A day's difference between here and there makes nobody unborn.
    let today = now.date_naive() + Days::new(1);
    let document = DocumentNumber::parse(number.expose(), today).ok()?;
    (!document.notices().contains(&Notice::PerhapsPassport)).then_some(document)
}

/// An issuer has no number for a status.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("issuer {issuer} has no status that means {}", words(*status))]
pub struct StatusError {
    /// The issuer.
    pub issuer: IssuerId,
    /// The normal meaning.
    pub status: NormalStatus,
}

fn words(status: NormalStatus) -> &'static str {
    match status {
        NormalStatus::Normal => "normal",
        NormalStatus::Watch => "watch",
        NormalStatus::Stop => "stop",
        NormalStatus::Review => "review",
    }
}
