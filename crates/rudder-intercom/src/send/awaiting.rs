//! Events that came before their contact: they wait in a temporary file until it comes, or the input ends.

use super::under_way::UnderWay;
use intercom_delivery::client::Submissions;
use intercom_delivery::journal::{AwaitedEvents, JournalError};
use intercom_delivery::{
    Arrival, ArrivalId, Awaited, ContactKey, DeliveryResult, DeliveryWarning, Outcome, Submission,
};
use rudderstack_events::EventType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// So many events are recalled at a time.
const AT_A_TIME: usize = 64;

/// Why events that wait cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum AwaitingError {
    #[error(transparent)]
    Database(#[from] JournalError),
    #[error("what was written there cannot be read")]
    Json(#[from] serde_json::Error),
}

/// What is kept of an event that waits.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    kind: String,
    under_way: UnderWay,
    submission: Box<Submission>,
    /// What it comes to if nobody comes.
    outcome: Outcome,
}

impl Kept {
    /// Keeps an event; with how many calls were made for it so far, and what there is to be warned of already.
    pub(super) fn new(
        under_way: UnderWay,
        awaited: &Awaited,
        mut outcome: Outcome,
    ) -> (Self, u32, Vec<DeliveryWarning>) {
        let calls = match &mut outcome.result {
            DeliveryResult::Delivered(delivered) => std::mem::take(&mut delivered.calls),
            DeliveryResult::Rejected(rejected) => std::mem::take(&mut rejected.calls),
            DeliveryResult::Failed(failed) => std::mem::take(&mut failed.calls),
        };
        let is_open = |warning: &DeliveryWarning| *warning == DeliveryWarning::MemberNotFound;
        let (open, settled): (Vec<_>, Vec<_>) = std::mem::take(&mut outcome.warnings).into_iter().partition(is_open);
        outcome.warnings = open;
        let kept = Self {
            kind: under_way.kind.to_owned(),
            // It takes no memory while it waits.
            under_way: UnderWay {
                _room: None,
                ..under_way
            },
            submission: awaited.submission.clone(),
            outcome,
        };
        (kept, calls, settled)
    }

    /// The event as it was, and what it comes to as it is.
    pub(super) fn into_parts(mut self) -> (UnderWay, Outcome) {
        self.under_way.kind = self.kind.parse::<EventType>().map_or("", EventType::as_str);
        self.under_way.has_waited = true;
        (self.under_way, self.outcome)
    }
}

/// The events that are delivered because their contact has come.
#[derive(Debug)]
struct Recall {
    arrival: ArrivalId,
    left: VecDeque<u64>,
    under_way: BTreeSet<u64>,
}

/// The events that wait.
#[derive(Debug, Default)]
pub(super) struct Awaiting {
    /// None before the first.
    events: Option<AwaitedEvents>,
    recalls: Vec<Recall>,
}

impl Awaiting {
    /// Whether nothing is being recalled.
    pub(super) fn is_idle(&self) -> bool {
        self.recalls.is_empty()
    }

    /// Keeps an event until its contact comes.
    pub(super) fn keep(&mut self, event: u64, keys: &[ContactKey], kept: &Kept) -> Result<(), AwaitingError> {
        let events = match &mut self.events {
            Some(events) => events,
            none => none.insert(AwaitedEvents::temporary()?),
        };
        Ok(events.keep(event, keys, &serde_json::to_string(kept)?)?)
    }

    /// A contact has come.
    pub(super) fn arrived(&mut self, arrival: &Arrival) -> Result<(), AwaitingError> {
        let events = self.events.as_ref().map(|events| events.take(&arrival.keys));
        self.recalls.push(Recall {
            arrival: arrival.id,
            left: events.transpose()?.unwrap_or_default().into(),
            under_way: BTreeSet::new(),
        });
        Ok(())
    }

    /// An event has its outcome.
    pub(super) fn ended(&mut self, event: u64) {
        for recall in &mut self.recalls {
            recall.under_way.remove(&event);
        }
    }

    /// Has the next events delivered whose contact has come, and says of each what it was.
    pub(super) fn recall(
        &mut self,
        submissions: &Submissions,
        mut begin: impl FnMut(u64, UnderWay),
    ) -> Result<(), AwaitingError> {
        for recall in self.recalls.iter_mut().filter(|recall| recall.under_way.is_empty()) {
            let mut next = Vec::new();
            while next.len() < AT_A_TIME
                && let (Some(event), Some(events)) = (recall.left.pop_front(), &self.events)
            {
                let Some(text) = events.remove(event)? else { continue };
                let kept: Kept = serde_json::from_str(&text)?;
                next.push((*kept.submission).clone());
                begin(event, kept.into_parts().0);
                recall.under_way.insert(event);
            }
            match next.is_empty() {
                true => submissions.all_recalled(recall.arrival),
                false => drop(submissions.recall(recall.arrival, next)),
            }
        }
        self.recalls.retain(|recall| !recall.under_way.is_empty());
        Ok(())
    }

    /// The first of the events that still wait.
    pub(super) fn pop_first(&mut self) -> Result<Option<(u64, Kept)>, AwaitingError> {
        let first = self.events.as_ref().map(AwaitedEvents::pop_first).transpose()?;
        let Some((event, text)) = first.flatten() else {
            return Ok(None);
        };
        Ok(Some((event, serde_json::from_str(&text)?)))
    }
}
