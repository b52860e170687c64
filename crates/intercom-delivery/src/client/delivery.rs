//! Running an engine: one task, any number of calls at a time.

use super::outage::{Outage, Reach, Reachability};
use super::{Transport, TransportError};
use crate::contact::KnownContact;
use crate::engine::{
    ArrivalId, Attempt, CallId, ContactKey, DeliveryResult, Engine, EngineSettings, EventId, Intent, Outcome,
    RefusalReason, Refused, Status, Submission, Time, Transmit,
};
use crate::response::{Response, TransportFailure};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tracing::Instrument as _;

/// How many submissions, and how many outcomes, wait between the caller and the engine.
const CHANNEL: usize = 256;

/// The engine's clock: the time of day at the start, and a monotonic clock from there.
#[derive(Clone, Copy, Debug)]
struct Clock {
    unix: Duration,
    start: Instant,
}

impl Clock {
    fn starting_at(unix: Duration) -> Self {
        let start = Instant::now();
        Self { unix, start }
    }

    fn now(&self) -> Time {
        Time::default().after(self.unix + self.start.elapsed())
    }

    fn instant(&self, time: Time) -> Instant {
        self.start + time.since(Time::default()).saturating_sub(self.unix)
    }
}

/// Whether the caller has asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    #[default]
    NotAsked,
    Gracefully,
    AtOnce,
}

/// Where events go in. A clone is another way in; when all have been dropped, the delivery ends once it is done.
#[derive(Clone, Debug)]
pub struct Submissions {
    events: mpsc::Sender<Submission>,
    instructions: mpsc::UnboundedSender<Instruction>,
    status: watch::Receiver<Status>,
}

impl Submissions {
    /// Takes an event in, and waits while the queue is full. Each that is taken in has exactly one outcome.
    ///
    /// # Errors
    ///
    /// If the delivery has ended: the event is given back.
    pub async fn submit(&self, submission: Submission) -> Result<(), Refused> {
        self.events.send(submission).await.map_err(|refused| Refused {
            reason: if self.status.borrow().halted {
                RefusalReason::Unauthorized
            } else {
                RefusalReason::Stopped
            },
            submission: Box::new(refused.0),
        })
    }

    /// Whether the delivery takes no events any more.
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Takes events back that nobody waits for any more: see [`Engine::withdraw`]. Each still has its outcome.
    pub fn withdraw(&self, events: HashSet<EventId>) {
        self.instruct(Instruction::Withdraw(events));
    }

    /// Has events delivered that have waited for the contact that has come: see [`Engine::recall`]. False if the delivery
    /// has ended: then they have no outcome.
    pub fn recall(&self, arrival: ArrivalId, submissions: Vec<Submission>) -> bool {
        self.instruct(Instruction::Recall(arrival, submissions))
    }

    /// Says that all events were recalled: see [`Engine::all_recalled`].
    pub fn all_recalled(&self, arrival: ArrivalId) {
        self.instruct(Instruction::AllRecalled(arrival));
    }

    /// Whether there is anybody who takes it: a delivery that has ended makes no calls.
    fn instruct(&self, instruction: Instruction) -> bool {
        self.instructions.send(instruction).is_ok()
    }
}

/// What is asked of a delivery besides to deliver an event.
#[derive(Debug)]
enum Instruction {
    Withdraw(HashSet<EventId>),
    Recall(ArrivalId, Vec<Submission>),
    AllRecalled(ArrivalId),
}

/// What a delivery hands out.
#[derive(Debug)]
pub enum Record {
    /// What became of an event.
    Outcome(Outcome),
    /// A call that has failed, if the settings ask for them to be noted.
    Attempt(Attempt),
    /// What is about to be done for an event, as soon as that is [noted](Outcomes::noted).
    Intent(Intent),
}

/// Where outcomes come out. If it is dropped, the delivery stops.
#[derive(Debug)]
pub struct Outcomes {
    records: mpsc::Receiver<Record>,
    noted: mpsc::UnboundedSender<Intent>,
}

