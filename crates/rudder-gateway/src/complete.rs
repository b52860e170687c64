//! Takes a request apart into the events that the store keeps.

use event_store::{CompleteEvent, MessageKey, Trace};
use rudderstack_events::request::{Arrival, Request, RequestError};
use rudderstack_events::{MessageId, Object};

/// Completes every event of a request that came with this write key. `trace` looks at each by what it can be found again.
///
/// # Errors
///
/// If any of the events is not what it should be, or is too long: the request is turned away as a whole.
pub fn complete(
    request: &Request<'_>,
    write_key: &str,
    arrival: &Arrival,
    trace: impl Fn(&Object<'_>, &str) -> Option<Trace>,
) -> Result<Vec<CompleteEvent>, RequestError> {
    request.complete_as(arrival, new_message_id, |entries, event| CompleteEvent {
        key: MessageKey::of(write_key, event.message_id.as_str()),
        trace: trace(entries, &event.json),
        json: event.json,
    })
}

/// A version 4 UUID.
fn new_message_id() -> MessageId<'static> {
    let bits = fastrand::u128(..) & !(0xF000_u128 << 64) & !(0xC000_u128 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{bits:032x}");
    MessageId::new([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use rudderstack_events::request::Endpoint;

    #[test]
    fn an_event_without_an_id_gets_a_uuid() {
        let id = new_message_id();
        let (id, others) = (id.as_str(), new_message_id());
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        assert_ne!(id, others.as_str());
    }

    #[test]
    fn a_repeated_message_has_the_same_key() {
        let body = r#"{"batch":[{"messageId":"m-1"},{"messageId":"m-1","x":1},{"messageId":" "}]}"#;
        let arrival = Arrival::new(DateTime::<Utc>::UNIX_EPOCH);
        let request = Request::read(body, Endpoint::Batch).unwrap();
        let events = complete(&request, "key", &arrival, |_, _| None).unwrap();
        assert_eq!(events[0].key, MessageKey::of("key", "m-1"));
        assert_ne!(events[0].key, MessageKey::of("other", "m-1"));
        assert_eq!(events[0].key, events[1].key);
        assert_ne!(events[0].key, events[2].key);
    }
}
