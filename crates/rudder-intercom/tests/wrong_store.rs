//! A store whose events are for one workspace is not delivered to another.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/scripted.rs"]
mod scripted;

use common::program;
use gateway::{Gateway, until};
use rudder_gateway::store::{Place, Queue, Store, StoreSettings};
use scripted::{Response, Scripted};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

/// A store whose events are for this place, and this workspace there.
fn store_for(place: Place, workspace: Option<&str>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut settings = StoreSettings::new();
        settings.place = Some(place);
        let store = Store::open(&path, settings).unwrap();
        if let Some(workspace) = workspace {
            store.claim_workspace(workspace).unwrap();
        }
        store.close().await;
    });
    (folder, path)
}

/// How a gateway refuses this store.
fn refusal(store: &Path, arguments: &[&str]) -> String {
    let refused = program()
        .args(["serve", "--gateway", "--listen", "127.0.0.1:0", "--store"])
        .arg(store)
        .args(arguments)
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    for advice in ["name another file with --store", "reassign"] {
        assert!(said.contains(advice), "{said}");
    }
    said
}

#[test]
fn the_events_for_intercom_do_not_go_to_a_sandbox_nor_the_other_way_round() {
    let (_folder, store) = store_for(Place::Intercom, None);
    let said = refusal(&store, &["--sandbox"]);
    assert!(
        said.contains("has events for Intercom, and not for a sandbox"),
        "{said}"
    );
    let said = refusal(&store, &["--intercom-base-url", "http://127.0.0.1:1"]);
    assert!(said.contains("not for http://127.0.0.1:1"), "{said}");
    let (_folder, store) = store_for(Place::Sandbox, None);
    let said = refusal(&store, &[]);
    assert!(
        said.contains("has events for a sandbox, and not for Intercom"),
        "{said}"
    );
}

#[test]
fn the_token_of_another_workspace_is_refused_at_the_start() {
    let intercom = Scripted::new(Response::ok());
    let (_folder, store) = store_for(Place::Url(intercom.url()), Some("another"));
    let said = refusal(&store, &["--intercom-base-url", &intercom.url()]);
    assert!(
        said.contains("workspace another") && said.contains("workspace w") && !said.contains("has been closed"),
        "{said}"
    );

    let reassigned = program()
        .args(["queue", "reassign", "--store"])
        .arg(&store)
        .output()
        .unwrap();
    let said = String::from_utf8(reassigned.stderr).unwrap();
    assert!(
        reassigned.status.success() && said.contains("workspace another"),
        "{said}"
    );
    assert_eq!(Queue::open(&store).unwrap().recipient().unwrap(), None);
}

#[test]
fn nothing_goes_to_another_workspace_once_intercom_can_be_reached_again() {
    let mut intercom = Scripted::new(Response::ok());
    intercom.go_away();
    let gateway = Gateway::start(&intercom.url(), &[]);
    Store::open(&gateway.store(), StoreSettings::new()).unwrap_err();
    let track = |name: &str| {
        let body = format!(r#"{{"userId":"ann","event":"{name}","messageId":"{name}"}}"#);
        assert_eq!(gateway.post("/v1/track", "", body.as_bytes()).status, "200");
    };
    track("first");
    // What another process has found out in the meantime, as a second token would.
    let database = rusqlite::Connection::open(gateway.store()).unwrap();
    database
        .execute("UPDATE recipient SET workspace = 'another'", [])
        .unwrap();
    intercom.come_back();
    gateway.wait_for_log("store_for_another");
    until("it is told", || gateway.get("/ready").body.contains("token_refused"));
    assert_eq!(intercom.done(), Vec::<String>::new());
}
