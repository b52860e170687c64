//! What is learnt of who a contact is.

use crate::contact::KnownContact;
use intercom_api::{Contact, ContactFields, ExternalId, Role};

/// Where something was learnt of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A search has found it.
    Hit,
    /// It was created or updated.
    Write,
}

/// Who a contact is.
#[derive(Debug, Default)]
pub(super) struct Person<'a> {
    pub(super) external_id: Option<&'a str>,
    pub(super) email: Option<&'a str>,
    pub(super) is_lead: Option<bool>,
}

impl<'a> Person<'a> {
    fn of(external_id: Option<&'a ExternalId>, email: Option<&'a str>, is_lead: Option<bool>) -> Self {
        Self {
            external_id: external_id.map(ExternalId::as_str),
            email,
            is_lead,
        }
    }
}

fn is_lead(role: Option<&Role>) -> Option<bool> {
    role.map(|role| *role == Role::Lead)
}

impl<'a> From<&'a Contact> for Person<'a> {
    fn from(contact: &'a Contact) -> Self {
        let is_lead = is_lead(contact.role.as_ref());
        Self::of(contact.external_id.as_ref(), contact.email.as_deref(), is_lead)
    }
}

impl<'a> From<&'a ContactFields> for Person<'a> {
    fn from(contact: &'a ContactFields) -> Self {
        let is_lead = is_lead(contact.role.as_ref());
        Self::of(contact.external_id.as_ref(), contact.email.as_deref(), is_lead)
    }
}

impl<'a> From<&'a KnownContact> for Person<'a> {
    fn from(contact: &'a KnownContact) -> Self {
        Self::of(
            contact.external_id.as_ref(),
            contact.email.as_deref(),
            Some(contact.is_lead),
        )
    }
}
