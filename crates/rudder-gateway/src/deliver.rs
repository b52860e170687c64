//! From the store to Intercom, for as long as it takes.

use crate::feed::{Feeder, Known, UnderWay, lock, rejected};
use crate::metrics::Metrics;
use crate::monitor::Monitor;
use crate::recall::Recaller;
use crate::settings::Settings;
use event_store::Error;
use event_store::now;
use event_store::{Awaited, How, Note, Queue, Settled, Settlement, Store, Undelivered};
use intercom_delivery::client::{Control, Delivery, Outcomes, Record, Transport};
use intercom_delivery::{Attempt, ContactKey, DeliveryResult, FailureRecord, Intent, Outcome};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How many outcomes are noted at a time.
const OUTCOMES: usize = 1_024;
/// How long to wait until it is asked again whether what is about to be done is written.
const NOTE_AGAIN: Duration = Duration::from_millis(200);
/// How many events are put back at a time.
const PUT_BACK: usize = 500;

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
        let mut engine = settings.engine.clone();
        engine.notes_intents = true;
        engine.notes_attempts = true;
        let (mut delivery, submissions, outcomes, control) = Delivery::new(engine, transport.clone());
        monitor.delivers(control.clone());
        let reader = match queue.take() {
            Some(queue) => queue,
            None => store.queue()?,
        };
        let come = come_before(&reader)?;
        put_back(&store, come).await;
        let (ending, ended) = mpsc::unbounded_channel();
        let under_way = UnderWay::default();
        let recaller = Recaller::new(
            store.clone(),
            settings.destination.clone(),
            submissions.clone(),
            Arc::clone(&under_way),
        );
        let mut feeder = Feeder::new(
            &settings,
            store.clone(),
            submissions,
            control.clone(),
            Arc::clone(&under_way),
            Arc::clone(&monitor.metrics),
            ended,
        );
        feeder.remember_intents(reader.intents()?);
        feeder.remember_companies(reader.saved_companies()?);
        for key in reader.awaited()? {
            delivery.await_contact(key);
        }
        for contact in reader.learnt()? {
            delivery.remember_contact(&contact);
            feeder.remember_contact(&contact);
        }
        let run = tokio::spawn(delivery.run());
        let noting = tokio::spawn(note(
            outcomes,
            store.clone(),
            under_way,
            recaller,
            ending,
            Arc::clone(&monitor.metrics),
            control.clone(),
        ));
        let fed = feeder.feed(reader, &mut stop).await;
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
        match ended {
            Ok(status) if status.halted => monitor.token_refused(true),
            Ok(_) => continue,
            Err(_) => tracing::error!(code = "engine_failed", "the delivery engine has failed; events wait"),
        }
        tokio::select! {
            () = tokio::time::sleep(settings.token_retry) => {}
            () = settings.token_renewed.notified() => {}
            _ = stop.changed() => {}
        }
    }
    Ok(())
}

/// Under what contacts have come that events wait for: the last run ended before it came to it.
fn come_before(queue: &Queue) -> Result<Vec<ContactKey>, Error> {
    let awaited: HashSet<ContactKey> = queue.awaited()?.into_iter().collect();
    if awaited.is_empty() {
        return Ok(Vec::new());
    }
    let known = queue.learnt()?;
    let known = known.iter().filter(|contact| !contact.is_gone);
    let come: HashSet<ContactKey> = known.flat_map(ContactKey::of_contact).collect();
    Ok(come.intersection(&awaited).copied().collect())
}

/// Puts events back into the queue whose contact has come.
async fn put_back(store: &Store, come: Vec<ContactKey>) {
    // What cannot be written now goes on waiting.
    while !come.is_empty()
        && store
            .recall(come.clone(), PUT_BACK)
            .await
            .is_ok_and(|back| !back.is_empty())
    {}
}

