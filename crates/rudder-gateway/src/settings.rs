//! How a gateway is set up.

use http_access::Secret;
use intercom_delivery::EngineSettings;
use rudderstack_to_intercom::Destination;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// The longest event by default: RudderStack documents 32 KB for a call.
pub const MAX_EVENT_BYTES: usize = 32 << 10;
/// The longest request by default: RudderStack documents 4 MB for a batch.
pub const MAX_REQUEST_BYTES: usize = 4 << 20;
/// How many events a request may have by default.
pub const MAX_REQUEST_EVENTS: usize = 100_000;
/// How long senders are told to wait by default.
pub const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Which write keys are accepted.
#[derive(Clone, Debug)]
pub enum WriteKeys {
    /// Any that is not empty: for trying things out on one's own machine. Requests must name a loopback address or
    /// `localhost`, must not come through a proxy that says so, and those of web pages come from such an address.
    Any,
    /// These only.
    These(KeyList),
}

/// Write keys, which can be replaced while the gateway runs: clones share them.
#[derive(Clone, Debug)]
pub struct KeyList(Arc<RwLock<Vec<Secret>>>);

impl KeyList {
    /// These keys.
    pub fn new(keys: Vec<Secret>) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// From now on, these keys in place of the others.
    pub fn replace(&self, keys: Vec<Secret>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Whether the key is one of them. All are compared, whichever is right.
    fn has(&self, key: &str) -> bool {
        Secret::any_matches(&self.0.read().unwrap_or_else(PoisonError::into_inner), key)
    }
}

impl WriteKeys {
    /// Whether this key is accepted.
    pub fn accept(&self, key: &str) -> bool {
        match self {
            Self::Any => !key.is_empty(),
            Self::These(keys) => keys.has(key),
        }
    }
}

/// Bounds of the store, beyond which requests are answered 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// Events that wait.
    pub events: u64,
    /// Bytes of events that wait.
    pub bytes: u64,
    /// How long the oldest event may have waited; none for no bound.
    pub age: Option<Duration>,
}

impl Default for Bounds {
    /// Ten million events, 16 GiB, any age.
    fn default() -> Self {
        Self {
            events: 10_000_000,
            bytes: 16 << 30,
            age: None,
        }
    }
}

/// What becomes of dead letters that nobody looks after. They are no reason to turn requests away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetters {
    /// How many bytes of events they may have; beyond it, the oldest are dropped.
    pub bytes: u64,
    /// After how long they are dropped; none for never.
    pub age: Option<Duration>,
    /// The file that they are appended to before they are dropped, as records that can be sent again.
    pub file: Option<PathBuf>,
}

impl Default for DeadLetters {
    /// 4 GiB, any age, and no file.
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            age: None,
            file: None,
        }
    }
}

/// How repeats of an event are recognised, by its `messageId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repeats {
    /// For how long a `messageId` is remembered.
    pub window: Duration,
    /// How many are remembered at most; the oldest are forgotten first. Each takes about 60 bytes of memory.
    pub remembered: usize,
}

impl Default for Repeats {
    /// An hour, as RudderStack's own default; at most a million.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60 * 60),
            remembered: 1_000_000,
        }
    }
}

/// Settings of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// When it is full.
    pub bounds: Bounds,
    /// How repeats are recognised.
    pub repeats: Repeats,
    /// What becomes of dead letters.
    pub dead_letters: DeadLetters,
    /// For how long, and how many, events wait for a contact who is not there yet.
    pub awaiting: Awaiting,
    /// For how long, and of how many events, it is kept what has happened to them.
    pub history: History,
}

/// What is kept of events that have come in, for whoever asks what became of them: their type, their name, hashes of their
/// ids, and what has happened to them. About 120 bytes each. The oldest are forgotten first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// Of how many events; nothing is kept, if of none.
    pub events: u64,
    /// For how long.
    pub age: Duration,
}

impl Default for History {
    /// A million events, eight days.
    fn default() -> Self {
        Self {
            events: 1_000_000,
            age: Duration::from_secs(8 * 24 * 60 * 60),
        }
    }
}

