//! What the SDKs ask for, and what the response is.

use crate::support::{Bench, error, response, settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use rudder_gateway::store::StoreSettings;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn identify(user: &str, email: &str) -> Value {
    json!({"type": "identify", "userId": user, "traits": {"email": email}})
}

fn emails(bench: &Bench) -> Vec<String> {
    let mut state = Vec::new();
    bench.sandbox.write_state(&mut state).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let contacts = state["contacts"].as_array().unwrap();
    contacts
        .iter()
        .map(|contact| contact["email"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_call_arrives() {
    let bench = Bench::new().await;
    let traits = json!({"name": "Ann", "email": "ann@example.com"});
    for (path, body) in [
        ("/v1/identify", json!({"userId": "ann", "context": {"traits": traits}})),
        (
            "/v1/track",
            json!({"userId": "ann", "event": "Order Completed", "properties": {"total": 3}}),
        ),
        (
            "/v1/group",
            json!({"userId": "ann", "groupId": "g1", "traits": {"name": "Group"}}),
        ),
        ("/v1/page", json!({"userId": "ann", "name": "Home"})),
        ("/v1/screen", json!({"userId": "ann", "name": "Home"})),
        ("/v1/alias", json!({"userId": "ann", "previousId": "x"})),
        ("/v1/batch", json!({"batch": [identify("bob", "bob@example.com")]})),
    ] {
        assert_eq!(
            bench.send(path, &body).await,
            (200.try_into().unwrap(), "OK".into()),
            "{path}"
        );
    }
    bench.drained().await;
    assert_eq!(emails(&bench), ["ann@example.com", "bob@example.com"]);
    let state = serde_json::to_value(bench.sandbox.state()).unwrap();
    assert_eq!(state["events"][0]["event_name"], "Order Completed");
    assert_eq!(state["companies"][0]["company_id"], "g1");
    // What Intercom does not take is counted, and not kept.
    let stats = bench.get("/api/stats").await;
    assert_eq!(stats["codes"][0]["code"], "unsupported_event_type");
    assert_eq!(stats["codes"][0]["count"], 3);
    assert_eq!(stats["queue"]["dead_letters"], 0);
    bench.stop().await;
}

#[tokio::test]
async fn bodies_come_as_sdks_send_them() {
    let bench = Bench::new().await;
    let batch = |user: &str| json!({"batch": [identify(user, &format!("{user}@example.com"))]}).to_string();
    // The Node SDK.
    let node = bench
        .client
        .post(format!("{}/v1/batch", bench.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-encoding", "gzip")
        .header("authorization", "Basic V0s6")
        .body(gzip(&batch("node")));
    assert_eq!(response(node).await.0, 200);
    // A browser that leaves the page.
    let beacon = bench
        .client
        .post(format!("{}/beacon/v1/batch?writeKey=WK", bench.url))
        .header("content-type", "text/plain;charset=UTF-8")
        .body(batch("beacon"));
    assert_eq!(response(beacon).await.0, 200);
    bench.drained().await;
    assert_eq!(emails(&bench), ["node@example.com", "beacon@example.com"]);
    bench.stop().await;
}

#[tokio::test]
async fn a_request_may_be_as_long_as_all_requests_together() {
    let mut settings = settings();
    settings.max_request_bytes = 32 << 20;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    // Decompressed, it may be as long as any.
    let request = bench
        .post("/v1/identify")
        .basic_auth("WK", Some(""))
        .header("content-encoding", "gzip")
        .body(gzip(&identify("ann", "ann@example.com").to_string()));
    assert_eq!(response(request).await, (200.try_into().unwrap(), "OK".into()));
    bench.stop().await;
}

#[tokio::test]
async fn the_browser_sdk_gets_its_settings() {
    let bench = Bench::new().await;
    let url = format!("{}/sourceConfig/?p=npm&v=3.34.1&writeKey=WK", bench.url);
    let config: Value = serde_json::from_str(&response(bench.client.get(url)).await.1).unwrap();
    assert_eq!(config["source"]["enabled"], true);
    assert_eq!(config["source"]["destinations"], json!([]));
    let wrong = bench
        .client
        .get(format!("{}/sourceConfig/", bench.url))
        .basic_auth("X", Some(""));
    assert_eq!(response(wrong).await.0, 401);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let mut settings = settings();
    settings.max_event_bytes = 200;
    settings.max_request_bytes = 1_000;
    settings.max_request_events = 4;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    let long = "x".repeat(300);
    for (path, body, status, code, field) in [
        ("/v1/batch", "{\"batch\":[{},", 400, "invalid_json", ""),
        ("/v1/batch", "{\"events\":[]}", 400, "missing_batch", "/batch"),
        (
            "/v1/batch",
            "{\"batch\":[{\"userId\":1},[]]}",
            400,
            "invalid_event",
            "/batch/1",
        ),
        ("/v1/track", "7", 400, "not_an_object", ""),
        ("/v1/track", "{\"userId\":\" \"}", 400, "missing_identity", ""),
        (
            "/v1/batch",
            "{\"batch\":[{\"anonymousId\":\"a\"},{}]}",
            400,
            "missing_identity",
            "/batch/1",
        ),
        (
            "/v1/batch",
            "{\"batch\":[{},{},{},{},{}]}",
            413,
            "batch_too_large",
            "/batch",
        ),
        (
            "/v1/batch",
            &format!("{{\"batch\":[{{\"a\":\"{long}\"}}]}}"),
            413,
            "event_too_large",
            "/batch/0",
        ),
        (
            "/v1/track",
            &format!("{{\"a\":\"{}\"}}", "x".repeat(1_000)),
            413,
            "request_too_large",
            "",
        ),
        ("/v1/record", "{}", 404, "not_found", ""),
        ("/v1/Track", "{}", 404, "not_found", ""),
    ] {
        let request = bench.post(path).basic_auth("WK", Some("")).body(body.to_owned());
        let (found, response) = response(request).await;
        assert_eq!(found, status, "{path} {response}");
        assert_eq!(error(&response), (code.into(), field.into()), "{path}");
    }
    for (encoding, body, status, code) in [
        ("gzip", b"no gzip".to_vec(), 400, "invalid_gzip"),
        ("gzip", gzip(&"x".repeat(2_000)), 413, "request_too_large"),
        ("br", Vec::new(), 415, "unsupported_encoding"),
        ("identity", vec![b'"', 0xFF, b'"'], 400, "invalid_utf8"),
    ] {
        let request = bench
            .post("/v1/track")
            .basic_auth("WK", Some(""))
            .header("content-encoding", encoding);
        let (found, response) = response(request.body(body)).await;
        assert_eq!((found.as_u16(), error(&response).0.as_str()), (status, code));
    }
    for key in ["", "wk", "WKWK"] {
        let (status, body) = response(bench.post("/v1/track").basic_auth(key, Some("")).body("{}")).await;
        assert_eq!((status.as_u16(), error(&body).0.as_str()), (401, "invalid_write_key"));
    }
    assert_eq!(bench.queue().status().unwrap().events, 0);
    bench.stop().await;
}

#[tokio::test]
async fn every_error_is_json() {
    let bench = Bench::new().await;
    for (path, status, code) in [
        ("/v1/identify", 405, "wrong_method"),
        ("/api/preview", 405, "wrong_method"),
        ("/api/stats?minutes=x", 400, "invalid_query"),
        ("/api/dead-letters?before=x", 400, "invalid_query"),
        ("/api/dead-letters/x", 400, "invalid_id"),
        ("/api/dead-letters/1", 404, "not_found"),
    ] {
        let (found, body) = response(bench.client.get(format!("{}{path}", bench.url))).await;
        assert_eq!(
            (found.as_u16(), error(&body)),
            (status, (code.into(), String::new())),
            "{path}"
        );
    }
    let page = bench.post("/page.js").header("origin", "https://shop.example.com");
    let response = page.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET,HEAD".parse().unwrap())
    );
    // The pages that send events can read it too.
    let url = format!("{}/v1/identify", bench.url);
    let response = bench
        .client
        .get(url)
        .header("origin", "https://shop.example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://shop.example.com"
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_full_store_says_when_to_come_again() {
    let mut settings = settings();
    settings.retry_after = Duration::from_secs(7);
    let mut store = StoreSettings::new();
    store.bounds.events = 0;
    let bench = Bench::with(settings, store).await;
    let event = r#"{"anonymousId":"a"}"#;
    let request = bench.post("/v1/track").basic_auth("WK", Some("")).body(event);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(error(&response.text().await.unwrap()).0, "too_many_events");
    bench.stop().await;
}

/// Events as they are in the queue, where a token that is refused keeps them.
async fn kept(bench: &Bench) -> Vec<Value> {
    let pending = bench.queue().pending(0, 100).unwrap();
    pending
        .iter()
        .map(|event| serde_json::from_str(&event.body).unwrap())
        .collect()
}

fn refuse(bench: &Bench) {
    bench
        .sandbox
        .with(|sandbox| sandbox.set_token(Some("another".to_owned())));
}

#[tokio::test]
async fn events_are_completed_before_they_are_kept() {
    let mut settings = settings();
    settings.trust_forwarded_for = true;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    refuse(&bench);
    let sent = json!({
        "batch": [
            {"type": "identify", "userId": "ann", "context": {"library": {"name": "own"}}, "request_ip": "198.51.100.1",
             "originalTimestamp": "2026-01-01T00:00:00.000Z", "sentAt": "2026-01-01T00:00:30.000Z"},
            {"type": "track", "userId": "ann", "event": "Looked", "messageId": "m-1", "receivedAt": "2026-01-01T00:00:00Z"},
        ],
        "context": {"library": {"name": "batch"}, "locale": "de"},
    });
    let forwarded = |address: &str| {
        let request = bench.post("/v1/batch").basic_auth("WK", Some(""));
        request.header("x-forwarded-for", address).body(sent.to_string())
    };
    assert_eq!(response(forwarded("203.0.113.9, 10.0.0.1")).await.0, 200);
    assert_eq!(
        bench
            .send("/v1/track", &json!({"userId": "ann", "event": "Bought"}))
            .await
            .0,
        200
    );
    let events = kept(&bench).await;
    assert_eq!(
        events[0]["context"],
        json!({"library": {"name": "own"}, "locale": "de"})
    );
    assert_eq!(events[1]["context"], sent["context"]);
    let ips: Vec<_> = events
        .iter()
        .map(|event| event["request_ip"].as_str().unwrap())
        .collect();
    assert_eq!(ips, ["198.51.100.1", "203.0.113.9", "127.0.0.1"]);
    assert_eq!(events[0]["messageId"].as_str().unwrap().len(), 36);
    assert_eq!(events[1]["messageId"], "m-1");
    assert_eq!(events[1]["receivedAt"], "2026-01-01T00:00:00Z");
    assert_eq!(events[2]["type"], "track");
    // Half a minute passed at the sender, whose clock is far behind.
    let time = |name: &str| {
        events[0][name]
            .as_str()
            .unwrap()
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    };
    assert_eq!((time("receivedAt") - time("timestamp")).num_milliseconds(), 30_000);
    bench.stop().await;
}

#[tokio::test]
async fn an_address_is_taken_from_a_header_only_if_that_is_asked_for() {
    let bench = Bench::new().await;
    refuse(&bench);
    // It waits for the token, rather than be rejected.
    let event = r#"{"userId":"a","event":"seen"}"#;
    let request = bench.post("/v1/track").basic_auth("WK", Some("")).body(event);
    assert_eq!(response(request.header("x-forwarded-for", "203.0.113.9")).await.0, 200);
    assert_eq!(kept(&bench).await[0]["request_ip"], "127.0.0.1");
    bench.stop().await;
}

#[tokio::test]
async fn a_repeat_is_acknowledged_and_dropped() {
    let bench = Bench::new().await;
    let event = json!({"messageId": "m-1", "userId": "ann", "traits": {"email": "ann@example.com"}});
    for _ in 0..2 {
        assert_eq!(
            bench.send("/v1/identify", &event).await,
            (200.try_into().unwrap(), "OK".into())
        );
    }
    bench.drained().await;
    let stats = bench.get("/api/stats").await;
    let sum = |name: &str| -> i64 {
        let minutes = stats["minutes"].as_array().unwrap().iter();
        minutes.map(|minute| minute[name].as_i64().unwrap()).sum()
    };
    assert_eq!((sum("received"), sum("repeated"), sum("delivered")), (1, 1, 1));
    bench.stop().await;
}

#[tokio::test]
async fn bodies_are_json_whatever_their_media_type_says() {
    let bench = Bench::new().await;
    for (n, (media_type, encoding)) in [
        ("application/json;charset=UTF-8", None),
        ("text/plain;charset=UTF-8", Some("gzip")),
        ("application/octet-stream", Some("x-gzip")),
        ("nonsense", Some("identity")),
        ("multipart/form-data; boundary=x", None),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"batch": [identify(&format!("u{n}"), &format!("u{n}@example.com"))]}).to_string();
        let mut request = bench
            .client
            .post(format!("{}/v1/batch", bench.url))
            .basic_auth("WK", Some(""))
            .header("content-type", media_type);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let body = match encoding {
            Some("gzip" | "x-gzip") => gzip(&body),
            _ => body.into_bytes(),
        };
        assert_eq!(response(request.body(body)).await.0, 200, "{media_type}");
    }
    bench.drained().await;
    assert_eq!(emails(&bench).len(), 5);
    bench.stop().await;
}

#[tokio::test]
async fn a_queue_that_is_too_far_behind_takes_no_more() {
    let mut store = StoreSettings::new();
    store.bounds.age = Some(Duration::ZERO);
    let bench = Bench::with(settings(), store).await;
    refuse(&bench);
    assert_eq!(bench.send("/v1/track", &json!({"userId": "ann"})).await.0, 200);
    // As soon as a millisecond has passed.
    let response = loop {
        let (status, body) = bench.send("/v1/track", &json!({"userId": "ann"})).await;
        if status != 200 {
            assert_eq!(status, 503);
            break error(&body).0;
        }
    };
    assert_eq!(response, "too_far_behind");
    bench.stop().await;
}
