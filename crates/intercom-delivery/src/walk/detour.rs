//! Calls that are not in the plan, before the walk goes on with it.

use super::defined::DefinedAttributes;
use super::read::{ReadContact, moved_lookup};
use super::responses::{Response, UNREADABLE, all_hits, failure, is_gone};
use super::state::Detour;
use super::{Fact, Knowledge, Next, Permit, Verdict, Walk, Write};
use crate::contact::KnownContact;
use intercom_api::{ApiError, ContactId, ListDataAttributes, Operation, RetrieveContact, UnarchiveContact};
use rudderstack_to_intercom::{Lookup, Plan, Step};
use std::sync::Arc;

impl Walk {
    /// The plan was begun before with this contact: unless it has become somebody else, it is the one.
    pub(super) fn begin_again(&mut self, id: ContactId) {
        match &*self.plan {
            Plan::SaveContact(_) => self.detour = Some(Detour::Verify(id)),
            Plan::DeleteContact(_) => {
                let _ = self.found(KnownContact::new(id), true);
            }
            // They change nobody's identity.
            Plan::SubmitEvent(_) | Plan::SaveCompany(_) => {}
        }
    }

    pub(super) fn next_of_detour<K: Knowledge>(&mut self, detour: &Detour, knowledge: &mut K) -> Option<Next<K::Busy>> {
        match detour {
            Detour::CreateContact(fields) => self.write(Step::CreateContact(fields), knowledge),
            Detour::Unarchive(id) => {
                self.take_detour(&Write::Unarchive(id), &UnarchiveContact { id: id.clone() }, knowledge)
            }
            Detour::ListAttributes(model) => {
                let list = ListDataAttributes::of(model.clone());
                self.take_detour(&Write::ListAttributes(model), &list, knowledge)
            }
            Detour::Define(attribute) => self.take_detour(&Write::Define(attribute), attribute, knowledge),
            Detour::FindMoved(lookup) => match knowledge.contact(lookup) {
                Some(who) => {
                    self.detour = Some(Detour::ReadMoved(who.id));
                    None
                }
                None => Some(call(&lookup.search())),
            },
            Detour::FindLead(lookup) => Some(call(&lookup.search())),
            Detour::Identify(conflict, _) => Some(call(&RetrieveContact::new(conflict.id.clone()))),
            Detour::Verify(id) | Detour::ReadMoved(id) => Some(call(&RetrieveContact { id: id.clone() })),
        }
    }

    /// Whether nothing comes after a step that succeeds.
    pub(super) fn is_last(&self, step: &Step<'_>) -> bool {
        match step {
            Step::UpdateContact(_) | Step::DeleteContact | Step::SubmitEvent(_) => true,
            Step::CreateContact(_) => self.detour.is_none(),
            Step::FindContact(_)
            | Step::FindCompany(..)
            | Step::DetachCompany(_)
            | Step::ReadContact
            | Step::UpsertCompany(_)
            | Step::AttachCompany
            | Step::Tag(..) => false,
        }
    }

    fn take_detour<K: Knowledge>(
        &mut self,
        write: &Write<'_>,
        request: &impl Operation,
        knowledge: &mut K,
    ) -> Option<Next<K::Busy>> {
        match knowledge.permit(write) {
            Permit::AsPlanned | Permit::With(_) => Some(call(request)),
            Permit::Wait(busy) => Some(Next::Wait(busy)),
            Permit::NotTheirs => self.look_up_again(),
            Permit::Unneeded | Permit::ListFirst => {
                self.detour = None;
                None
            }
        }
    }

