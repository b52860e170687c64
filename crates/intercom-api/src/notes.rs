//! Notes about contacts.
//!
//! Source: the note operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/notes>.

use crate::admins::Admin;
use crate::common::Reference;
use crate::ids::{AdminId, ContactId, NoteId};
use crate::model::{request, response};
use crate::pages::Pages;
use crate::time::UnixSeconds;

request! {
    /// Lists the notes about a contact: `GET /contacts/{id}/notes`.
    ListContactNotes => NoteList {
        path {
            /// The contact.
            contact: ContactId,
        }
    }
}

request! {
    /// Writes a note about a contact: `POST /contacts/{id}/notes`.
    #[non_exhaustive]
    CreateNote => Note {
        path {
            /// The contact.
            contact: ContactId,
        }
        body {
            required {
                /// The text, which may be HTML.
                body: String,
            }
            optional {
                /// The contact once more.
                contact_id: ContactId,
                /// The teammate who writes it.
                admin_id: AdminId,
            }
        }
    }
}

request! {
    /// Retrieves a note: `GET /notes/{id}`.
    RetrieveNote => Note {
        path {
            /// The note.
            id: NoteId,
        }
    }
}

response! {
    /// A note.
    Note {
        required {
            /// Intercom's id.
            id: NoteId,
        }
        optional {
            /// `note`.
            object_type = "type": String,
            /// When it was written.
            created_at: UnixSeconds,
            /// Whom it is about.
            contact: Reference,
            /// Which company it is about. Since version 2.16.
            company: Reference,
            /// Who wrote it.
            author: Admin,
            /// The text, as HTML.
            body: String,
        }
    }
}

response! {
    /// A page of notes.
    NoteList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The notes.
            data: Vec<Note>,
            /// How many there are on all pages.
            total_count: i64,
            /// Where the other pages are.
            pages: Pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn ids_keep_their_form() {
        let body = r#"{"body":"Called back","contact_id":12,"admin_id":"7"}"#;
        let note = CreateNote::from_body(12, body.as_bytes()).unwrap();
        assert_eq!(note.contact_id.as_ref(), Some(&note.contact));
        let call = note.to_call().unwrap();
        assert_eq!(
            (call.path.as_str(), call.body.unwrap().get()),
            ("/contacts/12/notes", body)
        );
        assert!(!format!("{note:?}").contains("Called"));
    }
}
