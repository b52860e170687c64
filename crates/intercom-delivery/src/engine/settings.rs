//! How the engine works.

use crate::walk::{ArchivedPolicy, AttributePolicy, EventEmail, Policies, UnknownContactPolicy};
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What is compared to find out whether something would change anything.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SkipUnchanged {
    /// Nothing: all is sent.
    Off,
    /// What the engine itself has sent.
    #[default]
    Sent,
    /// That, and the fields of a contact as the search shows them, unless the engine has written the contact since: for
    /// workspaces that nobody else writes to.
    Seen,
}

/// Ways to make fewer calls. Each leads to the same state in Intercom as its absence, as long as nobody else changes
/// what the engine remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Savings {
    /// A contact whose id is known is not searched again.
    pub remember_contacts: bool,
    /// What would change nothing is not sent: updates, companies, links and tags.
    pub skip_unchanged: SkipUnchanged,
    /// Consecutive updates of one contact that wait in the queue are sent as one; if outcomes are handed out
    /// [as events end](OutcomeOrder::AsTheyEnd), also those between which data events and companies wait.
    pub merge_identifies: bool,
    /// People who wait for a search at the same time are looked up by one.
    pub batch_lookups: bool,
}

impl Savings {
    pub(super) fn skips_unchanged(self) -> bool {
        match self.skip_unchanged {
            SkipUnchanged::Off => false,
            SkipUnchanged::Sent | SkipUnchanged::Seen => true,
        }
    }

    /// All that lead to the same state whoever else writes to contacts that this engine has not written.
    pub const ALL: Self = Self {
        remember_contacts: true,
        skip_unchanged: SkipUnchanged::Sent,
        merge_identifies: true,
        batch_lookups: true,
    };

    /// None of them: every event makes the calls of its plan.
    pub const NONE: Self = Self {
        remember_contacts: false,
        skip_unchanged: SkipUnchanged::Off,
        merge_identifies: false,
        batch_lookups: false,
    };
}

impl Default for Savings {
    fn default() -> Self {
        Self::ALL
    }
}

/// A rate limit that is assumed until Intercom's responses tell the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumedLimit {
    /// Calls in a window.
    pub calls: u32,
    /// The length of the window.
    pub window: Duration,
}

impl AssumedLimit {
    /// What Intercom documents: 10,000 calls a minute, counted in windows of 10 seconds.
    pub const DOCUMENTED: Self = Self {
        calls: intercom_api::limits::CALLS_PER_MINUTE * intercom_api::limits::RATE_LIMIT_WINDOW_SECONDS / 60,
        window: Duration::from_secs(intercom_api::limits::RATE_LIMIT_WINDOW_SECONDS as u64),
    };
}

/// The settings of an [`Engine`](crate::Engine). Those that are left out when they are read are as in [`new`](Self::new).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Calls in flight at one time.
    pub concurrency: NonZeroUsize,
    /// Events taken in whose outcome has not been fetched: beyond this, [`submit`](crate::Engine::submit) refuses.
    pub queue: NonZeroUsize,
    /// How often one call is tried before its event fails. Responses of 429 do not count.
    pub max_attempts: NonZeroU32,
    /// How often in a row one call may be answered 429 before its event fails. Other calls wait as well, unless it is a
    /// lone response that does not say how long.
    pub max_throttled: NonZeroU32,
    /// The longest wait before the second attempt; it doubles with every further one.
    pub backoff_base: Duration,
    /// The longest wait before any attempt.
    pub backoff_cap: Duration,
    /// How long one response can make calls wait at most, whatever it asks for.
    pub longest_wait: Duration,
    /// For how long failures in an outage use up no attempts: after that, they count as they do otherwise.
    pub outage_patience: Duration,
    /// What the jitter of waits is drawn from.
    pub seed: u64,
    /// Custom attributes that the workspace does not have.
    pub attributes: AttributePolicy,
    /// Whether Intercom is asked which custom attributes there are before any is written: one call a model. Then what is
    /// undefined is known without an attempt, and values are turned into the attribute's type, or left out.
    pub list_attributes: bool,
    /// Data events of contacts who do not exist.
    pub unknown_contact: UnknownContactPolicy,
    /// Contacts who are archived.
    pub archived: ArchivedPolicy,
    /// Ways to make fewer calls.
    pub savings: Savings,
    /// For how long people who are to be looked up wait for others, so that one search finds all of them. Whoever comes
    /// alone does not wait: nobody does if no search for fewer people than it has room for was made within a second.
    pub search_patience: Duration,
    /// How many contacts are remembered, and how many companies, links and tags.
    pub remembered: NonZeroUsize,
    /// The rate limit until the first response tells it. If none is assumed, the first call is made alone.
    pub assumed_limit: Option<AssumedLimit>,
    /// At most so many calls a second, whatever Intercom allows.
    pub max_rate: Option<NonZeroU32>,
    /// When outcomes are handed out.
    pub outcomes: OutcomeOrder,
    /// Whether what changes or ends who a contact is waits until it is noted that it is going to happen: see
    /// [`Intent`](crate::Intent). Only for callers that note it.
    pub notes_intents: bool,
    /// Whether calls that fail are told one by one, before it is known what becomes of their events: see
    /// [`Attempt`](crate::Attempt). Only for callers that fetch them.
    pub notes_attempts: bool,
    /// Whether data events and links to companies wait for a contact who is not there yet: see [`Awaited`](crate::Awaited).
    /// Only for callers that keep what waits, and recall it.
    pub await_contacts: bool,
}

