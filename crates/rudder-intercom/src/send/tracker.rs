//! Follows the events that are under way to their outcomes.

use super::abort::AbortRule;
use super::awaiting::{Awaiting, AwaitingError, Kept};
use super::dead_letters::{DeadLetters, dead_letter_id};
use super::prepare::Ready;
use super::summary::Summary;
use super::under_way::UnderWay;
use crate::convert::now;
use intercom_delivery::client::{Outcomes, Record, Submissions};
use intercom_delivery::journal::{DeadLetterId, Done, Entry, Journal, JournalError};
use intercom_delivery::{
    DeliveryResult, EventId, FailureCode, FailureRecord, Intent, Outcome, Subject, Submission, Undelivered,
};
use rudderstack_to_intercom::Plan;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};

/// How many KiB of text of events may be under way.
const KIBIBYTES: u32 = 32 * 1024;
/// How many outcomes are recorded in one commit at most.
const COMMIT: usize = 1000;

/// Why the record of outcomes cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("the journal {} cannot be written", path.display())]
    Journal { path: PathBuf, source: JournalError },
    #[error("the dead letters {} cannot be written", path.display())]
    DeadLetters { path: PathBuf, source: io::Error },
    #[error("the temporary file of events that wait for their contact cannot be used")]
    Awaiting(#[source] AwaitingError),
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
            lock(&self.under_way).insert(event, under_way);
        });
        recalled.map_err(RecordError::Awaiting)
    }

    /// Deals with what has no outcome: what has waited for its contact in vain ends as it is; what was not taken in any more,
    /// as the delivery has ended for this reason, counts as failed, and goes on later.
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
        records.settle_held(true)?;
        records.commit()?;
        records.amend()?;
        Ok(records.aborted)
    }

    fn goes_on_later(&self, event: &UnderWay, code: FailureCode, records: &mut Records) -> Result<(), RecordError> {
        self.update(|summary| summary.failed(event.kind, code.as_str(), event.line, || None));
        let mut record = FailureRecord::new(code.as_str());
        code.meaning().trim_end_matches('.').clone_into(&mut record.reason);
        records.keep_for_later(event, record)
    }

    fn done(&self, mut outcome: Outcome, records: &mut Records) -> Result<(), RecordError> {
        let EventId(event) = outcome.event;
        let Some(under_way) = lock(&self.under_way).remove(&event) else {
            return Ok(());
        };
        if let (Some(journal), Some(contact)) = (&mut records.journal, &outcome.learnt) {
            journal
                .learn(contact, now())
                .map_err(|source| in_journal(journal, source))?;
        }
        records.awaiting.ended(event);
        if let Some(arrival) = outcome.arrival.take() {
            records.awaiting.arrived(&arrival).map_err(RecordError::Awaiting)?;
        }
        match outcome.awaits.take() {
            Some(awaited) => {
                if let (Some(journal), Some(company)) = (&mut records.journal, &awaited.submission.saved_company) {
                    let saved = journal.saved_company(event, company);
                    saved.map_err(|source| in_journal(journal, source))?;
                }
                records.waits(event, &awaited.submission, &under_way)?;
                let (kept, calls, warnings) = Kept::new(under_way, &awaited, outcome);
                self.update(|summary| {
                    summary.calls += u64::from(calls);
                    warnings.iter().for_each(|code| summary.warned(code));
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
            summary.warned(warning.code());
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
            DeliveryResult::Failed(failed) => {
                let code = failed.code.as_str();
                summary.failed(kind, code, line, || failed.operation.map(|_| failed.to_string()));
                summary.calls += u64::from(failed.calls);
                drop(summary);
                let record = FailureRecord::from(&**failed);
                if outcome.goes_on_later() || records.aborted == Some(failed.code) {
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
                // Only with a journal can an event that was held back come again.
                let is_over = records.journal.is_none();
                records.settle_held(is_over)
            }
        }
    }
}

fn record_of(
    under_way: &UnderWay,
    record: FailureRecord,
    records: &Records,
) -> Result<Option<FailureRecord>, RecordError> {
    match &records.dead_letters {
        Some(dead_letters) => under_way
            .record(record)
            .map_err(|source| in_dead_letters(dead_letters, source)),
        None => Ok(None),
    }
}

/// A failure that is not recorded yet.
#[derive(Debug)]
struct Held {
    entry: Entry<'static>,
    /// What goes to the dead letters, if there are any.
    record: Option<FailureRecord>,
}

/// Where outcomes are recorded.
#[derive(Debug)]
pub(super) struct Records {
    journal: Option<Journal>,
    dead_letters: Option<DeadLetters>,
    rule: AbortRule,
    /// Why the delivery is aborted, if it is.
    aborted: Option<FailureCode>,
    /// Failures that count as not sent, should the delivery be aborted.
    held: Vec<Held>,
    /// What must not be undone by sending an event again that has failed.
    undelivered: Undelivered,
    /// The dead letters of these events.
    dead_letter_ids: BTreeMap<u64, DeadLetterId>,
    /// What waits for its contact.
    awaiting: Awaiting,
    /// Whether all has been tried, so that nothing can be aborted any more.
    is_over: bool,
}

impl Records {
    pub(super) fn new(
        journal: Option<Journal>,
        dead_letters: Option<DeadLetters>,
        rule: AbortRule,
    ) -> Result<Self, JournalError> {
        let (mut undelivered, mut dead_letter_ids) = (Undelivered::default(), BTreeMap::new());
        if let Some(journal) = &journal {
            journal.undelivered(|event, dead_letter, subject, superseded| {
                undelivered.add(event, subject, superseded);
                dead_letter_ids.insert(event, dead_letter);
            })?;
        }
        Ok(Self {
            journal,
            dead_letters,
            rule,
            aborted: None,
            held: Vec::new(),
            undelivered,
            dead_letter_ids,
            awaiting: Awaiting::default(),
            is_over: false,
        })
    }

    /// An event has failed: what later ones write must not be undone by sending it again.
    fn not_delivered(
        &mut self,
        event: u64,
        submission: &Submission,
        under_way: &UnderWay,
        record: Option<&FailureRecord>,
    ) -> Result<(), RecordError> {
        let subject = Subject::of(&submission.plan, &submission.identities);
        self.undelivered.add(event, subject, under_way.superseded.clone());
        let dead_letter = record.and_then(dead_letter_id).unwrap_or(DeadLetterId {
            line: under_way.line,
            fingerprint: 0,
        });
        self.dead_letter_ids.insert(event, dead_letter);
        while self.dead_letter_ids.len() > Undelivered::KEPT {
            self.dead_letter_ids.pop_first();
        }
        self.keep(&[event])
    }

    /// The link to a company waits for its contact: if it is made by the next run, or from the dead letters, it must not
    /// outlive a removal that comes with the contact.
    fn waits(&mut self, event: u64, submission: &Submission, under_way: &UnderWay) -> Result<(), RecordError> {
        let comes_again = self.journal.is_some() || self.dead_letters.is_some();
        match &submission.plan {
            Plan::SaveCompany(_) if comes_again => self.not_delivered(event, submission, under_way, None),
            Plan::SaveCompany(_) | Plan::SubmitEvent(_) | Plan::SaveContact(_) | Plan::DeleteContact(_) => Ok(()),
        }
    }

    /// An event was delivered: takes note of what it has written, if that is later than one that has failed.
    fn written(&mut self, event: u64, submission: Option<&Submission>) -> Result<(), RecordError> {
        if self.undelivered.remove(event).is_some() {
            self.dead_letter_ids.remove(&event);
            if let Some(journal) = &mut self.journal {
                let forgotten = journal.forget_undelivered(event);
                forgotten.map_err(|source| in_journal(journal, source))?;
            }
        }
        let Some(submission) = submission else { return Ok(()) };
        let changed = self
            .undelivered
            .delivered(event, &submission.plan, &submission.identities);
        self.keep(&changed)
    }

    fn keep(&mut self, events: &[u64]) -> Result<(), RecordError> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        for event in events {
            if let (Some(dead_letter), Some(known)) = (self.dead_letter_ids.get(event), self.undelivered.get(*event)) {
                let kept = journal.keep_undelivered(*event, *dead_letter, known);
                kept.map_err(|source| in_journal(journal, source))?;
            }
        }
        Ok(())
    }

    /// Adds to the dead letters what later events have written.
    fn amend(&mut self) -> Result<(), RecordError> {
        let Some(dead_letters) = &mut self.dead_letters else {
            return Ok(());
        };
        let known = self.undelivered.iter();
        let news = known.filter_map(|(event, superseded)| Some((*self.dead_letter_ids.get(&event)?, superseded)));
        let amended = dead_letters.amend(&news.collect());
        amended.map_err(|source| in_dead_letters(dead_letters, source))
    }

    fn count(&mut self, failure: Option<FailureCode>) {
        if self.is_over {
            return;
        }
        let reason = self.rule.count(failure);
        self.aborted = self.aborted.or(reason);
    }

    /// Keeps an event that is not done with: the next run sends it by the journal, or else by the dead letters.
    fn keep_for_later(&mut self, event: &UnderWay, record: FailureRecord) -> Result<(), RecordError> {
        if self.journal.is_some() {
            return Ok(());
        }
        match record_of(event, record, self)? {
            Some(record) => self.bury(&record),
            None => Ok(()),
        }
    }

    /// Records failures that were held back, as soon as it is known whether the delivery goes on.
    fn settle_held(&mut self, is_over: bool) -> Result<(), RecordError> {
        if !is_over && self.rule.is_open() && self.aborted.is_none() {
            return Ok(());
        }
        let aborted = self.aborted.map(FailureCode::as_str);
        for held in std::mem::take(&mut self.held) {
            let comes_again = self.journal.is_some() && aborted.is_some() && held.entry.code == aborted;
            if comes_again {
                continue;
            }
            if let Some(record) = held.record {
                self.bury(&record)?;
                self.record(&held.entry)?;
            }
        }
        if let (Some(journal), Some(code)) = (&mut self.journal, aborted) {
            journal.take_back(code).map_err(|source| in_journal(journal, source))?;
        }
        Ok(())
    }

    /// Writes a dead letter.
    fn bury(&mut self, record: &FailureRecord) -> Result<(), RecordError> {
        match &mut self.dead_letters {
            Some(dead_letters) => dead_letters
                .add(record)
                .map_err(|source| in_dead_letters(dead_letters, source)),
            None => Ok(()),
        }
    }

    fn intend(&mut self, intent: &Intent) -> Result<(), RecordError> {
        match &mut self.journal {
            Some(journal) => journal.intend(intent).map_err(|source| in_journal(journal, source)),
            None => Ok(()),
        }
    }

    fn record(&mut self, entry: &Entry<'_>) -> Result<(), RecordError> {
        match &mut self.journal {
            Some(journal) => journal.record(entry).map_err(|source| in_journal(journal, source)),
            None => Ok(()),
        }
    }

    /// The dead letters first: what the journal calls done must not be lost.
    fn commit(&mut self) -> Result<(), RecordError> {
        if let Some(dead_letters) = &mut self.dead_letters {
            dead_letters
                .sync()
                .map_err(|source| in_dead_letters(dead_letters, source))?;
        }
        if let Some(journal) = &mut self.journal {
            journal.commit().map_err(|source| in_journal(journal, source))?;
        }
        Ok(())
    }
}

fn in_journal(journal: &Journal, source: JournalError) -> RecordError {
    RecordError::Journal {
        path: journal.path().to_owned(),
        source,
    }
}

fn in_dead_letters(dead_letters: &DeadLetters, source: io::Error) -> RecordError {
    RecordError::DeadLetters {
        path: dead_letters.path().to_owned(),
        source,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
