//! What can happen to an event.

use super::note::Note;
use crate::settled::{How, Settlement};
use intercom_delivery::{Attempt, FailureRecord};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

/// What has happened to an event. Those that come later stand later, for what happens within a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// The contact that it waits for has come: it is back in the queue.
    Recalled,
    /// It was put back into the queue.
    Replayed,
    /// A call for it has failed.
    Attempted,
    /// It waits for its contact.
    Awaits,
    /// It was delivered.
    Delivered,
    /// It is not for Intercom.
    Skipped,
    /// It can never be delivered as it is.
    Rejected,
    /// It was not delivered.
    Failed,
    /// It was dropped.
    Dropped,
    /// That it was dropped was undone.
    Restored,
}

impl StepKind {
    /// The stable `snake_case` name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// As it is kept.
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    /// How an event has become a dead letter of this kind.
    pub(super) fn of_dead_letter(kind: &str) -> Self {
        if kind == "failed" { Self::Failed } else { Self::Rejected }
    }

    pub(super) fn of_number(number: i64) -> Option<Self> {
        Self::iter().find(|kind| kind.number() == number)
    }
}

/// What else is known of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StepDetail {
    /// The operation that has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Intercom's own code of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intercom_code: Option<String>,
    /// The JSON pointer of what is wrong with the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The custom attribute that the workspace does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// How often the call was tried.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// What is to be said of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Whether it was delivered without a call that writes, because it would have changed nothing.
    #[serde(skip_serializing_if = "is_false")]
    pub unchanged: bool,
    /// Whether it is replayed as if it were new: it overwrites what later events have written.
    #[serde(skip_serializing_if = "is_false")]
    pub as_new: bool,
    /// Whether it was changed by hand before it was replayed.
    #[serde(skip_serializing_if = "is_false")]
    pub edited: bool,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A step of an event's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// When, in Unix milliseconds.
    pub at: i64,
    /// What has happened.
    pub what: StepKind,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many calls were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// The HTTP status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Intercom's name of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What else is known.
    #[serde(flatten)]
    pub detail: StepDetail,
}

impl Step {
    /// How an event has ended of which only that is known.
    pub(super) fn ended(at: i64, what: StepKind, code: String) -> Self {
        Self {
            at,
            what,
            code: Some(code),
            calls: None,
            status: None,
            request_id: None,
            detail: StepDetail::default(),
        }
    }
}

/// A step to be written.
pub(crate) struct NewStep<'a> {
    pub(crate) what: StepKind,
    pub(crate) code: Option<&'a str>,
    pub(crate) calls: u32,
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) detail: StepDetail,
}

impl<'a> NewStep<'a> {
    pub(crate) fn of(what: StepKind) -> Self {
        Self {
            what,
            code: None,
            calls: 0,
            status: None,
            request_id: None,
            detail: StepDetail::default(),
        }
    }

    /// An event has become a dead letter.
    fn failure(what: StepKind, failure: &'a FailureRecord) -> Self {
        Self {
            what,
            code: Some(&failure.code),
            calls: failure.calls,
            status: failure.status,
            request_id: failure.request_id.as_deref(),
            detail: StepDetail {
                operation: failure.operation.clone(),
                intercom_code: failure.intercom_code.clone(),
                path: failure.path.clone(),
                attribute: failure.attribute.clone(),
                attempts: failure.attempts,
                ..StepDetail::default()
            },
        }
    }

    /// An event has ended.
    pub(crate) fn of_settlement(settlement: &'a Settlement, how: &'a How) -> Option<Self> {
        Some(match settlement {
            Settlement::GoesOn | Settlement::Awaits(_) => return None,
            Settlement::Skipped => Self::of(StepKind::Skipped),
            Settlement::Dismissed(code) => Self {
                code: Some(code),
                ..Self::of(StepKind::Rejected)
            },
            Settlement::Rejected(undelivered) => Self::failure(StepKind::Rejected, &undelivered.failure),
            Settlement::Failed(undelivered) => Self::failure(StepKind::Failed, &undelivered.failure),
            Settlement::Delivered => Self {
                calls: how.calls,
                request_id: how.request_id.as_deref(),
                detail: StepDetail {
                    notes: how.notes.clone(),
                    unchanged: how.unchanged,
                    ..StepDetail::default()
                },
                ..Self::of(StepKind::Delivered)
            },
        })
    }

    /// A call has failed.
    pub(crate) fn attempt(attempt: &'a Attempt) -> Self {
        Self {
            what: StepKind::Attempted,
            code: Some(attempt.code.as_str()),
            calls: 0,
            status: attempt.status,
            request_id: attempt.request_id.as_deref(),
            detail: StepDetail {
                operation: attempt.operation.map(|operation| operation.as_str().to_owned()),
                intercom_code: attempt.intercom_code.clone(),
                ..StepDetail::default()
            },
        }
    }
}
