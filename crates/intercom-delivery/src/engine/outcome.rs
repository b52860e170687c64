//! What becomes of an event.

use super::awaited::{Arrival, Awaited};
use super::submission::{EventId, Submission};
use crate::codes::{DeliveryWarning, FailureCode};
use crate::contact::KnownContact;
use intercom_api::{CompanyId, ContactId, OperationId};
use rudderstack_to_intercom::RejectionCode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of an event: every one that is taken in has exactly one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The event.
    pub event: EventId,
    /// What became of it.
    pub result: DeliveryResult,
    /// What else the caller should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<DeliveryWarning>,
    /// Intercom's name of the last request that was made for it, if it has an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was newly learnt of who the contact is, whatever the result: with
    /// [`Engine::remember_contact`](crate::Engine::remember_contact) the next run knows it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<Box<KnownContact>>,
    /// What was submitted, if the settings ask for [intents](crate::EngineSettings::notes_intents) to be noted, and a
    /// failure does not have it: what an older event that was not delivered must not undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Box<Submission>>,
    /// That its contact may come yet, if the settings ask for [contacts to be awaited](crate::EngineSettings::await_contacts):
    /// then the result is not the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<Awaited>,
    /// The contact that came with it, if events wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
}

impl Outcome {
    pub(super) fn new(event: EventId, result: DeliveryResult) -> Self {
        Self {
            event,
            result,
            warnings: Vec::new(),
            request_id: None,
            learnt: None,
            submission: None,
            awaits: None,
            arrival: None,
        }
    }

    /// Whether the event is not done with: the delivery ended before its turn came, or before it was finished. It counts
    /// neither as delivered nor as failed for good, and goes on in the next run.
    pub fn goes_on_later(&self) -> bool {
        match &self.result {
            DeliveryResult::Failed(failed) => failed.code.goes_on_later(),
            DeliveryResult::Delivered(_) | DeliveryResult::Rejected(_) => false,
        }
    }
}

/// A call for an event that has failed, whether it is tried again or not: see
/// [`EngineSettings::notes_attempts`](crate::EngineSettings::notes_attempts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The event.
    pub event: EventId,
    /// Why it has failed.
    pub code: FailureCode,
    /// The operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// The HTTP status of the response; none if there was no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Intercom's own code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intercom_code: Option<String>,
    /// Intercom's name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What an event is about to do to a contact's identity: give it another email or id, or delete it.
///
/// Done again without more ado, after the program was killed, it would look for somebody who is not there any more. So the
/// call waits until whoever keeps the outcomes of older events has kept this as well and says so with
/// [`Engine::noted`](crate::Engine::noted); the next run submits the event with
/// [this contact](crate::Submission::begun_with).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intent {
    /// The event.
    pub event: EventId,
    /// The contact.
    pub contact: ContactId,
    /// The job.
    pub(super) job: u64,
}

/// Delivered, rejected or failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryResult {
    /// Its effect is in Intercom.
    Delivered(Delivered),
    /// It can never be delivered as it is.
    Rejected(Rejected),
    /// It was not delivered, and can be replayed.
    Failed(Box<Failed>),
}

/// An event whose effect is in Intercom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivered {
    /// How many calls were made for it, repeats included.
    pub calls: u32,
    /// The contact, if the event is about one and its id is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The company, if the event is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Whether nothing was written, because the event would have changed nothing since the last delivery.
    pub unchanged: bool,
    /// The event that it was sent together with; that one's `calls` count for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<EventId>,
}

/// An event that can never be delivered as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rejected {
    /// Why.
    pub code: RejectionCode,
    /// How many calls were made for it.
    pub calls: u32,
}

/// An event that was not delivered, with what is needed to find out why and to replay it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failed {
    /// Why.
    pub code: FailureCode,
    /// The operation that failed; none if no call was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// The HTTP status of its last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Intercom's own code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intercom_code: Option<String>,
    /// Intercom's name of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The custom attribute that the workspace does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// How often that call was tried.
    pub attempts: u32,
    /// How many calls were made for the event.
    pub calls: u32,
    /// What was to be delivered, given back.
    pub submission: Submission,
}

impl Failed {
    /// Whether the same event may be delivered later without anybody's doing: see [`FailureCode::is_retryable`].
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.meaning().trim_end_matches('.'))?;
        if let Some(name) = &self.attribute {
            write!(f, " ({name:?})")?;
        }
        if let Some(operation) = self.operation {
            write!(f, "; {operation}")?;
        }
        if let Some(status) = self.status {
            write!(f, " was answered {status}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}
