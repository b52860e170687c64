//! `POST /routerTransform`: what comes in.

use super::json::{items, members, string, string_of};
use intercom_api::UnixSeconds;
use rudderstack_events::scan::{Cursor, Fault, FaultKind};
use rudderstack_events::{Event, Timestamp};
use rudderstack_to_intercom::Destination;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// How many events one request can have: a bound for the memory that a body of bare brackets would take.
pub const MAX_EVENTS: usize = 20_000;

/// A body that is not a request at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRequest {
    /// It is not JSON.
    #[error("the body is not JSON from line {line} column {column} on")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, in bytes, from 1.
        column: usize,
    },
    /// It is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// It is JSON of another kind than was expected.
    #[error("the body is not {expected}")]
    WrongKind {
        /// What was expected, with an article.
        expected: &'static str,
    },
    /// There are more events than are taken in one request.
    #[error("there are more than {MAX_EVENTS} events")]
    TooManyEvents,
    /// Something that the request cannot do without is missing, or is of the wrong kind.
    #[error("{pointer} is missing or not {expected}")]
    Missing {
        /// Where, as a JSON pointer.
        pointer: &'static str,
        /// What was expected, with an article.
        expected: &'static str,
    },
}

impl BadRequest {
    /// The stable name of what is wrong.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "invalid_json",
            Self::NotUtf8 => "invalid_utf8",
            Self::TooManyEvents => "too_many_events",
            Self::WrongKind { .. } | Self::Missing { .. } => "invalid_request",
        }
    }

    /// Never: the same body fails in the same way.
    pub fn is_retryable(&self) -> bool {
        false
    }

    pub(super) fn from_serde(error: &serde_json::Error, expected: &'static str) -> Self {
        if error.is_data() {
            return Self::WrongKind { expected };
        }
        Self::NotJson {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Events to be transformed.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransformRequest<'a> {
    /// The events.
    pub input: Input<'a>,
    /// `destType`, if it is given.
    pub destination_type: Option<Cow<'a, str>>,
    /// The JSON texts of the destinations by id, if they are left out of the events (compacted form).
    pub destinations: HashMap<Cow<'a, str>, &'a str>,
}

/// The `input` of a request.
#[derive(Debug)]
pub enum Input<'a> {
    /// The events, in order.
    Events(Vec<EventInput<'a>>),
    /// It is missing, or not an array.
    NotAnArray,
}

/// One event, with what is known of where it comes from and goes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventInput<'a> {
    /// The event; otherwise why it is not one, in words, with a stable code in front.
    pub message: Result<Event<'a>, String>,
    /// The JSON text of `metadata`, as it came; `null` if it is missing.
    pub metadata: &'a str,
    /// What is read of the metadata.
    pub read: Metadata<'a>,
    /// The JSON text of `destination`, as it came.
    pub destination: Option<&'a str>,
}

impl<'a> TransformRequest<'a> {
    /// Reads a request: an object with `input`, or an array of events alone.
    ///
    /// A message that is not an event costs only itself.
    ///
    /// # Errors
    ///
    /// If the text is neither.
    pub fn from_json(text: &'a str) -> Result<Self, BadRequest> {
        // Nearly every request is just what it should be, and then one pass is enough.
        if let Ok(request) = Self::strict(text) {
            return Ok(request);
        }
        let whole: &RawValue = serde_json::from_str(text).map_err(|error| BadRequest::from_serde(&error, "JSON"))?;
        if let Some(events) = items(whole) {
            return Ok(Self {
                input: Input::lenient(events)?,
                destination_type: None,
                destinations: HashMap::new(),
            });
        }
        let [input, destination_type, destinations] = members(whole, ["input", "destType", "destinations"])
            .ok_or(BadRequest::WrongKind { expected: "an object" })?;
        Ok(Self {
            input: input.and_then(items).map_or(Ok(Input::NotAnArray), Input::lenient)?,
            destination_type: destination_type.and_then(string),
            destinations: destinations
                .and_then(|raw| texts_by_key(&mut Cursor::new(raw.get())).ok())
                .unwrap_or_default(),
        })
    }

