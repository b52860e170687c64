//! What people do.

use serde_json::Value;
use std::collections::BTreeMap;

/// The custom attribute of contacts that is not defined before events are replayed, and that of companies.
pub(crate) const LATE: &str = "late";
pub(crate) const LATE_OF_COMPANY: &str = "behind";

/// Who an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user id.
    pub user_id: Option<String>,
    /// The email address.
    pub email: Option<String>,
}

/// What somebody does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Leaves an email address without signing up.
    Visit,
    /// Sets these fields of the contact, having left these companies.
    Identify {
        /// Standard fields and custom attributes.
        fields: Fields,
        /// The companies that are left.
        leaves: Vec<String>,
    },
    /// Something that is counted.
    Track {
        /// The name of the event.
        name: String,
    },
    /// Sets these fields of a company and joins it.
    Group {
        /// Which company.
        company: String,
        /// Standard fields and custom attributes.
        fields: Fields,
        /// Tags of the company.
        tags: Vec<String>,
    },
    /// A record that is inserted: as identify, with what it is identified by.
    Insert(Fields),
    /// A record that is updated.
    Update {
        /// Standard fields and custom attributes.
        fields: Fields,
        /// The email that replaces the present one.
        new_email: Option<String>,
    },
    /// A record that is deleted.
    Delete,
}

/// Values by name; `null` unsets a custom attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    /// Fields that Intercom has.
    pub standard: BTreeMap<&'static str, Value>,
    /// Custom attributes.
    pub custom: BTreeMap<&'static str, Value>,
}

/// An event: who, what and when.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Who.
    pub identity: Identity,
    /// What.
    pub action: Action,
    /// When, in Unix seconds; no two are of the same second.
    pub at: i64,
}

impl Happening {
    /// What is left of joining a company once the company is saved.
    pub(crate) fn link(&self) -> Self {
        let mut link = self.clone();
        if let Action::Group { fields, tags, .. } = &mut link.action {
            (*fields, *tags) = (Fields::default(), Vec::new());
        }
        link
    }
}

/// The address of a mailbox that several people share. Who of them comes first is chance, so it is not compared.
pub(crate) const SHARED: &str = "office@people.example";

impl Fields {
    /// Sets these as well.
    pub(crate) fn write(&mut self, others: &Self) {
        self.standard
            .extend(others.standard.iter().map(|(name, value)| (*name, value.clone())));
        for (name, value) in &others.custom {
            match value {
                Value::Null => self.custom.remove(name),
                value => self.custom.insert(name, value.clone()),
            };
        }
    }
}
