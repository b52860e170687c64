//! What surrounds events: the request or batch that they come in, and what its receiver knows of them.
//!
//! An event seldom comes alone. The path of its request may name its type, a batch may have a `context` for all its events,
//! and whoever receives it adds when that was. [`Request`] takes a body apart, and [`Envelope`] and [`Arrival`] complete the
//! events as RudderStack's gateway does; whatever they have no say in keeps its text.
//!
//! ```
//! use rudderstack_events::request::{Endpoint, Request};
//!
//! let body = r#"{"batch":[{"type":"page","context":{"ip":"::1"}}],"context":{"locale":"de"}}"#;
//! let request = Request::read(body, Endpoint::of_path("/v1/batch").unwrap())?;
//! let event = request.envelope.apply(request.events[0].json());
//! assert_eq!(event, r#"{"type":"page","context":{"ip":"::1","locale":"de"}}"#);
//! # Ok::<(), rudderstack_events::request::RequestError>(())
//! ```

mod error;

pub use error::{RequestError, RequestErrorKind};

use crate::event::EventType;
use crate::ids::MessageId;
use crate::json::{Kind, Raw, Scalar};
use crate::object::{Object, items};
use crate::scan::{Cursor, Fault};
use crate::time::Timestamp;
use chrono::{DateTime, Utc};
use std::borrow::Cow;

/// What a request is for, which says what its body looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One event of this type: `/v1/track` and its like.
    Event(EventType),
    /// `{"batch": [...]}`: `/v1/batch`.
    Batch,
    /// Whatever it looks like: a batch, an array of events, or one event.
    Any,
}

impl Endpoint {
    /// The endpoint of RudderStack's HTTP API with this path, which may have a query; `None` if there is none.
    ///
    /// What comes before the last part of the path does not count. Records have no endpoint.
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if name == "batch" {
            return Some(Self::Batch);
        }
        let event_type: EventType = name.parse().ok()?;
        // Types may be written in any case in an event, but not in a path.
        (event_type.as_str() == name && event_type != EventType::Record).then_some(Self::Event(event_type))
    }
}

/// The body of a request, taken apart into events and what is said of all of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// What is said of all the events.
    pub envelope: Envelope<'a>,
    /// The events as they came. Not all need be objects.
    pub events: Vec<Raw<'a>>,
    form: Form,
}

/// How the events stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Single,
    Array,
    Batch,
}

impl<'a> Request<'a> {
    /// Takes the body of a request apart.
    ///
    /// # Errors
    ///
    /// If the body is not JSON, or not what the endpoint takes. What is wrong with an event shows when it is completed or read.
    pub fn read(body: &'a str, endpoint: Endpoint) -> Result<Self, RequestError> {
        match endpoint {
            Endpoint::Event(event_type) => Ok(Self::single(body, Envelope::of_type(event_type))),
            Endpoint::Batch => {
                let batch = Object::whole(body).map_err(|fault| RequestError::body(fault, body))?;
                let events = batch.get("batch").ok_or_else(RequestError::missing_batch)?;
                let events = events.as_array().ok_or_else(RequestError::invalid_batch)?;
                Ok(Self::batch(&batch, events))
            }
            Endpoint::Any => Self::read_any(body),
        }
    }

    /// Takes the body of a request apart, within the bounds of whoever receives it: they hold before anything is built, so
    /// that a small body cannot take much memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if there are too many events, or they or the context of a batch are too long.
    pub fn receive(body: &'a str, endpoint: Endpoint, arrival: &Arrival) -> Result<Self, RequestError> {
        let pointer = match endpoint {
            Endpoint::Event(_) if body.trim_ascii().len() > arrival.max_event_bytes => {
                return Err(RequestError::event_too_large(String::new(), arrival.max_event_bytes));
            }
            Endpoint::Event(_) => return Self::read(body, endpoint),
            Endpoint::Batch => {
                let batch = Object::whole_of(body, &["batch", "context", "integrations", "sentAt"])
                    .map_err(|fault| RequestError::body(fault, body))?;
                let context = batch.get("context").map_or(0, |context| context.json().len());
                if context > arrival.max_event_bytes {
                    return Err(RequestError::context_too_large(arrival.max_event_bytes));
                }
                let events = batch.get("batch").ok_or_else(RequestError::missing_batch)?;
                let Cow::Borrowed(json) = events.0 else {
                    return Err(RequestError::invalid_batch());
                };
                let (mut events, mut count) = (Vec::new(), 0_usize);
                let read = Cursor::new(json).array(|cursor| {
                    let event = cursor.value()?;
                    count += 1;
                    if count <= arrival.max_events {
                        events.push(Raw::of_valid(event));
                    }
                    Ok(())
                });
                read.map_err(|_| RequestError::invalid_batch())?;
                if count > arrival.max_events {
                    return Err(RequestError::too_many_events("/batch", arrival.max_events));
                }
                return Ok(Self::batch(&batch, events));
            }
            Endpoint::Any => "",
        };
        let request = Self::read(body, endpoint)?;
        if request.events.len() > arrival.max_events {
            return Err(RequestError::too_many_events(pointer, arrival.max_events));
        }
        Ok(request)
    }

