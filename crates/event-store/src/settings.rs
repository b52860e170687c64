//! Settings of the store.

use crate::clock::Clock;
use crate::recipient::Place;
use std::path::PathBuf;
use std::time::Duration;

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

/// Who delivers from a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Keeper {
    /// A gateway: all events go to one workspace.
    #[default]
    Gateway,
    /// A transformer: each event has a [`Target`](crate::Target).
    Transformer,
}

impl Keeper {
    /// What a store that cannot be written means.
    pub(super) fn when_not_sound(self) -> &'static str {
        match self {
            Self::Gateway => "requests are answered 503",
            Self::Transformer => "events that wait for their contact are answered 429",
        }
    }

    /// The other one, in words.
    pub(super) fn other(self) -> &'static str {
        match self {
            Self::Gateway => "a transformer, which go to other workspaces",
            Self::Transformer => "a gateway",
        }
    }
}

/// Settings of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// Who delivers from it.
    pub keeper: Keeper,
    /// Where a gateway delivers to; none if anywhere will do.
    pub place: Option<Place>,
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
    /// The clock that it goes by.
    pub clock: Clock,
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
    /// How long after an event came it is first looked whether somebody else has created its contact. Then it is looked at six,
    /// 30, 90 and 360 times that age, and so often from there. Only for events with a [`Target`](crate::Target).
    pub first_look: Duration,
}

impl Default for Awaiting {
    /// A day, a million events, and ten seconds; so it is looked after one, five and 15 minutes, and every hour.
    fn default() -> Self {
        Self {
            age: Duration::from_secs(24 * 60 * 60),
            events: 1_000_000,
            first_look: Duration::from_secs(10),
        }
    }
}

/// The ages at which it is looked for a contact, in times of the first.
const LOOKS: [u32; 5] = [1, 6, 30, 90, 360];

impl Awaiting {
    /// When it is looked next for the contact of an event that came `at` this time; all in Unix milliseconds.
    pub(super) fn next_look(&self, at: i64, now: i64) -> i64 {
        let first = i64::try_from(self.first_look.as_millis().max(1)).unwrap_or(i64::MAX);
        let age = now.saturating_sub(at).max(0);
        let ages = LOOKS.map(|times| first.saturating_mul(times.into()));
        let last = ages[LOOKS.len() - 1];
        let next = ages.into_iter().find(|next| *next > age);
        at.saturating_add(next.unwrap_or_else(|| (age / last + 1).saturating_mul(last)))
            .max(now.saturating_add(first))
    }
}

impl StoreSettings {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
}
