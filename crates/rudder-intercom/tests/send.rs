//! `send`: into a sandbox, with records of what was done.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{fixture, identify, program, run, run_command, track};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Sends into a sandbox, and gives the exit code, the summary and the sandbox's state.
fn send(arguments: &[&str], input: impl AsRef<[u8]>) -> (i32, Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (summary, state) = (folder.path().join("summary"), folder.path().join("state"));
    let mut command = program();
    command.arg("send").args(arguments).arg("--sandbox");
    command
        .arg("--summary-json")
        .arg(&summary)
        .arg("--sandbox-state")
        .arg(&state);
    let run = run_command(&mut command, input);
    (run.code(), read(&summary), read(&state))
}

#[test]
fn the_quickstart_is_delivered() {
    let run = run(
        &["send", fixture("quickstart.ndjson").to_str().unwrap(), "--sandbox"],
        "",
    );
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(run.stdout().starts_with("7 of 7 events delivered"), "{}", run.stdout());
    assert!(
        run.stderr().is_empty(),
        "no progress where there is no terminal: {}",
        run.stderr()
    );
}

#[test]
fn the_summary_has_exactly_these_keys() {
    let input = [
        identify(1),
        track(1),
        r#"{"type":"page"}"#.to_owned(),
        "nonsense".to_owned(),
        r#"{"type":"track","userId":"nobody","event":"x"}"#.to_owned(),
        r#"{"type":"track","userId":"a","event":"x","integrations":{"All":false}}"#.to_owned(),
    ]
    .join("\n");
    let (code, summary, state) = send(&[], input);
    assert_eq!(code, 1);
    assert_eq!(
        summary,
        json!({
            "events": 6, "delivered": 2, "rejected": 2, "failed": 1, "skipped": 1, "not_sent": 0, "waited": 0, "calls": 4,
            "rejections": {"unsupported_event_type": 1, "invalid_json": 1},
            "failures": {"unknown_contact": 1},
        })
    );
    assert_eq!(state["contacts"][0]["external_id"], "user-1");
    assert_eq!(state["events"][0]["metadata"], json!({"total": 12.5}));
}

#[test]
fn ids_of_dots_lead_to_nothing_else() {
    let identify = json!({
        "type": "identify", "userId": "u-1",
        "traits": {"id": "..", "email": "ann@example.org", "company": {"id": "acme", "remove": true}},
        "integrations": {"All": true, "Intercom": {"lookup": "id"}},
    });
    let record = |id: &str| json!({"type": "record", "action": "delete", "identifiers": {"id": id}, "fields": {}});
    let input = [
        json!({"type": "group", "userId": "u-1", "groupId": "acme", "traits": {"name": "Acme"}}),
        identify,
        record("."),
        record(".."),
        record(""),
    ];
    let (code, summary, state) = send(&[], input.map(|event| event.to_string()).join("\n"));
    assert_eq!((code, &summary["rejections"]), (1, &json!({"missing_lookup_value": 4})));
    assert_eq!(state["companies"][0]["company_id"], "acme");
    assert_eq!(state["calls"].get("delete_company"), None);
}

#[test]
fn policies_reach_the_engine() {
    let event = r#"{"type":"track","userId":"nobody","event":"x"}"#;
    let (code, summary, state) = send(&["--on-unknown-contact", "create"], event);
    assert_eq!((code, &summary["delivered"]), (0, &json!(1)));
    assert_eq!(state["contacts"][0]["external_id"], "nobody");

    let event = r#"{"type":"identify","userId":"a","traits":{"plan":"pro","email":"a@example.org"}}"#;
    let (code, summary, _) = send(&["--sandbox-strict"], event);
    assert_eq!((code, &summary["failures"]), (1, &json!({"undefined_attribute": 1})));
    let (code, _, state) = send(&["--sandbox-strict", "--attributes", "drop"], event);
    assert_eq!((code, &state["contacts"][0]["custom_attributes"]), (0, &json!({})));
    let (code, _, state) = send(&["--sandbox-strict", "--attributes", "create"], event);
    assert_eq!(
        (code, &state["contacts"][0]["custom_attributes"]["plan"]),
        (0, &json!("pro"))
    );
}

#[test]
fn savings_can_be_switched_off() {
    let input = vec![identify(1); 10].join("\n");
    let (_, saved, state) = send(&[], &input);
    let (_, plain, same) = send(
        &["--no-merge", "--skip-unchanged", "off", "--no-remember-contacts"],
        &input,
    );
    assert!(saved["calls"].as_u64() < plain["calls"].as_u64(), "{saved} {plain}");
    assert_eq!(plain["calls"], 20);
    assert_eq!(state["contacts"][0]["email"], same["contacts"][0]["email"]);
    let input = (0..10).map(identify).collect::<Vec<_>>().join("\n");
    // Slow enough that all have been read when the second search is made, however busy the machine is.
    let slowly = ["--max-rate", "20"];
    let (_, saved, _) = send(&slowly, &input);
    let (_, plain, _) = send(&[&slowly[..], &["--no-batch-lookups"]].concat(), &input);
    assert!(saved["calls"].as_u64() <= Some(13), "{saved}");
    assert_eq!(plain["calls"], 20);
}

