//! How far the engine is.

use super::{Engine, Status, Time, Waiting};
use std::cmp::Reverse;

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
                return Some(Waiting::Responses);
            }
            return (at > self.now).then_some(Waiting::RateLimit(at));
        }
        if !self.flights.is_empty() {
            return Some(Waiting::Responses);
        }
        let Reverse((at, _)) = self.sleeping.peek()?;
        Some(Waiting::Backoff(*at))
    }
}