/// How events wait for a contact who is not there yet. The oldest end first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Awaiting {
    /// How long one waits; not at all, if that is no time.
    pub age: Duration,
    /// How many wait.
    pub events: u64,
}

impl Default for Awaiting {
    /// A day, a million events.
    fn default() -> Self {
        Self {
            age: Duration::from_secs(24 * 60 * 60),
            events: 1_000_000,
        }
    }
}

impl StoreSettings {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Settings of the gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Which write keys are accepted.
    pub write_keys: WriteKeys,
    /// What the page and its API ask for. Without one they answer only if the server listens on a loopback address, and
    /// requests come straight from this machine.
    pub page_token: Option<Secret>,
    /// Whether the server listens on a loopback address only.
    pub is_loopback: bool,
    /// The longest event, in bytes.
    pub max_event_bytes: usize,
    /// The longest request, in bytes, before and after decompression.
    pub max_request_bytes: usize,
    /// How many events a request may have.
    pub max_request_events: usize,
    /// How long a request may take to come in.
    pub request_timeout: Duration,
    /// What senders are told to wait before they try again, when the store is full.
    pub retry_after: Duration,
    /// Whether the first address of `X-Forwarded-For` is where a request came from. Only behind a proxy that sets it.
    pub trust_forwarded_for: bool,
    /// How events are converted.
    pub destination: Destination,
    /// How they are delivered.
    pub engine: EngineSettings,
    /// From which age of the oldest event on there is a backlog, of which the log and the metrics tell.
    pub backlog_after: Duration,
    /// How long to wait before the access token is tried again that Intercom has refused.
    pub token_retry: Duration,
    /// Tells that there is another access token, which is then tried at once.
    pub token_renewed: Arc<Notify>,
    /// Where the sandbox's state can be seen, if events go to a sandbox: the page links to it.
    pub sandbox_url: Option<String>,
}

impl Settings {
    /// A gateway that accepts these keys, with the other defaults: it need not listen on a loopback address.
    pub fn new(write_keys: WriteKeys) -> Self {
        Self {
            write_keys,
            page_token: None,
            is_loopback: false,
            max_event_bytes: MAX_EVENT_BYTES,
            max_request_bytes: MAX_REQUEST_BYTES,
            max_request_events: MAX_REQUEST_EVENTS,
            request_timeout: Duration::from_secs(30),
            retry_after: RETRY_AFTER,
            trust_forwarded_for: false,
            destination: Destination::new(),
            engine: engine_settings(),
            backlog_after: Duration::from_secs(10 * 60),
            token_retry: Duration::from_secs(60),
            token_renewed: Arc::default(),
            sandbox_url: None,
        }
    }
}

/// How the engine works behind a durable queue: with time on its side.
///
/// A call that fails is tried for about three hours, as RudderStack's own router does, before its event becomes a dead
/// letter. The user's later events wait behind it, those of others do not.
pub fn engine_settings() -> EngineSettings {
    let mut settings = EngineSettings::new();
    settings.max_attempts = NonZeroU32::new(180).expect("not zero");
    settings.max_throttled = NonZeroU32::new(1_000).expect("not zero");
    // Nearly all of it is for events that fail, so that they are many before others have to wait.
    settings.queue = NonZeroUsize::new(16_384).expect("not zero");
    settings.backoff_cap = Duration::from_secs(120);
    // However long an outage is, it is not the events' fault.
    settings.outage_patience = Duration::MAX;
    settings.list_attributes = true;
    settings.await_contacts = true;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_are_accepted() {
        let list = KeyList::new(vec![Secret::new("one").unwrap(), Secret::new(" two\n").unwrap()]);
        let keys = WriteKeys::These(list.clone());
        for (key, accepted) in [
            ("one", true),
            ("two", true),
            ("on", false),
            ("onetwo", false),
            ("", false),
        ] {
            assert_eq!(keys.accept(key), accepted, "{key}");
        }
        assert!(WriteKeys::Any.accept("whatever"));
        assert!(!WriteKeys::Any.accept(""));
        list.replace(vec![Secret::new("three").unwrap()]);
        assert!(keys.accept("three") && !keys.accept("one"));
    }
}
