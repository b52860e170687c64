//! Contacts: find, detach, update, create, restore, delete.

use super::{Reply, Steps, Taken, call, call_with, failure, is_gone, read};
use crate::engine::job::{Ending, Job, Next, Step, Verdict};
use crate::engine::memory::{Person, Source};
use crate::engine::merge::can_merge;
use crate::engine::outcome::{DeliveryWarning, FailureCode};
use crate::engine::settings::ArchivedPolicy;
use intercom_api::{
    CompanyId, Contact, ContactFields, ContactId, CreateContact, DataAttributeModel, DeleteContact, DetachCompany,
    ExternalId, FindCompany, Role, SearchContacts, UnarchiveContact, UpdateContact,
};
use rudderstack_to_intercom::{CompanyKey, LookupField, Plan, RejectionCode, SaveContact};

impl Steps<'_> {
    pub(super) fn find(&mut self, job: &mut Job) -> Taken {
        let Some(lookup) = job.lookup() else {
            // A group whose member cannot be looked up.
            job.member_done = true;
            job.step = Step::Tag;
            return Taken::Passed;
        };
        // Once the contact turned out to be gone, only a search can tell.
        if self.settings.savings.remember_contacts
            && job.lost == 0
            && let Some(id) = self.memory.find(lookup)
        {
            job.contact = Some(id);
            job.step = Self::after_found(job);
            return Taken::Passed;
        }
        Next::Call(call(&lookup.search()), None).into()
    }

    pub(super) fn found(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        let list = match reply.map(read::<SearchContacts>) {
            Ok(Ok(list)) => list,
            Ok(Err(retry)) => return retry,
            Err(error) => return failure(error),
        };
        let mut hits = list.data.unwrap_or_default();
        if let Some(lookup) = job.lookup() {
            hits.retain(|hit| !self.memory.is_outdated(&hit.id, lookup));
        }
        if hits.len() > 1 {
            job.warn(DeliveryWarning::AmbiguousContact);
        }
        let Some(lookup) = job.lookup() else {
            return job.go(Step::Tag);
        };
        if let Some(best) = lookup.best(&hits) {
            let source = match lookup.field {
                LookupField::EMAIL => Source::HitByEmail,
                _ => Source::Hit,
            };
            job.learnt |= self.memory.learn(&best.id, &Person::from(best), source);
            job.contact = Some(best.id.clone());
            let step = Self::after_found(job);
            return job.go(step);
        }
        if job.lost == 0 {
            // The search index may not have caught up, or the contact may be known by another identity.
            let known = self.memory.find_unindexed(lookup).or_else(|| match job.plan() {
                Plan::SaveContact(plan) => self.memory.find_same(plan.create()?),
                _ => None,
            });
            if known.is_some() {
                job.contact = known;
                let step = Self::after_found(job);
                return job.go(step);
            }
        }
        match job.plan() {
            Plan::SaveContact(plan) => match plan.create() {
                Some(_) => job.go(Step::Create),
                None => Verdict::End(Ending::Rejected(RejectionCode::ContactNotFound)),
            },
            Plan::SaveCompany(_) => {
                job.warn(DeliveryWarning::MemberNotFound);
                job.member_done = true;
                job.go(Step::Tag)
            }
            // There is nothing left to delete.
            _ => Verdict::End(Ending::Delivered),
        }
    }

    pub(super) fn find_company(&mut self, job: &mut Job) -> Taken {
        let Plan::SaveContact(SaveContact { detach: Some(key), .. }) = job.plan() else {
            job.step = Step::Update;
            return Taken::Passed;
        };
        if self.settings.savings.remember_contacts
            && job.company_lost == 0
            && let CompanyKey::CompanyId(external_id) = key
            && let Some(id) = self.memory.companies.id(external_id)
        {
            job.company_remembered = true;
            job.step = Step::Detach(id);
            return Taken::Passed;
        }
        Next::Call(call(&FindCompany::from(key)), None).into()
    }

    pub(super) fn found_company(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        job.company_remembered = false;
        match reply.map(read::<FindCompany>) {
            Ok(Ok(found)) => match found.first() {
                Some(company) => job.go(Step::Detach(company.id.clone())),
                None => {
                    job.is_detached = true;
                    job.go(Step::Update)
                }
            },
            Ok(Err(retry)) => retry,
            Err(error) if is_gone(error) => {
                job.is_detached = true;
                job.go(Step::Update)
            }
            Err(error) => failure(error),
        }
    }

    pub(super) fn detach(&mut self, job: &mut Job, company: &CompanyId) -> Taken {
        let Some(contact) = job.contact.clone() else {
            job.step = Step::Find;
            return Taken::Passed;
        };
        let lock = self.memory.lock("contact", contact.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        self.memory.link_unsettled(&contact, company);
        let company = company.clone();
        Next::Call(call(&DetachCompany { contact, company }), Some(lock)).into()
    }

    pub(super) fn detached(&mut self, job: &mut Job, company: &CompanyId, reply: Reply<'_>) -> Verdict {
        match reply {
            Ok(_) => job.wrote = true,
            // Not linked, or not there: what was asked for holds, unless the id was out of date.
            Err(error) if is_gone(error) => {
                if job.company_remembered {
                    job.company_remembered = false;
                    job.company_lost += 1;
                    if let Plan::SaveContact(SaveContact {
                        detach: Some(CompanyKey::CompanyId(key)),
                        ..
                    }) = job.plan()
                    {
                        self.memory.companies.doubt(key);
                    }
                    return job.go(Step::FindCompany);
                }
            }
            Err(error) => return failure(error),
        }
        if let Some(contact) = &job.contact {
            self.memory.linked(contact, company, false, job.seq());
        }
        job.is_detached = true;
        job.go(Step::Update)
    }

    /// Takes the events that follow into the job, as far as one body does for all.
    fn absorb(&mut self, job: &mut Job) {
        if !self.settings.savings.merge_identifies || job.attempts > 0 || job.first().alone {
            return;
        }
        loop {
            let (seq, lane) = (job.seq(), job.lane);
            let Some(last) = job.members.last() else { return };
            let next = self.queue.absorb(seq, lane, job.first(), |next| can_merge(last, next));
            match next {
                Some(entry) => job.members.push(entry),
                None => return,
            }
        }
    }

    pub(super) fn update(&mut self, job: &mut Job) -> Taken {
        let Some(id) = job.contact.clone() else {
            job.step = Step::Find;
            return Taken::Passed;
        };
        let lock = self.memory.lock("contact", id.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        self.absorb(job);
        let bodies = job.members.iter().filter_map(|member| match &member.submission.plan {
            Plan::SaveContact(plan) => Some((&plan.update, member.seq)),
            _ => None,
        });
        let Ok(body) = self.memory.contact_body(Some(&id), &job.undefined, bodies) else {
            return Next::End(Ending::Failed(FailureCode::BadRequest)).into();
        };
        job.warn_of_dropped(body.dropped);
        let is_void = body.set.is_empty() && !self.is_void_plan(job);
        if is_void || self.settings.savings.skip_unchanged && self.memory.contact_has(&id, &body.set) {
            self.memory.contact_settled(&id, &body.set);
            return Next::End(Ending::Delivered).into();
        }
        self.memory.contact_unsettled(&id, &body.set);
        job.sent = body.set;
        let update = UpdateContact {
            id,
            contact: ContactFields::new(),
        };
        Next::Call(call_with(&update, body.json), Some(lock)).into()
    }

    /// Whether the plan's own update has nothing in it.
    fn is_void_plan(&self, job: &Job) -> bool {
        matches!(job.plan(), Plan::SaveContact(plan) if plan.update.is_empty())
    }

    pub(super) fn updated(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply {
            Ok(body) => {
                if let Some(id) = job.contact.clone() {
                    self.written(job, id, body);
                }
                Verdict::End(Ending::Delivered)
            }
            Err(error) if is_gone(error) => self.gone(job),
            Err(error) => match error.undefined_attribute() {
                Some(name) => self.undefined(job, name, DataAttributeModel::Contact),
                None => failure(error),
            },
        }
    }

    /// The contact has been created or updated.
    fn written(&mut self, job: &mut Job, id: ContactId, answer: &[u8]) {
        job.wrote = true;
        match serde_json::from_slice::<Contact>(answer) {
            Ok(contact) if contact.id == id => {
                job.learnt |= self.memory.learn(&id, &Person::from(&contact), Source::Write);
            }
            // The answer is for show; what was sent is known.
            _ => {
                for member in &job.members {
                    if let Plan::SaveContact(plan) = &member.submission.plan {
                        job.learnt |= self.memory.learn(&id, &Person::from(&plan.update), Source::Write);
                    }
                }
            }
        }
        self.memory.contact_settled(&id, &std::mem::take(&mut job.sent));
        job.contact = Some(id);
    }

    pub(super) fn create(&mut self, job: &mut Job) -> Taken {
        self.absorb(job);
        let for_event = match job.plan() {
            Plan::SubmitEvent(event) => {
                let mut fields = ContactFields::new();
                fields.external_id.clone_from(&event.user_id);
                fields.email.clone_from(&event.email);
                fields.role = Some(Role::User);
                Some((fields, job.seq()))
            }
            _ => None,
        };
        let bodies = job
            .members
            .iter()
            .enumerate()
            .filter_map(|(at, member)| match &member.submission.plan {
                // Those that come later would have found the contact.
                Plan::SaveContact(plan) if at > 0 => Some((&plan.update, member.seq)),
                Plan::SaveContact(plan) => plan.create().map(|fields| (fields, member.seq)),
                _ => None,
            });
        let bodies = bodies.chain(for_event.iter().map(|(fields, seq)| (fields, *seq)));
        let Ok(body) = self.memory.contact_body(None, &job.undefined, bodies) else {
            return Next::End(Ending::Failed(FailureCode::BadRequest)).into();
        };
        job.warn_of_dropped(body.dropped);
        job.sent = body.set;
        let create = CreateContact {
            contact: ContactFields::new(),
        };
        Next::Call(call_with(&create, body.json), None).into()
    }

    pub(super) fn created(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        let error = match reply.map(read::<CreateContact>) {
            Ok(Ok(contact)) => {
                self.written(job, contact.id, reply.unwrap_or_default());
                return match job.plan() {
                    Plan::SubmitEvent(_) => job.go(Step::Submit),
                    _ => Verdict::End(Ending::Delivered),
                };
            }
            // It may have been created: the next attempt meets it.
            Ok(Err(retry)) => return retry,
            Err(error) => error,
        };
        if let Some(conflict) = error.conflicting_contact() {
            job.conflicts += 1;
            if job.conflicts > 3 {
                return Verdict::End(Ending::Failed(FailureCode::Conflict));
            }
            self.learn_conflict(job, &conflict.id);
            job.contact = Some(conflict.id);
            if !conflict.archived {
                let step = Self::after_found(job);
                return job.go(step);
            }
            return match self.settings.archived {
                ArchivedPolicy::Restore => job.go(Step::Unarchive),
                ArchivedPolicy::Fail => Verdict::End(Ending::Failed(FailureCode::ContactArchived)),
            };
        }
        match error.undefined_attribute() {
            Some(name) => self.undefined(job, name, DataAttributeModel::Contact),
            None => failure(error),
        }
    }

    /// Learns who a contact is that has what another was to be created with, if that is certain: only one thing was unique.
    fn learn_conflict(&mut self, job: &mut Job, id: &ContactId) {
        let (external_id, email) = match job.plan() {
            Plan::SubmitEvent(event) => (event.user_id.as_ref(), event.email.as_deref()),
            Plan::SaveContact(plan) => match plan.create() {
                Some(fields) => (fields.external_id.as_ref(), fields.email.as_deref()),
                None => return,
            },
            _ => return,
        };
        if external_id.is_some() && email.is_some() {
            return;
        }
        let person = Person {
            external_id: external_id.map(ExternalId::as_str),
            email,
            is_lead: None,
        };
        job.learnt |= self.memory.learn(id, &person, Source::Hit);
    }

    pub(super) fn unarchive(&mut self, job: &mut Job) -> Taken {
        let Some(id) = job.contact.clone() else {
            job.step = Step::Find;
            return Taken::Passed;
        };
        let lock = self.memory.lock("contact", id.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        Next::Call(call(&UnarchiveContact { id }), Some(lock)).into()
    }

    pub(super) fn unarchived(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply {
            Err(error) if is_gone(error) => self.gone(job),
            Err(error) if error.status == 403 => failure(error),
            // If it is not archived any more, somebody else was faster; if it still is, the next call says so.
            _ => {
                job.wrote = true;
                let step = Self::after_found(job);
                job.go(step)
            }
        }
    }

    pub(super) fn delete(&mut self, job: &mut Job) -> Taken {
        let Some(id) = job.contact.clone() else {
            job.step = Step::Find;
            return Taken::Passed;
        };
        let lock = self.memory.lock("contact", id.as_str());
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        Next::Call(call(&DeleteContact { id }), Some(lock)).into()
    }

    pub(super) fn deleted(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply {
            Ok(_) => {
                job.wrote = true;
                if let Some(id) = &job.contact {
                    self.memory.forget(id);
                    job.gone = Some(id.clone());
                }
                Verdict::End(Ending::Delivered)
            }
            // Gone, or known by an id that is out of date: a search tells.
            Err(error) if is_gone(error) && job.lost == 0 => self.gone(job),
            Err(error) if is_gone(error) => Verdict::End(Ending::Delivered),
            Err(error) => failure(error),
        }
    }
}
