//! Contacts: the people of a workspace, users and leads.
//!
//! Source: the contact operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/contacts>.

mod query;
mod responses;
mod role;
mod search;

pub use crate::pages::SearchPagination;
pub use query::{Filter, Group, GroupOperator, SearchOperator, SearchQuery, SearchValue};
pub use responses::{ArchivedContact, Contact, ContactList, DeletedContact, Location, SocialProfile, SocialProfiles};
pub use role::Role;
pub use search::{FieldType, SEARCHABLE_FIELDS, SearchContacts, field_type};

use crate::companies::CompanyList;
use crate::ids::{ContactId, ExternalId, UnixSeconds};
use crate::model::{fields, request};
use crate::pages::page_size;
use crate::validation::Checks;
use validator::{Validate, ValidationErrors};

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

impl Validate for ContactFields {
    /// Checks that the role is one that Intercom takes.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let role = self.role.as_ref();
        Checks::new()
            .that(role.is_none_or(Role::is_known), "role", "unknown_role")
            .finish()
    }
}

request! {
    /// Creates a contact: `POST /contacts`.
    ///
    /// Answered 409 when there is one already with its external id or email: see
    /// [`ApiError::conflicting_contact`](crate::ApiError::conflicting_contact).
    CreateContact => Contact {
        content {
            /// What the contact is to have; at least an external id, an email or a role.
            contact: ContactFields,
        }
    }
}

impl Validate for CreateContact {
    /// Checks that there is something to know the contact by, and the fields.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let contact = &self.contact;
        let identified = contact.external_id.is_some() || contact.email.is_some() || contact.role.is_some();
        Checks::new().that(identified, "contact", "missing_identity").finish()?;
        contact.validate()
    }
}

request! {
    /// Updates a contact: `PUT /contacts/{id}`.
    UpdateContact => Contact {
        path {
            /// The contact.
            id: ContactId,
        }
        content {
            /// What is to change.
            contact: ContactFields,
        }
    }
}

impl Validate for UpdateContact {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.contact.validate()
    }
}

request! {
    /// Retrieves a contact: `GET /contacts/{id}`.
    RetrieveContact => Contact {
        path {
            /// The contact.
            id: ContactId,
        }
    }
}

request! {
    /// Deletes a contact for good: `DELETE /contacts/{id}`.
    DeleteContact => DeletedContact {
        path {
            /// The contact.
            id: ContactId,
        }
    }
}

request! {
    /// Archives a contact: `POST /contacts/{id}/archive`.
    ///
    /// An archived contact is not found by a search, and still holds its external id and email.
    ArchiveContact => ArchivedContact {
        path {
            /// The contact.
            id: ContactId,
        }
    }
}

request! {
    /// Restores an archived contact: `POST /contacts/{id}/unarchive`.
    UnarchiveContact => ArchivedContact {
        path {
            /// The contact.
            id: ContactId,
        }
    }
}

request! {
    /// Merges a lead into a user: `POST /contacts/merge`. The lead is gone afterwards.
    #[derive(serde::Deserialize)]
    MergeContacts => Contact {
        body {
            required {
                /// The lead.
                from: ContactId,
                /// The user.
                into: ContactId,
            }
        }
    }
}

request! {
    /// Lists contacts: `GET /contacts`. Archived and merged ones are missing.
    #[non_exhaustive]
    ListContacts => ContactList {
        query {
            optional {
                /// How many to a page, at most [`limits::PAGE_SIZE`](crate::limits::PAGE_SIZE).
                per_page: u32,
                /// The cursor that the page before named.
                starting_after: String,
            }
        }
    }
}

impl Validate for ListContacts {
    fn validate(&self) -> Result<(), ValidationErrors> {
        page_size(&mut Checks::new(), self.per_page).finish()
    }
}

request! {
    /// Lists the companies of a contact: `GET /contacts/{id}/companies`.
    ListContactCompanies => CompanyList {
        path {
            /// The contact.
            contact: ContactId,
        }
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
            id: "a/b".parse().unwrap(),
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
    fn a_new_contact_needs_something_to_know_it_by() {
        let mut contact = ContactFields::new();
        contact.name = Some("Ada".into());
        assert!(CreateContact::new(contact.clone()).validate().is_err());
        assert!(UpdateContact::new(5, contact.clone()).validate().is_ok());
        contact.role = Some(Role::Lead);
        assert!(CreateContact::new(contact.clone()).validate().is_ok());
        contact.role = Some("guest".into());
        assert!(CreateContact::new(contact).validate().is_err());
    }

    #[test]
    fn a_list_asks_for_a_page() {
        let mut list = ListContacts::new();
        assert_eq!(list.to_call().unwrap().path_and_query(), "/contacts");
        list.per_page = Some(25);
        list.starting_after = Some("a=b&c".into());
        assert_eq!(
            list.to_call().unwrap().path_and_query(),
            "/contacts?per_page=25&starting_after=a%3Db%26c"
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
