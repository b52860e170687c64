//! What has become of single events, as the page asks for it.

use crate::support::{Bench, response, settings};
use intercom_sandbox::{Fault, Faults, ScriptedFault};
use rudder_gateway::store::StoreSettings;
use serde_json::{Value, json};

async fn asked(bench: &Bench, wanted: &Value) -> Vec<Value> {
    let (status, body) = response(bench.post("/api/events").body(wanted.to_string())).await;
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["events"].as_array().unwrap().clone()
}

async fn send(bench: &Bench, events: &Value) {
    let (status, body) = bench.send("/v1/batch", &json!({"batch": events})).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "OK"));
}

fn steps(history: &Value) -> Vec<&str> {
    let steps = history["steps"].as_array().unwrap().iter();
    steps.map(|step| step["what"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_failure_on_the_way_is_told_with_status_and_request() {
    let bench = Bench::new().await;
    let mut faults = Faults::none();
    faults.scripted = vec![ScriptedFault::at_call(2, Fault::status(503))];
    bench.sandbox.with(|sandbox| sandbox.set_faults(faults));
    let created = json!({"type": "identify", "userId": "1042", "messageId": "m-1", "traits": {"email": "ann@example.com", "createdAt": "soon"}});
    send(&bench, &json!([created])).await;
    bench.drained().await;
    for text in ["1042", "ANN@example.com", "m-1"] {
        let found = asked(&bench, &json!({"find": text})).await;
        assert_eq!(
            (found.len(), &found[0]["state"], &found[0]["attempts"]),
            (1, &json!("delivered"), &json!(2))
        );
        let shown = json!(found).to_string();
        assert!(!shown.contains("1042") && !shown.contains("ann@"), "{shown}");
        let same = asked(&bench, &json!({"person": found[0]["person"]})).await;
        assert_eq!(same, found);
    }
    let history = bench.get("/api/events/1").await;
    assert_eq!(steps(&history), ["attempted", "delivered"]);
    let [attempted, delivered] = [0, 1].map(|at| &history["steps"][at]);
    assert_eq!(
        (&attempted["status"], &attempted["code"]),
        (&json!(503), &json!("server_error"))
    );
    for step in [attempted, delivered] {
        assert!(step["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{step}");
    }
    // What was left out of it is told, too.
    assert_eq!(delivered["notes"][0]["code"], "invalid_date");
    assert!(delivered["notes"][0]["why"]["advice"].is_string());
    assert_eq!(history["is_kept"], false);
    let (status, _) = response(bench.client.get(format!("{}/api/events/1/event", bench.url))).await;
    assert_eq!(status, 404);
    bench.stop().await;
}

#[tokio::test]
async fn an_event_is_changed_and_replayed_in_its_place() {
    let mut settings = settings();
    settings.engine.await_contacts = false;
    let bench = Bench::with(settings, StoreSettings::new()).await;
    send(
        &bench,
        &json!([{"type": "identify", "userId": "ann"}, {"type": "track", "userId": "ann"}]),
    )
    .await;
    bench.drained().await;
    let failed = asked(&bench, &json!({"find": "ann", "values": true})).await.remove(0);
    assert_eq!(
        (&failed["code"], &failed["user"]),
        (&json!("missing_event_name"), &json!("ann"))
    );
    let path = format!("/api/events/{}", failed["number"]);
    let history = bench.get(&path).await;
    assert_eq!(
        (&history["why"]["remedy"], &history["is_kept"]),
        (&json!("edit"), &json!(true))
    );
    let mut event = bench.get(&format!("{path}/event")).await;
    event["event"] = "Looked".into();
    let edited = format!("/api/dead-letters/{}/edited", failed["dead_letter"]);
    for (body, code) in [
        ("[]", "not_one_event"),
        ("{", "invalid_json"),
        (r#"{"type":"track"}"#, "missing_identity"),
    ] {
        let (status, body) = response(bench.post(&edited).body(body)).await;
        assert_eq!(status, 400);
        assert!(body.contains(code), "{body}");
    }
    let (status, body) = response(bench.post(&edited).body(event.to_string())).await;
    assert_eq!(status, 200, "{body}");
    bench.drained().await;
    let history = bench.get(&path).await;
    assert_eq!(steps(&history), ["rejected", "replayed", "delivered"]);
    assert_eq!(history["steps"][1]["edited"], true);
    let (status, _) = response(bench.post(&edited).body(event.to_string())).await;
    assert_eq!(status, 404);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_told() {
    let bench = Bench::new().await;
    for wanted in [
        r#"{"find":1}"#,
        r#"{"person":"x"}"#,
        r#"{"find":"a","person":"1"}"#,
        r#"{"else":1}"#,
    ] {
        let (status, body) = response(bench.post("/api/events").body(wanted)).await;
        assert_eq!(status, 400);
        assert!(body.contains("invalid_search"), "{body}");
    }
    bench.stop().await;
}
