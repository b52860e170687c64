//! How many calls a walk can come to.

use super::read::moved_lookup;
use super::{AttributePolicy, EventEmail, Policies, UnknownContactPolicy, Walk};
use intercom_api::{Attributes, ContactFields, DataEvent, Role};
use rudderstack_to_intercom::{Lookup, Plan, Step};

impl Walk {
    /// The most calls that a plan can come to, if each thing that the calls go by turns out to be otherwise once: the
    /// contact or the company is gone, what is created exists already or is archived, an identity is somebody else's, the
    /// workspace does not have a custom attribute. Calls that are made again after a while do not count.
    ///
    /// It holds for walks that know nothing, and go on in a workspace that nobody else changes meanwhile. What is known
    /// makes walks shorter: of all that have a custom attribute, one creates it.
    ///
    /// ```
    /// use intercom_delivery::{Policies, Walk};
    /// use rudderstack_to_intercom::{Lookup, LookupField, Plan};
    ///
    /// let plan = Plan::DeleteContact(Lookup::new(LookupField::EMAIL, "ann@example.com"));
    /// assert!(Walk::most_calls(&plan, Policies::default()) > plan.calls().len());
    /// ```
    pub fn most_calls(plan: &Plan, policies: Policies) -> usize {
        let none = Attributes::new();
        let (attributes, is_moved) = match plan {
            Plan::SaveContact(plan) => {
                let fields = plan.create().unwrap_or(&plan.update);
                (&fields.custom_attributes, moved_lookup(plan).is_some())
            }
            Plan::SaveCompany(plan) => (&plan.company.custom_attributes, false),
            Plan::DeleteContact(_) | Plan::SubmitEvent(_) => (&none, false),
        };
        // Refused as a lead, whoever it is is written once more.
        let without_role = match plan {
            Plan::SaveContact(plan) => {
                let mut given = plan.create().into_iter().chain([&plan.update]);
                usize::from(given.any(|fields| fields.role == Some(Role::Lead)))
            }
            Plan::SaveCompany(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => 0,
        };
        // If nobody is found, whoever the plan moves may have been moved already, and is searched and read.
        let to_find_moved = if is_moved { 2 } else { 0 };
        let steps = plan.steps().map(|(_, step)| most_of(&step, plan.lookup(), policies));
        steps.sum::<usize>() + to_find_moved + without_role + most_to_define(attributes, policies)
    }
}

/// The most calls of a step, and of the detours that it alone leads to.
fn most_of(step: &Step<'_>, lookup: Option<&Lookup>, policies: Policies) -> usize {
    match *step {
        // Once more, if whom it has led to is gone.
        Step::FindContact(_) => 2,
        // For the contact who is found, for one who is gone, and for one who is in the way and the right one.
        Step::FindCompany(..) | Step::DetachCompany(_) => 3,
        Step::CreateContact(fields) => Given::by(fields, None).most_to_create(),
        Step::UpdateContact(fields) => {
            let given = Given::by(fields, lookup);
            // Once for a contact who is gone, and without the email. The external id may be that of another, who is read,
            // restored and updated instead, or that of an archived one, whom only another refusal tells from the email's.
            2 + usize::from(given.email) + 4 * usize::from(given.external_id)
        }
        // Several may be meant, until a second one fits.
        Step::ReadContact => 2,
        Step::DeleteContact => 1,
        Step::SubmitEvent(event) => most_to_submit(event, policies),
        // Each once more, if the company is gone, and the link for a member who is gone as well.
        Step::UpsertCompany(_) | Step::Tag(..) => 2,
        Step::AttachCompany => 3,
    }
}

/// Which identities a contact is given.
#[derive(Clone, Copy)]
struct Given {
    external_id: bool,
    email: bool,
}

impl Given {
    /// By these fields; a lead that becomes a user gets the external id of the lookup as well.
    fn by(fields: &ContactFields, lookup: Option<&Lookup>) -> Self {
        Self {
            external_id: fields.external_id.is_some() || lookup.and_then(Lookup::external_id).is_some(),
            email: fields.email.is_some(),
        }
    }

    /// The calls to create the contact, or to find out who it is and restore it.
    fn most_to_create(self) -> usize {
        match (self.external_id, self.email) {
            // Created, read, created without the email, restored.
            (true, true) => 4,
            // Created, restored.
            (true, false) | (false, true) => 2,
            (false, false) => 1,
        }
    }
}

/// An event that is refused is submitted again, for a lead that is searched, or for a contact who is created.
fn most_to_submit(event: &DataEvent, policies: Policies) -> usize {
    let given = Given {
        external_id: event.user_id.is_some(),
        email: event.email.is_some(),
    };
    let is_told_apart = !given.external_id || policies.event_email == EventEmail::LeftOut;
    let is_of_lead = event.id.is_none() && given.email && is_told_apart;
    let is_created = policies.unknown_contact == UnknownContactPolicy::Create && (given.external_id || given.email);
    let to_create = if is_created { given.most_to_create() } else { 0 };
    1 + usize::from(is_of_lead) + to_create + usize::from(is_of_lead || is_created)
}

/// The calls that are refused for want of a custom attribute, and those that create it.
fn most_to_define(attributes: &Attributes, policies: Policies) -> usize {
    match policies.attributes {
        AttributePolicy::Fail => 0,
        AttributePolicy::Drop => attributes.len(),
        AttributePolicy::Create => 2 * attributes.len(),
    }
}