/// Notes outcomes in the store.
async fn note(
    mut outcomes: Outcomes,
    store: Store,
    under_way: UnderWay,
    recaller: Recaller,
    ending: mpsc::UnboundedSender<i64>,
    metrics: Arc<Metrics>,
    control: Control,
) -> Result<(), Error> {
    let mut batch = Vec::with_capacity(OUTCOMES);
    while outcomes.next_records(&mut batch, OUTCOMES).await > 0 {
        let (mut settled, mut intents, mut arrivals) = (Vec::new(), Vec::new(), Vec::new());
        let mut attempts = Vec::new();
        for record in batch.drain(..) {
            match record {
                Record::Outcome(mut outcome) => {
                    arrivals.extend(outcome.arrival.take());
                    settled.extend(settle(outcome, &under_way, &metrics));
                }
                Record::Attempt(attempt) => attempts.push(attempt),
                Record::Intent(intent) => intents.push(intent),
            }
        }
        let ended: Vec<i64> = settled.iter().map(|settled| settled.seq).collect();
        let begun = |intent: &Intent| {
            let mut settled = Settled::new(i64::try_from(intent.event.0).ok()?, Settlement::GoesOn);
            settled.begun_with = Some(intent.contact.clone());
            Some(settled)
        };
        settled.extend(intents.iter().filter_map(begun));
        // What has failed comes before what became of it.
        settled.splice(0..0, attempts.into_iter().filter_map(failed));
        store.settle(settled).await?;
        for event in ended {
            recaller.ended(event);
            // Nobody is interested any more once the feeding has ended.
            let _ = ending.send(event);
        }
        arrivals.into_iter().for_each(|arrival| recaller.arrived(arrival));
        if !intents.is_empty() {
            while !store.is_written().await? && !control.status().closed {
                tokio::time::sleep(NOTE_AGAIN).await;
            }
            intents.into_iter().for_each(|intent| outcomes.noted(intent));
        }
    }
    Ok(())
}

/// What is noted of a call that has failed.
fn failed(attempt: Attempt) -> Option<Settled> {
    let mut settled = Settled::new(i64::try_from(attempt.event.0).ok()?, Settlement::GoesOn);
    settled.attempt = Some(Box::new(attempt));
    Some(settled)
}

/// What is noted of an outcome.
fn settle(outcome: Outcome, under_way: &UnderWay, metrics: &Metrics) -> Option<Settled> {
    let seq = i64::try_from(outcome.event.0).ok()?;
    let Known {
        about,
        received_at,
        notes,
    } = lock(under_way).remove(&seq).unwrap_or_default();
    let mut how = How::default();
    let goes_on_later = outcome.goes_on_later();
    let mut submission = outcome.submission;
    if let Some(awaits) = outcome.awaits {
        let mut awaited = Awaited::new(awaits.keys);
        awaited.saved_company = awaits.submission.saved_company;
        if let DeliveryResult::Failed(failed) = &outcome.result {
            let record = FailureRecord::from(&**failed);
            awaited.otherwise = Some(Box::new(Undelivered::new(record, about)));
        }
        metrics.events("awaits", 1);
        let mut settled = Settled::new(seq, Settlement::Awaits(Box::new(awaited)));
        settled.learnt = outcome.learnt;
        return Some(settled);
    }
    let settlement = match outcome.result {
        _ if goes_on_later => Settlement::GoesOn,
        DeliveryResult::Delivered(delivered) => {
            how.calls = delivered.calls;
            how.unchanged = delivered.unchanged;
            how.request_id = outcome.request_id;
            how.notes = notes;
            how.notes.extend(outcome.warnings.iter().map(Note::from));
            metrics.delivered(Duration::from_millis(now().saturating_sub(received_at).unsigned_abs()));
            Settlement::Delivered
        }
        DeliveryResult::Rejected(rejection) => {
            let mut failure = FailureRecord::new(rejection.code.as_str());
            failure.calls = rejection.calls;
            metrics.failure("rejected", &failure.code);
            rejected(failure, about)
        }
        DeliveryResult::Failed(failed) => {
            metrics.failure("failed", failed.code.as_str());
            let record = FailureRecord::from(&*failed);
            submission = Some(Box::new(failed.submission));
            Settlement::Failed(Box::new(Undelivered::new(record, about)))
        }
    };
    let mut settled = Settled::new(seq, settlement);
    settled.learnt = outcome.learnt;
    settled.submission = submission;
    settled.how = how;
    Some(settled)
}
