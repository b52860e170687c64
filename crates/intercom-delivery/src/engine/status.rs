//! What the engine says of how far it is, for progress displays.

use super::limiter::Budget;
use super::time::Time;
use serde::{Deserialize, Serialize};

/// How far an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Events that have not been started.
    pub queued: usize,
    /// Events, or merged groups of them, that are under way.
    pub active: usize,
    /// Calls in flight.
    pub in_flight: usize,
    /// Outcomes that have not been fetched.
    pub outcomes: usize,
    /// Outcomes that wait for those of older events of the same user or company.
    pub held: usize,
    /// What the engine waits for, if it has work that it cannot go on with.
    pub waiting: Option<Waiting>,
    /// Since when Intercom has not been reached, or has failed whatever was asked of it: an outage, if there is one.
    pub outage: Option<Time>,
    /// How many calls Intercom allows now, if a response has told.
    pub budget: Option<Budget>,
    /// Whether Intercom has refused the token.
    pub halted: bool,
    /// Whether no event is started any more.
    pub closed: bool,
    /// What has been done so far.
    pub totals: Totals,
}

/// What an engine has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Calls made.
    pub calls: u64,
    /// Of these, repeats of calls that failed.
    pub retries: u64,
    /// Responses of 429.
    pub throttled: u64,
    /// Searches for contacts.
    pub searches: u64,
    /// People that these were for.
    pub looked_up: u64,
    /// Events delivered.
    pub delivered: u64,
    /// Events rejected.
    pub rejected: u64,
    /// Events failed.
    pub failed: u64,
}

/// What an engine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// For responses; as many calls are in flight as may be, or nothing else can be done.
    Responses,
    /// For Intercom's rate limit, or the caller's, until this moment.
    RateLimit(Time),
    /// Intercom has answered that there are too many calls: until this moment.
    Throttled(Time),
    /// Intercom cannot be reached, or fails whatever is asked of it: it is probed with a call again at this moment.
    Outage(Time),
    /// For the next attempt of calls that failed: until this moment.
    Backoff(Time),
}
