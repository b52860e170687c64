//! What goes into the sandbox and what comes out of it: requests, responses and moments, all plain data.

use intercom_api::{ApiVersion, Call};
use std::fmt;
use std::time::Duration;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// The sandbox has no clock. Whoever drives it says what time it is, and time may stand still or jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The start of a second.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The moment that much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    pub(crate) fn seconds(self) -> i64 {
        i64::try_from(self.as_secs()).unwrap_or(i64::MAX)
    }
}

/// One HTTP request to the sandbox.
///
/// `Debug` shows neither the path, the body nor the token, which are personal or secret.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// The path and, behind a `?`, the query; both percent-encoded.
    pub path_and_query: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Intercom-Version` header.
    pub version: Option<&'a str>,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request without headers or body.
    pub const fn new(method: &'a str, path_and_query: &'a str) -> Self {
        Self {
            method,
            path_and_query,
            authorization: None,
            version: None,
            body: &[],
        }
    }

    /// Sets the `Authorization` header, such as `Bearer dG9rOmZha2U=`.
    #[must_use]
    pub const fn authorization(mut self, header: &'a str) -> Self {
        self.authorization = Some(header);
        self
    }

    /// Sets the `Intercom-Version` header, such as `2.10`.
    #[must_use]
    pub const fn version(mut self, header: &'a str) -> Self {
        self.version = Some(header);
        self
    }

    /// Sets the body.
    #[must_use]
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

exact_json::debug_shows! { Request<'_>(request) { method, body_bytes = request.body.len(), .. } }

/// A [`Call`] in the form that [`Sandbox::handle`](crate::Sandbox::handle) takes.
///
/// Owns what the request borrows, because the path and the query of a call are put together here.
#[derive(Clone)]
pub struct CallRequest<'a> {
    call: &'a Call,
    path_and_query: String,
    authorization: Option<&'a str>,
    version: ApiVersion,
}

impl<'a> CallRequest<'a> {
    /// The request that a driver would send for `call`, with this `Authorization` header.
    pub fn new(call: &'a Call, authorization: Option<&'a str>) -> Self {
        Self {
            call,
            path_and_query: call.path_and_query(),
            authorization,
            version: ApiVersion::default(),
        }
    }

    /// The request.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            method: self.call.method.as_str(),
            path_and_query: &self.path_and_query,
            authorization: self.authorization,
            version: Some(self.version.as_str()),
            body: self.call.body.as_ref().map_or(&[], |body| body.get().as_bytes()),
        }
    }
}

impl fmt::Debug for CallRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_request().fmt(f)
    }
}

/// A connection that is closed without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The request was lost: nothing has happened.
    BeforeEffect,
    /// The response was lost: what was asked for has happened.
    AfterEffect,
}

/// A response of the sandbox.
///
/// `Debug` shows the status and the size of the body, not the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in the order in which they are sent.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or nothing.
    pub body: Vec<u8>,
    /// How long the response is to be held back. Its effect has been there since the request came in.
    pub delay: Option<Duration>,
    /// Whether the connection is to be closed in place of the response.
    pub dropped: Option<Dropped>,
}

impl Response {
    pub(crate) fn new(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            delay: None,
            dropped: None,
        }
    }

    /// The value of a header, by its name as the sandbox writes it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

exact_json::debug_shows! { Response(response) { status, body_bytes = response.body.len(), delay, dropped, .. } }
