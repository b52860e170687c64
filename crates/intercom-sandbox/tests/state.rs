//! The state: its shape, and what two runs can be compared by.

mod support;

use intercom_sandbox::{Settings, State};
use serde_json::{Value, json};
use std::time::Duration;
use support::Bench;

#[test]
fn the_state_shows_everything() {
    let mut bench = Bench::easy();
    let ada =
        bench.contact(json!({"external_id": "u-1", "email": "ada@example.org", "avatar": "https://example.org/a"}));
    let bob = bench.contact(json!({"external_id": "u-2"}));
    let company = bench.company("c-1");
    bench.attach(&ada, &company);
    bench
        .post(
            "/tags",
            json!({"name": "vip", "companies": [{"id": company}], "users": [{"id": ada}]}),
        )
        .ok();
    bench.post(&format!("/contacts/{bob}/archive"), Value::Null).ok();
    let event = json!({"event_name": "came", "created_at": 5, "user_id": "u-1", "metadata": {"a": 1}});
    assert_eq!(bench.post("/events", event).raw.status, 202);

    let mut written = Vec::new();
    bench.sandbox.write_state(&mut written).unwrap();
    let state: Value = serde_json::from_slice(&written).unwrap();
    let names: Vec<_> = state.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["calls", "companies", "contacts", "data_attributes", "events", "tags"]
    );
    assert_eq!(serde_json::to_value(bench.sandbox.state()).unwrap(), state);
    assert_eq!(
        serde_json::from_slice::<State>(&written).unwrap(),
        bench.sandbox.state()
    );

    let contact = &state["contacts"][0];
    assert_eq!(contact["id"], ada.as_str());
    assert_eq!(contact["archived"], false);
    assert_eq!(contact["avatar"]["image_url"], "https://example.org/a");
    let link = json!({"type": "company", "id": company, "company_id": "c-1", "name": "Name of c-1"});
    assert_eq!(
        contact["companies"],
        json!({"type": "list", "data": [link], "total_count": 1})
    );
    assert_eq!(contact["tags"]["data"][0]["name"], "vip");
    assert_eq!(state["contacts"][1]["archived"], true);
    assert_eq!(state["companies"][0]["tags"]["tags"][0]["name"], "vip");
    assert_eq!(
        state["events"],
        json!([{
            "type": "event", "event_name": "came", "created_at": 5, "user_id": "u-1", "email": "ada@example.org",
            "intercom_user_id": ada, "metadata": {"a": 1}
        }])
    );
    assert_eq!(state["tags"], json!([{"type": "tag", "id": "1", "name": "vip"}]));
    assert_eq!(state["calls"]["create_contact"], json!({"200": 2}));
}

#[test]
fn contacts_that_are_gone_are_not_shown_but_their_events_are() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({"external_id": "u-1", "phone": "+49"}));
    let event = json!({"event_name": "came", "created_at": 5, "user_id": "u-1"});
    assert_eq!(bench.post("/events", event).raw.status, 202);
    bench.delete(&format!("/contacts/{ada}")).ok();
    let state = bench.sandbox.state();
    assert!(state.contacts.is_empty());
    assert_eq!(state.events.len(), 1);
}

/// The same in the end, in another order, at another time, and with calls that change nothing.
#[test]
fn runs_that_did_the_same_are_equal_once_normalised() {
    let settings = |seed| Settings::default().with_seed(seed);
    let mut one = Bench::new(settings(1));
    let ada = one.contact(json!({"external_id": "u-1", "custom_attributes": {"a": 1, "b": 2}}));
    let bob = one.contact(json!({"email": "bob@example.org"}));
    let company = one.company("c-1");
    let other = one.company("c-2");
    for company in [&company, &other] {
        one.attach(&ada, company);
    }
    one.post("/tags", json!({"name": "x", "companies": [{"id": company}]}))
        .ok();
    one.post("/tags", json!({"name": "y", "companies": [{"id": company}]}))
        .ok();
    for (name, at) in [("came", 5), ("left", 6)] {
        let event = json!({"event_name": name, "created_at": at, "id": bob});
        assert_eq!(one.post("/events", event).raw.status, 202);
    }

    let mut two = Bench::new(settings(2));
    two.wait(Duration::from_secs(1000));
    let other = two.company("c-2");
    let company = two.company("c-1");
    for name in ["y", "x", "y"] {
        two.post("/tags", json!({"name": name, "companies": [{"id": company}]}))
            .ok();
    }
    let bob = two.contact(json!({"email": "bob@example.org"}));
    let ada = two.contact(json!({"external_id": "u-1", "custom_attributes": {"b": 1.5}}));
    for (name, at) in [("left", 6), ("came", 5), ("came", 5)] {
        let event = json!({"event_name": name, "created_at": at, "id": bob});
        assert_eq!(two.post("/events", event).raw.status, 202);
    }
    for company in [&other, &company] {
        two.attach(&ada, company);
    }
    two.put(
        &format!("/contacts/{ada}"),
        json!({"custom_attributes": {"b": 2, "a": 1}}),
    )
    .ok();

    assert_ne!(one.sandbox.state(), two.sandbox.state());
    let shown = |bench: &Bench| serde_json::to_string_pretty(&bench.sandbox.state().normalised()).unwrap();
    assert_eq!(shown(&one), shown(&two));
    let normalised = one.sandbox.state().normalised();
    assert_eq!(normalised.normalised(), normalised);

    two.put(&format!("/contacts/{ada}"), json!({"custom_attributes": {"a": 1.0}}))
        .ok();
    assert_ne!(
        one.sandbox.state().normalised(),
        two.sandbox.state().normalised(),
        "a difference is seen"
    );
}

#[test]
fn debug_shows_no_value() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-4711", "email": "ada@example.org", "custom_attributes": {"pet": "Bello"}}));
    let request = intercom_sandbox::Request::new("GET", "/contacts/ada")
        .authorization("Bearer s3cr3t")
        .body(b"ada");
    let response = bench.get("/contacts").raw;
    let shown = format!(
        "{:?} {:?} {request:?} {response:?}",
        bench.sandbox,
        bench.sandbox.state()
    );
    for secret in ["4711", "ada", "Bello", "s3cr3t"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}