    /// How many bytes of memory the events take at most once they are complete.
    pub fn most_bytes(&self) -> usize {
        /// What is added to an event, and what stands around it in memory.
        const ADDED: usize = 640;
        let texts: usize = self.events.iter().map(|event| event.json().len()).sum();
        let envelope = &self.envelope;
        let context: usize = envelope
            .context
            .iter()
            .map(|(key, value)| key.len() + value.json().len() + 4)
            .sum();
        let rest = [&envelope.integrations, &envelope.sent_at]
            .map(|value| value.as_ref().map_or(0, |value| value.json().len()));
        texts + self.events.len() * (ADDED + context + rest[0] + rest[1])
    }

    fn read_any(body: &'a str) -> Result<Self, RequestError> {
        let at_fault = |fault| RequestError::body(fault, body);
        let mut cursor = Cursor::new(body);
        if cursor.ahead() == Some(b'[') {
            let events = items(&mut cursor).map_err(at_fault)?;
            cursor.end().map_err(at_fault)?;
            return Ok(Self {
                envelope: Envelope::default(),
                events,
                form: Form::Array,
            });
        }
        let object = Object::whole(body).map_err(at_fault)?;
        Ok(Self::of_batch(&object).unwrap_or_else(|| Self::single(body, Envelope::default())))
    }

    /// Takes a batch apart; `None` if the object is none, which has no array under `batch`.
    pub fn of_batch(object: &Object<'a>) -> Option<Self> {
        let events = object.get("batch")?.as_array()?;
        Some(Self::batch(object, events))
    }

    fn batch(object: &Object<'a>, events: Vec<Raw<'a>>) -> Self {
        Self {
            envelope: Envelope::of_batch(object),
            events,
            form: Form::Batch,
        }
    }

    fn single(body: &'a str, envelope: Envelope<'a>) -> Self {
        Self {
            envelope,
            events: vec![Raw::of_valid(body.trim_ascii())],
            form: Form::Single,
        }
    }

    /// Completes every event, with what is said of all of them and with what the receiver knows. `new_id` gives a new
    /// `messageId` for an event that has none.
    ///
    /// # Errors
    ///
    /// If an event is not a JSON object, is too long, or is nobody's where it must be somebody's: a request is taken as a
    /// whole or not at all.
    pub fn complete(
        &self,
        arrival: &Arrival,
        new_id: impl FnMut() -> MessageId<'static>,
    ) -> Result<Vec<CompleteEvent>, RequestError> {
        self.complete_as(arrival, new_id, |_, event| event)
    }

