//! One plan, call by call: which one comes next, and what its response means.

mod attribute;
mod defined;
mod deletion;
mod detour;
mod events;
mod knowledge;
mod missing;
mod most;
mod policies;
mod read;
mod responses;
mod state;
mod verdict;
mod whose;

pub(crate) use attribute::CUSTOM;
pub use defined::DefinedAttributes;
pub use knowledge::{Fact, Knowledge, Permit, Rewritten, Write};
pub use policies::{AbsencePolicy, ArchivedPolicy, AttributePolicy, EventEmail, Policies, UnknownContactPolicy};
pub(crate) use read::{ReadContact, as_attributes, moves_to};
pub use verdict::{Ending, Next, Verdict};

use crate::codes::{DeliveryWarning, FailureCode, Supersession};
use crate::contact::KnownContact;
use attribute::leave_out;
use intercom_api::{CompanyId, ContactId, DataAttributeModel};
use rudderstack_to_intercom::{CompanyKey, Lookup, Plan, Step, When};
use serde_json::value::RawValue;
use state::{Deletion, Detour, Email, Leaving, Whereabouts};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A plan that is carried out, one call after the other: without I/O, memory, clock or limits.
///
/// The order of calls is that of [`Plan::steps`]. The walk adds what responses make of it: a contact who exists already
/// is updated, one who is archived is restored, one who is gone is looked up again, a company that is gone is created
/// again, a custom attribute that the workspace does not have is dropped or created. Whatever goes wrong, the walk
/// stays at the call that failed, so that it can be made again, and those before it are not.
///
/// What is known besides comes in through [`Knowledge`]; `()` knows nothing.
///
/// ```
/// use intercom_delivery::{Ending, Next, Policies, Verdict, Walk};
/// use rudderstack_to_intercom::{Lookup, LookupField, Plan};
///
/// # fn send(call: &intercom_api::Call) -> Vec<u8> {
/// #     match call.operation.as_str() {
/// #         "search_contacts" => br#"{"data":[{"id":"5f"}]}"#.to_vec(),
/// #         "retrieve_contact" => br#"{"id":"5f","email":"ann@example.com"}"#.to_vec(),
/// #         _ => b"{}".to_vec(),
/// #     }
/// # }
/// let plan = Plan::DeleteContact(Lookup::new(LookupField::EMAIL, "ann@example.com"));
/// let mut walk = Walk::new(plan, Policies::default());
/// let ending = loop {
///     // The last write could be handed to somebody else instead.
///     let call = match walk.next(&mut ()) {
///         Next::Call(call) | Next::LastWrite(call) => call,
///         Next::Wait(never) => match never {},
///         Next::End(ending) => break ending,
///     };
///     match walk.handle_response(Ok(&send(&call)), &mut ()) {
///         Verdict::GoOn => {}
///         Verdict::Retry(code) => break Ending::Failed(code),
///         Verdict::End(ending) => break ending,
///     }
/// };
/// assert_eq!(ending, Ending::Delivered);
/// assert_eq!(walk.contact().unwrap().as_str(), "5f");
/// ```
pub struct Walk {
    plan: Arc<Plan>,
    policies: Policies,
    contact: Whereabouts,
    leaving: Option<Leaving>,
    /// How many of the plan's companies the contact has left.
    left: usize,
    company: Option<CompanyId>,
    /// Whether the company has been saved, and has not turned out to be gone since.
    is_company_saved: bool,
    /// Whether the member is linked.
    is_attached: bool,
    tags_done: usize,
    /// Whether the last write is made, or not needed.
    is_done: bool,
    detour: Option<Detour>,
    /// Whether the contact is that with whom the plan was begun before, once that is known.
    is_begun: Option<bool>,
    /// Whether the contact was looked for under what the plan changes.
    is_looked_for_as_moved: bool,
    deletion: Deletion,
    /// How often the contact turned out to be gone.
    contact_lost: u32,
    /// How often the company did.
    company_lost: u32,
    /// How often writing the contact met another.
    conflicts: u32,
    /// Whom the search has shown besides the contact.
    others: Vec<KnownContact>,
    email: Email,
    /// Whether Intercom has refused that the contact is a lead.
    is_role_refused: bool,
    /// Whether the contact stays the lead that it is, because a user has its email.
    stays_lead: bool,
    /// The lead that a data event is for.
    lead: Option<ContactId>,
    wrote: bool,
    /// Custom attributes that calls found undefined, and that were left out or created since.
    undefined: Vec<String>,
    /// The one that the plan failed for.
    refused_attribute: Option<String>,
    /// Whether Intercom has said that the workspace can have no more of them.
    has_no_room: bool,
    /// The body of the last write of fields.
    sent: Option<Box<RawValue>>,
    warnings: Vec<DeliveryWarning>,
}

