//! Mutual recognition: what each issuer's codes mean here, and where they are not recognised.
//!
//! The transcoding table gives each issuer's own status numbers their normal meaning; a number
//! that it does not list has none, and nobody passes on it. Exceptions are filed in advance, for
//! one province, some kinds of place, and a span of time. Partners are issuers abroad.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    document::{self, DocumentError, unique_keys},
    issuer::IssuerId,
    language::Words,
    place::Place,
};

/// What an issuer's own status means everywhere.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalStatus {
    /// Green: no abnormality.
    Normal,
    /// Yellow: to be watched.
    Watch,
    /// Red.
    Stop,
    /// Declared, and not yet audited.
    Review,
}

/// What is recognised, as one signed document said at one time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognition {
    version: u64,
    issued: Timestamp,
    statuses: BTreeMap<IssuerId, BTreeMap<u64, NormalStatus>>,
    exceptions: Vec<Exception>,
    partners: Vec<Partner>,
}

impl Recognition {
    /// Reads `recognition.json`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; its content is refused if an issuer stands twice in the transcoding
    /// table, a status is no number, or a span of time ends before it begins.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let RecognitionDocument { version, issued, transcoding, exceptions, partners } =
            document::read(bytes)?;
        let mut statuses = BTreeMap::new();
        for TranscodingEntry { issuer, statuses: entries } in transcoding {
            let table = entries
                .into_iter()
                .map(|(local, normal)| Ok((parse_status(&local)?, normal)))
                .collect::<Result<_, DocumentError>>()?;
            if statuses.insert(issuer, table).is_some() {
                let what = format!("issuer {issuer} stands twice in the transcoding table");
                return Err(DocumentError::content(what));
            }
        }
        for Exception { filing, from, to, .. } in &exceptions {
            ordered(*from, *to, &format!("exception {filing}"))?;
        }
        for Partner { partner, from, to, .. } in &partners {
            ordered(*from, *to, &format!("partner {partner}"))?;
        }
        Ok(Self { version, issued, statuses, exceptions, partners })
    }

    /// The document's version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the document was issued.
    #[must_use]
    pub fn issued(&self) -> Timestamp {
        self.issued
    }

    /// What `issuer` means by `local`, its own number of a status; nothing if that is not listed.
    #[must_use]
    pub fn normal_status(&self, issuer: IssuerId, local: u64) -> Option<NormalStatus> {
        self.statuses.get(&issuer)?.get(&local).copied()
    }

    /// The exception that keeps codes of `issuer` from being recognised at `place`, if one is in
    /// force: `from <= now < to`.
    #[must_use]
    pub fn exception(&self, issuer: IssuerId, place: Place, now: Timestamp) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| {
            exception.issuer == issuer
                && exception.places.contains(&place)
                && exception.from <= now
                && now < exception.to
        })
    }

    /// The agreement by which codes of `issuer`, abroad, count at `place`, if one is in force:
    /// `from <= now < to`.
    #[must_use]
    pub fn partner(&self, issuer: IssuerId, place: Place, now: Timestamp) -> Option<&Partner> {
        let country = issuer.country()?;
        self.partners.iter().find(|partner| {
            partner.partner == country
                && partner.places.contains(&place)
                && partner.from <= now
                && now < partner.to
        })
    }

    /// The issuers abroad, in force or not.
    #[must_use]
    pub fn partners(&self) -> &[Partner] {
        &self.partners
    }
}

/// A province whose own codes are not recognised at some places for a while.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The province.
    pub issuer: IssuerId,
    /// Where.
    pub places: BTreeSet<Place>,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant at which they are recognised again.
    pub to: Timestamp,
    /// When it was filed, in advance.
    pub filed: Timestamp,
    /// The number under which it was filed.
    pub filing: String,
    /// What is accepted instead.
    pub instead: Words,
}

/// An issuer abroad.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The country, by its two letters in ISO 3166-1.
    pub partner: String,
    /// The agreement it rests on.
    pub agreement: String,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant at which it no longer counts.
    pub to: Timestamp,
    /// Where.
    pub places: BTreeSet<Place>,
}

/// The form of `recognition.json`, for those who read it and for those who write it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecognitionDocument {
    pub(crate) version: u64,
    pub(crate) issued: Timestamp,
    pub(crate) transcoding: Vec<TranscodingEntry>,
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
    #[serde(default)]
    pub(crate) partners: Vec<Partner>,
}

/// One issuer's statuses in `recognition.json`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TranscodingEntry {
    pub(crate) issuer: IssuerId,
    #[serde(deserialize_with = "unique_keys")]
    pub(crate) statuses: BTreeMap<String, NormalStatus>,
}

/// A status number as it stands in a JSON key: decimal, without a sign or leading zeros.
fn parse_status(text: &str) -> Result<u64, DocumentError> {
    text.parse()
        .ok()
        .filter(|number: &u64| number.to_string() == text)
        .ok_or_else(|| DocumentError::content(format!("status {text:?} is not a number")))
}

/// Refuses a span of time that is empty or ends before it begins.
fn ordered(from: Timestamp, to: Timestamp, what: &str) -> Result<(), DocumentError> {
    match from.cmp(&to) {
        Ordering::Less => Ok(()),
        Ordering::Equal | Ordering::Greater => {
            Err(DocumentError::content(format!("{what} ends before it begins")))
        }
    }
}