/// When the outcome of an event is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeOrder {
    /// After those of all older events of the same user or company, so that whoever keeps a record of outcomes can go on
    /// from any point of it.
    #[default]
    AsSubmitted,
    /// As soon as it is known: for those who keep no record.
    AsTheyEnd,
}

/// The number, of which the compiler makes sure that it is not zero.
macro_rules! nonzero {
    ($type:ident $number:literal) => {
        const { $type::new($number).expect("not zero") }
    };
}

impl EngineSettings {
    /// 16 calls in flight, 8 attempts, all savings, and the policies that lose nothing silently.
    pub fn new() -> Self {
        Self {
            concurrency: nonzero!(NonZeroUsize 16),
            queue: nonzero!(NonZeroUsize 4096),
            max_attempts: nonzero!(NonZeroU32 8),
            max_throttled: nonzero!(NonZeroU32 20),
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(30),
            longest_wait: Duration::from_secs(15 * 60),
            outage_patience: Duration::from_secs(60 * 60),
            seed: 0,
            attributes: AttributePolicy::default(),
            list_attributes: false,
            unknown_contact: UnknownContactPolicy::default(),
            archived: ArchivedPolicy::default(),
            savings: Savings::ALL,
            search_patience: Duration::ZERO,
            remembered: nonzero!(NonZeroUsize 20_000),
            assumed_limit: None,
            max_rate: None,
            outcomes: OutcomeOrder::default(),
            notes_intents: false,
            notes_attempts: false,
            await_contacts: false,
        }
    }
}

/// Sets a field in an expression.
macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {$(
        pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub fn [<with_ $field>](mut self, $field: impl Into<$kind>) -> Self {
                self.$field = $field.into();
                self
            }
        }
    )*};
}

impl EngineSettings {
    setters! {
        /// Calls in flight at one time.
        concurrency: NonZeroUsize,
        /// Events taken in whose outcome has not been fetched.
        queue: NonZeroUsize,
        /// How often one call is tried before its event fails.
        max_attempts: NonZeroU32,
        /// How often in a row one call may be answered 429 before its event fails.
        max_throttled: NonZeroU32,
        /// The longest wait before the second attempt.
        backoff_base: Duration,
        /// The longest wait before any attempt.
        backoff_cap: Duration,
        /// How long one response can make calls wait at most.
        longest_wait: Duration,
        /// For how long failures in an outage use up no attempts.
        outage_patience: Duration,
        /// What the jitter of waits is drawn from.
        seed: u64,
        /// Custom attributes that the workspace does not have.
        attributes: AttributePolicy,
        /// Data events of contacts who do not exist.
        unknown_contact: UnknownContactPolicy,
        /// Contacts who are archived.
        archived: ArchivedPolicy,
        /// Ways to make fewer calls.
        savings: Savings,
        /// For how long people who are to be looked up wait for others.
        search_patience: Duration,
        /// How many contacts are remembered, and how many companies, links and tags.
        remembered: NonZeroUsize,
        /// The rate limit until the first response tells it.
        assumed_limit: Option<AssumedLimit>,
        /// At most so many calls a second.
        max_rate: Option<NonZeroU32>,
        /// When outcomes are handed out.
        outcomes: OutcomeOrder,
        /// Whether data events and links to companies wait for a contact who is not there yet.
        await_contacts: bool,
    }
}

impl EngineSettings {
    pub(super) fn policies(&self) -> Policies {
        Policies {
            attributes: self.attributes,
            unknown_contact: self.unknown_contact,
            archived: self.archived,
            event_email: EventEmail::LeftOut,
            ..Policies::default()
        }
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self::new()
    }
}
