//! Events that come before their contact, with a store: against the sandbox.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use intercom_sandbox::{RunningSandbox, Settings};
use intercom_transformer::Transformer;
use intercom_transformer::store::{Filter, Keeper, Queue, QueueStatus, Store, StoreSettings};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use support::{post, transform};
use tempfile::TempDir;
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(30);

/// An Intercom, and where the instances have their stores.
struct Bench {
    sandbox: RunningSandbox,
    folder: TempDir,
    kept: StoreSettings,
}

impl Bench {
    async fn new(settings: Settings) -> Self {
        let mut kept = StoreSettings::new();
        kept.keeper = Keeper::Transformer;
        // Not within a test.
        kept.awaiting.first_look = LONG;
        Self {
            sandbox: intercom_sandbox::spawn(settings).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            kept,
        }
    }

    fn path(&self, instance: &str) -> PathBuf {
        self.folder.path().join(format!("{instance}.db"))
    }

    /// An instance with a store of this name.
    fn instance(&self, name: &str) -> Instance {
        let mut settings = intercom_transformer::Settings::new();
        settings.intercom_base_url = Some(self.sandbox.base_url().parse().unwrap());
        let store = Store::open(&self.path(name), self.kept.clone()).unwrap();
        let service = Transformer::new(settings).unwrap();
        let service = service.with_store(store, self.kept.awaiting.first_look);
        Instance {
            router: service.router(),
            service,
            path: self.path(name),
        }
    }

    fn state(&self) -> Value {
        serde_json::to_value(self.sandbox.state()).unwrap()
    }

    /// The names of the events, and the companies of the contact with this user id.
    fn of(&self, user: &str) -> (Vec<String>, Vec<String>) {
        let state = self.state();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let contacts = list(&state["contacts"]);
        let Some(contact) = contacts.iter().find(|contact| contact["external_id"] == user) else {
            return (Vec::new(), Vec::new());
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let is_theirs = |event: &&Value| event["user_id"] == user || event["intercom_user_id"] == contact["id"];
        let events = list(&state["events"]);
        let events = events.iter().filter(is_theirs).map(|event| text(&event["event_name"]));
        let linked: Vec<Value> = list(&contact["companies"]["data"]);
        let companies = list(&state["companies"]);
        let companies = companies
            .iter()
            .filter(|company| linked.iter().any(|one| one["id"] == company["id"]));
        (
            events.collect(),
            companies.map(|company| text(&company["company_id"])).collect(),
        )
    }

    fn calls(&self, operation: &str) -> u64 {
        let state = self.state();
        let by_status = state["calls"][operation].as_object().cloned().unwrap_or_default();
        by_status.values().filter_map(Value::as_u64).sum()
    }
}

struct Instance {
    service: Transformer,
    router: Router,
    path: PathBuf,
}

impl Instance {
    async fn statuses(&self, events: &[Value]) -> Vec<u64> {
        let elements = transform(&self.router, events).await;
        elements
            .iter()
            .map(|element| element["statusCode"].as_u64().unwrap())
            .collect()
    }

    fn queue(&self) -> Queue {
        Queue::open(&self.path).unwrap()
    }

    fn status(&self) -> QueueStatus {
        self.queue().status().unwrap()
    }

