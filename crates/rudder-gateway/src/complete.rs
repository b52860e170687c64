//! Completes events as RudderStack's gateway does.
//!
//! The text of an event is taken apart at its top level only: whatever the gateway has no say in is kept byte for byte.

use crate::malformed::Malformed;
use chrono::{DateTime, SecondsFormat, Utc};
use rudderstack_events::EventType;
use rudderstack_events::scan::{Cursor, Fault};
use std::borrow::Cow;
use xxhash_rust::xxh3::xxh3_128;

/// An event as it goes into the store.
#[derive(Clone, PartialEq, Eq)]
pub struct CompleteEvent {
    /// The event's JSON text.
    pub json: String,
    /// Stands for its `messageId` where repeats are looked for.
    pub key: MessageKey,
}

impl std::fmt::Debug for CompleteEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CompleteEvent({} bytes)", self.json.len())
    }
}

/// 128 bits of a `messageId`'s hash: few enough to remember a great many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey(pub(crate) u128);

impl MessageKey {
    /// The key of a `messageId`.
    pub fn of(message_id: &str) -> Self {
        Self(xxh3_128(message_id.as_bytes()))
    }
}

/// What the request says of its events.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// When it was received, by the gateway's clock.
    pub received_at: DateTime<Utc>,
    /// Where it came from.
    pub request_ip: String,
    /// The type that its path names; none for a batch.
    pub event_type: Option<EventType>,
    /// The longest event, in bytes.
    pub max_event_bytes: usize,
}

impl Arrival {
    /// A request that has just been received.
    pub fn new(received_at: DateTime<Utc>, request_ip: impl Into<String>) -> Self {
        Self {
            received_at,
            request_ip: request_ip.into(),
            event_type: None,
            max_event_bytes: crate::settings::MAX_EVENT_BYTES,
        }
    }

    /// The same for the path of a type.
    #[must_use]
    pub fn of_type(mut self, event_type: EventType) -> Self {
        self.event_type = Some(event_type);
        self
    }
}

/// The entries of an object, each value as its JSON text.
type Entries<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Reads the body of a request, and completes every event in it.
///
/// # Errors
///
/// If the body or any of its events is no JSON object, or an event is too long: the request is turned away as a whole.
pub fn complete(body: &str, arrival: &Arrival) -> Result<Vec<CompleteEvent>, Malformed> {
    match arrival.event_type {
        Some(_) => {
            let event = entries(body).map_err(|fault| Malformed::body(fault, body))?;
            check_length(body, "", arrival)?;
            Ok(vec![one(&event, body.len(), None, arrival)])
        }
        None => batch(body, arrival),
    }
}

fn batch(body: &str, arrival: &Arrival) -> Result<Vec<CompleteEvent>, Malformed> {
    let envelope = entries(body).map_err(|fault| Malformed::body(fault, body))?;
    let events = last(&envelope, "batch").ok_or_else(Malformed::no_batch)?;
    let mut texts = Vec::new();
    Cursor::new(events)
        .array(|cursor| {
            texts.push(cursor.value()?);
            Ok(())
        })
        .map_err(|_| Malformed::batch_is_no_array())?;
    let shared = Shared {
        context: object_at(&envelope, "context"),
        integrations: last(&envelope, "integrations").filter(|value| value.starts_with('{')),
        sent_at: last(&envelope, "sentAt"),
    };
    texts
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            let field = format!("/batch/{index}");
            let event = entries(text).map_err(|_| Malformed::event_is_no_object(&field))?;
            check_length(text, &field, arrival)?;
            Ok(one(&event, text.len(), Some(&shared), arrival))
        })
        .collect()
}

fn check_length(text: &str, field: &str, arrival: &Arrival) -> Result<(), Malformed> {
    if text.trim_ascii().len() > arrival.max_event_bytes {
        return Err(Malformed::event_too_long(field, arrival.max_event_bytes));
    }
    Ok(())
}

/// What a batch says of all its events.
struct Shared<'a> {
    context: Entries<'a>,
    integrations: Option<&'a str>,
    sent_at: Option<&'a str>,
}

