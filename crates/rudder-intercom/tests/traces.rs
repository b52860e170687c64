//! Traces: what a collector is sent of a request, an event and its calls, without a word of anybody's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/scripted.rs"]
mod scripted;

use common::Served;
use gateway::{Gateway, until};
use intercom_sandbox::Settings;
use scripted::{Response, Scripted};
use serde_json::{Value, json};

/// The spans that a collector has been sent.
fn spans(collector: &Scripted) -> Vec<Value> {
    let mut spans = Vec::new();
    for text in collector.done() {
        let sent: Value = serde_json::from_str(&text).unwrap();
        let resource = &sent["resourceSpans"][0];
        assert_eq!(
            attribute(&resource["resource"], "service.name")["stringValue"],
            "rudder-intercom"
        );
        for scope in resource["scopeSpans"].as_array().unwrap() {
            spans.extend(scope["spans"].as_array().unwrap().iter().cloned());
        }
    }
    spans
}

fn attribute<'a>(of: &'a Value, name: &str) -> &'a Value {
    let attributes = of["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    found.map_or(&Value::Null, |attribute| &attribute["value"])
}

#[test]
fn a_collector_is_sent_requests_and_events_with_their_calls() {
    let (collector, sandbox) = (Scripted::new(Response::ok()), Served::new(Settings::default()));
    let gateway = Gateway::start(sandbox.url(), &["--otlp-endpoint", &collector.url()]);
    let event = json!({"userId": "ann-s3cret", "traits": {"email": "s3cret@example.com", "name": "S3cret"}});
    let answered = gateway.post("/v1/identify", "", event.to_string().as_bytes());
    assert_eq!(answered.status, "200");
    until("the event's span has come", || {
        spans(&collector).iter().any(|span| span["name"] == "event")
    });
    let spans = spans(&collector);
    let of = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let request = of("request")
        .into_iter()
        .find(|span| attribute(span, "route")["stringValue"] == "/v1/{kind}")
        .unwrap();
    assert_eq!(attribute(request, "status")["intValue"], "200", "{request}");
    let [event] = of("event")[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(attribute(event, "plan")["stringValue"], "save_contact", "{event}");
    assert_eq!(attribute(event, "result")["stringValue"], "delivered", "{event}");
    let calls = of("call")
        .into_iter()
        .filter(|call| call["traceId"] == event["traceId"])
        .collect::<Vec<_>>();
    let operations = calls
        .iter()
        .map(|call| attribute(call, "operation")["stringValue"].as_str().unwrap());
    let operations = operations.collect::<Vec<_>>();
    assert!(operations.contains(&"create_contact"), "{operations:?}");
    for call in calls {
        assert_eq!(call["parentSpanId"], event["spanId"], "{call}");
    }
    let text = collector.done().concat();
    assert!(!text.to_lowercase().contains("s3cret"), "{text}");
}