    /// The same, and makes of each event, given its entries, what the receiver keeps.
    ///
    /// # Errors
    ///
    /// As [`complete`](Self::complete).
    pub fn complete_as<T>(
        &self,
        arrival: &Arrival,
        mut new_id: impl FnMut() -> MessageId<'static>,
        mut made: impl FnMut(&Object<'_>, CompleteEvent) -> T,
    ) -> Result<Vec<T>, RequestError> {
        let mut bytes = 0;
        let received_at = Raw::from(arrival.received_at);
        let complete = |(index, raw): (usize, &Raw<'a>)| {
            let pointer = || self.pointer(index);
            if raw.json().len() > arrival.max_event_bytes {
                return Err(RequestError::event_too_large(pointer(), arrival.max_event_bytes));
            }
            let mut event = Object::whole(raw.json()).map_err(|fault| self.fault(fault, index))?;
            self.envelope.fill_in(&mut event);
            if arrival.needs_identity && !is_somebodys(&event) {
                return Err(RequestError::missing_identity(pointer()));
            }
            let message_id = arrival.stamp_with(&mut event, &received_at, &mut new_id);
            let json = event.to_json();
            bytes += json.len();
            // A long context of a batch multiplies by its events.
            if bytes > arrival.max_total_bytes {
                return Err(RequestError::batch_too_large(arrival.max_total_bytes));
            }
            Ok(made(&event, CompleteEvent { json, message_id }))
        };
        self.events.iter().enumerate().map(complete).collect()
    }

    fn fault(&self, fault: Fault, index: usize) -> RequestError {
        match self.form {
            Form::Single => RequestError::body(fault, self.events[index].json()),
            Form::Array | Form::Batch => RequestError::invalid_event(self.pointer(index)),
        }
    }

    /// Where in the body an event stands, as a JSON pointer (RFC 6901).
    pub fn pointer(&self, index: usize) -> String {
        match self.form {
            Form::Single => String::new(),
            Form::Array => format!("/{index}"),
            Form::Batch => format!("/batch/{index}"),
        }
    }
}

/// What is said of events outside of them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Envelope<'a> {
    /// The type that the path of the request names, whatever the event says.
    pub event_type: Option<EventType>,
    /// The batch's `context`. Each entry stands in for one that an event's own context does not have.
    pub context: Object<'a>,
    /// The batch's `integrations`, for events that have none.
    pub integrations: Option<Raw<'a>>,
    /// When the batch was sent, for events that do not say so.
    pub sent_at: Option<Raw<'a>>,
}

impl<'a> Envelope<'a> {
    /// What the path of a request for events of one type says.
    pub fn of_type(event_type: EventType) -> Self {
        Self {
            event_type: Some(event_type),
            ..Self::default()
        }
    }

    /// What a batch says, given its entries.
    ///
    /// Its `timestamp` is when it was made, not when its events happened, so it does not count.
    pub fn of_batch(batch: &Object<'a>) -> Self {
        Self {
            event_type: None,
            context: batch.get("context").and_then(Raw::as_object).unwrap_or_default(),
            integrations: batch
                .get("integrations")
                .filter(|value| value.kind() == Kind::Object)
                .cloned(),
            sent_at: present(batch, "sentAt").cloned(),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.event_type.is_none() && self.context.is_empty() && self.integrations.is_none() && self.sent_at.is_none()
    }

    /// The same, independent of the text that it was read from.
    pub fn into_owned(self) -> Envelope<'static> {
        Envelope {
            event_type: self.event_type,
            context: self.context.into_owned(),
            integrations: self.integrations.map(Raw::into_owned),
            sent_at: self.sent_at.map(Raw::into_owned),
        }
    }

    /// Adds to an event what it lacks, and says whether that has changed it.
    pub fn fill_in(&self, event: &mut Object<'a>) -> bool {
        let mut changed = false;
        let mut set = |event: &mut Object<'a>, key: &'static str, value: Raw<'a>| {
            event.insert(key, value);
            changed = true;
        };
        if let Some(event_type) = self.event_type.map(EventType::as_str)
            && event.get("type").and_then(Raw::string).as_deref() != Some(event_type)
        {
            set(event, "type", Raw::from(event_type));
        }
        if let Some(sent_at) = self.sent_at.as_ref().filter(|_| present(event, "sentAt").is_none()) {
            set(event, "sentAt", sent_at.clone());
        }
        if let Some(integrations) = self
            .integrations
            .as_ref()
            .filter(|_| event.get("integrations").is_none())
        {
            set(event, "integrations", integrations.clone());
        }
        if !self.context.is_empty() {
            let own = event.get("context").and_then(Raw::as_object);
            let mut context = own.unwrap_or_default();
            if context.fill(&self.context) {
                set(event, "context", Raw(Cow::Owned(context.to_json())));
            }
        }
        changed
    }

    /// The JSON text of an event with what it lacks. What is not a JSON object stays as it is.
    pub fn apply<'e>(&self, event: &'e str) -> Cow<'e, str>
    where
        'a: 'e,
    {
        if self.is_empty() {
            return Cow::Borrowed(event);
        }
        let Ok(mut entries) = Object::whole(event) else {
            return Cow::Borrowed(event);
        };
        let this: &Envelope<'e> = self;
        if this.fill_in(&mut entries) {
            Cow::Owned(entries.to_json())
        } else {
            Cow::Borrowed(event)
        }
    }
}

