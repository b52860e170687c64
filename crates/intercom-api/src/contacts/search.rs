//! Searching contacts, and what they can be searched by.

use super::{ContactList, SearchOperator, SearchQuery};
use crate::model::{fields, open_enum, request};
use crate::pages::SearchPagination;

/// The fields that contacts can be searched by, besides `custom_attributes.<name>`.
///
/// As the description of `POST /contacts/search` lists them; `andoid_sdk_version` is its spelling.
pub const SEARCHABLE_FIELDS: &[&str] = &[
    "id",
    "role",
    "name",
    "avatar",
    "owner_id",
    "email",
    "email_domain",
    "phone",
    "external_id",
    "created_at",
    "signed_up_at",
    "updated_at",
    "last_seen_at",
    "last_contacted_at",
    "last_replied_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "language_override",
    "browser",
    "browser_language",
    "os",
    "location.country",
    "location.region",
    "location.city",
    "unsubscribed_from_emails",
    "marked_email_as_spam",
    "has_hard_bounced",
    "ios_last_seen_at",
    "ios_app_version",
    "ios_device",
    "ios_app_device",
    "ios_os_version",
    "ios_app_name",
    "ios_sdk_version",
    "android_last_seen_at",
    "android_app_version",
    "android_device",
    "android_app_name",
    "andoid_sdk_version",
    "segment_id",
    "tag_id",
];

/// What the values of a searchable field are; the operators go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// True or false.
    Boolean,
    /// Moments in Unix seconds, compared by calendar day in the workspace's time zone.
    Date,
    /// Tags, by their id.
    Tag,
    /// Values of a custom attribute, whose type the workspace defines.
    Custom,
}

/// What the values of a field are; `None` if contacts cannot be searched by it.
pub fn field_type(field: &str) -> Option<FieldType> {
    if field
        .strip_prefix("custom_attributes.")
        .is_some_and(|name| !name.is_empty())
    {
        return Some(FieldType::Custom);
    }
    SEARCHABLE_FIELDS.contains(&field).then(|| match field {
        "owner_id" => FieldType::Integer,
        "unsubscribed_from_emails" | "marked_email_as_spam" | "has_hard_bounced" => FieldType::Boolean,
        "tag_id" => FieldType::Tag,
        // Every field of this name is a date.
        _ if field.ends_with("_at") => FieldType::Date,
        _ => FieldType::Text,
    })
}

impl FieldType {
    /// Whether values of this type can be compared so. A custom attribute may still refuse.
    pub fn takes(self, operator: &SearchOperator) -> bool {
        use SearchOperator::*;
        match self {
            Self::Text => matches!(
                operator,
                Equals | NotEquals | In | NotIn | Contains | DoesNotContain | StartsWith | EndsWith
            ),
            Self::Integer => matches!(
                operator,
                Equals | NotEquals | In | NotIn | LessThan | AtMost | GreaterThan | AtLeast
            ),
            Self::Boolean => matches!(operator, Equals | NotEquals | In | NotIn),
            Self::Date => matches!(operator, Equals | LessThan | GreaterThan),
            Self::Tag => matches!(operator, Equals | NotEquals),
            Self::Custom => operator.is_known(),
        }
    }
}

open_enum! {
    /// In which order something is sorted.
    SearchOrder {
        /// The least first.
        Ascending = "ascending",
        /// The greatest first.
        Descending = "descending",
    }
}

fields! {
    /// How the hits of a search are sorted.
    SearchSort {
        optional {
            /// By which field.
            field: String,
            /// In which order; descending if unset.
            order: SearchOrder,
        }
    }
}

request! {
    /// Searches contacts: `POST /contacts/search`.
    ///
    /// A contact that was just created may be missing from the hits for some minutes. Archived and merged ones are missing.
    ///
    /// ```
    /// use intercom_api::{Operation, SearchContacts};
    ///
    /// let call = SearchContacts::by("email", "ada@example.org").to_call()?;
    /// assert_eq!(call.path, "/contacts/search");
    /// assert_eq!(
    ///     call.body.unwrap().get(),
    ///     r#"{"query":{"operator":"AND","value":[{"field":"email","operator":"=","value":"ada@example.org"}]}}"#
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    SearchContacts => ContactList {
        body {
            required {
                /// What to search for.
                query: SearchQuery,
            }
            optional {
                /// Which page; the first if unset.
                pagination: SearchPagination,
                /// How the hits are sorted. Since version 2.16.
                sort: SearchSort,
            }
        }
    }
}

impl SearchContacts {
    /// Searches for contacts whose `field` equals `value`.
    pub fn by(field: &str, value: impl Into<String>) -> Self {
        Self::new(SearchQuery::all([SearchQuery::filter(
            field,
            SearchOperator::Equals,
            value.into(),
        )]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_groups_round_trip() {
        let text = r#"{"query":{"operator":"AND","value":[{"operator":"OR","value":[{"field":"role","operator":"=","value":"lead"},{"field":"owner_id","operator":"IN","value":[1,2.50]}]},{"field":"name","operator":"!~","value":null}]},"pagination":{"per_page":5}}"#;
        let search = SearchContacts::from_body(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&search).unwrap(), text);
        let shown = format!("{search:?}");
        assert!(!shown.contains("2.50") && !shown.contains("lead"), "{shown}");
    }

    #[test]
    fn a_query_cannot_be_nested_without_end() {
        let (open, close) = (r#"{"operator":"AND","value":["#, "]}");
        let nested = |depth: usize| format!(r#"{{"query":{}{}}}"#, open.repeat(depth), close.repeat(depth));
        assert!(SearchContacts::from_body(nested(50).as_bytes()).is_ok());
        assert!(SearchContacts::from_body(nested(50_000).as_bytes()).is_err());
    }

    #[test]
    fn a_filter_needs_its_parts() {
        for text in [
            r#"{"query":{"field":"email","value":"x"}}"#,
            r#"{"query":{"operator":"AND","value":"x"}}"#,
            r#"{"query":{"field":"email","operator":"=","value":{}}}"#,
            r#"{"query":{"field":null,"operator":"AND","value":[]}}"#,
        ] {
            assert!(SearchContacts::from_body(text.as_bytes()).is_err(), "{text}");
        }
    }
}
