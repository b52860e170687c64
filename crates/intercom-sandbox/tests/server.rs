//! The sandbox over HTTP.
#![cfg(feature = "server")]

use intercom_api::OperationId;
use intercom_sandbox::{Dropped, Fault, Faults, RunningSandbox, ScriptedFault, Settings, serve, spawn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Sends one request on a connection of its own and reads all there is: status, head and body, if there is a response.
async fn exchange(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String, String)> {
    exchange_with("host: x", address, method, path, body).await
}

async fn exchange_with(
    headers: &str,
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).await.expect("loopback");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}\r\nauthorization: Bearer any\r\nintercom-version: 2.10\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("loopback");
    let mut response = String::new();
    // A connection that is cut may end in an error.
    let _ = stream.read_to_string(&mut response).await;
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_ascii_lowercase(), body.to_owned()))
}

fn address(sandbox: &RunningSandbox) -> String {
    sandbox.base_url().strip_prefix("http://").expect("loopback").to_owned()
}

#[tokio::test]
async fn requests_are_answered_and_the_state_is_shown() {
    let sandbox = spawn(Settings::default()).await.unwrap();
    let at = address(&sandbox);
    let body = r#"{"external_id":"u-1","custom_attributes":{"n":1.0}}"#;
    let (status, head, body) = exchange(&at, "POST", "/contacts", body).await.unwrap();
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: application/json") && head.contains("x-request-id: "),
        "{head}"
    );
    assert!(body.contains(r#""n":1.0"#));
    let event = r#"{"event_name":"came","created_at":5,"user_id":"u-1"}"#;
    let (status, _, body) = exchange(&at, "POST", "/events", event).await.unwrap();
    assert_eq!((status, body.as_str()), (202, ""));

    let (status, _, shown) = exchange(&at, "GET", "/_sandbox/state", "").await.unwrap();
    assert_eq!(status, 200);
    let mut written = Vec::new();
    sandbox.write_state(&mut written).unwrap();
    assert_eq!(shown.as_bytes(), written);
    let state: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        state["calls"],
        json!({"create_contact": {"200": 1}, "submit_data_event": {"202": 1}})
    );
    assert!(state["contacts"][0]["created_at"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(sandbox.with(|sandbox| sandbox.state().contacts.len()), 1);

    assert_eq!(exchange(&at, "POST", "/_sandbox/reset", "").await.unwrap().0, 204);
    assert!(sandbox.state().contacts.is_empty());
    assert_eq!(exchange(&at, "GET", "/_sandbox/x", "").await.unwrap().0, 404);
    sandbox.shutdown().await.unwrap();
    assert!(TcpStream::connect(&at).await.is_err());
}

#[tokio::test]
async fn links_to_the_next_page_lead_back_to_the_sandbox() {
    let sandbox = spawn(Settings::default()).await.unwrap();
    let at = address(&sandbox);
    let contact = sandbox.with(|sandbox| {
        let now = intercom_sandbox::UnixMillis::from_secs(1);
        let mut post = |path: &str, body: Value| {
            let body = body.to_string();
            let request = intercom_sandbox::Request::new("POST", path)
                .authorization("Bearer x")
                .body(body.as_bytes());
            let body: Value = serde_json::from_slice(&sandbox.handle(request, now).body).unwrap();
            body["id"].as_str().unwrap().to_owned()
        };
        let contact = post("/contacts", json!({"external_id": "u-1"}));
        for company in ["a", "b"] {
            let company = post("/companies", json!({"company_id": company}));
            post(&format!("/contacts/{contact}/companies"), json!({"id": company}));
        }
        contact
    });
    let path = format!("/contacts/{contact}/companies?per_page=1");
    let first: Value = serde_json::from_str(&exchange(&at, "GET", &path, "").await.unwrap().2).unwrap();
    let next = first["pages"]["next"].as_str().unwrap();
    let path = next.strip_prefix(sandbox.base_url()).unwrap();
    let second: Value = serde_json::from_str(&exchange(&at, "GET", path, "").await.unwrap().2).unwrap();
    assert_eq!(second["data"][0]["company_id"], "b");
}

#[tokio::test]
async fn a_dropped_connection_has_no_response() {
    let create = OperationId::CreateContact;
    let mut faults = Faults::none();
    faults.scripted = vec![
        ScriptedFault::new(create, 1, Fault::Drop(Dropped::BeforeEffect)),
        ScriptedFault::new(create, 2, Fault::Drop(Dropped::AfterEffect)),
        ScriptedFault::new(create, 3, Fault::DelayMs(1)),
    ];
    let sandbox = spawn(Settings::default().with_faults(faults)).await.unwrap();
    let at = address(&sandbox);
    let body = r#"{"role":"lead"}"#;
    assert_eq!(exchange(&at, "POST", "/contacts", body).await, None);
    assert_eq!(sandbox.state().contacts.len(), 0);
    assert_eq!(exchange(&at, "POST", "/contacts", body).await, None);
    assert_eq!(sandbox.state().contacts.len(), 1);
    assert_eq!(exchange(&at, "POST", "/contacts", body).await.unwrap().0, 200);
    assert_eq!(exchange(&at, "POST", "/contacts", body).await.unwrap().0, 200);
}

#[tokio::test]
async fn faults_can_be_set_over_http() {
    let sandbox = spawn(Settings::default()).await.unwrap();
    let at = address(&sandbox);
    let faults = r#"{"scripted":[
        {"operation":"identify_admin","call":1,"fault":{"status":{"status":503,"retry_after":2}}},
        {"call":2,"fault":{"drop":"before_effect"}}
        ],"random":[{"probability":1,"fault":{"status":{"status":500}}}]}"#;
    assert_eq!(exchange(&at, "PUT", "/_sandbox/faults", faults).await.unwrap().0, 204);
    let (status, head, _) = exchange(&at, "GET", "/me", "").await.unwrap();
    assert!(status == 503 && head.contains("retry-after: 2"), "{head}");
    assert_eq!(exchange(&at, "GET", "/me", "").await, None);
    assert_eq!(exchange(&at, "GET", "/me", "").await.unwrap().0, 500);
    assert_eq!(exchange(&at, "PUT", "/_sandbox/faults", "{}").await.unwrap().0, 204);
    assert_eq!(exchange(&at, "GET", "/me", "").await.unwrap().0, 200);
    assert_eq!(exchange(&at, "PUT", "/_sandbox/faults", "[").await.unwrap().0, 400);
}

