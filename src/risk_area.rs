//! Risk areas: where, from which day to which, the risk is medium or high.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    document::{self, DocumentError},
};

/// The list of risk areas, as one signed document said at one time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RiskAreas {
    /// The document's version.
    pub version: u64,
    /// When the document was issued.
    pub issued: Timestamp,
    /// How many days before today a visit counts.
    pub window_days: u16,
    /// The areas.
    pub areas: Vec<RiskArea>,
}

impl RiskAreas {
    /// Reads `risk-areas.json`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; its content is refused if an area is not of six digits or its last day
    /// lies before its first.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let list: Self = document::read(bytes)?;
        for RiskArea { area, from, to, .. } in &list.areas {
            if !(100_000..=999_999).contains(area) {
                return Err(DocumentError::content(format!("area {area} is not of six digits")));
            }
            if to.is_some_and(|to| to < *from) {
                return Err(DocumentError::content(format!("area {area} ends before it begins")));
            }
        }
        Ok(list)
    }
}

/// One area.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RiskArea {
    /// Six digits of GB/T 2260; one that ends in 00 or 0000 covers all that share its beginning.
    pub area: u32,
    /// How high the risk is.
    pub level: RiskLevel,
    /// The first day, in the civil time of Asia/Shanghai.
    pub from: NaiveDate,
    /// The last day, if it is over.
    pub to: Option<NaiveDate>,
}

/// How high the risk in an area is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Medium risk.
    Medium,
    /// High risk.
    High,
}
