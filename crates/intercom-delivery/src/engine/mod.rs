//! The engine: plans go in, calls come out, responses go in, outcomes come out. It does no I/O and has no clock.

mod attempts;
mod attributes;
mod awaited;
mod backoff;
mod claims;
mod close;
mod companies;
mod contact_keys;
mod fields;
mod handle;
mod health;
mod job;
mod keys;
mod known;
mod limiter;
mod locks;
mod memory;
mod merge;
mod outcome;
mod people;
mod person;
mod progress;
mod queue;
mod recall;
mod release;
mod settings;
mod status;
mod submission;
mod time;
mod together;
mod withdraw;

pub use awaited::{Arrival, ArrivalId, Awaited};
pub use contact_keys::ContactKey;
pub use limiter::Budget;
pub use outcome::{Attempt, Delivered, DeliveryResult, Failed, Intent, Outcome, Rejected};
pub use people::{Form as SearchForm, People};
pub use settings::{AssumedLimit, EngineSettings, OutcomeOrder, Savings, SkipUnchanged};
pub use status::{Status, Totals, Waiting};
pub use submission::{EventId, RefusalReason, Refused, Submission, Terms};
pub use time::Time;

use crate::codes::FailureCode;
use crate::contact::KnownContact;
use crate::order::Order;
use crate::walk::{Ending, Next, Walk};
use awaited::AwaitedContacts;
use backoff::Backoff;
use health::Health;
use intercom_api::Call;
use job::{Job, State, Trouble};
use keys::Keys;
use known::{Busy, Known};
use limiter::Limiter;
use locks::{LockKey, Locks};
use memory::Memory;
use people::{Others, Searches};
use person::Source;
use queue::{Entry, LaneId, Queue};
use release::Releases;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::fmt;

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
    /// The number under which the response is handed in.
    pub id: CallId,
    /// The call.
    pub call: Call,
    /// The event that it is made for.
    pub event: EventId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

#[derive(Clone, Debug)]
struct Flight {
    job: u64,
    /// Whom else it is for.
    others: Option<Others>,
    sent: Time,
    lock: Option<LockKey>,
}

/// Why no event is started any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// Intercom does not accept the token: no call is made any more.
    Unauthorized,
    /// The caller has asked to stop: what is under way is finished, as far as that takes neither a wait nor long.
    Stopped,
}

/// Turns plans into calls and responses into outcomes.
///
/// See the [crate's documentation](crate) for the order in which to call its methods.
pub struct Engine {
    settings: EngineSettings,
    order: Order,
    queue: Queue,
    jobs: HashMap<u64, Job>,
    /// The jobs that have a call to make, the oldest first.
    ready: BTreeSet<u64>,
    /// When jobs wake that wait for their next attempt.
    sleeping: BinaryHeap<Reverse<(Time, u64)>>,
    flights: HashMap<CallId, Flight>,
    locks: Locks,
    searches: Searches,
    awaited: AwaitedContacts,
    memory: Memory,
    limiter: Limiter,
    health: Health,
    backoff: Backoff,
    releases: Releases,
    outcomes: VecDeque<Outcome>,
    attempts: VecDeque<Attempt>,
    /// Intents, each with the number of outcomes that are to be fetched before it.
    intents: VecDeque<(usize, Intent)>,
    /// Events taken in whose outcome has not been fetched.
    events: usize,
    closed: Option<Closed>,
    /// Until when calls may be begun after [`stop`](Self::stop).
    last_calls: Option<Time>,
    last_event: u64,
    last_call: u64,
    now: Time,
    totals: Totals,
}

