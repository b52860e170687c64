//! What comes in: responses, and failures to get one.

use super::job::{Job, State, Trouble};
use super::known::Known;
use super::people::{ATTEMPTS_TOGETHER, Form, share_out};
use super::{CallId, Closed, Engine, FailureCode, Flight, Time, health};
use crate::response::{Response, TransportFailure, in_passing, may_be_intercoms};
use crate::walk::{Ending, Verdict, Walk};
use intercom_api::{ApiError, errors::is_retryable};
use rudderstack_to_intercom::{FieldLookup, Lookup, Plan};
use std::cmp::Reverse;
use std::time::Duration;

impl Engine {
    /// Hands in a response. One to a call that is not in flight is passed over.
    pub fn handle_response(&mut self, id: CallId, response: &Response, now: Time) {
        self.pass(now);
        let Some(flight) = self.land(id) else { return };
        self.limiter.answered(id.0, response, flight.sent, now);
        let jobs = self.jobs_of(&flight);
        if jobs.is_empty() {
            return;
        }
        let is_success = (200..300).contains(&response.status);
        let error = (!is_success).then(|| ApiError::parse(response.status, &response.body));
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
        let mut throttled = 0;
        for seq in &jobs {
            let Some(job) = self.jobs.get_mut(seq) else { continue };
            job.note(response.status, error.as_ref(), response.request_id.as_deref());
            job.throttled = if response.status == 429 { job.throttled + 1 } else { 0 };
            throttled = throttled.max(job.throttled);
        }
        match response.status {
            429 => self.throttled(&jobs, response, throttled),
            401 => self.unauthorized(&jobs),
            _ => match flight.others {
                None => self.answered(flight.job, response, error.as_ref()),
                Some(others) => self.answered_together(others.form, jobs, response, error.as_ref()),
            },
        }
    }

    /// The jobs that a call was made for, as far as they are there.
    fn jobs_of(&self, flight: &Flight) -> Vec<u64> {
        let others = flight.others.iter().flat_map(|others| &others.jobs);
        let jobs = std::iter::once(&flight.job).chain(others).copied();
        jobs.filter(|seq| self.jobs.contains_key(seq)).collect()
    }

    fn throttled(&mut self, jobs: &[u64], response: &Response, times: u32) {
        self.totals.throttled += 1;
        let at = self.limiter.throttled(response, times, self.now, &mut self.backoff);
        for seq in jobs.iter().copied() {
            self.has_failed(seq, FailureCode::RateLimited);
            let Some(job) = self.jobs.get_mut(&seq) else { continue };
            if job.throttled >= self.settings.max_throttled.get() || job.is_withdrawn {
                job.trouble.attempts = job.throttled;
                self.end(seq, Ending::Failed(FailureCode::RateLimited));
            } else if at <= self.now {
                self.resume(seq);
            } else if self.closed.is_some() {
                self.end(seq, Ending::Failed(self.closing_code()));
            } else {
                self.sleep(seq, at, true);
            }
        }
    }

    fn unauthorized(&mut self, jobs: &[u64]) {
        self.closed = Some(Closed::Unauthorized);
        for seq in jobs {
            self.has_failed(*seq, FailureCode::Unauthorized);
            if let Some(job) = self.jobs.get_mut(seq) {
                job.trouble.attempts = job.attempts + 1;
            }
            self.end(*seq, Ending::Failed(FailureCode::Unauthorized));
        }
        self.close(Closed::Unauthorized);
    }

    /// A job's call has been answered.
    fn answered(&mut self, seq: u64, response: &Response, error: Option<&ApiError>) {
        let body = error.map_or(Ok(response.body.as_slice()), Err);
        let verdict = self.take(seq, |walk, known| walk.handle_response(body, known));
        self.judge(seq, verdict, response.retry_after);
    }

    /// A search for several jobs has been answered. What it was refused for, or does not show, can be due to one of them.
    fn answered_together(&mut self, form: Form, jobs: Vec<u64>, response: &Response, error: Option<&ApiError>) {
        let is_refused = error.is_some_and(|error| !error.is_retryable());
        let shares = match error {
            None => share_out(response, &self.looked_up(&jobs)),
            Some(_) => None,
        };
        self.searches.answered(form, is_refused);
        if let Some(shares) = shares {
            for (seq, hits) in jobs.into_iter().zip(shares) {
                let verdict = self.take(seq, |walk, known| walk.handle_hits(hits, known));
                self.judge(seq, verdict, None);
            }
            return;
        }
        match in_passing(error.map_or(Ok(response.body.as_slice()), Err)) {
            Some(code) => self.retry_together(&jobs, code, response.retry_after),
            None => {
                let next = if is_refused { form.next() } else { Form::Alone };
                for seq in jobs {
                    if let Some(job) = self.jobs.get_mut(&seq) {
                        job.form = next;
                    }
                    self.resume(seq);
                }
            }
        }
    }

