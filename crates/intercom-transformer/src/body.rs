//! The bodies of requests: what they may be, and how long.

use crate::problem::Problem;
use crate::protocol::{COMPACTED, CONTENT_FORMAT_HEADER};
use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};

pub(crate) fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(crate) fn too_large(limit: usize) -> Problem {
    let message = format!("the body is longer than {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// Reads a body of so many bytes at most.
pub(crate) async fn read_body(body: Body, limit: usize, expected: Option<usize>) -> Result<Bytes, Problem> {
    let mut body = Limited::new(body, limit);
    let mut whole: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => too_large(limit),
            None => Problem::new(
                StatusCode::BAD_REQUEST,
                "body_interrupted",
                "the body did not arrive whole",
            ),
        })?;
        if let Ok(data) = frame.into_data() {
            if whole.is_empty() {
                if body.is_end_stream() {
                    // All of it came at once.
                    return Ok(data);
                }
                // What is promised is not reserved before it begins to come.
                whole.reserve(expected.unwrap_or(0).clamp(data.len(), 1 << 20));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.into())
}

/// Refuses bodies that are not what they are read as.
pub(crate) fn check_format(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.to_str().unwrap_or("?").trim())
    };
    let unsupported = |code, message: &str| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message));
    if let Some(content_type) = text(header::CONTENT_TYPE.as_str())
        && !is_json(content_type)
    {
        return unsupported(
            "unsupported_content_type",
            "the content type is not application/json in UTF-8",
        );
    }
    match text(header::CONTENT_ENCODING.as_str()) {
        None | Some("" | "identity") => {}
        Some(_) => return unsupported("unsupported_content_encoding", "the body is compressed"),
    }
    match text(CONTENT_FORMAT_HEADER) {
        None | Some("" | "json") => Ok(()),
        Some(format) if format.eq_ignore_ascii_case(COMPACTED) => Ok(()),
        Some(_) => unsupported(
            "unsupported_content_format",
            "the only compacted form known is json+compactedv1",
        ),
    }
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json = essence.eq_ignore_ascii_case("application/json");
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                matches!(
                    value.trim().trim_matches('"').to_ascii_lowercase().as_str(),
                    "utf-8" | "utf8"
                )
            }
            _ => true,
        })
}
