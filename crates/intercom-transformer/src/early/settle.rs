//! What becomes of events of the store.

use super::draft::awaited;
use super::metrics::Early;
use super::turn::Turn;
use crate::here::result::{Circumstances, job_result};
use crate::metrics::Metrics;
use crate::protocol::status;
use crate::workspaces::{Heard, Running};
use event_store::{About, Settled, Settlement, Store, Undelivered};
use intercom_delivery::{DeliveryResult, EventId, FailureRecord, Outcome, Submission};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Mapped};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// How many outcomes are noted at a time.
const AT_A_TIME: usize = 256;
/// How long to wait until it is asked again whether what became of events is written.
const AGAIN: Duration = Duration::from_millis(200);

/// An event of the store, converted.
pub(super) enum Converted {
    /// It is not to be delivered.
    Settled(Settlement),
    Ready(Box<Submission>, About),
}

/// Converts an event of the store.
pub(super) fn convert(event: EventId, pending: &event_store::Pending, destination: &Destination) -> Converted {
    let rejected =
        |failure, about| Converted::Settled(Settlement::Rejected(Box::new(Undelivered::new(failure, about))));
    let read = match Event::from_json(&pending.body) {
        Ok(read) => read,
        Err(error) => {
            return rejected(
                FailureRecord::rejected(error.code(), "", error.to_string()),
                About::default(),
            );
        }
    };
    let about = About::from(&read);
    // As it was when it came.
    match Mapped::new(&read, destination, intercom_api::UnixSeconds(pending.at / 1_000)).decide() {
        Ok(Decision::Convert(conversion)) => {
            let submission = Submission::new(event, conversion.plan, conversion.identities);
            Converted::Ready(Box::new(submission), about)
        }
        Ok(_) => Converted::Settled(Settlement::Skipped),
        Err(rejection) => rejected(
            FailureRecord::rejected(rejection.code.as_str(), rejection.path, rejection.message),
            about,
        ),
    }
}

/// Waits for the outcomes of events that are with the engine, and notes what became of them. Those without an outcome go on
/// later.
pub(super) async fn settle_all(
    store: &Store,
    turn: &Turn,
    metrics: &Metrics,
    running: &Running,
    mut events: HashMap<EventId, (i64, About)>,
    mut outcomes: mpsc::UnboundedReceiver<Heard>,
) {
    let mut heard = Vec::with_capacity(AT_A_TIME);
    while !events.is_empty() && outcomes.recv_many(&mut heard, AT_A_TIME).await > 0 {
        let (mut settled, mut rest) = (Vec::new(), Vec::new());
        for Heard { outcome, .. } in heard.drain(..) {
            let Some((seq, about)) = events.remove(&outcome.event) else {
                continue;
            };
            let circumstances = Circumstances {
                tried_for: turn.tried_for(seq),
                others_go_through: running.others_go_through(),
            };
            match settlement(&outcome, about, circumstances) {
                Some(settlement) => settled.push(noted(seq, settlement, outcome)),
                None => rest.push(seq),
            }
        }
        count(metrics, &settled, rest.len());
        rest.into_iter().for_each(|seq| turn.rest(seq));
        note(store, turn, settled).await;
    }
    for (seq, _) in events.into_values() {
        turn.rest(seq);
    }
}

fn count(metrics: &Metrics, settled: &[Settled], rest: usize) {
    for settled in settled {
        metrics.store.event(match settled.settlement {
            Settlement::Delivered => Early::Delivered,
            Settlement::Awaits(_) => Early::WaitsAgain,
            Settlement::Failed(_) | Settlement::Rejected(_) | Settlement::Dismissed(_) => Early::Failed,
            Settlement::Skipped | Settlement::GoesOn => continue,
        });
    }
    (0..rest).for_each(|_| metrics.store.event(Early::TriedAgain));
}

/// Notes what became of events, and lets go of them once that is written: they would be read again.
pub(super) async fn note(store: &Store, turn: &Turn, settled: Vec<Settled>) {
    if settled.is_empty() {
        return;
    }
    let events: Vec<i64> = settled.iter().map(|settled| settled.seq).collect();
    if store.settle(settled).await.is_ok() {
        while let Ok(false) = store.is_written().await {
            tokio::time::sleep(AGAIN).await;
        }
    }
    events.into_iter().for_each(|seq| turn.end(seq));
}

fn noted(seq: i64, settlement: Settlement, outcome: Outcome) -> Settled {
    let mut settled = Settled::new(seq, settlement);
    if let (Settlement::Failed(_), DeliveryResult::Failed(failed)) = (&settled.settlement, outcome.result) {
        settled.submission = Some(Box::new(failed.submission));
    }
    settled
}

/// What an outcome is to an event of the store: none, if it is to be tried again.
fn settlement(outcome: &Outcome, about: About, circumstances: Circumstances) -> Option<Settlement> {
    if let Some(awaited) = awaited(outcome, &about) {
        return Some(Settlement::Awaits(Box::new(awaited)));
    }
    match (job_result(outcome, circumstances), &outcome.result) {
        (Err((failure, _)), _) if failure.status == status::THROTTLED => None,
        (_, DeliveryResult::Delivered(_)) => Some(Settlement::Delivered),
        (_, DeliveryResult::Rejected(rejected)) => {
            let mut failure = FailureRecord::new(rejected.code.as_str());
            failure.calls = rejected.calls;
            Some(Settlement::Rejected(Box::new(Undelivered::new(failure, about))))
        }
        (_, DeliveryResult::Failed(failed)) => {
            let failure = FailureRecord::from(&**failed);
            Some(Settlement::Failed(Box::new(Undelivered::new(failure, about))))
        }
    }
}
