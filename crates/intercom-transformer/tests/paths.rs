//! Paths, headers and bodies that are not what they should be.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use intercom_transformer::{Settings, Transformer};
use serde_json::json;
use support::{NOBODY, ask, post, service};

#[tokio::test]
async fn what_operators_ask_for_is_answered() {
    let router = service(NOBODY).router();
    for (path, content_type) in [
        ("/features", "application/json"),
        ("/health", "application/json"),
        ("/transformerBuildVersion", "text/plain"),
        ("/metrics", "application/openmetrics-text"),
    ] {
        let response = ask(&router, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status, StatusCode::OK, "{path}");
        assert!(
            response.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(content_type),
            "{path}"
        );
    }
    let health = ask(&router, Request::get("/health").body(Body::empty()).unwrap())
        .await
        .json();
    assert_eq!(health, json!({"service": "UP", "version": env!("CARGO_PKG_VERSION")}));
}

#[tokio::test]
async fn nothing_below_a_known_path_is_a_404() {
    let router = service(NOBODY).router();
    for (path, status, code) in [
        ("/routerTransform/more", 400, "unknown_path"),
        ("/routertransform", 400, "unknown_path"),
        ("/v0/destinations", 400, "unknown_path"),
        ("/v0/destinations/intercom_v2/proxies", 400, "unknown_path"),
        ("/v1/destinations/intercom_v2", 400, "unknown_path"),
        ("/v2/destinations/intercom_v2/proxy", 404, "not_found"),
        ("/v0/destinations/other", 400, "other_destination"),
        ("/v0/destinations/other/proxy", 400, "other_destination"),
        ("/v1/destinations/other/proxy", 400, "other_destination"),
        ("/features", 405, "method_not_allowed"),
        ("/other", 404, "not_found"),
    ] {
        let response = post(&router, path, "{}").await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (status, code),
            "{path}"
        );
        assert_eq!(response.headers["apiversion"], "2", "{path}");
    }
    let response = ask(&router, Request::get("/routerTransform").body(Body::empty()).unwrap()).await;
    assert_eq!(response.code(), "method_not_allowed");
}

#[tokio::test]
async fn another_destination_type_is_refused() {
    let router = service(NOBODY).router();
    let response = post(&router, "/routerTransform", r#"{"input":[{}],"destType":"other"}"#).await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (400, "other_destination")
    );
    let response = post(&router, "/deleteUsers", r#"[{"destType":"other","userAttributes":[]}]"#).await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (400, "other_destination")
    );
}

