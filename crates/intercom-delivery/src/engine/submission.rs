//! What goes in.

use crate::codes::Supersession;
use crate::superseded::Superseded;
use crate::walk::AbsencePolicy;
use intercom_api::{CompanyId, ContactId};
use rudderstack_to_intercom::{Identities, Plan};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The caller's number of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event to be delivered. `Debug` shows its number only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Submission {
    /// The caller's number of it.
    pub event: EventId,
    /// What is to be done.
    pub plan: Plan,
    /// Whom it is about: events that share any of these are delivered in the order in which they were submitted.
    pub identities: Identities,
    /// What holds for it if somebody else keeps the events, and hands each out again that was not delivered.
    #[serde(default, skip_serializing_if = "Terms::is_default")]
    pub terms: Terms,
    /// The contact of the [`Intent`](crate::Intent) that an earlier run has noted of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_with: Option<ContactId>,
    /// The company that was saved and tagged for it, while it [waits](crate::Awaited) for its member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_company: Option<CompanyId>,
    /// How much was left out of the plan because later events had been delivered before.
    #[serde(default, skip_serializing_if = "Supersession::is_not")]
    pub supersession: Supersession,
}

impl Submission {
    /// An event with what is to be done for it.
    pub fn new(event: EventId, plan: Plan, identities: Identities) -> Self {
        Self {
            event,
            plan,
            identities,
            terms: Terms::default(),
            begun_with: None,
            saved_company: None,
            supersession: Supersession::Not,
        }
    }

    /// Leaves out what later events have written before: the outcome says that it is
    /// [superseded](crate::DeliveryWarning::Superseded).
    pub fn supersede(&mut self, by: &Superseded) {
        self.supersession = by.apply(&mut self.plan);
    }

    /// The same on these terms.
    #[must_use]
    pub fn on(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }
}

/// What holds for an event that somebody else keeps, who hands it out again if it was not delivered, perhaps to another
/// instance of this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Terms {
    /// What is remembered is believed only among events with the same number here, because others write to the workspace,
    /// too. Ids are remembered beyond that, by user id: who is gone turns out to be gone.
    pub scope: Option<u64>,
    /// Events with the same number here are delivered one after the other, in the order in which they were submitted. None
    /// is started after one that failed in passing: it fails as [`Stopped`](crate::FailureCode::Stopped) at once, to come
    /// after the other again.
    pub chain: Option<u64>,
    /// Whether a contact that no search finds may be one that the index does not have yet.
    pub absence: AbsencePolicy,
    /// Whether a contact is asked for who was not there a moment ago, and is [awaited](crate::Awaited): somebody else may have
    /// created it.
    pub asks_again: bool,
}

impl Terms {
    /// Those of an event that nobody else keeps.
    pub fn new() -> Self {
        Self::default()
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

exact_json::debug_shows! { Submission { event, .. } }

/// Why an event was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// As many events are queued as may be: fetch outcomes, make calls, and try again.
    #[error("the queue is full")]
    QueueFull,
    /// Intercom does not accept the access token.
    #[error("Intercom does not accept the access token")]
    Unauthorized,
    /// The engine has been told to stop.
    #[error("the delivery has been stopped")]
    Stopped,
}

impl RefusalReason {
    /// The stable `snake_case` name.
    pub fn code(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Unauthorized => "unauthorized",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the same event may be taken in later.
    pub fn is_retryable(self) -> bool {
        self == Self::QueueFull
    }
}

/// An event that was not taken in, given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub reason: RefusalReason,
    /// The event.
    pub submission: Box<Submission>,
}
