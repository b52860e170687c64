//! What a request is turned away with.

use crate::protocol::BadRequest;
use crate::router::Refusal;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::any::Any;
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};

/// How many seconds a client waits that came when there was no room.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request is not answered as asked: status, stable code, and words.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message }
    }
}

impl From<BadRequest> for Problem {
    fn from(error: BadRequest) -> Self {
        let status = match error {
            BadRequest::TooManyEvents => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Bad(error) => error.into(),
            Refusal::OtherDestination => other_destination(),
            Refusal::ResponseTooLarge => {
                let message = "what is to be echoed would make the response too long";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "response_too_large", message)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Problem<'a> {
            code: &'a str,
            error: &'a str,
        }
        let body = Problem {
            code: self.code,
            error: &self.message,
        };
        tracing::warn!(status = self.status.as_u16(), code = self.code, "request refused");
        let mut response = json(self.status, serde_json::to_vec(&body).unwrap_or_default());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let after = HeaderValue::from_static(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Basic realm=\"rudder-intercom\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        body.into(),
    )
        .into_response()
}

pub(crate) fn other_destination() -> Problem {
    let message = "this service is for the destination type intercom_v2 only";
    Problem::new(StatusCode::BAD_REQUEST, "other_destination", message)
}

/// Answers 500 where a handler panics, and keeps the connection.
pub(crate) fn catch_panics() -> CatchPanicLayer<Panicked> {
    CatchPanicLayer::custom(Panicked)
}

/// Answers a request that has met a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

impl ResponseForPanic for Panicked {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send>) -> Response {
        tracing::error!("a request met a fault of this program");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "a fault of this program").into_response()
    }
}