impl Outcomes {
    /// The next outcome; none once the delivery has ended and all have been fetched.
    ///
    /// Intents and attempts are not kept: their events go on.
    pub async fn next(&mut self) -> Option<Outcome> {
        loop {
            match self.records.recv().await? {
                Record::Outcome(outcome) => return Some(outcome),
                Record::Attempt(_) => {}
                Record::Intent(intent) => self.noted(intent),
            }
        }
    }

    /// Waits for outcomes, attempts and intents, and adds up to `limit` that are there to `into`, in order; says how many. None once
    /// the delivery has ended and all have been fetched.
    ///
    /// The event of an intent goes on once that is said to be [noted](Self::noted).
    pub async fn next_records(&mut self, into: &mut Vec<Record>, limit: usize) -> usize {
        self.records.recv_many(into, limit).await
    }

    /// The intent is kept, and so is every outcome that came before it: not even a kill loses them.
    pub fn noted(&self, intent: Intent) {
        // Once the delivery has ended, nobody waits for it.
        let _ = self.noted.send(intent);
    }
}

/// Watches and stops a delivery. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Control {
    stop: Arc<watch::Sender<Stop>>,
    status: watch::Receiver<Status>,
    reach: watch::Receiver<Reach>,
}

impl Control {
    /// How far the delivery is.
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// The outage, if there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.reach.borrow().outage.clone()
    }

    /// Why Intercom will not be reached however long one waits, once that is certain: there is no such host, or its
    /// certificate is not trusted. The delivery goes on trying; whoever has somebody to tell may [abort](Self::abort) it.
    pub fn unreachable(&self) -> Option<Arc<TransportError>> {
        self.reach.borrow().unreachable.clone()
    }

    /// Waits until an [outage](Self::outage) begins or ends, or Intercom turns out to be
    /// [unreachable](Self::unreachable); false if the delivery has ended.
    pub async fn reach_changed(&mut self) -> bool {
        self.reach.changed().await.is_ok()
    }

    /// Stops gracefully: see [`Engine::stop`].
    pub fn stop(&self) {
        self.stop.send_if_modified(|stop| {
            let is_news = *stop < Stop::Gracefully;
            *stop = (*stop).max(Stop::Gracefully);
            is_news
        });
    }

    /// Stops at once: see [`Engine::abort`].
    pub fn abort(&self) {
        self.stop.send_replace(Stop::AtOnce);
    }
}

/// A delivery to be run.
pub struct Delivery<T> {
    engine: Engine,
    transport: Arc<T>,
    clock: Clock,
    submissions: mpsc::Receiver<Submission>,
    instructions: mpsc::UnboundedReceiver<Instruction>,
    outcomes: mpsc::Sender<Record>,
    noted: mpsc::UnboundedReceiver<Intent>,
    stop: watch::Receiver<Stop>,
    status: watch::Sender<Status>,
    reachability: Reachability,
    calls: JoinSet<Result<Response, TransportError>>,
    tasks: HashMap<task::Id, CallId>,
    /// Those of events that are under way, if anybody wants to know.
    spans: HashMap<EventId, tracing::Span>,
}

impl<T> std::fmt::Debug for Delivery<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> Delivery<T> {
    /// A delivery over a transport, and the ways into and out of it.
    pub fn new(settings: EngineSettings, transport: T) -> (Self, Submissions, Outcomes, Control) {
        let engine = Engine::new(settings);
        let (submit, submissions) = mpsc::channel(CHANNEL);
        let (instruct, instructions) = mpsc::unbounded_channel();
        let (outcomes, records) = mpsc::channel(CHANNEL);
        // As many at most as there are events.
        let (note, noted) = mpsc::unbounded_channel();
        let (stop, asked_to_stop) = watch::channel(Stop::default());
        let (reachability, reach) = Reachability::new();
        let (status, statuses) = watch::channel(engine.status());
        let delivery = Self {
            engine,
            clock: Clock::starting_at(transport.now()),
            transport: Arc::new(transport),
            submissions,
            instructions,
            outcomes,
            noted,
            stop: asked_to_stop,
            status,
            reachability,
            calls: JoinSet::new(),
            tasks: HashMap::new(),
            spans: HashMap::new(),
        };
        let control = Control {
            stop: Arc::new(stop),
            status: statuses.clone(),
            reach,
        };
        let submissions = Submissions {
            events: submit,
            instructions: instruct,
            status: statuses,
        };
        let outcomes = Outcomes { records, noted: note };
        (delivery, submissions, outcomes, control)
    }

