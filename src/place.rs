//! Where a terminal stands: the kinds of place that policy is keyed by, and one gate's name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::language::Words;

/// A kind of place. Source: REQUIREMENTS, R8; TRUST, section 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A checkpoint at a railway line.
    RailCheckpoint,
    /// A checkpoint at a road into a city.
    HighwayCheckpoint,
    /// A residential quarter.
    Residential,
    /// A railway station.
    Station,
    /// An airport.
    Airport,
    /// A port.
    Port,
    /// A long-distance bus station.
    PassengerStation,
    /// A ferry.
    Ferry,
    /// A dock.
    Dock,
    /// A hospital.
    Hospital,
    /// A park.
    Park,
}

impl Place {
    /// Every kind of place.
    pub const ALL: [Self; 11] = [
        Self::RailCheckpoint,
        Self::HighwayCheckpoint,
        Self::Residential,
        Self::Station,
        Self::Airport,
        Self::Port,
        Self::PassengerStation,
        Self::Ferry,
        Self::Dock,
        Self::Hospital,
        Self::Park,
    ];

    /// What the kind of place is called.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::RailCheckpoint => Words::new("铁路检查站", "Rail checkpoint"),
            Self::HighwayCheckpoint => Words::new("公路检查站", "Highway checkpoint"),
            Self::Residential => Words::new("居民小区", "Residential quarter"),
            Self::Station => Words::new("火车站", "Railway station"),
            Self::Airport => Words::new("机场", "Airport"),
            Self::Port => Words::new("港口", "Port"),
            Self::PassengerStation => Words::new("客运站", "Bus station"),
            Self::Ferry => Words::new("轮渡", "Ferry"),
            Self::Dock => Words::new("码头", "Dock"),
            Self::Hospital => Words::new("医院", "Hospital"),
            Self::Park => Words::new("公园", "Park"),
        }
    }

    /// The name that documents and the command line use, `rail_checkpoint`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::RailCheckpoint => "rail_checkpoint",
            Self::HighwayCheckpoint => "highway_checkpoint",
            Self::Residential => "residential",
            Self::Station => "station",
            Self::Airport => "airport",
            Self::Port => "port",
            Self::PassengerStation => "passenger_station",
            Self::Ferry => "ferry",
            Self::Dock => "dock",
            Self::Hospital => "hospital",
            Self::Park => "park",
        }
    }
}

impl FromStr for Place {
    type Err = UnknownPlace;

    fn from_str(code: &str) -> Result<Self, UnknownPlace> {
        Self::ALL.into_iter().find(|place| place.code() == code).ok_or(UnknownPlace)
    }
}

/// Where one terminal stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gate {
    /// The kind of place.
    pub place: Place,
    /// What the place is called; the kind's own [`words`](Place::words) where it has no name.
    pub name: Words,
    /// The gate or lane within it, such as `3` or `B2`.
    pub gate: String,
}

/// A name that is no kind of place.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "not a kind of place: one of rail_checkpoint, highway_checkpoint, residential, station, \
     airport, port, passenger_station, ferry, dock, hospital, park"
)]
pub struct UnknownPlace;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_the_name_that_documents_use() {
        for place in Place::ALL {
            assert_eq!(place.code().parse(), Ok(place));
            let json = serde_json::to_value(place).unwrap();
            assert_eq!(json, place.code(), "{place:?}");
        }
        assert_eq!("Station".parse::<Place>(), Err(UnknownPlace));
    }
}
