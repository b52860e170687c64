//! Contacts: the people of a workspace, users and leads.
//!
//! Source: the contact operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/contacts>.

mod query;
mod responses;
mod role;
mod search;

pub use crate::pages::SearchPagination;
pub use query::{Filter, FilterGroup, GroupOperator, SearchOperator, SearchQuery, SearchValue};
pub use responses::{
    ArchivedContact, BlockedContact, Contact, ContactList, DeletedContact, Location, MergedContact, SocialProfile,
    SocialProfiles,
};
pub use role::Role;
pub use search::{FieldType, SEARCHABLE_FIELDS, SearchContacts, SearchOrder, SearchSort, field_type};

use crate::common::Avatar;
use crate::companies::CompanyList;
use crate::ids::{AdminId, ContactId, ExternalId, ExternalIdInPath};
use crate::model::{fields, request};
use crate::time::UnixSeconds;
use crate::version::ApiVersion;

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
            /// The id of the teammate who owns the account: a number before version 2.16, a string from then on. See
            /// [`Self::in_version`].
            owner_id: AdminId,
            /// When the contact signed up.
            signed_up_at: UnixSeconds,
            /// When the contact was last seen.
            last_seen_at: UnixSeconds,
            /// Whether the contact has unsubscribed from emails.
            unsubscribed_from_emails: bool,
            /// Whether the email address is known to be the contact's. Since version 2.16.
            email_verified: bool,
        }
        attributes {
            /// The custom attributes. Each must have been defined in the workspace.
            custom_attributes,
        }
    }
}

impl ContactFields {
    /// The same, written as a version of the API wants it.
    #[must_use]
    pub fn in_version(mut self, version: ApiVersion) -> Self {
        let text = |owner: AdminId| owner.as_str().parse().unwrap_or(owner);
        let number = |owner: AdminId| owner.as_str().parse().map_or(owner, |number: i64| number.into());
        self.owner_id = match version >= ApiVersion::V2_16 {
            true => self.owner_id.map(text),
            false => self.owner_id.map(number),
        };
        self
    }
}

impl From<Contact> for ContactFields {
    /// What is known of a contact, to be written to another or back.
    fn from(contact: Contact) -> Self {
        let mut fields = Self::new();
        fields.external_id = contact.external_id;
        fields.email = contact.email;
        fields.phone = contact.phone;
        fields.name = contact.name;
        fields.avatar = contact.avatar.as_ref().and_then(Avatar::url).map(str::to_owned);
        fields.role = contact.role;
        fields.owner_id = contact.owner_id;
        fields.signed_up_at = contact.signed_up_at;
        fields.last_seen_at = contact.last_seen_at;
        fields.unsubscribed_from_emails = contact.unsubscribed_from_emails;
        fields.custom_attributes = contact.custom_attributes.unwrap_or_default();
        fields
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
    /// Retrieves a contact by the id that the caller's system gave it: `GET /contacts/find_by_external_id/{external_id}`.
    ///
    /// Since version 2.16.
    RetrieveContactByExternalId => Contact {
        path {
            /// The caller's id.
            external_id: ExternalIdInPath,
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
    /// Blocks a contact, whose conversations are archived: `POST /contacts/{id}/block`.
    ///
    /// Since version 2.16.
    BlockContact => BlockedContact {
        path {
            /// The contact.
            id: ContactId,
        }
    }
}

request! {
    /// Merges a lead into a user: `POST /contacts/merge`. The lead is gone afterwards.
    MergeContacts => Contact {
        body {
            required {
                /// The lead.
                from: ContactId,
                /// The user.
                into: ContactId,
            }
            optional {
                /// Whether to merge contacts that share neither email nor phone, which version 2.16 refuses otherwise.
                skip_duplicate_validation: bool,
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
    use crate::{Operation, Value};

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
    #[test]
    fn the_owner_is_written_as_the_version_wants() {
        let written = |owner: &AdminId, version| {
            let contact = ContactFields::new().with_owner_id(owner.clone()).in_version(version);
            serde_json::to_string(&contact).unwrap()
        };
        for owner in [AdminId::from(7), "7".parse().unwrap()] {
            assert_eq!(written(&owner, ApiVersion::V2_15), r#"{"owner_id":7}"#);
            assert_eq!(written(&owner, ApiVersion::V2_16), r#"{"owner_id":"7"}"#);
        }
        let word = "none".parse().unwrap();
        assert_eq!(written(&word, ApiVersion::V2_10), r#"{"owner_id":"none"}"#);
    }

    #[test]
    fn what_has_no_name_here_is_sent_and_read_back() {
        let text = r#"{"from":"5f","into":"6a","newer":{"a":[1.0]}}"#;
        let merge = MergeContacts::from_body(text.as_bytes()).unwrap();
        assert_eq!(merge.to_call().unwrap().body.unwrap().get(), text);
        let error = MergeContacts::from_body(br#"{"from":"5f"}"#).unwrap_err();
        assert!(error.to_string().contains("into"), "{error}");
        assert!(MergeContacts::from_body(br#"{"from":"5f","into":"6a"} more"#).is_err());

        let text = r#"{"email":"ada@example.org","phone":null,"custom_attributes":{"seats":12},"newer":true}"#;
        let mut create = CreateContact::from_body(text.as_bytes()).unwrap();
        assert_eq!(create.contact.extra.get("newer"), Some(&true.into()));
        assert_eq!(create.to_call().unwrap().body.unwrap().get(), text);
        assert!(CreateContact::from_body(br#"{"email":7}"#).is_err());
        // A field that is set goes before one of its name in `extra`.
        create.contact = ContactFields::new();
        create.contact.extra.insert("phone", Value::Null);
        assert!(!create.contact.is_empty());
        create.contact.phone = Some("1".to_owned());
        assert_eq!(serde_json::to_string(&create.contact).unwrap(), r#"{"phone":"1"}"#);
    }
}