    /// The fields that these jobs have to look somebody up by.
    fn looked_up(&self, jobs: &[u64]) -> Vec<Vec<FieldLookup>> {
        let job = |seq| self.jobs.get(seq);
        let plans = jobs.iter().filter_map(job).map(|job| job.walk.plan());
        plans.filter_map(Plan::lookup).map(Lookup::fields).collect()
    }

    fn retry_together(&mut self, jobs: &[u64], code: FailureCode, asked: Option<Duration>) {
        self.retry_all(jobs, code, asked);
        for seq in jobs {
            if let Some(job) = self.jobs.get_mut(seq).filter(|job| job.attempts >= ATTEMPTS_TOGETHER) {
                job.form = Form::Alone;
            }
        }
    }

    /// Lets a job's walk take a response.
    fn take(&mut self, seq: u64, take: impl FnOnce(&mut Walk, &mut Known<'_>) -> Verdict) -> Option<Verdict> {
        let verdict = self.with_walk(seq, take)?;
        let job = self.jobs.get_mut(&seq)?;
        job.trouble.attribute = job.walk.refused_attribute().map(str::to_owned);
        let contact = job.walk.contact().filter(|_| job.batch.learnt);
        if let Some(known) = contact.and_then(|id| self.memory.known(id)) {
            // Events that share no identity may turn out to be about the same contact.
            let (identities, contact) = self.memory.contact_keys(&known);
            self.queue.link(&identities, contact);
        }
        Some(verdict)
    }

    fn judge(&mut self, seq: u64, verdict: Option<Verdict>, asked: Option<Duration>) {
        if let Some(Verdict::End(Ending::Failed(code))) = &verdict {
            self.has_failed(seq, *code);
        }
        let (Some(verdict), Some(job)) = (verdict, self.jobs.get_mut(&seq)) else {
            return;
        };
        match verdict {
            Verdict::GoOn => {
                job.attempts = 0;
                job.trouble = Trouble::default();
                self.resume(seq);
            }
            Verdict::Retry(code) => self.retry(seq, code, asked),
            Verdict::End(Ending::Failed(_)) if job.batch.members.len() > 1 => self.split(seq),
            Verdict::End(ending) => {
                job.trouble.attempts = job.attempts + 1;
                self.end(seq, ending);
            }
        }
    }

    /// Says that a call has no response. One about a call that is not in flight is passed over.
    pub fn handle_failure(&mut self, id: CallId, failure: TransportFailure, now: Time) {
        self.pass(now);
        let Some(flight) = self.land(id) else { return };
        let jobs = self.jobs_of(&flight);
        for seq in &jobs {
            if let Some(job) = self.jobs.get_mut(seq) {
                let operation = job.trouble.operation;
                job.trouble = Trouble {
                    operation,
                    ..Trouble::default()
                };
            }
        }
        let code = match failure {
            TransportFailure::Timeout => FailureCode::Timeout,
            TransportFailure::Unreachable | TransportFailure::Interrupted => FailureCode::ConnectionFailed,
        };
        self.fails_in_passing(flight.job, failure == TransportFailure::Unreachable);
        match flight.others {
            None => self.retry(flight.job, code, None),
            Some(_) => self.retry_together(&jobs, code, None),
        }
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
        self.retry_all(&[seq], code, asked);
    }

    /// The same for jobs that have tried together. They wait for the same time, so that they can try together again.
    fn retry_all(&mut self, jobs: &[u64], code: FailureCode, asked: Option<Duration>) {
        let counts = u32::from(self.health.counts_attempts(self.now));
        let asked = asked.map(|asked| asked.min(self.settings.longest_wait));
        let mut wait = None;
        for seq in jobs.iter().copied() {
            self.has_failed(seq, code);
            let Some(job) = self.jobs.get_mut(&seq) else { continue };
            job.attempts += counts;
            job.trouble.attempts = job.attempts.max(1);
            if job.attempts >= self.settings.max_attempts.get() || job.is_withdrawn {
                self.end(seq, Ending::Failed(code));
            } else if self.closed.is_some() {
                self.end(seq, Ending::Failed(self.closing_code()));
            } else {
                let attempts = job.attempts;
                let wait = *wait.get_or_insert_with(|| match self.health.down_since() {
                    Some(_) => health::PAUSE,
                    None => self.backoff.wait(attempts),
                });
                let is_asked_for = asked.is_some_and(|asked| asked > wait);
                self.sleep(seq, self.now.after(wait.max(asked.unwrap_or_default())), is_asked_for);
            }
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