fn one(event: &Entries<'_>, length: usize, shared: Option<&Shared<'_>>, arrival: &Arrival) -> CompleteEvent {
    let received_at = arrival.received_at;
    let mut json = Writer::with_capacity(length + 256);
    let named = arrival.event_type.map(EventType::as_str);
    let id = text_at(event, "messageId").filter(|id| !id.trim().is_empty());
    let id = id.unwrap_or_else(|| Cow::Owned(new_message_id()));
    let batch_sent_at = shared.and_then(|shared| shared.sent_at);
    let sent_at = last(event, "sentAt").filter(|&value| value != "null").or(batch_sent_at);
    let timestamp = match last(event, "timestamp").and_then(time) {
        // What the caller has set is the caller's.
        Some(_) => None,
        None => Some(corrected(
            received_at,
            sent_at.and_then(time),
            last(event, "originalTimestamp").and_then(time),
        )),
    };
    let context = shared.map_or(&[][..], |shared| &shared.context);
    for (key, value) in event {
        match key.as_ref() {
            "messageId" | "receivedAt" | "request_ip" => {}
            "type" if named.is_some() => {}
            "timestamp" if timestamp.is_some() => {}
            "sentAt" if *value == "null" => {}
            "context" if !context.is_empty() => {}
            _ => json.entry(key, value),
        }
    }
    if let Some(name) = named {
        json.text("type", name);
    }
    json.text("messageId", &id);
    if let Some(timestamp) = timestamp {
        json.text("timestamp", &rfc3339(timestamp));
    }
    if last(event, "sentAt").is_none_or(|value| value == "null")
        && let Some(sent_at) = batch_sent_at
    {
        json.entry("sentAt", sent_at);
    }
    if let (Some(shared), None) = (
        shared.and_then(|shared| shared.integrations),
        last(event, "integrations"),
    ) {
        json.entry("integrations", shared);
    }
    if !context.is_empty() {
        json.entry("context", &merged(&object_at(event, "context"), context));
    }
    // A server that forwards events may have received them earlier.
    match last(event, "receivedAt").filter(|value| time(value).is_some()) {
        Some(earlier) => json.entry("receivedAt", earlier),
        None => json.text("receivedAt", &rfc3339(received_at)),
    }
    match last(event, "request_ip").filter(|value| value.starts_with('"')) {
        Some(earlier) => json.entry("request_ip", earlier),
        None => json.text("request_ip", &arrival.request_ip),
    }
    CompleteEvent {
        key: MessageKey::of(&id),
        json: json.finish(),
    }
}

/// When it happened by the gateway's clock: `receivedAt - (sentAt - originalTimestamp)`. Without both of the sender's
/// times there is nothing to correct.
fn corrected(
    received_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    original: Option<DateTime<Utc>>,
) -> DateTime<Utc> {
    match (sent_at, original) {
        (Some(sent_at), Some(original)) => received_at
            .checked_sub_signed(sent_at - original)
            .unwrap_or(received_at),
        (None, Some(original)) => original,
        (_, None) => received_at,
    }
}

/// The event's own context with what else the batch says; each of the event's own entries stands.
fn merged(own: &Entries<'_>, batch: &[(Cow<'_, str>, &str)]) -> String {
    let mut json = Writer::with_capacity(256);
    own.iter().for_each(|(key, value)| json.entry(key, value));
    for (key, value) in batch {
        if last(own, key).is_none() {
            json.entry(key, value);
        }
    }
    json.finish()
}

fn entries(json: &str) -> Result<Entries<'_>, Fault> {
    let mut entries = Vec::with_capacity(16);
    let mut cursor = Cursor::new(json);
    cursor.object(|cursor, key| {
        entries.push((key, cursor.value()?));
        Ok(())
    })?;
    cursor.end()?;
    Ok(entries)
}

fn object_at<'a>(entries: &Entries<'a>, key: &str) -> Entries<'a> {
    last(entries, key)
        .and_then(|value| self::entries(value).ok())
        .unwrap_or_default()
}

/// The value under a key; the last one, if the key is repeated.
fn last<'a>(entries: &[(Cow<'_, str>, &'a str)], key: &str) -> Option<&'a str> {
    entries.iter().rfind(|(name, _)| name == key).map(|(_, value)| *value)
}

