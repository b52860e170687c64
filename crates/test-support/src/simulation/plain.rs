//! Plain delivery: one event at a time, straight through its plan, without a fault. It shares nothing with the engine, so
//! that it can tell what the engine should come to.

use super::scenario::Policies;
use intercom_api::{
    ApiError, AttachCompany, CompanyId, Contact, ContactFields, ContactId, CreateContact, CreateDataAttribute,
    DataAttributeModel, DataType, DeleteContact, DetachCompany, FindCompany, Operation, Role, SubmitDataEvent,
    TagCompanies, UnarchiveContact, UpdateContact, UpsertCompany,
};
use intercom_delivery::{ArchivedPolicy, AttributePolicy, FailureCode, UnknownContactPolicy};
use intercom_sandbox::{Sandbox, UnixMillis};
use rudderstack_to_intercom::{Lookup, Plan, SaveCompany, SaveContact};

/// What an event comes to: `delivered`, `rejected` or a failure's code.
pub(super) type Result = std::result::Result<(), &'static str>;

pub(super) const REJECTED: &str = "rejected";

/// A sandbox, one call after the other.
pub(super) struct Plain {
    pub(super) sandbox: Sandbox,
    pub(super) policies: Policies,
    pub(super) calls: u64,
    now: u64,
}

enum Fail {
    Undefined,
    Other(Box<ApiError>),
}

impl Plain {
    pub(super) fn new(sandbox: Sandbox, policies: Policies) -> Self {
        Self {
            sandbox,
            policies,
            calls: 0,
            now: 1_700_000_000_000,
        }
    }

    fn call<O: Operation>(&mut self, operation: &O) -> std::result::Result<O::Response, Box<ApiError>> {
        self.calls += 1;
        self.now += 1_000;
        let call = operation.to_call().expect("a request can be written");
        let reply = self.sandbox.call(&call, UnixMillis(self.now));
        if (200..300).contains(&reply.status) {
            Ok(O::parse_response(&reply.body).expect("the sandbox answers what is documented"))
        } else {
            Err(Box::new(ApiError::parse(reply.status, &reply.body)))
        }
    }

    /// Delivers an event.
    pub(super) fn deliver(&mut self, plan: &Plan) -> Result {
        match plan {
            Plan::SaveContact(plan) => self.save_contact(plan),
            Plan::DeleteContact(lookup) => match self.find(lookup)? {
                Some(id) => self.call(&DeleteContact { id }).map(drop).map_err(|error| code(&error)),
                None => Ok(()),
            },
            Plan::SubmitEvent(event) => {
                let submit = SubmitDataEvent { event: event.clone() };
                let unknown = match self.call(&submit) {
                    Err(error) if error.status == 404 => FailureCode::UnknownContact.as_str(),
                    other => return other.map_err(|error| code(&error)),
                };
                if self.policies.unknown_contact != UnknownContactPolicy::Create {
                    return Err(unknown);
                }
                let mut contact = ContactFields::new();
                contact.external_id.clone_from(&event.user_id);
                contact.email.clone_from(&event.email);
                contact.role = Some(Role::User);
                if let Err(error) = self.call(&CreateContact { contact }) {
                    self.meet(&error)?;
                }
                self.call(&submit).map_err(|_| unknown)
            }
            Plan::SaveCompany(plan) => self.save_company(plan),
        }
    }

