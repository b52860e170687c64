//! track: submit a data event.

use crate::coerce::{ANY_CONTACT_ID, CONTACT_ID, POSSIBLE_SECONDS, TEXT};
use crate::destination::SameSecond;
use crate::deviation::Deviation;
use crate::flatten::{METADATA, flatten};
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::reader::Reader;
use crate::rule::{Rule, rules};
use crate::source::{Source, entries, generic, paths};
use fnv::FnvHasher;
use intercom_api::{ContactId, DataEvent, ExternalId, UnixSeconds, limits};
use rudderstack_events::EventType;
use std::hash::Hasher as _;

/// What Intercom takes for its own id of the contact.
const ID: &[Source] = paths!["properties.id", "traits.id", "integrations.<Intercom>.id"];

/// The fields of a data event that rules fill.
#[derive(Default)]
struct Fields {
    event_name: Option<String>,
    user_id: Option<intercom_api::ExternalId>,
    email: Option<String>,
    created_at: Option<intercom_api::UnixSeconds>,
}

rules! {
    /// track, to the fields of a data event.
    Track => Fields, fn apply, const RULES {
        event_name: TEXT from paths!["event"], "guide: Properties mapping";
        user_id: TEXT from generic::USER_ID, "guide: Properties mapping";
        email: TEXT from generic::EMAIL, "guide: Properties mapping", [D2];
        created_at: FIRST_UNIX_SECONDS from generic::EVENT_TIME, "guide: Properties mapping", [D3, D5, D32, D33];
    }
}

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[
    Rule {
        event_type: EventType::Track,
        target: "id",
        sources: ID,
        coercion: "id of a contact; beside `user_id` or `email` the first that has the form of Intercom's contact ids, 24 hexadecimal \
            digits",
        document: "guide: Properties mapping",
        deviations: &[Deviation::D12],
    },
    Rule {
        event_type: EventType::Track,
        target: "metadata",
        sources: METADATA_FROM,
        coercion: "flattened with `.`, but monetary amounts and rich links whole and first; without empty objects and arrays",
        document: "guide: Properties mapping",
        deviations: &[Deviation::D28],
    },
];

const METADATA_FROM: &[Source] = entries!["properties.*"];

pub(crate) fn event(reader: &Reader<'_>) -> Result<DataEvent, Rejection> {
    let mut fields = Fields::default();
    apply(reader, &mut fields);
    let Some(name) = fields.event_name.take() else {
        return Err(Rejection::new(
            RejectionCode::MissingEventName,
            "/event",
            "a track needs the name of the event",
        ));
    };
    let id = contact_id(reader, &fields);
    if fields.user_id.is_none() && fields.email.is_none() && id.is_none() {
        return Err(Rejection::new(
            RejectionCode::MissingIdentity,
            "/userId",
            "a track needs a user id, an email or an id; this event has none of them",
        ));
    }
    let mut event = DataEvent::new(name);
    event.user_id = fields.user_id;
    event.email = fields.email;
    event.id = id;
    event.created_at = fields.created_at;
    if reader.destination.same_second == SameSecond::Spread
        && let Some(message_id) = reader.read_quietly(generic::MESSAGE_ID, &TEXT)
    {
        event.created_at = event.created_at.map(|time| spread(time, &message_id));
    }
    if let Some((root, properties)) = reader.first_object(METADATA_FROM, |_| true) {
        event.metadata = flatten(reader, properties, &reader.root(root), METADATA, |_| false);
    }
    let ignored: Vec<&str> = event.metadata.keys().skip(limits::EVENT_METADATA_KEYS).collect();
    if !ignored.is_empty() {
        let message = format!(
            "{} metadata keys, of which Intercom keeps the first {}; it will ignore {}",
            event.metadata.len(),
            limits::EVENT_METADATA_KEYS,
            listed(&ignored)
        );
        reader.warn(WarningCode::TooManyMetadataKeys, "/properties", message);
    }
    Ok(event)
}

/// Intercom's own id of the contact, which it takes before the user id and the email: beside one of these, something that
/// cannot be such an id is left out (D12).
fn contact_id(reader: &Reader<'_>, fields: &Fields) -> Option<ContactId> {
    if fields.user_id.is_none() && fields.email.is_none() {
        return reader.read("id", ID, &ANY_CONTACT_ID);
    }
    let user_id = fields.user_id.as_ref().map(ExternalId::as_str);
    ID.iter().find_map(|source| {
        let source = std::slice::from_ref(source);
        // The user id itself may come from a trait of this name; that is no mistake.
        if user_id.is_some() && reader.read_quietly(source, &TEXT).as_deref() == user_id {
            return None;
        }
        reader.read("id", source, &CONTACT_ID)
    })
}

/// Seconds by which an event is moved at most.
const SPREAD: u64 = 5;

/// Moves a time by 0 to 4 seconds, always by the same for one message id, so that sending it again is a repeat (D33).
fn spread(time: UnixSeconds, message_id: &str) -> UnixSeconds {
    // It must never change, so it is not the standard library's.
    let mut hasher = FnvHasher::default();
    hasher.write(message_id.as_bytes());
    let moved = time.0.saturating_add_unsigned((hasher.finish() >> 32) % SPREAD);
    UnixSeconds(moved.min(*POSSIBLE_SECONDS.end()))
}

/// Names for a message: the first ten.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(10) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
