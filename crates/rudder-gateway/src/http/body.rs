//! Reading the body of a request, within bounds of size, memory and time.
//!
//! The media type is passed over: SDKs send JSON as `application/json`, `text/plain` (beacons) and
//! `application/x-www-form-urlencoded` (the Node SDK, compressed).

use super::app::{App, STEP};
use super::memory::{Busy, Share};
use super::response::Fault;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// Up to this length, a body is short: it takes next to no time.
const SHORT: usize = 64 << 10;
/// How long a long body waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The text of a body, and the memory that is set aside for it.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) share: Share,
    /// Few long bodies are worked on at a time, so that others have memory and time.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

impl From<Busy> for Fault {
    fn from(_: Busy) -> Self {
        Self::new(503, "busy", "too many requests at a time").retry_after(Duration::from_secs(1))
    }
}

/// Reads a body, compressed or not. `key` says whose it is.
pub(super) async fn read(app: &App, key: u64, headers: &HeaderMap, body: Body) -> Result<Text, Fault> {
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
    let share = app.memory.share(key);
    let reading = timeout(app.settings.request_timeout, receive(body, limit, &share));
    let mut body = tokio::select! {
        body = reading => body.map_err(|_| Fault::new(408, "timeout", "the body took too long to come in"))??,
        busy = share.turned_away() => return Err(busy.into()),
    };
    share.has_come();
    let mut short = None;
    if is_compressed {
        short =
            Some(decompress(&body, SHORT.min(limit), &share).await).filter(|text| !matches!(text, Err(Unzip::TooLong)));
    }
    let is_long = body.len() > SHORT || is_compressed && short.is_none();
    let turn = if is_long {
        let turn = timeout(PATIENCE, Arc::clone(&app.long_bodies).acquire_owned()).await;
        Some(turn.map_err(|_| Busy)?.map_err(|_| Busy)?)
    } else {
        None
    };
    if is_compressed {
        let text = match short {
            Some(text) => text,
            None => decompress(&body, limit, &share).await,
        };
        body = text.map_err(|error| match error {
            Unzip::TooLong => too_large(limit),
            Unzip::Broken => Fault::new(400, "invalid_gzip", "the body is not gzip, or ends too early"),
            Unzip::Busy => Busy.into(),
        })?;
    }
    let text = String::from_utf8(body).map_err(|_| Fault::new(400, "invalid_utf8", "the body is not UTF-8"))?;
    Ok(Text { text, share, turn })
}

/// Why a body cannot be decompressed.
enum Unzip {
    TooLong,
    Broken,
    Busy,
}

async fn receive(body: Body, limit: usize, share: &Share) -> Result<Vec<u8>, Fault> {
    let mut body = Limited::new(body, limit);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large(limit)
            } else {
                Fault::new(400, "broken_body", "the body ends too early")
            }
        })?;
        if let Ok(data) = frame.into_data() {
            // As much again while it grows.
            share.hold((whole.len() + data.len()) * 2).await?;
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

async fn decompress(body: &[u8], limit: usize, share: &Share) -> Result<Vec<u8>, Unzip> {
    let mut decoder = MultiGzDecoder::new(body);
    let mut text = Vec::new();
    loop {
        let read = decoder.by_ref().take(STEP as u64).read_to_end(&mut text);
        let read = read.map_err(|_| Unzip::Broken)?;
        if text.len() > limit {
            return Err(Unzip::TooLong);
        }
        if read == 0 {
            return Ok(text);
        }
        share
            .hold(body.len() + 2 * text.len())
            .await
            .map_err(|Busy| Unzip::Busy)?;
        // Others have their turn in between.
        tokio::task::yield_now().await;
    }
}

fn too_large(limit: usize) -> Fault {
    let message = format!("a request may have at most {limit} bytes, before and after decompression");
    Fault::new(413, "request_too_large", message)
}
