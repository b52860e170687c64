//! `send --journal`: which input and which workspace a journal is for.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use axum::http::{HeaderMap, StatusCode, Uri};
use common::{Run, Served, program, run_command, track};
use intercom_sandbox::Settings;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Runtime;

/// What takes data events of two workspaces, and of a third that does not say which it is.
struct Workspaces {
    url: String,
    events: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Workspaces {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let events = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&events);
        let answer = async move |uri: Uri, headers: HeaderMap| {
            let token = headers["authorization"].to_str().unwrap();
            let id = match token.strip_prefix("Bearer ").unwrap() {
                "a" | "also-a" => "workspace-a",
                "b" => "workspace-b",
                "restricted" => "",
                _ => return (StatusCode::UNAUTHORIZED, String::new()),
            };
            if uri.path() == "/events" {
                counted.fetch_add(1, Ordering::Relaxed);
                return (StatusCode::ACCEPTED, String::new());
            }
            match id {
                "" => (StatusCode::FORBIDDEN, String::new()),
                id => (
                    StatusCode::OK,
                    format!(r#"{{"type":"admin","id":"1","app":{{"id_code":"{id}"}}}}"#),
                ),
            }
        };
        runtime.spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
        Self {
            url,
            events,
            _runtime: runtime,
        }
    }

    fn events(&self) -> usize {
        self.events.load(Ordering::Relaxed)
    }
}

fn send(url: &str, token: &str, journal: &Path, input: &str) -> Run {
    let mut command = program();
    command
        .env("INTERCOM_ACCESS_TOKEN", token)
        .args(["send", "--intercom-base-url", url, "--journal"])
        .arg(journal);
    run_command(&mut command, input)
}

#[test]
fn a_journal_goes_on_in_its_own_workspace_only() {
    let workspaces = Workspaces::new();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let (first, both) = (track(1), [track(1), track(2)].join("\n"));
    let run = send(&workspaces.url, "a", &journal, &first);
    assert_eq!((run.code(), workspaces.events()), (0, 1), "{}", run.stderr());

    for other in ["b", "restricted"] {
        let run = send(&workspaces.url, other, &journal, &both);
        assert_eq!((run.code(), workspaces.events()), (2, 1), "{other}: {}", run.stderr());
        assert!(run.stderr().contains("another workspace"), "{other}: {}", run.stderr());
    }
    let run = send(&workspaces.url, "revoked", &journal, &both);
    assert_eq!((run.code(), workspaces.events()), (3, 1), "{}", run.stderr());

    // A token may be replaced by another of the same workspace.
    let run = send(&workspaces.url, "also-a", &journal, &both);
    assert_eq!((run.code(), workspaces.events()), (0, 2), "{}", run.stderr());
    assert!(run.stdout().starts_with("2 of 2 events delivered"), "{}", run.stdout());
}

#[test]
fn a_token_that_may_not_tell_its_workspace_can_be_used_all_the_same() {
    let workspaces = Workspaces::new();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    for _ in 0..2 {
        let run = send(&workspaces.url, "restricted", &journal, &track(1));
        assert_eq!((run.code(), workspaces.events()), (0, 1), "{}", run.stderr());
        assert!(run.stderr().contains("which workspace"), "{}", run.stderr());
    }
    assert_eq!(send(&workspaces.url, "b", &journal, &track(1)).code(), 2);
}

#[test]
fn intercom_is_asked_once_whose_the_token_is() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let run = send(sandbox.url(), "t", &folder.path().join("journal"), &common::identify(1));
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(
        sandbox.state()["calls"]["identify_admin"],
        serde_json::json!({"200": 1})
    );
}

#[test]
fn a_journal_is_for_one_url_and_one_input() {
    let (sandbox, other) = (Served::new(Settings::default()), Served::new(Settings::default()));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let input = common::identify(1);
    assert_eq!(send(sandbox.url(), "t", &journal, &input).code(), 0);
    for (url, input, reason) in [
        (other.url(), &input, "another --intercom-base-url or --region"),
        (sandbox.url(), &common::identify(2), "another input"),
    ] {
        let run = send(url, "t", &journal, input);
        assert_eq!(run.code(), 2);
        assert!(run.stderr().contains(reason), "{}", run.stderr());
    }
}

/// Ends the program with a signal as soon as something is in the sandbox, and gives its exit code and its errors.
#[cfg(unix)]
fn end_in_the_middle(sandbox: &Served, journal: &Path, input: &Path, signal: &str) -> (Option<i32>, String) {
    let has_begun = |before: usize| sandbox.state()["events"].as_array().unwrap().len() > before;
    let before = sandbox.state()["events"].as_array().unwrap().len();
    let child = program()
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .args([
            "send",
            "--max-rate",
            "50",
            "--intercom-base-url",
            sandbox.url(),
            "--journal",
        ])
        .args([journal, input])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !has_begun(before) {
        std::thread::yield_now();
    }
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([signal, &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[cfg(unix)]
#[test]
fn the_same_command_goes_on_after_ctrl_c_and_after_kill_9() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let (journal, input) = (folder.path().join("journal"), folder.path().join("input"));
    let people = 1..=60;
    // With the time, by which Intercom knows a repeated event.
    let dated = |number| track(number).replacen('{', r#"{"timestamp":"2024-01-01T00:00:00Z","#, 1);
    let lines: Vec<String> = people.clone().map(common::identify).chain(people.map(dated)).collect();
    std::fs::write(&input, lines.join("\n")).unwrap();

    let (code, errors) = end_in_the_middle(&sandbox, &journal, &input, "-INT");
    assert_eq!(code, Some(130), "{errors}");
    assert!(errors.contains("the same command goes on where it was"), "{errors}");
    let (code, _) = end_in_the_middle(&sandbox, &journal, &input, "-KILL");
    assert_eq!(code, None, "it was killed");

    let run = send(sandbox.url(), "t", &journal, &lines.join("\n"));
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(
        run.stdout().starts_with("120 of 120 events delivered"),
        "{}",
        run.stdout()
    );
    let state = sandbox.state();
    let count = |name: &str| state[name].as_array().unwrap().len();
    assert_eq!((count("contacts"), count("events")), (60, 60));
}

#[test]
fn another_input_is_told_by_its_line_and_each_run_counts_its_own_calls() {
    let workspaces = Workspaces::new();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let run = send(&workspaces.url, "a", &journal, &[track(1), track(2)].join("\n"));
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(
        run.stdout().contains("2 of 2 events delivered with 2 calls in"),
        "{}",
        run.stdout()
    );
    let input = [track(1), track(2), track(3)].join("\n");
    let run = send(&workspaces.url, "a", &journal, &input);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    for told in [
        "3 of 3 events delivered with 1 call in",
        "2 of them done by earlier runs, with 2 calls",
    ] {
        assert!(run.stdout().contains(told), "{}", run.stdout());
    }
    // A line that is empty is one all the same.
    let other = format!("{}\n\n{}\n", track(1), track(9));
    let run = send(&workspaces.url, "a", &journal, &other);
    assert_eq!(run.code(), 2);
    let told = "belongs to another input: the event in line 3 is not the one that was there";
    assert!(run.stderr().contains(told), "{}", run.stderr());
    // Nothing is said of events that another input had.
    assert_eq!(run.stdout(), "");
    assert_eq!(workspaces.events(), 3);
}
