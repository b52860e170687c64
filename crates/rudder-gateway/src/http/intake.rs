//! Takes events in.

use super::response::{Fault, text};
use super::{App, body};
use crate::complete::complete;
use crate::store::Refusal;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use rudderstack_events::request::Endpoint;
use std::net::SocketAddr;
use std::sync::Arc;

type Shared = State<Arc<App>>;
type Peer = ConnectInfo<SocketAddr>;

/// `POST /v1/identify` and its like.
pub(super) async fn one(State(app): Shared, peer: Peer, request: Request) -> Result<Response, Fault> {
    let endpoint = Endpoint::of_path(request.uri().path())
        .ok_or_else(|| Fault::new(404, "not_found", "there is nothing at this path"))?;
    let key = write_key(request.headers())?;
    take_in(&app, peer.0, &key, endpoint, request).await
}

/// `POST /v1/batch`.
pub(super) async fn batch(State(app): Shared, peer: Peer, request: Request) -> Result<Response, Fault> {
    let key = write_key(request.headers())?;
    take_in(&app, peer.0, &key, Endpoint::Batch, request).await
}

/// `POST /beacon/v1/batch`: what a browser sends as it leaves a page has no headers, so the key is in the query.
pub(super) async fn beacon(State(app): Shared, peer: Peer, request: Request) -> Result<Response, Fault> {
    let key = write_key_of_query(request.uri().query()).map_or_else(|| write_key(request.headers()), Ok)?;
    take_in(&app, peer.0, &key, Endpoint::Batch, request).await
}

async fn take_in(
    app: &App,
    peer: SocketAddr,
    key: &str,
    endpoint: Endpoint,
    request: Request,
) -> Result<Response, Fault> {
    authorize(app, key)?;
    let (parts, body) = request.into_parts();
    let body = body::read(app, &parts.headers, body).await?;
    let mut arrival = app.arrival();
    arrival.request_ip = Some(address(app, &parts.headers, peer));
    let events = complete(&body.text, endpoint, &arrival)?;
    match app.store.accept(events).await {
        Ok(_) => Ok(text("text/plain; charset=utf-8", "OK")),
        Err(refusal) => Err(refused(app, refusal)),
    }
}

fn refused(app: &App, refusal: Refusal) -> Fault {
    let message = match refusal {
        Refusal::TooManyEvents | Refusal::TooManyBytes => "the queue is full",
        Refusal::TooFarBehind => "the queue is too far behind",
        Refusal::StoreFailed => "the event store cannot be written",
    };
    Fault::new(503, refusal.code(), message).retry_after(app.settings.retry_after)
}

pub(super) fn authorize(app: &App, key: &str) -> Result<(), Fault> {
    if app.settings.write_keys.accept(key) {
        Ok(())
    } else {
        Err(Fault::new(
            401,
            "invalid_write_key",
            "the write key is not one of this gateway's",
        ))
    }
}

/// The user name of basic authentication.
pub(super) fn write_key(headers: &HeaderMap) -> Result<String, Fault> {
    let missing = || {
        let message = "the write key is missing: send it as the user name of basic authentication";
        Fault::new(401, "missing_write_key", message)
    };
    http_access::basic(headers).map(|(name, _)| name).ok_or_else(missing)
}

/// The parameter `writeKey`. Keys are letters and digits, which need no decoding.
pub(super) fn write_key_of_query(query: Option<&str>) -> Option<String> {
    query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("writeKey="))
        .map(str::to_owned)
}

fn address(app: &App, headers: &HeaderMap, peer: SocketAddr) -> String {
    let forwarded = headers
        .get("x-forwarded-for")
        .filter(|_| app.settings.trust_forwarded_for);
    forwarded
        .and_then(|value| value.to_str().ok()?.split(',').next())
        .map(str::trim)
        .filter(|address| address.parse::<std::net::IpAddr>().is_ok())
        .map_or_else(|| peer.ip().to_canonical().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    #[test]
    fn the_write_key_is_the_user_name() {
        let key = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            write_key(&headers).ok()
        };
        assert_eq!(key("Basic V0s6").as_deref(), Some("WK"));
        assert_eq!(key("basic V0s6c2VjcmV0").as_deref(), Some("WK"));
        assert_eq!(key("Basic V0s=").as_deref(), Some("WK"));
        for value in ["Bearer V0s6", "Basic", "Basic %%%"] {
            assert_eq!(key(value), None, "{value}");
        }
        assert!(write_key(&HeaderMap::new()).is_err());
        assert_eq!(write_key_of_query(Some("a=1&writeKey=WK")).as_deref(), Some("WK"));
        assert_eq!(write_key_of_query(Some("awriteKey=WK")), None);
    }
}
