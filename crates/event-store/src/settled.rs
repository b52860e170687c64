//! What becomes of events.

use super::history::Note;
use intercom_api::{CompanyId, ContactId};
use intercom_delivery::{Attempt, ContactKey, FailureRecord, KnownContact, Submission};
use rudderstack_events::{Event, EventType};
use serde::{Deserialize, Serialize};

/// What became of an event of the store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settled {
    /// The event's number.
    pub seq: i64,
    /// What became of it.
    pub settlement: Settlement,
    /// What it has taught of its contact.
    pub learnt: Option<Box<KnownContact>>,
    /// The contact that it is going to be carried out with.
    pub begun_with: Option<ContactId>,
    /// What was to be delivered.
    pub submission: Option<Box<Submission>>,
    /// A call for it that has failed.
    pub attempt: Option<Box<Attempt>>,
    /// How it was delivered.
    pub how: How,
}

/// How an event was delivered, for its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct How {
    /// How many calls were made for it.
    pub calls: u32,
    /// Intercom's name of the last request.
    pub request_id: Option<String>,
    /// Whether nothing was written, because it would have changed nothing.
    pub unchanged: bool,
    /// What else is to be said.
    pub notes: Vec<Note>,
}

impl Settled {
    /// This became of that event.
    pub fn new(seq: i64, settlement: Settlement) -> Self {
        Self {
            seq,
            settlement,
            learnt: None,
            begun_with: None,
            submission: None,
            attempt: None,
            how: How::default(),
        }
    }
}

/// What becomes of an event.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// Nothing yet: it stays in the queue.
    GoesOn,
    /// It waits for its contact.
    Awaits(Box<Awaited>),
    /// It was delivered.
    Delivered,
    /// It is not for Intercom.
    Skipped,
    /// It can never be delivered, and nobody would want it to be: only the reason is counted.
    Dismissed(&'static str),
    /// It can never be delivered as it is: it becomes a dead letter.
    Rejected(Box<Undelivered>),
    /// It was not delivered: it becomes a dead letter.
    Failed(Box<Undelivered>),
}

/// What is kept of an event that becomes a dead letter, besides the event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Undelivered {
    /// Why.
    pub failure: FailureRecord,
    /// Which event it is.
    pub about: About,
}

impl Undelivered {
    /// This event was not delivered for this reason.
    pub fn new(failure: FailureRecord, about: About) -> Self {
        Self { failure, about }
    }
}

/// What tells an event from others. `Debug` shows its type only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct About {
    /// What kind of event it is.
    pub event_type: Option<EventType>,
    /// Whose.
    pub user_id: Option<String>,
    /// Its `messageId`.
    pub message_id: Option<String>,
}

impl From<&Event<'_>> for About {
    fn from(event: &Event<'_>) -> Self {
        let common = event.common();
        Self {
            event_type: event.event_type(),
            user_id: common.user_id.ok().map(|id| id.as_str().to_owned()),
            message_id: common.message_id.ok().map(|id| id.as_str().to_owned()),
        }
    }
}

exact_json::debug_shows! { About { event_type } }

/// What an event waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Awaited {
    /// What its contact can come under.
    pub keys: Vec<ContactKey>,
    /// The company that was saved for it.
    pub saved_company: Option<CompanyId>,
    /// Why it fails if nobody comes; none, if it counts as delivered.
    pub otherwise: Option<Box<Undelivered>>,
}

impl Awaited {
    /// Waits for a contact who comes under one of these keys, and counts as delivered otherwise.
    pub fn new(keys: Vec<ContactKey>) -> Self {
        Self {
            keys,
            saved_company: None,
            otherwise: None,
        }
    }
}
