//! Which contact belongs to which company.

use super::{Outcome, Success};
use crate::body::Body;
use crate::error::ApiError;
use crate::json::{Seq, object};
use crate::pages::{Cursor, Numbered, PER_PAGE};
use crate::target::Target;
use crate::workspace::Workspace;
use intercom_api::ErrorCode;
use intercom_api::limits::COMPANIES_PER_CONTACT;

impl Workspace {
    pub(super) fn attach_company(&mut self, contact: &str, body: &[u8]) -> Outcome {
        let (contact_at, contact) = self.contact(contact)?;
        let body = Body::parse(body)?;
        let id = body
            .id("id")?
            .ok_or_else(|| ApiError::new(400, ErrorCode::ParameterNotFound, "company not specified"))?;
        let (company_at, _) = self.company(&id)?;
        if contact.companies.len() >= COMPANIES_PER_CONTACT && !contact.companies.contains(&company_at) {
            let message = format!("Contact has reached the maximum of {COMPANIES_PER_CONTACT} company associations");
            return Err(ApiError::new(400, ErrorCode::ContactCompanyLimitExceeded, message));
        }
        self.join_company(contact_at, company_at);
        self.company_response(company_at)
    }

    pub(super) fn detach_company(&mut self, contact: &str, company: &str) -> Outcome {
        let (contact_at, contact) = self.contact(contact)?;
        let (company_at, _) = self.company(company)?;
        if !contact.companies.contains(&company_at) {
            return Err(ApiError::company_not_found());
        }
        if let Some(contact) = self.contacts.get_mut(contact_at) {
            contact.companies.retain(|known| *known != company_at);
        }
        if let Some(company) = self.companies.get_mut(company_at) {
            company.members.remove(&contact_at);
        }
        self.company_response(company_at)
    }

    pub(super) fn list_contact_companies(&self, target: &Target<'_>) -> Outcome {
        let (_, contact) = self.contact(target.first())?;
        let url = self.url(&format!("/contacts/{}/companies", target.first()));
        Ok(self.company_list(&contact.companies, &Numbered::from_query(target, PER_PAGE)?, &url))
    }

    pub(super) fn list_company_contacts(&self, target: &Target<'_>) -> Outcome {
        let (_, company) = self.company(target.first())?;
        let places: Vec<u32> = company.members.iter().copied().collect();
        Ok(self.contact_list(&places, &Cursor::from_query(target, &self.ids)?))
    }

    /// A page of a list of companies.
    pub(super) fn company_list(&self, places: &[u32], page: &Numbered, url: &str) -> Success {
        let (shown, pages) = page.cut(places, url);
        Success::json(&object! {
            "type": "list",
            "data": Seq(|| shown.iter().filter_map(|at| self.company_view(*at))),
            "pages": pages,
            "total_count": places.len(),
        })
    }

    pub(super) fn join_company(&mut self, contact: u32, company: u32) {
        if let Some(contact) = self.contacts.get_mut(contact)
            && !contact.companies.contains(&company)
        {
            contact.companies.push(company);
        }
        if let Some(company) = self.companies.get_mut(company) {
            company.members.insert(contact);
        }
    }

    /// A contact that is not active counts for none of its companies, but does not forget them.
    pub(super) fn count_for_companies(&mut self, contact: u32, counts: bool) {
        let companies = self.contacts.get(contact).map_or(&[][..], |contact| &contact.companies);
        for company in companies {
            if let Some(company) = self.companies.get_mut(*company) {
                match counts {
                    true => company.members.insert(contact),
                    false => company.members.remove(&contact),
                };
            }
        }
    }
}
