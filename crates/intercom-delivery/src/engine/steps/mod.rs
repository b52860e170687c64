//! Plans, step by step: which call comes next, and what its answer means.
//!
//! A job takes its steps in the order of its plan. Each step is one call; a step whose call is not needed is passed
//! over. Whatever goes wrong, the job stays at the step that failed, so that calls already done are not made again.

mod attribute;
mod company;
mod contact;
mod event;

use super::job::{Ending, Job, Next, Step, Verdict, failure};
use super::locks::Locks;
use super::memory::Memory;
use super::outcome::{DeliveryWarning, FailureCode};
use super::queue::Queue;
use super::settings::EngineSettings;
use intercom_api::{ApiError, Call, Operation};
use rudderstack_to_intercom::Plan;
use serde_json::value::RawValue;

/// What steps are taken with.
pub(super) struct Steps<'a> {
    pub(super) settings: &'a EngineSettings,
    pub(super) memory: &'a mut Memory,
    pub(super) locks: &'a Locks,
    pub(super) queue: &'a mut Queue,
}

/// An answer of Intercom that is not about the token, the rate limit or a passing failure.
pub(super) type Reply<'a> = Result<&'a [u8], &'a ApiError>;

/// What a step comes to.
enum Taken {
    /// It needs this.
    Next(Next),
    /// It was passed over: go on with [`Job::step`].
    Passed,
}

impl From<Next> for Taken {
    fn from(next: Next) -> Self {
        Self::Next(next)
    }
}

impl Steps<'_> {
    /// Finds the next call of the job.
    pub(super) fn next(&mut self, job: &mut Job) -> Next {
        loop {
            let taken = match job.step.clone() {
                Step::Find => self.find(job),
                Step::FindCompany => self.find_company(job),
                Step::Detach(company) => self.detach(job, &company),
                Step::Update => self.update(job),
                Step::Create => self.create(job),
                Step::Unarchive => self.unarchive(job),
                Step::Delete => self.delete(job),
                Step::Submit => self.submit(job),
                Step::Upsert => self.upsert(job),
                Step::Attach => self.attach(job),
                Step::Tag => self.tag(job),
                Step::Define(attribute, then) => self.define(job, &attribute, &then),
            };
            if let Taken::Next(next) = taken {
                return next;
            }
        }
    }

    /// Finds out what an answer means.
    pub(super) fn answered(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match job.step.clone() {
            Step::Find => self.found(job, reply),
            Step::FindCompany => self.found_company(job, reply),
            Step::Detach(company) => self.detached(job, &company, reply),
            Step::Update => self.updated(job, reply),
            Step::Create => self.created(job, reply),
            Step::Unarchive => self.unarchived(job, reply),
            Step::Delete => self.deleted(job, reply),
            Step::Submit => self.submitted(job, reply),
            Step::Upsert => self.upserted(job, reply),
            Step::Attach => self.attached(job, reply),
            Step::Tag => self.tagged(job, reply),
            Step::Define(attribute, then) => self.defined(job, &attribute, *then, reply),
        }
    }

    /// The step after the contact has become known.
    fn after_found(job: &Job) -> Step {
        match job.plan() {
            Plan::SaveContact(plan) if plan.detach.is_some() && !job.is_detached => Step::FindCompany,
            Plan::DeleteContact(_) => Step::Delete,
            Plan::SaveCompany(_) => Step::Attach,
            Plan::SubmitEvent(_) => Step::Submit,
            _ => Step::Update,
        }
    }

    /// The contact turned out to be gone: it is looked up again, once.
    fn gone(&mut self, job: &mut Job) -> Verdict {
        if let Some(id) = job.contact.take() {
            self.memory.forget(&id);
            job.gone = Some(id);
        }
        if let Some(lookup) = job.lookup() {
            self.memory.forget_lookup(lookup);
        }
        job.lost += 1;
        job.is_detached = false;
        match job.plan() {
            _ if job.lost == 1 => job.go(Step::Find),
            // The search may still show what is gone.
            Plan::SaveContact(plan) if job.lost == 2 => match plan.create() {
                Some(_) => job.go(Step::Create),
                None => Verdict::End(Ending::Rejected(
                    rudderstack_to_intercom::RejectionCode::ContactNotFound,
                )),
            },
            Plan::SaveCompany(_) => {
                job.warn(DeliveryWarning::MemberNotFound);
                job.member_done = true;
                job.go(Step::Tag)
            }
            _ => Verdict::End(Ending::Failed(FailureCode::NotFound)),
        }
    }
}

/// The call of a typed request.
fn call(operation: &impl Operation) -> Call {
    operation
        .to_call()
        .expect("every request of the models can be written as JSON")
}

/// The call of a typed request, with another body.
fn call_with(operation: &impl Operation, body: Box<RawValue>) -> Call {
    let mut call = call(operation);
    call.body = Some(body);
    call
}

/// Reads what a call that succeeded has answered; what cannot be read is asked for again.
fn read<O: Operation>(body: &[u8]) -> Result<O::Answer, Verdict> {
    O::parse_answer(body).map_err(|_| Verdict::Retry(FailureCode::InvalidAnswer))
}

fn is_gone(error: &ApiError) -> bool {
    matches!(error.status, 404 | 410)
}
