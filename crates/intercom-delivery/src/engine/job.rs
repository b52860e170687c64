//! A plan that is being carried out: when its next call may be made, and what was wrong with the last.

use super::known::{Batch, Claim};
use super::locks::LockKey;
use super::people::Form;
use super::queue::{Entry, LaneId};
use super::time::Time;
use crate::walk::{Policies, Walk};
use intercom_api::{ApiError, OperationId};
use std::sync::Arc;

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its turn to make a call.
    Ready,
    /// Another call on the same contact or company.
    Locked(LockKey),
    /// That what it is about to do is noted.
    Noting,
    /// The time of its next attempt.
    Sleeping {
        until: Time,
        /// Whether that is the time that Intercom has asked for.
        is_asked_for: bool,
    },
    /// Others to be looked up together with, until then.
    Gathering(Time),
    /// A response.
    InFlight,
}

impl State {
    /// When a job in this state goes on by itself.
    pub(super) fn wakes_at(self) -> Option<Time> {
        match self {
            Self::Sleeping { until, .. } | Self::Gathering(until) => Some(until),
            Self::Ready | Self::Locked(_) | Self::Noting | Self::InFlight => None,
        }
    }
}

/// What was wrong with a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) operation: Option<OperationId>,
    pub(super) status: Option<u16>,
    pub(super) intercom_code: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) attempts: u32,
}

/// The walk of an event.
pub(super) fn walk_of(entry: &Entry, policies: Policies) -> Walk {
    let policies = Policies {
        absence: entry.terms.absence,
        ..policies
    };
    let mut walk = Walk::new(Arc::clone(&entry.plan), policies);
    walk.supersede(entry.supersession);
    if let Some(company) = &entry.saved_company {
        walk.has_saved(company.clone());
    }
    walk
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) walk: Walk,
    /// The event, and those that are delivered together with it.
    pub(super) batch: Batch,
    /// The events that it comes after in its lane.
    pub(super) after: Vec<u64>,
    pub(super) state: State,
    /// Whether what it is about to do is noted, or was by an earlier run.
    pub(super) is_noted: bool,
    pub(super) claim: Claim,
    /// The lock that it waited for last.
    pub(super) woken_by: Option<LockKey>,
    /// How its search may be made together with those of others.
    pub(super) form: Form,
    /// Failed attempts of the call that comes next.
    pub(super) attempts: u32,
    /// Responses of 429 in a row.
    pub(super) throttled: u32,
    /// Calls made.
    pub(super) calls: u32,
    pub(super) trouble: Trouble,
    /// Whether nobody waits for it any more: it makes no further call.
    pub(super) is_withdrawn: bool,
    /// The job with which the contact has come that it has waited for: it is delivered in that one's place.
    pub(super) recalled_by: Option<u64>,
}

impl Job {
    pub(super) fn new(policies: Policies, lane: LaneId, entry: Entry, after: Vec<u64>) -> Self {
        Self {
            walk: walk_of(&entry, policies),
            is_noted: false,
            batch: Batch::new(lane, entry),
            after,
            state: State::Ready,
            claim: Claim::default(),
            woken_by: None,
            form: Form::default(),
            attempts: 0,
            throttled: 0,
            calls: 0,
            trouble: Trouble::default(),
            is_withdrawn: false,
            recalled_by: None,
        }
    }

    /// Notes what was wrong.
    pub(super) fn note(&mut self, status: u16, error: Option<&ApiError>, request_id: Option<&str>) {
        self.trouble.status = Some(status);
        self.trouble.intercom_code = error.map(|error| code_for_reports(error.code()).to_owned());
        self.trouble.request_id = error
            .and_then(|error| error.request_id.as_deref())
            .or(request_id)
            .map(str::to_owned);
    }
}

/// Intercom's code, unless it is a message in the wrong place: a message may quote personal data.
fn code_for_reports(code: &str) -> &str {
    let is_word = code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.- ".contains(&b));
    if is_word { code } else { "unknown" }
}
