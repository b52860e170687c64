//! What is to be done in Intercom for one event: data, which a delivery engine turns into calls.

use crate::company_key::CompanyKey;
use crate::lookup::Lookup;
use intercom_api::{
    AttachCompany, Call, CompanyFields, CompanyId, ContactFields, ContactId, CreateContact, DataEvent, DeleteContact,
    DetachCompany, FindCompany, Operation, RetrieveContact, SubmitDataEvent, TagCompanies, UpdateContact,
    UpsertCompany,
};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

/// What is to be done in Intercom for one event.
#[derive(Clone, Debug, PartialEq, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Plan {
    /// Create or update a contact: identify, and record with `insert` or `update`.
    SaveContact(SaveContact),
    /// Delete a contact: record with `delete`.
    DeleteContact(Lookup),
    /// Submit a data event: track.
    SubmitEvent(DataEvent),
    /// Create or update a company, link a member, tag it: group.
    SaveCompany(SaveCompany),
}

/// Create or update a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SaveContact {
    /// How the contact is found.
    pub lookup: Lookup,
    /// The companies that a contact who exists is detached from, before the update.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detach: Vec<CompanyKey>,
    /// What a contact who exists is to have.
    pub update: ContactFields,
    /// What happens if there is no such contact.
    pub missing: Missing,
}

impl SaveContact {
    /// An update, or else a create with the same fields.
    pub fn new(lookup: Lookup, contact: ContactFields) -> Self {
        Self {
            lookup,
            detach: Vec::new(),
            update: contact,
            missing: Missing::Create,
        }
    }

    /// The same with companies that a contact who exists is detached from.
    #[must_use]
    pub fn with_detach(mut self, companies: impl IntoIterator<Item = CompanyKey>) -> Self {
        self.detach = companies.into_iter().collect();
        self
    }

    /// The same with something else to do if there is no such contact.
    #[must_use]
    pub fn with_missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// The fields that a contact who does not exist is created with; `None` if they are not to be created.
    pub fn create(&self) -> Option<&ContactFields> {
        match &self.missing {
            Missing::Create => Some(&self.update),
            Missing::CreateWith(contact) => Some(contact),
            Missing::Reject => None,
        }
    }
}

/// What happens if the contact of a [`SaveContact`] does not exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Create it, with what it would have been updated with.
    Create,
    /// Create it, with these fields.
    CreateWith(Box<ContactFields>),
    /// Reject the event: [`ContactNotFound`](crate::RejectionCode::ContactNotFound).
    Reject,
}

/// Create or update a company, link a member, tag it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SaveCompany {
    /// What the company is to have.
    pub company: CompanyFields,
    /// How the contact is found who belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Lookup>,
    /// The tags it is to have, without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

exact_json::debug_shows! { SaveCompany(plan) { company, member, tags = plan.tags.len() } }

impl SaveCompany {
    /// A company without member and tags.
    pub fn new(company: CompanyFields) -> Self {
        Self {
            company,
            member: None,
            tags: Vec::new(),
        }
    }

    /// The same with a contact who belongs to it.
    #[must_use]
    pub fn with_member(mut self, member: Lookup) -> Self {
        self.member = Some(member);
        self
    }

    /// The same with tags.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }
}

/// On what the lookup comes to a step depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum When {
    /// On nothing.
    Always,
    /// It is taken only if the contact is found.
    Found,
    /// It is taken only if the contact is not found.
    NotFound,
}

/// Stands for Intercom's id of the contact.
pub const CONTACT_ID: &str = "{contact.id}";
/// Stands for Intercom's id of the company.
pub const COMPANY_ID: &str = "{company.id}";
const PLACEHOLDER: &str = "a placeholder is neither empty nor made of dots";

/// Something to be done with the request of a step, whatever its type.
pub(crate) trait WithRequest {
    /// What comes of it.
    type Output;

    /// Does it. Bodies are lent where they can be large, so that they need not be copied into a request.
    fn with<O: Operation>(self, request: &O, body: Option<O::Body<'_>>) -> Self::Output;
}

/// Makes the call of a request.
struct ToCall;

impl WithRequest for ToCall {
    type Output = Call;

