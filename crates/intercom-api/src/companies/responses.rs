//! What Intercom answers about companies.

use crate::ids::{CompanyExternalId, CompanyId};
use crate::json::{Attributes, Number};
use crate::model::{response, text_or};
use crate::pages::Pages;
use crate::segments::SegmentList;
use crate::tags::TagList;
use crate::time::UnixSeconds;
use serde::{Deserialize, Deserializer, Serialize};

response! {
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
            /// The plan.
            plan: CompanyPlan,
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
            /// Its tags.
            tags: TagList,
            /// The segments that it is in.
            segments: SegmentList,
            /// Its custom attributes.
            custom_attributes: Attributes,
        }
    }
}

text_or! {
    /// A company's plan: its name in requests, an object in responses.
    CompanyPlan {
        /// The name.
        Name,
        /// An object that holds the name; empty if there is no plan.
        Object(PlanObject),
    }
}

impl CompanyPlan {
    /// The name, if there is a plan.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Object(plan) => plan.name.as_deref(),
        }
    }
}

response! {
    /// A plan.
    PlanObject {
        optional {
            /// `plan`.
            object_type = "type": String,
            /// Its id.
            id: crate::ids::ResourceId,
            /// The name.
            name: String,
        }
    }
}

response! {
    /// A page of companies.
    CompanyList {
        optional {
            /// `list` or `company.list`.
            object_type = "type": String,
            /// The companies.
            data: Vec<Company>,
            /// The companies, where the list is part of a visitor, and by the documentation that of a contact too.
            companies: Vec<Company>,
            /// How many there are on all pages.
            total_count: i64,
            /// Where the other pages are.
            pages: Pages,
        }
    }
}

response! {
    /// Some of all companies, and how to get more.
    CompanyScroll {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The companies; none at the end.
            data: Vec<Company>,
            /// What to give as `scroll_param` next.
            scroll_param: String,
            /// `null`.
            total_count: i64,
            /// `null`.
            pages: Pages,
        }
    }
}

response! {
    /// A company that was deleted.
    DeletedCompany {
        required {
            /// Intercom's id.
            id: CompanyId,
        }
        optional {
            /// `company`.
            object: String,
            /// `true`.
            deleted: bool,
        }
    }
}

/// What [`FindCompany`](super::FindCompany) answers: one company, or a page of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)] // writing only; reading is by hand, below
pub enum FoundCompanies {
    /// One.
    One(Box<Company>),
    /// A page, which may be empty.
    List(Box<CompanyList>),
}

impl crate::drift::Drift for FoundCompanies {
    fn drift(&self, at: &str, found: &mut Vec<crate::drift::Finding>) {
        match self {
            Self::One(company) => company.drift(at, found),
            Self::List(list) => list.drift(at, found),
        }
    }
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

impl<'de> Deserialize<'de> for FoundCompanies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A company has an id, a page of companies has not.
        #[derive(Deserialize)]
        struct Id {
            id: Option<CompanyId>,
        }
        let raw = exact_json::deserialize(deserializer)?;
        let one = serde_json::from_str::<Id>(raw.get()).is_ok_and(|read| read.id.is_some());
        if one {
            serde_json::from_str(raw.get()).map(Self::One)
        } else {
            serde_json::from_str(raw.get()).map(Self::List)
        }
        .map_err(serde::de::Error::custom)
    }
}
