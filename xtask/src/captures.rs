//! What real SDKs send: read, written back without loss, and delivered to the sandbox.

use crate::project;
use rudderstack_events::{Batch, Event, Raw};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder of captures: newline-delimited objects with a path, headers and a JSON body
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// One captured request.
#[derive(Deserialize)]
struct Capture<'a> {
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

pub(crate) fn run(options: &Options) -> ExitCode {
    match check(&options.folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn check(folder: &Path) -> Result<(), String> {
    let files = project::files(folder, "ndjson").map_err(|error| format!("{}: {error}", folder.display()))?;
    if files.is_empty() {
        return Err(format!("there are no .ndjson files in {}", folder.display()));
    }
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let events = read_and_write(&text).map_err(|error| format!("{name}: {error}"))?;
        let summary = send(&file).map_err(|error| format!("{name}: {error}"))?;
        let unsupported = summary.rejections.get("unsupported_event_type").copied().unwrap_or(0);
        if summary.events != events || summary.failed != 0 || summary.rejected != unsupported {
            return Err(format!(
                "{name}: of {events} events, {} were read, {} failed, and {} were rejected for another reason than \
                 their type",
                summary.events,
                summary.failed,
                summary.rejected - unsupported
            ));
        }
        println!(
            "{name}: {events} events come back whole; {} delivered, {unsupported} of an unsupported type",
            summary.delivered
        );
    }
    Ok(())
}

/// Reads every event of every captured request and writes it back; how many there are.
fn read_and_write(text: &str) -> Result<u64, String> {
    let mut events = 0;
    for (at, line) in text.lines().enumerate() {
        let capture: Capture<'_> = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1))?;
        let body = capture.body.get();
        let batch: Batch<'_> = serde_json::from_str(body).map_err(|error| format!("line {}: {error}", at + 1))?;
        if batch.batch.is_absent() {
            same(body, &Event::from_json(body).map_err(|error| error.to_string())?)?;
            events += 1;
        } else {
            same(body, &batch)?;
            for raw in batch.batch.ok().iter().flatten().map(Raw::json) {
                same(raw, &Event::from_json(raw).map_err(|error| error.to_string())?)?;
                events += 1;
            }
        }
    }
    Ok(events)
}

fn same(text: &str, read: &impl serde::Serialize) -> Result<(), String> {
    let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    let written = serde_json::to_string(read).map_err(|error| error.to_string())?;
    if value(text)? == value(&written)? {
        Ok(())
    } else {
        Err("an event does not come back whole".to_owned())
    }
}

/// Delivers a file to the embedded sandbox. The anonymous ids are sent and contacts that are not there are created,
/// because some captured calls are about nobody that was identified.
fn send(file: &Path) -> Result<Summary, String> {
    let summary = project::root().join("target").join("captures-summary.json");
    let status = project::cargo()
        .args(["run", "--quiet", "--package", "rudder-intercom", "--", "send"])
        .arg(file.canonicalize().map_err(|error| error.to_string())?)
        .args([
            "--sandbox",
            "--send-anonymous-id",
            "--on-unknown-contact",
            "create",
            "--summary-json",
        ])
        .arg(&summary)
        .stdout(std::process::Stdio::null())
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(format!("send ended with {status}"));
    }
    let text = fs::read_to_string(&summary).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("the summary cannot be read: {error}"))
}
