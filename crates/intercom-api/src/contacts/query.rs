//! What to search contacts for.

use crate::ids::{ContactId, ExternalId};
use crate::json::{Attributes, Number, Value, from_each};
use crate::model::{open_enum, write_extra};
use crate::time::UnixSeconds;
use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

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
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)] // writing only; reading is by hand, below
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

from_each! {
    SearchValue {
        Bool: bool;
        Number: i32, u32, i64, u64, usize;
        Text: &str, String, ExternalId, ContactId;
    }
}

impl From<UnixSeconds> for SearchValue {
    fn from(time: UnixSeconds) -> Self {
        time.0.into()
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

impl SearchValue {
    fn read(value: Value) -> Result<Self, &'static str> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::read).collect::<Result<_, _>>()?),
            Value::Object(_) => return Err("an object is not a value to search for"),
        })
    }
}

impl<'de> Deserialize<'de> for SearchValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The members of queries that have a name here. A group has no field: what has one is a comparison.
const KEYS: &[&str] = &["field", "operator", "value"];

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// The field: one of [`SEARCHABLE_FIELDS`](super::SEARCHABLE_FIELDS) or `custom_attributes.<name>`.
    pub field: String,
    /// The comparison.
    pub operator: SearchOperator,
    /// What to compare with.
    pub value: SearchValue,
    /// What else is sent: members without a name here, such as a later version of the API has.
    pub extra: Attributes,
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("field", &self.field)?;
        map.serialize_entry("operator", &self.operator)?;
        map.serialize_entry("value", &self.value)?;
        write_extra(&mut map, &self.extra, KEYS)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match SearchQuery::deserialize(deserializer)? {
            SearchQuery::Filter(filter) => Ok(filter),
            SearchQuery::Group(_) => Err(D::Error::missing_field("field")),
        }
    }
}

/// Several queries together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterGroup {
    /// How they go together.
    pub operator: GroupOperator,
    /// The queries: at most [`limits::SEARCH_FILTERS_PER_GROUP`](crate::limits::SEARCH_FILTERS_PER_GROUP), nested at
    /// most [`limits::SEARCH_NESTED_GROUPS`](crate::limits::SEARCH_NESTED_GROUPS) deep.
    pub value: Vec<SearchQuery>,
    /// What else is sent: members without a name here, such as a later version of the API has.
    pub extra: Attributes,
}

impl FilterGroup {
    fn of(operator: GroupOperator, queries: impl IntoIterator<Item = SearchQuery>) -> Self {
        Self {
            operator,
            value: queries.into_iter().collect(),
            extra: Attributes::new(),
        }
    }
}

impl Serialize for FilterGroup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("operator", &self.operator)?;
        map.serialize_entry("value", &self.value)?;
        write_extra(&mut map, &self.extra, KEYS)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for FilterGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match SearchQuery::deserialize(deserializer)? {
            SearchQuery::Group(group) => Ok(group),
            SearchQuery::Filter(_) => Err(D::Error::custom("a group of queries has no field")),
        }
    }
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)] // writing only; reading is by hand, below
pub enum SearchQuery {
    /// One comparison.
    Filter(Filter),
    /// Several, joined by AND or OR.
    Group(FilterGroup),
}

impl SearchQuery {
    /// One comparison.
    ///
    /// ```
    /// use intercom_api::SearchQuery;
    ///
    /// let query = SearchQuery::filter("email", "=", "ada@example.org");
    /// assert_eq!(
    ///     serde_json::to_string(&query)?,
    ///     r#"{"field":"email","operator":"=","value":"ada@example.org"}"#
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn filter(
        field: impl Into<String>,
        operator: impl Into<SearchOperator>,
        value: impl Into<SearchValue>,
    ) -> Self {
        Self::Filter(Filter {
            field: field.into(),
            operator: operator.into(),
            value: value.into(),
            extra: Attributes::new(),
        })
    }

    /// All of these.
    pub fn all(queries: impl IntoIterator<Item = SearchQuery>) -> Self {
        Self::Group(FilterGroup::of(GroupOperator::And, queries))
    }

    /// Any of these.
    pub fn any(queries: impl IntoIterator<Item = SearchQuery>) -> Self {
        Self::Group(FilterGroup::of(GroupOperator::Or, queries))
    }
}

impl SearchQuery {
    fn read(value: Value) -> Result<Self, &'static str> {
        let Value::Object(object) = value else {
            return Err("a query is an object");
        };
        let (mut field, mut operator, mut value) = (None, None, None);
        let mut extra = Attributes::new();
        for (key, part) in object {
            match (key.as_ref(), part) {
                ("field", Value::String(text)) => field = Some(text),
                ("operator", Value::String(text)) => operator = Some(text),
                ("value", part) => value = Some(part),
                ("field" | "operator", _) => return Err("the field and the operator of a query are strings"),
                (_, part) => {
                    extra.insert(key, part);
                }
            }
        }
        let operator = operator.ok_or("the operator is missing")?;
        let value = value.ok_or("the value is missing")?;
        // A filter has a field, and a group has not.
        match (field, value) {
            (Some(field), value) => Ok(Self::Filter(Filter {
                field,
                operator: operator.into(),
                value: SearchValue::read(value)?,
                extra,
            })),
            (None, Value::Array(queries)) => Ok(Self::Group(FilterGroup {
                operator: operator.into(),
                value: queries.into_iter().map(Self::read).collect::<Result<_, _>>()?,
                extra,
            })),
            (None, _) => Err("the field is missing"),
        }
    }
}

impl<'de> Deserialize<'de> for SearchQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Which bounds the depth as well.
        let value = Value::deserialize(deserializer)?;
        Self::read(value).map_err(D::Error::custom)
    }
}

#[cfg(test)]
impl crate::model::Sample for SearchQuery {
    fn sample(_: u8) -> Self {
        Self::all([Self::filter("email", SearchOperator::Equals, "ada@example.org")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exact_json::testing::{anywhere, object};
    use serde_json::json;

    #[test]
    fn queries_can_stand_anywhere() {
        let filter = json!({"field": "owner_id", "operator": "IN", "value": [1, 2.5], "later": {"a": [null]}});
        let group = json!({"operator": "OR", "value": [filter, {"operator": "AND", "value": []}], "later": null});
        let _: Filter = object(&filter);
        let _: FilterGroup = object(&group);
        let _: SearchQuery = object(&group);
        let _: SearchQuery = object(&filter);
        let _: SearchValue = anywhere(&json!([null, true, 1, "x", [2.5]]));
    }
}
