//! Companies, and the links between contacts and them.
//!
//! Source: the company operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/companies>.

mod responses;

pub use responses::{Company, CompanyList, CompanyPlan, CompanyScroll, DeletedCompany, FoundCompanies, PlanObject};

use crate::contacts::ContactList;
use crate::ids::{CompanyExternalId, CompanyId, ContactId, SegmentId, TagId};
use crate::json::Number;
use crate::model::{OrEmpty, fields, open_enum, request};
use crate::operation::{NoBody, Operation};
use crate::route::OperationId;
use crate::segments::AttachedSegments;
use crate::time::UnixSeconds;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

fields! {
    /// What can be written of a company.
    ///
    /// Unset fields are left out of the body, and Intercom leaves them as they are.
    CompanyFields {
        optional {
            /// The id that the caller's system gives the company. It cannot be changed later.
            company_id: CompanyExternalId,
            /// The name.
            name: String,
            /// The website.
            website: String,
            /// The name of the plan.
            plan: String,
            /// How many employees.
            size: i64,
            /// The industry.
            industry: String,
            /// What it brings in a month. Intercom drops the fraction and takes at most
            /// [`limits::MONTHLY_SPEND`](crate::limits::MONTHLY_SPEND).
            monthly_spend: Number,
            /// When the caller's system created it.
            remote_created_at: UnixSeconds,
            /// Whether someone of it is active now. Since version 2.16.
            update_last_request_at: bool,
        }
        attributes {
            /// The custom attributes. Each must have been defined in the workspace.
            custom_attributes,
        }
    }
}

request! {
    /// Creates a company, or updates the one with its `company_id`: `POST /companies`.
    UpsertCompany => Company {
        content {
            /// What the company is to have; `company_id` among it.
            company: CompanyFields,
        }
    }
}

request! {
    /// Updates a company: `PUT /companies/{id}`. Its `company_id` cannot be changed.
    UpdateCompany => Company {
        path {
            /// The company.
            id: CompanyId,
        }
        content {
            /// What is to change.
            company: CompanyFields,
        }
    }
}

request! {
    /// Retrieves a company: `GET /companies/{id}`.
    RetrieveCompany => Company {
        path {
            /// The company.
            id: CompanyId,
        }
    }
}

request! {
    /// Deletes a company: `DELETE /companies/{id}`.
    DeleteCompany => DeletedCompany {
        path {
            /// The company.
            id: CompanyId,
        }
    }
}

request! {
    /// Lists the contacts of a company: `GET /companies/{id}/contacts`.
    ListCompanyContacts => ContactList {
        path {
            /// The company.
            id: CompanyId,
        }
    }
}

request! {
    /// Lists the segments that a company is in: `GET /companies/{id}/segments`.
    ListCompanySegments => AttachedSegments {
        path {
            /// The company.
            id: CompanyId,
        }
    }
}

open_enum! {
    /// Which end of a list comes first.
    SortOrder {
        /// The least.
        Ascending = "asc",
        /// The greatest.
        Descending = "desc",
    }
}

request! {
    /// Lists companies by when they were last active: `POST /companies/list`.
    ///
    /// Companies without users are missing. Beyond [`limits::LISTED_COMPANIES`](crate::limits::LISTED_COMPANIES),
    /// [scroll](ScrollCompanies).
    #[non_exhaustive]
    ListCompanies => CompanyList {
        query {
            optional {
                /// The number of the page, from 1.
                page: u32,
                /// How many to a page.
                per_page: u32,
                /// The most recently active first, unless this says otherwise.
                order: SortOrder,
            }
        }
    }
}

request! {
    /// Goes through all companies: `GET /companies/scroll`. One scroll at a time; it ends after a minute without use.
    #[non_exhaustive]
    ScrollCompanies => CompanyScroll {
        query {
            optional {
                /// What the page before named; unset for the first.
                scroll_param: String,
            }
        }
    }
}

request! {
    /// Links a contact to a company: `POST /contacts/{id}/companies`.
    AttachCompany => Company {
        path {
            /// The contact.
            contact: ContactId,
        }
        body {
            required {
                /// The company.
                company = "id": CompanyId,
            }
        }
    }
}

request! {
    /// Ends the link of a contact to a company: `DELETE /contacts/{contact_id}/companies/{id}`.
    DetachCompany => OrEmpty<Company> {
        path {
            /// The contact.
            contact: ContactId,
            /// The company.
            company: CompanyId,
        }
    }
}

/// Finds companies: `GET /companies`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindCompany {
    /// The one with this id of the caller's system.
    ByCompanyId(CompanyExternalId),
    /// The one with this name.
    ByName(String),
    /// Those with this tag.
    ByTag(TagId, PageNumber),
    /// Those in this segment.
    BySegment(SegmentId, PageNumber),
}

