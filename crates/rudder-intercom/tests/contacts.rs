//! Whose contact it is, from files of events to what Intercom holds in the end.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{program, run_command};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Sends events into a sandbox, one call at a time, and gives the summary, with the warnings, and the sandbox's state.
fn send(arguments: &[&str], events: &[Value]) -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (summary, state) = (folder.path().join("summary"), folder.path().join("state"));
    let mut command = program();
    command
        .args(["send", "--sandbox", "--concurrency", "1"])
        .args(arguments);
    command.arg("--summary-json").arg(&summary);
    command.arg("--sandbox-state").arg(&state);
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let run = run_command(&mut command, lines.join("\n"));
    assert!(run.code() <= 1, "{}", run.stderr());
    let mut summary = read(&summary);
    let stdout = run.stdout();
    let warnings = stdout.split_once("Warnings\n").map_or("", |(_, rest)| rest);
    let warnings = warnings.lines().take_while(|line| !line.is_empty());
    summary["warnings"] = warnings
        // What each means is in a line of its own.
        .filter_map(|line| {
            let (count, rest) = line.trim().split_once("  ")?;
            let (code, _) = rest.split_once("  ")?;
            Some((code.to_owned(), json!(count.parse::<u64>().ok()?)))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    (summary, read(&state))
}

fn identify(user_id: Option<&str>, traits: &Value) -> Value {
    match user_id {
        Some(user_id) => json!({"type": "identify", "userId": user_id, "traits": traits}),
        None => json!({"type": "identify", "traits": traits}),
    }
}

fn track(user_id: &str, name: &str, second: u32) -> Value {
    let time = format!("2026-02-03T04:05:{second:02}Z");
    json!({"type": "track", "userId": user_id, "event": name, "timestamp": time})
}

/// The contacts by external id, or by email where there is none.
fn contacts(state: &Value) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = state["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| {
            let name = contact["external_id"].as_str().or(contact["email"].as_str());
            (name.unwrap().to_owned(), contact.clone())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn d24_two_people_of_one_mailbox_stay_two() {
    let events = [
        identify(
            Some("cora"),
            &json!({"email": "desk@example.org", "name": "Cora", "plan": "gold"}),
        ),
        identify(Some("dirk"), &json!({"email": "desk@example.org", "name": "Dirk"})),
        identify(
            Some("cora"),
            &json!({"email": "desk@example.org", "name": "Cora", "seen": 2}),
        ),
        track("dirk", "Came", 1),
        track("cora", "Came", 2),
    ];
    let (summary, state) = send(&[], &events);
    assert_eq!(
        (&summary["delivered"], &summary["warnings"]),
        (&json!(5), &json!({"email_taken": 1}))
    );
    let [(cora, first), (dirk, second)] = &contacts(&state)[..] else {
        panic!("{state}");
    };
    assert_eq!((cora.as_str(), dirk.as_str()), ("cora", "dirk"));
    assert_eq!(
        (&first["name"], &first["email"]),
        (&json!("Cora"), &json!("desk@example.org"))
    );
    assert_eq!(first["custom_attributes"], json!({"plan": "gold", "seen": 2}));
    assert_eq!((&second["name"], &second["email"]), (&json!("Dirk"), &Value::Null));
    assert_eq!(second["custom_attributes"], json!({}));
    assert_eq!(state["events"].as_array().unwrap().len(), 2);
    // By the letter of RudderStack's guide, the email decides.
    let (summary, state) = send(&["--shared-email", "same"], &events[..2]);
    assert_eq!(summary["warnings"], json!({"external_id_replaced": 1}));
    assert_eq!(contacts(&state).len(), 1);
}

#[test]
fn d31_a_lead_that_signs_up_becomes_a_user() {
    let events = [
        identify(None, &json!({"email": "quote@example.org", "role": "lead"})),
        identify(Some("elin"), &json!({"email": "Quote@example.org", "name": "Elin"})),
    ];
    let (_, state) = send(&[], &events);
    let [(name, contact)] = &contacts(&state)[..] else {
        panic!("{state}");
    };
    assert_eq!(
        (name.as_str(), &contact["role"], &contact["name"]),
        ("elin", &json!("user"), &json!("Elin"))
    );
}

#[test]
fn d24_the_email_of_a_lead_is_no_obstacle() {
    let events = [
        identify(Some("finn"), &json!({"email": "finn@example.org"})),
        identify(None, &json!({"email": "hello@example.org", "role": "lead"})),
        identify(Some("finn"), &json!({"email": "hello@example.org", "name": "Finn"})),
    ];
    let (summary, state) = send(&[], &events);
    assert_eq!(summary["delivered"], 3);
    let found = contacts(&state);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (&found[0].1["name"], &found[0].1["email"]),
        (&json!("Finn"), &json!("hello@example.org"))
    );
    assert_eq!(found[1].1["role"], "lead");
}

#[test]
fn an_event_of_a_lead_is_delivered() {
    let event = json!({
        "type": "track", "event": "Asked", "timestamp": "2026-02-03T04:05:06Z",
        "properties": {"email": "ask@example.org"},
    });
    let (summary, state) = send(
        &[],
        &[
            identify(None, &json!({"email": "ask@example.org", "role": "lead"})),
            event,
        ],
    );
    assert_eq!(summary["delivered"], 2, "{summary}");
    assert_eq!(state["events"][0]["event_name"], "Asked");
}
