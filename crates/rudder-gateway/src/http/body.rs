//! Reading the body of a request, within bounds of size, memory and time.
//!
//! The media type is passed over: SDKs send JSON as `application/json`, `text/plain` (beacons) and
//! `application/x-www-form-urlencoded` (the Node SDK, compressed).

use super::response::Fault;
use super::{App, UNIT};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::io::Read as _;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// How long a request waits for memory.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much is decompressed at a time.
pub(super) const STEP: usize = 64 << 10;

/// The text of a body, and the memory that is set aside for it.
pub(super) struct Text<'a> {
    pub(super) text: String,
    _memory: Memory<'a>,
}

/// Memory that is set aside for a request, as its bytes come: who only announces them takes none.
struct Memory<'a> {
    app: &'a App,
    permit: Option<SemaphorePermit<'a>>,
    units: usize,
}

impl<'a> Memory<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            permit: None,
            units: 0,
        }
    }

    /// Sees to it that so many bytes are set aside.
    async fn hold(&mut self, bytes: usize) -> Result<(), Fault> {
        let more = bytes.div_ceil(UNIT).saturating_sub(self.units);
        if more == 0 {
            return Ok(());
        }
        let units = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(Ok(permit)) = timeout(PATIENCE, self.app.memory.acquire_many(units)).await else {
            return Err(Fault::new(503, "busy", "too many requests at a time").retry_after(Duration::from_secs(1)));
        };
        self.units += more;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }
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
    let mut memory = Memory::new(app);
    let reading = receive(body, limit, is_compressed, &mut memory);
    let Ok(body) = timeout(app.settings.request_timeout, reading).await else {
        return Err(Fault::new(408, "timeout", "the body took too long to come in"));
    };
    let mut body = body?;
    if is_compressed {
        body = decompress(&body, limit, &mut memory).await?;
    }
    let text = String::from_utf8(body).map_err(|_| Fault::new(400, "invalid_utf8", "the body is not UTF-8"))?;
    Ok(Text { text, _memory: memory })
}

async fn receive(body: Body, limit: usize, is_compressed: bool, memory: &mut Memory<'_>) -> Result<Vec<u8>, Fault> {
    // The body and the events that are made of it; of a compressed one, these come later.
    let factor = if is_compressed { 1 } else { 2 };
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
            memory.hold((whole.len() + data.len()) * factor).await?;
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

async fn decompress(body: &[u8], limit: usize, memory: &mut Memory<'_>) -> Result<Vec<u8>, Fault> {
    let mut decoder = MultiGzDecoder::new(body);
    let mut text = Vec::new();
    loop {
        let read = decoder
            .by_ref()
            .take(STEP as u64)
            .read_to_end(&mut text)
            .map_err(|_| Fault::new(400, "invalid_gzip", "the body is not gzip, or ends too early"))?;
        if text.len() > limit {
            return Err(too_large(limit));
        }
        if read == 0 {
            return Ok(text);
        }
        memory.hold(body.len() + 2 * text.len()).await?;
    }
}

fn too_large(limit: usize) -> Fault {
    let message = format!("a request may have at most {limit} bytes, before and after decompression");
    Fault::new(413, "request_too_large", message)
}
