//! Follows the events that are under way to their outcomes.

use super::awaiting::Kept;
use super::prepare::Ready;
use super::records::{Held, RecordError, Records, in_journal, record_of};
use super::summary::Summary;
use super::under_way::UnderWay;
use crate::convert::now;
use intercom_delivery::client::{Outcomes, Record, Submissions};
use intercom_delivery::journal::{Done, Entry};
use intercom_delivery::{DeliveryResult, EventId, FailureCode, FailureRecord, Outcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};

/// How many KiB of text of events may be under way.
const KIBIBYTES: u32 = 4 * 1024;
/// How many outcomes are recorded in one commit at most.
const COMMIT: usize = 1000;

/// How many events have come how far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SoFar {
    /// Those that earlier runs have done.
    pub(super) earlier: u64,
    /// Those that have come to an outcome in this run.
    pub(super) done: u64,
    /// Those that have failed in this run or an earlier one.
    pub(super) failed: u64,
    /// Those that have been handed over.
    pub(super) under_way: u64,
    /// Those that wait for their contact.
    pub(super) awaiting: u64,
}

/// Knows the events that are under way, and what became of the others.
#[derive(Debug)]
pub(super) struct Tracker {
    under_way: Mutex<BTreeMap<u64, UnderWay>>,
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

    /// How far the delivery is.
    pub(super) fn so_far(&self) -> SoFar {
        let under_way = lock(&self.under_way).len() as u64;
        let summary = lock(&self.summary);
        let outcomes = summary.outcomes();
        SoFar {
            earlier: summary.earlier,
            done: outcomes.events() - summary.earlier,
            failed: outcomes.failed,
            under_way,
            awaiting: summary.awaiting(),
        }
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
            received_at: ready.received_at,
            json: ready.json.take(),
            superseded: ready.superseded.clone(),
            has_waited: false,
            _room: Some(room),
        };
        lock(&self.under_way).insert(event, under_way);
    }

    /// Follows outcomes until there are no more, and gives journal and dead letters what they need. Has events delivered
    /// that wait for a contact which comes: so the delivery ends only once the input is `read`, and nothing is left that a
    /// contact may come with. Calls `stop` when there is no point in reading on.
    pub(super) async fn follow(
        &self,
        mut outcomes: Outcomes,
        submissions: Submissions,
        mut records: Records,
        mut read: watch::Receiver<bool>,
        stop: impl Fn(),
    ) -> Result<Records, RecordError> {
        let mut batch = Vec::with_capacity(COMMIT);
        let mut submissions = Some(submissions);
        loop {
            let is_read = *read.borrow_and_update();
            if let Some(way_in) = &submissions
                && (way_in.is_closed() || is_read && self.is_idle() && records.awaiting.is_idle())
            {
                submissions = None;
            }
            let taken = tokio::select! {
                taken = outcomes.next_records(&mut batch, COMMIT) => taken,
                changed = read.changed(), if !is_read => match changed {
                    Ok(()) => continue,
                    // Whoever reads is gone.
                    Err(_) => {
                        submissions = None;
                        outcomes.next_records(&mut batch, COMMIT).await
                    }
                },
            };
            if taken == 0 {
                return Ok(records);
            }
            let mut is_over = false;
            let mut intents = Vec::new();
            for record in batch.drain(..) {
                match record {
                    Record::Outcome(outcome) => {
                        is_over |= outcome.goes_on_later();
                        self.done(outcome, &mut records)?;
                    }
                    Record::Attempt(_) => {}
                    Record::Intent(intent) => {
                        records.intend(&intent)?;
                        intents.push(intent);
                    }
                }
            }
            records.commit()?;
            intents.into_iter().for_each(|intent| outcomes.noted(intent));
            if let Some(way_in) = &submissions {
                self.recall(&mut records, way_in)?;
            }
            if is_over || records.aborted.is_some() {
                stop();
            }
        }
    }

    /// Whether no event is under way.
    fn is_idle(&self) -> bool {
        lock(&self.under_way).is_empty()
    }

    /// Has the next events delivered that have waited for a contact which has come.
    fn recall(&self, records: &mut Records, submissions: &Submissions) -> Result<(), RecordError> {
        let Records {
            awaiting, undelivered, ..
        } = records;
        let recalled = awaiting.recall(submissions, |event, mut under_way| {
            under_way.knows(undelivered.get(event));
            self.update(Summary::waits_no_more);
            lock(&self.under_way).insert(event, under_way);
        });
        recalled.map_err(RecordError::Awaiting)
    }

    /// Deals with what has no outcome: what has waited for its contact in vain ends as it is; what was not taken in any more,
    /// as the delivery has ended for this reason, counts as not sent, and goes on later.
    pub(super) fn finish(
        &self,
        mut records: Records,
        ended: Option<FailureCode>,
    ) -> Result<Option<FailureCode>, RecordError> {
        let code = ended.unwrap_or(FailureCode::Stopped);
        let left = std::mem::take(&mut *lock(&self.under_way));
        for event in left.into_values() {
            self.goes_on_later(&event, code, &mut records)?;
        }
        records.is_over = true;
        let mut count = 0_usize;
        while let Some((event, kept)) = records.awaiting.pop_first().map_err(RecordError::Awaiting)? {
            let (mut under_way, outcome) = kept.into_parts();
            self.update(Summary::waits_no_more);
            // Nobody has come.
            under_way.has_waited = false;
            under_way.knows(records.undelivered.get(event));
            match ended {
                Some(code) => self.goes_on_later(&under_way, code, &mut records)?,
                None => self.settle(event, &under_way, &outcome, &mut records)?,
            }
            count += 1;
            if count.is_multiple_of(COMMIT) {
                records.commit()?;
            }
        }
        records.settle_held()?;
        records.commit()?;
        let all_is_done = ended.is_none() && records.aborted.is_none();
        records.amend(all_is_done)?;
        Ok(records.aborted)
    }

    fn goes_on_later(&self, event: &UnderWay, code: FailureCode, records: &mut Records) -> Result<(), RecordError> {
        self.update(|summary| summary.not_sent(event.kind));
        let mut record = FailureRecord::new(code.as_str());
        code.meaning().trim_end_matches('.').clone_into(&mut record.reason);
        records.keep_for_later(event, record)
    }

    fn done(&self, mut outcome: Outcome, records: &mut Records) -> Result<(), RecordError> {
        let EventId(event) = outcome.event;
        let Some(under_way) = lock(&self.under_way).remove(&event) else {
            return Ok(());
        };
        if let Some(contact) = &outcome.learnt {
            in_journal(&mut records.journal, |journal| journal.learn(contact, now()))?;
        }
        records.awaiting.ended(event);
        if let Some(arrival) = outcome.arrival.take() {
            records.awaiting.arrived(&arrival).map_err(RecordError::Awaiting)?;
        }
        match outcome.awaits.take() {
            Some(awaited) => {
                if let Some(company) = &awaited.submission.saved_company {
                    in_journal(&mut records.journal, |journal| journal.saved_company(event, company))?;
                }
                records.waits(event, &awaited.submission, &under_way)?;
                let line = under_way.line;
                let (kept, calls, warnings) = Kept::new(under_way, &awaited, outcome);
                self.update(|summary| {
                    summary.waits();
                    summary.calls += u64::from(calls);
                    warnings.iter().for_each(|warning| summary.warned_by(warning, line));
                });
                let kept = records.awaiting.keep(event, &awaited.keys, &kept);
                kept.map_err(RecordError::Awaiting)
            }
            None => self.settle(event, &under_way, &outcome, records),
        }
    }

    /// Records what has become of an event in the end.
    fn settle(
        &self,
        event: u64,
        under_way: &UnderWay,
        outcome: &Outcome,
        records: &mut Records,
    ) -> Result<(), RecordError> {
        let (kind, line) = (under_way.kind, under_way.line);
        let entry = |done, code, calls| Entry {
            event,
            done,
            code,
            calls,
            fingerprint: under_way.fingerprint,
        };
        let mut summary = lock(&self.summary);
        for warning in &outcome.warnings {
            summary.warned_by(warning, line);
        }
        match &outcome.result {
            DeliveryResult::Delivered(delivered) => {
                summary.delivered(kind);
                summary.waited += u64::from(under_way.has_waited);
                summary.calls += u64::from(delivered.calls);
                drop(summary);
                records.count(None);
                records.written(event, outcome.submission.as_deref())?;
                records.record(&entry(Done::Delivered, None, delivered.calls))
            }
            DeliveryResult::Rejected(rejected) => {
                let code = rejected.code.as_str();
                summary.rejected(kind, code, line);
                summary.calls += u64::from(rejected.calls);
                drop(summary);
                records.count(None);
                records.record(&entry(Done::Rejected, Some(code), rejected.calls))
            }
            DeliveryResult::Failed(failed) if outcome.goes_on_later() => {
                summary.not_sent(kind);
                summary.calls += u64::from(failed.calls);
                drop(summary);
                records.keep_for_later(under_way, FailureRecord::from(&**failed))
            }
            DeliveryResult::Failed(failed) => {
                let code = failed.code.as_str();
                summary.failed(kind, code, line, || failed.operation.map(|_| failed.to_string()));
                summary.calls += u64::from(failed.calls);
                drop(summary);
                let record = FailureRecord::from(&**failed);
                if records.aborted == Some(failed.code) {
                    return records.keep_for_later(under_way, record);
                }
                let entry = entry(Done::Failed, Some(code), failed.calls);
                records.count(Some(failed.code));
                let held = Held {
                    entry,
                    record: record_of(under_way, record, records)?,
                };
                records.not_delivered(event, &failed.submission, under_way, held.record.as_ref())?;
                records.held.push(held);
                records.settle_held()
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
