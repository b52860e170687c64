//! Data events: what people did.
//!
//! Source: the data event operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/data-events>.

use crate::ids::{ContactId, ExternalId};
use crate::json::{AttributeName, Attributes, Value};
use crate::model::{fields, has_members, is_object, request, response, setter};
use crate::operation::{NoBody, Operation};
use crate::pages::Pages;
use crate::route::OperationId;
use crate::time::UnixSeconds;
use exact_json::WriteJson;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Something that a person did.
///
/// Intercom wants `created_at` and one of `user_id`, `id` and `email`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataEvent {
    /// The name: best a verb in the past tense and a noun.
    pub event_name: String,
    /// When it happened. Intercom drops a second event of the same contact, name and second.
    pub created_at: Option<UnixSeconds>,
    /// The id that the caller's system gives the person.
    pub user_id: Option<ExternalId>,
    /// Intercom's id of the person.
    pub id: Option<ContactId>,
    /// The person's email address.
    pub email: Option<String>,
    /// What else is known of it. Intercom keeps the first
    /// [`limits::EVENT_METADATA_KEYS`](crate::limits::EVENT_METADATA_KEYS) keys.
    pub metadata: Attributes,
    /// What else is sent: fields without a name here, and fields that are `null`.
    pub extra: Attributes,
}

impl DataEvent {
    /// An event with nothing but its name.
    pub fn new(event_name: impl Into<String>) -> Self {
        Self {
            event_name: event_name.into(),
            created_at: None,
            user_id: None,
            id: None,
            email: None,
            metadata: Attributes::new(),
            extra: Attributes::new(),
        }
    }

    setter! {
        /// When it happened.
        created_at: Option<UnixSeconds>
    }
    setter! {
        /// The id that the caller's system gives the person.
        user_id: Option<ExternalId>
    }
    setter! {
        /// Intercom's id of the person.
        id: Option<ContactId>
    }
    setter! {
        /// The person's email address.
        email: Option<String>
    }

    /// The same with what else is known of it.
    #[must_use]
    pub fn with_metadata<K: Into<AttributeName>, V: Into<Value>>(
        mut self,
        metadata: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.metadata = metadata.into_iter().collect();
        self
    }
}

impl fmt::Debug for DataEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("DataEvent");
        shown.field("event_name", &format_args!(".."));
        for (name, is_set) in [
            ("created_at", self.created_at.is_some()),
            ("user_id", self.user_id.is_some()),
            ("id", self.id.is_some()),
            ("email", self.email.is_some()),
        ] {
            if is_set {
                shown.field(name, &format_args!(".."));
            }
        }
        shown.field("metadata", &self.metadata);
        if !self.extra.is_empty() {
            shown.field("extra", &self.extra);
        }
        shown.finish()
    }
}

has_members! {
    DataEvent by crate::model::or_null {
        required { event_name: String, }
        optional { created_at: UnixSeconds, user_id: ExternalId, id: ContactId, email: String, }
        attributes { metadata, }
    }
}
is_object! { DataEvent }

impl WriteJson for DataEvent {
    fn write_json(&self, out: &mut Vec<u8>) {
        if !self.extra.is_empty() {
            // Few have some, and it says where each goes.
            out.extend(serde_json::to_vec(self).unwrap_or_default());
            return;
        }
        out.extend_from_slice(b"{\"event_name\":");
        self.event_name.write_json(out);
        if let Some(time) = self.created_at {
            out.extend_from_slice(b",\"created_at\":");
            // To a buffer, nothing fails.
            let _ = serde_json::to_writer(&mut *out, &time);
        }
        if let Some(id) = &self.user_id {
            out.extend_from_slice(b",\"user_id\":");
            id.as_str().write_json(out);
        }
        if let Some(id) = &self.id {
            out.extend_from_slice(b",\"id\":");
            // Some are numbers.
            out.extend(serde_json::to_vec(id).unwrap_or_default());
        }
        if let Some(email) = &self.email {
            out.extend_from_slice(b",\"email\":");
            email.write_json(out);
        }
        if !self.metadata.is_empty() {
            out.extend_from_slice(b",\"metadata\":");
            self.metadata.write_json(out);
        }
        out.push(b'}');
    }
}

#[cfg(test)]
impl crate::model::Sample for DataEvent {
    fn sample(_: u8) -> Self {
        Self::new("invited friend")
            .with_created_at(7)
            .with_id(5)
            .with_user_id("ann-1")
            .with_email("ada@example.org")
            .with_metadata([("n", 1)])
    }
}

request! {
    /// Submits an event: `POST /events`. Answered 202 with an empty body, also when Intercom drops it as a repeat.
    SubmitDataEvent => () {
        content {
            /// The event.
            event: DataEvent,
        }
    }
}

/// Whose events are listed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventsOf {
    /// The user with this id of the caller's system.
    UserId(ExternalId),
    /// The contact with this id of Intercom's: the only way to name a lead.
    IntercomUserId(ContactId),
    /// The user with this email address.
    Email(String),
}

exact_json::debug_shows! { enum EventsOf { UserId, IntercomUserId, Email } }

/// Lists the events of a person, of the last 90 days, or sums them up: `GET /events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListDataEvents {
    /// Whose.
    pub of: EventsOf,
    /// Whether to count the events by name, those older than 90 days included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<bool>,
    /// How many to a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_page: Option<u32>,
}

impl ListDataEvents {
    /// The first page of a person's events.
    pub fn new(of: EventsOf) -> Self {
        Self {
            of,
            summary: None,
            per_page: None,
        }
    }

    setter! {
        /// Whether to count the events by name, those older than 90 days included.
        summary: Option<bool>
    }
    setter! {
        /// How many to a page.
        per_page: Option<u32>
    }
}

