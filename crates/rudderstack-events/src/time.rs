//! Times as SDKs send them.

use crate::field::{Field, FromRaw};
use crate::json::{Raw, Scalar};
use crate::owned::into_owned;
use chrono::{DateTime, TimeZone, Utc};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// A time as it was sent: nearly always RFC 3339 text, such as `2024-01-05T19:11:00.337Z`.
#[derive(Clone, PartialEq, Eq, Hash)]
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

    /// The same time, independent of the text that it was read from.
    pub fn into_owned(self) -> Timestamp<'static> {
        Timestamp(Cow::Owned(self.0.into_owned()))
    }

    /// The instant, if the text is RFC 3339.
    pub fn to_utc(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.0).ok().map(|time| time.to_utc())
    }
}

impl<'a> From<&'a str> for Timestamp<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Timestamp<'_> {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<SystemTime> for Timestamp<'_> {
    fn from(time: SystemTime) -> Self {
        DateTime::<Utc>::from(time).into()
    }
}

impl FromStr for Timestamp<'_> {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text.to_owned()))
    }
}

impl fmt::Display for Timestamp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Timestamp<'_> {
    /// The moment in UTC, to the millisecond.
    fn from(time: DateTime<Z>) -> Self {
        Self(Cow::Owned(
            time.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        ))
    }
}

into_owned! { Timestamp }

impl<'a> From<&'a str> for Field<'a, Timestamp<'a>> {
    fn from(text: &'a str) -> Self {
        Self::from(Timestamp::new(text))
    }
}

impl From<String> for Field<'_, Timestamp<'_>> {
    fn from(text: String) -> Self {
        Self::from(Timestamp::new(text))
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Field<'_, Timestamp<'_>> {
    fn from(time: DateTime<Z>) -> Self {
        Self::from(Timestamp::from(time))
    }
}

impl From<SystemTime> for Field<'_, Timestamp<'_>> {
    fn from(time: SystemTime) -> Self {
        Self::from(Timestamp::from(time))
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for Raw<'_> {
    fn from(time: DateTime<Z>) -> Self {
        Timestamp::from(time).into()
    }
}

impl From<SystemTime> for Raw<'_> {
    fn from(time: SystemTime) -> Self {
        Timestamp::from(time).into()
    }
}

impl From<Timestamp<'_>> for Raw<'_> {
    fn from(time: Timestamp<'_>) -> Self {
        time.0.into()
    }
}

impl<'de> Deserialize<'de> for Timestamp<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let time = Timestamp::from_raw(&raw).map(Timestamp::into_owned);
        time.ok_or_else(|| Error::custom(Timestamp::EXPECTED))
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
