//! Follows the events that are under way to their outcomes.

use super::dead_letters::DeadLetters;
use super::journal::{Done, Journal, JournalError};
use super::prepare::Ready;
use super::summary::Summary;
use intercom_delivery::client::Outcomes;
use intercom_delivery::{DeliveryResult, EventId, Failed, FailureCode, Outcome};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many KiB of text of events may be under way.
const KIBIBYTES: u32 = 32 * 1024;
/// How many outcomes are recorded in one commit at most.
const COMMIT: usize = 1000;

/// What is kept of an event that is under way.
#[derive(Debug)]
struct UnderWay {
    kind: &'static str,
    line: u64,
    fingerprint: u64,
    json: Option<Box<str>>,
    _room: OwnedSemaphorePermit,
}

/// Why the record of outcomes cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("the journal cannot be written")]
    Journal(#[from] JournalError),
    #[error("the dead letters cannot be written")]
    DeadLetters(#[from] io::Error),
}

/// Knows the events that are under way, and what became of the others.
#[derive(Debug)]
pub(super) struct Tracker {
    under_way: Mutex<HashMap<u64, UnderWay>>,
    summary: Mutex<Summary>,
    room: Arc<Semaphore>,
}

impl Tracker {
    pub(super) fn new(summary: Summary) -> Self {
        Self {
            under_way: Mutex::default(),
            summary: Mutex::new(summary),
            room: Arc::new(Semaphore::new(KIBIBYTES as usize)),
        }
    }

    /// Changes the summary. No lock is handed out: two in one statement would wait for each other for ever.
    pub(super) fn update(&self, change: impl FnOnce(&mut Summary)) {
        change(&mut lock(&self.summary));
    }

    /// How many events have come to an outcome in this run.
    pub(super) fn events_done(&self) -> u64 {
        let summary = lock(&self.summary);
        summary.outcomes().events() - summary.earlier
    }

    /// The summary, once there is nothing more to come.
    pub(super) fn take_summary(&self) -> Summary {
        std::mem::take(&mut lock(&self.summary))
    }

    /// Remembers an event that is about to be handed over, once there is room for its text.
    pub(super) async fn begin(&self, event: u64, ready: &mut Ready) {
        let size = u32::try_from(ready.bytes / 1024 + 1)
            .unwrap_or(KIBIBYTES)
            .min(KIBIBYTES);
        // The semaphore is never closed.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(size).await else {
            return;
        };
        let under_way = UnderWay {
            kind: ready.kind,
            line: ready.line,
            fingerprint: ready.fingerprint,
            json: ready.json.take(),
            _room: room,
        };
        lock(&self.under_way).insert(event, under_way);
    }

    /// Takes back an event that was not taken in: it counts as failed.
    pub(super) fn turned_away(&self, event: u64, code: FailureCode) {
        if let Some(event) = lock(&self.under_way).remove(&event) {
            self.update(|summary| summary.failed(event.kind, code.as_str(), event.line, || None));
        }
    }

    /// Follows outcomes until there are no more, and gives journal and dead letters what they need.
    pub(super) async fn follow(&self, mut outcomes: Outcomes, mut records: Records) -> Result<(), RecordError> {
        while let Some(outcome) = outcomes.next().await {
            self.done(&outcome, &mut records)?;
            for _ in 1..COMMIT {
                match tokio::time::timeout(Duration::ZERO, outcomes.next()).await {
                    Ok(Some(outcome)) => self.done(&outcome, &mut records)?,
                    Ok(None) | Err(_) => break,
                }
            }
            records.commit()?;
        }
        Ok(())
    }

    fn done(&self, outcome: &Outcome, records: &mut Records) -> Result<(), RecordError> {
        let EventId(event) = outcome.event;
        let Some(under_way) = lock(&self.under_way).remove(&event) else {
            return Ok(());
        };
        let UnderWay {
            kind,
            line,
            fingerprint,
            ..
        } = under_way;
        let mut summary = lock(&self.summary);
        for warning in &outcome.warnings {
            summary.warned(warning.code());
        }
        let (done, code, calls) = match &outcome.result {
            DeliveryResult::Delivered(delivered) => {
                summary.delivered(kind);
                (Some(Done::Delivered), None, delivered.calls)
            }
            DeliveryResult::Rejected(rejected) => {
                summary.rejected(kind, rejected.code.as_str(), line);
                (Some(Done::Rejected), Some(rejected.code.as_str()), rejected.calls)
            }
            DeliveryResult::Failed(failed) => {
                let code = failed.code.as_str();
                summary.failed(kind, code, line, || failed.operation.map(|_| failed.to_string()));
                let is_kept = records.keep(failed, under_way.json.as_deref(), line)?;
                (is_kept.then_some(Done::Failed), Some(code), failed.calls)
            }
            // A result that this release does not know is none that it may call done.
            _ => {
                summary.failed(kind, "unknown_result", line, || None);
                (None, None, 0)
            }
        };
        summary.calls += u64::from(calls);
        drop(summary);
        if let (Some(journal), Some(done)) = (&mut records.journal, done) {
            journal.record(event, done, code, calls, fingerprint)?;
        }
        Ok(())
    }
}

/// Where outcomes are recorded.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) journal: Option<Journal>,
    pub(super) dead_letters: Option<DeadLetters>,
}

impl Records {
    /// Keeps an event that failed, if it is to be kept: with a journal, one that was only stopped is sent by the next run.
    fn keep(&mut self, failed: &Failed, json: Option<&str>, line: u64) -> io::Result<bool> {
        let goes_on = self.journal.is_some() && matches!(failed.code, FailureCode::Stopped | FailureCode::Unauthorized);
        match (&mut self.dead_letters, json) {
            (Some(dead_letters), Some(json)) if !goes_on => dead_letters.add(json, line, failed).map(|()| true),
            _ => Ok(false),
        }
    }

    /// The dead letters first: what the journal calls done must not be lost.
    fn commit(&mut self) -> Result<(), RecordError> {
        if let Some(dead_letters) = &mut self.dead_letters {
            dead_letters.sync()?;
        }
        if let Some(journal) = &mut self.journal {
            journal.commit()?;
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
