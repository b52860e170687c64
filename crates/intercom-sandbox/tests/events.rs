//! Data events: whom they belong to, repeats, limits, lists and summaries.

mod support;

use intercom_sandbox::{EventDetail, Settings};
use serde_json::{Value, json};
use support::Bench;

fn event(name: &str, user_id: &str) -> Value {
    json!({"event_name": name, "created_at": 1_700_000_000, "user_id": user_id})
}

#[test]
fn an_event_is_taken_with_202_and_an_empty_body() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1", "email": "Ada@example.org"}));
    for (at, by) in [
        json!({"user_id": "u-1"}),
        json!({"email": "ADA@example.org"}),
        json!({"id": contact}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = by.clone();
        body["event_name"] = json!("came");
        body["created_at"] = json!(1_700_000_000 + at);
        let response = bench.post("/events", body).raw;
        assert_eq!((response.status, response.body.len()), (202, 0), "{by}");
    }
    assert_eq!(bench.sandbox.state().events.len(), 3);
}

#[test]
fn the_first_identity_that_exists_counts() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    let bob = bench.contact(json!({"external_id": "u-2"}));
    let mut body = event("came", "u-9");
    body["email"] = json!("ada@example.org");
    body["id"] = json!(bob);
    assert_eq!(bench.post("/events", body.clone()).raw.status, 202);
    body["id"] = json!("unknown");
    assert_eq!(bench.post("/events", body).raw.status, 202);
    let state = serde_json::to_value(bench.sandbox.state()).unwrap();
    assert_eq!(state["events"][0]["user_id"], "u-2", "Intercom's id comes first");
    assert_eq!(state["events"][1]["user_id"], "u-1");
}

#[test]
fn an_event_of_nobody_is_not_found() {
    let mut bench = Bench::easy();
    for by in [
        json!({"user_id": "u-1"}),
        json!({"email": "ada@example.org"}),
        json!({"id": "x"}),
    ] {
        let mut body = by.clone();
        body["event_name"] = json!("came");
        body["created_at"] = json!(1_700_000_000);
        assert_eq!(
            bench.post("/events", body).error(),
            (404, "not_found", "User Not Found"),
            "{by}"
        );
    }
}

#[test]
fn what_an_event_must_have_is_checked() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1"}));
    let time = "created_at must be a time in whole seconds since 1970";
    for (name, value, code, message) in [
        (
            "event_name",
            Value::Null,
            "parameter_not_found",
            "event_name must be given",
        ),
        (
            "event_name",
            json!(""),
            "parameter_not_found",
            "event_name must be given",
        ),
        (
            "event_name",
            json!(7),
            "parameter_invalid",
            "event_name must be a string",
        ),
        (
            "created_at",
            Value::Null,
            "parameter_not_found",
            "created_at must be given",
        ),
        ("created_at", json!(1_700_000_000_000_i64), "parameter_invalid", time),
        ("created_at", json!(-1), "parameter_invalid", time),
        ("created_at", json!(1.5), "parameter_invalid", time),
        ("created_at", json!("yesterday"), "parameter_invalid", time),
        (
            "user_id",
            Value::Null,
            "parameter_not_found",
            "user_id, email or id must be given",
        ),
        (
            "metadata",
            json!([1]),
            "parameter_invalid",
            "metadata must be an object",
        ),
    ] {
        let mut body = event("came", "u-1");
        body[name] = value;
        assert_eq!(bench.post("/events", body).error(), (400, code, message), "{name}");
    }
    assert_eq!(bench.raw("POST", "/events", b"{").error().1, "bad_request");
    assert!(bench.sandbox.state().events.is_empty());
}

#[test]
fn a_repeat_is_accepted_and_dropped() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    bench.contact(json!({"external_id": "u-2"}));
    let mut later = event("came", "u-1");
    later["created_at"] = json!(1_700_000_001);
    let by_email = json!({"event_name": "came", "created_at": 1_700_000_000, "email": "ada@example.org"});
    let all = [
        event("came", "u-1"),
        event("came", "u-1"),
        by_email,
        event("left", "u-1"),
        event("came", "u-2"),
        later,
    ];
    for body in all {
        assert_eq!(bench.post("/events", body).raw.status, 202);
    }
    assert_eq!(bench.sandbox.state().events.len(), 4);
}

