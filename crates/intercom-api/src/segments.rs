//! Segments: groups of contacts or companies that Intercom keeps by rules.
//!
//! Source: the segment operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/segments>.

use crate::ids::{ContactId, SegmentId};
use crate::model::{open_enum, request, response};
use crate::pages::Pages;
use crate::time::UnixSeconds;

request! {
    /// Lists segments: `GET /segments`.
    #[non_exhaustive]
    ListSegments => SegmentList {
        query {
            optional {
                /// Whether to count the members of each.
                include_count: bool,
            }
        }
    }
}

request! {
    /// Retrieves a segment: `GET /segments/{id}`.
    RetrieveSegment => Segment {
        path {
            /// The segment.
            id: SegmentId,
        }
    }
}

request! {
    /// Lists the segments that a contact is in: `GET /contacts/{contact_id}/segments`.
    ListContactSegments => AttachedSegments {
        path {
            /// The contact.
            contact: ContactId,
        }
    }
}

open_enum! {
    /// Whom a segment is of.
    PersonType {
        /// Leads.
        Contact = "contact",
        /// Users.
        User = "user",
    }
}

response! {
    /// A segment.
    Segment {
        required {
            /// Intercom's id.
            id: SegmentId,
        }
        optional {
            /// `segment`.
            object_type = "type": String,
            /// The name.
            name: String,
            /// When it was created.
            created_at: UnixSeconds,
            /// When it was last changed.
            updated_at: UnixSeconds,
            /// Whom it is of.
            person_type: PersonType,
            /// How many members it has, if that was asked for.
            count: i64,
        }
    }
}

response! {
    /// Segments: all, or those of a company or a visitor.
    SegmentList {
        optional {
            /// `segment.list`.
            object_type = "type": String,
            /// The segments.
            segments: Vec<Segment>,
            /// Where the other pages are.
            pages: Pages,
        }
    }
}

response! {
    /// The segments that a contact or a company is in.
    AttachedSegments {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The segments.
            data: Vec<Segment>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn members_are_counted_on_request() {
        let mut list = ListSegments::new();
        assert_eq!(list.to_call().unwrap().path_and_query(), "/segments");
        list.include_count = Some(true);
        assert_eq!(list.to_call().unwrap().path_and_query(), "/segments?include_count=true");
    }
}
