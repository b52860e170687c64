//! What real SDKs send: read, written back without loss, and delivered to the sandbox. `cargo xtask captures DIR`.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::program;
use rudderstack_events::request::{Endpoint, Request};
use rudderstack_events::{Event, Raw};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// One captured request.
#[derive(Deserialize)]
struct Capture<'a> {
    path: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// What `send --summary-json` writes.
#[derive(Deserialize)]
struct Summary {
    events: u64,
    delivered: u64,
    rejected: u64,
    failed: u64,
    rejections: BTreeMap<String, u64>,
}

#[test]
#[ignore = "needs the folder of the captures, newline-delimited requests: cargo xtask captures DIR"]
fn what_sdks_have_sent_is_read_and_delivered() {
    let folder = std::env::var_os("SDK_CAPTURES").expect("SDK_CAPTURES names the folder of the captures");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&folder).display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    assert!(!files.is_empty(), "there are no .ndjson files in the folder");
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let events = read_and_write(&name, &fs::read_to_string(&file).unwrap());
        assert!(events > 0, "{name}: no event");
        let summary = send(&file);
        let unsupported = summary.rejections.get("unsupported_event_type").copied().unwrap_or(0);
        assert_eq!(summary.events, events, "{name}: all are read");
        assert_eq!(summary.failed, 0, "{name}");
        assert_eq!(summary.rejected, unsupported, "{name}: rejected for their type alone");
        println!(
            "{name}: {events} events come back whole; {} delivered, {unsupported} of an unsupported type",
            summary.delivered
        );
    }
}

/// Reads every event of every captured request and writes it back; how many there are.
fn read_and_write(name: &str, text: &str) -> u64 {
    let mut events = 0;
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}, line {}", at + 1);
        let capture: Capture<'_> = serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
        let endpoint = Endpoint::of_path(&capture.path).unwrap_or_else(|| panic!("{place}: an unknown path"));
        let request = Request::read(capture.body.get(), endpoint).unwrap_or_else(|error| panic!("{place}: {error}"));
        for event in request.events.iter().map(Raw::json) {
            let read = Event::from_json(event).unwrap_or_else(|error| panic!("{place}: {error}"));
            let written = serde_json::to_string(&read).unwrap();
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert!(
                value(event) == value(&written),
                "{place}: an event does not come back whole"
            );
            events += 1;
        }
    }
    events
}

/// Delivers a file to the embedded sandbox. The anonymous ids are sent and contacts that are not there are created,
/// because some captured calls are about nobody that was identified.
fn send(file: &Path) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary");
    let status = program()
        .arg("send")
        .arg(file)
        .args([
            "--sandbox",
            "--send-anonymous-id",
            "--on-unknown-contact",
            "create",
            "--summary-json",
        ])
        .arg(&summary)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{}: {status}", file.display());
    serde_json::from_slice(&fs::read(&summary).unwrap()).unwrap()
}
