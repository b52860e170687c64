//! What requests are answered with.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rudderstack_events::request::RequestError;
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

/// A response to a request that is turned away: `{"error":{"code","message","field"?}}`.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    field: Option<String>,
    retry_after: Option<Duration>,
}

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    /// The stable `snake_case` name of what is wrong.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// Names the field that is wrong, as a JSON pointer.
    pub(super) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when to try again.
    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        let status = if error.is_too_large() { 413 } else { 400 };
        Self::new(status, error.code(), error.to_string()).at(error.pointer())
    }
}

impl From<event_store::Error> for Fault {
    fn from(error: event_store::Error) -> Self {
        tracing::error!(code = error.code(), "the event store cannot be read or written");
        Self::new(503, error.code(), error.to_string()).retry_after(Duration::from_secs(1))
    }
}

impl From<Fault> for Response {
    fn from(fault: Fault) -> Self {
        #[derive(Serialize)]
        struct Document<'a> {
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'a str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
        }
        let mut response = json(&Document {
            error: Error {
                code: fault.code,
                message: &fault.message,
                field: fault.field.as_deref(),
            },
        });
        *response.status_mut() = fault.status;
        if let Some(wait) = fault.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if fault.status == StatusCode::UNAUTHORIZED && fault.code == "page_token" {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        self.into()
    }
}

/// A response in JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => text("application/json", body),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A response of a media type, which is never kept by caches.
pub(super) fn text(media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
