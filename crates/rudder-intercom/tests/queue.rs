//! `queue`: what a gateway keeps, told in a terminal.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::program;
use intercom_delivery::{ContactKey, FailureRecord};
use rudder_gateway::complete;
use rudder_gateway::store::StoreSettings;
use rudder_gateway::store::{About, Awaited, Settled, Settlement, Store, Undelivered};
use rudderstack_events::request::{Arrival, Endpoint, Request};
use std::path::PathBuf;
use std::process::Output;
use tempfile::TempDir;

struct Kept {
    folder: TempDir,
}

impl Kept {
    /// A store with an event of each state: delivered with a value left out, waiting, waiting for its contact, rejected.
    fn new() -> Self {
        let kept = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Store::open(&kept.path(), StoreSettings::new()).unwrap();
            let body = r#"{"batch":[
                {"type":"track","userId":"early","event":"Looked","messageId":"m-1"},
                {"type":"identify","userId":"1042","traits":{"email":"ann@example.com","plan":"pro"},"messageId":"m-2"},
                {"type":"track","userId":"1042","event":"A rather long name of something that was done","messageId":"m-3"},
                {"type":"track","userId":"1042","messageId":"m-4"}]}"#;
            let request = Request::read(body, Endpoint::Batch).unwrap();
            let arrival = Arrival::new(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
            store.accept(complete(&request, "key", &arrival, |_, _| None).unwrap()).await.unwrap();
            let mut delivered = Settled::new(2, Settlement::Delivered);
            let dropped = intercom_delivery::DeliveryWarning::AttributeDropped {
                attribute: "plan".to_owned(),
            };
            delivered.how.notes.push((&dropped).into());
            let failure = FailureRecord::rejected("missing_event_name", "/event", "no name");
            let mut about = About::default();
            about.user_id = Some("1042".to_owned());
            let rejected = Settlement::Rejected(Box::new(Undelivered::new(failure, about)));
            let awaited = Settlement::Awaits(Box::new(Awaited::new(vec![ContactKey(7)])));
            let settled = vec![Settled::new(1, awaited), delivered, Settled::new(4, rejected)];
            store.settle(settled).await.unwrap();
            store.close().await;
        });
        kept
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = program();
        command.args(["queue", "--store"]).arg(self.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn what_is_wrong_with_a_users_plan_is_found_and_explained() {
    let kept = Kept::new();
    for text in ["1042", "ANN@example.com", "m-2"] {
        assert!(kept.printed(&["search", text]).contains("identify"), "{text}");
    }
    assert_eq!(kept.printed(&["search", "1042"]).lines().count(), 4);
    let shown = kept.printed(&["show", "2"]);
    for part in [
        "Event 2: identify, delivered",
        "received",
        "attribute_dropped at plan",
        "Create the attribute in Intercom",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let shown = kept.printed(&["show", "4"]);
    for part in [
        "rejected: missing_event_name (at /event)",
        "Give the event a name.",
        "would come to the same",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    // What goes on by itself needs nobody.
    let shown = kept.printed(&["show", "1"]);
    for part in ["awaiting", "no contact for it yet", "Nothing, if that is to come"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let nobody = kept.run(&["search", "somebody else"]);
    assert!(nobody.status.success() && nobody.stdout.is_empty());
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no event with this"));
    assert_eq!(kept.run(&["show", "99"]).status.code(), Some(2));
}

#[test]
fn no_value_is_shown_unless_it_is_asked_for() {
    let kept = Kept::new();
    for arguments in [
        &["tail", "--no-follow"][..],
        &["search", "m-3"],
        &["show", "3"],
        &["show", "4"],
        &["search", "m-4", "--json"],
        &["show", "4", "--json"],
    ] {
        let hidden = kept.printed(arguments);
        assert!(!hidden.contains("1042") && !hidden.contains("early"), "{hidden}");
        let shown = kept.printed(&[arguments, &["--show-values"]].concat());
        assert!(shown.contains("1042"), "{arguments:?}: {shown}");
    }
}

#[test]
fn machines_get_an_object_a_line() {
    let kept = Kept::new();
    let text = kept.printed(&["tail", "--no-follow", "--json"]);
    let states: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["state"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(states, ["awaiting", "delivered", "waiting", "rejected"]);
    let shown: serde_json::Value = serde_json::from_str(&kept.printed(&["show", "4", "--json"])).unwrap();
    assert_eq!(
        (&shown["steps"][0]["what"], &shown["why"]["remedy"]),
        (&"rejected".into(), &"edit".into())
    );
}

#[test]
fn what_waits_for_its_contact_is_counted_and_exported_in_its_place() {
    let kept = Kept::new();
    let status = kept.printed(&["status"]);
    assert!(
        status.contains("1 waiting, ") && status.contains("1 waiting for the identify of their user"),
        "{status}"
    );
    let exported = kept.printed(&["export"]);
    let ids: Vec<_> = exported
        .lines()
        .map(|line| line.contains("m-1") || !line.contains("m-3"))
        .collect();
    assert_eq!(ids, [true, false], "{exported}");
}

#[test]
fn dead_letters_that_were_dropped_are_restored() {
    let kept = Kept::new();
    let dropped = kept.run(&["dead-letters", "drop", "--all"]);
    let told = String::from_utf8(dropped.stderr).unwrap();
    assert!(
        told.contains("1 dead letter deleted") && told.contains("dead-letters restore"),
        "{told}"
    );
    assert_eq!(kept.printed(&["dead-letters", "list"]), "");
    let restored = kept.run(&["dead-letters", "restore"]);
    assert!(String::from_utf8_lossy(&restored.stderr).contains("1 dead letter restored"));
    assert!(kept.printed(&["dead-letters", "list"]).contains("missing_event_name"));
    assert!(kept.printed(&["show", "4"]).contains("restored"));
}

#[test]
fn a_dead_letter_has_the_number_of_its_event_everywhere() {
    let kept = Kept::new();
    let listed = kept.printed(&["dead-letters", "list"]);
    assert!(
        listed.trim_start().starts_with("4 ") && !listed.contains("1042") && listed.contains("no name"),
        "{listed}"
    );
    assert!(
        kept.printed(&["dead-letters", "list", "--show-values"])
            .contains("1042")
    );
    assert!(!kept.printed(&["dead-letters", "list", "--json"]).contains("1042"));
    // What is none is not passed over in silence.
    for command in ["replay", "drop", "show"] {
        let none = kept.run(&["dead-letters", command, "1"]);
        let said = String::from_utf8(none.stderr).unwrap();
        assert!(
            none.status.code() == Some(2) && said.contains("event 1 is no dead letter"),
            "{said}"
        );
    }
    assert!(kept.printed(&["dead-letters", "show", "4"]).contains("m-4"));
    let replayed = kept.run(&["dead-letters", "replay", "4"]);
    assert!(String::from_utf8_lossy(&replayed.stderr).contains("1 dead letter put back into the queue"));
    assert_eq!(kept.printed(&["dead-letters", "list"]), "");
}

#[test]
fn nothing_is_done_to_all_by_mistake() {
    let kept = Kept::new();
    assert_eq!(kept.run(&["dead-letters", "drop"]).status.code(), Some(2));
    let none = kept.run(&["dead-letters", "drop", "--only-code", "timeout"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("0 dead letters deleted"));
    assert!(kept.printed(&["dead-letters", "list"]).contains("missing_event_name"));
}

#[test]
fn the_commands_that_are_printed_name_the_same_store() {
    let kept = Kept::new();
    let store = format!("--store {}", kept.path().display());
    for arguments in [
        &["search", "1042"][..],
        &["status"],
        &["show", "99"],
        &["dead-letters", "show", "99"],
        &["dead-letters", "drop", "--all"],
    ] {
        let said = String::from_utf8(kept.run(arguments).stderr).unwrap();
        assert!(
            said.contains(&format!("rudder-intercom queue {store} ")),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn the_store_is_found_that_a_gateway_makes_or_that_its_settings_name() {
    let kept = Kept::new();
    let here = |name: &str, arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        if !name.is_empty() {
            std::fs::copy(kept.path(), folder.path().join(name)).unwrap();
        }
        let run = program()
            .current_dir(&folder)
            .arg("queue")
            .args(arguments)
            .output()
            .unwrap();
        (
            run.status.code(),
            String::from_utf8(run.stdout).unwrap() + &String::from_utf8(run.stderr).unwrap(),
        )
    };
    for name in ["rudder-intercom.db", "sandbox.db"] {
        let (code, said) = here(name, &["search", "1042"]);
        assert!(code == Some(0) && said.contains("identify"), "{name}: {said}");
    }
    let (code, said) = here("", &["status"]);
    assert!(
        code == Some(2) && said.contains("--store") && said.contains("sandbox.db"),
        "{said}"
    );
    let config = kept.folder.path().join("serve.toml");
    std::fs::write(
        &config,
        format!("gateway = true\nstore = \"{}\"\n", kept.path().display()),
    )
    .unwrap();
    let (code, said) = here("", &["status", "--config", config.to_str().unwrap()]);
    assert!(code == Some(0) && said.contains("1 waiting"), "{said}");
}

#[cfg(unix)]
#[test]
fn the_table_fits_the_terminal() {
    use pty_process::{Size, blocking};
    use std::io::Read as _;

    let kept = Kept::new();
    for width in [70, 80, 120] {
        let (mut pty, pts) = blocking::open().unwrap();
        pty.resize(Size::new(24, width)).unwrap();
        let command = kept.command(&["--color", "never", "tail", "--no-follow", "--show-values"]);
        let mut child = blocking::Command::from(command)
            .env("TERM", "xterm")
            .spawn(pts)
            .unwrap();
        let mut text = Vec::new();
        // Once the program has ended, reading fails.
        let _ = pty.read_to_end(&mut text);
        assert!(child.wait().unwrap().success());
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 5, "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
        assert!(text.contains('…') && text.contains("1042"), "{text}");
    }
}
