//! Times as SDKs send them.

use crate::field::{Field, FromRaw};
use crate::json::{Raw, Scalar};
use crate::wrapped::wrapped_text;
use chrono::{DateTime, Utc};
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

impl From<DateTime<Utc>> for Timestamp<'_> {
    fn from(time: DateTime<Utc>) -> Self {
        Self(Cow::Owned(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)))
    }
}

wrapped_text! { Timestamp }

impl From<DateTime<Utc>> for Field<'_, Timestamp<'_>> {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from(Timestamp::from(time))
    }
}

impl From<SystemTime> for Field<'_, Timestamp<'_>> {
    fn from(time: SystemTime) -> Self {
        Self::from(Timestamp::from(time))
    }
}

impl From<DateTime<Utc>> for Raw<'_> {
    fn from(time: DateTime<Utc>) -> Self {
        // Nothing in it is escaped.
        Self(Cow::Owned(format!("\"{}\"", Timestamp::from(time).0)))
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