exact_json::debug_shows! { Engine(engine) { settings, status = engine.status(), .. } }

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            order: Order::new(settings.remembered),
            queue: Queue::default(),
            jobs: HashMap::new(),
            ready: BTreeSet::new(),
            sleeping: BinaryHeap::new(),
            flights: HashMap::new(),
            locks: Locks::default(),
            searches: Searches::default(),
            awaited: AwaitedContacts::default(),
            memory: Memory::new(&settings),
            limiter: Limiter::new(&settings),
            health: Health::new(&settings),
            backoff: Backoff::new(&settings),
            releases: Releases::default(),
            outcomes: VecDeque::new(),
            attempts: VecDeque::new(),
            intents: VecDeque::new(),
            events: 0,
            closed: None,
            last_calls: None,
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
                self.memory.companies.expect(&submission.plan);
                let ties = self.order.next(&submission.plan, &submission.identities);
                let mut keys = self.memory.person_keys(&ties);
                let shared = match self.settings.outcomes {
                    OutcomeOrder::AsSubmitted => self.memory.all_keys(&keys, &submission.plan),
                    OutcomeOrder::AsTheyEnd => Keys::default(),
                };
                self.releases.expect(self.last_event, shared);
                if let Some(chain) = submission.terms.chain {
                    keys.add(self.memory.chain_key(chain));
                }
                self.queue.push(self.last_event, submission, keys);
                return Ok(());
            }
        };
        Err(Refused {
            reason,
            submission: Box::new(submission),
        })
    }

    /// How many more events can be taken in now.
    pub fn room(&self) -> usize {
        match self.closed {
            Some(_) => 0,
            None => self.settings.queue.get().saturating_sub(self.events),
        }
    }

    /// Tells of a contact what an earlier run has learnt: see [`Outcome::learnt`].
    pub fn remember_contact(&mut self, contact: &KnownContact) {
        if contact.is_gone {
            self.memory.forget(&contact.id);
            return;
        }
        let source = if contact.is_written { Source::Write } else { Source::Hit };
        self.memory.learn(&contact.id, &contact.into(), source);
        if let (Some(id), Some(email)) = (&contact.external_id, &contact.email) {
            self.order.has_email(id.as_str(), email);
        }
    }

    /// The next call to make, if one may be made now.
    pub fn poll_call(&mut self, now: Time) -> Option<Transmit> {
        self.pass(now);
        let transmit = self.next_call();
        if transmit.is_none() && self.closed.is_some() {
            self.end_waiting();
        }
        transmit
    }

    fn next_call(&mut self) -> Option<Transmit> {
        while self.has_work() && self.flights.len() < self.settings.concurrency.get() {
            if self.ready_at() > self.now || !self.may_begin_calls() {
                return None;
            }
            let seq = self.next_job()?;
            if self.is_known_to_be_absent(seq) {
                self.end(seq, Ending::Failed(FailureCode::UnknownContact));
                continue;
            }
            let Some((next, lock)) = self.with_walk(seq, |walk, known| (walk.next(known), known.lock)) else {
                continue;
            };
            self.take_claim(seq);
            let Some(job) = self.jobs.get_mut(&seq) else { continue };
            let woken_by = job.woken_by.take();
            let transmit = match next {
                Next::Call(call) | Next::LastWrite(call) => {
                    (!self.gathers(seq, &call)).then(|| self.make(seq, call, lock))
                }
                Next::Wait(Busy::Note) => {
                    self.intend(seq);
                    None
                }
                Next::Wait(Busy::Lock(lock)) => {
                    if let Some(job) = self.jobs.get_mut(&seq) {
                        job.state = State::Locked(lock);
                    }
                    self.locks.wait(lock, seq);
                    None
                }
                Next::End(Ending::Failed(_)) if job.batch.members.len() > 1 => {
                    self.split(seq);
                    None
                }
                Next::End(ending) => {
                    job.trouble.attribute = job.walk.refused_attribute().map(str::to_owned);
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

    /// Lets a job's walk go on by what is known.
    fn with_walk<T>(&mut self, seq: u64, go_on: impl FnOnce(&mut Walk, &mut Known<'_>) -> T) -> Option<T> {
        let job = self.jobs.get_mut(&seq)?;
        self.memory.look_from(job.batch.first().terms.scope);
        let mut known = Known {
            settings: &self.settings,
            memory: &mut self.memory,
            locks: &self.locks,
            queue: &mut self.queue,
            awaited: &self.awaited,
            now: self.now,
            batch: &mut job.batch,
            is_repeated: job.attempts > 0,
            is_noted: job.is_noted,
            lock: None,
            claim: &mut job.claim,
        };
        Some(go_on(&mut job.walk, &mut known))
    }

    /// When to call [`poll_call`](Self::poll_call) again if nothing else happens; never, if nothing depends on the time.
    pub fn poll_timeout(&mut self) -> Option<Time> {
        let wake = self.sleeping.peek().map(|Reverse((at, _))| *at);
        let may_call = self.has_work() && self.flights.len() < self.settings.concurrency.get();
        let call = may_call.then(|| self.ready_at()).filter(|at| *at < Time::NEVER);
        [wake, call].into_iter().flatten().min()
    }

    /// The next outcome, if there is one.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        let outcome = self.outcomes.pop_front()?;
        self.events -= 1;
        for (before, _) in &mut self.intents {
            *before -= 1;
        }
        Some(outcome)
    }

    /// What is to be noted, after the outcomes that have been fetched: none before an older outcome is.
    pub fn poll_intent(&mut self) -> Option<Intent> {
        let (before, _) = self.intents.front()?;
        if *before > 0 {
            return None;
        }
        self.intents.pop_front().map(|(_, intent)| intent)
    }

    /// Whether there are intents that have not been fetched.
    #[cfg(feature = "client")]
    pub(crate) fn has_intents(&self) -> bool {
        !self.intents.is_empty()
    }

    /// An intent is noted, so that a kill does not lose it: its event goes on.
    pub fn noted(&mut self, intent: &Intent) {
        let is_waiting = |job: &&mut Job| job.state == State::Noting;
        if let Some(job) = self.jobs.get_mut(&intent.job).filter(is_waiting) {
            job.is_noted = true;
            let batch = &job.batch;
            self.queue.go_on(intent.job, batch.lane, batch.first().keys());
            self.make_ready(intent.job);
        }
    }

    /// Asks for a job's intent to be noted.
    fn intend(&mut self, seq: u64) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        let Some(contact) = job.walk.contact().cloned() else {
            return;
        };
        if self.closed.is_some() {
            self.end(seq, Ending::Failed(self.closing_code()));
            return;
        }
        job.state = State::Noting;
        // Older events come first, and may claim the contact.
        let claim = job.claim.held.take();
        let first = job.batch.first();
        let event = first.event;
        self.queue.rest(seq, job.batch.lane, first.keys());
        let intent = Intent {
            event,
            contact,
            job: seq,
        };
        self.releases.intend(seq, &job.after, intent);
        if let Some(claim) = claim {
            self.let_go(claim);
        }
        self.hand_out_intents();
    }

    fn hand_out_intents(&mut self) {
        let before = self.outcomes.len();
        let intents = self.releases.next_intents();
        self.intents.extend(intents.into_iter().map(|intent| (before, intent)));
    }

    /// Whether every event that was taken in has its outcome, and every outcome has been fetched.
    pub fn is_idle(&self) -> bool {
        self.events == 0
    }

    /// The moment from which a call may be made.
    fn ready_at(&mut self) -> Time {
        self.limiter.ready_at(self.now).max(self.health.ready_at())
    }

    fn has_work(&self) -> bool {
        !self.ready.is_empty() || self.queue.is_ready()
    }

    /// Lets time pass: jobs wake up.
    fn pass(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.memory.attributes.pass(self.now);
        while let Some(Reverse((at, seq))) = self.sleeping.peek().copied() {
            if at > self.now {
                break;
            }
            self.sleeping.pop();
            // It may have been woken before, and may be asleep again until later.
            if self.jobs.get(&seq).is_some_and(|job| job.state.wakes_at() == Some(at)) {
                self.make_ready(seq);
            }
        }
    }

    /// The job whose turn it is: one under way, or else the oldest event that can start.
    fn next_job(&mut self) -> Option<u64> {
        if let Some(seq) = self.ready.pop_first() {
            return Some(seq);
        }
        let (lane, entry, after) = self.queue.start()?;
        Some(self.begin(lane, entry, after))
    }

    fn begin(&mut self, lane: LaneId, entry: Entry, after: Vec<u64>) -> u64 {
        let seq = entry.seq;
        let job = Job::new(self.settings.policies(), lane, entry, after);
        self.jobs.insert(seq, job);
        seq
    }

    /// Sends the job's call on its way.
    fn make(&mut self, seq: u64, call: Call, lock: Option<LockKey>) -> Transmit {
        let (call, others) = self.with_others(seq, call);
        self.count_people(call.operation, others.as_ref());
        if let Some(others) = &others {
            self.take_along(others, call.operation);
        }
        self.last_call += 1;
        let id = CallId(self.last_call);
        if let Some(lock) = lock {
            self.locks.hold(lock);
        }
        self.limiter.sent(id.0, self.now);
        self.health.sent(self.now);
        self.flights.insert(
            id,
            Flight {
                job: seq,
                others,
                sent: self.now,
                lock,
            },
        );
        self.totals.calls += 1;
        let (mut event, mut attempt) = (EventId(0), 1);
        if let Some(job) = self.jobs.get_mut(&seq) {
            job.state = State::InFlight;
            job.calls += 1;
            if job.attempts == 0 && job.throttled == 0 {
                job.trouble = Trouble::default();
            }
            job.trouble.operation = Some(call.operation);
            event = job.batch.first().event;
            attempt = job.attempts + 1;
            self.totals.retries += u64::from(job.attempts > 0 || job.throttled > 0);
        }
        Transmit {
            id,
            call,
            event,
            attempt,
        }
    }

    fn make_ready(&mut self, seq: u64) {
        if let Some(job) = self.jobs.get_mut(&seq) {
            job.state = State::Ready;
            self.ready.insert(seq);
        }
    }
}
