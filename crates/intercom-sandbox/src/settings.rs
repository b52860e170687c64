//! How strict, slow and unreliable a sandbox is.

use crate::faults::Faults;
use intercom_api::{DataAttributeModel, DataType, limits};
use std::time::Duration;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// How many calls are answered in a window of time.
///
/// Windows are aligned: they begin at whole multiples of their length since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Calls a window. Those beyond it are answered with 429 `rate_limit_exceeded`.
    pub calls: u64,
    /// The length of a window; at least one millisecond.
    pub window: Duration,
    /// Whether a response of 429 has a `Retry-After` header, with the seconds until the next window.
    pub retry_after: bool,
}

impl RateLimit {
    /// So many calls a window.
    pub const fn new(calls: u64, window: Duration) -> Self {
        Self {
            calls,
            window,
            retry_after: true,
        }
    }

    /// The documented limit of an app: 10,000 calls a minute, counted in windows of ten seconds.
    pub const fn of_an_app() -> Self {
        let (per_minute, seconds) = (
            limits::CALLS_PER_MINUTE as u64,
            limits::RATE_LIMIT_WINDOW_SECONDS as u64,
        );
        Self::new(per_minute * seconds / 60, Duration::from_secs(seconds))
    }

    /// Leaves `Retry-After` out: the `X-RateLimit-Reset` header must do.
    #[must_use]
    pub const fn without_retry_after(mut self) -> Self {
        self.retry_after = false;
        self
    }
}

/// How much of a data event is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventDetail {
    /// All of it; a few dozen bytes and the metadata.
    #[default]
    Full,
    /// Everything but the metadata.
    WithoutMetadata,
    /// Nothing but how many there were of each name; the state then lists no events.
    Counted,
}

/// What becomes of a second user with an email that another has. Reports of Intercom differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DuplicateEmail {
    /// It is refused: 409 `conflict`.
    #[default]
    Conflict,
    /// Several users can have one email.
    Allow,
}

/// The settings of a sandbox: easy by default, strict on request.
///
/// By default any token will do, an undefined custom attribute is recorded as if it were defined, with the type of its
/// first value, a change can be searched at once, there is no rate limit and no fault; the limit of 120 active event names holds.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The only token that is accepted; `None` accepts any that is not empty.
    pub token: Option<String>,
    /// Custom attributes that exist from the start.
    pub attributes: Vec<(DataAttributeModel, String, DataType)>,
    /// Whether an undefined custom attribute is recorded as if it were defined, with a type that fits its value.
    /// If not, it fails the call, as in Intercom.
    pub accept_any_attribute: bool,
    /// Whether text of more than 255 characters is refused in a custom attribute; if not, it is kept whole.
    pub refuse_long_text: bool,
    /// How many custom attributes there can be; `None` for any number.
    pub max_attributes: Option<usize>,
    /// How long it takes until a change of a contact can be searched. Until then searches match its old values.
    pub search_lag: Duration,
    /// Whether searches also show those old values; if not, they show the contact as it is.
    pub stale_hits: bool,
    /// What becomes of a second user with an email that another has.
    pub duplicate_email: DuplicateEmail,
    /// Whether a lead with an external id is refused, as there are reports of; if not, it has the id.
    pub refuse_lead_ids: bool,
    /// How many values the list of a search's filter can have. That there is a limit is not known, so by default there is none.
    pub max_search_values: Option<usize>,
    /// The rate limit; `None` for no limit, which the headers show as a million calls in ten seconds.
    pub rate_limit: Option<RateLimit>,
    /// How many event names may be active.
    pub max_event_names: usize,
    /// How much of a data event is kept.
    pub event_detail: EventDetail,
    /// What goes wrong.
    pub faults: Faults,
    /// Decides the ids that the sandbox gives, and its random faults.
    pub seed: u64,
    /// Where the sandbox is served, for the links to a next page that some responses hold. `None` is the address of the
    /// listener or, without a server, `https://api.intercom.io`.
    pub base_url: Option<String>,
}

/// Sets a field in an expression.
macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {$(
        pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub const fn [<with_ $field>](mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            }
        }
    )*};
}

impl Settings {
    /// The strict settings, for a rehearsal: custom attributes must be defined, and there can be 250; their text has at
    /// most 255 characters; a change can be searched after thirty
    /// seconds, and the documented rate limit of an app holds.
    pub fn strict() -> Self {
        Self {
            accept_any_attribute: false,
            refuse_long_text: true,
            max_attributes: Some(limits::CUSTOM_ATTRIBUTES),
            search_lag: Duration::from_secs(30),
            rate_limit: Some(RateLimit::of_an_app()),
            ..Self::default()
        }
    }

    /// Accepts this token only.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Defines a custom attribute.
    #[must_use]
    pub fn with_attribute(mut self, model: DataAttributeModel, name: impl Into<String>, data_type: DataType) -> Self {
        self.attributes.push((model, name.into(), data_type));
        self
    }

    /// Sets whether undefined custom attributes are recorded as if they were defined.
    #[must_use]
    pub const fn with_any_attribute(mut self, accepted: bool) -> Self {
        self.accept_any_attribute = accepted;
        self
    }

    /// Sets whether a lead with an external id is refused.
    #[must_use]
    pub const fn with_refused_lead_ids(mut self, refused: bool) -> Self {
        self.refuse_lead_ids = refused;
        self
    }

    /// Sets the rate limit.
    #[must_use]
    pub const fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Sets what goes wrong.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    setters! {
        /// Sets how many custom attributes there can be.
        max_attributes: Option<usize>,
        /// Sets whether searches show what they match, or the contact as it is.
        stale_hits: bool,
        /// Sets how long it takes until a change of a contact can be searched.
        search_lag: Duration,
        /// Sets what becomes of a second user with an email that another has.
        duplicate_email: DuplicateEmail,
        /// Sets how many values the list of a search's filter can have.
        max_search_values: Option<usize>,
        /// Sets how many event names may be active.
        max_event_names: usize,
        /// Sets how much of a data event is kept.
        event_detail: EventDetail,
        /// Sets the seed of ids and random faults.
        seed: u64,
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: None,
            attributes: Vec::new(),
            accept_any_attribute: true,
            refuse_long_text: false,
            max_attributes: None,
            search_lag: Duration::ZERO,
            stale_hits: true,
            duplicate_email: DuplicateEmail::default(),
            refuse_lead_ids: false,
            max_search_values: None,
            rate_limit: None,
            max_event_names: limits::ACTIVE_EVENT_NAMES,
            event_detail: EventDetail::default(),
            faults: Faults::none(),
            seed: 0,
            base_url: None,
        }
    }
}

exact_json::debug_shows! {
    Settings(settings) {
        token = settings.token.as_ref().map(|_| "(hidden)"), attributes = settings.attributes.len(), accept_any_attribute,
        refuse_long_text, max_attributes, search_lag, stale_hits, duplicate_email, refuse_lead_ids, max_search_values,
        rate_limit, max_event_names, event_detail, faults, seed, base_url,
    }
}
