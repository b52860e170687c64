//! What responses mean: the statuses 404, 409 and 410, and what success tells.

use super::attribute::value_in;
use super::read::moved_lookup;
use super::state::{Deletion, Detour, Email, Leaving, Whereabouts};
use super::{AbsencePolicy, AttributePolicy, Ending, Fact, Knowledge, Verdict, Walk};
use crate::codes::{DeliveryWarning, FailureCode};
use crate::contact::KnownContact;
use crate::response::in_passing;
use intercom_api::{
    ApiError, CompanyExternalId, CompanyId, Contact, ContactFields, ContactId, CreateContact, DataAttributeModel,
    ErrorCode, FindCompany, Operation, SearchContacts, UpsertCompany,
};
use rudderstack_to_intercom::{CompanyKey, Lookup, Plan, RejectionCode, SaveContact, Step};
use std::sync::Arc;

/// The body of a success, or an error.
pub(super) type Response<'r> = Result<&'r [u8], &'r ApiError>;

impl Walk {
    /// Takes the response to the call that [`next`](Self::next) gave: the body, if its status is that of a success.
    pub fn handle_response<K: Knowledge>(&mut self, response: Response<'_>, knowledge: &mut K) -> Verdict {
        if let Some(code) = in_passing(response) {
            return Verdict::Retry(code);
        }
        if response.is_err_and(|error| error.status == 401) {
            return failed(FailureCode::Unauthorized);
        }
        let plan = Arc::clone(&self.plan);
        let verdict = match (self.detour.clone(), self.step(&plan)) {
            (Some(detour), _) => self.handle_detour(detour, response, knowledge),
            (None, Some(step)) => self.handle_step(step, response, knowledge),
            (None, None) => Verdict::GoOn,
        };
        self.concluded(&plan, verdict)
    }

