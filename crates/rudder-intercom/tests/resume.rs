//! `send` goes on where an earlier run was, while Intercom's search does not show yet what that run has written.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, program, run_command};
use intercom_sandbox::Settings;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Longer than any of these tests takes.
const LAG: Duration = Duration::from_secs(3_600);

fn send(sandbox: &Served, journal: &Path, input: &str) -> Run {
    let mut command = program();
    command
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .args(["send", "--intercom-base-url", sandbox.url(), "--journal"])
        .arg(journal);
    run_command(&mut command, input)
}

fn identify(person: usize) -> String {
    format!(r#"{{"type":"identify","userId":"u{person}","traits":{{"email":"u{person}@example.org"}}}}"#)
}

fn group(person: usize) -> String {
    format!(r#"{{"type":"group","userId":"u{person}","groupId":"g","traits":{{"name":"G"}}}}"#)
}

fn record(action: &str, email: &str, fields: &str) -> String {
    format!(r#"{{"type":"record","action":"{action}","identifiers":{{"email":"{email}"}},"fields":{fields}}}"#)
}

fn contact(state: &Value, email: &str) -> Option<Value> {
    let contacts = state["contacts"].as_array().unwrap();
    contacts.iter().find(|contact| contact["email"] == email).cloned()
}

#[test]
fn what_an_earlier_run_has_written_is_known_though_no_search_finds_it() {
    let sandbox = Served::new(Settings::default().with_search_lag(LAG));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let mut lines: Vec<String> = (1..=4).map(identify).collect();
    let run = send(&sandbox, &journal, &lines.join("\n"));
    assert_eq!(run.code(), 0, "{}", run.stderr());

    lines.extend([
        group(1),
        record("update", "u2@example.org", r#"{"name":"Bob"}"#),
        record("delete", "u3@example.org", "{}"),
        record("update", "u4@example.org", r#"{"email":"new@example.org"}"#),
    ]);
    let run = send(&sandbox, &journal, &lines.join("\n"));
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
    // Whom a record has given another email is known by it in the third run.
    lines.push(record("update", "new@example.org", r#"{"name":"Dan"}"#));
    let run = send(&sandbox, &journal, &lines.join("\n"));
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());

    let state = sandbox.state();
    let of = |email: &str| contact(&state, email).unwrap();
    assert_eq!(
        of("u1@example.org")["companies"]["data"].as_array().unwrap().len(),
        1,
        "{state}"
    );
    assert_eq!(of("u2@example.org")["name"], "Bob");
    assert_eq!(contact(&state, "u3@example.org"), None, "it was to be deleted");
    assert_eq!(of("new@example.org")["name"], "Dan");
    assert_eq!(state["contacts"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_deleted_stays_deleted_and_comes_back_when_it_is_identified_again() {
    let sandbox = Served::new(Settings::default().with_search_lag(LAG));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let mut lines = vec![identify(1), record("delete", "u1@example.org", "{}")];
    assert_eq!(send(&sandbox, &journal, &lines.join("\n")).code(), 0);
    assert_eq!(contact(&sandbox.state(), "u1@example.org"), None);
    lines.push(identify(1));
    let run = send(&sandbox, &journal, &lines.join("\n"));
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
    assert!(contact(&sandbox.state(), "u1@example.org").is_some());
}

#[cfg(unix)]
#[test]
fn killed_or_interrupted_within_the_lag_every_link_is_made() {
    for signal in ["-KILL", "-INT"] {
        let sandbox = Served::new(Settings::default().with_search_lag(LAG));
        let folder = tempfile::tempdir().unwrap();
        let (journal, input) = (folder.path().join("journal"), folder.path().join("input"));
        let lines: Vec<String> = (1..=30).map(identify).chain((1..=30).map(group)).collect();
        std::fs::write(&input, lines.join("\n")).unwrap();
        let child = program()
            .env("INTERCOM_ACCESS_TOKEN", "t")
            .args([
                "send",
                "--max-rate",
                "40",
                "--intercom-base-url",
                sandbox.url(),
                "--journal",
            ])
            .args([&journal, &input])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while sandbox.state()["contacts"].as_array().unwrap().len() < 20 {
            assert!(Instant::now() < deadline, "it does not begin");
            std::thread::yield_now();
        }
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([signal, &child.id().to_string()]).status().unwrap().success());
        child.wait_with_output().unwrap();

        let run = send(&sandbox, &journal, &lines.join("\n"));
        assert_eq!(run.code(), 0, "{signal}: {}{}", run.stdout(), run.stderr());
        let state = sandbox.state();
        let contacts = state["contacts"].as_array().unwrap();
        let links = |contact: &Value| contact["companies"]["data"].as_array().unwrap().len();
        assert_eq!(
            (contacts.len(), contacts.iter().map(links).sum::<usize>()),
            (30, 30),
            "{signal}"
        );
    }
}
