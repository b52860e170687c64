//! Plain delivery: one event at a time, straight through its plan, without a fault. It shares nothing with the engine, so
//! that it can tell what the engine should come to.

use super::scenario::Policies;
use intercom_api::{
    ApiError, AttachCompany, CompanyId, Contact, ContactConflict, ContactFields, ContactId, CreateContact,
    CreateDataAttribute, DataAttributeModel, DataType, DeleteContact, DetachCompany, ExternalId, FindCompany,
    Operation, RetrieveContact, Role, SubmitDataEvent, TagCompanies, UnarchiveContact, UpdateContact, UpsertCompany,
    Value,
};
use intercom_delivery::{ArchivedPolicy, AttributePolicy, FailureCode, UnknownContactPolicy};
use intercom_sandbox::{Sandbox, UnixMillis};
use rudderstack_to_intercom::{Lookup, LookupField, Plan, SaveCompany, SaveContact};

/// What an event comes to: `delivered`, `rejected` or a failure's code.
pub(super) type Result = std::result::Result<(), &'static str>;

pub(super) const REJECTED: &str = "rejected";

/// A sandbox, one call after the other.
pub(super) struct Plain {
    pub(super) sandbox: Sandbox,
    pub(super) policies: Policies,
    pub(super) calls: u64,
    /// Whether the member of the company that was saved last is not there.
    pub(super) is_member_missing: bool,
    /// Those of whom either could have been meant by an email or another field that they share: which one it is, is chance.
    pub(super) alike: Vec<Contact>,
    now: u64,
}

enum Fail {
    Undefined,
    Other(Box<ApiError>),
}

/// The email by which a plan looks for somebody, and the other that it gives them, if that is all it names them by.
pub(super) fn moved_emails(plan: &SaveContact) -> Option<(String, String)> {
    let (None, Some(old), Some(new)) = (plan.lookup.external_id(), plan.lookup.email(), &plan.update.email) else {
        return None;
    };
    let (old, new) = (old.to_lowercase(), new.to_lowercase());
    (old != new).then_some((old, new))
}

