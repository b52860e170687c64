//! Tags, on contacts, companies, conversations and tickets.
//!
//! Source: the tag operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/tags>.

use crate::common::Reference;
use crate::ids::{AdminId, CompanyExternalId, CompanyId, ContactId, ConversationId, ResourceId, TagId, TicketId};
use crate::model::{OrEmpty, fields, request, response};
use crate::time::UnixSeconds;

request! {
    /// Lists the tags of the workspace: `GET /tags`.
    ListTags => TagList {}
}

request! {
    /// Retrieves a tag: `GET /tags/{id}`.
    FindTag => Tag {
        path {
            /// The tag.
            id: TagId,
        }
    }
}

request! {
    /// Deletes a tag: `DELETE /tags/{id}`. Refused while something depends on it.
    DeleteTag => () {
        path {
            /// The tag.
            id: TagId,
        }
    }
}

request! {
    /// Creates or renames a tag, or puts it on companies or users, or takes it off companies: `POST /tags`.
    ///
    /// See [`TagCompanies`] for the most frequent use.
    #[non_exhaustive]
    CreateTag => Tag {
        body {
            required {
                /// The tag's name, the new one if `id` is set. Case does not matter.
                name: String,
            }
            optional {
                /// The tag to rename.
                id: TagId,
                /// The companies to tag, or to untag.
                companies: Vec<TaggedCompany>,
                /// The users to tag.
                users: Vec<TaggedUser>,
            }
        }
    }
}

fields! {
    /// A company to tag or to untag: one of the two ids.
    TaggedCompany {
        optional {
            /// Intercom's id.
            id: CompanyId,
            /// The id that the caller's system gave it.
            company_id: CompanyExternalId,
            /// `true` to take the tag off.
            untag: bool,
        }
    }
}

fields! {
    /// A user to tag.
    TaggedUser {
        optional {
            /// Intercom's id.
            id: ContactId,
        }
    }
}

impl From<CompanyId> for TaggedCompany {
    fn from(id: CompanyId) -> Self {
        Self::new().with_id(id)
    }
}

request! {
    /// Puts a tag on companies, and creates the tag if there is none of that name: `POST /tags`.
    TagCompanies is CreateTag => Tag {
        body {
            required {
                /// The tag's name. Case does not matter.
                name: String,
                /// The companies.
                companies: Vec<TaggedCompany>,
            }
        }
    }
}

request! {
    /// Lists the tags of a contact: `GET /contacts/{contact_id}/tags`.
    ListContactTags => TagList {
        path {
            /// The contact.
            contact: ContactId,
        }
    }
}

request! {
    /// Tags a contact: `POST /contacts/{contact_id}/tags`.
    TagContact => Tag {
        path {
            /// The contact.
            contact: ContactId,
        }
        body {
            required {
                /// The tag.
                tag = "id": TagId,
            }
        }
    }
}

request! {
    /// Takes a tag off a contact: `DELETE /contacts/{contact_id}/tags/{id}`.
    UntagContact => OrEmpty<Tag> {
        path {
            /// The contact.
            contact: ContactId,
            /// The tag.
            tag: TagId,
        }
    }
}

request! {
    /// Tags a conversation: `POST /conversations/{conversation_id}/tags`.
    TagConversation => Tag {
        path {
            /// The conversation.
            conversation: ConversationId,
        }
        body {
            required {
                /// The tag.
                tag = "id": TagId,
                /// The teammate who does it.
                admin_id: AdminId,
            }
        }
    }
}

request! {
    /// Takes a tag off a conversation: `DELETE /conversations/{conversation_id}/tags/{id}`.
    UntagConversation => OrEmpty<Tag> {
        path {
            /// The conversation.
            conversation: ConversationId,
            /// The tag.
            tag: TagId,
        }
        body {
            required {
                /// The teammate who does it.
                admin_id: AdminId,
            }
        }
    }
}

request! {
    /// Tags a ticket: `POST /tickets/{ticket_id}/tags`.
    TagTicket => Tag {
        path {
            /// The ticket.
            ticket: TicketId,
        }
        body {
            required {
                /// The tag.
                tag = "id": TagId,
                /// The teammate who does it.
                admin_id: AdminId,
            }
        }
    }
}

request! {
    /// Takes a tag off a ticket: `DELETE /tickets/{ticket_id}/tags/{id}`.
    UntagTicket => OrEmpty<Tag> {
        path {
            /// The ticket.
            ticket: TicketId,
            /// The tag.
            tag: TagId,
        }
        body {
            required {
                /// The teammate who does it.
                admin_id: AdminId,
            }
        }
    }
}

response! {
    /// A tag.
    Tag {
        required {
            /// Intercom's id.
            id: TagId,
        }
        optional {
            /// `tag`.
            object_type = "type": String,
            /// The name.
            name: String,
            /// When it was put on what it is on.
            applied_at: UnixSeconds,
            /// Who put it there.
            applied_by: Reference,
            /// The users that were tagged or untagged. Since version 2.16.
            users: Vec<Tagged>,
            /// The companies that were tagged or untagged. Since version 2.16.
            companies: Vec<Tagged>,
        }
    }
}

response! {
    /// What was tagged or untagged.
    Tagged {
        required {
            /// Its id.
            id: ResourceId,
        }
        optional {
            /// Whether it has the tag now.
            tagged: bool,
        }
    }
}

response! {
    /// Tags: all, or those of a contact, a company or a visitor.
    TagList {
        optional {
            /// `list` or `tag.list`.
            object_type = "type": String,
            /// The tags.
            data: Vec<Tag>,
            /// The tags, where the list is part of a company or a visitor.
            tags: Vec<Tag>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn companies_are_objects() {
        let tag = TagCompanies::new("vip", ["1", "2"].map(|id| CompanyId::try_from(id).unwrap().into()));
        let body = tag.to_call().unwrap().body.unwrap();
        assert_eq!(body.get(), r#"{"name":"vip","companies":[{"id":"1"},{"id":"2"}]}"#);
        let general = CreateTag::from_body(body.get().as_bytes()).unwrap();
        assert_eq!(general.to_call().unwrap().body.unwrap().get(), body.get());
    }

    #[test]
    fn a_tag_on_something_is_taken_off_by_path_and_body() {
        let untag = UntagTicket::new(9, 5, 3);
        let call = untag.to_call().unwrap();
        assert_eq!(
            (call.path.as_str(), call.body.unwrap().get()),
            ("/tickets/9/tags/5", r#"{"admin_id":3}"#)
        );
        assert_eq!(UntagTicket::from_body(9, 5, br#"{"admin_id":"3"}"#).unwrap(), untag);
        assert!(UntagTicket::from_body(9, 5, b"{}").is_err());
    }

    #[test]
    fn a_deleted_tag_answers_nothing() {
        for body in ["", "{}", "null", "gone"] {
            DeleteTag::parse_response(body.as_bytes()).unwrap();
        }
    }
}