    fn concluded(&self, plan: &Plan, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::GoOn if self.detour.is_none() && self.step(plan).is_none() => Verdict::End(Ending::Delivered),
            verdict => verdict,
        }
    }

    fn handle_step<K: Knowledge>(&mut self, step: Step<'_>, response: Response<'_>, knowledge: &mut K) -> Verdict {
        match step {
            Step::FindContact(lookup) => self.searched(lookup, response, knowledge),
            Step::FindCompany(..) => self.found_company(response),
            Step::DetachCompany(at) => self.detached(at, response, knowledge),
            Step::UpdateContact(fields) => self.updated(fields, response, knowledge),
            Step::CreateContact(fields) => self.created(fields, true, response, knowledge),
            Step::ReadContact => self.read(response, knowledge),
            Step::DeleteContact => self.deleted(response, knowledge),
            Step::SubmitEvent(_) => self.submitted(response, knowledge),
            Step::UpsertCompany(fields) => self.upserted(fields.company_id.as_ref(), response, knowledge),
            Step::AttachCompany => self.attached(response, knowledge),
            Step::Tag(_, name) => self.tagged(name, response, knowledge),
        }
    }

    fn searched<K: Knowledge>(&mut self, lookup: &Lookup, response: Response<'_>, knowledge: &mut K) -> Verdict {
        if let Err(error) = response
            && let Some(name) = error.undefined_attribute()
        {
            return match self.policies.attributes {
                AttributePolicy::Fail => Verdict::End(self.fails_for_want_of(name, false)),
                // Nobody has what the workspace does not have.
                AttributePolicy::Drop | AttributePolicy::Create => self.shown(lookup, Vec::new(), knowledge),
            };
        }
        match shown_hits(response) {
            Ok(hits) => self.shown(lookup, hits, knowledge),
            Err(verdict) => verdict,
        }
    }

    /// Takes what the search for whom it [has to look up](Self::to_look_up) shows.
    pub(crate) fn handle_hits<K: Knowledge>(&mut self, hits: Vec<Contact>, knowledge: &mut K) -> Verdict {
        let plan = Arc::clone(&self.plan);
        let Some(lookup) = plan.lookup() else {
            return Verdict::GoOn;
        };
        let verdict = self.shown(lookup, hits, knowledge);
        self.concluded(&plan, verdict)
    }

    fn shown<K: Knowledge>(&mut self, lookup: &Lookup, mut hits: Vec<Contact>, knowledge: &mut K) -> Verdict {
        knowledge.correct(lookup, &mut hits);
        let shown = hits.len();
        if self.contact_lost == 0 {
            let create = match &*self.plan {
                Plan::SaveContact(plan) => plan.create(),
                Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => None,
            };
            let unindexed = knowledge.unindexed(lookup, &hits, create);
            hits.extend(unindexed.into_iter().map(Contact::from));
        }
        let candidates = lookup.candidates(&hits);
        if let Plan::DeleteContact(_) = &*self.plan {
            let candidates = candidates.into_iter().map(|contact| contact.id.clone());
            return self.candidates(candidates.collect());
        }
        if candidates.len() > 1 {
            self.warn(DeliveryWarning::AmbiguousContact);
        }
        let Some(&contact) = candidates.first() else {
            self.others = hits.iter().map(KnownContact::from).collect();
            return self.absent();
        };
        self.others = hits
            .iter()
            .filter(|hit| hit.id != contact.id)
            .map(KnownContact::from)
            .collect();
        let hits = hits.as_slice();
        knowledge.learn(&Fact::Found { lookup, contact, hits });
        let is_remembered = hits[..shown].iter().all(|hit| hit.id != contact.id);
        if !is_remembered {
            knowledge.saw(contact);
        }
        self.found(KnownContact::from(contact), is_remembered)
    }

    pub(super) fn found(&mut self, who: KnownContact, is_remembered: bool) -> Verdict {
        self.contact = Whereabouts::Found { who, is_remembered };
        Verdict::GoOn
    }

    /// There is no such contact.
    pub(super) fn absent(&mut self) -> Verdict {
        self.contact = Whereabouts::Absent;
        if let (Plan::SaveContact(plan), false) = (&*self.plan, self.is_looked_for_as_moved)
            && let Some(moved) = moved_lookup(plan)
        {
            self.is_looked_for_as_moved = true;
            self.detour = Some(Detour::FindMoved(moved));
            return Verdict::GoOn;
        }
        self.detour = None;
        let is_created = match &*self.plan {
            Plan::SaveContact(plan) => plan.create().is_some(),
            Plan::SaveCompany(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => false,
        };
        if self.policies.absence == AbsencePolicy::Doubt && !is_created {
            return failed(FailureCode::Settling);
        }
        match &*self.plan {
            Plan::SaveContact(plan) if plan.create().is_none() => {
                return Verdict::End(Ending::Rejected(RejectionCode::ContactNotFound));
            }
            Plan::SaveCompany(_) => self.warn(DeliveryWarning::MemberNotFound),
            // It is created, or there is nothing left to delete.
            Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => {}
        }
        Verdict::GoOn
    }

    /// The contact turned out to be gone: it is looked up again, once.
    pub(super) fn contact_gone<K: Knowledge>(&mut self, knowledge: &mut K) -> Verdict {
        if let Some(id) = self.contact().cloned() {
            let lookup = self.plan.lookup();
            knowledge.learn(&Fact::ContactGone { id: &id, lookup });
        }
        self.contact = Whereabouts::Unknown;
        // Another contact may still be linked to what this one has left.
        self.leaving = None;
        self.left = 0;
        self.detour = None;
        self.is_begun = Some(false);
        self.deletion = Deletion::default();
        self.contact_lost += 1;
        match (&*self.plan, self.contact_lost) {
            (_, 1) => Verdict::GoOn,
            // The search may still show what is gone.
            (Plan::SaveContact(_), 2) | (Plan::SaveCompany(_), _) => self.absent(),
            _ if self.policies.absence == AbsencePolicy::Doubt => failed(FailureCode::Settling),
            (Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_), _) => failed(FailureCode::NotFound),
        }
    }

    fn found_company(&mut self, response: Response<'_>) -> Verdict {
        let found = match response.map(FindCompany::parse_response) {
            Ok(Ok(found)) => found.first().map(|company| company.id.clone()),
            Ok(Err(_)) => return UNREADABLE,
            Err(error) if is_gone(error) => None,
            Err(error) => return failure(error),
        };
        match found {
            Some(company) => {
                self.leaving = Some(Leaving {
                    company,
                    is_remembered: false,
                });
            }
            None => self.has_left(),
        }
        Verdict::GoOn
    }

    fn detached<K: Knowledge>(&mut self, at: usize, response: Response<'_>, knowledge: &mut K) -> Verdict {
        let (
            Whereabouts::Found {
                who: KnownContact { id, .. },
                is_remembered: is_contact_remembered,
            },
            Some(Leaving { company, is_remembered }),
        ) = (&self.contact, &self.leaving)
        else {
            return Verdict::GoOn;
        };
        match response {
            Ok(_) => self.wrote = true,
            // Not linked, or not there: what was asked for holds, unless an id was out of date.
            Err(error) if is_gone(error) => {
                if *is_remembered && let Some(key) = leaves(&self.plan, at) {
                    knowledge.learn(&Fact::CompanyDoubted(key));
                    self.company_lost += 1;
                    self.leaving = None;
                    return Verdict::GoOn;
                }
                if *is_contact_remembered && !error.has_code(&ErrorCode::CompanyNotFound) {
                    return self.contact_gone(knowledge);
                }
            }
            Err(error) => return failure(error),
        }
        knowledge.learn(&Fact::Detached(id, company));
        self.has_left();
        Verdict::GoOn
    }

    fn updated<K: Knowledge>(&mut self, fields: &ContactFields, response: Response<'_>, knowledge: &mut K) -> Verdict {
        let Some(id) = self.contact().cloned() else {
            return Verdict::GoOn;
        };
        let given = self.given(fields, true);
        match response {
            Ok(body) => {
                // The response is for show; what was sent is known.
                let contact = serde_json::from_slice::<Contact>(body).ok();
                self.warn_of_replacing(&given);
                self.saved(&id, false, contact.as_ref(), &given, knowledge);
                self.is_done = true;
                Verdict::GoOn
            }
            Err(error) if is_gone(error) => self.contact_gone(knowledge),
            Err(error) => match error.conflicting_contact() {
                Some(conflict) => self.update_conflicts(&given, conflict, knowledge),
                None if self.refuses_lead(&given, true, error) => Verdict::GoOn,
                None => self.refused(error, DataAttributeModel::Contact, knowledge),
            },
        }
    }

    /// The contact has been created or updated.
    fn saved<K: Knowledge>(
        &mut self,
        id: &ContactId,
        is_new: bool,
        contact: Option<&Contact>,
        fields: &ContactFields,
        knowledge: &mut K,
    ) {
        let contact = contact.filter(|contact| contact.id == *id);
        knowledge.learn(&Fact::Saved {
            id,
            is_new,
            fields,
            contact,
        });
        self.wrote = true;
        if self.email != Email::Given {
            self.warn(DeliveryWarning::EmailTaken);
        }
        if self.is_role_refused {
            self.warn(DeliveryWarning::RoleRefused);
        }
        let mut who = KnownContact::new(id.clone());
        who.external_id.clone_from(&fields.external_id);
        let _ = self.found(who, false);
    }

    pub(super) fn created<K: Knowledge>(
        &mut self,
        fields: &ContactFields,
        is_last: bool,
        response: Response<'_>,
        knowledge: &mut K,
    ) -> Verdict {
        let given = self.given(fields, false);
        let error = match response.map(CreateContact::parse_response) {
            Ok(Ok(contact)) => {
                self.saved(&contact.id, true, Some(&contact), &given, knowledge);
                self.is_done = is_last;
                self.detour = None;
                return Verdict::GoOn;
            }
            // It may have been created: the next attempt meets it.
            Ok(Err(_)) => return UNREADABLE,
            Err(error) => error,
        };
        match error.conflicting_contact() {
            Some(conflict) => self.create_conflicts(&given, conflict, (!is_last).then_some(fields), knowledge),
            None if self.refuses_lead(&given, false, error) => Verdict::GoOn,
            None => self.refused(error, DataAttributeModel::Contact, knowledge),
        }
    }

    fn deleted<K: Knowledge>(&mut self, response: Response<'_>, knowledge: &mut K) -> Verdict {
        match response {
            Ok(_) => self.wrote = true,
            // It was there when it was read: somebody else was faster.
            Err(error) if is_gone(error) => {}
            Err(error) => return failure(error),
        }
        if let Some(id) = self.contact() {
            knowledge.learn(&Fact::Deleted(id));
        }
        self.is_done = true;
        Verdict::GoOn
    }

    fn upserted<K: Knowledge>(
        &mut self,
        key: Option<&CompanyExternalId>,
        response: Response<'_>,
        knowledge: &mut K,
    ) -> Verdict {
        match response.map(UpsertCompany::parse_response) {
            Ok(Ok(company)) => {
                if let Some(key) = key {
                    knowledge.learn(&Fact::CompanySaved(key, &company.id));
                }
                self.wrote = true;
                self.company_saved(company.id);
                Verdict::GoOn
            }
            Ok(Err(_)) => UNREADABLE,
            Err(error) => self.refused(error, DataAttributeModel::Company, knowledge),
        }
    }

    pub(super) fn company_saved(&mut self, company: CompanyId) {
        if self.company.as_ref() != Some(&company) {
            // What was done for another company of this name has to be done again.
            self.is_attached = false;
            self.tags_done = 0;
        }
        self.company = Some(company);
        self.is_company_saved = true;
    }

    fn attached<K: Knowledge>(&mut self, response: Response<'_>, knowledge: &mut K) -> Verdict {
        match response {
            Ok(_) => {
                self.wrote = true;
                if let (Some(contact), Some(company)) = (self.contact(), self.company()) {
                    knowledge.learn(&Fact::Attached(contact, company));
                }
                self.is_attached = true;
                Verdict::GoOn
            }
            // Which of the two is gone is not always said.
            Err(error) if is_gone(error) && !error.has_code(&ErrorCode::CompanyNotFound) && self.contact_lost == 0 => {
                self.contact_gone(knowledge)
            }
            Err(error) if is_gone(error) => self.company_gone(knowledge),
            Err(error) => failure(error),
        }
    }

    fn tagged<K: Knowledge>(&mut self, name: &str, response: Response<'_>, knowledge: &mut K) -> Verdict {
        match response {
            Ok(_) => {
                self.wrote = true;
                if let Some(company) = self.company() {
                    knowledge.learn(&Fact::Tagged(company, name));
                }
                self.tags_done += 1;
                Verdict::GoOn
            }
            Err(error) if is_gone(error) => self.company_gone(knowledge),
            Err(error) => failure(error),
        }
    }

    /// The company turned out to be gone: it is created again, once.
    fn company_gone<K: Knowledge>(&mut self, knowledge: &mut K) -> Verdict {
        self.company_lost += 1;
        if self.company_lost > 1 {
            return failed(FailureCode::CompanyNotFound);
        }
        if let Plan::SaveCompany(plan) = &*self.plan
            && let Some(key) = &plan.company.company_id
        {
            knowledge.learn(&Fact::CompanyGone(key));
        }
        self.is_company_saved = false;
        Verdict::GoOn
    }

    /// A body was refused: perhaps for a custom attribute that the workspace does not have.
    fn refused<K: Knowledge>(&mut self, error: &ApiError, model: DataAttributeModel, knowledge: &mut K) -> Verdict {
        let Some(name) = error.undefined_attribute() else {
            return failure(error);
        };
        let is_new = !self.undefined.iter().any(|known| known == name);
        // An attribute that is not in the body, or that should have been mended, cannot be.
        let value = self
            .sent
            .as_deref()
            .filter(|_| is_new)
            .and_then(|body| value_in(body, name));
        knowledge.learn(&Fact::Undefined(&model, name));
        match (self.policies.attributes, value) {
            (AttributePolicy::Drop, Some(_)) => self.undefined.push(name.to_owned()),
            (AttributePolicy::Create, Some(value)) => self.define(name, model, &value),
            (AttributePolicy::Drop | AttributePolicy::Create | AttributePolicy::Fail, _) => {
                return Verdict::End(self.fails_for_want_of(name, false));
            }
        }
        Verdict::GoOn
    }
}