    async fn metrics(&self) -> String {
        let request = axum::http::Request::get("/metrics").body(axum::body::Body::empty());
        let response = support::ask(&self.router, request.unwrap()).await;
        String::from_utf8(response.body).unwrap()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An event of a key of rudder-server's.
fn event(job: u64, key: &str, mut message: Value) -> Value {
    message["messageId"] = json!(format!("message-{job}"));
    let mut event = support::event(job, message);
    event["metadata"]["userId"] = json!(format!("<<>>{key}<<>>{key}"));
    event["metadata"]["firstAttemptedAt"] = json!("");
    event
}

fn identify(user: &str) -> Value {
    json!({"type": "identify", "userId": user, "traits": {"email": format!("{user}@example.com")}})
}

fn group(user: &str) -> Value {
    json!({"type": "group", "userId": user, "groupId": "g-1", "traits": {"name": "Acme"}})
}

fn track(user: &str, name: &str) -> Value {
    json!({"type": "track", "userId": user, "event": name, "timestamp": "2026-01-02T03:04:05Z"})
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn d34_what_comes_before_its_contact_waits_for_it_and_comes_before_its_later_events() {
    for lag in [Duration::ZERO, LONG] {
        let bench = Bench::new(Settings::default().with_search_lag(lag)).await;
        let one = bench.instance("one");
        let early = [event(1, "u", track("u", "first")), event(2, "u", group("u"))];
        assert_eq!(one.statuses(&early).await, [299; 2]);
        assert_eq!(one.status().awaiting, 2);
        // rudder-server may not have heard it.
        assert_eq!(one.statuses(&early).await, [299; 2]);
        assert_eq!(one.status().awaiting, 2);
        assert!(bench.state()["contacts"].as_array().unwrap().is_empty());
        let later = [event(3, "u", identify("u")), event(4, "u", track("u", "last"))];
        assert_eq!(one.statuses(&later).await, [299; 2]);
        assert_eq!(
            bench.of("u"),
            (names(&["first", "last"]), names(&["g-1"])),
            "{}",
            bench.state()
        );
        until("nothing waits", || {
            one.status().awaiting == 0 && one.status().events == 0
        })
        .await;
        let metrics = one.metrics().await;
        for line in [
            "rudder_intercom_awaited_events_total{result=\"delivered\"} 2",
            "rudder_intercom_awaiting_events 0",
            "rudder_intercom_jobs_total{result=\"waits\",code=\"unknown_contact\"} 2",
            "rudder_intercom_store_sound 1",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        one.service.close_store().await;
    }
}

#[tokio::test]
async fn what_waits_outlives_its_instance() {
    let bench = Bench::new(Settings::default()).await;
    let one = bench.instance("one");
    assert_eq!(
        one.statuses(&[event(1, "u", track("u", "first")), event(2, "u", group("u"))])
            .await,
        [299; 2]
    );
    one.service.close_store().await;
    let again = bench.instance("one");
    assert_eq!(again.statuses(&[event(3, "u", identify("u"))]).await, [299]);
    until("it is delivered", || {
        bench.of("u") == (names(&["first"]), names(&["g-1"]))
    })
    .await;
    until("nothing waits", || {
        again.status().awaiting == 0 && again.status().events == 0
    })
    .await;
}

#[tokio::test]
async fn whom_another_instance_creates_is_found_by_a_search_for_many() {
    let mut bench = Bench::new(Settings::default()).await;
    let two = bench.instance("two");
    bench.kept.awaiting.first_look = SOON;
    let one = bench.instance("one");
    let users: Vec<String> = (0..12).map(|number| format!("u{number}")).collect();
    let early: Vec<Value> = (0..)
        .zip(&users)
        .flat_map(|(job, user)| {
            [
                event(2 * job, user, track(user, "first")),
                event(2 * job + 1, user, group(user)),
            ]
        })
        .collect();
    assert!(one.statuses(&early).await.iter().all(|status| *status == 299));
    let searches = || bench.calls("search_contacts");
    let before = searches();
    until("it was looked for them", || searches() > before).await;
    assert_eq!(one.status().awaiting, 24);
    for (job, user) in (100..).zip(&users) {
        assert_eq!(two.statuses(&[event(job, user, identify(user))]).await, [299]);
    }
    until("all are delivered", || {
        users
            .iter()
            .all(|user| bench.of(user) == (names(&["first"]), names(&["g-1"])))
    })
    .await;
    until("nothing waits", || {
        one.status().awaiting == 0 && one.status().events == 0
    })
    .await;
    let metrics = one.metrics().await;
    let figure = |name: &str| -> u64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    };
    let (searches, people) = (
        figure("rudder_intercom_awaited_contact_searches_total"),
        figure("rudder_intercom_awaited_contacts_looked_for_total"),
    );
    assert!(searches * 3 <= people, "{searches} searches for {people} people");
}

#[tokio::test]
async fn a_link_that_waits_does_not_outlive_the_removal_that_comes_with_its_contact() {
    let bench = Bench::new(Settings::default()).await;
    let one = bench.instance("one");
    assert_eq!(one.statuses(&[event(1, "u", group("u"))]).await, [299]);
    let leaves = json!({"type": "identify", "userId": "u", "traits": {
        "email": "u@example.com", "company": {"id": "g-1", "remove": true}}});
    assert_eq!(one.statuses(&[event(2, "u", leaves)]).await, [299]);
    until("nothing waits", || {
        one.status().awaiting == 0 && one.status().events == 0
    })
    .await;
    assert_eq!(bench.of("u"), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_has_waited_for_too_long_is_a_dead_letter_that_can_be_replayed() {
    let mut bench = Bench::new(Settings::default()).await;
    bench.kept.awaiting.events = 1;
    let one = bench.instance("one");
    let early = [event(1, "u", track("u", "first")), event(2, "v", track("v", "second"))];
    assert_eq!(one.statuses(&early).await, [299; 2]);
    // The oldest ends as soon as anything is written.
    assert_eq!(one.statuses(&[event(3, "w", track("w", "third"))]).await, [299]);
    until("two are given up", || one.status().dead_letters == 2).await;
    let letters = one.queue().dead_letters(&Filter::all(), 9, true).unwrap();
    assert!(letters.iter().all(|letter| letter.code == "unknown_contact"));
    assert!(letters[1].event.as_ref().unwrap().get().contains("first"));
    assert!(
        one.metrics()
            .await
            .contains("rudder_intercom_awaited_events_given_up_total 2")
    );
    // Another creates the contact, and somebody replays.
    let other = bench.instance("other");
    assert_eq!(other.statuses(&[event(4, "u", identify("u"))]).await, [299]);
    let mut filter = Filter::all();
    filter.user_id = Some("u".to_owned());
    assert_eq!(one.queue().replay(&filter, false).unwrap(), 1);
    until("it is delivered", || bench.of("u").0 == names(&["first"])).await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_tried_again() {
    let bench = Bench::new(Settings::default()).await;
    let one = bench.instance("one");
    let away = bench.folder.path().join("away");
    std::fs::rename(&one.path, &away).unwrap();
    let early = [event(1, "u", track("u", "first"))];
    let elements = transform(&one.router, &early).await;
    assert_eq!(elements[0]["statusCode"], 429);
    assert!(
        elements[0]["error"].as_str().unwrap().starts_with("store_gone: "),
        "{elements:?}"
    );
    // Others go on.
    assert_eq!(one.statuses(&[event(2, "v", identify("v"))]).await, [299]);
    std::fs::rename(&away, &one.path).unwrap();
    assert_eq!(one.statuses(&early).await, [299]);
    assert_eq!(one.status().awaiting, 1);
    assert_eq!(one.statuses(&[event(3, "u", identify("u"))]).await, [299]);
    until("it is delivered", || bench.of("u").0 == names(&["first"])).await;
}

#[tokio::test]
async fn what_is_to_be_delivered_later_waits_for_a_token() {
    let bench = Bench::new(Settings::default()).await;
    let one = bench.instance("one");
    assert_eq!(one.statuses(&[event(1, "u", track("u", "first"))]).await, [299]);
    one.service.close_store().await;
    let text = std::fs::read(&one.path).unwrap();
    let holds = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    assert!(
        holds(&text, b"first") && !holds(&text, b"\"token\""),
        "no token is on disk"
    );
    // Of another destination, whose events do not wait for the same people.
    let again = bench.instance("one");
    let mut elsewhere = event(2, "u", identify("u"));
    elsewhere["metadata"]["destinationId"] = json!("destination-2");
    assert_eq!(again.statuses(&[elsewhere]).await, [299]);
    assert_eq!(again.status().awaiting, 1);
    let response = post(&again.router, "/routerTransform", "{}").await;
    assert_eq!(response.status, 200);
    assert_eq!(again.statuses(&[event(3, "u", identify("u"))]).await, [299]);
    until("it is delivered", || bench.of("u").0 == names(&["first"])).await;
}
