//! Intercom's time.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime};

/// A moment as Intercom writes it: whole seconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use intercom_api::UnixSeconds;
/// use std::time::SystemTime;
///
/// assert_eq!(UnixSeconds::from(SystemTime::UNIX_EPOCH), UnixSeconds(0));
/// assert_eq!(SystemTime::from(UnixSeconds(0)), SystemTime::UNIX_EPOCH);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for UnixSeconds {
    fn from(seconds: i64) -> Self {
        Self(seconds)
    }
}

impl From<SystemTime> for UnixSeconds {
    /// The second that the moment falls in.
    fn from(time: SystemTime) -> Self {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => seconds(since),
            Err(before) => {
                let before = before.duration();
                -seconds(before) - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

impl From<UnixSeconds> for SystemTime {
    /// The start of the second; the start of 1970 for one that the system cannot tell.
    fn from(time: UnixSeconds) -> Self {
        let distance = Duration::from_secs(time.0.unsigned_abs());
        let moment = if time.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        moment.unwrap_or(Self::UNIX_EPOCH)
    }
}

#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone> From<chrono::DateTime<Z>> for UnixSeconds {
    /// The second that the moment falls in.
    fn from(time: chrono::DateTime<Z>) -> Self {
        Self(time.timestamp())
    }
}

#[cfg(feature = "chrono")]
impl UnixSeconds {
    /// The start of the second; `None` if chrono cannot tell it.
    pub fn to_utc(self) -> Option<chrono::DateTime<chrono::Utc>> {
        chrono::DateTime::from_timestamp(self.0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_time_goes_and_comes() {
        for seconds in [0, 1, -1, 1_700_000_000, -62_135_596_800] {
            let time = SystemTime::from(UnixSeconds(seconds));
            assert_eq!(UnixSeconds::from(time), UnixSeconds(seconds));
            let later = time + Duration::from_millis(999);
            assert_eq!(UnixSeconds::from(later), UnixSeconds(seconds));
        }
        let _ = SystemTime::from(UnixSeconds(i64::MIN));
        let _: UnixSeconds = exact_json::testing::anywhere(&12.into());
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn chronos_time_goes_and_comes() {
        let time = UnixSeconds(1_700_000_000).to_utc().unwrap();
        assert_eq!(time.to_rfc3339(), "2023-11-14T22:13:20+00:00");
        assert_eq!(
            UnixSeconds::from(time + chrono::TimeDelta::milliseconds(999)),
            UnixSeconds(1_700_000_000)
        );
        assert_eq!(UnixSeconds(i64::MAX).to_utc(), None);
    }
}
