//! An event on its way into the store.

use crate::history::Trace;
use xxhash_rust::xxh3::Xxh3;

/// An event as it goes into the store.
#[derive(Clone)]
pub struct CompleteEvent {
    /// The event's JSON text.
    pub json: String,
    /// Stands for its `messageId` where repeats are looked for.
    pub key: MessageKey,
    /// By what it is found again, if it has been looked at already; else the store looks.
    pub trace: Option<Trace>,
}

impl CompleteEvent {
    /// An event that has not been looked at.
    pub fn new(json: String, key: MessageKey) -> Self {
        Self { json, key, trace: None }
    }
}

exact_json::debug_shows! { CompleteEvent(event) { bytes = event.json.len() } }

/// 128 bits of the hash of a write key and a `messageId`: few enough to remember a great many. Senders with other write
/// keys have ids of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey(pub(crate) u128);

impl MessageKey {
    /// The key of a `messageId` that came with this write key.
    pub fn of(write_key: &str, message_id: &str) -> Self {
        let mut hash = Xxh3::new();
        // No write key has a colon in it: it is the user name of basic authentication.
        hash.update(write_key.as_bytes());
        hash.update(b":");
        hash.update(message_id.as_bytes());
        Self(hash.digest128())
    }
}
