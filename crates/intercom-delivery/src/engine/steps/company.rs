//! Companies: create or update, link the member, tag.

use super::{Reply, Steps, Taken, call, call_with, failure, is_gone, read};
use crate::engine::job::{Ending, Job, Next, Step, Verdict};
use crate::engine::outcome::FailureCode;
use intercom_api::{
    AttachCompany, CompanyExternalId, CompanyFields, DataAttributeModel, ErrorCode, TagCompanies, UpsertCompany,
};
use rudderstack_to_intercom::{Plan, SaveCompany};

/// The company's own id.
fn key(job: &Job) -> Option<&CompanyExternalId> {
    match job.plan() {
        Plan::SaveCompany(plan) => plan.company.company_id.as_ref(),
        _ => None,
    }
}

impl Steps<'_> {
    fn after_upsert(job: &Job) -> Step {
        if job.member_done { Step::Tag } else { Step::Find }
    }

    pub(super) fn upsert(&mut self, job: &mut Job) -> Taken {
        let Plan::SaveCompany(plan) = job.plan() else {
            return Next::End(Ending::Delivered).into();
        };
        let Some(key) = plan.company.company_id.clone() else {
            // Intercom refuses it; no conversion makes such a plan.
            let company = plan.company.clone();
            return Next::Call(call(&UpsertCompany { company }), None).into();
        };
        let lock = self.memory.lock("company", key.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        let Ok(body) = self.memory.company_body(&key, &plan.company, &job.undefined, job.seq()) else {
            return Next::End(Ending::Failed(FailureCode::BadRequest)).into();
        };
        job.warn_of_dropped(body.dropped);
        if self.settings.savings.skip_unchanged
            && job.company_lost == 0
            && let Some(id) = self.memory.companies.id(&key)
            && self.memory.companies.has(&key, &body.set)
        {
            self.memory.companies.settle(&key, &id, &body.set);
            job.company = Some(id);
            job.step = Self::after_upsert(job);
            return Taken::Passed;
        }
        self.memory.companies.unsettle(&key, &body.set);
        job.sent = body.set;
        let upsert = UpsertCompany {
            company: CompanyFields::new(),
        };
        Next::Call(call_with(&upsert, body.json), Some(lock)).into()
    }

    pub(super) fn upserted(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply.map(read::<UpsertCompany>) {
            Ok(Ok(company)) => {
                job.wrote = true;
                let sent = std::mem::take(&mut job.sent);
                if let Some(key) = key(job) {
                    self.memory.companies.settle(key, &company.id, &sent);
                }
                if job.company.as_ref() != Some(&company.id) {
                    // What was done for another company of this name has to be done again.
                    job.member_done = false;
                    job.tags_done = 0;
                }
                job.company = Some(company.id);
                let step = Self::after_upsert(job);
                job.go(step)
            }
            Ok(Err(retry)) => retry,
            Err(error) => match error.undefined_attribute() {
                Some(name) => self.undefined(job, name, DataAttributeModel::Company),
                None => failure(error),
            },
        }
    }

    pub(super) fn attach(&mut self, job: &mut Job) -> Taken {
        let (Some(contact), Some(company)) = (job.contact.clone(), job.company.clone()) else {
            job.step = if job.company.is_none() {
                Step::Upsert
            } else {
                Step::Find
            };
            return Taken::Passed;
        };
        let lock = self.memory.lock("contact", contact.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        let (is_linked, is_newer) = self.memory.is_linked(&contact, &company, job.seq());
        if is_newer || is_linked && self.settings.savings.skip_unchanged {
            if !is_newer {
                self.memory.linked(&contact, &company, true, job.seq());
            }
            job.member_done = true;
            job.step = Step::Tag;
            return Taken::Passed;
        }
        self.memory.link_unsettled(&contact, &company);
        Next::Call(call(&AttachCompany { contact, company }), Some(lock)).into()
    }

    pub(super) fn attached(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        let Err(error) = reply else {
            job.wrote = true;
            if let (Some(contact), Some(company)) = (&job.contact, &job.company) {
                self.memory.linked(contact, company, true, job.seq());
            }
            job.member_done = true;
            return job.go(Step::Tag);
        };
        if !is_gone(error) {
            return failure(error);
        }
        // Which of the two is gone is not always said.
        if error.has_code(&ErrorCode::CompanyNotFound) || job.lost > 0 {
            self.company_gone(job)
        } else {
            self.gone(job)
        }
    }

    /// The company turned out to be gone: it is created again, once.
    fn company_gone(&mut self, job: &mut Job) -> Verdict {
        job.company_lost += 1;
        if job.company_lost > 1 {
            return Verdict::End(Ending::Failed(FailureCode::CompanyNotFound));
        }
        if let Some(key) = key(job) {
            self.memory.companies.forget(key);
        }
        job.go(Step::Upsert)
    }

    pub(super) fn tag(&mut self, job: &mut Job) -> Taken {
        let Plan::SaveCompany(SaveCompany { tags, .. }) = job.plan() else {
            return Next::End(Ending::Delivered).into();
        };
        let Some(name) = tags.get(job.tags_done).cloned() else {
            return Next::End(Ending::Delivered).into();
        };
        let Some(company) = job.company.clone() else {
            job.step = Step::Upsert;
            return Taken::Passed;
        };
        if self.settings.savings.skip_unchanged && self.memory.is_tagged(&company, &name) {
            job.tags_done += 1;
            return Taken::Passed;
        }
        let lock = self.memory.lock("tag", &format!("{company} {name}"));
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        let companies = vec![company];
        Next::Call(call(&TagCompanies { name, companies }), Some(lock)).into()
    }

    pub(super) fn tagged(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply {
            Ok(_) => {
                job.wrote = true;
                if let (Plan::SaveCompany(plan), Some(company)) = (job.plan(), &job.company)
                    && let Some(name) = plan.tags.get(job.tags_done)
                {
                    self.memory.tagged(company, name);
                }
                job.tags_done += 1;
                job.go(Step::Tag)
            }
            Err(error) if is_gone(error) => self.company_gone(job),
            Err(error) => failure(error),
        }
    }
}
