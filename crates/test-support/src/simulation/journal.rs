//! The program's journal, which a run goes on from, and how much of it is on disk when the program is killed.

use super::scenario::START;
use super::violation::Violation;
use intercom_api::{CompanyId, ContactId, UnixSeconds};
use intercom_delivery::journal::{self, Entry, JournalError};
use intercom_delivery::{DeliveryResult, FailureCode, Intent, KnownContact, Outcome};
use std::collections::{HashMap, VecDeque};

/// What became of an event, as the record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Delivered { wrote: bool, merged: bool },
    Rejected,
    Failed(FailureCode),
}

impl Done {
    fn of(outcome: &Outcome) -> Option<Self> {
        if outcome.goes_on_later() {
            return None;
        }
        Some(match &outcome.result {
            DeliveryResult::Delivered(delivered) => Self::Delivered {
                wrote: !delivered.unchanged,
                merged: delivered.merged_into.is_some(),
            },
            DeliveryResult::Rejected(_) => Self::Rejected,
            DeliveryResult::Failed(failed) => Self::Failed(failed.code),
        })
    }
}

/// What a run that starts reads of what is left to be done.
pub(super) struct Left {
    pub(super) events: Vec<usize>,
    pub(super) begun: HashMap<u64, ContactId>,
    pub(super) saved_companies: HashMap<u64, CompanyId>,
}

/// What is written.
#[derive(Debug)]
enum Written {
    Outcome(usize, Box<Outcome>),
    Intent(Intent),
    /// An event waits for its contact: what it has taught, and the company that was saved for it.
    Waits(usize, Box<Outcome>),
}

/// What the program keeps, in its own journal, and what is seen of it from outside.
#[derive(Debug)]
pub(super) struct Journal {
    record: journal::Journal,
    /// What is written, in order, and when it is on disk.
    unsynced: VecDeque<(u64, Written)>,
    /// What is on disk, by event; more than one entry is a fault.
    pub(super) done: Vec<Vec<Done>>,
}

impl Journal {
    pub(super) fn new(events: usize) -> Result<Self, Violation> {
        Ok(Self {
            record: journal::Journal::in_memory()?,
            unsynced: VecDeque::new(),
            done: vec![Vec::new(); events],
        })
    }

    /// Writes an outcome, which is on disk at this time.
    pub(super) fn write(&mut self, event: usize, outcome: Outcome, on_disk: u64) {
        self.push(Written::Outcome(event, Box::new(outcome)), on_disk);
    }

    /// Writes an intent. Says when it is on disk.
    pub(super) fn intend(&mut self, intent: Intent, on_disk: u64) -> u64 {
        self.push(Written::Intent(intent), on_disk)
    }

    /// Writes that an event waits for its contact.
    pub(super) fn waits(&mut self, event: usize, outcome: Outcome, on_disk: u64) {
        self.push(Written::Waits(event, Box::new(outcome)), on_disk);
    }

    fn push(&mut self, written: Written, on_disk: u64) -> u64 {
        // What is written later is not on disk before.
        let on_disk = self.unsynced.back().map_or(on_disk, |(last, _)| on_disk.max(*last));
        self.unsynced.push_back((on_disk, written));
        on_disk
    }

    /// Brings the record to what is on disk at this time, and gives the intents that are noted by it.
    pub(super) fn sync(&mut self, now: u64) -> Result<Vec<Intent>, Violation> {
        let mut noted = Vec::new();
        while self.unsynced.front().is_some_and(|(on_disk, _)| *on_disk <= now) {
            let Some((on_disk, written)) = self.unsynced.pop_front() else {
                break;
            };
            self.record(&written, on_disk)?;
            match written {
                Written::Outcome(event, outcome) => self.done[event].extend(Done::of(&outcome)),
                Written::Intent(intent) => noted.push(intent),
                Written::Waits(..) => {}
            }
        }
        self.record.commit()?;
        Ok(noted)
    }

    /// The program is killed: what is not on disk by now is lost, be it recorded or not.
    pub(super) fn kill(&mut self, now: u64) -> Result<(), Violation> {
        self.sync(now)?;
        for (_, written) in std::mem::take(&mut self.unsynced) {
            self.record(&written, now)?;
        }
        let record = journal::Journal::in_memory()?;
        self.record = std::mem::replace(&mut self.record, record).after_kill()?;
        Ok(())
    }

    /// Records it as the program does. Lasting only once it is committed.
    fn record(&mut self, written: &Written, on_disk: u64) -> Result<(), JournalError> {
        let (event, outcome) = match written {
            Written::Outcome(event, outcome) => (*event, outcome),
            Written::Intent(intent) => return self.record.intend(intent),
            Written::Waits(event, outcome) => {
                if let Some(contact) = &outcome.learnt {
                    self.record.learn(contact, seconds(on_disk))?;
                }
                let company = outcome
                    .awaits
                    .as_ref()
                    .and_then(|awaits| awaits.submission.saved_company.as_ref());
                return match company {
                    Some(company) => self.record.saved_company(number(*event), company),
                    None => Ok(()),
                };
            }
        };
        if let Some(contact) = &outcome.learnt {
            self.record.learn(contact, seconds(on_disk))?;
        }
        let Some(done) = Done::of(outcome) else { return Ok(()) };
        let (done, code) = match &done {
            Done::Delivered { .. } => (journal::Done::Delivered, None),
            Done::Rejected => (journal::Done::Rejected, None),
            Done::Failed(code) => (journal::Done::Failed, Some(code.as_str())),
        };
        self.record.record(&Entry {
            event: number(event),
            done,
            code,
            calls: 0,
            fingerprint: number(event),
        })
    }

    /// What a run that starts now reads of contacts.
    pub(super) fn learnt(&self, now: u64) -> Result<Vec<KnownContact>, Violation> {
        let mut known = Vec::new();
        let read = self.record.learnt(seconds(now), |contact| known.push(contact.clone()));
        read?;
        Ok(known)
    }

    /// The events that a run which starts now has to deliver, and what it reads of those that were begun.
    pub(super) fn left(&self) -> Result<Left, Violation> {
        let earlier = self.record.earlier()?;
        let mut left = Vec::new();
        for event in 0..self.done.len() {
            if earlier.get(number(event), number(event))?.is_none() {
                left.push(event);
            }
        }
        Ok(Left {
            events: left,
            begun: earlier.intents,
            saved_companies: earlier.saved_companies,
        })
    }
}

impl From<JournalError> for Violation {
    fn from(error: JournalError) -> Self {
        Self::new(format!("the journal cannot be used: {error}"))
    }
}

fn number(event: usize) -> u64 {
    u64::try_from(event).unwrap_or(u64::MAX)
}

/// What the program's clock says at this time, in milliseconds from the start.
fn seconds(time: u64) -> UnixSeconds {
    let now = START.saturating_add(time) / 1_000;
    UnixSeconds(i64::try_from(now).unwrap_or(i64::MAX))
}