impl Walk {
    /// From the beginning of a plan.
    pub fn new(plan: impl Into<Arc<Plan>>, policies: Policies) -> Self {
        Self {
            plan: plan.into(),
            policies,
            contact: Whereabouts::Unknown,
            leaving: None,
            left: 0,
            company: None,
            is_company_saved: false,
            is_attached: false,
            tags_done: 0,
            is_done: false,
            detour: None,
            is_begun: None,
            is_looked_for_as_moved: false,
            deletion: Deletion::default(),
            contact_lost: 0,
            company_lost: 0,
            conflicts: 0,
            others: Vec::new(),
            email: Email::Given,
            is_role_refused: false,
            stays_lead: false,
            lead: None,
            wrote: false,
            undefined: Vec::new(),
            refused_attribute: None,
            has_no_room: false,
            sent: None,
            warnings: Vec::new(),
        }
    }

    /// From where the plan's contact is looked up already: it is this one, or there is none.
    pub fn after_lookup(plan: impl Into<Arc<Plan>>, policies: Policies, contact: Option<ContactId>) -> Self {
        Self {
            contact: match contact {
                Some(id) => Whereabouts::Found {
                    who: KnownContact::new(id),
                    is_remembered: true,
                },
                None => Whereabouts::Absent,
            },
            ..Self::new(plan, policies)
        }
    }

    /// Later events have superseded this much of what the plan was: if it was all, nothing is left to be done.
    pub(crate) fn supersede(&mut self, supersession: Supersession) {
        if supersession != Supersession::Not {
            self.warn(DeliveryWarning::Superseded);
        }
        self.is_done |= supersession == Supersession::Wholly;
    }

    /// The company was saved and tagged before.
    pub(crate) fn has_saved(&mut self, company: CompanyId) {
        if let Plan::SaveCompany(plan) = &*self.plan {
            self.tags_done = plan.tags.len();
            self.company = Some(company);
            self.is_company_saved = true;
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The contact, if the plan is about one and it is known.
    pub fn contact(&self) -> Option<&ContactId> {
        match &self.contact {
            Whereabouts::Found { who, .. } => Some(&who.id),
            Whereabouts::Unknown | Whereabouts::Absent => None,
        }
    }

    /// The lead that a data event is for, once it turned out to be one: Intercom knows leads by its own id only.
    pub fn lead(&self) -> Option<&ContactId> {
        self.lead.as_ref()
    }

    /// The company, if the plan saves one and it is known.
    pub fn company(&self) -> Option<&CompanyId> {
        self.company.as_ref()
    }

    /// Whether anything was written.
    pub fn has_written(&self) -> bool {
        self.wrote
    }

    /// What else the caller should know.
    pub fn warnings(&self) -> &[DeliveryWarning] {
        &self.warnings
    }

    /// The custom attribute that the workspace does not have, if the plan failed for want of it.
    pub fn refused_attribute(&self) -> Option<&str> {
        self.refused_attribute.as_deref()
    }

    /// The next call. Until its response is handled, it is the same.
    pub fn next<K: Knowledge>(&mut self, knowledge: &mut K) -> Next<K::Busy> {
        let plan = Arc::clone(&self.plan);
        loop {
            let next = match (self.detour.clone(), self.step(&plan)) {
                (Some(detour), _) => self.next_of_detour(&detour, knowledge),
                (None, Some(Step::FindContact(lookup))) => self.find_contact(lookup, knowledge),
                (None, Some(Step::FindCompany(_, key))) => self.find_company(key, knowledge),
                (None, Some(step @ Step::ReadContact)) => Some(Next::Call(step.to_call(self.contact(), None))),
                (None, Some(step)) => self.write(step, knowledge),
                (None, None) => Some(Next::End(Ending::Delivered)),
            };
            if let Some(next) = next {
                return next;
            }
        }
    }

    /// The first step of the plan that is to be taken, and has not been.
    fn step<'p>(&self, plan: &'p Plan) -> Option<Step<'p>> {
        if self.is_done {
            return None;
        }
        if let (AbsencePolicy::Doubt, Whereabouts::Unknown, Plan::SaveCompany(plan)) =
            (self.policies.absence, &self.contact, plan)
            && let Some(member) = &plan.member
        {
            // Who may have to be waited for is looked up first, so that the company is saved once.
            return Some(Step::FindContact(member));
        }
        let applies = |when| match when {
            When::Always => true,
            When::Found => self.contact().is_some(),
            When::NotFound => self.contact == Whereabouts::Absent,
        };
        let mut steps = plan.steps();
        steps.find_map(|(when, step)| (applies(when) && !self.is_taken(&step)).then_some(step))
    }

