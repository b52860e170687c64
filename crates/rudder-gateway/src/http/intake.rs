//! Takes events in.

use super::body::Text;
use super::memory::Share;
use super::response::{Fault, text};
use super::{App, body};
use crate::complete::complete;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use event_store::{CompleteEvent, Condition, Refusal, Store};
use rudderstack_events::request::{Arrival, Endpoint, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::xxh3_64;

type Shared = State<Arc<App>>;
type Peer = ConnectInfo<SocketAddr>;

/// `POST /v1/identify` and its like.
pub(super) async fn one(State(app): Shared, peer: Peer, request: axum::extract::Request) -> Result<Response, Fault> {
    let endpoint = Endpoint::of_path(request.uri().path())
        .ok_or_else(|| Fault::new(404, "not_found", "there is nothing at this path"))?;
    let key = write_key(request.headers());
    let Endpoint::Event(kind) = endpoint else {
        return Err(Fault::new(404, "not_found", "there is nothing at this path"));
    };
    take_in(&app, peer.0, key, endpoint, kind.as_str(), request).await
}

/// `POST /v1/batch`.
pub(super) async fn batch(State(app): Shared, peer: Peer, request: axum::extract::Request) -> Result<Response, Fault> {
    let key = write_key(request.headers());
    take_in(&app, peer.0, key, Endpoint::Batch, "batch", request).await
}

/// `POST /beacon/v1/batch`: what a browser sends as it leaves a page has no headers, so the key is in the query.
pub(super) async fn beacon(State(app): Shared, peer: Peer, request: axum::extract::Request) -> Result<Response, Fault> {
    let key = write_key_of_query(request.uri().query()).map_or_else(|| write_key(request.headers()), Ok);
    take_in(&app, peer.0, key, Endpoint::Batch, "beacon", request).await
}

async fn take_in(
    app: &App,
    peer: SocketAddr,
    key: Result<String, Fault>,
    endpoint: Endpoint,
    route: &'static str,
    request: axum::extract::Request,
) -> Result<Response, Fault> {
    let taken = match key {
        Ok(key) => store(app, peer, &key, endpoint, request).await,
        Err(fault) => Err(fault),
    };
    let outcome = taken.as_ref().err().map_or("accepted", Fault::code);
    app.monitor().metrics.request(route, outcome);
    taken
}

async fn store(
    app: &App,
    peer: SocketAddr,
    key: &str,
    endpoint: Endpoint,
    request: axum::extract::Request,
) -> Result<Response, Fault> {
    authorize(app, key)?;
    let (parts, body) = request.into_parts();
    let body = body::read(app, xxh3_64(key.as_bytes()), &parts.headers, body).await?;
    let mut arrival = app.arrival();
    arrival.needs_identity = true;
    arrival.request_ip = Some(address(app, &parts.headers, peer));
    let key = key.to_owned();
    let (events, _share) = if body.turn.is_none() {
        events_of(&app.store, body, &key, endpoint, &arrival).await?
    } else {
        // Away from the threads that serve requests.
        let (runtime, store) = (Handle::current(), app.store.clone());
        let made = spawn_blocking(move || runtime.block_on(events_of(&store, body, &key, endpoint, &arrival)));
        made.await
            .map_err(|_| Fault::new(500, "internal", "a fault of this program"))??
    };
    let accepted = app.store.accept(events).await;
    app.monitor().stored(accepted.err());
    let accepted = accepted.map_err(|refusal| refused(app, refusal))?;
    let metrics = &app.monitor().metrics;
    metrics.events("received", accepted.stored);
    metrics.events("repeated", accepted.repeated);
    Ok(text("text/plain; charset=utf-8", "OK"))
}

/// Takes a body apart. The memory that the events take is set aside before they are made, and stays so.
async fn events_of(
    store: &Store,
    body: Text,
    key: &str,
    endpoint: Endpoint,
    arrival: &Arrival,
) -> Result<(Vec<CompleteEvent>, Share), Fault> {
    let Text {
        text,
        share,
        turn: _turn,
    } = body;
    let request = Request::receive(&text, endpoint, arrival)?;
    let longest = arrival.max_total_bytes.saturating_add(arrival.max_event_bytes);
    share.hold(text.len() + request.most_bytes().min(longest)).await?;
    let events = complete(&request, key, arrival, |event, json| store.trace(event, json))?;
    Ok((events, share))
}

fn refused(app: &App, refusal: Refusal) -> Fault {
    let message = match refusal {
        Refusal::TooManyEvents | Refusal::TooManyBytes => "the queue is full",
        Refusal::TooFarBehind => "the queue is too far behind",
        Refusal::StoreFailed => Condition::StoreFailed.meaning(),
        Refusal::DiskFull => Condition::DiskFull.meaning(),
        Refusal::StoreGone => Condition::StoreGone.meaning(),
        Refusal::StoreCorrupt => Condition::StoreCorrupt.meaning(),
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
