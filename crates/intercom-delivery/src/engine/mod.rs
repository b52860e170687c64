//! The engine: plans go in, calls come out, answers go in, outcomes come out. It does no I/O and has no clock.

mod answer;
mod backoff;
mod fields;
mod job;
mod limiter;
mod locks;
mod memory;
mod merge;
mod outcome;
mod queue;
mod settings;
mod status;
mod steps;
mod submission;
mod time;

pub use answer::{Answer, TransportFailure};
pub use limiter::Budget;
pub use outcome::{Delivered, DeliveryResult, DeliveryWarning, Failed, FailureCode, Outcome, Rejected};
pub use settings::{ArchivedPolicy, AssumedLimit, AttributePolicy, EngineSettings, Savings, UnknownContactPolicy};
pub use status::{Status, Totals, Waiting};
pub use submission::{EventId, RefusalReason, Refused, Submission};
pub use time::Time;

use backoff::Backoff;
use intercom_api::{ApiError, Call, ContactId, errors::is_retryable};
use job::{Ending, Job, Next, State, Step, Trouble, Verdict};
use limiter::Limiter;
use locks::{LockKey, Locks};
use memory::{Memory, Person};
use queue::Queue;
use rudderstack_to_intercom::Identities;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;
use steps::Steps;

/// The number of a call. Numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A call to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transmit {
    /// The number under which the answer is handed in.
    pub id: CallId,
    /// The call.
    pub call: Call,
    /// The event that it is made for.
    pub event: EventId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    job: u64,
    sent: Time,
    lock: Option<LockKey>,
}

/// Why no event is started any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// Intercom does not accept the token: no call is made any more.
    Unauthorized,
    /// The caller has asked to stop: what is under way is finished, as far as it goes without waiting.
    Stopped,
}

