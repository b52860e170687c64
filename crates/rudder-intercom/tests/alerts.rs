//! Each alert rule that is shipped fires when what it is for happens, and rules and dashboard name what is measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/rules.rs"]
mod rules;
#[path = "common/scripted.rs"]
mod scripted;

use common::Served;
use gateway::{Gateway, until};
use intercom_sandbox::{RateLimit, Settings};
use rules::Rules;
use scripted::{Response, Scripted};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// What a transformer's metrics show, where it takes rudder-server to show it.
#[test]
fn the_alerts_of_the_transformer_fire() {
    let rules = Rules::read();
    let before = "up{job=\"rudder-intercom\"} 1\nrudder_intercom_rate_limit_remaining{region=\"US\"} 900\nrudder_intercom_rate_limit{region=\"US\"} 1000\nrudder_intercom_store_sound 1\n";
    for (alert, after) in [
        ("RudderIntercomDown", "up{job=\"rudder-intercom\"} 0"),
        (
            "RudderIntercomTokenRefused",
            "rudder_intercom_calls_total{operation=\"search_contacts\",status=\"401\"} 1",
        ),
        (
            "RudderIntercomCallsFail",
            "rudder_intercom_calls_total{operation=\"search_contacts\",status=\"503\"} 1",
        ),
        (
            "RudderIntercomCallsFail",
            "rudder_intercom_calls_total{operation=\"search_contacts\",status=\"timeout\"} 1",
        ),
        (
            "RudderIntercomRateLimited",
            "rudder_intercom_calls_total{operation=\"search_contacts\",status=\"429\"} 1",
        ),
        (
            "RudderIntercomRateLimited",
            "rudder_intercom_rate_limit_remaining{region=\"US\"} 9\nrudder_intercom_rate_limit{region=\"US\"} 1000",
        ),
        (
            "RudderIntercomEventsAborted",
            "rudder_intercom_events_total{type=\"track\",outcome=\"aborted\"} 1",
        ),
        (
            "RudderIntercomOverloaded",
            "rudder_intercom_http_requests_total{endpoint=\"router_transform\",status=\"503\"} 1",
        ),
        (
            "RudderIntercomRefusesRequests",
            "rudder_intercom_http_requests_total{endpoint=\"proxy\",status=\"413\"} 1",
        ),
        ("RudderIntercomStoreFails", "rudder_intercom_store_sound 0"),
        (
            "RudderIntercomEarlyEventsGivenUp",
            "rudder_intercom_awaited_events_given_up_total 1",
        ),
        (
            "RudderIntercomSlow",
            // Those that are answered at the time limit of 20 seconds.
            "rudder_intercom_http_request_seconds_bucket{le=\"10.0\",endpoint=\"router_transform\"} 0\n\
             rudder_intercom_http_request_seconds_bucket{le=\"30.0\",endpoint=\"router_transform\"} 2",
        ),
    ] {
        rules.fires(alert, before, after);
    }
}

#[test]
fn every_alert_of_the_gateway_fires_in_one_of_these_tests_and_names_what_is_measured() {
    let rules = Rules::read();
    let tests = [include_str!("alerts.rs"), include_str!("attack.rs")].concat();
    let reset = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 10;
    let limit = format!("x-ratelimit-limit: 1000\r\nx-ratelimit-remaining: 999\r\nx-ratelimit-reset: {reset}\r\n");
    let server = Scripted::new(Response::Status(202, limit));
    let gateway = Gateway::start(&server.url(), &["--deliver", "rudder-server"]);
    for event in [json!({"userId": "ann", "event": "Looked"}), json!({"userId": "ann"})] {
        assert_eq!(
            gateway.post("/v1/track", "", event.to_string().as_bytes()).status,
            "200"
        );
    }
    let event = json!({"message": {"type": "identify", "userId": "u"}, "destination": {"Config": {}},
        "metadata": {"destinationId": "d", "jobId": 1, "secret": {"accessToken": "t"}}});
    let body = json!({"input": [event], "destType": "INTERCOM_V2"}).to_string();
    let response = gateway.post(
        "/routerTransform",
        "content-type: application/json\r\n",
        body.as_bytes(),
    );
    assert_eq!(response.status, "200", "{}", response.body);
    for outcome in ["delivered", "rejected"] {
        until("what was sent has its outcome", || {
            gateway.figure("events_total", outcome) == Some(1.0)
        });
    }
    let shown = gateway.metrics();
    let mut missing = String::new();
    for alert in rules.names() {
        if !tests.contains(&format!("\"{alert}\"")) {
            writeln!(missing, "{alert} is shown to fire nowhere").unwrap();
        }
        if alert.starts_with("RudderIntercomGateway") {
            rules.is_quiet(alert, &shown, &shown);
        }
    }
    missing += &not_shown(include_str!("../deploy/alerts.yml"), &shown);
    missing += &not_shown(dashboard(include_str!("../deploy/grafana.json")), &shown);
    assert_eq!(missing, "");
}

/// A dashboard, which has panels, each with an id and a place of its own.
fn dashboard(text: &str) -> &str {
    let read: Value = serde_json::from_str(text).unwrap();
    let panels = read["panels"].as_array().unwrap();
    assert!(panels.len() > 8);
    for name in ["id", "gridPos"] {
        let all: BTreeSet<String> = panels.iter().map(|panel| panel[name].to_string()).collect();
        assert_eq!(all.len(), panels.len(), "{name}");
    }
    text
}

/// What a text names that these metrics do not show, a line each.
fn not_shown(text: &str, metrics: &str) -> String {
    let mut missing = String::new();
    for name in rules::names_in(text).filter(|name| !rules::is_shown(name, metrics)) {
        writeln!(missing, "{name} is not at /metrics").unwrap();
    }
    missing
}

#[test]
fn the_transformers_dashboard_names_what_is_measured() {
    let limit = RateLimit::new(1_000, Duration::from_secs(10));
    let sandbox = Served::new(Settings::default().with_rate_limit(limit));
    let folder = tempfile::tempdir().unwrap();
    let mut serve = common::program();
    serve.args(["serve", "--look-for-contact-after", "20ms"]);
    serve.args(["--intercom-base-url", sandbox.url(), "--store"]);
    let (_server, address, _log) = common::start(serve.arg(folder.path().join("early.db")));
    let metrics = || common::ask(&address, "GET", "/metrics", "", "");
    let track = json!({"type": "track", "userId": "u", "event": "Looked", "messageId": "1"});
    let identify = json!({"type": "identify", "userId": "u", "traits": {"email": "u@example.com"}});
    for (job, message) in [track, identify].into_iter().enumerate() {
        let event = json!({"message": message, "destination": {"Config": {}},
            "metadata": {"destinationId": "d", "workspaceId": "w", "jobId": job, "secret": {"accessToken": "t"}}});
        let body = json!({"input": [event], "destType": "INTERCOM_V2"}).to_string();
        let json = "content-type: application/json\r\n";
        let answered = common::ask(&address, "POST", "/routerTransform", json, &body);
        assert!(answered.contains("\"statusCode\":299"), "{answered}");
    }
    until("what has waited for its contact is delivered", || {
        metrics().contains("rudder_intercom_awaited_events_total{result=\"delivered\"} 1")
    });
    let shown = metrics();
    assert!(shown.contains("rudder_intercom_ready 1"), "{shown}");
    assert_eq!(
        not_shown(dashboard(include_str!("../deploy/grafana-transformer.json")), &shown),
        ""
    );
}