#[tokio::test]
async fn bodies_of_another_form_are_refused() {
    let router = service(NOBODY).router();
    for (name, value, code) in [
        ("content-type", "text/plain", "unsupported_content_type"),
        (
            "content-type",
            "application/json; charset=latin1",
            "unsupported_content_type",
        ),
        ("content-encoding", "gzip", "unsupported_content_encoding"),
        ("x-content-format", "json+compactedv9", "unsupported_content_format"),
    ] {
        let request = Request::post("/routerTransform").header(name, value);
        let response = ask(&router, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (415, code),
            "{value}"
        );
    }
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("content-type", "Application/JSON;charset=\"UTF-8\""),
        ("x-content-format", "json+compactedv1"),
    ] {
        let request = Request::post("/routerTransform").header(name, value);
        let response = ask(&router, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(response.status, StatusCode::OK, "{value}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let router = service(NOBODY).router();
    for path in [
        "/routerTransform",
        "/deleteUsers",
        "/v0/destinations/intercom_v2/proxy",
        "/v0/destinations/intercom_v2",
    ] {
        for (body, code) in [
            (&b"{\"input\":["[..], "invalid_json"),
            (&b"\xff"[..], "invalid_utf8"),
            (&b""[..], "invalid_json"),
        ] {
            let response = post(&router, path, body.to_vec()).await;
            assert_eq!(
                (response.status.as_u16(), response.code().as_str()),
                (400, code),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_may_be_so_long_and_no_longer() {
    let mut settings = Settings::new();
    settings.max_body_bytes = 100.try_into().unwrap();
    let router = Transformer::new(settings).unwrap().router();
    let fits = format!("{{}}{}", " ".repeat(98));
    assert_eq!(
        post(&router, "/routerTransform", fits.clone()).await.status,
        StatusCode::OK
    );
    let response = post(&router, "/routerTransform", format!("{fits} ")).await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (413, "body_too_large")
    );
    // The same when the length is not told.
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(fits.clone()), Ok(fits)]);
    let response = post(&router, "/routerTransform", Body::from_stream(chunks)).await;
    assert_eq!(
        (response.status.as_u16(), response.code().as_str()),
        (413, "body_too_large")
    );
}

#[tokio::test]
async fn a_destination_that_stands_for_many_events_cannot_blow_the_response_up() {
    let mut settings = Settings::new();
    settings.max_body_bytes = 100_000.try_into().unwrap();
    let router = Transformer::new(settings).unwrap().router();
    let destination = json!({"Config": {}, "x": "x".repeat(50_000)});
    let metadata = json!({"destinationId": "d", "secret": {"accessToken": "t"}});
    // What is answered at once, and what calls must be made for.
    for message in [json!({"type": "page"}), json!({"type": "identify", "userId": "u"})] {
        let event = json!({"message": message, "metadata": metadata});
        let body = json!({"input": vec![event; 300], "destinations": {"d": destination}});
        let response = post(&router, "/routerTransform", body.to_string()).await;
        assert_eq!(
            (response.status.as_u16(), response.code().as_str()),
            (413, "response_too_large")
        );
    }
}

#[tokio::test]
async fn no_events_are_one_error() {
    let router = service(NOBODY).router();
    for body in [
        "{}",
        r#"{"input":[]}"#,
        r#"{"input":{}}"#,
        r#"{"input":null,"destType":"INTERCOM_V2"}"#,
    ] {
        let response = post(&router, "/routerTransform", body).await;
        assert_eq!(response.status, StatusCode::OK);
        let output = response.json()["output"].as_array().unwrap().clone();
        assert_eq!((output.len(), &output[0]["statusCode"]), (1, &json!(400)), "{body}");
    }
}

#[tokio::test]
async fn the_processor_is_sent_to_the_router() {
    let router = service(NOBODY).router();
    let body = r#"[{"message":{},"metadata":{"jobId":9007199254740993,"destinationId":"d"}},5]"#;
    let response = post(&router, "/v0/destinations/INTERCOM_V2", body).await;
    assert_eq!(response.status, StatusCode::OK);
    let text = String::from_utf8(response.body.clone()).unwrap();
    assert!(
        text.contains(r#"{"jobId":9007199254740993,"destinationId":"d"}"#),
        "{text}"
    );
    let elements = response.json();
    for element in elements.as_array().unwrap() {
        assert_eq!(element["statusCode"], 400);
        assert!(element["error"].as_str().unwrap().contains("/routerTransform"));
    }
}

#[tokio::test]
async fn the_destination_of_compacted_events_is_found_and_echoed() {
    let router = service("http://127.0.0.1:1/{host}").router();
    let body = r#"{"input":[
        {"message":{"type":"track","event":"e","userId":"u"},"metadata":{"destinationId":"d-2","secret":{"accessToken":"t"},"jobId":1}},
        {"message":{"type":"track","event":"e","userId":"u"},"metadata":{"destinationId":"d-9","secret":{"accessToken":"t"},"jobId":2}}],
        "destType":"intercom_v2","connections":{},
        "destinations":{"d-1":{"Config":{}},"d-2":{ "Config":{"apiServer":"Europe"},"new":9007199254740993 }}}"#;
    let response = post(&router, "/routerTransform", body).await;
    let text = String::from_utf8(response.body.clone()).unwrap();
    assert!(
        text.contains(r#""destination":{ "Config":{"apiServer":"Europe"},"new":9007199254740993 }"#),
        "{text}"
    );
    let output = response.json()["output"].clone();
    assert_eq!(
        output[0]["batchedRequest"]["endpoint"],
        "http://127.0.0.1:1/api.eu.intercom.io/events"
    );
    // Not the event's fault: it is to be retried.
    assert_eq!(output[1]["statusCode"], 500);
}

#[tokio::test]
async fn a_secret_in_the_header_overrides_those_of_the_events() {
    let router = service(NOBODY).router();
    let body = json!({"input": [support::event(1, json!({"type": "track", "event": "e", "userId": "u"}))]}).to_string();
    for (header, token, status) in [
        (r#"{"accessToken":"other"}"#, json!("Bearer other"), 200),
        ("", json!("Bearer token"), 200),
        ("{}", json!(null), 500),
        ("nonsense", json!(null), 500),
    ] {
        let request = Request::post("/routerTransform").header("Oauth-Secret", header);
        let response = ask(&router, request.body(Body::from(body.clone())).unwrap()).await;
        let element = response.json()["output"][0].clone();
        assert_eq!(element["batchedRequest"]["headers"]["Authorization"], token, "{header}");
        assert_eq!(element["statusCode"], status, "{header}");
        assert_eq!(element["metadata"][0]["secret"]["accessToken"], "token");
        if status == 500 {
            assert_eq!(element["statTags"]["errorType"], "oAuthSecret");
        }
    }
}