/// Turns plans into calls and answers into outcomes.
///
/// See the [crate's documentation](crate) for the order in which to call its methods.
pub struct Engine {
    settings: EngineSettings,
    queue: Queue,
    jobs: HashMap<u64, Job>,
    /// The jobs that have a call to make, the oldest first.
    ready: BTreeSet<u64>,
    /// When jobs wake that wait for their next attempt.
    sleeping: BinaryHeap<Reverse<(Time, u64)>>,
    flights: HashMap<CallId, Flight>,
    locks: Locks,
    memory: Memory,
    limiter: Limiter,
    backoff: Backoff,
    outcomes: VecDeque<Outcome>,
    /// Events taken in whose outcome has not been fetched.
    events: usize,
    closed: Option<Closed>,
    last_event: u64,
    last_call: u64,
    now: Time,
    totals: Totals,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("settings", &self.settings)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            queue: Queue::default(),
            jobs: HashMap::new(),
            ready: BTreeSet::new(),
            sleeping: BinaryHeap::new(),
            flights: HashMap::new(),
            locks: Locks::default(),
            memory: Memory::new(&settings),
            limiter: Limiter::new(&settings),
            backoff: Backoff::new(&settings),
            outcomes: VecDeque::new(),
            events: 0,
            closed: None,
            last_event: 0,
            last_call: 0,
            now: Time::default(),
            totals: Totals::default(),
            settings,
        }
    }

    /// Takes an event in.
    ///
    /// # Errors
    ///
    /// If the queue is full or the engine is closed: the event is given back.
    pub fn submit(&mut self, submission: Submission) -> Result<(), Refused> {
        let reason = match self.closed {
            Some(Closed::Unauthorized) => RefusalReason::Unauthorized,
            Some(Closed::Stopped) => RefusalReason::Stopped,
            None if self.room() == 0 => RefusalReason::QueueFull,
            None => {
                self.last_event += 1;
                self.events += 1;
                self.queue.push(self.last_event, submission);
                return Ok(());
            }
        };
        Err(Refused {
            reason,
            submission: Box::new(submission),
        })
    }

    /// Gives an event that was refused its outcome after all.
    #[cfg(feature = "client")]
    pub(crate) fn turn_away(&mut self, refused: Refused) {
        let event = refused.submission.event;
        let failed = failed(self.closing_code(), &Trouble::default(), 0, *refused.submission);
        self.events += 1;
        self.push_outcome(event, DeliveryResult::Failed(Box::new(failed)), Vec::new());
    }

    /// How many more events can be taken in now.
    pub fn room(&self) -> usize {
        match self.closed {
            Some(_) => 0,
            None => self.settings.queue.get().saturating_sub(self.events),
        }
    }

    /// Tells whom a contact's id belongs to: what an earlier run has learnt, for instance.
    ///
    /// The user id is taken for the contact's external id. An anonymous id tells nothing here.
    pub fn remember_contact(&mut self, id: &ContactId, identities: &Identities) {
        let person = Person {
            external_id: identities.user_id.as_deref(),
            email: identities.email.as_deref(),
            is_lead: None,
        };
        self.memory.learn(id, &person, false);
    }

    /// The next call to make, if one may be made now.
    pub fn poll_call(&mut self, now: Time) -> Option<Transmit> {
        self.pass(now);
        while self.has_work() && self.flights.len() < self.settings.concurrency.get() {
            if self.limiter.ready_at(now, self.flights.len()) > now {
                return None;
            }
            let seq = self.next_job()?;
            let Some(job) = self.jobs.get_mut(&seq) else { continue };
            let next = Steps {
                settings: &self.settings,
                memory: &mut self.memory,
                locks: &self.locks,
                queue: &mut self.queue,
            }
            .next(job);
            let woken_by = job.woken_by.take();
            let transmit = match next {
                Next::Call(call, lock) => Some(self.make(seq, call, lock)),
                Next::Wait(lock) => {
                    if let Some(job) = self.jobs.get_mut(&seq) {
                        job.state = State::Locked(lock);
                    }
                    self.locks.wait(lock, seq);
                    None
                }
                Next::End(ending) => {
                    self.end(seq, ending);
                    None
                }
            };
            if let Some(lock) = woken_by {
                let next = self.locks.pass_on(lock);
                self.unlock(next, lock);
            }
            if transmit.is_some() {
                return transmit;
            }
        }
        None
    }

    /// Hands in an answer. One to a call that is not in flight is passed over.
    pub fn handle_response(&mut self, id: CallId, answer: &Answer, now: Time) {
        self.pass(now);
        let Some(flight) = self.land(id) else { return };
        self.limiter.answered(answer, flight.sent, now);
        let Some(job) = self.jobs.get_mut(&flight.job) else {
            return;
        };
        let is_success = (200..300).contains(&answer.status);
        let error = (!is_success).then(|| ApiError::parse(answer.status, &answer.body));
        job.note(answer.status, error.as_ref(), answer.request_id.as_deref());
        if answer.status == 429 {
            self.totals.throttled += 1;
            self.limiter.throttled(answer, now, &mut self.backoff);
            job.throttled += 1;
            if job.throttled >= self.settings.max_throttled.get() {
                job.trouble.attempts = job.throttled;
                self.end(flight.job, Ending::Failed(FailureCode::RateLimited));
            } else {
                self.resume(flight.job);
            }
            return;
        }
        job.throttled = 0;
        if answer.status == 401 {
            job.trouble.attempts = job.attempts + 1;
            self.end(flight.job, Ending::Failed(FailureCode::Unauthorized));
            self.close(Closed::Unauthorized);
            return;
        }
        if !is_success && is_retryable(answer.status) {
            let code = if answer.status == 408 {
                FailureCode::Timeout
            } else {
                FailureCode::ServerError
            };
            self.retry(flight.job, code, answer.retry_after);
            return;
        }
        let verdict = Steps {
            settings: &self.settings,
            memory: &mut self.memory,
            locks: &self.locks,
            queue: &mut self.queue,
        }
        .answered(job, error.as_ref().map_or(Ok(answer.body.as_slice()), Err));
        match verdict {
            Verdict::GoOn => {
                job.attempts = 0;
                self.resume(flight.job);
            }
            Verdict::Retry(code) => self.retry(flight.job, code, None),
            Verdict::End(Ending::Failed(_)) if job.members.len() > 1 => self.split(flight.job),
            Verdict::End(ending) => {
                job.trouble.attempts = job.attempts + 1;
                self.end(flight.job, ending);
            }
        }
    }

    /// Says that a call has no answer. One about a call that is not in flight is passed over.
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
        self.retry(flight.job, code, None);
    }

    /// When to call [`poll_call`](Self::poll_call) again if nothing else happens; never, if nothing waits for the time.
    pub fn poll_timeout(&mut self) -> Option<Time> {
        let wake = self.sleeping.peek().map(|Reverse((at, _))| *at);
        let may_call = self.has_work() && self.flights.len() < self.settings.concurrency.get();
        let call = may_call.then(|| self.limiter.ready_at(self.now, self.flights.len()));
        [wake, call].into_iter().flatten().min()
    }

    /// The next outcome, if there is one.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        let outcome = self.outcomes.pop_front()?;
        self.events -= 1;
        Some(outcome)
    }

    /// Whether every event that was taken in has its outcome, and every outcome has been fetched.
    pub fn is_idle(&self) -> bool {
        self.events == 0
    }

    /// Whether Intercom has refused the token: no call is made any more.
    pub fn is_halted(&self) -> bool {
        self.closed == Some(Closed::Unauthorized)
    }

    /// Stops gracefully: no event is started any more. Those that have not started fail with
    /// [`Stopped`](FailureCode::Stopped) at once; those under way are finished, unless they would have to wait for
    /// another attempt.
    pub fn stop(&mut self) {
        if self.closed.is_none() {
            self.close(Closed::Stopped);
        }
    }

    /// Stops at once: every event that has no outcome yet fails with [`Stopped`](FailureCode::Stopped). The calls in
    /// flight are given up, and may have taken effect.
    pub fn abort(&mut self) {
        self.stop();
        self.flights.clear();
        let mut left: Vec<u64> = self.jobs.keys().copied().collect();
        left.sort_unstable();
        for seq in left {
            self.end(seq, Ending::Failed(self.closing_code()));
        }
    }

    fn has_work(&self) -> bool {
        !self.ready.is_empty() || self.queue.is_ready()
    }

    /// Lets time pass: jobs wake up.
    fn pass(&mut self, now: Time) {
        self.now = self.now.max(now);
        while let Some(Reverse((at, seq))) = self.sleeping.peek().copied() {
            if at > self.now {
                break;
            }
            self.sleeping.pop();
            if self.jobs.get(&seq).is_some_and(|job| job.state == State::Sleeping) {
                self.make_ready(seq);
            }
        }
    }

    /// The job whose turn it is: one under way, or else the oldest event that can start.
    fn next_job(&mut self) -> Option<u64> {
        if let Some(seq) = self.ready.pop_first() {
            return Some(seq);
        }
        let (lane, entry) = self.queue.start()?;
        let seq = entry.seq;
        self.jobs.insert(seq, Job::new(lane, entry));
        Some(seq)
    }

    /// Sends the job's call on its way.
    fn make(&mut self, seq: u64, call: Call, lock: Option<LockKey>) -> Transmit {
        self.last_call += 1;
        let id = CallId(self.last_call);
        if let Some(lock) = lock {
            self.locks.hold(lock);
        }
        self.limiter.sent(self.now, self.flights.len());
        self.flights.insert(
            id,
            Flight {
                job: seq,
                sent: self.now,
                lock,
            },
        );
        self.totals.calls += 1;
        let (mut event, mut attempt) = (EventId(0), 1);
        if let Some(job) = self.jobs.get_mut(&seq) {
            job.state = State::InFlight;
            job.calls += 1;
            job.trouble.operation = Some(call.operation);
            event = job.first().submission.event;
            attempt = job.attempts + 1;
        }
        if attempt > 1 {
            self.totals.retries += 1;
        }
        Transmit {
            id,
            call,
            event,
            attempt,
        }
    }

    /// Takes a call off the list of those in flight.
    fn land(&mut self, id: CallId) -> Option<Flight> {
        let flight = self.flights.remove(&id)?;
        if let Some(lock) = flight.lock {
            let next = self.locks.release(lock);
            self.unlock(next, lock);
        }
        Some(flight)
    }

    fn unlock(&mut self, next: Option<u64>, lock: LockKey) {
        let mut next = next;
        while let Some(seq) = next {
            if let Some(job) = self.jobs.get_mut(&seq).filter(|job| job.state == State::Locked(lock)) {
                job.woken_by = Some(lock);
                self.make_ready(seq);
                return;
            }
            // That one has ended.
            next = self.locks.pass_on(lock);
        }
    }

    fn make_ready(&mut self, seq: u64) {
        if let Some(job) = self.jobs.get_mut(&seq) {
            job.state = State::Ready;
            self.ready.insert(seq);
        }
    }

    /// Goes on with a job, unless no call can be made any more.
    fn resume(&mut self, seq: u64) {
        match self.closed {
            Some(Closed::Unauthorized) => self.end(seq, Ending::Failed(FailureCode::Unauthorized)),
            _ => self.make_ready(seq),
        }
    }

    /// Tries a job's call again after a while, unless it has been tried often enough.
    fn retry(&mut self, seq: u64, code: FailureCode, at_least: Option<Duration>) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        job.attempts += 1;
        job.trouble.attempts = job.attempts;
        if job.attempts >= self.settings.max_attempts.get() {
            self.end(seq, Ending::Failed(code));
        } else if self.closed.is_some() {
            self.end(seq, Ending::Failed(self.closing_code()));
        } else {
            job.state = State::Sleeping;
            let wait = self.backoff.wait(job.attempts).max(at_least.unwrap_or_default());
            self.sleeping.push(Reverse((self.now.after(wait), seq)));
        }
    }

    /// Delivers one by one what cannot be delivered together.
    fn split(&mut self, seq: u64) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        let mut others = job.members.split_off(1);
        for entry in job.members.iter_mut().chain(&mut others) {
            entry.alone = true;
        }
        job.attempts = 0;
        job.lost = 0;
        job.conflicts = 0;
        job.defined.clear();
        if !matches!(job.step, Step::Create) {
            job.step = Step::Find;
        }
        self.queue.give_back(seq, job.lane, &job.members[0], others);
        self.resume(seq);
        if self.closed.is_some() {
            self.drain();
        }
    }

    fn closing_code(&self) -> FailureCode {
        match self.closed {
            Some(Closed::Unauthorized) => FailureCode::Unauthorized,
            _ => FailureCode::Stopped,
        }
    }

    /// Starts no event any more, and ends what does not wait for an answer, as far as the reason asks for it.
    fn close(&mut self, reason: Closed) {
        self.closed = Some(reason);
        let ends = |job: &Job| match reason {
            Closed::Unauthorized => job.state != State::InFlight,
            Closed::Stopped => job.state == State::Sleeping,
        };
        let mut ended: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(_, job)| ends(job))
            .map(|(seq, _)| *seq)
            .collect();
        ended.sort_unstable();
        for seq in ended {
            self.end(seq, Ending::Failed(self.closing_code()));
        }
        self.drain();
    }

    /// Ends what has not started.
    fn drain(&mut self) {
        for entry in self.queue.drain() {
            let failed = failed(self.closing_code(), &Trouble::default(), 0, entry.submission);
            self.push_outcome(
                failed.submission.event,
                DeliveryResult::Failed(Box::new(failed)),
                Vec::new(),
            );
        }
    }

    /// Ends a job: each of its events gets its outcome.
    fn end(&mut self, seq: u64, ending: Ending) {
        let Some(job) = self.jobs.remove(&seq) else { return };
        self.ready.remove(&seq);
        self.queue.finish(seq, job.lane, job.first());
        let carrier = job.first().submission.event;
        for (at, member) in job.members.into_iter().enumerate() {
            let event = member.submission.event;
            let calls = if at == 0 { job.calls } else { 0 };
            let result = match ending {
                Ending::Delivered => DeliveryResult::Delivered(Delivered {
                    calls,
                    contact: job.contact.clone(),
                    company: job.company.clone(),
                    unchanged: !job.wrote,
                    merged_into: (at > 0).then_some(carrier),
                }),
                Ending::Rejected(code) => DeliveryResult::Rejected(Rejected { code, calls }),
                Ending::Failed(code) => {
                    DeliveryResult::Failed(Box::new(failed(code, &job.trouble, calls, member.submission)))
                }
            };
            self.push_outcome(event, result, job.warnings.clone());
        }
    }

    fn push_outcome(&mut self, event: EventId, result: DeliveryResult, warnings: Vec<DeliveryWarning>) {
        match &result {
            DeliveryResult::Delivered(_) => self.totals.delivered += 1,
            DeliveryResult::Rejected(_) => self.totals.rejected += 1,
            DeliveryResult::Failed(_) => self.totals.failed += 1,
        }
        self.outcomes.push_back(Outcome {
            event,
            result,
            warnings,
        });
    }
}

fn failed(code: FailureCode, trouble: &Trouble, calls: u32, submission: Submission) -> Failed {
    Failed {
        code,
        operation: trouble.operation,
        status: trouble.status,
        intercom_code: trouble.intercom_code.clone(),
        request_id: trouble.request_id.clone(),
        attribute: trouble.attribute.clone(),
        attempts: trouble.attempts,
        calls,
        submission,
    }
}