    fn with<O: Operation>(self, request: &O, body: Option<O::Body<'_>>) -> Call {
        let call = request.to_call_with(body);
        call.expect("every request of the models can be written as JSON")
    }
}

/// A step of a plan: one call, with what the plan says of it.
///
/// [`Plan::steps`] is where the order of steps is written down; whoever carries plans out, shows them or counts their
/// calls goes by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'p> {
    /// Search the contact.
    FindContact(&'p Lookup),
    /// Find a company that the contact is to leave: its place in the plan, from 0, and how it is found.
    FindCompany(usize, &'p CompanyKey),
    /// End the contact's link to the company that was found last: its place in the plan.
    DetachCompany(usize),
    /// Update the contact.
    UpdateContact(&'p ContactFields),
    /// Create the contact.
    CreateContact(&'p ContactFields),
    /// Read the contact, to see whether it is the one that is to be deleted: what a search shows may be out of date.
    ReadContact,
    /// Delete the contact.
    DeleteContact,
    /// Submit the data event.
    SubmitEvent(&'p DataEvent),
    /// Create or update the company.
    UpsertCompany(&'p CompanyFields),
    /// Link the contact to the company.
    AttachCompany,
    /// Tag the company: the place of the tag in the plan, from 0, and its name.
    Tag(usize, &'p str),
}

impl Step<'_> {
    /// The call of the step. An id that is not known stands as a placeholder: [`CONTACT_ID`], [`COMPANY_ID`].
    pub fn to_call(&self, contact: Option<&ContactId>, company: Option<&CompanyId>) -> Call {
        self.with_request(contact, company, ToCall)
    }

    pub(crate) fn with_request<W: WithRequest>(
        &self,
        contact: Option<&ContactId>,
        company: Option<&CompanyId>,
        what: W,
    ) -> W::Output {
        fn whole<W: WithRequest, O: Operation>(what: W, request: &O) -> W::Output {
            what.with(request, request.body())
        }
        let id = || {
            contact
                .cloned()
                .unwrap_or_else(|| CONTACT_ID.parse().expect(PLACEHOLDER))
        };
        let company = || {
            company
                .cloned()
                .unwrap_or_else(|| COMPANY_ID.parse().expect(PLACEHOLDER))
        };
        let (no_contact, no_company) = (ContactFields::new, CompanyFields::new);
        match *self {
            Self::FindContact(lookup) => whole(what, &lookup.search()),
            Self::FindCompany(_, key) => whole(what, &FindCompany::from(key)),
            Self::DetachCompany(_) => whole(what, &DetachCompany::new(id(), company())),
            Self::UpdateContact(fields) => what.with(&UpdateContact::new(id(), no_contact()), Some(fields)),
            Self::CreateContact(fields) => what.with(&CreateContact::new(no_contact()), Some(fields)),
            Self::ReadContact => whole(what, &RetrieveContact::new(id())),
            Self::DeleteContact => whole(what, &DeleteContact::new(id())),
            Self::SubmitEvent(event) => what.with(&SubmitDataEvent::new(DataEvent::new("")), Some(event)),
            Self::UpsertCompany(fields) => what.with(&UpsertCompany::new(no_company()), Some(fields)),
            Self::AttachCompany => whole(what, &AttachCompany::new(id(), company())),
            Self::Tag(_, name) => whole(what, &TagCompanies::new(name, [company().into()])),
        }
    }
}

impl Plan {
    /// The steps that carry the plan out, in order, as if none failed.
    pub fn steps(&self) -> impl Iterator<Item = (When, Step<'_>)> {
        use When::{Always, Found, NotFound};
        let (leaves, tags): (&[CompanyKey], &[String]) = match self {
            Self::SaveContact(plan) => (&plan.detach, &[]),
            Self::SaveCompany(plan) => (&[], &plan.tags),
            Self::DeleteContact(_) | Self::SubmitEvent(_) => (&[], &[]),
        };
        // What comes first, and what comes after the companies that are left.
        let (first, then) = match self {
            Self::SaveContact(plan) => (
                (Always, Step::FindContact(&plan.lookup)),
                [
                    Some((Found, Step::UpdateContact(&plan.update))),
                    plan.create().map(|fields| (NotFound, Step::CreateContact(fields))),
                ],
            ),
            Self::DeleteContact(lookup) => (
                (Always, Step::FindContact(lookup)),
                [Some((Found, Step::ReadContact)), Some((Found, Step::DeleteContact))],
            ),
            Self::SubmitEvent(event) => ((Always, Step::SubmitEvent(event)), [None, None]),
            Self::SaveCompany(plan) => (
                (Always, Step::UpsertCompany(&plan.company)),
                [
                    plan.member.as_ref().map(|member| (Always, Step::FindContact(member))),
                    plan.member.as_ref().map(|_| (Found, Step::AttachCompany)),
                ],
            ),
        };
        let leaves = leaves
            .iter()
            .enumerate()
            .flat_map(|(at, key)| [(Found, Step::FindCompany(at, key)), (Found, Step::DetachCompany(at))]);
        let tags = tags.iter().enumerate();
        let tags = tags.map(|(at, name)| (Always, Step::Tag(at, name)));
        std::iter::once(first)
            .chain(leaves)
            .chain(then.into_iter().flatten())
            .chain(tags)
    }

    /// How the contact is found, if the plan is about one who has to be.
    pub fn lookup(&self) -> Option<&Lookup> {
        match self {
            Self::SaveContact(plan) => Some(&plan.lookup),
            Self::DeleteContact(lookup) => Some(lookup),
            Self::SaveCompany(plan) => plan.member.as_ref(),
            Self::SubmitEvent(_) => None,
        }
    }
}