    fn find(&mut self, lookup: &Lookup) -> std::result::Result<Option<ContactId>, &'static str> {
        let list = self.call(&lookup.search()).map_err(|error| code(&error))?;
        let hits = list.data.unwrap_or_default();
        let is_preferred = |hit: &&Contact| lookup.prefer.is_some() && hit.external_id == lookup.prefer;
        let is_user = |hit: &&Contact| hit.role == Some(Role::User);
        let best = hits
            .iter()
            .find(is_preferred)
            .or_else(|| hits.iter().find(is_user))
            .or_else(|| hits.first());
        Ok(best.map(|hit| hit.id.clone()))
    }

    /// The contact that a conflict names, restored if it is archived.
    fn meet(&mut self, error: &ApiError) -> std::result::Result<ContactId, &'static str> {
        let Some(conflict) = error.conflicting_contact() else {
            return Err(code(error));
        };
        if conflict.archived {
            if self.policies.archived == ArchivedPolicy::Fail {
                return Err(FailureCode::ContactArchived.as_str());
            }
            let id = conflict.id.clone();
            self.call(&UnarchiveContact { id }).map_err(|error| code(&error))?;
        }
        Ok(conflict.id)
    }

    fn save_contact(&mut self, plan: &SaveContact) -> Result {
        let mut found = self.find(&plan.lookup)?;
        if found.is_none() {
            let Some(fields) = plan.create() else {
                return Err(REJECTED);
            };
            let created = self.write(fields.clone(), &DataAttributeModel::Contact, |plain, contact| {
                plain.call(&CreateContact { contact }).map(drop)
            });
            match created {
                Ok(()) => return Ok(()),
                Err(Fail::Undefined) => return Err(FailureCode::UndefinedAttribute.as_str()),
                Err(Fail::Other(error)) => found = Some(self.meet(&error)?),
            }
        }
        let Some(id) = found else { return Err(REJECTED) };
        for key in &plan.detach {
            self.detach(&id, &FindCompany::from(key))?;
        }
        let update = |plain: &mut Self, contact| {
            plain
                .call(&UpdateContact {
                    id: id.clone(),
                    contact,
                })
                .map(drop)
        };
        match self.write(plan.update.clone(), &DataAttributeModel::Contact, update) {
            Ok(()) => Ok(()),
            Err(Fail::Undefined) => Err(FailureCode::UndefinedAttribute.as_str()),
            Err(Fail::Other(error)) => Err(code(&error)),
        }
    }

    fn detach(&mut self, contact: &ContactId, find: &FindCompany) -> Result {
        let company = match self.call(find) {
            Ok(found) => found.first().map(|company| company.id.clone()),
            Err(error) if error.status == 404 => None,
            Err(error) => return Err(code(&error)),
        };
        let Some(company) = company else { return Ok(()) };
        let contact = contact.clone();
        match self.call(&DetachCompany { contact, company }) {
            Err(error) if error.status != 404 => Err(code(&error)),
            _ => Ok(()),
        }
    }

    fn save_company(&mut self, plan: &SaveCompany) -> Result {
        let mut id: Option<CompanyId> = None;
        let saved = self.write(plan.company.clone(), &DataAttributeModel::Company, |plain, company| {
            id = Some(plain.call(&UpsertCompany { company })?.id);
            Ok(())
        });
        match saved {
            Ok(()) => {}
            Err(Fail::Undefined) => return Err(FailureCode::UndefinedAttribute.as_str()),
            Err(Fail::Other(error)) => return Err(code(&error)),
        }
        let company = id.ok_or("no company")?;
        let member = match &plan.member {
            Some(lookup) => self.find(lookup)?,
            None => None,
        };
        if let Some(contact) = member {
            let attach = AttachCompany {
                contact,
                company: company.clone(),
            };
            self.call(&attach).map_err(|error| code(&error))?;
        }
        for name in &plan.tags {
            let tag = TagCompanies {
                name: name.clone(),
                companies: vec![company.clone()],
            };
            self.call(&tag).map_err(|error| code(&error))?;
        }
        Ok(())
    }

    /// Writes a body, minding custom attributes that are not defined.
    fn write<B: Body>(
        &mut self,
        mut body: B,
        model: &DataAttributeModel,
        mut send: impl FnMut(&mut Self, B) -> std::result::Result<(), Box<ApiError>>,
    ) -> std::result::Result<(), Fail> {
        loop {
            let Err(error) = send(self, body.clone()) else {
                return Ok(());
            };
            let Some(name) = error.undefined_attribute().map(str::to_owned) else {
                return Err(Fail::Other(error));
            };
            match self.policies.attributes {
                AttributePolicy::Drop => {
                    body.attributes().remove(&name);
                }
                AttributePolicy::Create => {
                    let create = CreateDataAttribute::new(name, model.clone(), DataType::String);
                    self.call(&create).map_err(Fail::Other)?;
                }
                _ => return Err(Fail::Undefined),
            }
        }
    }
}

trait Body: Clone {
    fn attributes(&mut self) -> &mut intercom_api::Attributes;
}

impl Body for ContactFields {
    fn attributes(&mut self) -> &mut intercom_api::Attributes {
        &mut self.custom_attributes
    }
}

impl Body for intercom_api::CompanyFields {
    fn attributes(&mut self) -> &mut intercom_api::Attributes {
        &mut self.custom_attributes
    }
}

fn code(error: &ApiError) -> &'static str {
    match error.status {
        409 => FailureCode::Conflict.as_str(),
        404 | 410 => FailureCode::NotFound.as_str(),
        403 => FailureCode::Forbidden.as_str(),
        _ => FailureCode::BadRequest.as_str(),
    }
}
