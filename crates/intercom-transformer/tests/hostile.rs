//! Hostile requests: whatever comes, the response is JSON, and it is no fault of ours.
//!
//! `PROPTEST_CASES=100000 cargo test -p intercom-transformer --test hostile` tries as many.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use std::time::Duration;
use support::{NOBODY, ask, service};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static ROUTER: LazyLock<Router> = LazyLock::new(|| service(NOBODY).router());

const PATHS: &[&str] = &[
    "/routerTransform",
    "/routerTransform",
    "/routerTransform",
    "/v0/destinations/intercom_v2/proxy",
    "/v1/destinations/intercom_v2/proxy",
    "/v1/destinations/other/proxy",
    "/v0/destinations/intercom_v2",
    "/deleteUsers",
    "/features",
    "/v0/%ff/%00",
];

/// The words of the protocol: what is made of them gets further than what is not.
const KEYS: &[&str] = &[
    "input",
    "message",
    "metadata",
    "destination",
    "destinations",
    "connections",
    "destType",
    "Config",
    "apiServer",
    "secret",
    "accessToken",
    "jobId",
    "destinationId",
    "workspaceId",
    "type",
    "event",
    "userId",
    "anonymousId",
    "traits",
    "context",
    "properties",
    "integrations",
    "INTERCOM_V2",
    "lookup",
    "company",
    "remove",
    "id",
    "email",
    "groupId",
    "tags",
    "identifiers",
    "fields",
    "action",
    "endpoint",
    "method",
    "headers",
    "params",
    "body",
    "JSON",
    "Authorization",
    "userAttributes",
    "config",
    "\u{0}",
    "",
];
const TEXTS: &[&str] = &[
    "intercom_v2",
    "identify",
    "track",
    "group",
    "record",
    "page",
    "insert",
    "delete",
    "email",
    "external_id",
    "userId",
    "a@b.c",
    "Europe",
    "token",
    "Bearer token",
    "POST",
    "PUT",
    "https://api.intercom.io/contacts",
    "https://api.intercom.io/contacts/5",
    "http://[::1",
    "2026-11-22T10:12:44Z",
    "\u{1f600}\"\\\n",
    "",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(TEXTS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((select(KEYS), inner), 0..6).prop_map(object),
        ]
    })
}

fn object(entries: Vec<(&str, Value)>) -> Value {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

/// A request whose outer form is right.
fn request() -> impl Strategy<Value = Value> {
    let message = prop::collection::vec((select(KEYS), value()), 0..8).prop_map(object);
    let metadata = prop_oneof![
        Just(json!({"jobId": 9_007_199_254_740_993_u64, "destinationId": "d", "secret": {"accessToken": "token"}})),
        value(),
    ];
    let destination = prop_oneof![Just(json!({"Config": {}})), value()];
    let event = (message, metadata, destination).prop_map(
        |(message, metadata, destination)| json!({"message": message, "metadata": metadata, "destination": destination}),
    );
    let event = prop_oneof![4 => event, 1 => value()];
    prop::collection::vec(event, 0..6).prop_map(|events| json!({"input": events, "destType": "intercom_v2"}))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let text = |value: Value| value.to_string().into_bytes();
    let cut = (request(), any::<prop::sample::Index>(), any::<u8>()).prop_map(move |(value, at, byte)| {
        let mut body = text(value);
        let at = at.index(body.len());
        if byte < 128 {
            body.truncate(at);
        } else {
            body[at] = byte;
        }
        body
    });
    prop_oneof![
        4 => request().prop_map(text),
        2 => value().prop_map(text),
        2 => cut,
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => (1..5000_usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
        1 => (1..5000_usize).prop_map(|depth| {
            let deep = format!("{}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            format!(r#"{{"input":[{{"message":{{"type":"track","properties":{deep}}},"metadata":{deep}}}]}}"#).into_bytes()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_in_json(
        path in select(PATHS),
        secret in proptest::option::of(select(&["", "{}", r#"{"accessToken":"t"}"#, "x", "[]"][..])),
        info in proptest::option::of(select(&["", "{}", r#"{"secret":{"accessToken":"t"}}"#][..])),
        body in body(),
    ) {
        let mut request = Request::post(path).header("content-type", "application/json");
        if let Some(secret) = secret {
            request = request.header("oauth-secret", secret);
        }
        if let Some(info) = info {
            request = request.header("x-rudder-dest-info", info);
        }
        let request = request.body(Body::from(body.clone())).unwrap();
        // So that a hang fails, rather than hangs.
        let response = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(120), ask(&ROUTER, request)).await });
        let response = response.expect("a response");
        let status = response.status.as_u16();
        prop_assert_eq!(&response.headers["apiversion"], "2");
        let json = response.json();
        // A job without token or connection is to be retried, and these two say so by their own status.
        let may_fail = path.starts_with("/v0/destinations/intercom_v2/proxy") || path == "/deleteUsers";
        prop_assert!(status < 500 || status == 500 && may_fail && json.get("code").is_none(), "{} {}", status, json);
        if path == "/routerTransform" {
            prop_assert!(status != 404);
            let sent: Option<Value> = serde_json::from_slice(&body).ok();
            if let (200, Some(events)) = (status, sent.as_ref().and_then(|sent| sent["input"].as_array())) {
                let output = json["output"].as_array().map_or(0, Vec::len);
                prop_assert_eq!(output, events.len().max(1));
            }
        }
    }
}
