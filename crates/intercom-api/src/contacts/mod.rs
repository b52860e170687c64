//! Contacts: the people of a workspace, users and leads.
//!
//! Source: the contact operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/contacts>.

mod answers;
mod search;

pub use answers::{ArchivedContact, Contact, ContactList, DeletedContact};
pub use search::{
    Filter, Group, GroupOperator, SEARCHABLE_FIELDS, SearchContacts, SearchOperator, SearchPagination, SearchQuery,
    SearchValue,
};

use crate::ids::{ContactId, ExternalId, UnixSeconds};
use crate::model::{fields, open_enum, operation};
use serde::{Deserialize, Serialize};

open_enum! {
    /// Whether a contact has signed up.
    Role {
        /// Has signed up: identified by an external id or an email.
        User = "user",
        /// Has not.
        Lead = "lead",
    }
}

fields! {
    /// What can be written of a contact, when it is created and when it is updated.
    ///
    /// Unset fields are left out of the body, and Intercom leaves them as they are.
    ContactFields {
        optional {
            /// The id that the caller's system gives the contact. Unique in a workspace.
            external_id: ExternalId,
            /// The email address.
            email: String,
            /// The phone number.
            phone: String,
            /// The full name.
            name: String,
            /// The URL of an image.
            avatar: String,
            /// User or lead.
            role: Role,
            /// The id of the teammate who owns the account.
            owner_id: i64,
            /// When the contact signed up.
            signed_up_at: UnixSeconds,
            /// When the contact was last seen.
            last_seen_at: UnixSeconds,
            /// Whether the contact has unsubscribed from emails.
            unsubscribed_from_emails: bool,
        }
        attributes {
            /// The custom attributes. Each must have been defined in the workspace.
            custom_attributes,
        }
    }
}

/// Creates a contact: `POST /contacts`.
///
/// Answered 409 when there is one already with its external id or email: see
/// [`ApiError::conflicting_contact`](crate::ApiError::conflicting_contact).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateContact {
    /// What the contact is to have; at least an external id, an email or a role.
    pub contact: ContactFields,
}
operation!(CreateContact: Post "/contacts", body contact: ContactFields => Contact);

/// Updates a contact: `PUT /contacts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateContact {
    /// The contact.
    pub id: ContactId,
    /// What is to change.
    pub contact: ContactFields,
}
operation!(UpdateContact: Put "/contacts/{}" [id], body contact: ContactFields => Contact);

/// Retrieves a contact: `GET /contacts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrieveContact {
    /// The contact.
    pub id: ContactId,
}
operation!(RetrieveContact: Get "/contacts/{}" [id], no body => Contact);

/// Deletes a contact for good: `DELETE /contacts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteContact {
    /// The contact.
    pub id: ContactId,
}
operation!(DeleteContact: Delete "/contacts/{}" [id], no body => DeletedContact);

/// Archives a contact: `POST /contacts/{id}/archive`.
///
/// An archived contact is not found by a search, and still holds its external id and email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveContact {
    /// The contact.
    pub id: ContactId,
}
operation!(ArchiveContact: Post "/contacts/{}/archive" [id], no body => ArchivedContact);

/// Restores an archived contact: `POST /contacts/{id}/unarchive`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnarchiveContact {
    /// The contact.
    pub id: ContactId,
}
operation!(UnarchiveContact: Post "/contacts/{}/unarchive" [id], no body => ArchivedContact);

/// Merges a lead into a user: `POST /contacts/merge`. The lead is gone afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeContacts {
    /// The lead.
    pub from: ContactId,
    /// The user.
    pub into: ContactId,
}
operation!(MergeContacts: Post "/contacts/merge", body self => Contact);

/// Lists contacts: `GET /contacts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListContacts {
    /// How many to a page.
    pub per_page: Option<u32>,
    /// The cursor that the page before named.
    pub starting_after: Option<String>,
}
operation!(ListContacts: Get "/contacts", no body, query cursor => ContactList);

impl ListContacts {
    /// The first page.
    pub fn new() -> Self {
        Self::default()
    }

    fn cursor(&self) -> Vec<(std::borrow::Cow<'static, str>, String)> {
        let per_page = self.per_page.map(|count| ("per_page".into(), count.to_string()));
        let after = self
            .starting_after
            .clone()
            .map(|cursor| ("starting_after".into(), cursor));
        per_page.into_iter().chain(after).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn unset_fields_are_left_out_and_set_ones_keep_their_order() {
        let mut contact = ContactFields::new();
        contact.custom_attributes.insert("seats", 12);
        contact.unsubscribed_from_emails = Some(false);
        contact.signed_up_at = Some(UnixSeconds(1_558_290_864));
        contact.role = Some(Role::Lead);
        contact.email = Some("ada@example.org".into());
        contact.external_id = Some("u-1".into());
        let call = UpdateContact {
            id: "a/b".into(),
            contact,
        }
        .to_call()
        .unwrap();
        assert_eq!(call.path, "/contacts/a%2Fb");
        assert_eq!(
            call.body.unwrap().get(),
            r#"{"external_id":"u-1","email":"ada@example.org","role":"lead","signed_up_at":1558290864,"unsubscribed_from_emails":false,"custom_attributes":{"seats":12}}"#
        );
    }

    #[test]
    fn debug_names_fields_and_shows_no_value() {
        let mut contact = ContactFields::new();
        contact.phone = Some("+4912345".into());
        contact.custom_attributes.insert("pet", "Bello");
        let shown = format!("{:?}", CreateContact { contact });
        assert!(shown.contains("phone") && shown.contains("pet"), "{shown}");
        assert!(!shown.contains("4912345") && !shown.contains("Bello"), "{shown}");
    }
}
