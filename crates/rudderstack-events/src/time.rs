//! Times as SDKs send them.

use crate::field::{Field, FromRaw};
use crate::json::{Raw, Scalar};
use crate::wrapped::wrapped_text;
use chrono::{DateTime, TimeZone, Utc};
use std::borrow::Cow;
use std::time::SystemTime;

/// A time as it was sent: nearly always RFC 3339 text, such as `2024-01-05T19:11:00.337Z`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Timestamp<'a>(Cow<'a, str>);

impl<'a> Timestamp<'a> {
    /// The instant, if the text is RFC 3339.
    pub fn to_utc(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.0).ok().map(|time| time.to_utc())
    }
}

impl From<SystemTime> for Timestamp<'_> {
    fn from(time: SystemTime) -> Self {
        DateTime::<Utc>::from(time).into()
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

wrapped_text! { Timestamp }

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

impl<'r> FromRaw<'r> for Timestamp<'r> {
    const EXPECTED: &'static str = "a time: a string or a number";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.scalar()? {
            Scalar::Boolean(_) => None,
            scalar => Some(Self(scalar.into_text())),
        }
    }
}