#[tokio::test]
async fn a_listener_of_ones_own_is_served_until_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Settings::default().with_token("right"), async {
        let _ = stopped.await;
    }));
    assert_eq!(exchange(&at, "GET", "/me", "").await.unwrap().0, 401);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let sandbox = spawn(Settings::default()).await.unwrap();
    let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(9 * 1024 * 1024));
    let response = exchange(&address(&sandbox), "POST", "/contacts", &body).await;
    // The connection may be gone before all of it was written.
    assert!(response.is_none_or(|(status, head, body)| {
        status == 413 && head.contains("x-ratelimit-reset") && body.contains("error.list")
    }));
    assert!(sandbox.state().calls.is_empty());
}

#[tokio::test]
async fn web_pages_of_other_machines_do_not_get_the_state() {
    let sandbox = spawn(Settings::default()).await.unwrap();
    let at = address(&sandbox);
    for (headers, expected) in [
        ("host: localhost:4010", 200),
        ("host: localhost\r\norigin: http://127.0.0.1:9090", 200),
        ("host: localhost\r\norigin: https://page.example", 403),
        ("host: page.example:4010", 403),
    ] {
        let response = exchange_with(headers, &at, "GET", "/_sandbox/state", "").await;
        assert_eq!(response.unwrap().0, expected, "{headers}");
    }
}
