//! What a day behind rudder-server came to.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a day came to, or several.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many days it was.
    pub days: usize,
    /// How many events there were.
    pub events: usize,
    /// How many people.
    pub people: usize,
    /// How many of them are not as they should be.
    pub wrong: usize,
    /// How many links between people and companies are missing.
    pub links: usize,
    /// How many jobs were given up that could have been delivered.
    pub lost: usize,
    /// How many jobs were given up in all.
    pub aborted: usize,
    /// How many jobs were tried again, each time counted.
    pub repeats: usize,
    /// How often an instance was killed.
    pub kills: usize,
    /// How long it took until the last job was done.
    pub took: Duration,
    /// How many calls were made, by operation and what was answered.
    pub calls: BTreeMap<(String, String), u64>,
}

impl Report {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.days += other.days;
        self.events += other.events;
        self.people += other.people;
        self.wrong += other.wrong;
        self.links += other.links;
        self.lost += other.lost;
        self.aborted += other.aborted;
        self.repeats += other.repeats;
        self.kills += other.kills;
        self.took += other.took;
        for (kind, count) in &other.calls {
            *self.calls.entry(kind.clone()).or_default() += count;
        }
    }

    /// Calls an event.
    #[allow(clippy::cast_precision_loss, reason = "it is for people")]
    pub fn calls_an_event(&self) -> f64 {
        self.calls.values().sum::<u64>() as f64 / self.events.max(1) as f64
    }
}
