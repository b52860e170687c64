//! From the store to the engine: everybody in turn, each in order.

use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::turns::Turns;
use event_store::Error;
use event_store::{About, Note, Pending, Queue, Settled, Settlement, Store, Undelivered};
use intercom_api::{CompanyId, ContactId, UnixSeconds};
use intercom_delivery::client::{Control, Submissions};
use intercom_delivery::{EventId, FailureRecord, KnownContact, Order, Submission, Superseded, Waiting};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Mapped, RejectionCode};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How many events are read at a time.
const CHUNK: usize = 256;
/// How many events that are read and wait for their turn are kept in memory whole; others are read again.
const WHOLE: usize = 2_048;
/// How much memory may be taken for whose turn it is, in bytes; beyond it, no event is looked at that came later.
const TURNS_BYTES: usize = 64 << 20;
/// How many people may be known to have an event that can go: while there are so many, nobody who came later is looked for.
const READY: usize = 1_024;
/// How many events may be with the engine, besides those that have been there for long.
const WINDOW: usize = 512;
/// How many warnings are noted of an event at most.
const MOST_NOTES: usize = 10;
/// From when on an event has been with the engine for long: it fails, if it is not Intercom that makes everything wait.
const LONG: Duration = Duration::from_secs(5);
/// How long it takes at most until an event is noticed that another process has put into the queue.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The events on their way, and what is noted of each once it is done.
pub(crate) type UnderWay = Arc<Mutex<HashMap<i64, Known>>>;

/// What is known of an event before it is delivered.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// In case that it becomes a dead letter.
    pub(crate) about: About,
    /// When it was received.
    pub(crate) received_at: i64,
    /// What is to be said of it.
    pub(crate) notes: Vec<Note>,
}

/// Nothing that is kept behind these locks is left half-done by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads events and hands them to the engine.
pub(crate) struct Feeder {
    store: Store,
    destination: Destination,
    submissions: Submissions,
    control: Control,
    under_way: UnderWay,
    metrics: Arc<Metrics>,
    /// The events whose outcome is known.
    ended: mpsc::UnboundedReceiver<i64>,
    order: Order,
    turns: Turns,
    whole: HashMap<i64, Ready>,
    /// The contacts with whom events were begun before.
    intents: BTreeMap<i64, ContactId>,
    /// The companies that were saved for events that have waited for their member.
    saved_companies: BTreeMap<i64, CompanyId>,
    /// The last event that was looked at.
    last: i64,
    most: usize,
    /// How many events have been with the engine for long, and when they were counted.
    long: (usize, Instant),
}

/// An event that can be handed in.
pub(crate) struct Ready {
    pub(crate) submission: Box<Submission>,
    pub(crate) known: Known,
}

impl Feeder {
    pub(crate) fn new(
        settings: &Settings,
        store: Store,
        submissions: Submissions,
        control: Control,
        under_way: UnderWay,
        metrics: Arc<Metrics>,
        ended: mpsc::UnboundedReceiver<i64>,
    ) -> Self {
        Self {
            store,
            destination: settings.destination.clone(),
            submissions,
            control,
            under_way,
            metrics,
            ended,
            order: Order::new(settings.engine.remembered),
            turns: Turns::default(),
            whole: HashMap::new(),
            intents: BTreeMap::new(),
            saved_companies: BTreeMap::new(),
            last: 0,
            most: settings.engine.queue.get(),
            long: (0, Instant::now()),
        }
    }

    /// Tells of a contact what was learnt before.
    pub(crate) fn remember_contact(&mut self, contact: &KnownContact) {
        if let (Some(id), Some(email)) = (&contact.external_id, &contact.email) {
            self.order.has_email(id.as_str(), email);
        }
    }

    /// Tells which events were begun before, and with which contacts.
    pub(crate) fn remember_intents(&mut self, intents: BTreeMap<i64, ContactId>) {
        self.intents = intents;
    }

    /// Tells which companies were saved for events that have waited for their member.
    pub(crate) fn remember_companies(&mut self, saved: BTreeMap<i64, CompanyId>) {
        self.saved_companies = saved;
    }

