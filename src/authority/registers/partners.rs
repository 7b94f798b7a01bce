//! Partners: issuers abroad, each with its agreement, and the keys of those that sign for tests.

use rusqlite::params;
use thiserror::Error;

use super::{Entries, RegisterError, instant, places, written_places};
use crate::{
    authority::{Authority, AuthorityError},
    clock::Timestamp,
    issuer::IssuerId,
    key_ring::KeyId,
    language::Words,
    recognition::Partner,
};

impl Authority {
    /// Takes down an agreement with a country. A country has one at a time.
    ///
    /// # Errors
    ///
    /// [`PartnerError`].
    pub fn add_partner(&mut self, partner: &Partner) -> Result<(), AuthorityError> {
        let Partner { partner, agreement, from, to, places } = partner;
        let (from, to) = (from.timestamp(), to.timestamp());
        if partner.len() != 2 || !partner.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(PartnerError::NotACountry.into());
        }
        if agreement.trim().is_empty() {
            return Err(PartnerError::NoAgreement.into());
        }
        if places.is_empty() {
            return Err(PartnerError::NoPlaces.into());
        }
        if to <= from {
            return Err(PartnerError::EndsBeforeItBegins.into());
        }
        self.registers.change(|entries| {
            let overlapping = entries.first(
                "SELECT 1 FROM partner WHERE partner = ?1 AND from_at < ?3 AND ?2 < to_at",
                params![partner, from, to],
                |_| Ok(()),
            )?;
            if overlapping.is_some() {
                return Err(PartnerError::Partner { partner: partner.clone() }.into());
            }
            entries.write(
                "INSERT INTO partner (partner, agreement, places, from_at, to_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![partner, agreement.trim(), written_places(places), from, to],
            )?;
            Ok(())
        })
    }

    /// Ends the newest agreement with a country sooner than was agreed; `to` is the first instant
    /// at which it no longer counts.
    ///
    /// # Errors
    ///
    /// [`PartnerError::EndsBeforeItBegins`], [`PartnerError::NotPartner`] if there is no agreement
    /// or it is over by then.
    pub fn end_partner(&mut self, partner: &str, to: Timestamp) -> Result<(), AuthorityError> {
        self.registers.change(|entries| {
            let newest = entries.first(
                "SELECT from_at, to_at FROM partner WHERE partner = ?1
                 ORDER BY from_at DESC LIMIT 1",
                [partner],
                |row| Ok((instant(row, 0)?, instant(row, 1)?)),
            )?;
            let (from, agreed) =
                newest.filter(|(_, agreed)| to < *agreed).ok_or(PartnerError::NotPartner)?;
            if to.timestamp() <= from.timestamp() {
                return Err(PartnerError::EndsBeforeItBegins.into());
            }
            entries.write(
                "UPDATE partner SET to_at = ?3 WHERE partner = ?1 AND to_at = ?2",
                params![partner, agreed.timestamp(), to.timestamp()],
            )?;
            Ok(())
        })
    }

    /// Makes a key for an issuer abroad, valid from `now` on, so that it can be tested with. Its
    /// number is its country's in ISO 3166-1, such as 410, Korea's; some are provinces' numbers
    /// here, and those cannot be had.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Number`], [`PartnerError::NoName`], [`AuthorityError::File`].
    pub fn new_partner_key(
        &mut self,
        issuer: IssuerId,
        name: &Words,
        now: Timestamp,
    ) -> Result<KeyId, AuthorityError> {
        if !(1..=999).contains(&issuer.number()) || issuer.name().is_some() {
            return Err(PartnerError::Number { issuer }.into());
        }
        if name.zh.trim().is_empty() || name.en.trim().is_empty() {
            return Err(PartnerError::NoName.into());
        }
        let folder = self.keys_folder();
        self.registers.change(|entries| entries.put_key(&folder, issuer, name, now))
    }
}

impl Entries<'_> {
    /// Every agreement, in force or not.
    pub(crate) fn partners(&self) -> Result<Vec<Partner>, RegisterError> {
        self.all(
            "SELECT partner, agreement, places, from_at, to_at FROM partner
             ORDER BY partner, from_at",
            [],
            |row| {
                Ok(Partner {
                    partner: row.get(0)?,
                    agreement: row.get(1)?,
                    places: places(row, 2)?,
                    from: instant(row, 3)?,
                    to: instant(row, 4)?,
                })
            },
        )
    }
}

/// A partner cannot be so.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PartnerError {
    /// The agreement would be over when it begins, or before.
    #[error("an agreement ends after it begins")]
    EndsBeforeItBegins,

    /// It rests on no agreement.
    #[error("a partner counts by an agreement: name it")]
    NoAgreement,

    /// The issuer abroad has no name, or in one language only.
    #[error("an issuer abroad has a name in both languages")]
    NoName,

    /// It is for no kind of place.
    #[error("an agreement is for one kind of place at least")]
    NoPlaces,

    /// It is no country.
    #[error("a partner is a country by its two capital letters in ISO 3166-1")]
    NotACountry,

    /// There is no agreement with the country, or it is over by then.
    #[error("there is no agreement with this country that could end then")]
    NotPartner,

    /// The number cannot be that of an issuer abroad.
    #[error("{issuer} is no number of ISO 3166-1, or an issuer of this country has it")]
    Number {
        /// The number given.
        issuer: IssuerId,
    },

    /// There is an agreement for some of that time.
    #[error("there is an agreement with {partner} for some of that time already")]
    Partner {
        /// The country.
        partner: String,
    },
}
