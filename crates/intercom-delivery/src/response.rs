//! What comes back from a call: a response, which is what the operation gives or an error; or a failure to get one.

use crate::codes::FailureCode;
use intercom_api::{ApiError, ContactConflict, Operation, RateLimit, UnixSeconds};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// An HTTP response of Intercom, as far as delivery needs it. `Debug` shows no byte of the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body; may be empty, and need not be JSON.
    pub body: Vec<u8>,
    /// What the headers say of the rate limit.
    pub rate_limit: Option<RateLimit>,
    /// `Retry-After`: how long to wait before the next call.
    pub retry_after: Option<Duration>,
    /// `Date`: when Intercom wrote the response, by its own clock.
    pub date: Option<UnixSeconds>,
    /// `X-Request-Id`: Intercom's name of the request.
    pub request_id: Option<String>,
}

impl Response {
    /// A response without headers.
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

    /// A response whose headers are read through a look-up by name, in lower case.
    ///
    /// `Retry-After` is understood in seconds and as a date; a date is taken relative to the response's own `Date`, so
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
            rate_limit: RateLimit::read(&header),
            retry_after,
            date,
            request_id: header("x-request-id").map(str::to_owned),
            ..Self::new(status, body)
        }
    }

    /// Reads what an operation gives.
    ///
    /// # Errors
    ///
    /// If it is not a success, or not one of this operation.
    pub fn read<O: Operation>(&self) -> Result<O::Response, ResponseError> {
        if !(200..300).contains(&self.status) {
            let mut error = ApiError::parse(self.status, &self.body);
            error.request_id = error.request_id.or_else(|| self.request_id.clone());
            return Err(ResponseError::Refused(Box::new(error)));
        }
        O::parse_response(&self.body).map_err(|_| ResponseError::Unreadable)
    }
}

#[cfg(feature = "http")]
impl<B: Into<Vec<u8>>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        Self::with_headers(parts.status.as_u16(), body, header)
    }
}

exact_json::debug_shows! {
    Response(response) { status, body_bytes = response.body.len(), rate_limit, retry_after, request_id, .. }
}

/// Why a call has no response.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TransportFailure {
    /// There was no connection: Intercom has not seen the call.
    Unreachable,
    /// No response came in time. The call may have taken effect.
    Timeout,
    /// The connection broke before the response was whole. The call may have taken effect.
    Interrupted,
}

/// A response that is not the success that an operation documents.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// Intercom refused the call.
    #[error(transparent)]
    Refused(Box<ApiError>),
    /// A success that is not the operation's: a proxy's page, perhaps.
    #[error("Intercom's response is not as documented")]
    Unreadable,
}

impl ResponseError {
    /// The stable code: Intercom's own if it refused the call.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Unreadable => "unreadable_response",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_retryable(),
            Self::Unreadable => true,
        }
    }

    /// The HTTP status, if Intercom refused the call.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => Some(error.status),
            Self::Unreadable => None,
        }
    }

    /// Whether what was called is not there, or no more.
    pub fn is_gone(&self) -> bool {
        matches!(self.status(), Some(404 | 410))
    }

    /// Whether there is already what was to be created.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Whether the access token is not accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// The contact that has what another was to be created with.
    pub fn conflicting_contact(&self) -> Option<ContactConflict> {
        match self {
            Self::Refused(error) => error.conflicting_contact(),
            Self::Unreadable => None,
        }
    }
}

/// Whether a body can be what Intercom responds: an object, a list or nothing. A proxy's page is not, whatever its status.
pub(crate) fn may_be_intercoms(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), None | Some(b'{' | b'['))
}

/// Why the same call is to be made again, if the body of its success, or its error, says nothing else.
pub(crate) fn in_passing(result: Result<&[u8], &ApiError>) -> Option<FailureCode> {
    match result {
        Ok(body) if !may_be_intercoms(body) => Some(FailureCode::InvalidResponse),
        Err(error) if error.status == 408 => Some(FailureCode::Timeout),
        Err(error) if error.status == 429 => Some(FailureCode::RateLimited),
        Err(error) if error.is_retryable() => Some(FailureCode::ServerError),
        Ok(_) | Err(_) => None,
    }
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
    use intercom_api::RetrieveContact;

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
        let response = |retry: &'static str| {
            Response::with_headers(429, b"", move |name| match name {
                "retry-after" => Some(retry),
                "date" => Some("Thu, 01 Jan 1970 00:01:00 GMT"),
                "x-request-id" => Some("r-1"),
                _ => None,
            })
        };
        assert_eq!(response("3").retry_after, Some(Duration::from_secs(3)));
        assert_eq!(response("0.5").retry_after, Some(Duration::from_millis(500)));
        assert_eq!(
            response("Thu, 01 Jan 1970 00:01:07 GMT").retry_after,
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            response("Thu, 01 Jan 1970 00:00:07 GMT").retry_after,
            Some(Duration::ZERO)
        );
        assert_eq!(response("soon").retry_after, None);
        assert_eq!(response("-1").retry_after, None);
        assert_eq!(response("1").request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn a_response_is_read_or_says_what_is_wrong() {
        let read = |status, body: &str| Response::new(status, body).read::<RetrieveContact>();
        assert_eq!(read(200, r#"{"id":"5f"}"#).unwrap().id.as_str(), "5f");
        for body in ["<html>", "{}", "", r#"{"id":".."}"#] {
            let error = read(200, body).unwrap_err();
            assert_eq!((error.code(), error.status()), ("unreadable_response", None), "{body}");
            assert!(error.is_retryable());
        }
        assert!(read(404, "").unwrap_err().is_gone() && read(410, "{}").unwrap_err().is_gone());
        assert!(read(409, "").unwrap_err().is_conflict() && read(401, "").unwrap_err().is_unauthorized());
        let mut refused = Response::new(422, "");
        refused.request_id = Some("r-1".to_owned());
        let error = refused.read::<RetrieveContact>().unwrap_err();
        assert!(!error.is_retryable() && error.to_string().contains("r-1"), "{error}");
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_response_of_an_http_library_is_taken() {
        let response = http::Response::builder().status(429).header("Retry-After", "3");
        let response = Response::from(response.body("{}").unwrap());
        assert_eq!((response.status, response.body.as_slice()), (429, b"{}".as_slice()));
        assert_eq!(response.retry_after, Some(Duration::from_secs(3)));
    }
}