    /// Feeds the engine until it takes no more, or is to stop. Gives the queue back.
    pub(crate) async fn feed(mut self, mut queue: Queue, stop: &mut watch::Receiver<bool>) -> Result<Queue, Error> {
        let mut turn = Vec::new();
        while !*stop.borrow() && !self.control.status().closed {
            while let Ok(event) = self.ended.try_recv() {
                self.turns.end(event);
            }
            if turn.is_empty() {
                turn = self.turn();
            }
            let missing: Vec<i64> = turn
                .iter()
                .copied()
                .filter(|event| !self.whole.contains_key(event))
                .collect();
            let may_look = self.turns.bytes() < TURNS_BYTES && self.turns.ready() < READY;
            let last = self.last;
            let going = turn.clone();
            let read = tokio::task::spawn_blocking(move || {
                let superseded = queue.superseded(&going).unwrap_or_default();
                let missing = queue.events(&missing);
                let new = if may_look {
                    queue.pending(last, CHUNK)
                } else {
                    Ok(Vec::new())
                };
                (queue, superseded, missing, new)
            });
            let (read, superseded, missing, new) = read.await.map_err(|_| Error::Closed)?;
            let (read, superseded) = self.superseded(read, superseded).await?;
            queue = read;
            let (missing, new) = match (missing, new) {
                (Ok(missing), Ok(new)) => (missing, new),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!(code = error.code(), "the queue cannot be read");
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_AGAIN) => {}
                        _ = stop.changed() => {}
                    }
                    continue;
                }
            };
            let is_idle = turn.is_empty() && new.is_empty();
            for pending in missing {
                if let Converted::Ready(ready) = convert(&pending, &self.destination) {
                    self.whole.insert(pending.seq, ready);
                }
            }
            self.look_at(new).await?;
            for (event, superseded) in superseded {
                if let Some(ready) = self.whole.get_mut(&event) {
                    ready.submission.supersede(&superseded);
                }
            }
            tokio::select! {
                is_open = self.hand_in(std::mem::take(&mut turn)) => if !is_open { return Ok(queue) },
                _ = stop.changed() => return Ok(queue),
            }
            if is_idle {
                tokio::select! {
                    () = self.store.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    Some(event) = self.ended.recv() => self.turns.end(event),
                    _ = stop.changed() => {}
                }
            }
        }
        Ok(queue)
    }

    /// What supersedes events that are replayed, of which this was found. What came before them has ended, and is written first.
    async fn superseded(
        &self,
        queue: Queue,
        found: BTreeMap<i64, Superseded>,
    ) -> Result<(Queue, BTreeMap<i64, Superseded>), Error> {
        if found.is_empty() || !self.store.is_written().await? {
            return Ok((queue, found));
        }
        let events: Vec<i64> = found.into_keys().collect();
        let read = tokio::task::spawn_blocking(move || {
            let superseded = queue.superseded(&events).unwrap_or_default();
            (queue, superseded)
        });
        read.await.map_err(|_| Error::Closed)
    }

    /// The events whose turn it is, as many as there is room for.
    fn turn(&mut self) -> Vec<i64> {
        let now = Instant::now();
        if now.duration_since(self.long.1) > LOOK_AGAIN {
            let everything_waits = matches!(
                self.control.status().waiting,
                Some(Waiting::RateLimit(_) | Waiting::Throttled(_) | Waiting::Outage(_))
            );
            let since = now.checked_sub(LONG).filter(|_| !everything_waits);
            self.long = (since.map_or(0, |since| self.turns.under_way_since(since)), now);
        }
        let room = (WINDOW + self.long.0)
            .min(self.most)
            .saturating_sub(self.turns.under_way());
        std::iter::from_fn(|| self.turns.next()).take(room.min(CHUNK)).collect()
    }

    /// Looks whose the next events are.
    async fn look_at(&mut self, events: Vec<Pending>) -> Result<(), Error> {
        let mut settled = Vec::new();
        for pending in events {
            self.last = pending.seq;
            match convert(&pending, &self.destination) {
                Converted::Settled(settlement) => {
                    match &settlement {
                        Settlement::Skipped => self.metrics.events("skipped", 1),
                        Settlement::Dismissed(code) => self.metrics.failure("rejected", code),
                        Settlement::Rejected(rejected) => self.metrics.failure("rejected", &rejected.failure.code),
                        Settlement::GoesOn | Settlement::Awaits(_) | Settlement::Delivered | Settlement::Failed(_) => {}
                    }
                    settled.push(Settled::new(pending.seq, settlement));
                }
                Converted::Ready(ready) => {
                    let ties = self.order.next(&ready.submission.plan, &ready.submission.identities);
                    self.turns.add(pending.seq, &ties);
                    if self.whole.len() < WHOLE {
                        self.whole.insert(pending.seq, ready);
                    }
                }
            }
        }
        if !settled.is_empty() {
            self.store.settle(settled).await?;
        }
        Ok(())
    }

    /// Hands events in; says whether the engine takes more.
    async fn hand_in(&mut self, events: Vec<i64>) -> bool {
        for event in events {
            let Some(Ready { mut submission, known }) = self.whole.remove(&event) else {
                // Somebody has taken it out of the store.
                self.turns.end(event);
                continue;
            };
            submission.begun_with = self.intents.remove(&event);
            submission.saved_company = self.saved_companies.remove(&event);
            lock(&self.under_way).insert(event, known);
            if self.submissions.submit(*submission).await.is_err() {
                return false;
            }
        }
        true
    }
}

pub(crate) enum Converted {
    Settled(Settlement),
    Ready(Ready),
}

pub(crate) fn convert(pending: &Pending, destination: &Destination) -> Converted {
    let event = match Event::from_json(&pending.body) {
        Ok(event) => event,
        Err(error) => {
            let failure = FailureRecord::rejected(error.code(), "", error.to_string());
            return Converted::Settled(rejected(failure, About::default()));
        }
    };
    // The same event converts to the same, however often it is tried.
    match Mapped::new(&event, destination, UnixSeconds(pending.at / 1_000)).decide() {
        Ok(Decision::Convert(conversion)) => {
            let id = EventId(pending.seq.unsigned_abs());
            let submission = Submission::new(id, conversion.plan, conversion.identities);
            let known = Known {
                about: About::from(&event),
                received_at: pending.at,
                notes: conversion.warnings.iter().take(MOST_NOTES).map(Note::from).collect(),
            };
            let submission = Box::new(submission);
            Converted::Ready(Ready { submission, known })
        }
        Ok(_) => Converted::Settled(Settlement::Skipped),
        Err(rejection) if is_never_wanted(&event, rejection.code) => {
            Converted::Settled(Settlement::Dismissed(rejection.code.as_str()))
        }
        Err(rejection) => {
            let failure = FailureRecord::rejected(rejection.code.as_str(), rejection.path, rejection.message);
            Converted::Settled(rejected(failure, About::from(&event)))
        }
    }
}

pub(crate) fn rejected(failure: FailureRecord, about: About) -> Settlement {
    Settlement::Rejected(Box::new(Undelivered::new(failure, about)))
}

/// SDKs send these types unasked, and Intercom v2 takes none of them: no change of theirs or ours would deliver them.
fn is_never_wanted(event: &Event<'_>, code: RejectionCode) -> bool {
    event.event_type().is_some() && code == RejectionCode::UnsupportedEventType
}
