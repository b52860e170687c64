//! `erase`: people are deleted for good, and receipts prove it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, run_with_token};
use intercom_api::{ArchiveContact, ContactFields, ContactId, CreateContact, OperationId, Role};
use intercom_delivery::{ContactKey, FailureRecord};
use intercom_sandbox::{ErrorResponse, Fault, ScriptedFault, Settings};
use rudder_gateway::complete;
use rudder_gateway::store::{About, Awaited, Place, Queue, Settled, Settlement, Store, StoreSettings, Undelivered};
use rudderstack_events::request::{Arrival, Endpoint, Request};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Scene {
    sandbox: Served,
    folder: TempDir,
}

impl Scene {
    fn new(settings: Settings) -> Self {
        Self {
            sandbox: Served::new(settings),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn contact(&self, user_id: &str, email: &str) -> ContactId {
        let mut contact = ContactFields::new();
        contact.external_id = Some(user_id.into());
        contact.email = Some(email.to_owned());
        self.sandbox.call(&CreateContact { contact }).id
    }

    fn receipt_file(&self) -> PathBuf {
        self.folder.path().join("receipts")
    }

    fn erase(&self, arguments: &[&str], input: &str) -> Run {
        let receipt = self.receipt_file();
        let mut all = vec!["erase", "--intercom-base-url", self.sandbox.url(), "--receipt"];
        all.push(receipt.to_str().unwrap());
        all.extend(arguments);
        run_with_token(&all, input)
    }

    fn receipts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.receipt_file()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn left(&self) -> Vec<Value> {
        let mut left: Vec<Value> = self.sandbox.state()["contacts"].as_array().unwrap().clone();
        left.iter_mut().map(|contact| contact["external_id"].take()).collect()
    }
}

#[test]
fn people_are_erased_archived_ones_too() {
    let scene = Scene::new(Settings::default());
    let archived = scene.contact("archived", "gone@example.org");
    scene.sandbox.call(&ArchiveContact::new(archived.clone()));
    let by_email = scene.contact("other", "Ann@example.org");
    scene.contact("stays", "stays@example.org");
    let people = "{\"userId\":\"archived\"}\n\n{\"userId\":\"nobody\",\"email\":\"ann@example.org\"}\n{\"userId\":7}\n";
    let run = scene.erase(&["--file", "-", "--yes"], people);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(scene.left(), [json!("stays")]);
    let receipts = scene.receipts();
    let of = |receipt: &Value| ["named", "identified_by", "outcome", "contact_id"].map(|key| receipt[key].clone());
    assert_eq!(
        receipts.iter().map(of).collect::<Vec<_>>(),
        [
            [json!("line 1"), json!("user_id"), json!("requested"), json!(archived)],
            [
                json!("line 3"),
                json!("user_id_or_email"),
                json!("requested"),
                json!(by_email)
            ],
            [json!("line 4"), json!("user_id"), json!("not_found"), Value::Null],
        ]
    );
    assert!(receipts[0]["request_id"].is_string() && receipts[0]["intercom"].is_string());
    let at = receipts[0]["at"].as_str().unwrap();
    assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
    let text = fs::read_to_string(scene.receipt_file()).unwrap() + &run.stdout() + &run.stderr();
    assert!(!text.contains("example.org") && !text.contains("nobody"), "{text}");

    let run = scene.erase(&["--user-id", "stays", "--email", "x@example.org", "--yes"], "");
    assert_eq!(run.code(), 0);
    assert!(scene.left().is_empty(), "nobody is left behind by looking for them");
    assert_eq!(scene.receipts().len(), 5, "receipts are appended");
}

/// A store with a dead letter and an event that waits of each of two people, and one in the queue of the first.
fn store(path: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(path, StoreSettings::new()).unwrap();
        let of = |user: &str, id: &str| {
            json!({"type": "track", "userId": user, "messageId": format!("{user}-{id}"), "event": "Seen"})
        };
        let batch = [of("a", "1"), of("a", "2"), of("b", "1"), of("b", "2"), of("a", "3")];
        let body = json!({"batch": batch}).to_string();
        let request = Request::read(&body, Endpoint::Batch).unwrap();
        let arrival = Arrival::new(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        store.accept(complete(&request, "key", &arrival, |_, _| None).unwrap()).await.unwrap();
        let failed = || Settlement::Failed(Box::new(Undelivered::new(FailureRecord::new("timeout"), About::default())));
        let awaits = || Settlement::Awaits(Box::new(Awaited::new(vec![ContactKey(7)])));
        let settled = [(1, failed()), (2, awaits()), (3, failed()), (4, awaits())];
        let settled = settled.map(|(seq, settlement)| Settled::new(seq, settlement));
        store.settle(settled.into()).await.unwrap();
        store.close().await;
    });
}

#[test]
fn what_a_store_has_of_them_goes_too_so_that_nothing_creates_them_again() {
    let scene = Scene::new(Settings::default());
    scene.contact("a", "a@example.org");
    let path = scene.folder.path().join("events.db");
    let arguments = |more: &[&'static str]| -> Vec<String> {
        let all = [&["--user-id", "a", "--store", path.to_str().unwrap()], more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let erase = |more: &[&'static str]| {
        let arguments = arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        scene.erase(&arguments, "")
    };
    let missing = erase(&["--yes"]);
    assert!(
        missing.code() == 2 && missing.stderr().contains("there is no event store at"),
        "{}",
        missing.stderr()
    );
    assert_eq!(scene.left(), [json!("a")]);
    store(&path);
    let elsewhere = scene.folder.path().join("elsewhere.db");
    let mut settings = StoreSettings::new();
    settings.place = Some(Place::Intercom);
    drop(Store::open(&elsewhere, settings).unwrap());
    let refused = scene.erase(&["--user-id", "a", "--yes", "--store", elsewhere.to_str().unwrap()], "");
    assert!(
        refused.code() == 2 && refused.stderr().contains("people are erased elsewhere"),
        "{}",
        refused.stderr()
    );
    assert_eq!(scene.left(), [json!("a")]);
    let status = || Queue::open(&path).unwrap().status().unwrap();
    let looked = erase(&["--dry-run"]);
    assert_eq!(looked.code(), 0, "{}", looked.stderr());
    let expected = "1 dead letter and 1 event that waited for their contact";
    assert!(
        looked.stdout().contains(&format!("in the store: {expected}")),
        "{}",
        looked.stdout()
    );
    assert_eq!((status().dead_letters, status().awaiting), (2, 2));
    let run = erase(&["--yes"]);
    assert!(
        run.stdout().contains(&format!("from the store: {expected} deleted")),
        "{}",
        run.stdout()
    );
    assert!(
        run.stderr().contains("1 event of theirs in the queue"),
        "{}",
        run.stderr()
    );
    assert_eq!((run.code(), scene.left().len()), (1, 0));
    assert_eq!((status().dead_letters, status().awaiting, status().events), (1, 1, 1));
}

#[test]
fn nobody_is_erased_without_consent() {
    let scene = Scene::new(Settings::default());
    scene.contact("a", "a@example.org");
    let run = scene.erase(&["--user-id", "a"], "yes\n");
    assert_eq!(run.code(), 2, "standard input is not a terminal");
    assert!(run.stderr().contains("--yes"));
    let run = scene.erase(&["--user-id", "a", "--user-id", "nobody", "--dry-run"], "");
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(run.stdout().contains("--user-id 2: not found"), "{}", run.stdout());
    for file in ["{\"id\":1}", "a@example.org", "{\"userId\":\"\"}"] {
        let run = scene.erase(&["--file", "-", "--yes"], &format!("{{\"userId\":\"a\"}}\n{file}\n"));
        assert_eq!(run.code(), 2, "{file}");
    }
    assert_eq!(scene.erase(&["--yes"], "").code(), 2);
    assert_eq!(scene.erase(&["--yes", "--email", " "], "").code(), 2);
    assert_eq!(scene.left(), [json!("a")]);
}

#[test]
fn what_fails_is_in_the_receipts_and_can_be_done_again() {
    let mut settings = Settings::default();
    let operation = OperationId::RequestUserDeletion;
    settings.faults.scripted = vec![
        ScriptedFault::new(operation, 1, Fault::status(503)),
        ScriptedFault::new(operation, 3, Fault::status(403)),
    ];
    let scene = Scene::new(settings);
    scene.contact("a", "a@example.org");
    let b = scene.contact("b", "b@example.org");
    let arguments = ["--user-id", "a", "--user-id", "b", "--yes"];
    let run = scene.erase(&arguments, "");
    assert_eq!(run.code(), 1, "{}", run.stderr());
    let failed = &scene.receipts()[1];
    assert_eq!(
        (&failed["outcome"], &failed["contact_id"], &failed["named"]),
        (&json!("failed"), &json!(b), &json!("--user-id 2"))
    );
    assert!(failed["error"].as_str().unwrap().contains("403"), "{failed}");
    assert_eq!(scene.erase(&arguments, "").code(), 0);
    assert!(scene.left().is_empty());
}

#[test]
fn a_page_of_a_proxy_is_no_proof_of_a_request() {
    let operation = OperationId::RequestUserDeletion;
    let page = |at, body: &str| {
        let mut response = ErrorResponse::new(200);
        response.body = Some(body.to_owned());
        ScriptedFault::new(operation, at, Fault::Status(response))
    };
    let mut settings = Settings::default();
    settings.faults.scripted = vec![page(1, "<html>Sign in</html>"), page(2, "{}")];
    let scene = Scene::new(settings);
    scene.contact("a", "a@example.org");
    scene.contact("b", "b@example.org");
    let run = scene.erase(&["--user-id", "a", "--user-id", "b", "--yes"], "");
    assert_eq!((run.code(), scene.left().len()), (1, 2), "{}", run.stderr());
    for receipt in scene.receipts() {
        assert_eq!(
            (&receipt["outcome"], &receipt["request_id"]),
            (&json!("failed"), &Value::Null)
        );
    }
}

#[test]
fn a_token_that_is_not_accepted_ends_it() {
    let mut settings = Settings::default();
    settings.token = Some("another".to_owned());
    let scene = Scene::new(settings);
    let run = scene.erase(&["--user-id", "a", "--user-id", "b", "--yes"], "");
    assert_eq!(run.code(), 3);
    assert_eq!(scene.receipts().len(), 1);
}

#[test]
fn nobody_is_created_by_email_to_look_for_them() {
    let scene = Scene::new(Settings::default());
    let arguments = ["--email", "nobody@example.org", "--yes"];
    let run = scene.erase(&arguments, "");
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert!(
        run.stdout()
            .contains("archived contacts were not looked through by email"),
        "{}",
        run.stdout()
    );
    let created = |scene: &Scene| scene.sandbox.state()["calls"]["create_contact"]["200"].clone();
    assert_eq!(created(&scene), Value::Null);
    assert_eq!(scene.receipts()[0]["archived_by_email"], "not_looked_for");

    let archived = scene.contact("archived", "nobody@example.org");
    scene.sandbox.call(&ArchiveContact::new(archived.clone()));
    let run = scene.erase(&[&arguments[..], &["--probe-archived-email"]].concat(), "");
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(scene.receipts()[1]["contact_id"], json!(archived));
}

#[test]
fn of_several_with_one_email_none_is_erased_unless_all_are_asked_for() {
    let scene = Scene::new(Settings::default());
    // Leads may share an email, as users may not in the sandbox.
    for _ in 0..2 {
        let mut contact = ContactFields::new();
        contact.role = Some(Role::Lead);
        contact.email = Some("office@example.org".to_owned());
        scene.sandbox.call(&CreateContact { contact });
    }
    let arguments = ["--email", "office@example.org", "--yes"];
    let run = scene.erase(&arguments, "");
    assert_eq!((run.code(), scene.left().len()), (1, 2), "{}", run.stderr());
    assert_eq!(scene.receipts()[0]["outcome"], "ambiguous");
    let run = scene.erase(&[&arguments[..], &["--all-with-email"]].concat(), "");
    assert_eq!((run.code(), scene.left().len()), (0, 0), "{}", run.stderr());
}

#[test]
fn a_file_of_events_erases_nobody() {
    let scene = Scene::new(Settings::default());
    scene.contact("user-1", "user-1@example.org");
    let run = scene.erase(&["--file", "-", "--yes"], &common::identify(1));
    assert_eq!(run.code(), 2, "{}", run.stderr());
    assert!(run.stderr().contains("line 1: this is an event"), "{}", run.stderr());
    assert_eq!(scene.left().len(), 1);
}
