//! What happened in a scenario.

use super::journal::Journal;
use super::mishaps::Mishaps;
use super::violation::Violation;
use intercom_sandbox::Sandbox;
use std::collections::BTreeSet;

/// What happened.
pub(super) struct Played {
    pub(super) sandbox: Sandbox,
    pub(super) journal: Journal,
    /// How many calls with an effect were made for each event.
    pub(super) effects: Vec<u32>,
    /// The people and companies that others have interfered with.
    pub(super) affected_people: BTreeSet<usize>,
    pub(super) affected_companies: BTreeSet<String>,
    pub(super) calls: u64,
    /// Calls that arrived twice.
    pub(super) repeated: u64,
    /// Responses of 429 that the rate limit is the reason of.
    pub(super) over_limit: u64,
    /// What went wrong, and how often.
    pub(super) mishaps: Mishaps,
    pub(super) runs: u32,
    /// How long it all took, in milliseconds.
    pub(super) took: u64,
}

impl Played {
    /// Nothing yet, of so many events.
    pub(super) fn new(sandbox: Sandbox, events: usize) -> Result<Self, Violation> {
        Ok(Self {
            sandbox,
            journal: Journal::new(events)?,
            effects: vec![0; events],
            affected_people: BTreeSet::new(),
            affected_companies: BTreeSet::new(),
            calls: 0,
            repeated: 0,
            over_limit: 0,
            mishaps: Mishaps::default(),
            runs: 0,
            took: 0,
        })
    }
}
