//! Companies, and the links between contacts and them.
//!
//! Source: the company operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/companies>.

use crate::ids::{CompanyExternalId, CompanyId, ContactId, UnixSeconds};
use crate::json::{Attributes, Number, Value};
use crate::model::{OrEmpty, answer, fields, operation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

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
        }
        attributes {
            /// The custom attributes. Each must have been defined in the workspace.
            custom_attributes,
        }
    }
}

/// Creates a company, or updates the one with its `company_id`: `POST /companies`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpsertCompany {
    /// What the company is to have; `company_id` among it.
    pub company: CompanyFields,
}
operation!(UpsertCompany: Post "/companies", body company: CompanyFields => Company);

/// Finds companies: `GET /companies`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindCompany {
    /// The one with this id of the caller's system.
    ByCompanyId(CompanyExternalId),
    /// The one with this name.
    ByName(String),
}
operation!(FindCompany: Get "/companies", no body, query filter => FoundCompanies);

impl FindCompany {
    fn filter(&self) -> Vec<(Cow<'static, str>, String)> {
        vec![match self {
            Self::ByCompanyId(id) => ("company_id".into(), id.as_str().to_owned()),
            Self::ByName(name) => ("name".into(), name.clone()),
        }]
    }
}

impl fmt::Debug for FindCompany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByCompanyId(_) => "ByCompanyId(..)",
            Self::ByName(_) => "ByName(..)",
        })
    }
}

/// Links a contact to a company: `POST /contacts/{id}/companies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttachCompany {
    /// The contact.
    #[serde(skip)]
    pub contact: ContactId,
    /// The company.
    #[serde(rename = "id")]
    pub company: CompanyId,
}
operation!(AttachCompany: Post "/contacts/{}/companies" [contact], body self => Company);

/// Ends the link of a contact to a company: `DELETE /contacts/{contact_id}/companies/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachCompany {
    /// The contact.
    pub contact: ContactId,
    /// The company.
    pub company: CompanyId,
}
operation!(DetachCompany: Delete "/contacts/{}/companies/{}" [contact, company], no body => OrEmpty<Company>);

answer! {
    /// A company.
    Company {
        required {
            /// Intercom's id.
            id: CompanyId,
        }
        optional {
            /// `company`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            company_id: CompanyExternalId,
            /// The workspace's id.
            app_id: String,
            /// The name.
            name: String,
            /// The website.
            website: String,
            /// The plan: an object with `type`, `id` and `name`, empty if there is none.
            plan: Value,
            /// How many employees.
            size: i64,
            /// The industry.
            industry: String,
            /// What it brings in a month.
            monthly_spend: Number,
            /// When the caller's system created it.
            remote_created_at: UnixSeconds,
            /// When it was created in Intercom.
            created_at: UnixSeconds,
            /// When it was last updated in Intercom.
            updated_at: UnixSeconds,
            /// When someone of it was last active.
            last_request_at: UnixSeconds,
            /// How many sessions its users had.
            session_count: i64,
            /// How many users it has.
            user_count: i64,
            /// Its custom attributes.
            custom_attributes: Attributes,
        }
    }
}

answer! {
    /// A page of companies.
    CompanyList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The companies.
            data: Vec<Company>,
            /// How many there are on all pages.
            total_count: i64,
            /// Where the other pages are.
            pages: Value,
        }
    }
}

/// What [`FindCompany`] answers: one company, or a page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundCompanies {
    /// One.
    One(Box<Company>),
    /// A page, which may be empty.
    List(CompanyList),
}

impl FoundCompanies {
    /// The companies.
    pub fn companies(&self) -> &[Company] {
        match self {
            Self::One(company) => std::slice::from_ref(company),
            Self::List(list) => list.data.as_deref().unwrap_or_default(),
        }
    }

    /// The first company.
    pub fn first(&self) -> Option<&Company> {
        self.companies().first()
    }
}

impl Serialize for FoundCompanies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(company) => company.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for FoundCompanies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A company has an id, a page of companies has not.
        #[derive(Deserialize)]
        struct Id {
            id: Option<CompanyId>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let one = serde_json::from_str::<Id>(raw.get()).is_ok_and(|read| read.id.is_some());
        if one {
            serde_json::from_str(raw.get()).map(Self::One)
        } else {
            serde_json::from_str(raw.get()).map(Self::List)
        }
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn one_company_and_a_page_of_them_are_told_apart() {
        let one = FindCompany::parse_answer(br#"{"id":"123"}"#).unwrap();
        assert_eq!(one.first().unwrap().id.as_str(), "123");
        let list =
            FindCompany::parse_answer(br#"{"type":"list","data":[{"id":"5","plan":{}}],"total_count":1}"#).unwrap();
        assert_eq!(list.first().unwrap().id.as_str(), "5");
        let none = FindCompany::parse_answer(br#"{"type":"list","data":[]}"#).unwrap();
        assert!(none.first().is_none());
    }

    #[test]
    fn the_link_is_in_path_and_body() {
        let (contact, company) = (ContactId::from("c1"), CompanyId::from("k 2"));
        let attach = AttachCompany {
            contact: contact.clone(),
            company: company.clone(),
        }
        .to_call()
        .unwrap();
        assert_eq!(
            (attach.path.as_str(), attach.body.unwrap().get()),
            ("/contacts/c1/companies", r#"{"id":"k 2"}"#)
        );
        let detach = DetachCompany { contact, company }.to_call().unwrap();
        assert_eq!(detach.path, "/contacts/c1/companies/k%202");
        assert!(detach.body.is_none());
        assert_eq!(DetachCompany::parse_answer(b"{}").unwrap(), OrEmpty(None));
        assert_eq!(DetachCompany::parse_answer(b"").unwrap(), OrEmpty(None));
    }

    #[test]
    fn a_name_is_encoded_in_the_query() {
        let call = FindCompany::ByName("Müller & Söhne".into()).to_call().unwrap();
        assert_eq!(call.path_and_query(), "/companies?name=M%C3%BCller%20%26%20S%C3%B6hne");
    }
}
