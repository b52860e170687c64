//! What the writer takes together.

use super::accepted::{Accepted, Refusal};
use super::awaiting::Recalled;
use super::early::EarlyEvent;
use super::settled::Settled;
use super::target::{Target, TargetId};
use crate::event::CompleteEvent;
use intercom_delivery::ContactKey;
use tokio::sync::oneshot;

/// How many bytes of events one transaction takes in. More would only make the first of them wait longer.
const TRANSACTION_BYTES: usize = 8 << 20;
/// How many events may be settled in one transaction.
const TRANSACTION_SETTLED: usize = 8_192;

/// Which events are put back.
#[derive(Debug)]
pub(super) struct Recall {
    pub(super) target: Option<Target>,
    pub(super) keys: Vec<ContactKey>,
    pub(super) limit: usize,
    pub(super) reply: oneshot::Sender<Vec<Recalled>>,
}

pub(super) type Reply = oneshot::Sender<Result<Accepted, Refusal>>;

/// What is written in one transaction.
#[derive(Default)]
pub(super) struct Group {
    pub(super) requests: Vec<Vec<CompleteEvent>>,
    pub(super) replies: Vec<Reply>,
    pub(super) bytes: usize,
    pub(super) settled: Vec<Settled>,
    pub(super) keeps: Vec<(EarlyEvent, oneshot::Sender<Result<(), Refusal>>)>,
    pub(super) looked: Vec<(TargetId, Vec<ContactKey>)>,
    pub(super) recalls: Vec<Recall>,
}

impl Group {
    pub(super) fn accept(&mut self, events: Vec<CompleteEvent>, reply: Reply) {
        self.bytes += events.iter().map(|event| event.json.len()).sum::<usize>();
        self.requests.push(events);
        self.replies.push(reply);
    }

    pub(super) fn is_empty(&self) -> bool {
        let has_events = !(self.requests.is_empty() && self.settled.is_empty() && self.keeps.is_empty());
        !has_events && self.recalls.is_empty() && self.looked.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= TRANSACTION_BYTES || self.settled.len() + self.keeps.len() >= TRANSACTION_SETTLED
    }
}
