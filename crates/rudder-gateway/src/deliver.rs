//! From the store to Intercom, in order, for as long as it takes.

use crate::error::Error;
use crate::settings::Settings;
use crate::store::{About, Pending, Queue, Settled, Settlement, Store, Undelivered};
use intercom_api::UnixSeconds;
use intercom_delivery::client::{Control, Delivery, Outcomes, Submissions, Transport};
use intercom_delivery::{DeliveryResult, EventId, FailureRecord, Outcome, Status, Submission};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Mapped, RejectionCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How many events are read at a time.
const CHUNK: usize = 256;
/// How many outcomes are noted at a time.
const OUTCOMES: usize = 1_024;
/// How long it takes at most until an event is noticed that another process has put into the queue.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How the delivery is doing, for whoever watches. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Monitor(Arc<Mutex<Option<Control>>>);

impl Monitor {
    pub(crate) fn status(&self) -> Option<Status> {
        lock(&self.0).as_ref().map(Control::status)
    }
}

/// Nothing that is kept behind these locks is left half-done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The events on their way, in case that they become dead letters.
type UnderWay = Arc<Mutex<HashMap<i64, About>>>;

/// Delivers until `stop` is true; what is under way then stays in the store.
///
/// A token that Intercom refuses ends the engine, not the gateway: what is not delivered waits, and is tried again.
pub(crate) async fn deliver<T: Transport + Clone>(
    store: Store,
    settings: Arc<Settings>,
    transport: T,
    monitor: Monitor,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut queue = Some(store.queue()?);
    while !*stop.borrow_and_update() {
        let (mut delivery, submissions, outcomes, control) = Delivery::new(settings.engine.clone(), transport.clone());
        *lock(&monitor.0) = Some(control.clone());
        if let Some(queue) = &queue {
            for contact in queue.learnt()? {
                delivery.remember_contact(&contact);
            }
        }
        let run = tokio::spawn(delivery.run());
        let under_way = UnderWay::default();
        let noting = tokio::spawn(note(outcomes, store.clone(), Arc::clone(&under_way)));
        let feeder = Feeder {
            store: store.clone(),
            destination: settings.destination.clone(),
            submissions,
            under_way,
            control: control.clone(),
        };
        let fed = feeder.feed(queue.take(), &mut stop).await;
        control.stop();
        // Neither task panics; should one, its events are still in the store.
        let (ended, noted) = (run.await, noting.await);
        queue = Some(fed?);
        if let Ok(noted) = noted {
            noted?;
        }
        // What has been noted is written before the queue is read again.
        let _ = store.accept(Vec::new()).await;
        if *stop.borrow() {
            break;
        }
        let (code, what) = match ended {
            Ok(status) if status.halted => ("unauthorized", "Intercom does not accept the access token"),
            Ok(_) => continue,
            Err(_) => ("engine_failed", "the delivery engine has failed"),
        };
        tracing::error!(code, "{what}; events wait");
        tokio::select! {
            () = tokio::time::sleep(settings.token_retry) => {}
            () = settings.token_renewed.notified() => {}
            _ = stop.changed() => {}
        }
    }
    Ok(())
}

/// Reads events and hands them to the engine.
struct Feeder {
    store: Store,
    destination: Destination,
    submissions: Submissions,
    under_way: UnderWay,
    control: Control,
}

impl Feeder {
    /// Feeds the engine until it takes no more, or is to stop. Gives the queue back.
    async fn feed(self, queue: Option<Queue>, stop: &mut watch::Receiver<bool>) -> Result<Queue, Error> {
        let mut queue = match queue {
            Some(queue) => queue,
            None => self.store.queue()?,
        };
        let mut last = 0;
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let chunk = queue.pending(last, CHUNK);
                (queue, chunk)
            });
            let chunk;
            (queue, chunk) = read.await.map_err(|_| Error::Closed)?;
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    tracing::error!(code = error.code(), "the queue cannot be read");
                    Vec::new()
                }
            };
            if let Some(newest) = chunk.last() {
                last = newest.seq;
                tokio::select! {
                    is_open = self.hand_in(chunk) => if !is_open? { return Ok(queue) },
                    _ = stop.changed() => return Ok(queue),
                }
            } else {
                tokio::select! {
                    () = self.store.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    _ = stop.changed() => return Ok(queue),
                }
                if self.control.status().closed {
                    return Ok(queue);
                }
            }
        }
    }

    /// Hands a chunk in; says whether the engine takes more.
    async fn hand_in(&self, chunk: Vec<Pending>) -> Result<bool, Error> {
        let mut settled = Vec::new();
        for pending in &chunk {
            match convert(pending, &self.destination) {
                Converted::Settled(settlement) => settled.push(Settled::new(pending.seq, settlement)),
                Converted::Submission(submission, about) => {
                    lock(&self.under_way).insert(pending.seq, about);
                    if self.submissions.submit(*submission).await.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        if !settled.is_empty() {
            self.store.settle(settled).await?;
        }
        Ok(true)
    }
}

enum Converted {
    Settled(Settlement),
    Submission(Box<Submission>, About),
}

fn convert(pending: &Pending, destination: &Destination) -> Converted {
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
            Converted::Submission(Box::new(submission), About::from(&event))
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

fn rejected(failure: FailureRecord, about: About) -> Settlement {
    Settlement::Rejected(Box::new(Undelivered::new(failure, about)))
}

/// SDKs send these types unasked, and Intercom v2 takes none of them: no change of theirs or ours would deliver them.
fn is_never_wanted(event: &Event<'_>, code: RejectionCode) -> bool {
    let is_known = matches!(event, Event::Page(_) | Event::Screen(_) | Event::Alias(_));
    is_known && code == RejectionCode::UnsupportedEventType
}

/// Notes outcomes in the store.
async fn note(mut outcomes: Outcomes, store: Store, under_way: UnderWay) -> Result<(), Error> {
    let mut batch = Vec::with_capacity(OUTCOMES);
    while outcomes.next_many(&mut batch, OUTCOMES).await > 0 {
        let settled = batch.drain(..).filter_map(|outcome| settle(outcome, &under_way));
        store.settle(settled.collect()).await?;
    }
    Ok(())
}

/// What is noted of an outcome.
fn settle(outcome: Outcome, under_way: &UnderWay) -> Option<Settled> {
    let seq = i64::try_from(outcome.event.0).ok()?;
    let about = lock(under_way).remove(&seq).unwrap_or_default();
    let goes_on_later = outcome.goes_on_later();
    let settlement = match outcome.result {
        _ if goes_on_later => Settlement::GoesOn,
        DeliveryResult::Delivered(_) => Settlement::Delivered,
        DeliveryResult::Rejected(rejection) => {
            let mut failure = FailureRecord::new(rejection.code.as_str());
            failure.calls = rejection.calls;
            rejected(failure, about)
        }
        DeliveryResult::Failed(failed) => {
            Settlement::Failed(Box::new(Undelivered::new(FailureRecord::from(&*failed), about)))
        }
    };
    let mut settled = Settled::new(seq, settlement);
    settled.learnt = outcome.learnt;
    Some(settled)
}
