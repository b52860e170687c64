//! How far the engine is, for progress displays.

use super::Engine;
use super::limiter::Budget;
use super::time::Time;
use std::cmp::Reverse;

/// How far an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// How many calls Intercom allows now, if an answer has told.
    pub budget: Option<Budget>,
    /// Whether Intercom has refused the token.
    pub halted: bool,
    /// Whether no event is started any more.
    pub closed: bool,
    /// What has been done so far.
    pub totals: Totals,
}

/// What an engine has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Calls made.
    pub calls: u64,
    /// Of these, repeats of calls that failed.
    pub retries: u64,
    /// Answers of 429.
    pub throttled: u64,
    /// Events delivered.
    pub delivered: u64,
    /// Events rejected.
    pub rejected: u64,
    /// Events failed.
    pub failed: u64,
}

/// What an engine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For answers; as many calls are in flight as may be, or nothing else can be done.
    Answers,
    /// For Intercom's rate limit, or the caller's, until this moment.
    RateLimit(Time),
    /// Intercom has answered that there are too many calls: until this moment.
    Throttled(Time),
    /// Intercom cannot be reached, or fails whatever is asked of it: it is probed with a call again at this moment.
    Outage(Time),
    /// For the next attempt of calls that failed: until this moment.
    Backoff(Time),
}

impl Engine {
    /// How far the engine is.
    pub fn status(&self) -> Status {
        Status {
            queued: self.queue.waiting(),
            active: self.jobs.len(),
            in_flight: self.flights.len(),
            outcomes: self.outcomes.len(),
            held: self.releases.held(),
            waiting: self.waiting(),
            outage: self.health.down_since(),
            budget: self.limiter.budget(),
            halted: self.is_halted(),
            closed: self.closed.is_some(),
            totals: self.totals,
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        let has_any = self.queue.waiting() > 0 || !self.jobs.is_empty();
        if let Some(probe) = self.health.next_probe().filter(|_| has_any) {
            return Some(Waiting::Outage(probe));
        }
        let is_full = self.flights.len() >= self.settings.concurrency.get();
        if self.has_work() && !is_full {
            if let Some(until) = self.limiter.paused_until(self.now) {
                return Some(Waiting::Throttled(until));
            }
            let at = self.limiter.next_at(self.now);
            if at == Time::NEVER {
                return Some(Waiting::Answers);
            }
            return (at > self.now).then_some(Waiting::RateLimit(at));
        }
        if !self.flights.is_empty() {
            return Some(Waiting::Answers);
        }
        let Reverse((at, _)) = self.sleeping.peek()?;
        Some(Waiting::Backoff(*at))
    }
}
