//! `send` goes on where an earlier run was, while Intercom's search does not show yet what that run has written.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, program, run_command};
use intercom_api::{CreateDataAttribute, DataAttributeModel, DataType};
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

/// Sends events of whom some fail, because the workspace lacks the attribute `late`; then defines it, and sends the dead
/// letters with these arguments. Gives the state, the dead letters as they were, and the second run.
fn replay(events: &[&str], with_journal: bool, arguments: &[&str]) -> (Value, String, Run) {
    let sandbox = Served::new(Settings::default().with_any_attribute(false));
    let folder = tempfile::tempdir().unwrap();
    let (journal, letters) = (folder.path().join("journal"), folder.path().join("dead.ndjson"));
    let send = || {
        let mut command = program();
        command
            .env("INTERCOM_ACCESS_TOKEN", "t")
            .args(["send", "--intercom-base-url", sandbox.url()]);
        command
    };
    let mut first = send();
    first.arg("--dead-letters").arg(&letters);
    if with_journal {
        first.arg("--journal").arg(&journal);
    }
    assert_eq!(run_command(&mut first, events.join("\n")).code(), 1);
    let text = std::fs::read_to_string(&letters).unwrap();
    for (name, model) in [
        ("late", DataAttributeModel::Contact),
        ("behind", DataAttributeModel::Company),
    ] {
        sandbox.call(&CreateDataAttribute::new(name, model, DataType::Integer));
    }
    let run = run_command(send().arg(&letters).args(arguments), "");
    (sandbox.state(), text, run)
}

#[test]
fn an_older_event_that_is_sent_again_undoes_no_newer_one() {
    let events = [
        r#"{"type":"identify","userId":"a","traits":{"email":"a@x.y","name":"Old","phone":"1","late":1}}"#,
        r#"{"type":"identify","userId":"a","traits":{"email":"a@x.y","name":"New"}}"#,
        r#"{"type":"group","userId":"a","groupId":"g","traits":{"name":"Old","industry":"Tea","behind":1}}"#,
        r#"{"type":"group","userId":"a","groupId":"g","traits":{"name":"New"}}"#,
        r#"{"type":"identify","userId":"a","traits":{"company":{"id":"g","remove":true}}}"#,
        r#"{"type":"identify","userId":"b","traits":{"email":"b@x.y","late":2}}"#,
    ];
    for with_journal in [false, true] {
        let (state, letters, run) = replay(&events, with_journal, &[]);
        assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
        let person = contact(&state, "a@x.y").unwrap();
        assert_eq!(
            (&person["name"], &person["phone"], &person["custom_attributes"]["late"]),
            (&"New".into(), &"1".into(), &1.into()),
            "{letters}"
        );
        assert_eq!(
            person["companies"]["data"].as_array().map(Vec::len),
            Some(0),
            "{letters}"
        );
        let company = &state["companies"][0];
        assert_eq!((&company["name"], &company["industry"]), (&"New".into(), &"Tea".into()));
        assert!(contact(&state, "b@x.y").is_some());
        let letters: Vec<Value> = letters
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let superseded = letters.iter().filter(|letter| letter["superseded"].is_object());
        assert_eq!((letters.len(), superseded.count()), (3, 2));
        assert!(letters.iter().all(|letter| letter["v"] == 1));
        assert!(run.stdout().contains("superseded"), "{}", run.stdout());

        let (state, _, run) = replay(&events, with_journal, &["--replay-as-new"]);
        assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
        let person = contact(&state, "a@x.y").unwrap();
        assert_eq!(person["name"], "Old");
        assert_eq!(person["companies"]["data"].as_array().map(Vec::len), Some(1));
        assert!(!run.stdout().contains("superseded"), "{}", run.stdout());
    }
}

#[test]
fn who_was_deleted_meanwhile_stays_deleted() {
    let events = [
        r#"{"type":"identify","userId":"a","traits":{"email":"a@x.y"}}"#,
        r#"{"type":"identify","userId":"a","traits":{"email":"a@x.y","late":1}}"#,
        r#"{"type":"record","action":"delete","identifiers":{"external_id":"a"}}"#,
    ];
    let (state, letters, run) = replay(&events, false, &[]);
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
    assert!(state["contacts"].as_array().unwrap().is_empty(), "{letters}");
}
