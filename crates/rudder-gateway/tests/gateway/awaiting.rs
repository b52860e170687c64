//! Events that come before their contact (D34).

use crate::support::{Bench, settings};
use rudder_gateway::store::Filter;
use rudder_gateway::store::StoreSettings;
use serde_json::{Value, json};
use std::time::Duration;

fn track(name: &str) -> Value {
    json!({"userId": "early", "event": name, "originalTimestamp": "2026-01-02T03:04:05Z"})
}

fn group() -> Value {
    json!({"userId": "early", "groupId": "co-1", "traits": {"name": "Co"}})
}

fn identify() -> Value {
    json!({"userId": "early", "traits": {"email": "early@example.com"}})
}

async fn send(bench: &Bench, kind: &str, event: &Value) {
    let (status, body) = bench.send(&format!("/v1/{kind}"), event).await;
    assert_eq!(status, 200, "{body}");
}

fn waits(bench: &Bench, count: i64) -> impl Future<Output = ()> + '_ {
    bench.until(move |queue| {
        let status = queue.status().unwrap();
        (status.events, status.awaiting) == (0, count)
    })
}

#[tokio::test]
async fn what_comes_before_its_contact_waits_across_a_restart_and_is_delivered_then() {
    let bench = Bench::new().await;
    send(&bench, "track", &track("first")).await;
    send(&bench, "group", &group()).await;
    send(&bench, "track", &track("second")).await;
    waits(&bench, 3).await;
    assert_eq!(bench.queue().status().unwrap().dead_letters, 0);
    let (folder, sandbox) = bench.stop().await;

    let bench = Bench::on(folder, sandbox, settings(), StoreSettings::new()).await;
    // Later fields of the company stay.
    let other = json!({"userId": "other", "groupId": "co-1", "traits": {"name": "New name"}});
    send(&bench, "group", &other).await;
    waits(&bench, 4).await;
    send(&bench, "identify", &identify()).await;
    waits(&bench, 1).await;
    let state = bench.sandbox.state();
    let names: Vec<&str> = state
        .events
        .iter()
        .filter_map(|event| event.get("event_name")?.as_str())
        .collect();
    assert_eq!(names, ["first", "second"]);
    let contact = serde_json::to_value(&state.contacts[0]).unwrap();
    assert_eq!(contact["companies"]["total_count"], 1, "{contact}");
    let company = serde_json::to_value(&state.companies[0]).unwrap();
    assert_eq!(company["name"], "New name");
    bench.stop().await;
}

#[tokio::test]
async fn what_waits_in_vain_ends_and_never_closes_the_intake() {
    let mut store = StoreSettings::new();
    store.awaiting.age = Duration::from_millis(1);
    store.bounds.events = 2;
    let bench = Bench::with(settings(), store).await;
    for name in ["a", "b", "c", "d", "e"] {
        send(&bench, "track", &track(name)).await;
        bench.drained().await;
    }
    send(&bench, "group", &group()).await;
    bench.drained().await;
    // Whenever something is written, what is too old ends.
    send(&bench, "identify", &json!({"userId": "somebody"})).await;
    bench.until(|queue| queue.status().unwrap().awaiting == 0).await;
    let letters = bench.queue().dead_letters(&Filter::default(), 10, false).unwrap();
    assert!(letters.iter().all(|letter| letter.code == "unknown_contact"));
    assert_eq!(letters.len(), 5);
    bench.stop().await;
}
