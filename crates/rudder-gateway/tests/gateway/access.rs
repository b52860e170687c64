//! Who may send, and who may look at the page.

use crate::support::{Bench, error, response, settings, with_keys};
use rudder_gateway::WriteKeys;
use rudder_gateway::store::StoreSettings;
use serde_json::json;

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
    let bench = Bench::with(with_keys(WriteKeys::Any), StoreSettings::new()).await;
    let body = json!({"batch": [{"type": "identify", "userId": "ann"}]}).to_string();
    for path in ["/v1/batch", "/beacon/v1/batch?writeKey=zz"] {
        for (header, value, code) in [
            ("host", "evil.example", "wrong_host"),
            ("origin", "https://evil.example", "wrong_origin"),
            ("origin", "null", "wrong_origin"),
            ("x-forwarded-for", "192.0.2.1", "proxied"),
        ] {
            let request = bench
                .client
                .post(format!("{}{path}", bench.url))
                .header("content-type", "text/plain")
                .header(header, value)
                .basic_auth("zz", Some(""))
                .body(body.clone());
            let (status, response) = response(request).await;
            assert_eq!(
                (status.as_u16(), error(&response).0.as_str()),
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
    assert_eq!(response(preflight).await.0, 403);
    assert_eq!(bench.get("/api/stats").await["queue"]["events"], 0);
    let request = || bench.post("/v1/batch").basic_auth("zz", Some("")).body(body.clone());
    assert_eq!(response(request()).await.0, 200);
    assert_eq!(
        response(request().header("origin", "http://localhost:3000")).await.0,
        200
    );
    bench.stop().await;
}

#[tokio::test]
async fn the_page_is_for_this_machine_or_with_a_token() {
    let bench = Bench::new().await;
    let stats = format!("{}/api/stats", bench.url);
    assert_eq!(response(bench.client.get(&stats)).await.0, 200);
    // A name that somebody else has pointed at this machine.
    let rebound = bench.client.get(&stats).header("host", "shop.example.com");
    assert_eq!(error(&response(rebound).await.1).0, "wrong_host");
    // A proxy on this machine, which listens for others.
    let proxied = bench.client.get(&stats).header("x-forwarded-host", "shop.example.com");
    let (status, body) = response(proxied).await;
    assert_eq!((status.as_u16(), error(&body).0.as_str()), (403, "proxied"));
    // A form of another web page.
    let form = bench
        .client
        .post(format!("{}/api/dead-letters/drop", bench.url))
        .body("\"all\"");
    assert_eq!(response(form).await.0, 415);
    bench.stop().await;

    let mut elsewhere = settings();
    elsewhere.is_loopback = false;
    let bench = Bench::with(elsewhere, StoreSettings::new()).await;
    let (status, body) = response(bench.client.get(format!("{}/api/stats", bench.url))).await;
    assert_eq!((status.as_u16(), error(&body).0.as_str()), (403, "page_disabled"));
    bench.stop().await;

    let mut settings = settings();
    settings.page_token = Some(rudder_gateway::Secret::new("page-token").unwrap());
    settings.is_loopback = false;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    let stats = format!("{}/api/stats", bench.url);
    assert_eq!(response(bench.client.get(&stats)).await.0, 401);
    assert_eq!(response(bench.client.get(&stats).bearer_auth("page")).await.0, 401);
    assert_eq!(
        response(bench.client.get(&stats).bearer_auth("page-token")).await.0,
        200
    );
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

#[tokio::test]
async fn a_beacon_needs_the_key_too() {
    let bench = Bench::new().await;
    for (query, status) in [("", 401), ("?writeKey=X", 401), ("?a=1&writeKey=WK", 200)] {
        let url = format!("{}/beacon/v1/batch{query}", bench.url);
        let (found, _) = response(bench.client.post(url).body(r#"{"batch":[]}"#)).await;
        assert_eq!(found, status, "{query}");
    }
    bench.stop().await;
}