    /// Tells of a contact what an earlier run has learnt: see [`Engine::remember_contact`].
    pub fn remember_contact(&mut self, contact: &KnownContact) {
        self.engine.remember_contact(contact);
    }

    /// Says that an event of an earlier run waits for a contact: see [`Engine::await_contact`].
    pub fn await_contact(&mut self, key: ContactKey) {
        self.engine.await_contact(key);
    }

    /// Delivers until every way in has been dropped and every event has its outcome, or until it is stopped. Says how
    /// far it came.
    pub async fn run(mut self) -> Status {
        let mut is_open = true;
        let mut is_controlled = true;
        let mut batch = Vec::with_capacity(CHANNEL);
        loop {
            self.hand_out_outcomes();
            let now = self.clock.now();
            while let Some(transmit) = self.engine.poll_call(now) {
                self.make(transmit);
            }
            self.hand_out_outcomes();
            let status = self.engine.status();
            self.status.send_replace(status);
            self.reachability.watch(status.outage, self.transport.host(), now);
            if status.closed && is_open {
                // What is on its way in is taken, and turned away.
                self.submissions.close();
            }
            if !is_open && self.engine.is_idle() {
                return status;
            }
            let room = if status.closed { CHANNEL } else { self.engine.room() };
            let timeout = self.engine.poll_timeout().map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                changed = self.stop.changed(), if is_controlled => match changed {
                    Ok(()) => self.stop_as_asked(),
                    Err(_) => is_controlled = false,
                },
                Some(done) = self.calls.join_next_with_id(), if !self.calls.is_empty() => {
                    self.landed(done);
                    while let Some(done) = self.calls.try_join_next_with_id() {
                        self.landed(done);
                    }
                }
                // What there is room for is handed out at the top of the loop.
                is_wanted = is_wanted(&self.outcomes), if status.outcomes > 0 || self.engine.has_intents() || self.engine.has_attempts() => if !is_wanted {
                    self.engine.stop();
                    while self.next_record().is_some() {}
                },
                Some(intent) = self.noted.recv() => self.engine.noted(&intent),
                taken = self.submissions.recv_many(&mut batch, room.min(CHANNEL)), if is_open && room > 0 => {
                    is_open = taken > 0;
                    self.take_in(batch.drain(..));
                }
                Some(instruction) = self.instructions.recv() => self.follow(instruction),
                () = tokio::time::sleep_until(timeout.unwrap_or_else(Instant::now)), if timeout.is_some() => {}
                // Nothing can happen any more, which the engine never comes to: better an outcome than a hang.
                else => self.engine.abort(),
            }
        }
    }

    fn follow(&mut self, instruction: Instruction) {
        match instruction {
            Instruction::Withdraw(events) => {
                // What was submitted before has to be there.
                while let Ok(submission) = self.submissions.try_recv() {
                    self.take_in([submission]);
                }
                self.engine.withdraw(&events);
            }
            Instruction::Recall(arrival, submissions) => {
                submissions.iter().for_each(|submission| self.observe(submission));
                self.engine.recall(arrival, submissions);
            }
            Instruction::AllRecalled(arrival) => self.engine.all_recalled(arrival),
        }
    }

    /// Begins the span of an event, of which its calls are part.
    fn observe(&mut self, submission: &Submission) {
        let span = tracing::debug_span!(
            parent: None,
            "event",
            event = %submission.event,
            plan = <&str>::from(&submission.plan),
            result = tracing::field::Empty,
            code = tracing::field::Empty,
            calls = tracing::field::Empty,
        );
        if !span.is_disabled() {
            self.spans.insert(submission.event, span);
        }
    }

    /// What there is no room for is turned away.
    fn take_in(&mut self, submissions: impl IntoIterator<Item = Submission>) {
        for submission in submissions {
            self.observe(&submission);
            if let Err(refused) = self.engine.submit(submission) {
                self.engine.turn_away(refused);
            }
        }
    }

    /// Hands outcomes out as long as there is room for them.
    fn hand_out_outcomes(&mut self) {
        while let Ok(permit) = self.outcomes.clone().try_reserve_owned() {
            let Some(record) = self.next_record() else { return };
            permit.send(record);
        }
    }

    fn next_record(&mut self) -> Option<Record> {
        if let Some(attempt) = self.engine.poll_attempt() {
            return Some(Record::Attempt(attempt));
        }
        if let Some(intent) = self.engine.poll_intent() {
            return Some(Record::Intent(intent));
        }
        let outcome = self.engine.poll_outcome()?;
        if let Some(span) = self.spans.remove(&outcome.event) {
            report(&outcome, &span);
        }
        Some(Record::Outcome(outcome))
    }

    fn stop_as_asked(&mut self) {
        match *self.stop.borrow_and_update() {
            Stop::NotAsked => {}
            Stop::Gracefully => self.engine.stop(),
            Stop::AtOnce => {
                self.engine.abort();
                self.calls.abort_all();
            }
        }
    }

    fn make(&mut self, transmit: Transmit) {
        let span = tracing::debug_span!(
            parent: self.spans.get(&transmit.event).and_then(tracing::Span::id),
            "call",
            call = %transmit.id,
            event = %transmit.event,
            operation = transmit.call.operation.as_str(),
            attempt = i64::from(transmit.attempt),
            status = tracing::field::Empty,
            request_id = tracing::field::Empty,
            failure = tracing::field::Empty,
        );
        let transport = self.transport.clone();
        let call = async move {
            let response = transport.send(&transmit.call).await;
            let span = tracing::Span::current();
            match &response {
                Ok(response) => {
                    span.record("status", i64::from(response.status));
                    if let Some(id) = &response.request_id {
                        span.record("request_id", id.as_str());
                    }
                }
                Err(error) => {
                    span.record("failure", error.code());
                }
            }
            tracing::debug!("done");
            response
        };
        let task = self.calls.spawn(call.instrument(span));
        self.tasks.insert(task.id(), transmit.id);
    }

    fn landed(&mut self, done: Result<(task::Id, Result<Response, TransportError>), task::JoinError>) {
        let now = self.clock.now();
        let (task, response) = match done {
            Ok((task, response)) => {
                let response = match response {
                    Ok(response) => {
                        self.reachability.answered(&response);
                        Ok(response)
                    }
                    Err(error) => {
                        let failure = error.failure;
                        self.reachability.failed(error, Instant::now());
                        Err(failure)
                    }
                };
                (task, response)
            }
            // The transport panicked, or the call was given up.
            Err(error) => (error.id(), Err(TransportFailure::Interrupted)),
        };
        let Some(id) = self.tasks.remove(&task) else { return };
        match response {
            Ok(response) => self.engine.handle_response(id, &response, now),
            Err(failure) => self.engine.handle_failure(id, failure, now),
        }
    }
}

/// Waits until there is room for an outcome, or nobody is left who wants one.
async fn is_wanted(outcomes: &mpsc::Sender<Record>) -> bool {
    outcomes.reserve().await.is_ok()
}

fn report(outcome: &Outcome, span: &tracing::Span) {
    let (result, code, calls) = match &outcome.result {
        DeliveryResult::Delivered(delivered) => ("delivered", None, delivered.calls),
        DeliveryResult::Rejected(rejected) => ("rejected", Some(rejected.code.as_str()), rejected.calls),
        DeliveryResult::Failed(failed) => ("failed", Some(failed.code.as_str()), failed.calls),
    };
    span.record("result", result)
        .record("code", code)
        .record("calls", i64::from(calls));
    span.in_scope(|| tracing::debug!("done"));
}