/// What the receiver of a request knows of it, and takes at most.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// When it was received, by the receiver's clock.
    pub received_at: DateTime<Utc>,
    /// The address that it came from, if that is known.
    pub request_ip: Option<String>,
    /// The longest event, in bytes.
    pub max_event_bytes: usize,
    /// How long all events may be together once they are complete, in bytes.
    pub max_total_bytes: usize,
    /// How many events a request may have.
    pub max_events: usize,
    /// Whether an event must have a `userId` or an `anonymousId`, as RudderStack's gateway asks. Records name people
    /// otherwise.
    pub needs_identity: bool,
}

impl Arrival {
    /// A request that has just been received, of any length.
    pub fn new(received_at: DateTime<Utc>) -> Self {
        Self {
            received_at,
            request_ip: None,
            max_event_bytes: usize::MAX,
            max_total_bytes: usize::MAX,
            max_events: usize::MAX,
            needs_identity: false,
        }
    }

    /// Adds to an event its `messageId`, `timestamp`, `receivedAt` and `request_ip` where it has none, and gives the first.
    ///
    /// A `timestamp` that is missing is `receivedAt - (sentAt - originalTimestamp)`, by the receiver's clock.
    pub fn stamp(&self, event: &mut Object<'_>, new_id: impl FnOnce() -> MessageId<'static>) -> MessageId<'static> {
        self.stamp_with(event, &Raw::from(self.received_at), new_id)
    }

    /// The same, given when the event was received as a value.
    fn stamp_with<'a>(
        &self,
        event: &mut Object<'a>,
        received_at: &Raw<'a>,
        new_id: impl FnOnce() -> MessageId<'static>,
    ) -> MessageId<'static> {
        let (id, is_text) = match event.get("messageId").and_then(Raw::scalar) {
            Some(Scalar::String(id)) if !id.trim().is_empty() => (MessageId::new(id.into_owned()), true),
            Some(Scalar::Number(id)) => (MessageId::new(id.to_owned()), false),
            _ => (new_id(), false),
        };
        if !is_text {
            event.insert("messageId", id.as_str().to_owned());
        }
        // A time that the caller has set is the caller's.
        if time(event, "timestamp").is_none() {
            let happened_at = Some(self.happened_at(event)).filter(|time| *time != self.received_at);
            event.insert("timestamp", happened_at.map_or_else(|| received_at.clone(), Raw::from));
        }
        // A server that forwards events may have received them earlier.
        if time(event, "receivedAt").is_none() {
            event.insert("receivedAt", received_at.clone());
        }
        if let Some(request_ip) = &self.request_ip
            && event.get("request_ip").is_none_or(|value| value.kind() != Kind::String)
        {
            event.insert("request_ip", request_ip.clone());
        }
        id
    }

    /// When an event happened by the receiver's clock. Without both of the sender's times there is nothing to correct.
    fn happened_at(&self, event: &Object<'_>) -> DateTime<Utc> {
        match (time(event, "sentAt"), time(event, "originalTimestamp")) {
            (Some(sent_at), Some(original)) => {
                let corrected = self.received_at.checked_sub_signed(sent_at - original);
                corrected.unwrap_or(self.received_at)
            }
            (None, Some(original)) => original,
            (_, None) => self.received_at,
        }
    }
}

/// An event as its receiver keeps it. `Debug` shows its length only.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CompleteEvent {
    /// The event's JSON text.
    pub json: String,
    /// Its `messageId`.
    pub message_id: MessageId<'static>,
}

impl std::fmt::Debug for CompleteEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CompleteEvent({} bytes)", self.json.len())
    }
}

/// The value under a key, unless it is `null`.
fn present<'o, 'a>(object: &'o Object<'a>, key: &str) -> Option<&'o Raw<'a>> {
    object.get(key).filter(|value| !value.is_null())
}

/// Whether an event has an id that RudderStack's gateway takes: any value but none, or a blank text.
fn is_somebodys(event: &Object<'_>) -> bool {
    let has = |key| present(event, key).is_some_and(|id| id.string().is_none_or(|id| !id.trim().is_empty()));
    let is_record = || {
        event
            .get("type")
            .and_then(Raw::string)
            .is_some_and(|name| name.parse() == Ok(EventType::Record))
    };
    has("userId") || has("anonymousId") || is_record()
}

fn time(event: &Object<'_>, key: &str) -> Option<DateTime<Utc>> {
    Timestamp::new(event.get(key)?.string()?).to_utc()
}

#[cfg(test)]
mod tests;
