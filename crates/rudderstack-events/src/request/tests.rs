use super::*;
use serde_json::{Value, json};

fn at(text: &str) -> DateTime<Utc> {
    Timestamp::new(text).to_utc().unwrap()
}

fn arrival() -> Arrival {
    let mut arrival = Arrival::new(at("2026-11-24T10:00:10Z"));
    arrival.request_ip = Some("192.0.2.7".to_owned());
    arrival
}

fn complete(body: &str, endpoint: Endpoint, arrival: &Arrival) -> Result<Vec<CompleteEvent>, RequestError> {
    let mut count = 0;
    Request::read(body, endpoint)?.complete(arrival, || {
        count += 1;
        MessageId::new(format!("new-{count}"))
    })
}

fn batch_of(body: &Value) -> Vec<Value> {
    complete(&body.to_string(), Endpoint::Batch, &arrival())
        .unwrap()
        .iter()
        .map(|event| serde_json::from_str(&event.json).unwrap())
        .collect()
}

fn envelope(batch: &str) -> Envelope<'_> {
    Envelope::of_batch(&Object::from_json(batch).unwrap())
}

#[test]
fn paths_name_endpoints() {
    for (path, endpoint) in [
        ("/v1/identify", Some(Endpoint::Event(EventType::Identify))),
        ("/v1/track/?x=/v1/page", Some(Endpoint::Event(EventType::Track))),
        ("/v1/batch", Some(Endpoint::Batch)),
        ("/beacon/v1/batch?writeKey=x", Some(Endpoint::Batch)),
        ("/v1/Track", None),
        ("/v1/record", None),
        ("/beacon/v1/other", None),
        ("", None),
    ] {
        assert_eq!(Endpoint::of_path(path), endpoint, "{path}");
    }
}

#[test]
fn what_is_missing_is_filled_in() {
    let body = r#" {"event":"A \u00e4","userId":"u","total":1.50e1,"type":"bogus"} "#;
    let events = complete(body, Endpoint::Event(EventType::Track), &arrival()).unwrap();
    assert_eq!(
        events[0].json,
        concat!(
            r#"{"event":"A \u00e4","userId":"u","total":1.50e1,"type":"track","messageId":"new-1","#,
            r#""timestamp":"2026-11-24T10:00:10.000Z","receivedAt":"2026-11-24T10:00:10.000Z","#,
            r#""request_ip":"192.0.2.7"}"#
        )
    );
    assert_eq!(events[0].message_id.as_str(), "new-1");
}

#[test]
fn what_the_sender_says_stands() {
    let body = concat!(
        r#"{"messageId":"m-\u0031","timestamp":"2024-02-01T10:00:00.000Z","receivedAt":"2026-01-01T00:00:00Z","#,
        r#""request_ip":"198.51.100.1","type":"track"}"#
    );
    let events = complete(body, Endpoint::Event(EventType::Track), &arrival()).unwrap();
    assert_eq!((events[0].json.as_str(), events[0].message_id.as_str()), (body, "m-1"));
    let sent = json!({"batch": [{"messageId": 7}, {"messageId": " "}, {"messageId": true}]});
    let ids: Vec<_> = batch_of(&sent).iter().map(|event| event["messageId"].clone()).collect();
    assert_eq!(ids, ["7", "new-1", "new-2"]);
}

#[test]
fn the_senders_clock_is_corrected_unless_the_caller_has_set_the_time() {
    // The sender's clock is an hour slow; the event was sent four seconds after it happened.
    let sent = json!({"batch": [
        {"originalTimestamp": "2026-11-24T09:00:00.250Z", "sentAt": "2026-11-24T09:00:04.250Z"},
        {"originalTimestamp": "2026-11-24T09:00:00Z"},
        {"originalTimestamp": "2026-11-24T09:00:00Z", "timestamp": "2024-02-01T10:00:00.000Z"},
        {"originalTimestamp": "yesterday", "timestamp": "soon"},
        {"timestamp": "2026-11-24T00:09:15.999763+00:00", "sentAt": null},
    ], "sentAt": "2026-11-24T09:00:03Z"});
    let times: Vec<_> = batch_of(&sent).iter().map(|event| event["timestamp"].clone()).collect();
    assert_eq!(
        times,
        [
            "2026-11-24T10:00:06.000Z",
            "2026-11-24T10:00:07.000Z",
            "2024-02-01T10:00:00.000Z",
            "2026-11-24T10:00:10.000Z",
            "2026-11-24T00:09:15.999763+00:00",
        ]
    );
}