#[test]
fn dead_letters_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.ndjson");
    let letters = path.to_str().unwrap();
    let lost = r#"{"type":"track","userId":"nobody","event":"x","properties":{"n":1.0}}"#;
    let undefined = r#"{"type":"identify","userId":"a","traits":{"plan":"pro"}}"#;
    let (code, _, _) = send(
        &["--sandbox-strict", "--dead-letters", letters],
        format!("{lost}\n\n{undefined}\n{{}}"),
    );
    assert_eq!(code, 1);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |code: &str| lines.iter().find(|line| line["code"] == code).unwrap();
    assert_eq!(lines.len(), 2, "what was rejected cannot be sent again: {text}");
    assert_eq!(
        (&of("unknown_contact")["line"], &of("undefined_attribute")["line"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        (&of("unknown_contact")["attempts"], &of("unknown_contact")["status"]),
        (&json!(1), &json!(404))
    );
    assert!(of("unknown_contact")["request_id"].is_string() && of("unknown_contact")["reason"].is_string());
    assert!(
        text.contains(&format!("\"event\":{lost}")),
        "the event as it was: {text}"
    );

    let (code, summary, _) = send(&[letters, "--only-code", "undefined_attribute"], "");
    assert_eq!(
        (code, &summary["events"], &summary["delivered"]),
        (0, &json!(1), &json!(1))
    );
    let (code, summary, _) = send(&[letters, "--on-unknown-contact", "create"], "");
    assert_eq!(
        (code, &summary["events"], &summary["delivered"]),
        (0, &json!(2), &json!(2))
    );

    let run = run(&["send", letters, "--sandbox", "--dead-letters", letters], "");
    assert_eq!(run.code(), 2, "a file is not read and written at once");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn only_code_is_for_dead_letters() {
    let (input, letter) = (identify(1), format!(r#"{{"event":{},"code":"timeout"}}"#, identify(2)));
    let run1 = run(&["send", "--sandbox", "--only-code", "timeout"], &input);
    assert_eq!(run1.code(), 2);
    assert!(
        run1.stderr().contains("--only-code selects among dead letters"),
        "{}",
        run1.stderr()
    );
    let run2 = run(
        &["send", "--sandbox", "--only-code", "timeout"],
        format!("{input}\n{letter}\n{input}"),
    );
    assert_eq!(run2.code(), 0, "{}", run2.stderr());
    assert!(
        run2.stderr().starts_with("2 items of the input left out"),
        "{}",
        run2.stderr()
    );
    assert!(run2.stdout().starts_with("1 of 1 event delivered"), "{}", run2.stdout());
    // There are dead letters, though none of these.
    let run3 = run(&["send", "--sandbox", "--only-code", "server_error"], &letter);
    assert_eq!((run3.code(), run3.stderr()), (0, String::new()));
    let run4 = run(&["send", "--sandbox", "--only-code", "rate_limit"], &letter);
    assert_eq!(run4.code(), 2);
    assert!(
        run4.stderr().contains("did you mean rate_limited?"),
        "{}",
        run4.stderr()
    );
    let run5 = run(&["send", "--sandbox", "--only-code", "xyzzy"], &letter);
    assert!(
        run5.code() == 2 && run5.stderr().contains("those of a file of dead letters"),
        "{}",
        run5.stderr()
    );
}

#[test]
fn without_a_token_nothing_is_sent() {
    let run1 = run(&["send"], identify(1));
    assert_eq!(run1.code(), 3);
    for part in ["INTERCOM_ACCESS_TOKEN", "--token-file", "--sandbox"] {
        assert!(run1.stderr().contains(part), "{}", run1.stderr());
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("token");
    fs::write(&empty, " \n").unwrap();
    assert_eq!(
        run(&["send", "--token-file", empty.to_str().unwrap()], identify(1)).code(),
        3
    );
    assert_eq!(run(&["send", "--token-file", "/no/such/file"], identify(1)).code(), 2);
    let bad = run_command(
        program().arg("send").env("INTERCOM_ACCESS_TOKEN", "two words"),
        identify(1),
    );
    assert_eq!(bad.code(), 3);
    assert!(!bad.stderr().contains("two words"));
}

#[test]
fn arguments_that_cannot_be_used() {
    for arguments in [
        &["send", "--region", "Mars"][..],
        &["send", "--sandbox", "--intercom-base-url", "http://127.0.0.1:1"],
        &["send", "--sandbox", "--journal", "x"],
        &["send", "--sandbox-state", "x"],
        &["send", "--attributes", "maybe"],
        &["send", "--concurrency", "0"],
        &["send", "--token", "secret"],
        &["send", "--sandbox", "--summary-json", "/no/such/folder/x"],
        &["send", "--sandbox", "/no/such/file"],
    ] {
        assert_eq!(run(arguments, identify(1)).code(), 2, "{arguments:?}");
    }
    let mut command = program();
    command
        .args(["send", "--intercom-base-url", "ftp://example.org"])
        .env("INTERCOM_ACCESS_TOKEN", "t");
    assert_eq!(run_command(&mut command, identify(1)).code(), 2);
}
