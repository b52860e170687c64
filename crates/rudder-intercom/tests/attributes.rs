//! `attributes`: the workspace's custom attributes against those that events need.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Served, run_with_token};
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::{ErrorResponse, Fault, Faults, ScriptedFault, Settings};
use serde_json::{Value, json};

const EVENTS: &str = r#"
{"type":"identify","userId":"a","traits":{"email":"a@example.org","plan":"pro","seats":3,"score":1,"born_at":1700000000}}
{"type":"identify","userId":"b","traits":{"plan":"free","seats":4.5,"score":true,"old":"x"}}
{"type":"group","userId":"a","groupId":"g","traits":{"name":"Fern","region":"north","active":true}}
{"type":"track","userId":"a","event":"x","properties":{"not":"an attribute"}}
"#;

fn settings() -> Settings {
    let mut settings = Settings::strict();
    settings.search_lag = std::time::Duration::ZERO;
    let contact = |name: &str, data_type| (DataAttributeModel::Contact, name.to_owned(), data_type);
    settings.attributes = vec![
        contact("plan", DataType::String),
        contact("seats", DataType::Integer),
        contact("zone", DataType::String),
    ];
    settings
}

/// Model, name and status of each attribute, in alphabetical order.
fn statuses(report: &Value) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> = report["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| ["model", "name", "type", "status"].map(|key| text(&found[key])))
        .collect();
    all.sort();
    all
}

fn expected(status_of_missing: &str) -> Vec<[String; 4]> {
    [
        ["company", "active", "boolean", status_of_missing],
        ["company", "region", "string", status_of_missing],
        ["contact", "born_at", "date", status_of_missing],
        ["contact", "old", "string", status_of_missing],
        ["contact", "plan", "string", "present"],
        ["contact", "score", "string", status_of_missing],
        ["contact", "seats", "float", "type_mismatch"],
    ]
    .map(|row| row.map(str::to_owned))
    .to_vec()
}

#[test]
fn what_is_missing_is_named_and_nothing_is_created() {
    let sandbox = Served::new(settings());
    let run = run_with_token(&["attributes", "--json", "--intercom-base-url", sandbox.url()], EVENTS);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    let report = run.json();
    assert_eq!((&report["missing"], &report["more"]), (&json!(5), &json!(0)));
    assert_eq!(statuses(&report), expected("missing"));
    let seats = report["attributes"].as_array().unwrap();
    let seats = seats.iter().find(|found| found["name"] == "seats").unwrap();
    assert_eq!(
        (&seats["workspace_type"], &seats["events"]),
        (&json!("integer"), &json!(2))
    );
    assert_eq!(sandbox.state()["data_attributes"].as_array().unwrap().len(), 3);

    let run = run_with_token(&["attributes", "--intercom-base-url", sandbox.url()], EVENTS);
    assert_eq!(run.code(), 1);
    for part in [
        "5 of 7 custom attributes that the events need are missing",
        "type mismatch",
        "in the workspace integer",
        "values of several types",
        "--create",
    ] {
        assert!(run.stdout().contains(part), "{part}: {}", run.stdout());
    }
}

