//! Whether Intercom can be reached at all.
//!
//! When many calls in a row fail in passing, whoever they are for, it is Intercom or the way to it that is down. Then one
//! call is tried at a time, after waits that grow, until one is answered: an outage does not use up every event's attempts.

use super::backoff::Backoff;
use super::settings::EngineSettings;
use super::time::Time;

#[derive(Debug)]
pub(super) struct Health {
    failures_in_a_row: u32,
    /// From how many on it is an outage.
    threshold: u32,
    until: Time,
}

impl Health {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let concurrency = u32::try_from(settings.concurrency.get()).unwrap_or(u32::MAX);
        Self {
            failures_in_a_row: 0,
            threshold: concurrency.saturating_mul(2).max(10),
            until: Time::default(),
        }
    }

    fn is_down(&self) -> bool {
        self.failures_in_a_row >= self.threshold
    }

    /// Until when nothing is tried, if Intercom is down.
    pub(super) fn down_until(&self) -> Option<Time> {
        self.is_down().then_some(self.until)
    }

    /// The moment from which a call may be made; never, if it depends on the answer to the one in flight.
    pub(super) fn ready_at(&self, in_flight: usize) -> Time {
        match self.is_down() {
            true if in_flight > 0 => Time::NEVER,
            true => self.until,
            false => Time::default(),
        }
    }

    /// A call has failed in passing.
    pub(super) fn failed(&mut self, now: Time, backoff: &mut Backoff) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if self.is_down() {
            let wait = backoff.wait(self.failures_in_a_row - self.threshold + 1);
            self.until = self.until.max(now.after(wait));
        }
    }

    /// A call has been answered.
    pub(super) fn answered(&mut self) {
        self.failures_in_a_row = 0;
    }
}