#[test]
fn an_event_gets_what_it_lacks() {
    let envelope =
        envelope(r#"{"batch":[],"sentAt":"s","timestamp":"t","context":{"a":1,"b":2},"integrations":{"All":true}}"#);
    for (event, whole) in [
        (
            r#"{"type":"track","context":{"b":3}}"#,
            r#"{"type":"track","context":{"b":3,"a":1},"sentAt":"s","integrations":{"All":true}}"#,
        ),
        (
            r#"{"sentAt":null,"integrations":{},"context":null}"#,
            r#"{"sentAt":"s","integrations":{},"context":{"a":1,"b":2}}"#,
        ),
        // A context that is not an object cannot hold what the batch says.
        (
            r#"{"sentAt":1,"integrations":null,"context":7}"#,
            r#"{"sentAt":1,"integrations":null,"context":{"a":1,"b":2}}"#,
        ),
    ] {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parsed(&envelope.apply(event)), parsed(whole), "{event}");
    }
}

#[test]
fn an_event_that_lacks_nothing_keeps_its_text() {
    let envelope = envelope(r#"{"sentAt":"s","context":{"a":1}}"#);
    for text in [r#"{ "sentAt" : "x", "context": {"a":null} }"#, "[1]", "nonsense"] {
        assert!(
            matches!(envelope.apply(text), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
    let envelope = Envelope::of_type(EventType::Page);
    assert!(matches!(envelope.apply(r#"{"type":"page"}"#), Cow::Borrowed(_)));
    assert_eq!(envelope.apply(r#"{"type":"Track","a":1}"#), r#"{"type":"page","a":1}"#);
}

#[test]
fn a_long_context_is_merged_like_a_short_one() {
    let context = |from: u32, to: u32| Object::from_iter((from..to).map(|n| (format!("k{n}"), n)));
    for (own, batch) in [(0..3, 2..90), (0..90, 2..120), (10..90, 0..9)] {
        let mut merged = context(own.start, own.end);
        merged.fill(&context(batch.start, batch.end));
        let own = context(own.start, own.end);
        let expected = own.clone().into_iter().chain(
            context(batch.start, batch.end)
                .into_iter()
                .filter(|(key, _)| own.get(key).is_none()),
        );
        assert_eq!(merged, expected.collect());
    }
}

#[test]
fn any_form_is_known_by_its_look() {
    for (body, pointers) in [
        (r#"{"type":"track"}"#, vec![""]),
        (r#"{"type":"track","batch":"x"}"#, vec![""]),
        (r#" [{},7]"#, vec!["/0", "/1"]),
        (r#"{"batch":[{},{}],"context":{}}"#, vec!["/batch/0", "/batch/1"]),
        ("[]", vec![]),
    ] {
        let request = Request::read(body, Endpoint::Any).unwrap();
        let found: Vec<_> = (0..request.events.len()).map(|index| request.pointer(index)).collect();
        assert_eq!(found, pointers, "{body}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let mut arrival = arrival();
    arrival.max_event_bytes = 40;
    arrival.max_total_bytes = 500;
    let long_context = format!(r#"{{"batch":[{{}},{{}}],"context":{{"a":"{}"}}}}"#, "x".repeat(200));
    for (endpoint, body, code, pointer) in [
        (Endpoint::Batch, "", "invalid_json", ""),
        (Endpoint::Batch, "{\"batch\":[{}]", "invalid_json", ""),
        (Endpoint::Batch, "[]", "not_an_object", ""),
        (Endpoint::Batch, "[] x", "invalid_json", ""),
        (Endpoint::Batch, "{}", "missing_batch", "/batch"),
        (Endpoint::Batch, r#"{"batch":{}}"#, "invalid_batch", "/batch"),
        (Endpoint::Batch, r#"{"batch":[{},7]}"#, "invalid_event", "/batch/1"),
        (
            Endpoint::Batch,
            r#"{"batch":[{},{"event":"0123456789012345678901234567890123456789"}]}"#,
            "event_too_large",
            "/batch/1",
        ),
        (Endpoint::Batch, &long_context, "batch_too_large", "/batch"),
        (Endpoint::Event(EventType::Track), "7", "not_an_object", ""),
        (Endpoint::Event(EventType::Track), "{} {}", "invalid_json", ""),
        (Endpoint::Any, "nope", "invalid_json", ""),
        (Endpoint::Any, "[{},7]", "invalid_event", "/1"),
        (Endpoint::Any, "7", "not_an_object", ""),
    ] {
        let error = complete(body, endpoint, &arrival).unwrap_err();
        assert_eq!((error.code(), error.pointer()), (code, pointer), "{body}");
    }
}

fn received(body: &str, endpoint: Endpoint, arrival: &Arrival) -> Result<usize, (&'static str, String)> {
    let result = Request::receive(body, endpoint, arrival).and_then(|request| {
        let most = request.most_bytes();
        let events = request.complete(arrival, || MessageId::new("new"))?;
        let bytes: usize = events.iter().map(|event| event.json.len()).sum();
        assert!(bytes <= most, "{bytes} > {most}");
        Ok(events.len())
    });
    result.map_err(|error| (error.code(), error.pointer().to_owned()))
}

#[test]
fn bounds_hold_before_anything_is_built() {
    let mut arrival = arrival();
    arrival.max_events = 2;
    arrival.max_event_bytes = 60;
    let long = "x".repeat(60);
    let at = |pointer: &str| pointer.to_owned();
    for (body, expected) in [
        (r#"{"batch":[{},{}],"context":{"locale":"de"}}"#.to_owned(), Ok(2)),
        (
            r#"{"batch":[{},{},{}]}"#.to_owned(),
            Err(("batch_too_large", at("/batch"))),
        ),
        (r#"{"batch":[{},{},{}"#.to_owned(), Err(("invalid_json", at("")))),
        (r#"{"batch":{}}"#.to_owned(), Err(("invalid_batch", at("/batch")))),
        (r#"{"batches":[]}"#.to_owned(), Err(("missing_batch", at("/batch")))),
        (
            format!(r#"{{"batch":[{{}}],"context":{{"a":"{long}"}}}}"#),
            Err(("batch_too_large", at("/context"))),
        ),
        (
            format!(r#"{{"batch":[{{"a":"{long}"}}]}}"#),
            Err(("event_too_large", at("/batch/0"))),
        ),
    ] {
        assert_eq!(received(&body, Endpoint::Batch, &arrival), expected, "{body}");
    }
    let track = Endpoint::Event(EventType::Track);
    assert_eq!(
        received(&format!("\"{long}\""), track, &arrival),
        Err(("event_too_large", at("")))
    );
    assert_eq!(
        received("[{},{},{}]", Endpoint::Any, &arrival),
        Err(("batch_too_large", at("")))
    );
}

#[test]
fn an_event_must_be_somebodys_where_that_is_asked_for() {
    let mut arrival = arrival();
    arrival.needs_identity = true;
    for (event, is_somebodys) in [
        (r#"{"userId":"u"}"#, true),
        (r#"{"anonymousId":"a","userId":""}"#, true),
        (r#"{"userId":7}"#, true),
        (r#"{"type":"Record","identifiers":{}}"#, true),
        ("{}", false),
        (r#"{"userId":" ","anonymousId":null}"#, false),
        (r#"{"context":{"userId":"u"}}"#, false),
    ] {
        let expected = match is_somebodys {
            true => Ok(2),
            false => Err(("missing_identity", "/batch/1".to_owned())),
        };
        let body = format!(r#"{{"batch":[{{"userId":"u"}},{event}]}}"#);
        assert_eq!(received(&body, Endpoint::Batch, &arrival), expected, "{event}");
    }
    let typed = r#"{"type":"record"}"#;
    let track = Endpoint::Event(EventType::Track);
    assert_eq!(
        received(typed, track, &arrival),
        Err(("missing_identity", String::new())),
        "the path says what it is"
    );
}
