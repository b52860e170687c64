//! What becomes of events once they are in the store.

use crate::support::{Bench, response, settings};
use intercom_sandbox::{Fault, Faults, ScriptedFault};
use rudder_gateway::store::StoreSettings;
use serde_json::{Value, json};
use std::time::Duration;

fn state(bench: &Bench) -> Value {
    serde_json::to_value(bench.sandbox.state()).unwrap()
}

fn identify(user: &str, traits: &Value) -> Value {
    json!({"type": "identify", "userId": user, "traits": traits})
}

fn track(user: &str, name: &str) -> Value {
    json!({"type": "track", "userId": user, "event": name})
}

async fn send(bench: &Bench, events: &[Value]) {
    let (status, body) = bench.send("/v1/batch", &json!({"batch": events})).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "OK"));
}

#[tokio::test]
async fn a_users_events_arrive_in_order() {
    let bench = Bench::new().await;
    let mut events = Vec::new();
    for round in 0..20 {
        for user in ["ann", "bob"] {
            events.push(identify(user, &json!({"round": round})));
            events.push(track(user, "Looked"));
        }
    }
    send(&bench, &events).await;
    bench.drained().await;
    let state = state(&bench);
    for contact in state["contacts"].as_array().unwrap() {
        assert_eq!(contact["custom_attributes"]["round"], 19);
    }
    assert_eq!(bench.queue().status().unwrap().dead_letters, 0);
    bench.stop().await;
}