/// The value under a key as text, if it is a string or a number.
fn text_at<'a>(entries: &Entries<'a>, key: &str) -> Option<Cow<'a, str>> {
    let value = last(entries, key)?;
    match value.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(value).ok().map(Cow::Owned),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

fn time(json: &str) -> Option<DateTime<Utc>> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A version 4 UUID.
fn new_message_id() -> String {
    let bits = fastrand::u128(..) & !(0xF000_u128 << 64) & !(0xC000_u128 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Writes one JSON object.
struct Writer(String);

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    fn entry(&mut self, key: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        quote(key, &mut self.0);
        self.0.push(':');
        self.0.push_str(value);
    }

    fn text(&mut self, key: &str, text: &str) {
        let mut value = String::with_capacity(text.len() + 2);
        quote(text, &mut value);
        self.entry(key, &value);
    }

    fn finish(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

fn quote(text: &str, json: &mut String) {
    if text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        json.push_str(&serde_json::Value::from(text).to_string());
    } else {
        json.push('"');
        json.push_str(text);
        json.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn arrival() -> Arrival {
        Arrival::new(at("2026-11-24T10:00:10Z"), "192.0.2.7")
    }

    fn batch_of(body: &Value) -> Vec<Value> {
        let events = complete(&body.to_string(), &arrival()).unwrap();
        events
            .iter()
            .map(|event| serde_json::from_str(&event.json).unwrap())
            .collect()
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let arrival = arrival().of_type(EventType::Track);
        let body = r#"{"event":"A \u00e4","userId":"u","total":1.50e1,"type":"bogus"}"#;
        let events = complete(body, &arrival).unwrap();
        let event: Value = serde_json::from_str(&events[0].json).unwrap();
        assert_eq!(event["type"], "track");
        assert_eq!(event["receivedAt"], "2026-11-24T10:00:10.000Z");
        assert_eq!(event["timestamp"], event["receivedAt"]);
        assert_eq!(event["request_ip"], "192.0.2.7");
        let id = event["messageId"].as_str().unwrap();
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert_eq!(events[0].key, MessageKey::of(id));
        assert!(
            events[0]
                .json
                .contains(r#""event":"A \u00e4","userId":"u","total":1.50e1"#)
        );
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
    fn what_a_batch_says_of_all_its_events_is_merged_into_each() {
        let sent = json!({
            "batch": [{"context": {"library": {"name": "own"}}, "integrations": {"All": false}}, {}],
            "context": {"library": {"name": "batch"}, "locale": "de"},
            "integrations": {"All": true},
            "sentAt": "2026-11-24T09:00:03Z",
        });
        let events = batch_of(&sent);
        assert_eq!(
            events[0]["context"],
            json!({"library": {"name": "own"}, "locale": "de"})
        );
        assert_eq!(events[1]["context"], sent["context"]);
        assert_eq!(events[0]["integrations"], json!({"All": false}));
        assert_eq!(events[1]["integrations"], json!({"All": true}));
        assert_eq!(events[1]["sentAt"], sent["sentAt"]);
    }

    #[test]
    fn a_repeated_message_has_the_same_key() {
        let sent = json!({"batch": [{"messageId": "m-1"}, {"messageId": "m-1", "x": 1}, {"messageId": " "}]});
        let keys: Vec<_> = complete(&sent.to_string(), &arrival())
            .unwrap()
            .iter()
            .map(|event| event.key)
            .collect();
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
    }

    #[test]
    fn what_is_malformed_is_named() {
        let mut arrival = arrival();
        arrival.max_event_bytes = 40;
        for (body, code, field) in [
            ("", "invalid_json", ""),
            ("{\"batch\":[{}]", "invalid_json", ""),
            ("[]", "not_an_object", ""),
            ("{}", "missing_batch", "/batch"),
            (r#"{"batch":{}}"#, "invalid_batch", "/batch"),
            (r#"{"batch":[{},7]}"#, "invalid_event", "/batch/1"),
            (
                r#"{"batch":[{},{"event":"0123456789012345678901234567890123456789"}]}"#,
                "event_too_large",
                "/batch/1",
            ),
        ] {
            let malformed = complete(body, &arrival).unwrap_err();
            assert_eq!((malformed.code(), malformed.field()), (code, field), "{body}");
        }
    }
}
