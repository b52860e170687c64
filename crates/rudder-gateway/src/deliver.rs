//! From the store to Intercom, in order, for as long as it takes.

use crate::error::Error;
use crate::settings::Settings;
use crate::store::{Letter, Pending, Queue, Settled, Settlement, Store};
use intercom_api::{OperationId, UnixSeconds};
use intercom_delivery::client::{Control, Delivery, Outcomes, Submissions, Transport};
use intercom_delivery::{DeliveryResult, EventId, Failed, FailureCode, Outcome, Status, Submission};
use rudderstack_events::{Event, EventType};
use rudderstack_to_intercom::{Decision, Destination, Mapped, RejectionCode};
use serde::Serialize;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
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

/// What is known of an event on its way, in case that it becomes a dead letter.
#[derive(Clone, Default)]
struct Passenger {
    event_type: Option<EventType>,
    user_id: Option<String>,
    message_id: Option<String>,
}

impl Passenger {
    fn of(event: &Event<'_>) -> Self {
        let common = event.common();
        Self {
            event_type: event.event_type(),
            user_id: common.user_id.ok().map(|id| id.as_str().to_owned()),
            message_id: common.message_id.ok().map(|id| id.as_str().to_owned()),
        }
    }

    fn letter(self, code: &'static str, detail: &impl Serialize) -> Letter {
        let mut letter = Letter::new(code);
        letter.event_type = self.event_type.map(|kind| kind.as_str().to_owned());
        letter.user_id = self.user_id;
        letter.message_id = self.message_id;
        if let Ok(detail) = serde_json::to_string(detail) {
            letter.detail = detail;
        }
        letter
    }
}

type Passengers = Arc<Mutex<HashMap<i64, Passenger>>>;

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
        let (delivery, submissions, outcomes, control) = Delivery::new(settings.engine.clone(), transport.clone());
        *lock(&monitor.0) = Some(control.clone());
        let run = tokio::spawn(delivery.run());
        let passengers = Passengers::default();
        let noting = tokio::spawn(note(outcomes, store.clone(), Arc::clone(&passengers)));
        let feeder = Feeder {
            store: store.clone(),
            destination: settings.destination.clone(),
            submissions,
            passengers,
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
    passengers: Passengers,
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
                Converted::Submission(submission, passenger) => {
                    lock(&self.passengers).insert(pending.seq, passenger);
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
    Submission(Box<Submission>, Passenger),
}

#[derive(Serialize)]
struct RejectionDetail<'a> {
    path: &'a str,
    message: &'a str,
}

fn convert(pending: &Pending, destination: &Destination) -> Converted {
    let event = match Event::from_json(&pending.body) {
        Ok(event) => event,
        Err(error) => {
            let message = error.to_string();
            let detail = RejectionDetail {
                path: "",
                message: &message,
            };
            let letter = Passenger::default().letter(error.code(), &detail);
            return Converted::Settled(Settlement::Rejected(letter));
        }
    };
    // The same event converts to the same, however often it is tried.
    match Mapped::new(&event, destination, UnixSeconds(pending.at / 1_000)).decide() {
        Ok(Decision::Convert(conversion)) => {
            let id = EventId(pending.seq.unsigned_abs());
            let submission = Submission::new(id, conversion.plan, conversion.identities);
            Converted::Submission(Box::new(submission), Passenger::of(&event))
        }
        Ok(_) => Converted::Settled(Settlement::Skipped),
        Err(rejection) if is_never_wanted(&event, rejection.code) => {
            Converted::Settled(Settlement::Dismissed(rejection.code.as_str()))
        }
        Err(rejection) => {
            let detail = RejectionDetail {
                path: &rejection.path,
                message: &rejection.message,
            };
            let letter = Passenger::of(&event).letter(rejection.code.as_str(), &detail);
            Converted::Settled(Settlement::Rejected(letter))
        }
    }
}

/// SDKs send these types unasked, and Intercom v2 takes none of them: no change of theirs or ours would deliver them.
fn is_never_wanted(event: &Event<'_>, code: RejectionCode) -> bool {
    let is_known = matches!(event, Event::Page(_) | Event::Screen(_) | Event::Alias(_));
    is_known && code == RejectionCode::UnsupportedEventType
}

/// Notes outcomes in the store.
async fn note(mut outcomes: Outcomes, store: Store, passengers: Passengers) -> Result<(), Error> {
    while let Some(first) = outcomes.next().await {
        let mut settled = Vec::new();
        let mut next = Some(first);
        while let Some(outcome) = next {
            settled.extend(settle(outcome, &passengers));
            next = if settled.len() < OUTCOMES {
                at_once(&mut outcomes).await
            } else {
                None
            };
        }
        if !settled.is_empty() {
            store.settle(settled).await?;
        }
    }
    Ok(())
}

/// The next outcome, if it is there already.
async fn at_once(outcomes: &mut Outcomes) -> Option<Outcome> {
    let mut next = pin!(outcomes.next());
    poll_fn(|context| match next.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[derive(Serialize)]
struct FailureDetail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intercom_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'a str>,
    attempts: u32,
    calls: u32,
}

impl<'a> From<&'a Failed> for FailureDetail<'a> {
    fn from(failed: &'a Failed) -> Self {
        Self {
            operation: failed.operation,
            status: failed.status,
            intercom_code: failed.intercom_code.as_deref(),
            request_id: failed.request_id.as_deref(),
            attribute: failed.attribute.as_deref(),
            attempts: failed.attempts,
            calls: failed.calls,
        }
    }
}

/// What is noted of an outcome; nothing, if the event is to stay in the queue.
fn settle(outcome: Outcome, passengers: &Passengers) -> Option<Settled> {
    let seq = i64::try_from(outcome.event.0).ok()?;
    let passenger = lock(passengers).remove(&seq).unwrap_or_default();
    let settlement = match outcome.result {
        DeliveryResult::Delivered(_) => Settlement::Delivered,
        DeliveryResult::Rejected(rejected) => {
            #[derive(Serialize)]
            struct Detail {
                calls: u32,
            }
            let detail = Detail { calls: rejected.calls };
            Settlement::Rejected(passenger.letter(rejected.code.as_str(), &detail))
        }
        DeliveryResult::Failed(failed) => match failed.code {
            // Not the event's fault, and not the end of it.
            FailureCode::Stopped | FailureCode::Unauthorized => return None,
            code => Settlement::Failed(passenger.letter(code.as_str(), &FailureDetail::from(&*failed))),
        },
        // A result that this version does not know is not taken for one that it knows.
        _ => return None,
    };
    Some(Settled::new(seq, settlement))
}
