//! What is to be done in Intercom for one event: data, which a delivery engine turns into calls.

use crate::lookup::Lookup;
use intercom_api::{
    AttachCompany, Call, CompanyExternalId, CompanyFields, CompanyId, ContactFields, ContactId, CreateContact,
    DataEvent, DeleteContact, DetachCompany, FindCompany, Operation, SubmitDataEvent, TagCompanies, UpdateContact,
    UpsertCompany,
};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use strum::{Display, IntoStaticStr};

/// What is to be done in Intercom for one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
    /// The company that a contact who exists is detached from, before the update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detach: Option<CompanyKey>,
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
            detach: None,
            update: contact,
            missing: Missing::Create,
        }
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

/// How a company is found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompanyKey {
    /// By the id that the caller's system gives it.
    CompanyId(CompanyExternalId),
    /// By its name.
    Name(String),
}

impl fmt::Debug for CompanyKey {
    // Ids and names are data of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CompanyId(_) => "CompanyId(..)",
            Self::Name(_) => "Name(..)",
        })
    }
}

impl From<&CompanyKey> for FindCompany {
    fn from(key: &CompanyKey) -> Self {
        match key {
            CompanyKey::CompanyId(id) => Self::ByCompanyId(id.clone()),
            CompanyKey::Name(name) => Self::ByName(name.clone()),
        }
    }
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
}

/// On which answer of the lookup a call depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum When {
    /// On none.
    Always,
    /// It is made only if the contact is found.
    Found,
    /// It is made only if the contact is not found.
    NotFound,
}

/// A call of a plan, before anything is known of the answers.
///
/// What only an earlier answer knows stands as a placeholder in path or body: [`CONTACT_ID`] and [`COMPANY_ID`].
#[derive(Clone, Debug)]
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
        struct Query<'a>(&'a [(Cow<'static, str>, String)]);
        impl Serialize for Query<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("operation", &self.call.operation)?;
        map.serialize_entry("when", &self.when)?;
        map.serialize_entry("method", &self.call.method)?;
        map.serialize_entry("path", &self.call.path)?;
        if !self.call.query.is_empty() {
            map.serialize_entry("query", &Query(&self.call.query))?;
        }
        if let Some(body) = &self.call.body {
            map.serialize_entry("body", body)?;
        }
        map.end()
    }
}

/// Stands for Intercom's id of the contact.
pub const CONTACT_ID: &str = "{contact.id}";
/// Stands for Intercom's id of the company.
pub const COMPANY_ID: &str = "{company.id}";

impl Plan {
    /// The calls that carry the plan out from nothing, in order, each once, as if none failed.
    pub fn calls(&self) -> Vec<PlannedCall> {
        let contact = || ContactId::new(CONTACT_ID);
        let company = || CompanyId::new(COMPANY_ID);
        let mut calls = Calls(Vec::with_capacity(4));
        match self {
            Self::SaveContact(plan) => {
                calls.add(When::Always, &plan.lookup.search());
                if let Some(key) = &plan.detach {
                    calls.add(When::Found, &FindCompany::from(key));
                    calls.add(
                        When::Found,
                        &DetachCompany {
                            contact: contact(),
                            company: company(),
                        },
                    );
                }
                let update = UpdateContact {
                    id: contact(),
                    contact: ContactFields::default(),
                };
                calls.add_with(When::Found, &update, &plan.update);
                if let Some(fields) = plan.create() {
                    calls.add_with(
                        When::NotFound,
                        &CreateContact {
                            contact: ContactFields::default(),
                        },
                        fields,
                    );
                }
            }
            Self::DeleteContact(lookup) => {
                calls.add(When::Always, &lookup.search());
                calls.add(When::Found, &DeleteContact { id: contact() });
            }
            Self::SubmitEvent(event) => {
                calls.add_with(
                    When::Always,
                    &SubmitDataEvent {
                        event: DataEvent::new(""),
                    },
                    event,
                );
            }
            Self::SaveCompany(plan) => {
                let upsert = UpsertCompany {
                    company: CompanyFields::default(),
                };
                calls.add_with(When::Always, &upsert, &plan.company);
                if let Some(member) = &plan.member {
                    calls.add(When::Always, &member.search());
                    calls.add(
                        When::Found,
                        &AttachCompany {
                            contact: contact(),
                            company: company(),
                        },
                    );
                }
                for tag in &plan.tags {
                    calls.add(
                        When::Always,
                        &TagCompanies {
                            name: tag.clone(),
                            companies: vec![company()],
                        },
                    );
                }
            }
        }
        calls.0
    }
}

struct Calls(Vec<PlannedCall>);

impl Calls {
    fn add(&mut self, when: When, operation: &impl Operation) {
        self.push(when, operation.to_call());
    }

    /// Adds a request whose body is lent, so that it need not be copied into the request.
    fn add_with<O: Operation>(&mut self, when: When, operation: &O, body: &O::Body) {
        self.push(when, operation.to_call_with(Some(body)));
    }

    fn push(&mut self, when: When, call: serde_json::Result<Call>) {
        let mut call = call.expect("every request of the models can be written as JSON");
        if call.path.contains('%') {
            // The braces of a placeholder are encoded like any other text; for readers they are not.
            for id in [CONTACT_ID, COMPANY_ID] {
                call.path = call.path.replace(&id.replace('{', "%7B").replace('}', "%7D"), id);
            }
        }
        self.0.push(PlannedCall { when, call });
    }
}
