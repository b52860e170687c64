//! What is to be done in Intercom for one event: data, which a delivery engine turns into calls.

use crate::company_key::CompanyKey;
use crate::lookup::Lookup;
use intercom_api::{
    AttachCompany, Attributes, Call, CompanyFields, CompanyId, ContactFields, ContactId, CreateContact, DataEvent,
    DeleteContact, DetachCompany, FindCompany, Operation, OperationId, RetrieveContact, SubmitDataEvent, TagCompanies,
    UpdateContact, UpsertCompany, Value,
};
use serde::de::Error as _;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use strum::{Display, IntoStaticStr};

/// What is to be done in Intercom for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

impl fmt::Debug for SaveCompany {
    // Tags are data of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveCompany")
            .field("company", &self.company)
            .field("member", &self.member)
            .field("tags", &self.tags.len())
            .finish()
    }
}

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

/// A call of a plan, before anything is known of the responses.
///
/// What only an earlier response tells stands as a placeholder in path or body: [`CONTACT_ID`] and [`COMPANY_ID`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlannedCall {
    /// On what it depends.
    pub when: When,
    /// The call.
    pub call: Call,
}

/// `operation`, `when`, `method`, `path`, and `query` (an object) and `body` if there are any.
impl Serialize for PlannedCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Call {
            operation,
            path,
            query,
            body,
            ..
        } = &self.call;
        write_call(serializer, self.when, *operation, path, query, body.as_ref())
    }
}

impl<'de> Deserialize<'de> for PlannedCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            operation: OperationId,
            when: When,
            path: String,
            #[serde(default)]
            query: Attributes,
            #[serde(default, with = "exact_json::option")]
            body: Option<Box<RawValue>>,
        }
        let Written {
            operation,
            when,
            path,
            query,
            body,
        } = Written::deserialize(deserializer)?;
        let text = |(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(D::Error::custom("expected a text in the query")),
        };
        let mut call = Call::new(operation, path);
        call.query = query.into_iter().map(text).collect::<Result<_, _>>()?;
        call.body = body;
        Ok(Self { when, call })
    }
}

/// The one way in which a call is written for people.
fn write_call<S: Serializer>(
    serializer: S,
    when: When,
    operation: OperationId,
    path: &str,
    query: &[(Cow<'static, str>, String)],
    body: Option<impl Serialize>,
) -> Result<S::Ok, S::Error> {
    struct Query<'a>(&'a [(Cow<'static, str>, String)]);
    impl Serialize for Query<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("operation", &operation)?;
    map.serialize_entry("when", &when)?;
    map.serialize_entry("method", &operation.method())?;
    map.serialize_entry("path", path)?;
    if !query.is_empty() {
        map.serialize_entry("query", &Query(query))?;
    }
    if let Some(body) = body {
        map.serialize_entry("body", &body)?;
    }
    map.end()
}

/// The calls of a plan, to be written as [`Plan::calls`] would be, without being made first.
#[derive(Clone, Copy, Debug)]
pub struct WrittenCalls<'p>(&'p Plan);

impl Serialize for WrittenCalls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.steps().map(|(when, step)| WrittenCall { when, step }))
    }
}

struct WrittenCall<'p> {
    when: When,
    step: Step<'p>,
}

impl Serialize for WrittenCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.step.with_request(
            None,
            None,
            Write {
                when: self.when,
                serializer,
            },
        )
    }
}

/// Writes the call of a request.
struct Write<S> {
    when: When,
    serializer: S,
}

impl<S: Serializer> WithRequest for Write<S> {
    type Output = Result<S::Ok, S::Error>;

    fn with<O: Operation>(self, request: &O, body: Option<O::Body<'_>>) -> Self::Output {
        let path = readable(request.path());
        write_call(self.serializer, self.when, O::ID, &path, &request.query(), body)
    }
}

/// Stands for Intercom's id of the contact.
pub const CONTACT_ID: &str = "{contact.id}";
/// Stands for Intercom's id of the company.
pub const COMPANY_ID: &str = "{company.id}";
const PLACEHOLDER: &str = "a placeholder is neither empty nor made of dots";

/// A path for readers: the braces of a placeholder are encoded like any other text, but need not be for them.
fn readable(path: Cow<'_, str>) -> Cow<'_, str> {
    const ENCODED: [(&str, &str); 2] = [("%7Bcontact.id%7D", CONTACT_ID), ("%7Bcompany.id%7D", COMPANY_ID)];
    let mut rest = path.as_ref();
    let mut shown = String::new();
    while let Some(at) = rest.find('%') {
        let placeholder = |(encoded, id)| Some((rest[at..].strip_prefix(encoded)?, id));
        let (after, id) = ENCODED
            .into_iter()
            .find_map(placeholder)
            .unwrap_or((&rest[at + 1..], "%"));
        shown.push_str(&rest[..at]);
        shown.push_str(id);
        rest = after;
    }
    if shown.is_empty() {
        return path;
    }
    shown.push_str(rest);
    shown.into()
}

/// Something to be done with the request of a step, whatever its type.
trait WithRequest {
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

    fn with_request<W: WithRequest>(
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

    /// The calls that carry the plan out from nothing, in order, each once, as if none failed.
    pub fn calls(&self) -> Vec<PlannedCall> {
        let planned = |(when, step): (When, Step<'_>)| {
            let mut call = step.to_call(None, None);
            call.path = readable(call.path.into()).into_owned();
            PlannedCall { when, call }
        };
        self.steps().map(planned).collect()
    }

    /// The same, only to be written.
    pub fn written_calls(&self) -> WrittenCalls<'_> {
        WrittenCalls(self)
    }
}
