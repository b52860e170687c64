//! What the custom attributes of the workspace make of events: in `check`, in `send`, and in the gateway (D30).
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;
#[path = "common/gateway.rs"]
mod gateway;

use common::{Run, Served, run_with_token};
use gateway::{Gateway, until};
use intercom_api::{DataAttributeModel, DataType, ListDataAttributes, UpdateDataAttribute};
use intercom_sandbox::Settings;
use serde_json::{Map, Value, json};

fn strict(attributes: &[(&str, DataType)]) -> Settings {
    let defined = |settings: Settings, (name, data_type): &(&str, DataType)| {
        settings.with_attribute(DataAttributeModel::Contact, *name, data_type.clone())
    };
    attributes.iter().fold(Settings::strict(), defined)
}

fn identify(user: &str, traits: impl Into<Value>) -> Value {
    let traits: Value = traits.into();
    json!({"type": "identify", "userId": user, "traits": traits})
}

fn many(count: usize) -> Map<String, Value> {
    (0..count).map(|at| (format!("a{at}"), at.into())).collect()
}

fn on(sandbox: &Served, command: &str, flags: &[&str], events: &[Value]) -> Run {
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let arguments = [&[command, "--intercom-base-url", sandbox.url()], flags].concat();
    run_with_token(&arguments, events.join("\n"))
}

fn calls(sandbox: &Served, operation: &str) -> Value {
    sandbox.state()["calls"][operation].clone()
}

#[test]
fn a_lookup_by_a_value_of_another_type_is_named_before_it_fails() {
    let sandbox = Served::new(strict(&[("seats", DataType::Integer), ("is_trial", DataType::Boolean)]));
    let looked_up = |user: &str, name: &str, value: Value| {
        json!({
            "type": "identify", "userId": user, "traits": {name: value},
            "integrations": {"Intercom": {"lookup": format!("custom_attributes.{name}")}},
        })
    };
    let events = [
        looked_up("u-1", "seats", json!("12")),
        looked_up("u-2", "seats", json!("a dozen")),
        looked_up("u-3", "is_trial", json!(true)),
        looked_up("u-4", "is_trial", json!("yes")),
    ];
    let checked = on(&sandbox, "check", &["--workspace", "--json"], &events);
    let report = checked.json();
    assert_eq!((checked.code(), &report["would_fail"]), (1, &json!(2)));
    let found = report["limits"].as_array().unwrap().iter();
    let found = found
        .map(|finding| json!([finding["code"], finding["count"], finding["costs"], finding["lines"]]))
        .find(|finding| finding[0] == "lookup_of_another_type");
    assert_eq!(found, Some(json!(["lookup_of_another_type", 2, "event", [2, 4]])));
    let text = on(&sandbox, "check", &["--workspace"], &events).stdout();
    for part in ["2 of 4 events can be sent", "integrations.Intercom.lookup"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    let sent = on(
        &sandbox,
        "send",
        &["--summary-json", summary.to_str().unwrap()],
        &events,
    );
    let summary: Value = serde_json::from_slice(&std::fs::read(summary).unwrap()).unwrap();
    assert_eq!((sent.code(), &summary["failures"]), (1, &json!({"bad_request": 2})));
}

#[test]
fn a_workspace_that_is_full_is_named_as_the_reason() {
    let sandbox = Served::new(strict(&[]));
    let sent = on(
        &sandbox,
        "send",
        &["--attributes", "create"],
        &[identify("u-1", many(251))],
    );
    assert_eq!(sent.code(), 1);
    let shown = sent.stdout() + &sent.stderr();
    for part in ["attribute_limit", "250 custom attributes, as many as it may"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    // The same in a gateway, also if the others are those of companies.
    let settings = Settings::strict().with_max_attributes(Some(2)).with_attribute(
        DataAttributeModel::Company,
        "tier",
        DataType::String,
    );
    let sandbox = Served::new(settings);
    let gateway = Gateway::start(sandbox.url(), &["--attributes", "create"]);
    send(&gateway, &[identify("u-1", many(2))]);
    until("it has failed", || {
        gateway.figure("failures_total", "code=\"attribute_limit\"") == Some(1.0)
    });
}

fn send(gateway: &Gateway, events: &[Value]) {
    let batch = json!({"batch": events}).to_string();
    assert_eq!(gateway.post("/v1/batch", "", batch.as_bytes()).status, "200");
}

#[test]
fn d30_a_gateway_lists_many_undefined_attributes_once() {
    // With `fail`, one refusal confirms that the list can be believed.
    for (policy, created, written) in [
        ("create", json!({"200": 260}), json!({"200": 1})),
        ("drop", Value::Null, json!({"200": 1})),
        ("fail", Value::Null, json!({"400": 1})),
    ] {
        let sandbox = Served::new(strict(&[]).with_max_attributes(None));
        let gateway = Gateway::start(sandbox.url(), &["--attributes", policy]);
        let event = |name: &str| {
            let mut traits = many(260);
            traits.insert("name".to_owned(), name.into());
            identify("u-1", traits)
        };
        send(&gateway, &[event("Ann"), event("Bea"), event("Cleo")]);
        until("all have come to an end", || {
            let ended = |figure: &str| gateway.figure(figure, "") == Some(3.0);
            ended("delivered_after_seconds_count") || ended("failures_total")
        });
        assert_eq!(calls(&sandbox, "list_data_attributes"), json!({"200": 1}), "{policy}");
        assert_eq!(calls(&sandbox, "create_data_attribute"), created, "{policy}");
        assert_eq!(calls(&sandbox, "create_contact"), written, "{policy}");
        assert_eq!(calls(&sandbox, "update_contact")["400"], Value::Null, "{policy}");
    }
}

#[test]
fn d30_a_gateway_lists_again_when_intercom_says_that_one_is_undefined() {
    let sandbox = Served::new(strict(&[("plan", DataType::String)]));
    let gateway = Gateway::start(sandbox.url(), &["--attributes", "drop"]);
    let contact = |user: &str| {
        let state = sandbox.state();
        let contacts = state["contacts"].as_array().unwrap().iter();
        let mut contacts = contacts.filter(|contact| contact["external_id"] == user);
        contacts.next().map(|contact| contact["custom_attributes"].clone())
    };
    send(&gateway, &[identify("u-1", json!({"plan": "pro"}))]);
    until("u-1 is there", || contact("u-1").is_some());
    assert_eq!(contact("u-1").unwrap(), json!({"plan": "pro"}));
    assert_eq!(calls(&sandbox, "list_data_attributes"), json!({"200": 1}));

    let all = sandbox.call(&ListDataAttributes::new()).data.unwrap();
    let is_plan = |name: &Option<String>| name.as_deref() == Some("plan");
    let plan = all.into_iter().find(|attribute| is_plan(&attribute.name)).unwrap();
    sandbox.call(&UpdateDataAttribute::new(plan.id.unwrap()).with_archived(true));
    let listed = calls(&sandbox, "list_data_attributes")["200"].as_u64().unwrap();
    for user in ["u-2", "u-3"] {
        send(&gateway, &[identify(user, json!({"plan": "pro"}))]);
        until("they are there", || contact(user).is_some());
        assert_eq!(contact(user).unwrap(), json!({}), "{user}");
    }
    assert_eq!(calls(&sandbox, "list_data_attributes")["200"], listed + 1);
    // The one refusal that shows that the list is out of date.
    assert_eq!(calls(&sandbox, "create_contact"), json!({"200": 3, "400": 1}));
}
