//! A plan that is being carried out.

use super::fields::Set;
use super::locks::LockKey;
use super::outcome::{DeliveryWarning, FailureCode};
use super::queue::{Entry, LaneId};
use super::time::Time;
use intercom_api::{ApiError, Call, CompanyId, ContactId, CreateDataAttribute, OperationId};
use rudderstack_to_intercom::{Lookup, Plan, RejectionCode};
use std::collections::HashSet;

/// Which call comes next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Search the contact.
    Find,
    /// Find the company that the contact is to leave.
    FindCompany,
    /// End the contact's link to it.
    Detach(CompanyId),
    /// Update the contact.
    Update,
    /// Create the contact.
    Create,
    /// Restore the contact.
    Unarchive,
    /// Delete the contact.
    Delete,
    /// Submit the data event.
    Submit,
    /// Create or update the company.
    Upsert,
    /// Link the contact to the company.
    Attach,
    /// Tag the company with the next tag.
    Tag,
    /// Create a custom attribute, then take the step that failed for want of it.
    Define(CreateDataAttribute, Box<Step>),
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its turn to make a call.
    Ready,
    /// Another call on the same contact or company.
    Locked(LockKey),
    /// The time of its next attempt.
    Sleeping {
        until: Time,
        /// Whether that is the time that Intercom has asked for.
        is_asked_for: bool,
    },
    /// An answer.
    InFlight,
}

impl State {
    /// When a job in this state goes on by itself.
    pub(super) fn wakes_at(self) -> Option<Time> {
        match self {
            Self::Sleeping { until, .. } => Some(until),
            Self::Ready | Self::Locked(_) | Self::InFlight => None,
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

/// How a job ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    Delivered,
    Rejected(RejectionCode),
    Failed(FailureCode),
}

/// What a job does next.
#[derive(Debug)]
pub(super) enum Next {
    /// This call, with a lock held while it is in flight.
    Call(Call, Option<LockKey>),
    /// Nothing until the lock is free.
    Wait(LockKey),
    /// Nothing more.
    End(Ending),
}

/// What an answer means for a job.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Go on with [`Job::step`].
    GoOn,
    /// Make the call again, after a while.
    Retry(FailureCode),
    End(Ending),
}

#[derive(Debug)]
pub(super) struct Job {
    /// The event, and those that are delivered together with it.
    pub(super) members: Vec<Entry>,
    pub(super) lane: LaneId,
    /// The events that it comes after in its lane.
    pub(super) after: Vec<u64>,
    pub(super) step: Step,
    pub(super) state: State,
    /// The lock that it waited for last.
    pub(super) woken_by: Option<LockKey>,
    /// Failed attempts of the call that comes next.
    pub(super) attempts: u32,
    /// Answers of 429 in a row.
    pub(super) throttled: u32,
    /// Calls made.
    pub(super) calls: u32,
    pub(super) trouble: Trouble,
    pub(super) warnings: Vec<DeliveryWarning>,
    pub(super) contact: Option<ContactId>,
    pub(super) company: Option<CompanyId>,
    /// How often the contact turned out to be gone.
    pub(super) lost: u32,
    /// How often creating the contact met another.
    pub(super) conflicts: u32,
    /// Whether the company's id is remembered, rather than just answered.
    pub(super) company_remembered: bool,
    /// How often the company turned out to be gone.
    pub(super) company_lost: u32,
    /// Whether the link that the contact is to lose is gone.
    pub(super) is_detached: bool,
    /// Whether the member is linked, or cannot be.
    pub(super) member_done: bool,
    /// How many tags are done.
    pub(super) tags_done: usize,
    /// The contact that turned out to be gone, or was deleted.
    pub(super) gone: Option<ContactId>,
    /// Whether something new was learnt of who the contact is.
    pub(super) learnt: bool,
    /// Whether anything was written.
    pub(super) wrote: bool,
    /// Custom attributes that its calls found undefined, and that were left out or created since.
    pub(super) undefined: Vec<String>,
    /// The fields of the body in flight.
    pub(super) sent: Vec<Set>,
}

impl Job {
    pub(super) fn new(lane: LaneId, entry: Entry, after: Vec<u64>) -> Self {
        let step = match &entry.submission.plan {
            Plan::SubmitEvent(_) => Step::Submit,
            Plan::SaveCompany(_) => Step::Upsert,
            _ => Step::Find,
        };
        Self {
            members: vec![entry],
            lane,
            after,
            step,
            state: State::Ready,
            woken_by: None,
            attempts: 0,
            throttled: 0,
            calls: 0,
            trouble: Trouble::default(),
            warnings: Vec::new(),
            contact: None,
            company: None,
            lost: 0,
            conflicts: 0,
            company_remembered: false,
            company_lost: 0,
            is_detached: false,
            member_done: false,
            tags_done: 0,
            gone: None,
            learnt: false,
            wrote: false,
            undefined: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// The event that the job goes by.
    pub(super) fn first(&self) -> &Entry {
        &self.members[0]
    }

    pub(super) fn seq(&self) -> u64 {
        self.first().seq
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.first().submission.plan
    }

    /// How the contact is found, if the plan is about one that has to be.
    pub(super) fn lookup(&self) -> Option<&Lookup> {
        match self.plan() {
            Plan::SaveContact(plan) => Some(&plan.lookup),
            Plan::DeleteContact(lookup) => Some(lookup),
            Plan::SaveCompany(plan) => plan.member.as_ref(),
            _ => None,
        }
    }

    pub(super) fn warn(&mut self, warning: DeliveryWarning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Warns of attributes that were left out, of each once.
    pub(super) fn warn_of_dropped(&mut self, attributes: Vec<String>) {
        let known: HashSet<String> = self
            .warnings
            .iter()
            .filter_map(|warning| match warning {
                DeliveryWarning::AttributeDropped { attribute } => Some(attribute.clone()),
                DeliveryWarning::AmbiguousContact | DeliveryWarning::MemberNotFound => None,
            })
            .collect();
        let new = attributes.into_iter().filter(|attribute| !known.contains(attribute));
        self.warnings
            .extend(new.map(|attribute| DeliveryWarning::AttributeDropped { attribute }));
    }

    /// Takes a step: it is a call of its own, with attempts of its own.
    pub(super) fn go(&mut self, step: Step) -> Verdict {
        self.step = step;
        Verdict::GoOn
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

/// What an error means that no step knows better.
pub(super) fn failure(error: &ApiError) -> Verdict {
    Verdict::End(Ending::Failed(match error.status {
        401 => FailureCode::Unauthorized,
        403 => FailureCode::Forbidden,
        404 | 410 => FailureCode::NotFound,
        409 => FailureCode::Conflict,
        0..=399 => FailureCode::InvalidAnswer,
        500.. => FailureCode::ServerError,
        _ => FailureCode::BadRequest,
    }))
}
