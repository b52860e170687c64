//! What Intercom answers about contacts.

use super::Role;
use crate::ids::{ContactId, ExternalId, UnixSeconds};
use crate::json::{Attributes, Value};
use crate::model::answer;

answer! {
    /// A contact.
    Contact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The workspace's id.
            workspace_id: String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// User or lead.
            role: Role,
            /// The email address.
            email: String,
            /// The phone number.
            phone: String,
            /// The full name.
            name: String,
            /// The image: an object with `image_url`, or the URL alone.
            avatar: Value,
            /// The teammate who owns the account.
            owner_id: i64,
            /// When it signed up.
            signed_up_at: UnixSeconds,
            /// When it was last seen.
            last_seen_at: UnixSeconds,
            /// When it was created in Intercom.
            created_at: UnixSeconds,
            /// When it was last updated in Intercom.
            updated_at: UnixSeconds,
            /// Whether it has unsubscribed from emails.
            unsubscribed_from_emails: bool,
            /// Its custom attributes.
            custom_attributes: Attributes,
        }
    }
}

answer! {
    /// A page of contacts.
    ContactList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The contacts.
            data: Vec<Contact>,
            /// How many there are on all pages.
            total_count: i64,
            /// Where the other pages are.
            pages: Value,
        }
    }
}

answer! {
    /// A contact that was deleted.
    DeletedContact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// `true`.
            deleted: bool,
        }
    }
}

answer! {
    /// A contact that was archived or restored.
    ArchivedContact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// Whether it is archived now.
            archived: bool,
        }
    }
}