    /// Reads a request that is as it should be: each event an object with an object as its message.
    fn strict(text: &'a str) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(text);
        let (mut events, mut destination_type, mut destinations) = (None, None, HashMap::new());
        cursor.object(|cursor, key| {
            match key.as_ref() {
                "input" => events = Some(strict_events(cursor)?),
                "destType" => destination_type = string_of(cursor.value()?),
                "destinations" => destinations = texts_by_key(cursor)?,
                _ => {
                    cursor.value()?;
                }
            }
            Ok(())
        })?;
        cursor.end()?;
        Ok(Self {
            input: events.map_or(Input::NotAnArray, Input::Events),
            destination_type,
            destinations,
        })
    }
}

/// Something is not as it should be.
const UNFIT: Fault = Fault {
    at: 0,
    kind: FaultKind::Kind,
};

/// For so many events at most there is room before they are read: a short first event says little of the others.
const MOST_RESERVED: usize = 256;

fn strict_events<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<EventInput<'a>>, Fault> {
    let mut events: Vec<EventInput<'a>> = Vec::new();
    // Neighbours mostly have the same destination and secret.
    let (mut last_destination, mut last_secret) = ("", "");
    cursor.array(|cursor| {
        if events.len() == MAX_EVENTS {
            return Err(UNFIT);
        }
        let (mut has_message, mut metadata) = (false, None);
        // Events are large, so each is read where it stays.
        events.push(EventInput {
            message: Err(String::new()),
            metadata: "null",
            read: Metadata::default(),
            destination: None,
        });
        let event = events.last_mut().ok_or(UNFIT)?;
        let text = cursor.object_text(|cursor, key| {
            match key.as_ref() {
                "message" => {
                    event.message = Ok(Event::read(cursor)?);
                    has_message = true;
                }
                "metadata" => metadata = Some(event.read.fill(cursor, &mut last_secret)?),
                "destination" => {
                    if !cursor.skip_known(last_destination) {
                        last_destination = cursor.value()?;
                    }
                    event.destination = Some(last_destination).filter(|text| *text != "null");
                }
                _ => {
                    cursor.value()?;
                }
            }
            Ok(())
        })?;
        if !has_message {
            return Err(UNFIT);
        }
        event.metadata = metadata.ok_or(UNFIT)?;
        if events.len() == 1 {
            // The others are about as long, and moving them takes longer than reading a part of them.
            events.reserve((cursor.left() / text.len()).min(MOST_RESERVED));
        }
        Ok(())
    })?;
    Ok(events)
}

fn texts_by_key<'a>(cursor: &mut Cursor<'a>) -> Result<HashMap<Cow<'a, str>, &'a str>, Fault> {
    let mut texts = HashMap::new();
    cursor.object(|cursor, key| {
        texts.insert(key, cursor.value()?);
        Ok(())
    })?;
    Ok(texts)
}

impl<'a> Input<'a> {
    fn lenient(items: Vec<&'a RawValue>) -> Result<Self, BadRequest> {
        if items.len() > MAX_EVENTS {
            return Err(BadRequest::TooManyEvents);
        }
        Ok(Self::Events(items.into_iter().map(lenient).collect()))
    }
}

/// Reads one element of `input`, whatever it is.
fn lenient(item: &RawValue) -> EventInput<'_> {
    let [message, metadata, destination] = members(item, ["message", "metadata", "destination"]).unwrap_or_default();
    let message = match message {
        Some(message) => Event::from_json(message.get()).map_err(|error| format!("{}: {error}", error.code())),
        None => Err("missing_message: there is no message".to_owned()),
    };
    let metadata = metadata.map_or("null", RawValue::get);
    EventInput {
        message,
        metadata,
        read: Metadata::from_json(metadata),
        destination: destination.map(RawValue::get).filter(|text| *text != "null"),
    }
}

/// What is read of an event's metadata. All of it is echoed.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata<'a> {
    /// The destination.
    pub destination_id: Option<Cow<'a, str>>,
    /// The workspace.
    pub workspace_id: Option<Cow<'a, str>>,
    /// Whose event it is, by which rudder-server keeps order: `<<>>` between an anonymous id and a user id.
    pub user_id: Option<Cow<'a, str>>,
    /// When the event was first tried; empty if it has not been.
    first_attempted_at: Option<Cow<'a, str>>,
    /// The JSON text of `secret`: an object with `accessToken`.
    pub secret: Option<&'a str>,
}

