//! track: submit a data event.

use crate::flatten::{METADATA, flatten};
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::reader::Reader;
use crate::rules::{Rule, rules};
use crate::source::{Source, entries, generic, paths};
use intercom_api::{DataEvent, limits};
use rudderstack_events::EventType;

/// What Intercom takes for its own id of the contact.
const ID: &[Source] = paths!["properties.id", "traits.id", "integrations.<Intercom>.id"];

/// The fields of a data event that rules fill.
#[derive(Default)]
struct Fields {
    event_name: Option<String>,
    user_id: Option<intercom_api::ExternalId>,
    email: Option<String>,
    id: Option<intercom_api::ContactId>,
    created_at: Option<intercom_api::UnixSeconds>,
}

rules! {
    /// track, to the fields of a data event.
    Track => Fields, fn apply, const RULES {
        event_name: TEXT from paths!["event"], "guide: Properties mapping";
        user_id: TEXT from generic::USER_ID, "guide: Properties mapping";
        email: TEXT from generic::EMAIL, "guide: Properties mapping", [D2];
        id: TEXT from ID, "guide: Properties mapping", [D12];
        created_at: FIRST_UNIX_SECONDS from generic::EVENT_TIME, "guide: Properties mapping", [D3, D5];
    }
}

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[Rule {
    call: EventType::Track,
    target: "metadata",
    sources: METADATA_FROM,
    coercion: "flattened with `.`, but monetary amounts and rich links whole and first",
    document: "guide: Properties mapping",
    deviations: &[],
}];

const METADATA_FROM: &[Source] = entries!["properties.*"];

pub(crate) fn event(reader: &Reader<'_>) -> Result<DataEvent, Rejection> {
    let mut fields = Fields::default();
    apply(reader, &mut fields);
    let Some(name) = fields.event_name else {
        return Err(Rejection::new(
            RejectionCode::MissingEventName,
            "/event",
            "a track needs the name of the event",
        ));
    };
    if fields.user_id.is_none() && fields.email.is_none() && fields.id.is_none() {
        return Err(Rejection::new(
            RejectionCode::MissingIdentity,
            "/userId",
            "a track needs a user id, an email or an id; this event has none of them",
        ));
    }
    if fields.id.is_some() && (fields.user_id.is_some() || fields.email.is_some()) {
        let message = "Intercom takes id for its own id of the contact, beside the user id or email that is sent too";
        reader.warn(
            WarningCode::IdBesideIdentity,
            reader.place_of(ID).unwrap_or_default(),
            message,
        );
    }
    let mut event = DataEvent::new(name);
    event.user_id = fields.user_id;
    event.email = fields.email;
    event.id = fields.id;
    event.created_at = fields.created_at;
    if let Some((root, properties)) = reader.first_object(METADATA_FROM, |_| true) {
        event.metadata = flatten(reader, properties, &reader.pointer(root, ""), METADATA, |_| false);
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

/// Names for a message: the first ten.
fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(10) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