#[tokio::test]
async fn dead_letters_say_why_and_can_be_replayed_from_the_page() {
    let mut settings = settings();
    settings.engine.await_contacts = false;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    // Nobody has been identified, and the other event has no name.
    let nameless = json!({"type": "track", "userId": "ann"});
    send(&bench, &[track("ann", "Looked"), nameless]).await;
    bench.until(|queue| queue.status().unwrap().dead_letters == 2).await;

    let letters = bench.get("/api/dead-letters").await;
    let shown = letters.to_string();
    assert!(!shown.contains("ann") && !shown.contains("Looked"), "{shown}");
    let letter = |code: &str| {
        let mut letters = letters.as_array().unwrap().iter();
        letters.find(|letter| letter["code"] == code).unwrap().clone()
    };
    assert_eq!(letter("missing_event_name")["detail"]["path"], "/event");
    let unknown = letter("unknown_contact");
    assert_eq!(
        (&unknown["kind"], &unknown["detail"]["status"]),
        (&json!("failed"), &json!(404))
    );
    let whole = bench.get(&format!("/api/dead-letters/{}", unknown["id"])).await;
    assert_eq!(whole["event"]["event"], "Looked");

    send(&bench, &[identify("ann", &json!({}))]).await;
    bench.drained().await;
    let replay = bench
        .post("/api/dead-letters/replay")
        .body(r#"{"code":"unknown_contact"}"#);
    assert_eq!(response(replay).await.1, r#"{"replayed":1}"#);
    bench.until(|queue| queue.status().unwrap().dead_letters == 1).await;
    bench.drained().await;
    assert_eq!(state(&bench)["events"].as_array().unwrap().len(), 1);
    let drop = bench.post("/api/dead-letters/drop").body("\"all\"");
    let dropped: Value = serde_json::from_str(&response(drop).await.1).unwrap();
    assert_eq!(dropped["dropped"], 1);
    let undo = bench.post("/api/dead-letters/restore");
    let undo = undo.body(json!({"at": dropped["at"]}).to_string());
    assert_eq!(response(undo).await.1, r#"{"restored":1}"#);
    bench.stop().await;
}

#[tokio::test]
async fn a_failure_that_passes_is_waited_for() {
    let bench = Bench::new().await;
    let mut faults = Faults::none();
    let broken = Fault::status(503);
    faults.scripted = (1..=3)
        .map(|call| ScriptedFault::at_call(call, broken.clone()))
        .collect();
    bench.sandbox.with(|sandbox| sandbox.set_faults(faults));
    send(&bench, &[identify("ann", &json!({}))]).await;
    bench.drained().await;
    assert_eq!(state(&bench)["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(bench.queue().status().unwrap().dead_letters, 0);
    bench.stop().await;
}

#[tokio::test]
async fn a_refused_token_keeps_every_event() {
    let mut settings = settings();
    settings.token_retry = Duration::from_millis(20);
    let bench = Bench::with(settings, StoreSettings::new()).await;
    bench
        .sandbox
        .with(|sandbox| sandbox.set_token(Some("another".to_owned())));
    let events: Vec<_> = (0..50).map(|n| identify(&format!("u{n}"), &json!({}))).collect();
    send(&bench, &events).await;
    // Tried again and again, but nothing is given up.
    let tries = || {
        let calls = state(&bench)["calls"].to_string();
        calls.contains("401")
    };
    bench.until(|_| tries()).await;
    assert_eq!(bench.queue().status().unwrap().events, 50);
    bench.sandbox.with(|sandbox| sandbox.set_token(None));
    bench.drained().await;
    assert_eq!(state(&bench)["contacts"].as_array().unwrap().len(), 50);
    assert_eq!(bench.queue().status().unwrap().dead_letters, 0);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_not_delivered_at_the_end_is_delivered_after_the_next_start() {
    let bench = Bench::new().await;
    let mut faults = Faults::none();
    faults.random = vec![intercom_sandbox::RandomFault::new(1.0, Fault::status(500))];
    bench.sandbox.with(|sandbox| sandbox.set_faults(faults));
    let events: Vec<_> = (0..600).map(|n| identify(&format!("u{n}"), &json!({}))).collect();
    send(&bench, &events).await;
    let (folder, sandbox) = bench.stop().await;
    sandbox.with(|sandbox| sandbox.set_faults(Faults::none()));
    let bench = Bench::on(folder, sandbox, settings(), StoreSettings::new()).await;
    bench.drained().await;
    assert_eq!(state(&bench)["contacts"].as_array().unwrap().len(), 600);
    bench.stop().await;
}

#[tokio::test]
async fn a_restarted_gateway_knows_whom_no_search_finds_yet() {
    let lagging = intercom_sandbox::Settings::default().with_search_lag(Duration::from_secs(3_600));
    let sandbox = intercom_sandbox::spawn(lagging).await.unwrap();
    let bench = Bench::on(tempfile::tempdir().unwrap(), sandbox, settings(), StoreSettings::new()).await;
    let people = ["ann", "bob"].map(|user| identify(user, &json!({"email": format!("{user}@example.org")})));
    send(&bench, &people).await;
    bench.drained().await;
    let (folder, sandbox) = bench.stop().await;

    let bench = Bench::on(folder, sandbox, settings(), StoreSettings::new()).await;
    let delete = json!({"type": "record", "action": "delete", "identifiers": {"email": "bob@example.org"}});
    send(
        &bench,
        &[json!({"type": "group", "userId": "ann", "groupId": "g"}), delete],
    )
    .await;
    bench.drained().await;
    assert_eq!(bench.queue().status().unwrap().dead_letters, 0);
    let state = state(&bench);
    let contacts = state["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 1, "one of them was to be deleted: {state}");
    assert_eq!(contacts[0]["external_id"], "ann");
    assert_eq!(contacts[0]["companies"]["total_count"], 1);
    bench.stop().await;
}

#[tokio::test]
async fn the_playground_shows_the_calls_and_sends_none() {
    let bench = Bench::new().await;
    let event = json!({"type": "identify", "userId": "u", "traits": {"email": "u@example.com", "plan": "pro", "createdAt": "soon"}});
    let (_, body) = response(bench.post("/api/preview").body(event.to_string())).await;
    let previews: Value = serde_json::from_str(&body).unwrap();
    let preview = &previews[0];
    assert_eq!(preview["outcome"], "converted");
    assert_eq!(preview["calls"][0]["operation"], "search_contacts");
    let plan = json!({"field": "custom_attributes.plan", "source": "/traits/plan"});
    assert!(preview["sources"].as_array().unwrap().contains(&plan), "{preview}");
    assert_eq!(preview["warnings"][0]["code"], "invalid_date");
    assert!(preview["warnings"][0]["advice"].is_string());

    let (_, body) = response(
        bench
            .post("/api/preview")
            .body(r#"[{"type":"track"},{"integrations":{"All":false}}]"#),
    )
    .await;
    let previews: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(previews[0]["error"]["code"], "missing_event_name");
    assert_eq!(previews[1]["outcome"], "skipped");
    for (body, message) in [
        ("", "the body ends too early"),
        (" ", "the body ends too early"),
        ("[{}", "the body ends too early"),
        (" nope", "the body is not JSON from byte 2 on"),
        ("{},{}", "the body is not JSON from byte 2 on"),
    ] {
        let (status, response) = response(bench.post("/api/preview").body(body)).await;
        let response: Value = serde_json::from_str(&response).unwrap();
        assert_eq!(
            (status.as_u16(), &response["error"]["message"]),
            (400, &json!(message)),
            "{body:?}"
        );
    }
    assert_eq!(state(&bench)["calls"], json!({}));
    bench.stop().await;
}
