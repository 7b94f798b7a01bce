//! The kinds of document.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::language::Words;

/// A kind of identity document. Source: REQUIREMENTS, section 4.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A citizen's identity card.
    CitizenId,
    /// A residence permit for residents of Hong Kong and Macao.
    HkMacaoResidencePermit,
    /// A residence permit for residents of Taiwan.
    TaiwanResidencePermit,
    /// A travel permit for residents of Hong Kong and Macao.
    ///
    /// Cards from before 2013 have two digits more, which counted the renewals; the nine characters
    /// before them are their bearer's for life. Both stay as they are.
    HkMacaoTravelPermit,
    /// A travel permit for residents of Taiwan.
    TaiwanTravelPermit,
    /// A foreign permanent resident's identity card.
    ForeignPermanentResident,
    /// A passport, of whatever country.
    Passport,
}

impl DocumentKind {
    /// Every kind of document.
    pub const ALL: [Self; 7] = [
        Self::CitizenId,
        Self::HkMacaoResidencePermit,
        Self::TaiwanResidencePermit,
        Self::HkMacaoTravelPermit,
        Self::TaiwanTravelPermit,
        Self::ForeignPermanentResident,
        Self::Passport,
    ];

    /// The byte that stands for the kind beside a number in keyed digests. Source: CODE-FORMAT,
    /// "document match".
    ///
    /// Both residence permits have one byte, and both travel permits: no number is of both.
    #[must_use]
    pub fn type_byte(self) -> u8 {
        match self {
            Self::CitizenId => 1,
            Self::HkMacaoResidencePermit | Self::TaiwanResidencePermit => 2,
            Self::HkMacaoTravelPermit | Self::TaiwanTravelPermit => 3,
            Self::ForeignPermanentResident => 4,
            Self::Passport => 5,
        }
    }

    /// The name that documents and the command line use, `citizen_id`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CitizenId => "citizen_id",
            Self::HkMacaoResidencePermit => "hk_macao_residence_permit",
            Self::TaiwanResidencePermit => "taiwan_residence_permit",
            Self::HkMacaoTravelPermit => "hk_macao_travel_permit",
            Self::TaiwanTravelPermit => "taiwan_travel_permit",
            Self::ForeignPermanentResident => "foreign_permanent_resident",
            Self::Passport => "passport",
        }
    }

    /// What the document is called.
    #[must_use]
    pub fn words(self) -> Words {
        let (zh, en) = match self {
            Self::CitizenId => ("居民身份证", "Citizen ID card"),
            Self::HkMacaoResidencePermit => {
                ("港澳居民居住证", "Hong Kong or Macao residence permit")
            }
            Self::TaiwanResidencePermit => ("台湾居民居住证", "Taiwan residence permit"),
            Self::HkMacaoTravelPermit => {
                ("港澳居民来往内地通行证", "Hong Kong or Macao travel permit")
            }
            Self::TaiwanTravelPermit => ("台湾居民来往大陆通行证", "Taiwan travel permit"),
            Self::ForeignPermanentResident => {
                ("外国人永久居留身份证", "Foreign permanent resident ID card")
            }
            Self::Passport => ("护照", "Passport"),
        };
        Words::new(zh, en)
    }
}

impl FromStr for DocumentKind {
    type Err = UnknownKind;

    fn from_str(code: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.code() == code).ok_or(UnknownKind)
    }
}

/// A name that is no kind of document.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "not a kind of document: one of citizen_id, hk_macao_residence_permit, \
     taiwan_residence_permit, hk_macao_travel_permit, taiwan_travel_permit, \
     foreign_permanent_resident, passport"
)]
pub struct UnknownKind;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_the_name_that_documents_use() {
        for kind in DocumentKind::ALL {
            assert_eq!(kind.code().parse(), Ok(kind));
            let json = serde_json::to_value(kind).unwrap();
            assert_eq!(json, kind.code(), "{kind:?}");
        }
        assert_eq!("CitizenId".parse::<DocumentKind>(), Err(UnknownKind));
    }
}
