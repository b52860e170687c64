//! Whatever Intercom answers: if it can be read at all, it comes back whole, and it does not show in `Debug`.

// The helpers below are part of the tests.
#![allow(clippy::unwrap_used)]

use intercom_api::{
    ApiError, Attributes, Call, Company, Contact, Operation, SearchContacts, SearchQuery, Value, Visitor,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A marker that no field name holds.
const SECRET: &str = "s3cr3t";

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        "\\PC{0,8}".prop_map(|text| serde_json::to_string(&format!("{SECRET}{text}")).unwrap()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "type",
                "id",
                "external_id",
                "company_id",
                "role",
                "email",
                "avatar",
                "image_url",
                "plan",
                "name",
                "tags",
                "data",
                "companies",
                "segments",
                "created_at",
                "size",
                "monthly_spend",
                "custom_attributes",
                "location",
                "owner_id",
                "team_ids",
                "pages",
                "next",
                "url",
                "has_more",
                "anonymous",
                "location_data",
            ][..]
        )
        .prop_map(str::to_owned),
        "[a-z/~\"\\\\é]{1,6}",
    ]
}

/// Any JSON text without an object that has a key twice.
fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::btree_map(name(), value, 0..12).prop_map(|entries| {
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()))
            .collect();
        format!("{{{}}}", entries.join(","))
    })
}

/// The value with its keys in order, so that equality is that of JSON.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect::<Attributes>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn comes_back<T: DeserializeOwned + Serialize + std::fmt::Debug>(text: &str) -> Result<bool, TestCaseError> {
    let Ok(read) = serde_json::from_str::<T>(text) else {
        return Ok(false);
    };
    let written = serde_json::to_string(&read).unwrap();
    let value = |text: &str| sorted(serde_json::from_str(text).unwrap());
    prop_assert_eq!(value(&written), value(text), "{} became {}", text, written);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn values_come_back_as_they_were(text in json()) {
        let value: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&value).unwrap(), text);
        let shown = format!("{value:?}");
        prop_assert!(!shown.contains(SECRET));
    }

    #[test]
    fn responses_come_back_whole(text in object(json()), id in any::<u32>()) {
        let text = if text.contains("\"id\":") || text == "{}" { text } else { text.replacen('{', &format!("{{\"id\":{id},"), 1) };
        comes_back::<Contact>(&text)?;
        comes_back::<Company>(&text)?;
        comes_back::<Visitor>(&text)?;
    }

    #[test]
    fn an_id_is_enough(text in object(json())) {
        let text = format!("{{\"id\":\"x\",\"extra\":{text},\"tags\":{text},\"pages\":[{text}]}}");
        prop_assert!(comes_back::<Contact>(&text)?);
        let contact: Contact = serde_json::from_str(&text).unwrap();
        let shown = format!("{contact:?}");
        prop_assert!(!shown.contains(SECRET));
    }

    #[test]
    fn any_bytes_are_an_error(status in any::<u16>(), body in prop_oneof![json().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..64)]) {
        let error = ApiError::parse(status, &body);
        prop_assert!(!error.to_string().contains(SECRET));
        _ = (error.code(), error.conflicting_contact(), error.undefined_attribute(), error.is_event_name_limit());
    }

    #[test]
    fn queries_come_back_or_are_refused(text in json()) {
        comes_back::<SearchQuery>(&text)?;
    }

    #[test]
    fn calls_survive_a_journal(field in "\\PC{0,8}", value in "\\PC{0,8}") {
        let call = SearchContacts::by(&field, value).to_call().unwrap();
        let line = serde_json::to_string(&call).unwrap();
        let back: Call = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), line);
    }
}
