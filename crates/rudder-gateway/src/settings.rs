//! How a gateway is set up.

use crate::alert::Alerts;
use http_access::Secret;
use intercom_delivery::EngineSettings;
use rudderstack_to_intercom::Destination;
use std::num::{NonZeroU32, NonZeroUsize};
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
    /// Who is told of states that need a person, if anybody is.
    pub alerts: Option<Alerts>,
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
            alerts: None,
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