    pub(super) fn handle_detour<K: Knowledge>(
        &mut self,
        detour: Detour,
        response: Response<'_>,
        knowledge: &mut K,
    ) -> Verdict {
        match detour {
            Detour::Unarchive(_) => match response {
                Err(error) if is_gone(error) => self.contact_gone(knowledge),
                Err(error) if error.status == 403 => failure(error),
                // If it is not archived any more, somebody else was faster; if it still is, the next call says so.
                Ok(_) | Err(_) => {
                    self.wrote = true;
                    self.detour = None;
                    Verdict::GoOn
                }
            },
            Detour::ListAttributes(model) => {
                let list = response.ok().map(ListDataAttributes::parse_response);
                // Without the list, Intercom's responses tell what is undefined.
                let list = list.and_then(Result::ok).map(|list| list.data.unwrap_or_default());
                let known = list.map(|list| DefinedAttributes::new(&model, &list));
                knowledge.learn(&Fact::AttributesListed(&model, known.as_ref()));
                self.detour = None;
                Verdict::GoOn
            }
            Detour::Define(attribute) => {
                let (model, name) = (&attribute.model, &attribute.name);
                knowledge.learn(&match response {
                    Ok(_) => Fact::Defined(model, name, &attribute.data_type),
                    // It may exist by now: through somebody else, or by a call whose response was lost.
                    Err(_) => Fact::AttributesDoubted(model),
                });
                self.has_no_room |= response.is_err_and(ApiError::is_attribute_limit);
                // If it does not exist, the body is refused again, and the plan fails.
                self.detour = None;
                Verdict::GoOn
            }
            Detour::CreateContact(fields) => self.created(&fields, false, response, knowledge),
            Detour::Identify(conflict, creating) => self.identified(&conflict, creating, response, knowledge),
            Detour::FindLead(lookup) => self.found_lead(&lookup, response, knowledge),
            Detour::Verify(id) => self.verified(id, response),
            Detour::FindMoved(lookup) => self.found_moved(&lookup, response, knowledge),
            Detour::ReadMoved(id) => self.read_moved(id, response, knowledge),
        }
    }

    fn verified(&mut self, id: ContactId, response: Response<'_>) -> Verdict {
        let plan = Arc::clone(&self.plan);
        let is_meant = |contact: &ReadContact| match &*plan {
            Plan::SaveContact(plan) => {
                let moved = moved_lookup(plan);
                contact.is_found_by(&plan.lookup) || moved.is_some_and(|moved| contact.is_found_by(&moved))
            }
            Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => false,
        };
        let is_meant = match response.map(ReadContact::parse) {
            Ok(Some(contact)) => is_meant(&contact),
            Ok(None) => return UNREADABLE,
            Err(error) if is_gone(error) => false,
            Err(error) => return failure(error),
        };
        self.detour = None;
        if is_meant {
            let who = match response.map(RetrieveContact::parse_response) {
                Ok(Ok(contact)) => KnownContact::from(&contact),
                Ok(Err(_)) | Err(_) => KnownContact::new(id),
            };
            return self.found(who, true);
        }
        Verdict::GoOn
    }

    fn found_moved<K: Knowledge>(&mut self, lookup: &Lookup, response: Response<'_>, knowledge: &mut K) -> Verdict {
        let hits = match all_hits(lookup, response, knowledge) {
            Ok(hits) => hits,
            Err(verdict) => return verdict,
        };
        match hits.as_slice() {
            [hit] => {
                self.detour = Some(Detour::ReadMoved(hit.id.clone()));
                Verdict::GoOn
            }
            // Of several, nobody can tell which it would be.
            _ => self.absent(),
        }
    }

    /// Whoever has by now what the plan would give may be somebody else, to whom nothing is written: there is nothing
    /// left to write if they have all of it.
    fn read_moved<K: Knowledge>(&mut self, id: ContactId, response: Response<'_>, knowledge: &mut K) -> Verdict {
        let contact = match response.map(ReadContact::parse) {
            Ok(Some(contact)) => contact,
            Ok(None) => return UNREADABLE,
            Err(error) if is_gone(error) => return self.absent(),
            Err(error) => return failure(error),
        };
        let plan = Arc::clone(&self.plan);
        match &*plan {
            Plan::SaveContact(plan) if contact.has_all(&plan.update) => {
                let mut who = KnownContact::new(id);
                if let (Some(lookup), Ok(Ok(contact))) =
                    (moved_lookup(plan), response.map(RetrieveContact::parse_response))
                {
                    let (lookup, contact) = (&lookup, &contact);
                    // There may be others whom no search has shown.
                    let hits = &[];
                    knowledge.learn(&Fact::Found { lookup, contact, hits });
                    who = KnownContact::from(contact);
                }
                self.detour = None;
                self.is_done = true;
                self.found(who, false)
            }
            Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => {
                self.absent()
            }
        }
    }
}

fn call<B>(request: &impl Operation) -> Next<B> {
    let call = request.to_call();
    Next::Call(call.expect("every request of the models can be written as JSON"))
}
