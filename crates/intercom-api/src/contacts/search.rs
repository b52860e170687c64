//! Searching contacts, and what they can be searched by.

use super::{ContactList, SearchOperator, SearchQuery, SearchValue};
use crate::limits;
use crate::model::request;
use crate::pages::SearchPagination;
use crate::validation::Checks;
use validator::{Validate, ValidationErrors};

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
    #[derive(serde::Deserialize)]
    SearchContacts => ContactList {
        body {
            required {
                /// What to search for.
                query: SearchQuery,
            }
            optional {
                /// Which page; the first if unset.
                pagination: SearchPagination,
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

impl Validate for SearchContacts {
    /// Checks fields, operators, the size of groups and how deep they are nested.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut checks = Checks::new();
        check_query(&self.query, 0, &mut checks);
        checks.finish()?;
        self.pagination.as_ref().map_or(Ok(()), Validate::validate)
    }
}

/// `depth` is the number of groups around the query.
fn check_query(query: &SearchQuery, depth: usize, checks: &mut Checks) {
    match query {
        SearchQuery::Filter(filter) => {
            let field = field_type(&filter.field);
            let takes = field.is_none_or(|field| field.takes(&filter.operator));
            let wants_list = matches!(filter.operator, SearchOperator::In | SearchOperator::NotIn);
            let is_list = matches!(filter.value, SearchValue::List(_));
            checks
                .that(field.is_some(), "field", "not_searchable")
                .that(takes, "operator", "not_for_this_field")
                .that(is_list == wants_list, "value", "not_for_this_operator");
        }
        SearchQuery::Group(group) => {
            checks
                .that(group.operator.is_known(), "operator", "not_for_groups")
                .at_most("value", group.value.len(), limits::SEARCH_FILTERS_PER_GROUP);
            if depth > limits::SEARCH_NESTED_GROUPS {
                checks.that(false, "query", "nested_too_deep");
                return;
            }
            for inner in &group.value {
                check_query(inner, depth + 1, checks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_groups_round_trip() {
        let text = r#"{"query":{"operator":"AND","value":[{"operator":"OR","value":[{"field":"role","operator":"=","value":"lead"},{"field":"owner_id","operator":"IN","value":[1,2.50]}]},{"field":"name","operator":"!~","value":null}]},"pagination":{"per_page":5}}"#;
        let search: SearchContacts = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&search).unwrap(), text);
        let shown = format!("{search:?}");
        assert!(!shown.contains("2.50") && !shown.contains("lead"), "{shown}");
    }

    #[test]
    fn limits_are_checked() {
        let equals = |field: &str| SearchQuery::filter(field, SearchOperator::Equals, "x");
        let valid = |query: SearchQuery| SearchContacts::new(query).validate().is_ok();
        assert!(valid(equals("email")) && valid(equals("custom_attributes.pet")));
        assert!(!valid(equals("userId")) && !valid(equals("custom_attributes.")));
        assert!(valid(SearchQuery::any(vec![equals("name"); 15])));
        assert!(!valid(SearchQuery::any(vec![equals("name"); 16])));
        let nested = |depth: usize| (0..depth).fold(equals("name"), |query, _| SearchQuery::all([query]));
        assert!(valid(nested(3)));
        assert!(!valid(nested(4)));
        assert!(valid(SearchQuery::filter(
            "role",
            SearchOperator::In,
            vec!["user", "lead"]
        )));
        assert!(!valid(SearchQuery::filter("role", SearchOperator::In, "user")));
        assert!(!valid(SearchQuery::filter(
            "role",
            SearchOperator::Equals,
            vec!["user"]
        )));
        assert!(!valid(SearchQuery::filter("created_at", SearchOperator::AtLeast, 0)));
        assert!(valid(SearchQuery::filter("owner_id", SearchOperator::AtLeast, 0)));
        assert!(!valid(SearchQuery::filter("tag_id", SearchOperator::In, vec!["1"])));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        let search = SearchContacts::by("e-mail", "ada@example.org");
        let shown = format!("{0:?} {0}", search.validate().unwrap_err());
        assert!(shown.contains("not_searchable") && !shown.contains("ada"), "{shown}");
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
            r#"{"query":{"field":"email","operator":"=","value":"x","of":1}}"#,
        ] {
            assert!(serde_json::from_str::<SearchContacts>(text).is_err(), "{text}");
        }
    }
}