/// Which page of a list is wanted; the first if nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNumber {
    /// The number of the page, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// How many to a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_page: Option<u32>,
}

impl Operation for FindCompany {
    type Body<'a> = NoBody;
    type Response = FoundCompanies;
    const ID: OperationId = OperationId::FindCompany;

    fn path(&self) -> Cow<'static, str> {
        Self::ID.path([])
    }

    fn query(&self) -> Vec<(Cow<'static, str>, String)> {
        let (name, value, at) = match self {
            Self::ByCompanyId(id) => ("company_id", id.as_str(), PageNumber::default()),
            Self::ByName(name) => ("name", name.as_str(), PageNumber::default()),
            Self::ByTag(tag, at) => ("tag_id", tag.as_str(), *at),
            Self::BySegment(segment, at) => ("segment_id", segment.as_str(), *at),
        };
        let numbers = [("page", at.page), ("per_page", at.per_page)];
        let numbers = numbers
            .into_iter()
            .filter_map(|(name, number)| Some((name.into(), number?.to_string())));
        std::iter::once((name.into(), value.to_owned()))
            .chain(numbers)
            .collect()
    }

    fn body(&self) -> Option<NoBody> {
        None
    }

    #[cfg(feature = "validator")]
    fn check(&self) -> Result<(), validator::ValidationErrors> {
        validator::Validate::validate(self)
    }
}

exact_json::debug_shows! { enum FindCompany { ByCompanyId, ByName, ByTag, BySegment } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_company_and_a_page_of_them_are_told_apart() {
        let one = FindCompany::parse_response(br#"{"id":"123"}"#).unwrap();
        assert_eq!(one.first().unwrap().id.as_str(), "123");
        let list =
            FindCompany::parse_response(br#"{"type":"list","data":[{"id":"5","plan":{}}],"total_count":1}"#).unwrap();
        assert_eq!(list.first().unwrap().id.as_str(), "5");
        let none = FindCompany::parse_response(br#"{"type":"list","data":[]}"#).unwrap();
        assert!(none.first().is_none());
    }

    #[test]
    fn the_link_is_in_path_and_body() {
        let (contact, company) = ("c1".parse::<ContactId>().unwrap(), "k 2".parse::<CompanyId>().unwrap());
        let attach = AttachCompany::new(contact.clone(), company.clone()).to_call().unwrap();
        assert_eq!(
            (attach.path.as_str(), attach.body.unwrap().get()),
            ("/contacts/c1/companies", r#"{"id":"k 2"}"#)
        );
        let detach = DetachCompany { contact, company }.to_call().unwrap();
        assert_eq!(detach.path, "/contacts/c1/companies/k%202");
        assert!(detach.body.is_none());
        assert_eq!(DetachCompany::parse_response(b"{}").unwrap(), OrEmpty(None));
        assert_eq!(DetachCompany::parse_response(b"").unwrap(), OrEmpty(None));
    }

    #[test]
    fn what_is_looked_for_can_stand_anywhere() {
        use crate::model::Sample as _;
        let (company, list) = (Company::sample(4), CompanyList::sample(4));
        for found in [
            FoundCompanies::One(Box::new(company)),
            FoundCompanies::List(Box::new(list)),
        ] {
            let _: FoundCompanies = exact_json::testing::object(&serde_json::to_value(found).unwrap());
        }
        let page = PageNumber {
            page: Some(2),
            per_page: None,
        };
        for find in [FindCompany::ByName("Acme".into()), FindCompany::ByTag(7.into(), page)] {
            let _: FindCompany = exact_json::testing::object(&serde_json::to_value(find).unwrap());
        }
        let _: PageNumber = exact_json::testing::object(&serde_json::to_value(page).unwrap());
    }

    #[test]
    fn a_name_is_encoded_in_the_query() {
        let page = PageNumber {
            page: Some(2),
            per_page: None,
        };
        let call = FindCompany::ByTag(7.into(), page).to_call().unwrap();
        assert_eq!(call.path_and_query(), "/companies?tag_id=7&page=2");
        let call = FindCompany::ByName("Müller & Söhne".into()).to_call().unwrap();
        assert_eq!(call.path_and_query(), "/companies?name=M%C3%BCller%20%26%20S%C3%B6hne");
    }

    #[test]
    fn a_plan_is_a_name_or_an_object() {
        for (plan, name) in [
            (r#""pro""#, Some("pro")),
            (r#"{"type":"plan","id":"1","name":"pro"}"#, Some("pro")),
            ("{}", None),
        ] {
            let text = format!(r#"{{"id":"5","plan":{plan}}}"#);
            let company: Company = serde_json::from_str(&text).unwrap();
            assert_eq!(company.plan.as_ref().unwrap().name(), name);
            assert_eq!(serde_json::to_string(&company).unwrap(), text);
        }
    }
}
