//! The engine's time.

use intercom_api::UnixSeconds;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
///
/// The engine has no clock: whoever drives it says what time it is. It must be about the real time, because Intercom
/// says when its limit is lifted in Unix seconds, and it must never go back: take the wall clock once, at the start,
/// and add a monotonic clock's count to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// Later than any other.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// The moment so many milliseconds after the start of 1970.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start of 1970.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    /// The moment this much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(millis(wait)))
    }

    /// How long it is from `earlier` to this moment; nothing if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The whole second that this moment falls in.
    pub fn unix_seconds(self) -> UnixSeconds {
        UnixSeconds(i64::try_from(self.0 / 1000).unwrap_or(i64::MAX))
    }
}

impl From<UnixSeconds> for Time {
    /// The start of the second; a moment before 1970 is taken for its start.
    fn from(seconds: UnixSeconds) -> Self {
        Self(u64::try_from(seconds.0).unwrap_or(0).saturating_mul(1000))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Whole milliseconds, as many as fit.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
