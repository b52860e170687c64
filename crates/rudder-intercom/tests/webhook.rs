//! The webhook of a gateway is told of what needs a person, once, without a word of anybody's, and in nobody's way.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/scripted.rs"]
mod scripted;

use gateway::{Gateway, until};
use scripted::{Response, Scripted};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// Somebody who is told.
struct Receiver {
    server: Scripted,
    folder: TempDir,
}

impl Receiver {
    fn new(response: Response) -> Self {
        let (server, folder) = (Scripted::new(response), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("webhook"), format!("{}/s3cret\n", server.url())).unwrap();
        Self { server, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("webhook")
    }

    /// A gateway that tells it of what lasts for a second.
    fn gateway(&self, intercom: &Scripted, arguments: &[&str]) -> Gateway {
        let file = self.file();
        let webhook = ["--alert-webhook-file", file.to_str().unwrap(), "--alert-after", "1s"];
        Gateway::start(&intercom.url(), &[&webhook, arguments].concat())
    }

    /// The messages that it has taken.
    fn messages(&self) -> Vec<Value> {
        let read = |text: &String| serde_json::from_str(text).unwrap();
        self.server.done().iter().map(read).collect()
    }

    fn wait_for(&self, phase: &str) -> Value {
        let phase = json!(phase);
        until("the receiver is told", || {
            self.messages().iter().any(|message| message["phase"] == phase)
        });
        let mut messages = self.messages().into_iter();
        messages.find(|message| message["phase"] == phase).unwrap()
    }
}

fn track(gateway: &Gateway, user: &str) {
    let event = json!({"userId": user, "event": "Looked"}).to_string();
    assert_eq!(gateway.post("/v1/track", "", event.as_bytes()).status, "200");
}

#[test]
fn an_outage_is_told_once_and_that_it_is_over() {
    let (mut intercom, receiver) = (Scripted::new(Response::ok()), Receiver::new(Response::ok()));
    let gateway = receiver.gateway(&intercom, &[]);
    intercom.go_away();
    track(&gateway, "ann-s3cret");
    let begun = receiver.wait_for("begun");
    assert_eq!(begun["state"], "outage");
    assert_eq!(begun["accepts_events"], true);
    assert_eq!(begun["waiting_events"], 1);
    assert!(begun["seconds"].as_u64().unwrap() >= 1 && begun["since"].as_str().unwrap().ends_with('Z'));
    let text = begun["text"].as_str().unwrap();
    for part in ["Intercom cannot be reached", "rudder-intercom doctor", "1 event waits"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    intercom.come_back();
    let over = receiver.wait_for("over");
    assert_eq!(over["state"], "outage");
    assert!(over["text"].as_str().unwrap().contains("over after"), "{over}");
    // Again within the hour.
    intercom.go_away();
    track(&gateway, "ann-s3cret");
    until("it is away", || gateway.figure("trouble", "outage") == Some(1.0));
    std::thread::sleep(std::time::Duration::from_secs(4));
    let told = receiver.messages();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(gateway.figure("alerts_total", "sent"), Some(2.0));
    let shown = format!("{told:?}{}{}", gateway.log(), gateway.metrics());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_refused_token_is_told() {
    let intercom = Scripted::new(Response::Status(401, String::new()));
    let receiver = Receiver::new(Response::ok());
    let gateway = receiver.gateway(&intercom, &[]);
    track(&gateway, "ann");
    assert_eq!(receiver.wait_for("begun")["state"], "token_refused");
}

#[test]
fn a_receiver_that_hangs_or_refuses_holds_nothing_up() {
    for response in [
        Response::Silence,
        Response::Status(500, String::new()),
        Response::Status(404, String::new()),
    ] {
        let intercom = Scripted::new(Response::Poisoned("poisoned"));
        let receiver = Receiver::new(response.clone());
        let gateway = receiver.gateway(&intercom, &["--backlog-after", "1s"]);
        track(&gateway, "poisoned");
        receiver.server.wait("somebody to be told", |calls| !calls.is_empty());
        for user in 0..50 {
            track(&gateway, &format!("user-{user}"));
        }
        until("the others are delivered", || {
            gateway.figure("events_total", "delivered") == Some(50.0)
        });
        assert_eq!(receiver.messages().len(), 0);
        if !matches!(response, Response::Silence) {
            gateway.wait_for_log("alert_failed");
            assert!(!gateway.log().contains("s3cret"), "{}", gateway.log());
        }
    }
}

#[test]
fn a_test_message_says_whether_it_arrives() {
    let receiver = Receiver::new(Response::ok());
    let file = receiver.file();
    let arguments = ["serve", "--test-alert", "--alert-webhook-file", file.to_str().unwrap()];
    let run = common::run(&arguments, "");
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(!run.stderr().contains("s3cret") && run.stderr().contains("has taken a test message"));
    assert_eq!(receiver.messages()[0]["state"], "test");
    receiver.server.answer(Response::Status(404, String::new()));
    let run = common::run(&arguments, "");
    assert_eq!(run.code(), 1);
    assert!(
        run.stderr().contains("status 404") && !run.stderr().contains("s3cret"),
        "{}",
        run.stderr()
    );
    let mut receiver = receiver;
    receiver.server.go_away();
    let run = common::run(&arguments, "");
    assert_eq!(run.code(), 4);
    assert!(
        run.stderr().contains("refuses the connection") && !run.stderr().contains("s3cret"),
        "{}",
        run.stderr()
    );
    assert_eq!(common::run(&["serve", "--test-alert"], "").code(), 2);
    std::fs::write(&file, "ftp://example.org/s3cret").unwrap();
    let run = common::run(&arguments, "");
    assert_eq!(run.code(), 2);
    assert!(
        run.stderr()
            .contains("--alert-webhook-file: the URL of a webhook must begin")
            && !run.stderr().contains("s3cret")
    );
}