#[test]
fn what_is_missing_is_created_and_then_events_are_delivered() {
    let sandbox = Served::new(settings());
    let arguments = ["attributes", "--json", "--create", "--intercom-base-url", sandbox.url()];
    let run = run_with_token(&arguments, EVENTS);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(run.json()["missing"], 0);
    assert_eq!(statuses(&run.json()), expected("created"));
    let state = sandbox.state();
    let created = state["data_attributes"].as_array().unwrap();
    assert_eq!(created.len(), 8);
    let born = created.iter().find(|found| found["name"] == "born_at").unwrap();
    assert_eq!(
        (&born["model"], &born["data_type"]),
        (&json!("contact"), &json!("date"))
    );

    let run = run_with_token(&arguments, EVENTS);
    assert_eq!(run.code(), 0);
    assert_eq!(statuses(&run.json()), expected("present"));
    // Values of another type than the attribute's are refused.
    let fitting = EVENTS.replace("4.5", "4").replace(r#""score":1"#, r#""score":"1""#);
    let fitting = fitting.replace(r#""score":true"#, r#""score":"true""#);
    let run = run_with_token(&["send", "--intercom-base-url", sandbox.url()], &fitting);
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
}

#[test]
fn one_that_intercom_refuses_stays_missing_and_the_others_are_created() {
    let mut settings = settings();
    let mut refusal = ErrorResponse::new(400);
    refusal.body = Some(r#"{"type":"error.list","errors":[{"code":"parameter_invalid","message":"no"}]}"#.to_owned());
    settings.faults = Faults::none();
    let operation = intercom_api::OperationId::CreateDataAttribute;
    settings.faults.scripted = vec![
        ScriptedFault::new(operation, 1, Fault::Status(refusal)),
        ScriptedFault::new(operation, 2, Fault::status(503)),
    ];
    let sandbox = Served::new(settings);
    let arguments = ["attributes", "--json", "--create", "--intercom-base-url", sandbox.url()];
    let run = run_with_token(&arguments, EVENTS);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    let report = run.json();
    assert_eq!(report["missing"], 1);
    let all = report["attributes"].as_array().unwrap();
    let refused = all.iter().find(|found| found["status"] == "missing").unwrap();
    assert!(
        refused["error"].as_str().unwrap().contains("400: parameter_invalid"),
        "{refused}"
    );
    assert_eq!(sandbox.state()["data_attributes"].as_array().unwrap().len(), 7);
}

#[test]
fn an_archived_attribute_is_missing_and_not_restored() {
    let sandbox = Served::new(settings());
    let mut archive = intercom_api::UpdateDataAttribute::new(1);
    archive.archived = Some(true);
    sandbox.call(&archive);
    let event = r#"{"type":"identify","userId":"a","traits":{"plan":"pro"}}"#;
    let arguments = ["attributes", "--json", "--create", "--intercom-base-url", sandbox.url()];
    let run = run_with_token(&arguments, event);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert_eq!(run.json()["attributes"][0]["status"], "archived");
}

#[test]
fn without_attributes_nothing_is_missing() {
    let sandbox = Served::new(settings());
    let event = r#"{"type":"track","userId":"a","event":"x"}"#;
    let run = run_with_token(&["attributes", "--intercom-base-url", sandbox.url()], event);
    assert_eq!((run.code(), run.stderr()), (0, String::new()));
}

#[test]
fn a_token_that_is_not_accepted_ends_it() {
    let mut settings = settings();
    settings.token = Some("another".to_owned());
    let sandbox = Served::new(settings);
    let run = run_with_token(&["attributes", "--intercom-base-url", sandbox.url()], EVENTS);
    assert_eq!(run.code(), 3);
    assert!(run.stderr().contains("does not accept"), "{}", run.stderr());
    assert_eq!(common::run(&["attributes"], EVENTS).code(), 3, "no token at all");
    let run = run_with_token(&["attributes", "--intercom-base-url", "ftp://127.0.0.1"], EVENTS);
    assert_eq!(run.code(), 2);
}

#[test]
fn a_value_of_another_type_is_told_from_an_attribute_that_is_missing() {
    let events = [
        json!({"type": "identify", "userId": "u-1", "traits": {"seats": "12"}}),
        json!({"type": "identify", "userId": "u-2", "traits": {"seats": "a dozen", "shoe": 42}}),
    ]
    .map(|event| event.to_string())
    .join("\n");
    for command in ["diff", "send"] {
        let mut settings = Settings::strict();
        settings.attributes = vec![(DataAttributeModel::Contact, "seats".to_owned(), DataType::Integer)];
        let sandbox = Served::new(settings);
        let flags = ["--attributes", "drop", "--intercom-base-url", sandbox.url()];
        let run = run_with_token(&[&[command][..], &flags].concat(), &events);
        let text = run.stdout();
        assert_eq!(run.code(), 0, "{text}");
        let told = |code: &str| {
            let mut lines = text.lines().skip_while(|line| !line.contains(code));
            format!(
                "{}{}",
                lines.next().unwrap_or_default(),
                lines.next().unwrap_or_default()
            )
        };
        let of_type = told("attribute_of_another_type");
        assert!(
            of_type.contains("line 2, such as seats") && of_type.contains("Send values of the attribute's type"),
            "{command}: {text}"
        );
        let missing = told("attribute_dropped");
        assert!(
            missing.contains("line 2, such as shoe") && missing.contains("Create the attribute"),
            "{command}: {text}"
        );
    }
}
