//! What people have reported of integrations with Intercom, each kind as events of our own: what they are converted to, and
//! what is in Intercom afterwards, by whichever way they come.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Served, ask, program, run, run_with_token, start};
use intercom_sandbox::{DuplicateEmail, Settings, State};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "ndjson"))
        .collect();
    files.sort();
    files
}

fn world(duplicate_email: DuplicateEmail) -> Served {
    Served::new(Settings::default().with_duplicate_email(duplicate_email))
}

/// A mailbox that two users share. Where Intercom lets one have it, who comes first is chance.
const SHARED: &str = "desk@office.example";

fn state(sandbox: &Served) -> State {
    let state: State = serde_json::from_value(sandbox.state()).unwrap();
    let mut state = state.normalised();
    for item in state.contacts.iter_mut().chain(&mut state.events) {
        if item.get("email").and_then(|email| email.as_str()) == Some(SHARED) {
            item.insert("email", intercom_api::Value::Null);
        }
    }
    state
}

/// What the events are converted to.
fn conversions(file: &Path) -> String {
    let mut text = String::new();
    for mut line in run(&["convert", file.to_str().unwrap()], "").lines() {
        // Which calls a plan takes is told elsewhere.
        line.as_object_mut().unwrap().remove("calls");
        writeln!(text, "{line}").unwrap();
    }
    text
}

fn sent(file: &Path, sandbox: &Served) -> (String, State) {
    let run = run_with_token(
        &["send", file.to_str().unwrap(), "--intercom-base-url", sandbox.url()],
        "",
    );
    // How long it took is chance, and so is how often whoever of two comes second is told that the email is taken.
    let said: Vec<String> = run
        .stdout()
        .lines()
        .skip(1)
        .filter(|line| !line.contains("email_taken"))
        .map(|line| line.trim_end().to_owned())
        .collect();
    let said = said.join("\n");
    // So are the numbers of requests.
    let said = said
        .split("; ")
        .map(|part| part.split(" (request").next().unwrap_or_default());
    (said.collect::<Vec<_>>().join("; "), state(sandbox))
}

/// Sends the events as rudder-server does, each again until it is told not to.
fn routed(file: &Path, sandbox: &Served) -> State {
    let mut command = program();
    command.args(["serve", "--settling-time", "1s", "--intercom-base-url", sandbox.url()]);
    let (_server, address, _log) = start(&mut command);

    let messages: Vec<Value> = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = chrono::Utc::now().to_rfc3339();
    let mut left: Vec<usize> = (0..messages.len()).collect();
    let begun = Instant::now();
    for attempt in 0.. {
        let jobs: Vec<Value> = left
            .iter()
            .map(|at| {
                json!({
                    "message": messages[*at],
                    "metadata": {
                        "jobId": at, "userId": messages[*at]["userId"], "sourceId": "s", "destinationId": "d",
                        "attemptNum": attempt, "firstAttemptedAt": if attempt == 0 { "" } else { &first },
                    },
                    "destination": {"ID": "d", "Config": {"apiServer": "US"}, "Enabled": true},
                })
            })
            .collect();
        let body = json!({"input": jobs, "destType": "intercom_v2"}).to_string();
        let headers = "content-type: application/json\r\noauth-secret: {\"accessToken\":\"t\"}\r\n";
        let response = ask(&address, "POST", "/routerTransform", headers, &body);
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap();
        let mut again: Vec<usize> = Vec::new();
        for output in answer["output"].as_array().unwrap() {
            let status = output["statusCode"].as_u64().unwrap();
            if status == 429 || status >= 500 {
                let jobs = output["metadata"].as_array().unwrap().iter();
                again.extend(jobs.map(|job| usize::try_from(job["jobId"].as_u64().unwrap()).unwrap()));
            }
        }
        again.sort_unstable();
        left = again;
        if left.is_empty() {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{left:?} of {}: {answer}",
            file.display()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    state(sandbox)
}

/// A state without the attributes that nobody has: where identifies become one update, what the last of them unsets is never
/// defined.
fn comparable(state: &impl serde::Serialize) -> Value {
    let mut state = serde_json::to_value(state).unwrap();
    let people = [&state["contacts"], &state["companies"]].map(|all| all.as_array().unwrap().clone());
    let has = |name: &str| {
        people
            .iter()
            .flatten()
            .any(|one| !one["custom_attributes"][name].is_null())
    };
    let attributes = state["data_attributes"].as_array_mut().unwrap();
    attributes.retain(|attribute| has(attribute["name"].as_str().unwrap()));
    state
}

fn case(file: &Path) -> String {
    let mut text = format!("Converted\n{}", conversions(file));
    let mut before = None;
    for (world_of, policy) in [("conflict", DuplicateEmail::Conflict), ("allow", DuplicateEmail::Allow)] {
        let (said, after) = sent(file, &world(policy));
        let routed = routed(file, &world(policy));
        let state = comparable(&after);
        assert_eq!(
            comparable(&routed),
            state,
            "{} as rudder-server sends it, {world_of}",
            file.display()
        );
        // Most are the same in both worlds.
        if before.as_ref() != Some(&state) {
            write!(text, "\nSent where duplicates of emails are: {world_of}\n{said}\n").unwrap();
            let lists = [
                ("contact", &after.contacts),
                ("company", &after.companies),
                ("event", &after.events),
            ];
            for (name, item) in lists
                .into_iter()
                .flat_map(|(name, list)| list.iter().map(move |item| (name, item)))
            {
                let item: Value = serde_json::to_value(item).unwrap();
                let item: serde_json::Map<String, Value> = item
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(_, value)| !value.is_null() && **value != json!([]) && **value != json!({}))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                writeln!(text, "{name} {}", Value::from(item)).unwrap();
            }
        }
        before = Some(state);
    }
    text
}

#[test]
fn cases_are_as_in_their_snapshots() {
    for file in files() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(name, case(&file));
    }
}
