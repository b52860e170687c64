//! The same for a field that may be missing.

use crate::RawJson;
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Writes the value, or none.
///
/// # Errors
///
/// As those of [`serialize`](crate::serialize).
pub fn serialize<S: Serializer>(raw: &Option<Box<RawValue>>, serializer: S) -> Result<S::Ok, S::Error> {
    // What is borrowed here is not copied: a reference serialises as what it refers to.
    struct Borrowed<'a>(&'a RawValue);
    impl Serialize for Borrowed<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            crate::serialize(self.0, serializer)
        }
    }
    raw.as_deref().map(Borrowed).serialize(serializer)
}

/// Reads the value, or none; `null` is none.
///
/// # Errors
///
/// As those of [`deserialize`](crate::deserialize).
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    let raw = Option::<RawJson>::deserialize(deserializer)?;
    Ok(raw.map(|raw| raw.0))
}
