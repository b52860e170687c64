//! How a company is found.

use intercom_api::{CompanyExternalId, CompanyFields, FindCompany};
use serde::{Deserialize, Serialize};

/// How a company is found.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompanyKey {
    /// By the id that the caller's system gives it.
    CompanyId(CompanyExternalId),
    /// By its name.
    Name(String),
}

impl CompanyKey {
    /// Whether it finds the company that is saved with these fields.
    pub fn finds(&self, company: &CompanyFields) -> bool {
        match self {
            Self::CompanyId(id) => company.company_id.as_ref() == Some(id),
            Self::Name(name) => company.name.as_ref() == Some(name),
        }
    }
}

exact_json::debug_shows! { enum CompanyKey { CompanyId, Name } }

impl From<&CompanyKey> for FindCompany {
    fn from(key: &CompanyKey) -> Self {
        match key {
            CompanyKey::CompanyId(id) => Self::ByCompanyId(id.clone()),
            CompanyKey::Name(name) => Self::ByName(name.clone()),
        }
    }
}
