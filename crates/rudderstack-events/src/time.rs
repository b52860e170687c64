//! Times as SDKs send them.

use crate::field::FromRaw;
use crate::json::{Raw, Scalar};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A time as it was sent: nearly always RFC 3339 text, such as `2024-01-05T19:11:00.337Z`.
#[derive(Clone, PartialEq, Eq)]
pub struct Timestamp<'a>(Cow<'a, str>);

impl<'a> Timestamp<'a> {
    /// Wraps a text.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// The text as sent, or the JSON text of a number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant, if the text is RFC 3339.
    pub fn to_utc(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.0).ok().map(|time| time.to_utc())
    }
}

impl From<DateTime<Utc>> for Timestamp<'_> {
    fn from(time: DateTime<Utc>) -> Self {
        Self(Cow::Owned(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)))
    }
}

impl fmt::Debug for Timestamp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timestamp(..)")
    }
}

impl Serialize for Timestamp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'r> FromRaw<'r> for Timestamp<'r> {
    const EXPECTED: &'static str = "a time: a string or a number";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.scalar()? {
            Scalar::Boolean(_) => None,
            scalar => Some(Self(scalar.into_text())),
        }
    }
}