    fn is_taken(&self, step: &Step<'_>) -> bool {
        match step {
            Step::FindContact(_) => self.contact != Whereabouts::Unknown,
            Step::FindCompany(at, _) => *at < self.left || self.leaving.is_some(),
            Step::DetachCompany(at) => *at < self.left,
            Step::ReadContact => self.deletion.is_settled || self.is_done,
            Step::UpdateContact(_) | Step::CreateContact(_) | Step::DeleteContact | Step::SubmitEvent(_) => {
                self.is_done
            }
            Step::UpsertCompany(_) => self.is_company_saved,
            Step::AttachCompany => self.is_attached,
            Step::Tag(at, _) => *at < self.tags_done,
        }
    }

    fn find_contact<K: Knowledge>(&mut self, lookup: &Lookup, knowledge: &mut K) -> Option<Next<K::Busy>> {
        if self.is_begun.is_none() {
            let contact = knowledge.begun_with();
            self.is_begun = Some(contact.is_some());
            if let Some(id) = contact {
                self.begin_again(id);
                return None;
            }
        }
        let may_be_known = self.may_be_known(lookup);
        let known = may_be_known.then(|| knowledge.contact(lookup)).flatten();
        let Some(who) = known else {
            if may_be_known && matches!(*self.plan, Plan::SaveCompany(_)) && knowledge.is_absent(lookup) {
                return self.absent().into_next();
            }
            return Some(Next::Call(Step::FindContact(lookup).to_call(None, None)));
        };
        self.found(who, true).into_next()
    }

    fn find_company<K: Knowledge>(&mut self, key: &CompanyKey, knowledge: &mut K) -> Option<Next<K::Busy>> {
        let known = match key {
            CompanyKey::CompanyId(key) if self.company_lost == 0 => knowledge.company(key),
            CompanyKey::CompanyId(_) | CompanyKey::Name(_) => None,
        };
        let Some(company) = known else {
            return Some(Next::Call(Step::FindCompany(self.left, key).to_call(None, None)));
        };
        self.leaving = Some(Leaving {
            company,
            is_remembered: true,
        });
        None
    }

