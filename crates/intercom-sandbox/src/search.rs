//! `POST /contacts/search`: which contacts a query matches.
//!
//! As the OpenAPI description 2.10 says, moments are compared by day (here: in UTC) and each type of field has its
//! operators. Texts are compared exactly, except that an email address is kept in lower case for searching: a query in
//! another case finds nothing.

use crate::error::ApiError;
use crate::ids::Kind;
use crate::store::attributes::Model;
use crate::store::contacts::{Contact, Fields, Key};
use crate::store::tags::Tags;
use crate::workspace::Workspace;
use intercom_api::limits::{SEARCH_FILTERS_PER_GROUP, SEARCH_NESTED_GROUPS};
use intercom_api::{
    Attributes, DataType, ErrorCode, Filter, GroupOperator, Number, SEARCHABLE_FIELDS, SearchContacts, SearchOperator,
    SearchQuery, SearchValue, Value,
};
use std::borrow::Cow;
use std::cmp::Ordering;

const SECONDS_A_DAY: i64 = 86_400;

/// What kind of values a field has; it decides which operators go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldType {
    Text,
    Integer,
    Boolean,
    Date,
    Tag,
    /// An attribute that is not defined: whatever is asked of it.
    Any,
}

impl FieldType {
    fn allows(self, operator: &SearchOperator) -> bool {
        use SearchOperator as Op;
        match operator {
            Op::Equals => true,
            Op::NotEquals => self != Self::Date,
            Op::In | Op::NotIn => !matches!(self, Self::Date | Self::Tag),
            Op::LessThan | Op::GreaterThan => matches!(self, Self::Integer | Self::Date | Self::Any),
            Op::AtMost | Op::AtLeast => matches!(self, Self::Integer | Self::Any),
            Op::Contains | Op::DoesNotContain | Op::StartsWith | Op::EndsWith => matches!(self, Self::Text | Self::Any),
            _ => false,
        }
    }

    fn of_attribute(data_type: &DataType) -> Self {
        match data_type {
            DataType::Integer | DataType::Float => Self::Integer,
            DataType::Boolean => Self::Boolean,
            DataType::DateTime | DataType::Date => Self::Date,
            _ => Self::Text,
        }
    }

    fn of_field(name: &str) -> Self {
        match name {
            "owner_id" => Self::Integer,
            "unsubscribed_from_emails" | "marked_email_as_spam" | "has_hard_bounced" => Self::Boolean,
            "tag_id" => Self::Tag,
            _ if name.ends_with("_at") => Self::Date,
            _ => Self::Text,
        }
    }
}

