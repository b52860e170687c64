//! What comes in: responses, and failures to get one.

use super::job::{Job, State, Trouble};
use super::known::Known;
use super::{CallId, Closed, Engine, FailureCode, Flight, Time, health};
use crate::response::{Response, TransportFailure, may_be_intercoms};
use crate::walk::{Ending, Verdict};
use intercom_api::{ApiError, errors::is_retryable};
use std::cmp::Reverse;
use std::time::Duration;

impl Engine {
    /// Hands in a response. One to a call that is not in flight is passed over.
    pub fn handle_response(&mut self, id: CallId, response: &Response, now: Time) {
        self.pass(now);
        let Some(flight) = self.land(id) else { return };
        self.limiter.answered(id.0, response, flight.sent, now);
        let Some(job) = self.jobs.get_mut(&flight.job) else {
            return;
        };
        let is_success = (200..300).contains(&response.status);
        let error = (!is_success).then(|| ApiError::parse(response.status, &response.body));
        job.note(response.status, error.as_ref(), response.request_id.as_deref());
        let fails_in_passing = if is_success {
            !may_be_intercoms(&response.body)
        } else {
            is_retryable(response.status) && response.status != 429
        };
        if fails_in_passing {
            self.fails_in_passing(flight.job, false);
        } else {
            self.health.answered();
        }
        let Some(job) = self.jobs.get_mut(&flight.job) else {
            return;
        };
        if response.status == 429 {
            self.totals.throttled += 1;
            job.throttled += 1;
            let at = self
                .limiter
                .throttled(response, job.throttled, self.now, &mut self.backoff);
            if job.throttled >= self.settings.max_throttled.get() || job.is_withdrawn {
                job.trouble.attempts = job.throttled;
                self.end(flight.job, Ending::Failed(FailureCode::RateLimited));
            } else if at <= self.now {
                self.resume(flight.job);
            } else if self.closed.is_some() {
                self.end(flight.job, Ending::Failed(self.closing_code()));
            } else {
                self.sleep(flight.job, at, true);
            }
            return;
        }
        job.throttled = 0;
        if response.status == 401 {
            job.trouble.attempts = job.attempts + 1;
            self.closed = Some(Closed::Unauthorized);
            self.end(flight.job, Ending::Failed(FailureCode::Unauthorized));
            self.close(Closed::Unauthorized);
            return;
        }
        let Job { walk, batch, claim, .. } = job;
        self.memory.look_from(batch.first().terms.scope);
        let mut known = Known {
            settings: &self.settings,
            memory: &mut self.memory,
            locks: &self.locks,
            queue: &mut self.queue,
            batch,
            is_repeated: false,
            is_noted: job.is_noted,
            lock: None,
            claim,
        };
        let body = error.as_ref().map_or(Ok(response.body.as_slice()), Err);
        let verdict = walk.handle_response(body, &mut known);
        job.trouble.attribute = walk.refused_attribute().map(str::to_owned);
        if let Some(known) = walk
            .contact()
            .filter(|_| batch.learnt)
            .and_then(|id| self.memory.known(id))
        {
            // Events that share no identity may turn out to be about the same contact.
            let (identities, contact) = self.memory.contact_keys(&known);
            self.queue.link(&identities, contact);
        }
        match verdict {
            Verdict::GoOn => {
                job.attempts = 0;
                job.trouble = Trouble::default();
                self.resume(flight.job);
            }
            Verdict::Retry(code) => self.retry(flight.job, code, response.retry_after),
            Verdict::End(Ending::Failed(_)) if job.batch.members.len() > 1 => self.split(flight.job),
            Verdict::End(ending) => {
                job.trouble.attempts = job.attempts + 1;
                self.end(flight.job, ending);
            }
        }
    }

