//! The program's record of outcomes, as far as it is on disk.

use intercom_delivery::{DeliveryResult, FailureCode, KnownContact, Outcome};
use std::collections::VecDeque;
use std::time::Duration;

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

/// What is written of an outcome.
#[derive(Debug)]
struct Entry {
    on_disk: u64,
    event: usize,
    done: Option<Done>,
    /// What was learnt, as the program writes it: as JSON.
    learnt: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    /// What is written, in order.
    unsynced: VecDeque<Entry>,
    /// What is on disk, by event; more than one entry is a fault.
    pub(super) done: Vec<Vec<Done>>,
    /// What was learnt, and when, the oldest first.
    learnt: VecDeque<(u64, String)>,
}

impl Journal {
    pub(super) fn new(events: usize) -> Self {
        Self {
            done: vec![Vec::new(); events],
            ..Self::default()
        }
    }

    /// Writes an outcome, which is on disk at this time.
    pub(super) fn write(&mut self, event: usize, outcome: &Outcome, on_disk: u64) {
        let learnt = outcome.learnt.as_deref();
        self.unsynced.push_back(Entry {
            // What is written later is not on disk before.
            on_disk: self.unsynced.back().map_or(on_disk, |last| on_disk.max(last.on_disk)),
            event,
            done: Done::of(outcome),
            learnt: learnt.and_then(|contact| serde_json::to_string(contact).ok()),
        });
    }

    /// Brings the record to what is on disk at this time; the rest is lost if the program is killed.
    pub(super) fn sync(&mut self, now: u64, is_killed: bool) {
        while self.unsynced.front().is_some_and(|entry| entry.on_disk <= now) {
            let Some(entry) = self.unsynced.pop_front() else { return };
            self.done[entry.event].extend(entry.done);
            self.learnt.extend(entry.learnt.map(|contact| (entry.on_disk, contact)));
            let beyond = self.learnt.len().saturating_sub(KnownContact::KEPT);
            self.learnt.drain(..beyond);
        }
        if is_killed {
            self.unsynced.clear();
        }
    }

    /// What a run that starts now reads of contacts.
    pub(super) fn learnt(&self, now: u64) -> impl Iterator<Item = KnownContact> {
        let is_kept = move |at: u64| Duration::from_millis(now.saturating_sub(at)) <= KnownContact::KEPT_FOR;
        self.learnt
            .iter()
            .filter(move |(at, _)| is_kept(*at))
            .filter_map(|(_, contact)| serde_json::from_str(contact).ok())
    }

    pub(super) fn is_done(&self, event: usize) -> bool {
        !self.done[event].is_empty()
    }
}