impl<'a> Metadata<'a> {
    /// Reads metadata. What is missing or of the wrong kind is left out.
    pub fn from_json(text: &'a str) -> Self {
        let mut metadata = Self::default();
        match metadata.fill(&mut Cursor::new(text), &mut "") {
            Ok(_) => metadata,
            Err(_) => Self::default(),
        }
    }

    /// Reads the metadata ahead, and gives its text. `last_secret` is that of the event before.
    fn fill(&mut self, cursor: &mut Cursor<'a>, last_secret: &mut &'a str) -> Result<&'a str, Fault> {
        *self = Self::default();
        cursor.object_text(|cursor, key| {
            match key.as_ref() {
                "destinationId" => self.destination_id = cursor.string()?,
                "workspaceId" => self.workspace_id = cursor.string()?,
                "userId" => self.user_id = cursor.string()?,
                "firstAttemptedAt" => self.first_attempted_at = cursor.string()?,
                "secret" => {
                    if !cursor.skip_known(last_secret) {
                        *last_secret = cursor.value()?;
                    }
                    self.secret = Some(last_secret);
                }
                _ => {
                    cursor.value()?;
                }
            }
            Ok(())
        })
    }

    /// When the event was first tried, unless it has not been.
    pub fn first_attempted_at(&self) -> Option<UnixSeconds> {
        let first = Timestamp::new(self.first_attempted_at.as_deref()?).to_utc()?;
        Some(UnixSeconds(first.timestamp()))
    }

    /// The access token, unless it is missing or empty.
    pub fn access_token(&self) -> Option<Cow<'a, str>> {
        access_token(self.secret?)
    }
}

exact_json::debug_shows! {
    Metadata<'_>(metadata) { destination_id, workspace_id, secret = metadata.secret.map(|_| "..") }
}

/// The access token in the JSON text of a secret, `{"accessToken":"…"}`, unless it is missing or empty.
pub fn access_token(secret: &str) -> Option<Cow<'_, str>> {
    let secret: &RawValue = serde_json::from_str(secret).ok()?;
    let [token] = members(secret, ["accessToken"])?;
    token.and_then(string).filter(|token| !token.is_empty())
}

/// Whether a secret is there for the form only and names no token at all, as where rudder-server has no OAuth account. One
/// that is broken is meant for somebody.
pub fn has_no_token(secret: &str) -> bool {
    let secret = secret.trim();
    if matches!(secret, "" | "null") {
        return true;
    }
    let secret: Option<&RawValue> = serde_json::from_str(secret).ok();
    let token = secret.and_then(|secret| members(secret, ["accessToken"]));
    token.is_some_and(|[token]| token.is_none_or(|token| matches!(token.get(), "null" | "\"\"")))
}