impl Operation for ListDataEvents {
    type Body<'a> = NoBody;
    type Response = DataEventList;
    const ID: OperationId = OperationId::ListDataEvents;

    fn path(&self) -> Cow<'static, str> {
        Self::ID.path([])
    }

    fn query(&self) -> Vec<(Cow<'static, str>, String)> {
        let (name, value) = match &self.of {
            EventsOf::UserId(id) => ("user_id", id.as_str()),
            EventsOf::IntercomUserId(id) => ("intercom_user_id", id.as_str()),
            EventsOf::Email(email) => ("email", email.as_str()),
        };
        let mut query = vec![("type".into(), "user".to_owned()), (name.into(), value.to_owned())];
        query.extend(self.summary.map(|summary| ("summary".into(), summary.to_string())));
        query.extend(self.per_page.map(|count| ("per_page".into(), count.to_string())));
        query
    }

    fn body(&self) -> Option<NoBody> {
        None
    }

    #[cfg(feature = "validator")]
    fn check(&self) -> Result<(), validator::ValidationErrors> {
        validator::Validate::validate(self)
    }
}

request! {
    /// Records how often a user did something, without the events themselves: `POST /events/summaries`.
    SummariseDataEvents => () {
        body {
            required {
                /// The user.
                user_id: ExternalId,
                /// What, and how often.
                event_summaries: EventSummary,
            }
        }
    }
}

fields! {
    /// How often something was done.
    EventSummary {
        optional {
            /// The name of the event.
            event_name: String,
            /// How often.
            count: i64,
            /// When first.
            first: UnixSeconds,
            /// When last.
            last: UnixSeconds,
        }
    }
}

response! {
    /// The events of a person.
    DataEventList {
        optional {
            /// `event.list`, or `event.summary` if they are summed up.
            object_type = "type": String,
            /// The events, or the sums.
            events: Vec<ListedEvent>,
            /// Where the other pages are.
            pages: Pages,
            /// The person's email address.
            email: String,
            /// Intercom's id of the person.
            intercom_user_id: ContactId,
            /// The id that the caller's system gave the person.
            user_id: ExternalId,
        }
    }
}

response! {
    /// One event, or the sum of those of one name.
    ListedEvent {
        optional {
            /// `event`.
            object_type = "type": String,
            /// The name of one event.
            event_name: String,
            /// When it happened.
            created_at: UnixSeconds,
            /// The id that the caller's system gave the person.
            user_id: ExternalId,
            /// The event's id.
            id: crate::ids::ResourceId,
            /// Intercom's id of the person.
            intercom_user_id: ContactId,
            /// The person's email address.
            email: String,
            /// What else is known of it.
            metadata: Attributes,
            /// The name of the events that are summed up.
            name: String,
            /// When the first of them happened.
            first: String,
            /// When the last of them happened.
            last: String,
            /// How many there were.
            count: i64,
            /// What they are.
            description: String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_left_out_when_empty_and_keeps_its_order_otherwise() {
        let mut event = DataEvent::new("opened-door");
        event.created_at = Some(UnixSeconds(7));
        event.email = Some("ada@example.org".into());
        let body = |event: &DataEvent| serde_json::to_string(event).unwrap();
        assert_eq!(
            body(&event),
            r#"{"event_name":"opened-door","created_at":7,"email":"ada@example.org"}"#
        );
        event.metadata.insert("z", 1);
        event.metadata.insert("a", true);
        assert!(body(&event).ends_with(r#""metadata":{"z":1,"a":true}}"#));
        assert!(!format!("{event:?}").contains("example.org"));
    }

    #[test]
    fn what_is_asked_for_can_stand_anywhere() {
        crate::model::can_stand_anywhere::<DataEvent>();
        for of in [
            EventsOf::UserId("ann-1".into()),
            EventsOf::IntercomUserId(5.into()),
            EventsOf::Email("ada@example.org".into()),
        ] {
            let _: EventsOf = exact_json::testing::object(&serde_json::to_value(&of).unwrap());
            let list = ListDataEvents::new(of).with_summary(true).with_per_page(20);
            let _: ListDataEvents = exact_json::testing::object(&serde_json::to_value(list).unwrap());
        }
    }

    #[test]
    fn whose_events_is_in_the_query() {
        let mut list = ListDataEvents::new(EventsOf::Email("ada+1@example.org".into()));
        list.summary = Some(true);
        let call = list.to_call().unwrap();
        assert_eq!(
            call.path_and_query(),
            "/events?type=user&email=ada%2B1%40example.org&summary=true"
        );
        assert!(!format!("{list:?}").contains("ada"));
    }

    #[test]
    fn an_empty_response_is_a_response() {
        SubmitDataEvent::parse_response(b"").unwrap();
    }

    #[test]
    fn an_event_writes_what_serde_writes() {
        let nested = Attributes::new().with(
            "quoted \"key\"",
            vec![Value::Null, true.into(), 1.5.into(), "ü\n".into()],
        );
        let event = DataEvent::new("Signed \"up\"");
        let metadata = [
            ("plain", Value::from("text")),
            ("-0", (-0.0).into()),
            ("nested", nested.into()),
        ];
        let full = DataEvent::new("x")
            .with_created_at(-7)
            .with_id(5)
            .with_user_id("ann\\1")
            .with_email("ada@example.org");
        let mut extended = full.clone();
        extended.extra = Attributes::new().with("id", Value::Null).with("later", 1);
        for event in [event, full.clone().with_metadata(metadata), full, extended] {
            let mut written = Vec::new();
            event.write_json(&mut written);
            assert_eq!(
                String::from_utf8(written).unwrap(),
                serde_json::to_string(&event).unwrap()
            );
        }
    }
}
