//! Data events: what people did.
//!
//! Source: the data event operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/data-events>.

use crate::ids::{ContactId, ExternalId, UnixSeconds};
use crate::json::Attributes;
use crate::model::operation;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that a person did.
///
/// Intercom wants `created_at` and one of `user_id`, `id` and `email`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, validator::Validate)]
#[non_exhaustive]
pub struct DataEvent {
    /// The name: best a verb in the past tense and a noun.
    #[validate(length(min = 1))]
    pub event_name: String,
    /// When it happened. Intercom drops a second event of the same contact, name and second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<UnixSeconds>,
    /// The id that the caller's system gives the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ExternalId>,
    /// Intercom's id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ContactId>,
    /// The person's email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What else is known of it. Intercom keeps the first
    /// [`limits::EVENT_METADATA_KEYS`](crate::limits::EVENT_METADATA_KEYS) keys.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub metadata: Attributes,
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
        }
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
        shown.field("metadata", &self.metadata).finish()
    }
}

/// Submits an event: `POST /events`. Answered 202 with an empty body, also when Intercom drops it as a repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitDataEvent {
    /// The event.
    pub event: DataEvent,
}
operation!(SubmitDataEvent: Post "/events", body event: DataEvent => ());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

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
    fn an_empty_answer_is_an_answer() {
        SubmitDataEvent::parse_answer(b"").unwrap();
    }
}
