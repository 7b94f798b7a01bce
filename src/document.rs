//! Trust documents as they come: JSON of bounded size, read strictly.
//!
//! Each list that the terminal trusts is one document with a version and the instant at which it
//! was issued. The reading is the same for all: at most [`MAX_BYTES`], UTF-8, every member known,
//! none twice, nothing behind the end. What the members mean is each list's own business.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use thiserror::Error;

/// The longest document that is read.
///
/// A ring of 35 issuers with 20 keys each has 150 kB; a risk-area list of every county 300 kB.
pub const MAX_BYTES: usize = 4 << 20;

/// Reads one document.
///
/// # Errors
///
/// [`DocumentError::TooLong`] and [`DocumentError::Form`].
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    if bytes.len() > MAX_BYTES {
        return Err(DocumentError::TooLong { bytes: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|error| DocumentError::Form { what: error.to_string() })
}

/// Reads a map and refuses a key that stands in it twice, which `serde` would pass over.
///
/// # Errors
///
/// The deserializer's own, and one that names no key.
pub fn unique_keys<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    struct UniqueKeys<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for UniqueKeys<K, V> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a map without a key that stands twice")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry()? {
                if map.insert(key, value).is_some() {
                    return Err(A::Error::custom("a key stands twice"));
                }
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(UniqueKeys(PhantomData))
}

/// A document cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is well formed, and says something that cannot be.
    #[error("{what}")]
    Content {
        /// What it says, and where.
        what: String,
    },

    /// It is not JSON, or lacks a member, or has one that nobody knows.
    #[error("not well formed: {what}")]
    Form {
        /// What is wrong, with line and column.
        what: String,
    },

    /// It is longer than any real one.
    #[error("{bytes} bytes are more than the {MAX_BYTES} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl DocumentError {
    /// A document that says `what`, which cannot be.
    pub(crate) fn content(what: impl Into<String>) -> Self {
        Self::Content { what: what.into() }
    }
}