/// A query that was found to be valid.
enum Test<'q> {
    All(Vec<Test<'q>>),
    Any(Vec<Test<'q>>),
    Field(FieldTest<'q>),
}

struct FieldTest<'q> {
    filter: &'q Filter,
    field_type: FieldType,
}

/// What a contact has in a field.
pub(crate) enum Datum<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Number(Cow<'a, Number>),
    Bool(bool),
}

impl Workspace {
    /// The places of the contacts that match, in the order that is asked for, or else ascending.
    pub(crate) fn search(&self, body: &[u8]) -> Result<Vec<u32>, ApiError> {
        let request = SearchContacts::from_body(body)
            .map_err(|_| ApiError::new(400, ErrorCode::ParameterInvalid, "the search query is not valid"))?;
        let test = self.compile(&request.query, 0)?;
        let matches = |at: u32| {
            let contact = self.contacts.get(at)?;
            let fields = self.contacts.searchable(contact)?;
            self.matches(&test, at, contact, fields).then_some(at)
        };
        let mut found: Vec<u32> = match self.candidates(&test) {
            Some(candidates) => candidates.into_iter().filter_map(matches).collect(),
            None => self.contacts.active().filter_map(|(at, _)| matches(at)).collect(),
        };
        if let Some(sort) = &request.sort {
            self.sort(sort, &mut found)?;
        }
        Ok(found)
    }

    fn compile<'q>(&self, query: &'q SearchQuery, depth: usize) -> Result<Test<'q>, ApiError> {
        match query {
            SearchQuery::Filter(filter) => self.compile_filter(filter).map(Test::Field),
            SearchQuery::Group(group) => {
                if depth > SEARCH_NESTED_GROUPS {
                    let message = format!("groups can be nested {SEARCH_NESTED_GROUPS} deep");
                    return Err(ApiError::invalid("query", message));
                }
                if group.value.is_empty() || group.value.len() > SEARCH_FILTERS_PER_GROUP {
                    let message = format!("a group must have between 1 and {SEARCH_FILTERS_PER_GROUP} filters");
                    return Err(ApiError::invalid("query", message));
                }
                let parts = group.value.iter().map(|part| self.compile(part, depth + 1));
                let parts = parts.collect::<Result<_, _>>()?;
                match group.operator {
                    GroupOperator::And => Ok(Test::All(parts)),
                    GroupOperator::Or => Ok(Test::Any(parts)),
                    _ => Err(ApiError::invalid(
                        "operator",
                        "the operator of a group must be AND or OR",
                    )),
                }
            }
        }
    }

    fn compile_filter<'q>(&self, filter: &'q Filter) -> Result<FieldTest<'q>, ApiError> {
        let field = filter.field.as_str();
        let field_type = match field.strip_prefix("custom_attributes.") {
            Some(name) => match self.attributes.find(Model::Contact, name) {
                Some(known) => FieldType::of_attribute(&known.data_type),
                None if self.settings.accept_any_attribute => FieldType::Any,
                None => return Err(ApiError::no_such_attribute(name)),
            },
            None if is_searchable(field) => FieldType::of_field(field),
            None => {
                return Err(ApiError::invalid(
                    field,
                    format!("contacts cannot be searched by '{field}'"),
                ));
            }
        };
        if !field_type.allows(&filter.operator) {
            let message = format!("the operator {} does not go with the field '{field}'", filter.operator);
            return Err(ApiError::invalid(field, message));
        }
        let takes_list = matches!(filter.operator, SearchOperator::In | SearchOperator::NotIn);
        if let (SearchValue::List(values), Some(most)) = (&filter.value, self.settings.max_search_values)
            && values.len() > most
        {
            let message = format!("the operator {} takes {most} values at most", filter.operator);
            return Err(ApiError::invalid(field, message));
        }
        let fits = match &filter.value {
            SearchValue::List(values) => takes_list && values.iter().all(|value| fits(field_type, value)),
            value => !takes_list && fits(field_type, value),
        };
        if fits {
            Ok(FieldTest { filter, field_type })
        } else {
            Err(ApiError::invalid(
                field,
                format!("the value does not fit the field '{field}' and its operator"),
            ))
        }
    }

    /// The contacts that can match at all, ascending, if an index knows.
    fn candidates(&self, test: &Test<'_>) -> Option<Vec<u32>> {
        match test {
            Test::All(parts) => parts
                .iter()
                .filter_map(|part| self.candidates(part))
                .min_by_key(Vec::len),
            Test::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.candidates(part)?);
                }
                Some(sorted(all))
            }
            Test::Field(test) => match (&test.filter.operator, &test.filter.value) {
                (SearchOperator::Equals, value) => self.indexed(test.filter, value).map(sorted),
                (SearchOperator::In, SearchValue::List(values)) => {
                    let mut all = Vec::new();
                    for value in values {
                        all.extend(self.indexed(test.filter, value)?);
                    }
                    Some(sorted(all))
                }
                _ => None,
            },
        }
    }

    /// What an index holds under a value.
    fn indexed(&self, filter: &Filter, value: &SearchValue) -> Option<Vec<u32>> {
        let text = match value {
            SearchValue::Text(text) => text.as_str(),
            SearchValue::Number(number) => number.as_str(),
            _ => return None,
        };
        let key = match filter.field.as_str() {
            "id" => return Some(self.ids.read(Kind::Contact, text).into_iter().collect()),
            "external_id" => Key::ExternalId,
            "email" => Key::Email,
            "phone" => Key::Phone,
            _ => return None,
        };
        Some(self.contacts.search(key, text).to_vec())
    }

    fn matches(&self, test: &Test<'_>, at: u32, contact: &Contact, fields: &Fields) -> bool {
        match test {
            Test::All(parts) => parts.iter().all(|part| self.matches(part, at, contact, fields)),
            Test::Any(parts) => parts.iter().any(|part| self.matches(part, at, contact, fields)),
            Test::Field(test) if test.field_type == FieldType::Tag => {
                let has = |value: &SearchValue| match value {
                    SearchValue::Null => fields.tags.is_empty(),
                    value => fields
                        .tags
                        .iter()
                        .any(|(tag, _)| equals(&Datum::Text(Tags::id(*tag).into()), value)),
                };
                has(&test.filter.value) == (test.filter.operator == SearchOperator::Equals)
            }
            Test::Field(test) => test.holds(&self.datum(&test.filter.field, at, contact, fields)),
        }
    }

    pub(crate) fn datum<'a>(&self, field: &str, at: u32, contact: &Contact, fields: &'a Fields) -> Datum<'a> {
        let text = |text: &'a Option<Box<str>>| match text {
            Some(text) => Datum::Text(Cow::Borrowed(text)),
            None => Datum::Nothing,
        };
        let number = |number: Option<i64>| match number {
            Some(number) => Datum::Number(Cow::Owned(number.into())),
            None => Datum::Nothing,
        };
        let email = |part: fn(&str) -> &str| match fields.email_key() {
            Some(email) => Datum::Text(Cow::Owned(part(&email).to_owned())),
            None => Datum::Nothing,
        };
        if let Some(name) = field.strip_prefix("custom_attributes.") {
            return attribute(&fields.custom_attributes, name);
        }
        match field {
            "id" => Datum::Text(Cow::Owned(self.contact_id(at))),
            "role" => Datum::Text(Cow::Borrowed(fields.role.as_str())),
            "external_id" => text(&fields.external_id),
            "email" => email(|email| email),
            "email_domain" => email(|email| email.rsplit('@').next().unwrap_or_default()),
            "phone" => text(&fields.phone),
            "name" => text(&fields.name),
            "avatar" => text(&fields.avatar),
            "language_override" => text(&fields.language_override),
            "owner_id" => number(fields.owner_id),
            "created_at" => number(Some(contact.created_at)),
            "updated_at" => number(Some(fields.updated_at)),
            "signed_up_at" => number(fields.signed_up_at),
            "last_seen_at" => number(fields.last_seen_at),
            "unsubscribed_from_emails" => Datum::Bool(fields.unsubscribed_from_emails),
            "marked_email_as_spam" | "has_hard_bounced" => Datum::Bool(false),
            // Nothing sets the rest.
            _ => Datum::Nothing,
        }
    }
}

