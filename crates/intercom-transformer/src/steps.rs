//! The calls that are made here for one event, and the request that is returned for it.

use crate::gateway::{CallError, Gateway, Target};
use crate::metrics::Memory;
use crate::protocol::Failure;
use intercom_api::{
    AttachCompany, Call, CompanyId, ContactId, CreateContact, DeleteContact, DetachCompany, ErrorCode, FindCompany,
    Operation, TagCompanies, UpdateContact, UpsertCompany,
};
use rudderstack_to_intercom::{CompanyKey, Lookup, Plan, SaveCompany, SaveContact};

/// What is returned for an event.
#[derive(Debug)]
pub(crate) enum Returned {
    /// The request, which rudder-server delivers.
    Deliver(Call),
    /// The last request that was made here; nothing is left to do.
    Handled(Call),
}

/// Carries plans out, as far as rudder-server does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) target: Target<'a>,
}

/// A contact that was looked up.
struct Found {
    id: ContactId,
    /// Whether the id was remembered: then the contact may be gone.
    is_remembered: bool,
}

impl Steps<'_> {
    pub(crate) async fn run(&self, plan: &Plan) -> Result<Returned, Failure> {
        match plan {
            Plan::SaveContact(plan) => self.save_contact(plan).await,
            Plan::DeleteContact(lookup) => match self.find(lookup).await? {
                Some(found) => {
                    // The next event of this contact must not be sent to one who is deleted.
                    self.gateway.contacts.forget(&found.id);
                    Ok(Returned::Deliver(call(&DeleteContact { id: found.id })?))
                }
                None => Ok(Returned::Handled(call(&lookup.search())?)),
            },
            Plan::SaveCompany(plan) => self.save_company(plan).await,
            Plan::SubmitEvent(event) => Ok(Returned::Deliver(call(&intercom_api::SubmitDataEvent {
                event: event.clone(),
            })?)),
            _ => Err(Failure::invalid("unsupported_plan: nothing is known of such a plan")),
        }
    }

    async fn save_contact(&self, plan: &SaveContact) -> Result<Returned, Failure> {
        let mut found = self.find(&plan.lookup).await?;
        if let Some(key) = &plan.detach
            && found.is_some()
            && let Some(company) = self.find_company(key).await?
        {
            while let Some(contact) = &found {
                match self.detach(&contact.id, &company).await {
                    Ok(()) => break,
                    Err(error) => found = self.find_again(&plan.lookup, contact, error).await?,
                }
            }
        }
        let call = match (found, plan.create()) {
            (Some(Found { id, .. }), _) => call(&UpdateContact {
                id,
                contact: plan.update.clone(),
            }),
            (None, Some(fields)) => call(&CreateContact {
                contact: fields.clone(),
            }),
            (None, None) => return Err(Failure::contact_not_found()),
        };
        Ok(Returned::Deliver(call?))
    }

    async fn save_company(&self, plan: &SaveCompany) -> Result<Returned, Failure> {
        let upsert = UpsertCompany {
            company: plan.company.clone(),
        };
        let company = self.gateway.run(&self.target, &upsert).await?.id;
        let mut last = call(&upsert)?;
        let mut found = match &plan.member {
            Some(lookup) => self.find(lookup).await?.map(|found| (lookup, found)),
            None => None,
        };
        while let Some((lookup, member)) = found.take() {
            let attach = AttachCompany {
                contact: member.id.clone(),
                company: company.clone(),
            };
            match self.gateway.run(&self.target, &attach).await {
                Ok(_) | Err(CallError::Unreadable) => last = call(&attach)?,
                Err(error) => {
                    found = self
                        .find_again(lookup, &member, error)
                        .await?
                        .map(|found| (lookup, found));
                }
            }
        }
        for name in &plan.tags {
            let tag = TagCompanies {
                name: name.clone(),
                companies: vec![company.clone()],
            };
            match self.gateway.run(&self.target, &tag).await {
                Ok(_) | Err(CallError::Unreadable) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Returned::Handled(last))
    }

    /// Ends the link; one that is not there, to a company that is not there, is ended already.
    async fn detach(&self, contact: &ContactId, company: &CompanyId) -> Result<(), CallError> {
        let detach = DetachCompany {
            contact: contact.clone(),
            company: company.clone(),
        };
        match self.gateway.run(&self.target, &detach).await {
            Ok(_) | Err(CallError::Unreadable) => Ok(()),
            Err(CallError::Answered(error, _))
                if error.status == 404 && error.has_code(&ErrorCode::CompanyNotFound) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn find_company(&self, key: &CompanyKey) -> Result<Option<CompanyId>, CallError> {
        match self.gateway.run(&self.target, &FindCompany::from(key)).await {
            Ok(found) => Ok(found.first().map(|company| company.id.clone())),
            Err(error) if error.is_status(&[404]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, lookup: &Lookup) -> Result<Option<Found>, CallError> {
        let contacts = &self.gateway.contacts;
        if let Some(id) = contacts.find(self.target.scope, lookup) {
            self.gateway.metrics.memory(Memory::Hit);
            return Ok(Some(Found {
                id,
                is_remembered: true,
            }));
        }
        self.gateway.metrics.memory(Memory::Miss);
        self.search(lookup).await
    }

    async fn search(&self, lookup: &Lookup) -> Result<Option<Found>, CallError> {
        let list = self.gateway.run(&self.target, &lookup.search()).await?;
        let hits = list.data.unwrap_or_default();
        Ok(lookup.best(&hits).map(|contact| {
            self.gateway.contacts.found(self.target.scope, lookup, contact);
            Found {
                id: contact.id.clone(),
                is_remembered: false,
            }
        }))
    }

    /// Searches again, once, if the error means that a contact is gone whose id was remembered.
    async fn find_again(&self, lookup: &Lookup, lost: &Found, error: CallError) -> Result<Option<Found>, CallError> {
        let is_gone = error.is_status(&[404, 410]);
        if !(lost.is_remembered && is_gone) {
            return Err(error);
        }
        self.gateway.contacts.forget(&lost.id);
        match self.search(lookup).await? {
            // The contact is there all right: something else is not.
            Some(found) if found.id == lost.id => Err(error),
            other => Ok(other),
        }
    }
}

fn call(operation: &impl Operation) -> Result<Call, Failure> {
    operation.to_call().map_err(|_| CallError::Unwritable.into())
}
