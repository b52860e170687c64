//! Visitors: people who are not known yet.
//!
//! Source: the visitor operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/visitors>.

use crate::common::Avatar;
use crate::companies::CompanyList;
use crate::contacts::{Contact, Role};
use crate::ids::{AdminId, ContactId, ExternalId, VisitorId};
use crate::json::Attributes;
use crate::model::{fields, request, response};
use crate::segments::SegmentList;
use crate::tags::TagList;
use crate::time::UnixSeconds;

fields! {
    /// Which visitor, by one of its ids, and what to write of it.
    VisitorFields {
        optional {
            /// Intercom's id.
            id: VisitorId,
            /// The id that the Messenger gave the visitor.
            user_id: ExternalId,
            /// The name.
            name: String,
        }
        attributes {
            /// The custom attributes. Each must have been defined in the workspace.
            custom_attributes,
        }
    }
}

request! {
    /// Updates a visitor: `PUT /visitors`.
    UpdateVisitor => Visitor {
        content {
            /// Which visitor, and what is to change.
            visitor: VisitorFields,
        }
    }
}

request! {
    /// Retrieves a visitor by the id that the Messenger gave: `GET /visitors`.
    RetrieveVisitor => Visitor {
        query {
            required {
                /// The id that the Messenger gave the visitor.
                user_id: ExternalId,
            }
        }
    }
}

request! {
    /// Makes a visitor a contact, or merges it into one: `POST /visitors/convert`.
    ConvertVisitor => Contact {
        body {
            required {
                /// The visitor: one of its ids.
                visitor: VisitorIdentity,
                /// The contact that it becomes, or is merged into: an id.
                user: ContactIdentity,
                /// What the contact is to be.
                role = "type": Role,
            }
        }
    }
}

fields! {
    /// What a visitor is known by.
    VisitorIdentity {
        optional {
            /// Intercom's id.
            id: VisitorId,
            /// The id that the Messenger gave the visitor.
            user_id: ExternalId,
            /// The email address.
            email: String,
        }
    }
}

fields! {
    /// What a contact is known by.
    ContactIdentity {
        optional {
            /// Intercom's id.
            id: ContactId,
            /// The id that the caller's system gives it.
            user_id: ExternalId,
            /// The email address.
            email: String,
        }
    }
}

response! {
    /// A visitor.
    Visitor {
        required {
            /// Intercom's id.
            id: VisitorId,
        }
        optional {
            /// `visitor`.
            object_type = "type": String,
            /// The id that the Messenger gave the visitor.
            user_id: ExternalId,
            /// Whether nothing is known of who it is.
            anonymous: bool,
            /// The email address; empty if it is not known.
            email: String,
            /// The phone number.
            phone: String,
            /// The name.
            name: String,
            /// What the Inbox calls the visitor.
            pseudonym: String,
            /// The image.
            avatar: Avatar,
            /// The workspace's id.
            app_id: String,
            /// The visitor's companies.
            companies: CompanyList,
            /// Where the visitor is, as far as its network address tells.
            location_data: LocationData,
            /// When the visitor was last active.
            last_request_at: UnixSeconds,
            /// When the visitor was last active, in the spelling of the documentation.
            las_request_at: UnixSeconds,
            /// When it was created in Intercom.
            created_at: UnixSeconds,
            /// When it was created.
            remote_created_at: UnixSeconds,
            /// When it signed up.
            signed_up_at: UnixSeconds,
            /// When it was last updated in Intercom.
            updated_at: UnixSeconds,
            /// How many sessions it had.
            session_count: i64,
            /// The profiles in social networks.
            social_profiles: VisitorSocialProfiles,
            /// The teammate who owns it.
            owner_id: AdminId,
            /// Whether it has unsubscribed from emails.
            unsubscribed_from_emails: bool,
            /// Whether it marked an email as spam.
            marked_email_as_spam: bool,
            /// Whether an email to it bounced for good.
            has_hard_bounced: bool,
            /// Its tags.
            tags: TagList,
            /// The segments that it is in.
            segments: SegmentList,
            /// Its custom attributes.
            custom_attributes: Attributes,
            /// The page it came from.
            referrer: String,
            /// The campaign it came by.
            utm_campaign: String,
            /// The campaign's content.
            utm_content: String,
            /// The campaign's medium.
            utm_medium: String,
            /// The campaign's source.
            utm_source: String,
            /// The campaign's term.
            utm_term: String,
            /// Whether its browser asks not to be tracked.
            do_not_track: bool,
        }
    }
}

response! {
    /// Where a visitor is.
    LocationData {
        optional {
            /// `location_data`.
            object_type = "type": String,
            /// The city's name.
            city_name: String,
            /// The continent's code.
            continent_code: String,
            /// The country's code.
            country_code: String,
            /// The country's name.
            country_name: String,
            /// The postal code.
            postal_code: String,
            /// The region's name.
            region_name: String,
            /// The time zone.
            timezone: String,
        }
    }
}

response! {
    /// The profiles of a visitor in social networks.
    VisitorSocialProfiles {
        optional {
            /// `social_profile.list`.
            object_type = "type": String,
            /// The profiles.
            social_profiles: Vec<String>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn a_conversion_names_both() {
        let body = r#"{"visitor":{"user_id":"v-1"},"user":{"email":"ada@example.org"},"type":"user"}"#;
        let convert = ConvertVisitor::from_body(body.as_bytes()).unwrap();
        assert_eq!(convert.to_call().unwrap().body.unwrap().get(), body);
    }

    #[test]
    fn a_visitor_is_looked_up_in_the_query() {
        let call = RetrieveVisitor::new("v 1").to_call().unwrap();
        assert_eq!(call.path_and_query(), "/visitors?user_id=v%201");
    }
}