/// Whether contacts can be searched by a field, or by an attribute in it.
pub(crate) fn is_searchable(field: &str) -> bool {
    SEARCHABLE_FIELDS.contains(&field) || field.starts_with("custom_attributes.")
}

fn sorted(mut places: Vec<u32>) -> Vec<u32> {
    places.sort_unstable();
    places.dedup();
    places
}

/// Whether a value can be compared with fields of a type. `null` can be with all: it matches where there is nothing.
fn fits(field_type: FieldType, value: &SearchValue) -> bool {
    match (field_type, value) {
        (_, SearchValue::Null) => true,
        (_, SearchValue::List(_)) => false,
        (FieldType::Text | FieldType::Tag | FieldType::Any, _) => true,
        (FieldType::Integer | FieldType::Date, SearchValue::Number(_)) => true,
        (FieldType::Integer | FieldType::Date, SearchValue::Text(text)) => Number::from_json_text(text).is_some(),
        (FieldType::Boolean, SearchValue::Bool(_)) => true,
        (FieldType::Boolean, SearchValue::Text(text)) => text == "true" || text == "false",
        _ => false,
    }
}

fn attribute<'a>(attributes: &'a Attributes, name: &str) -> Datum<'a> {
    match attributes.get(name) {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => Datum::Nothing,
        Some(Value::String(text)) => Datum::Text(Cow::Borrowed(text)),
        Some(Value::Number(number)) => Datum::Number(Cow::Borrowed(number)),
        Some(Value::Bool(value)) => Datum::Bool(*value),
    }
}

