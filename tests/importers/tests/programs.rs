//! The programs do what they say.

use intercom_api::Reveal;
use intercom_sandbox::{RunningSandbox, Settings, spawn};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

const EVENTS: &str = r#"{"type":"identify","userId":"ann-1","traits":{"email":"ann@example.com","plan":"pro"}}
{"type":"track","userId":"ann-1","event":"Order Completed","timestamp":"2026-01-05T19:11:00Z","properties":{"total":12.50}}
{"type":"track","userId":"ann-1"}
"#;

fn start(program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = start(program, arguments);
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{stdout}");
    stdout
}

fn with_sandbox(test: impl FnOnce(&RunningSandbox)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime.block_on(spawn(Settings::default())).unwrap();
    test(&sandbox);
    runtime.block_on(sandbox.shutdown()).unwrap();
}

#[test]
fn events_are_kept() {
    let shown = run(env!("CARGO_BIN_EXE_keep"), &[], EVENTS);
    assert!(shown.starts_with("1 Some(Identify) Some(\"ann@example.com\")\n2 Some(Track) None\n"), "{shown}");
    let store: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(store["ann-1"].as_array().unwrap().len(), 3);
    assert_eq!(store["ann-1"][0]["traits"]["seen"], true);
    assert_eq!(store["ann-1"][1]["properties"]["total"], 12.5);
}

#[test]
fn intercom_is_called() {
    with_sandbox(|sandbox| {
        let shown = run(env!("CARGO_BIN_EXE_client"), &[sandbox.base_url(), "token"], "");
        assert!(shown.contains("conflict: Intercom answered 409: conflict"), "{shown}");
        assert!(shown.ends_with("updated Some(\"Ann\")\n"), "{shown}");
        assert_eq!(sandbox.state().contacts.len(), 1);
    });
}

#[test]
fn events_are_converted() {
    let mut server = start(env!("CARGO_BIN_EXE_handler"), &[]);
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |path: &str, event: &str| {
        let request = agent.post(format!("{}{path}", address.trim())).content_type("application/json");
        let mut response = request.send(event).unwrap();
        let body: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        (response.status().as_u16(), body)
    };
    let events: Vec<&str> = EVENTS.lines().collect();
    let (status, decision) = ask("/convert", events[1]);
    assert_eq!((status, &decision["convert"]["plan"]["submit_event"]["user_id"]), (200, &"ann-1".into()));
    let (status, rejection) = ask("/convert", events[2]);
    assert_eq!((status, &rejection["code"]), (422, &"missing_event_name".into()));
    let (status, converted) = ask("/contact", events[0]);
    let contact = r#"{"contact":{"email":"ann@example.com","external_id":"ann-1","custom_attributes":{"plan":"pro"}}}"#;
    let contact: Value = serde_json::from_str(contact).unwrap();
    assert_eq!((status, converted["value"].reveal()), (200, contact.reveal()));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn events_are_delivered() {
    with_sandbox(|sandbox| {
        let shown = run(env!("CARGO_BIN_EXE_deliver"), &[sandbox.base_url(), "token"], EVENTS);
        let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let outcomes = lines.iter().filter(|line| line["result"]["delivered"].is_object());
        assert_eq!(outcomes.count(), 2, "{shown}");
        assert_eq!(lines.last().unwrap()["delivered"], 2, "{shown}");
        assert!(lines.iter().any(|line| line["code"] == "missing_event_name"), "{shown}");
        assert_eq!(sandbox.state().contacts.len(), 1);
    });
}
