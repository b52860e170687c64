//! Companies and who belongs to them.

use intercom_api::Attributes;
use std::collections::{BTreeSet, HashMap};

/// What a request can change of a company.
#[derive(Clone, Default)]
pub(crate) struct Details {
    pub(crate) name: Option<Box<str>>,
    pub(crate) plan: Option<Box<str>>,
    pub(crate) size: Option<i64>,
    pub(crate) website: Option<Box<str>>,
    pub(crate) industry: Option<Box<str>>,
    pub(crate) monthly_spend: Option<i64>,
    pub(crate) remote_created_at: Option<i64>,
    pub(crate) custom_attributes: Attributes,
}

pub(crate) struct Company {
    pub(crate) deleted: bool,
    /// The caller's id, unique among the companies that are not deleted.
    pub(crate) company_id: Box<str>,
    pub(crate) details: Details,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// The active contacts, by place.
    pub(crate) members: BTreeSet<u32>,
    /// The tags, by place, in the order in which they were applied.
    pub(crate) tags: Vec<u32>,
}

impl Company {
    /// Whether somebody belongs to it.
    pub(crate) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }
}

#[derive(Default)]
pub(crate) struct Companies {
    all: Vec<Company>,
    by_company_id: HashMap<Box<str>, u32>,
}

impl Companies {
    /// The company at that place, unless it is deleted.
    pub(crate) fn get(&self, at: u32) -> Option<&Company> {
        self.all.get(at as usize).filter(|company| !company.deleted)
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Company> {
        self.all.get_mut(at as usize).filter(|company| !company.deleted)
    }

    pub(crate) fn by_company_id(&self, company_id: &str) -> Option<u32> {
        self.by_company_id.get(company_id).copied()
    }

    /// All companies in the order of their creation, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Company)> {
        (0..).zip(&self.all).filter(|(_, company)| !company.deleted)
    }

    /// The places of those companies, in the order of their creation.
    pub(crate) fn those(&self, are_meant: impl Fn(&Company) -> bool) -> impl Iterator<Item = u32> {
        self.iter()
            .filter(move |(_, company)| are_meant(company))
            .map(|(at, _)| at)
    }

    pub(crate) fn create(&mut self, company_id: &str, details: Details, now: i64) -> u32 {
        let at = u32::try_from(self.all.len()).expect("fewer than four thousand million companies");
        self.all.push(Company {
            deleted: false,
            company_id: company_id.into(),
            details,
            created_at: now,
            updated_at: now,
            members: BTreeSet::new(),
            tags: Vec::new(),
        });
        self.by_company_id.insert(company_id.into(), at);
        at
    }

    pub(crate) fn delete(&mut self, at: u32) {
        if let Some(company) = self.get_mut(at) {
            company.deleted = true;
            company.details = Details::default();
            company.tags = Vec::new();
            company.members = BTreeSet::new();
            let company_id = std::mem::take(&mut company.company_id);
            self.by_company_id.remove(&company_id);
        }
    }

    /// Takes a deleted tag off all companies.
    pub(crate) fn forget_tag(&mut self, tag: u32) {
        for company in &mut self.all {
            company.tags.retain(|known| *known != tag);
        }
    }
}
