//! Searching contacts.

use super::ContactList;
use crate::json::Number;
use crate::limits;
use crate::model::{open_enum, request};
use crate::pages::SearchPagination;
use crate::validation::Checks;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
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

open_enum! {
    /// How the value of a field is compared.
    SearchOperator {
        /// Equals. On dates: on that day.
        Equals = "=",
        /// Differs. Not for dates.
        NotEquals = "!=",
        /// Is one of an array. Not for dates and `tag_id`.
        In = "IN",
        /// Is none of an array. Not for dates and `tag_id`.
        NotIn = "NIN",
        /// Is less; on dates, before the start of that day.
        LessThan = "<",
        /// Is at most. Integers only.
        AtMost = "<=",
        /// Is greater; on dates, from the start of the next day.
        GreaterThan = ">",
        /// Is at least. Integers only.
        AtLeast = ">=",
        /// Contains the text.
        Contains = "~",
        /// Does not contain the text.
        DoesNotContain = "!~",
        /// Starts with the text.
        StartsWith = "^",
        /// Ends with the text.
        EndsWith = "$",
    }
}

open_enum! {
    /// How the filters of a group go together.
    GroupOperator {
        /// All must hold.
        And = "AND",
        /// At least one must hold.
        Or = "OR",
    }
}

/// What a field is compared with. `Debug` shows the shape only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchValue {
    /// `null`: no value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// Several, for [`SearchOperator::In`] and [`SearchOperator::NotIn`].
    List(Vec<SearchValue>),
}

impl From<&str> for SearchValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SearchValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for SearchValue {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for SearchValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<T: Into<SearchValue>> From<Vec<T>> for SearchValue {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for SearchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool(..)"),
            Self::Number(_) => f.write_str("Number(..)"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::List(values) => f.debug_list().entries(values).finish(),
        }
    }
}

impl Serialize for SearchValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => serializer.collect_seq(values),
        }
    }
}

impl<'de> Deserialize<'de> for SearchValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(Self::Null),
            Some(b't') => Ok(Self::Bool(true)),
            Some(b'f') => Ok(Self::Bool(false)),
            Some(b'"') => serde_json::from_str(text).map(Self::Text),
            Some(b'[') => serde_json::from_str(text).map(Self::List),
            Some(b'{') => return Err(D::Error::custom("an object is not a value to search for")),
            _ => serde_json::from_str(text).map(Self::Number),
        }
        .map_err(D::Error::custom)
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// The field: one of [`SEARCHABLE_FIELDS`] or `custom_attributes.<name>`.
    pub field: String,
    /// The comparison.
    pub operator: SearchOperator,
    /// What to compare with.
    pub value: SearchValue,
}

/// Several queries together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How they go together.
    pub operator: GroupOperator,
    /// The queries: at most [`limits::SEARCH_FILTERS_PER_GROUP`](crate::limits::SEARCH_FILTERS_PER_GROUP), nested at
    /// most [`limits::SEARCH_NESTED_GROUPS`](crate::limits::SEARCH_NESTED_GROUPS) deep.
    pub value: Vec<SearchQuery>,
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)] // writing only; reading is by hand, below
pub enum SearchQuery {
    /// One comparison.
    Filter(Filter),
    /// Several, joined by AND or OR.
    Group(Group),
}

impl SearchQuery {
    /// One comparison.
    pub fn filter(field: impl Into<String>, operator: SearchOperator, value: impl Into<SearchValue>) -> Self {
        Self::Filter(Filter {
            field: field.into(),
            operator,
            value: value.into(),
        })
    }

    /// All of these.
    pub fn all(queries: impl IntoIterator<Item = SearchQuery>) -> Self {
        Self::Group(Group {
            operator: GroupOperator::And,
            value: queries.into_iter().collect(),
        })
    }

    /// Any of these.
    pub fn any(queries: impl IntoIterator<Item = SearchQuery>) -> Self {
        Self::Group(Group {
            operator: GroupOperator::Or,
            value: queries.into_iter().collect(),
        })
    }
}

impl<'de> Deserialize<'de> for SearchQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A filter has a field and a group has not; the value's type depends on which it is.
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = SearchQuery;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a filter (field, operator, value) or a group (operator, value)")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SearchQuery, A::Error> {
                let (mut field, mut operator, mut value) = (None::<String>, None::<String>, None::<Box<RawValue>>);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "field" => field = Some(map.next_value()?),
                        "operator" => operator = Some(map.next_value()?),
                        "value" => value = Some(map.next_value()?),
                        _ => return Err(A::Error::unknown_field(&key, &["field", "operator", "value"])),
                    }
                }
                let operator = operator.ok_or_else(|| A::Error::missing_field("operator"))?;
                let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
                Ok(match field {
                    Some(field) => SearchQuery::Filter(Filter {
                        field,
                        operator: operator.into(),
                        value: serde_json::from_str(value.get()).map_err(A::Error::custom)?,
                    }),
                    None => SearchQuery::Group(Group {
                        operator: operator.into(),
                        value: serde_json::from_str(value.get()).map_err(A::Error::custom)?,
                    }),
                })
            }
        }
        deserializer.deserialize_map(Parts)
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
    SearchContacts: Post "/contacts/search" => ContactList {
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
