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

    /// The highest risk of visits, each an area and the last day there, as of `today`; nothing if
    /// none of them counts.
    pub fn worst(
        &self,
        visits: impl IntoIterator<Item = (u32, NaiveDate)>,
        today: NaiveDate,
    ) -> Option<RiskLevel> {
        visits.into_iter().filter_map(|(area, day)| self.level(area, day, today)).max()
    }

    /// How high the risk of a visit to `area` with its last day on `day` is, as of `today`; nothing
    /// if the list has no such area for that day, or the day lies outside the window.
    #[must_use]
    pub fn level(&self, area: u32, day: NaiveDate, today: NaiveDate) -> Option<RiskLevel> {
        let days_ago = (today - day).num_days();
        if !(0..=i64::from(self.window_days)).contains(&days_ago) {
            return None;
        }
        let listed = self.areas.iter().filter(|listed| listed.covers(area) && listed.holds_on(day));
        listed.map(|listed| listed.level).max()
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

impl RiskArea {
    /// Whether `area` is this one or lies within it.
    fn covers(&self, area: u32) -> bool {
        let whole = match self.area {
            province if province.is_multiple_of(10_000) => 10_000,
            city if city.is_multiple_of(100) => 100,
            _ => 1,
        };
        area / whole == self.area / whole
    }

    /// Whether it is listed for that day, the first and the last among them.
    fn holds_on(&self, day: NaiveDate) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_counts_in_its_areas_days_and_within_the_window() {
        let json =
            br#"{"version": 1, "issued": "2021-11-20T00:00:00Z", "window_days": 14, "areas": [
            {"area": 110106, "level": "medium", "from": "2021-11-10", "to": "2021-11-12"},
            {"area": 620000, "level": "medium", "from": "2021-11-01", "to": null},
            {"area": 620100, "level": "high", "from": "2021-11-15", "to": null}]}"#;
        let list = RiskAreas::parse(json).unwrap();
        let medium = Some(RiskLevel::Medium);
        let cases = [
            ("the day before", 110_106, "2021-11-09", None),
            ("first day", 110_106, "2021-11-10", medium),
            ("last day", 110_106, "2021-11-12", medium),
            ("the day after", 110_106, "2021-11-13", None),
            ("its neighbour", 110_105, "2021-11-12", None),
            ("anywhere in a province", 621_099, "2021-11-20", medium),
            ("the worse of two", 620_102, "2021-11-15", Some(RiskLevel::High)),
            ("before it was the worse", 620_102, "2021-11-14", medium),
            ("first day of the window", 621_099, "2021-11-06", medium),
            ("before the window", 621_099, "2021-11-05", None),
            ("tomorrow", 621_099, "2021-11-21", None),
        ];
        let today = "2021-11-20".parse().unwrap();
        for (name, area, day, level) in cases {
            assert_eq!(list.level(area, day.parse().unwrap(), today), level, "{name}");
        }
    }
}
