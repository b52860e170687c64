//! The program's record of outcomes, as far as it is on disk.

use intercom_delivery::{DeliveryResult, FailureCode, KnownContact, Outcome};
use std::collections::VecDeque;

/// What became of an event, as the record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Delivered { wrote: bool, merged: bool },
    Rejected,
    Failed(FailureCode),
}

impl Done {
    fn of(outcome: &Outcome) -> Option<Self> {
        Some(match &outcome.result {
            DeliveryResult::Delivered(delivered) => Self::Delivered {
                wrote: !delivered.unchanged,
                merged: delivered.merged_into.is_some(),
            },
            DeliveryResult::Rejected(_) => Self::Rejected,
            DeliveryResult::Failed(failed) => match failed.code {
                // To be gone on with.
                FailureCode::Stopped | FailureCode::Unauthorized => return None,
                code => Self::Failed(code),
            },
            _ => return None,
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    /// What is written, in order, and when it is on disk.
    unsynced: VecDeque<(u64, usize, Option<Done>, Option<KnownContact>)>,
    /// What is on disk, by event; more than one entry is a fault.
    pub(super) done: Vec<Vec<Done>>,
    pub(super) known: Vec<KnownContact>,
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
        let known = outcome.learnt.as_deref().cloned();
        // What is written later is not on disk before.
        let on_disk = self.unsynced.back().map_or(on_disk, |(at, ..)| on_disk.max(*at));
        self.unsynced.push_back((on_disk, event, Done::of(outcome), known));
    }

    /// Brings the record to what is on disk at this time; the rest is lost if the program is killed.
    pub(super) fn sync(&mut self, now: u64, is_killed: bool) {
        while let Some((at, ..)) = self.unsynced.front() {
            if *at > now {
                break;
            }
            let Some((_, event, done, known)) = self.unsynced.pop_front() else {
                return;
            };
            self.done[event].extend(done);
            self.known.extend(known);
        }
        if is_killed {
            self.unsynced.clear();
        }
    }

    pub(super) fn is_done(&self, event: usize) -> bool {
        !self.done[event].is_empty()
    }
}
