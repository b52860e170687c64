//! Reading the body of a request, within bounds of size, memory and time.
//!
//! The media type is passed over: SDKs send JSON as `application/json`, `text/plain` (beacons) and
//! `application/x-www-form-urlencoded` (the Node SDK, compressed).

use super::answer::Fault;
use super::{App, UNIT};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::io::Read as _;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// How long a request waits for memory.
const PATIENCE: Duration = Duration::from_secs(2);

/// The text of a body, and the memory that is set aside for it.
pub(super) struct Text<'a> {
    pub(super) text: String,
    _memory: SemaphorePermit<'a>,
}

/// Reads a body, compressed or not.
pub(super) async fn read<'a>(app: &'a App, headers: &HeaderMap, body: Body) -> Result<Text<'a>, Fault> {
    let limit = app.settings.max_request_bytes;
    let is_compressed = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(_) => {
            let message = "the body may be compressed with gzip only";
            return Err(Fault::new(415, "unsupported_encoding", message));
        }
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    // The body and the events that are made of it; a compressed one may be as long as any.
    let most = if is_compressed {
        limit
    } else {
        announced.unwrap_or(limit)
    };
    let units = u32::try_from(most.saturating_mul(2) / UNIT + 1).unwrap_or(u32::MAX);
    let Ok(Ok(memory)) = timeout(PATIENCE, app.memory.acquire_many(units)).await else {
        return Err(Fault::new(503, "busy", "too many requests at a time").retry_after(Duration::from_secs(1)));
    };
    let body = match timeout(app.settings.request_timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(limit)),
        Ok(Err(_)) => return Err(Fault::new(400, "broken_body", "the body ends too early")),
        Err(_) => return Err(Fault::new(408, "timeout", "the body took too long to come in")),
    };
    let body = if is_compressed {
        decompress(&body, limit)?
    } else {
        body.into()
    };
    let text = String::from_utf8(body).map_err(|_| Fault::new(400, "invalid_utf8", "the body is not UTF-8"))?;
    Ok(Text { text, _memory: memory })
}

fn decompress(body: &Bytes, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::with_capacity((4 * body.len()).min(limit));
    MultiGzDecoder::new(&body[..])
        .take(limit as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|_| Fault::new(400, "invalid_gzip", "the body is not gzip, or ends too early"))?;
    if text.len() > limit {
        return Err(too_large(limit));
    }
    Ok(text)
}

fn too_large(limit: usize) -> Fault {
    let message = format!("a request may have at most {limit} bytes, before and after decompression");
    Fault::new(413, "request_too_large", message)
}
