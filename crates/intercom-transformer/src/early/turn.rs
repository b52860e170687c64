//! Which events of the store are on their way, and when one is tried again that has failed in passing.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The wait after the first failure; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Held while events are taken out of the store, so that none is taken twice.
    taking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: HashSet<i64>,
    troubles: HashMap<i64, Trouble>,
}

/// An event that has failed in passing.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    since: Instant,
    tries: u32,
    until: Instant,
}

impl Turn {
    /// As long as this is held, nobody else takes events out of the store.
    pub(super) async fn taking(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.taking.lock().await
    }

    /// These are on their way.
    pub(super) fn begin(&self, events: impl IntoIterator<Item = i64>) {
        self.lock().under_way.extend(events);
    }

    pub(super) fn under_way(&self) -> usize {
        self.lock().under_way.len()
    }

    /// Those that are not to be taken now: they are on their way, or have failed a moment ago.
    pub(super) fn not_now(&self) -> HashSet<i64> {
        let state = self.lock();
        let now = Instant::now();
        let resting = state.troubles.iter().filter(|(_, trouble)| trouble.until > now);
        state
            .under_way
            .iter()
            .chain(resting.map(|(event, _)| event))
            .copied()
            .collect()
    }

    /// Since when an event has failed.
    pub(super) fn tried_for(&self, event: i64) -> Duration {
        let since = self.lock().troubles.get(&event).map(|trouble| trouble.since);
        since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// An event has ended, or waits for its contact again.
    pub(super) fn end(&self, event: i64) {
        let mut state = self.lock();
        state.under_way.remove(&event);
        state.troubles.remove(&event);
    }

    /// An event is not done, and goes on after a while.
    pub(super) fn rest(&self, event: i64) {
        let mut state = self.lock();
        let now = Instant::now();
        state.under_way.remove(&event);
        let trouble = state.troubles.entry(event).or_insert(Trouble {
            since: now,
            tries: 0,
            until: now,
        });
        trouble.until = now + FIRST_WAIT.saturating_mul(1 << trouble.tries.min(16)).min(LONGEST_WAIT);
        trouble.tries += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
