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

use gateway::{Gateway, until};
use rules::Rules;
use scripted::{Response, Scripted};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::SystemTime;

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
            "rudder_intercom_http_request_seconds_bucket{le=\"30.0\",endpoint=\"router_transform\"} 0\n\
             rudder_intercom_http_request_seconds_bucket{le=\"60.0\",endpoint=\"router_transform\"} 2",
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
    let dashboard = include_str!("../deploy/grafana.json");
    let read: Value = serde_json::from_str(dashboard).unwrap();
    assert!(read["panels"].as_array().is_some_and(|panels| panels.len() > 8));
    for name in rules::names_in(include_str!("../deploy/alerts.yml")).chain(rules::names_in(dashboard)) {
        if !rules::is_shown(&name, &shown) {
            writeln!(missing, "{name} is not at /metrics").unwrap();
        }
    }
    assert_eq!(missing, "");
}
