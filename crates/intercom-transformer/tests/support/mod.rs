//! What the tests of the service share.
#![allow(dead_code, reason = "each test uses some of it")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use intercom_sandbox::RunningSandbox;
use intercom_transformer::{DeliverBy, Settings, Transformer};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A response of the service.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends a request to a service without a connection between.
pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Response {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Response {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

pub(crate) async fn post(router: &Router, path: &str, body: impl Into<Body>) -> Response {
    ask(router, Request::post(path).body(body.into()).unwrap()).await
}

/// A service that calls this base URL, and returns requests.
pub(crate) fn service(base_url: &str) -> Transformer {
    let mut settings = Settings::new();
    settings.deliver = DeliverBy::RudderServer;
    settings.intercom_base_url = Some(base_url.parse().unwrap());
    Transformer::new(settings).unwrap()
}

/// A base URL where nobody answers: connections are refused.
pub(crate) const NOBODY: &str = "http://127.0.0.1:1";

/// A sandbox, and a service that calls it.
pub(crate) async fn with_sandbox(settings: intercom_sandbox::Settings) -> (RunningSandbox, Router) {
    let sandbox = intercom_sandbox::spawn(settings).await.unwrap();
    let router = service(sandbox.base_url()).router();
    (sandbox, router)
}

/// An event with its surroundings.
pub(crate) fn event(job: u64, message: Value) -> Value {
    json!({
        "message": message,
        "metadata": {
            "jobId": job,
            "destinationId": "destination-1",
            "workspaceId": "workspace-1",
            "secret": {"accessToken": "token"},
        },
        "destination": {"ID": "destination-1", "Config": {"apiServer": "US"}},
    })
}

/// The elements of the response to these events.
pub(crate) async fn transform(router: &Router, events: &[Value]) -> Vec<Value> {
    let body = json!({"input": events, "destType": "intercom_v2"});
    let response = post(router, "/routerTransform", body.to_string()).await;
    assert_eq!(response.status, StatusCode::OK);
    let output = response.json()["output"].as_array().unwrap().clone();
    assert_eq!(output.len(), events.len());
    output
}