impl Plain {
    pub(super) fn new(sandbox: Sandbox, policies: Policies) -> Self {
        Self {
            sandbox,
            policies,
            calls: 0,
            is_member_missing: false,
            alike: Vec::new(),
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
                Some(Contact { id, .. }) => self.call(&DeleteContact { id }).map(drop).map_err(|error| code(&error)),
                None => Ok(()),
            },
            Plan::SubmitEvent(event) => {
                let mut submit = SubmitDataEvent { event: event.clone() };
                let unknown = match self.call(&submit) {
                    Err(error) if error.status == 404 => FailureCode::UnknownContact.as_str(),
                    other => return other.map_err(|error| code(&error)),
                };
                // A lead goes by Intercom's id only.
                if let (None, None, Some(email)) = (&event.id, &event.user_id, &event.email)
                    && let Some(lead) = self.find(&Lookup::new(LookupField::EMAIL, email.to_lowercase()))?
                {
                    submit.event.id = Some(lead.id);
                    submit.event.email = None;
                    return self.call(&submit).map(drop).map_err(|_| unknown);
                }
                if self.policies.unknown_contact != UnknownContactPolicy::Create {
                    return Err(unknown);
                }
                let mut contact = ContactFields::new();
                contact.external_id.clone_from(&event.user_id);
                contact.email.clone_from(&event.email);
                contact.role = Some(Role::User);
                self.create(contact)?;
                self.call(&submit).map(drop).map_err(|_| unknown)
            }
            Plan::SaveCompany(plan) => self.save_company(plan),
        }
    }

    /// Whom the event is about: with a user id, the contact that has it, or else one with the email and no user id at all;
    /// without, anybody with the email. Users come before leads.
    fn find(&mut self, lookup: &Lookup) -> std::result::Result<Option<Contact>, &'static str> {
        let list = self.call(&lookup.search()).map_err(|error| code(&error))?;
        let hits = list.data.unwrap_or_default();
        let named = lookup.external_id();
        let is_named = |hit: &&Contact| named.is_some() && hit.external_id.as_ref().map(ExternalId::as_str) == named;
        if let Some(mine) = hits.iter().find(is_named) {
            return Ok(Some(mine.clone()));
        }
        let is_own = matches!(lookup, Lookup::Person(person) if person.external_id.is_some());
        let fitting = || hits.iter().filter(|hit| !is_own || hit.external_id.is_none());
        let mut best: Vec<&Contact> = fitting().filter(|hit| hit.role == Some(Role::User)).collect();
        if best.is_empty() {
            best = fitting().collect();
        }
        if best.len() > 1 {
            self.alike.extend(best.iter().copied().cloned());
        }
        Ok(best.first().copied().cloned())
    }

    /// Restores the contact that a conflict names, if it is archived.
    fn restore(&mut self, conflict: &ContactConflict) -> Result {
        if conflict.archived {
            if self.policies.archived == ArchivedPolicy::Fail {
                return Err(FailureCode::ContactArchived.as_str());
            }
            let id = conflict.id.clone();
            self.call(&UnarchiveContact { id }).map_err(|error| code(&error))?;
        }
        Ok(())
    }

    fn read(&mut self, id: &ContactId) -> std::result::Result<Contact, &'static str> {
        self.call(&RetrieveContact::new(id.clone()))
            .map_err(|error| code(&error))
    }

    /// Creates a contact, without the email if that is somebody else's; or meets the one who is there.
    fn create(&mut self, mut contact: ContactFields) -> std::result::Result<Option<Contact>, &'static str> {
        loop {
            let fields = contact.clone();
            let error = match self.write(fields, &DataAttributeModel::Contact, |plain, contact| {
                plain.call(&CreateContact { contact }).map(drop)
            }) {
                Ok(()) => return Ok(None),
                Err(Fail::Undefined) => return Err(FailureCode::UndefinedAttribute.as_str()),
                Err(Fail::Other(error)) => error,
            };
            let Some(conflict) = error.conflicting_contact() else {
                return Err(code(&error));
            };
            let is_certain = contact.external_id.is_none() || contact.email.is_none();
            if is_certain {
                self.restore(&conflict)?;
            }
            let other = self.read(&conflict.id)?;
            let is_mine = other.external_id.is_none() || other.external_id == contact.external_id;
            if is_certain || is_mine {
                return Ok(Some(other));
            }
            contact.email = None;
        }
    }

    fn save_contact(&mut self, plan: &SaveContact) -> Result {
        let mut found = self.find(&plan.lookup)?;
        if found.is_none() && self.has_moved(plan)? {
            return Ok(());
        }
        if found.is_none() {
            let Some(fields) = plan.create() else {
                return Err(REJECTED);
            };
            found = self.create(fields.clone())?;
        }
        let Some(mut contact) = found else { return Ok(()) };
        let mut fields = plan.update.clone();
        // Each round, something is settled: whom it is about, or whose the email is.
        for _ in 0..4 {
            for key in &plan.detach {
                self.detach(&contact.id, &FindCompany::from(key))?;
            }
            let mut given = fields.clone();
            let external_id = plan.lookup.external_id().map(ExternalId::from);
            let has_user_id = external_id.is_some() || given.external_id.is_some();
            if contact.role == Some(Role::Lead) && has_user_id && given.role.is_none() {
                given.role = Some(Role::User);
                given.external_id = given
                    .external_id
                    .or(external_id.filter(|_| contact.external_id.is_none()));
            }
            let id = contact.id.clone();
            let update = |plain: &mut Self, contact| {
                let id = id.clone();
                plain.call(&UpdateContact { id, contact }).map(drop)
            };
            if given.is_empty() && !plan.update.is_empty() {
                return Ok(());
            }
            let error = match self.write(given.clone(), &DataAttributeModel::Contact, update) {
                Ok(()) => return Ok(()),
                Err(Fail::Undefined) => return Err(FailureCode::UndefinedAttribute.as_str()),
                Err(Fail::Other(error)) => error,
            };
            let Some(conflict) = error.conflicting_contact() else {
                return Err(code(&error));
            };
            let other = self.read(&conflict.id)?;
            if given.external_id.is_some() && other.external_id == given.external_id {
                contact = other;
            } else if given.email.is_some() {
                fields.email = None;
            } else if let (None, Some(create)) = (&contact.external_id, plan.create()) {
                let mut create = create.clone();
                create.email = None;
                match self.create(create)? {
                    Some(other) => contact = other,
                    None => return Ok(()),
                }
            } else {
                break;
            }
        }
        Err(FailureCode::IdentityConflict.as_str())
    }

    /// Whether a record that gives another email has been carried out before: nobody has the email by which it looks for
    /// somebody, and whoever has the one that it gives, has all that it gives.
    fn has_moved(&mut self, plan: &SaveContact) -> std::result::Result<bool, &'static str> {
        let Some((_, new)) = moved_emails(plan) else {
            return Ok(false);
        };
        let moved = Lookup::new(LookupField::EMAIL, new);
        let list = self.call(&moved.search()).map_err(|error| code(&error))?;
        Ok(match list.data.unwrap_or_default().as_slice() {
            [only] => only.name == plan.update.name,
            _ => false,
        })
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
        self.is_member_missing = !self.link(plan, &company)?;
        for name in &plan.tags {
            let tag = TagCompanies::new(name.as_str(), [company.clone().into()]);
            self.call(&tag).map_err(|error| code(&error))?;
        }
        Ok(())
    }

    /// Links the member to the company. False if there is to be one who is not there.
    fn link(&mut self, plan: &SaveCompany, company: &CompanyId) -> std::result::Result<bool, &'static str> {
        let Some(lookup) = &plan.member else { return Ok(true) };
        let Some(contact) = self.find(lookup)? else {
            return Ok(false);
        };
        let attach = AttachCompany::new(contact.id, company.clone());
        self.call(&attach).map_err(|error| code(&error))?;
        Ok(true)
    }

    /// Delivers what has come before its contact, if that is there now: none if it is not.
    pub(super) fn deliver_late(&mut self, plan: &Plan) -> Option<Result> {
        match plan {
            Plan::SaveCompany(plan) => {
                let key = plan.company.company_id.clone()?;
                let company = self.call(&FindCompany::ByCompanyId(key)).ok()?.first()?.id.clone();
                match self.link(plan, &company) {
                    Ok(false) => None,
                    Ok(true) => Some(Ok(())),
                    Err(error) => Some(Err(error)),
                }
            }
            plan => match self.deliver(plan) {
                Err(error) if error == FailureCode::UnknownContact.as_str() => None,
                result => Some(result),
            },
        }
    }

    /// Ends the links that a plan ends, once more.
    pub(super) fn detach_again(&mut self, plan: &SaveContact) {
        if let Ok(Some(contact)) = self.find(&plan.lookup) {
            for key in &plan.detach {
                // It was tried before.
                let _ = self.detach(&contact.id, &FindCompany::from(key));
            }
        }
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
                    let data_type = match body.attributes().get(&name) {
                        Some(Value::Number(number)) if number.as_i64().is_some() => DataType::Integer,
                        Some(Value::Number(_)) => DataType::Float,
                        Some(Value::Bool(_)) => DataType::Boolean,
                        _ => DataType::String,
                    };
                    let create = CreateDataAttribute::new(name, model.clone(), data_type);
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