#[test]
fn there_are_120_active_names() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1"}));
    for at in 0..120 {
        assert_eq!(
            bench.post("/events", event(&format!("event {at}"), "u-1")).raw.status,
            202
        );
    }
    let message = "Cannot have more than 120 active event names";
    assert_eq!(
        bench.post("/events", event("one more", "u-1")).error(),
        (400, "parameter_invalid", message)
    );
    assert_eq!(bench.post("/events", event("event 7", "u-1")).raw.status, 202);
    // An event of nobody uses no name up.
    let mut few = Bench::new(Settings::default().with_max_event_names(1));
    few.contact(json!({"external_id": "u-1"}));
    assert_eq!(few.post("/events", event("a", "u-2")).error().0, 404);
    assert_eq!(few.post("/events", event("b", "u-1")).raw.status, 202);
    assert_eq!(few.post("/events", event("c", "u-1")).error().0, 400);
}

#[test]
fn ten_metadata_keys_are_kept_with_their_number_text() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1"}));
    let keys: Vec<String> = (0..12).map(|at| format!(r#""k{at}":{at}.0"#)).collect();
    let body = format!(
        r#"{{"event_name":"a","created_at":1700000000,"user_id":"u-1","metadata":{{{}}}}}"#,
        keys.join(",")
    );
    assert_eq!(bench.raw("POST", "/events", body.as_bytes()).raw.status, 202);
    let mut written = Vec::new();
    bench.sandbox.write_state(&mut written).unwrap();
    let kept = format!(r#""metadata":{{{}}}"#, keys[..10].join(","));
    assert!(String::from_utf8(written).unwrap().contains(&kept));
}

#[test]
fn events_are_listed_and_summarised() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    for (name, at) in [("came", 5), ("left", 6), ("came", 9)] {
        let body = json!({"event_name": name, "created_at": at, "user_id": "u-1", "metadata": {"n": at}});
        assert_eq!(bench.post("/events", body).raw.status, 202);
    }
    let list = bench.get(&format!("/events?type=user&intercom_user_id={contact}")).ok();
    assert_eq!(list["type"], "event.list");
    let times: Vec<_> = list["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["created_at"])
        .collect();
    assert_eq!(times, [9, 6, 5]);
    assert_eq!(list["events"][0]["metadata"], json!({"n": 9}));

    let summaries =
        json!({"user_id": "u-1", "event_summaries": {"event_name": "came", "count": 3, "first": 1, "last": 7}});
    assert_eq!(bench.post("/events/summaries", summaries).raw.status, 200);
    let summary = bench.get("/events?type=user&email=ADA%40example.org&summary=true").ok();
    assert_eq!(summary["type"], "event.summary");
    assert_eq!(
        summary["events"],
        json!([
            {"name": "came", "first": "1970-01-01T00:00:01.000+00:00", "last": "1970-01-01T00:00:09.000+00:00", "count": 5},
            {"name": "left", "first": "1970-01-01T00:00:06.000+00:00", "last": "1970-01-01T00:00:06.000+00:00", "count": 1}
        ])
    );
    assert_eq!(summary["intercom_user_id"], contact.as_str());
    assert_eq!(bench.get("/events?user_id=u-1").error().1, "parameter_invalid");
    assert_eq!(bench.get("/events?type=user&user_id=u-2").error().0, 404);
    assert_eq!(bench.get("/events?type=user").error().1, "parameter_not_found");
    assert_eq!(
        bench.post("/events/summaries", json!({"user_id": "u-1"})).error().1,
        "parameter_not_found"
    );
}

#[test]
fn less_can_be_kept_of_events() {
    let mut body = event("came", "u-1");
    body["metadata"] = json!({"n": 1});
    for (detail, kept) in [
        (EventDetail::Full, 1),
        (EventDetail::WithoutMetadata, 1),
        (EventDetail::Counted, 0),
    ] {
        let mut bench = Bench::new(Settings::default().with_event_detail(detail));
        bench.contact(json!({"external_id": "u-1"}));
        for _ in 0..2 {
            assert_eq!(bench.post("/events", body.clone()).raw.status, 202);
        }
        let state = serde_json::to_value(bench.sandbox.state()).unwrap();
        let events = state["events"].as_array().unwrap();
        assert_eq!(events.len(), kept, "{detail:?}");
        assert_eq!(
            events.iter().any(|event| event["metadata"] == json!({"n": 1})),
            detail == EventDetail::Full
        );
        let summary = bench.get("/events?type=user&user_id=u-1&summary=true").ok();
        assert_eq!(summary["events"][0]["count"], 1);
    }
}
