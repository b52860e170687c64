//! What comes back from a call: an answer, or a failure to get one.

use intercom_api::{RateLimit, UnixSeconds};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// An HTTP answer of Intercom, as far as delivery needs it. `Debug` shows no byte of the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; may be empty, and need not be JSON.
    pub body: Vec<u8>,
    /// What the headers say of the rate limit.
    pub rate_limit: Option<RateLimit>,
    /// `Retry-After`: how long to wait before the next call.
    pub retry_after: Option<Duration>,
    /// `Date`: when Intercom wrote the answer, by its own clock.
    pub date: Option<UnixSeconds>,
    /// `X-Request-Id`: Intercom's name of the request.
    pub request_id: Option<String>,
}

impl Answer {
    /// An answer without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            rate_limit: None,
            retry_after: None,
            date: None,
            request_id: None,
        }
    }

    /// An answer whose headers are read through a look-up by name, in lower case.
    ///
    /// `Retry-After` is understood in seconds and as a date; a date is taken relative to the answer's own `Date`, so
    /// that it does not matter whether the clocks agree.
    pub fn with_headers<'a>(status: u16, body: impl Into<Vec<u8>>, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let date = header("date").and_then(http_date);
        let retry_after = header("retry-after").and_then(|text| match text.trim().parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => {
                let wait = http_date(text)?.0.saturating_sub(date?.0);
                Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
            }
        });
        Self {
            rate_limit: RateLimit::from_headers(&header),
            retry_after,
            date,
            request_id: header("x-request-id").map(str::to_owned),
            ..Self::new(status, body)
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("rate_limit", &self.rate_limit)
            .field("retry_after", &self.retry_after)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// Why a call has no answer.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TransportFailure {
    /// There was no connection: Intercom has not seen the call.
    Unreachable,
    /// No answer came in time. The call may have taken effect.
    Timeout,
    /// The connection broke before the answer was whole. The call may have taken effect.
    Interrupted,
}

/// Reads a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<UnixSeconds> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(UnixSeconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let read = |text| http_date(text).map(|date| date.0);
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for text in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 6",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let answer = |retry: &'static str| {
            Answer::with_headers(429, b"", move |name| match name {
                "retry-after" => Some(retry),
                "date" => Some("Thu, 01 Jan 1970 00:01:00 GMT"),
                "x-request-id" => Some("r-1"),
                _ => None,
            })
        };
        assert_eq!(answer("3").retry_after, Some(Duration::from_secs(3)));
        assert_eq!(answer("0.5").retry_after, Some(Duration::from_millis(500)));
        assert_eq!(
            answer("Thu, 01 Jan 1970 00:01:07 GMT").retry_after,
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            answer("Thu, 01 Jan 1970 00:00:07 GMT").retry_after,
            Some(Duration::ZERO)
        );
        assert_eq!(answer("soon").retry_after, None);
        assert_eq!(answer("-1").retry_after, None);
        assert_eq!(answer("1").request_id.as_deref(), Some("r-1"));
    }
}