/// The settings in the JSON text of a destination, which are the object `Config`; `None` if it is not an object.
pub fn destination_settings(text: &str) -> Option<Destination> {
    let destination: &RawValue = serde_json::from_str(text).ok()?;
    let [config] = members(destination, ["Config"])?;
    let settings = config.and_then(|config| serde_json::from_str(config.get()).ok());
    Some(settings.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<EventInput<'_>> {
        match TransformRequest::from_json(text).unwrap().input {
            Input::Events(events) => events,
            Input::NotAnArray => panic!("not an array"),
        }
    }

    #[test]
    fn what_is_echoed_keeps_its_text() {
        let text = r#"{"input":[{"message":{"type":"track"},"metadata":{ "jobId" : 9007199254740993, "new":[1.0] },"destination":{"ID":"\u0064"}}],"destType":"INTERCOM_V2"}"#;
        let events = events(text);
        assert_eq!(events[0].metadata, r#"{ "jobId" : 9007199254740993, "new":[1.0] }"#);
        assert_eq!(events[0].destination.unwrap(), r#"{"ID":"\u0064"}"#);
    }

    #[test]
    fn a_bad_message_costs_only_itself() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let text = format!(
            r#"{{"input":[5,{{"metadata":{{"jobId":1}}}},{{"message":[],"metadata":{{}},"metadata":{{"jobId":2}}}},{{"message":{{"type":"track","properties":{{"x":{deep}}}}},"metadata":{{}}}},{{"message":{{"type":"track"}},"metadata":{{}}}}]}}"#
        );
        let codes: Vec<_> = events(&text)
            .into_iter()
            .map(|event| match event.message {
                Ok(_) => "ok".to_owned(),
                Err(failed) => failed.split(':').next().unwrap().to_owned(),
            })
            .collect();
        assert_eq!(
            codes,
            ["missing_message", "missing_message", "not_an_object", "too_deep", "ok"]
        );
        assert_eq!(events(&text)[2].metadata, r#"{"jobId":2}"#);
    }

    #[test]
    fn depth_is_limited_wherever_it_is() {
        let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        for levels in [1, 100, 120, 125, 126, 127, 200, 100_000] {
            let event = format!(
                r#"{{"message":{{"type":"track","properties":{0}}},"metadata":{0}}}"#,
                deep(levels)
            );
            let text = format!(r#"{{"input":[{event}],"destType":"intercom_v2"}}"#);
            let events = events(&text);
            assert_eq!(events[0].message.is_ok(), levels < 128, "{levels}");
            assert_eq!(events[0].metadata, deep(levels), "{levels}");
        }
    }

    #[test]
    fn both_ways_of_reading_agree() {
        let event =
            r#"{"metadata":{"jobId":1},"metadata":{"jobId":2},"x":[{}],"destination":null,"message":{"type":"track"}}"#;
        let whole =
            format!(r#"{{"x":{{}},"input":[{event}],"destType":"Intercom_V2","destinations":{{"d":{{"a":1}}}}}}"#);
        let strict = TransformRequest::strict(&whole).unwrap();
        let mixed = whole.replacen("[{\"meta", "[5,{\"meta", 1);
        assert!(TransformRequest::strict(&mixed).is_err());
        let lenient = TransformRequest::from_json(&mixed).unwrap();
        assert_eq!(strict.destination_type, lenient.destination_type);
        assert_eq!(strict.destinations, lenient.destinations);
        let (Input::Events(strict), Input::Events(lenient)) = (strict.input, lenient.input) else {
            panic!("no events");
        };
        assert_eq!(strict[0].message, lenient[1].message);
        assert_eq!(
            (strict[0].metadata, strict[0].destination),
            (lenient[1].metadata, lenient[1].destination)
        );
        assert_eq!(strict[0].metadata, r#"{"jobId":2}"#);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let code = |text: &str| TransformRequest::from_json(text).unwrap_err().code();
        assert_eq!(code("{\"input\":["), "invalid_json");
        assert_eq!(code("5"), "invalid_request");
        assert_eq!(code(""), "invalid_json");
        assert_eq!(code("{} {}"), "invalid_json");
        for item in ["5", r#"{"message":{},"metadata":0}"#] {
            let text = |count| format!(r#"{{"input":[{item}{}]}}"#, format!(",{item}").repeat(count - 1));
            assert!(TransformRequest::from_json(&text(MAX_EVENTS)).is_ok());
            assert_eq!(code(&text(MAX_EVENTS + 1)), "too_many_events");
        }
        for text in [r#"{}"#, r#"{"input":5}"#, r#"{"input":{}}"#] {
            let request = TransformRequest::from_json(text).unwrap();
            assert!(matches!(request.input, Input::NotAnArray), "{text}");
        }
    }

    #[test]
    fn tokens_are_read_and_never_shown() {
        let metadata =
            Metadata::from_json(r#"{"secret":{"accessToken":"t\u0041"},"destinationId":7,"workspaceId":"w"}"#);
        assert_eq!(metadata.access_token().unwrap(), "tA");
        assert_eq!(metadata.destination_id, None);
        assert!(!format!("{metadata:?}").contains("accessToken"));
        for secret in [
            "null",
            "{}",
            r#"{"accessToken":""}"#,
            r#"{"accessToken":5}"#,
            "5",
            "nonsense",
        ] {
            assert_eq!(access_token(secret), None, "{secret}");
        }
        for secret in ["", " null ", "{}", r#"{"accessToken":""}"#, r#"{"accessToken":null}"#] {
            assert!(has_no_token(secret), "{secret}");
        }
        for secret in [
            "5",
            "[]",
            "nonsense",
            r#""t""#,
            r#"{"accessToken":5}"#,
            r#"{"accessToken":"t\n"}"#,
        ] {
            assert!(!has_no_token(secret), "{secret}");
        }
    }
}