    /// The call of a step that writes; none, if it is not needed.
    fn write<K: Knowledge>(&mut self, step: Step<'_>, knowledge: &mut K) -> Option<Next<K::Busy>> {
        let contact = self.contact().cloned();
        let (given, event);
        let step = match step {
            Step::UpdateContact(fields) => {
                given = self.given(fields, true);
                if given.is_empty() && !fields.is_empty() {
                    self.is_done = true;
                    return None;
                }
                Step::UpdateContact(&given)
            }
            Step::CreateContact(fields) => {
                given = self.given(fields, false);
                Step::CreateContact(&given)
            }
            Step::SubmitEvent(planned) => {
                event = self.submitted_as(planned);
                Step::SubmitEvent(&event)
            }
            other => other,
        };
        let company = match &self.leaving {
            Some(leaving) => Some(leaving.company.clone()),
            None => self.company.clone(),
        };
        let (plan, undefined) = (&*self.plan, self.undefined.as_slice());
        let save = |id, fields| Write::Contact {
            id,
            plan,
            fields,
            is_email_taken: self.email != Email::Given,
            undefined,
        };
        let write = match (step, &contact, &company) {
            (Step::UpdateContact(fields), Some(id), _) => save(Some(id), fields),
            (Step::CreateContact(fields), ..) => save(None, fields),
            (Step::UpsertCompany(fields), ..) => Write::Company { fields, undefined },
            (Step::DetachCompany(_), Some(contact), Some(company)) => Write::Detach(contact, company),
            (Step::AttachCompany, Some(contact), Some(company)) => Write::Attach(contact, company),
            (Step::Tag(_, name), _, Some(company)) => Write::Tag(company, name),
            (Step::DeleteContact, Some(contact), _) => Write::Delete(contact),
            (Step::SubmitEvent(event), ..) => Write::Event(event),
            // No step is due before what it needs is known; and those that find something write nothing.
            (
                Step::UpdateContact(_)
                | Step::DetachCompany(_)
                | Step::AttachCompany
                | Step::Tag(..)
                | Step::ReadContact
                | Step::DeleteContact
                | Step::FindContact(_)
                | Step::FindCompany(..),
                ..,
            ) => return Some(Next::End(Ending::Failed(FailureCode::NotFound))),
        };
        let model = match matches!(write, Write::Company { .. }) {
            true => DataAttributeModel::Company,
            false => DataAttributeModel::Contact,
        };
        let mut permit = knowledge.permit(&write);
        if let (Permit::Unneeded, Write::Company { fields, .. }) = (&permit, &write) {
            match fields.company_id.as_ref().and_then(|key| knowledge.company(key)) {
                Some(company) => {
                    self.company_saved(company);
                    return None;
                }
                None => permit = Permit::AsPlanned,
            }
        }
        if let ControlFlow::Break(next) = self.see_to_attributes(&permit, model) {
            return next;
        }
        let mut call = match permit {
            // They are being listed.
            Permit::ListFirst => return None,
            Permit::AsPlanned | Permit::With(_) => step.to_call(contact.as_ref(), company.as_ref()),
            Permit::Wait(busy) => return Some(Next::Wait(busy)),
            Permit::NotTheirs => return self.look_up_again(),
            Permit::Unneeded => {
                match step {
                    Step::DetachCompany(_) => self.has_left(),
                    Step::AttachCompany => self.is_attached = true,
                    Step::Tag(..) => self.tags_done += 1,
                    Step::UpdateContact(_) | Step::CreateContact(_) | Step::DeleteContact | Step::SubmitEvent(_) => {
                        self.is_done = true;
                    }
                    // A company has been dealt with above.
                    Step::UpsertCompany(_) | Step::FindContact(_) | Step::FindCompany(..) | Step::ReadContact => {}
                }
                return None;
            }
        };
        let dropped = match permit {
            Permit::With(rewritten) => {
                call.body = Some(rewritten.body);
                rewritten.dropped
            }
            _ if self.policies.attributes == AttributePolicy::Drop => leave_out(&mut call, &self.undefined),
            _ => Vec::new(),
        };
        self.warn_of_dropped(dropped);
        self.sent.clone_from(&call.body);
        Some(if self.is_last(&step) {
            Next::LastWrite(call)
        } else {
            Next::Call(call)
        })
    }

    /// The contact is not linked to the company that it was to leave: the next is due.
    fn has_left(&mut self) {
        self.leaving = None;
        self.left += 1;
    }

    /// Starts over, with what is known of the contact: after the plan could not be carried out together with others.
    pub(crate) fn start_over(&mut self) {
        if self.contact == Whereabouts::Absent {
            self.contact = Whereabouts::Unknown;
        }
        self.detour = None;
        self.is_done = false;
        self.contact_lost = 0;
        self.conflicts = 0;
        self.undefined.clear();
    }

    fn warn(&mut self, warning: DeliveryWarning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

// Shows how far the walk is, and no value.
exact_json::debug_shows! { Walk { plan, contact, company, is_done, .. } }

#[cfg(test)]
mod tests;
