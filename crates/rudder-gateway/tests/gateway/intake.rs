//! What the SDKs ask for, and what they are answered.

use crate::support::{Bench, answer, error, settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use rudder_gateway::{Settings, StoreSettings, WriteKeys};
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
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
    assert_eq!(answer(node).await.0, 200);
    // A browser that leaves the page.
    let beacon = bench
        .client
        .post(format!("{}/beacon/v1/batch?writeKey=WK", bench.url))
        .header("content-type", "text/plain;charset=UTF-8")
        .body(batch("beacon"));
    assert_eq!(answer(beacon).await.0, 200);
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
    assert_eq!(answer(request).await, (200.try_into().unwrap(), "OK".into()));
    bench.stop().await;
}

#[tokio::test]
async fn web_pages_of_any_origin_may_send() {
    let bench = Bench::new().await;
    let origin = "https://shop.example.com";
    let preflight = bench
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/v1/track", bench.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "anonymousid,authorization,content-type,sentat",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    let header = |name: &str| preflight.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), origin);
    assert_eq!(
        header("access-control-allow-headers"),
        "anonymousid,authorization,content-type,sentat"
    );
    assert!(header("access-control-allow-methods").contains("POST"));
    // An error must be readable too.
    let refused = bench.post("/v1/track").header("origin", origin).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], origin);
    // The page's API is for the page only.
    let api = bench
        .client
        .get(format!("{}/api/stats", bench.url))
        .header("origin", origin);
    assert!(
        !api.send()
            .await
            .unwrap()
            .headers()
            .contains_key("access-control-allow-origin")
    );
    bench.stop().await;
}

#[tokio::test]
async fn without_write_keys_only_this_machine_may_send() {
    let bench = Bench::with(Settings::new(WriteKeys::Any), StoreSettings::new()).await;
    let body = json!({"batch": [identify("ann", "ann@example.com")]}).to_string();
    for path in ["/v1/batch", "/beacon/v1/batch?writeKey=zz"] {
        for (header, value, code) in [
            ("host", "evil.example", "wrong_host"),
            ("origin", "https://evil.example", "wrong_origin"),
            ("origin", "null", "wrong_origin"),
        ] {
            let request = bench
                .client
                .post(format!("{}{path}", bench.url))
                .header("content-type", "text/plain")
                .header(header, value)
                .basic_auth("zz", Some(""))
                .body(body.clone());
            let (status, answer) = answer(request).await;
            assert_eq!(
                (status.as_u16(), error(&answer).0.as_str()),
                (403, code),
                "{path} {value}"
            );
        }
    }
    // No preflight either, so that nothing comes after it.
    let preflight = bench
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/v1/track", bench.url))
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    assert_eq!(answer(preflight).await.0, 403);
    assert_eq!(bench.get("/api/stats").await["queue"]["events"], 0);
    let request = || bench.post("/v1/batch").basic_auth("zz", Some("")).body(body.clone());
    assert_eq!(answer(request()).await.0, 200);
    assert_eq!(answer(request().header("origin", "http://localhost:3000")).await.0, 200);
    bench.stop().await;
}

#[tokio::test]
async fn the_browser_sdk_gets_its_settings() {
    let bench = Bench::new().await;
    let url = format!("{}/sourceConfig/?p=npm&v=3.34.1&writeKey=WK", bench.url);
    let config: Value = serde_json::from_str(&answer(bench.client.get(url)).await.1).unwrap();
    assert_eq!(config["source"]["enabled"], true);
    assert_eq!(config["source"]["destinations"], json!([]));
    let wrong = bench
        .client
        .get(format!("{}/sourceConfig/", bench.url))
        .basic_auth("X", Some(""));
    assert_eq!(answer(wrong).await.0, 401);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let mut settings = settings();
    settings.max_event_bytes = 200;
    settings.max_request_bytes = 1_000;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    let long = "x".repeat(300);
    for (path, body, status, code, field) in [
        ("/v1/batch", "{\"batch\":[{},", 400, "invalid_json", ""),
        ("/v1/batch", "{\"events\":[]}", 400, "missing_batch", "/batch"),
        ("/v1/batch", "{\"batch\":[{},[]]}", 400, "invalid_event", "/batch/1"),
        ("/v1/track", "7", 400, "not_an_object", ""),
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
        let (found, answer) = answer(request).await;
        assert_eq!(found, status, "{path} {answer}");
        assert_eq!(error(&answer), (code.into(), field.into()), "{path}");
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
        let (found, answer) = answer(request.body(body)).await;
        assert_eq!((found.as_u16(), error(&answer).0.as_str()), (status, code));
    }
    for key in ["", "wk", "WKWK"] {
        let (status, body) = answer(bench.post("/v1/track").basic_auth(key, Some("")).body("{}")).await;
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
        ("/nowhere", 404, "not_found"),
    ] {
        let (found, body) = answer(bench.client.get(format!("{}{path}", bench.url))).await;
        assert_eq!(
            (found.as_u16(), error(&body)),
            (status, (code.into(), String::new())),
            "{path}"
        );
    }
    let page = bench.post("/health").header("origin", "https://shop.example.com");
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
async fn a_request_that_does_not_end_does_not_keep_the_gateway() {
    let mut settings = settings();
    settings.shutdown_timeout = Duration::from_millis(1);
    let bench = Bench::with(settings, StoreSettings::new()).await;
    let mut stream = TcpStream::connect(bench.url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"POST /v1/track HTTP/1.1\r\nHost: ").unwrap();
    // Connections are taken in the order in which they come, so the other one has been taken as well.
    bench.send("/v1/identify", &identify("ann", "ann@example.com")).await;
    let stopped = tokio::time::timeout(Duration::from_secs(60), bench.stop()).await;
    assert!(stopped.is_ok(), "it never ends");
}

#[tokio::test]
async fn a_full_store_says_when_to_come_again() {
    let mut settings = settings();
    settings.retry_after = Duration::from_secs(7);
    let mut store = StoreSettings::new();
    store.bounds.events = 0;
    let bench = Bench::with(settings, store).await;
    let request = bench.post("/v1/track").basic_auth("WK", Some("")).body("{}");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(error(&response.text().await.unwrap()).0, "too_many_events");
    bench.stop().await;
}

#[tokio::test]
async fn the_page_is_for_this_machine_or_with_a_token() {
    let bench = Bench::new().await;
    let stats = format!("{}/api/stats", bench.url);
    assert_eq!(answer(bench.client.get(&stats)).await.0, 200);
    // A name that somebody else has pointed at this machine.
    let rebound = bench.client.get(&stats).header("host", "shop.example.com");
    assert_eq!(error(&answer(rebound).await.1).0, "wrong_host");
    // A form of another web page.
    let form = bench
        .client
        .post(format!("{}/api/dead-letters/drop", bench.url))
        .body("\"all\"");
    assert_eq!(answer(form).await.0, 415);
    bench.stop().await;

    let mut settings = settings();
    settings.page_token = Some(rudder_gateway::Secret::new("page-token").unwrap());
    let bench = Bench::with(settings, StoreSettings::new()).await;
    let stats = format!("{}/api/stats", bench.url);
    assert_eq!(answer(bench.client.get(&stats)).await.0, 401);
    assert_eq!(answer(bench.client.get(&stats).bearer_auth("page")).await.0, 401);
    assert_eq!(answer(bench.client.get(&stats).bearer_auth("page-token")).await.0, 200);
    // The page itself holds nothing that is secret, and asks for the token.
    let page = bench.client.get(&bench.url).send().await.unwrap();
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    bench.stop().await;
}