    /// Says that a call has no response. One about a call that is not in flight is passed over.
    pub fn handle_failure(&mut self, id: CallId, failure: TransportFailure, now: Time) {
        self.pass(now);
        let Some(flight) = self.land(id) else { return };
        if let Some(job) = self.jobs.get_mut(&flight.job) {
            let operation = job.trouble.operation;
            job.trouble = Trouble {
                operation,
                ..Trouble::default()
            };
        }
        let code = match failure {
            TransportFailure::Timeout => FailureCode::Timeout,
            TransportFailure::Unreachable | TransportFailure::Interrupted => FailureCode::ConnectionFailed,
        };
        self.fails_in_passing(flight.job, failure == TransportFailure::Unreachable);
        self.retry(flight.job, code, None);
    }

    /// Notes that a call has failed in a way that need not be its event's fault. In an outage nobody sleeps longer than
    /// the outage: those that sleep have failed because of it, so they are the next to probe.
    fn fails_in_passing(&mut self, seq: u64, is_unreachable: bool) {
        let has_begun = self.health.failed(seq, is_unreachable, self.now, &mut self.backoff);
        if !has_begun {
            return;
        }
        let is_backing_off = |job: &Job| {
            matches!(
                job.state,
                State::Sleeping {
                    is_asked_for: false,
                    ..
                }
            )
        };
        let asleep: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(_, job)| is_backing_off(job))
            .map(|(seq, _)| *seq)
            .collect();
        for seq in asleep {
            self.make_ready(seq);
        }
    }

    /// Takes a call off the list of those in flight.
    pub(super) fn land(&mut self, id: CallId) -> Option<Flight> {
        let flight = self.flights.remove(&id)?;
        self.limiter.landed(id.0);
        if let Some(lock) = flight.lock {
            self.let_go(lock);
        }
        Some(flight)
    }

    /// Goes on with a job, unless no call can be made any more.
    pub(super) fn resume(&mut self, seq: u64) {
        match self.closed {
            Some(Closed::Unauthorized) => self.end(seq, Ending::Failed(FailureCode::Unauthorized)),
            _ if self.jobs.get(&seq).is_some_and(|job| job.is_withdrawn) => {
                self.end(seq, Ending::Failed(FailureCode::Stopped));
            }
            _ => self.make_ready(seq),
        }
    }

    /// Tries a job's call again after a while, unless it has been tried often enough.
    ///
    /// The wait that Intercom asks for is kept to, as long as it is not absurd.
    pub(super) fn retry(&mut self, seq: u64, code: FailureCode, asked: Option<Duration>) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        job.attempts += u32::from(self.health.counts_attempts(self.now));
        job.trouble.attempts = job.attempts.max(1);
        if job.attempts >= self.settings.max_attempts.get() || job.is_withdrawn {
            self.end(seq, Ending::Failed(code));
        } else if self.closed.is_some() {
            self.end(seq, Ending::Failed(self.closing_code()));
        } else {
            let asked = asked.map(|asked| asked.min(self.settings.longest_wait));
            let wait = match self.health.down_since() {
                Some(_) => health::PAUSE,
                None => self.backoff.wait(job.attempts),
            };
            let is_asked_for = asked.is_some_and(|asked| asked > wait);
            self.sleep(seq, self.now.after(wait.max(asked.unwrap_or_default())), is_asked_for);
        }
    }

    /// Makes a job's next call at this moment, or after it.
    fn sleep(&mut self, seq: u64, until: Time, is_asked_for: bool) {
        if let Some(job) = self.jobs.get_mut(&seq) {
            job.state = State::Sleeping { until, is_asked_for };
            self.sleeping.push(Reverse((until, seq)));
        }
    }

    /// Delivers one by one what cannot be delivered together.
    pub(super) fn split(&mut self, seq: u64) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        let mut others = job.batch.members.split_off(1);
        for entry in job.batch.members.iter_mut().chain(&mut others) {
            entry.alone = true;
        }
        job.attempts = 0;
        job.walk.start_over();
        self.queue.give_back(seq, job.batch.lane, job.batch.first(), others);
        self.resume(seq);
        if self.closed.is_some() {
            self.drain();
        }
    }
}