impl FieldTest<'_> {
    fn holds(&self, datum: &Datum<'_>) -> bool {
        use SearchOperator as Op;
        let value = &self.filter.value;
        let any = |holds: fn(&Datum<'_>, &SearchValue) -> bool| match value {
            SearchValue::List(values) => values.iter().any(|value| holds(datum, value)),
            value => holds(datum, value),
        };
        let text = |holds: fn(&str, &str) -> bool| match (datum, text_of(value)) {
            (Datum::Text(text), Some(value)) => holds(text, &value),
            _ => false,
        };
        let order = || match self.field_type {
            FieldType::Date => days(datum, value),
            _ => compare(datum, value),
        };
        match &self.filter.operator {
            Op::Equals if self.field_type == FieldType::Date && *value != SearchValue::Null => {
                order() == Some(Ordering::Equal)
            }
            Op::Equals | Op::In => any(equals),
            Op::NotEquals | Op::NotIn => !any(equals),
            Op::LessThan => order() == Some(Ordering::Less),
            Op::GreaterThan => order() == Some(Ordering::Greater),
            Op::AtMost => order().is_some_and(Ordering::is_le),
            Op::AtLeast => order().is_some_and(Ordering::is_ge),
            Op::Contains => text(|text, part| text.contains(part)),
            Op::DoesNotContain => !text(|text, part| text.contains(part)),
            Op::StartsWith => text(|text, part| text.starts_with(part)),
            Op::EndsWith => text(|text, part| text.ends_with(part)),
            _ => false,
        }
    }
}

fn text_of(value: &SearchValue) -> Option<Cow<'_, str>> {
    match value {
        SearchValue::Text(text) => Some(Cow::Borrowed(text)),
        SearchValue::Number(number) => Some(Cow::Borrowed(number.as_str())),
        SearchValue::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => None,
    }
}

fn number_of(value: &SearchValue) -> Option<Cow<'_, Number>> {
    match value {
        SearchValue::Number(number) => Some(Cow::Borrowed(number)),
        SearchValue::Text(text) => Number::from_json_text(text).map(Cow::Owned),
        _ => None,
    }
}

fn equals(datum: &Datum<'_>, value: &SearchValue) -> bool {
    match datum {
        Datum::Nothing => *value == SearchValue::Null,
        Datum::Text(text) => text_of(value).is_some_and(|value| *text == value),
        Datum::Number(_) => compare(datum, value) == Some(Ordering::Equal),
        Datum::Bool(known) => text_of(value).is_some_and(|value| value == if *known { "true" } else { "false" }),
    }
}

fn compare(datum: &Datum<'_>, value: &SearchValue) -> Option<Ordering> {
    let (Datum::Number(left), right) = (datum, number_of(value)?) else {
        return None;
    };
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64().partial_cmp(&right.as_f64()),
    }
}

/// Compares by day.
fn days(datum: &Datum<'_>, value: &SearchValue) -> Option<Ordering> {
    let day = |number: &Number| match number.as_i64() {
        Some(seconds) => seconds.div_euclid(SECONDS_A_DAY),
        None => (number.as_f64() / SECONDS_A_DAY as f64).floor() as i64,
    };
    match datum {
        Datum::Number(left) => Some(day(left).cmp(&day(&*number_of(value)?))),
        _ => None,
    }
}