/// The contacts that a search shows.
fn shown_hits(response: Response<'_>) -> Result<Vec<Contact>, Verdict> {
    match response.map(SearchContacts::parse_response) {
        Ok(Ok(list)) => Ok(list.data.unwrap_or_default()),
        Ok(Err(_)) => Err(UNREADABLE),
        Err(error) => Err(failure(error)),
    }
}

/// Those, corrected by what is known better, and the contacts that the search does not show yet.
pub(super) fn all_hits<K: Knowledge>(
    lookup: &Lookup,
    response: Response<'_>,
    knowledge: &mut K,
) -> Result<Vec<Contact>, Verdict> {
    let mut hits = shown_hits(response)?;
    knowledge.correct(lookup, &mut hits);
    let unindexed = knowledge.unindexed(lookup, &hits, None);
    hits.extend(unindexed.into_iter().map(Contact::from));
    Ok(hits)
}

/// What cannot be read is asked for again.
pub(super) const UNREADABLE: Verdict = Verdict::Retry(FailureCode::InvalidResponse);

pub(super) fn failed(code: FailureCode) -> Verdict {
    Verdict::End(Ending::Failed(code))
}

/// What an error means that no step knows better.
pub(super) fn failure(error: &ApiError) -> Verdict {
    failed(match error.status {
        401 => FailureCode::Unauthorized,
        403 => FailureCode::Forbidden,
        404 | 410 => FailureCode::NotFound,
        409 => FailureCode::Conflict,
        0..=399 => FailureCode::InvalidResponse,
        500.. => FailureCode::ServerError,
        _ => FailureCode::BadRequest,
    })
}

pub(super) fn is_gone(error: &ApiError) -> bool {
    matches!(error.status, 404 | 410)
}

/// The company at a place among those that the plan's contact leaves.
fn leaves(plan: &Plan, at: usize) -> Option<&CompanyExternalId> {
    let Plan::SaveContact(SaveContact { detach, .. }) = plan else {
        return None;
    };
    match detach.get(at)? {
        CompanyKey::CompanyId(key) => Some(key),
        CompanyKey::Name(_) => None,
    }
}
