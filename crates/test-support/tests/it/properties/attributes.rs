//! Custom attributes and metadata: nothing lost, nothing that does not belong, every number exact.

use super::coercions::decimal;
use intercom_api::{Attributes, Value, limits};
use proptest::prelude::*;
use rudderstack_events::strategies::{self, Json};
use rudderstack_to_intercom::{AttributeNames, Destination, LongText, Plan, WarningCode, standard_traits};
use std::collections::BTreeMap;
use test_support::Outcome;

/// The value of every key is the last one that is written, in the place of the first, as in JavaScript.
fn without_repeats(json: &Json) -> Json {
    match json {
        Json::Object(entries) => {
            let mut kept: Vec<(String, Json)> = Vec::new();
            for (key, value) in entries {
                let value = without_repeats(value);
                match kept.iter_mut().find(|(name, _)| name == key) {
                    Some((_, slot)) => *slot = value,
                    None => kept.push((key.clone(), value)),
                }
            }
            Json::Object(kept)
        }
        Json::Array(items) => Json::Array(items.iter().map(without_repeats).collect()),
        scalar => scalar.clone(),
    }
}

fn is_rich(value: &Json) -> bool {
    let has = |key| value.get(key).is_some();
    has("amount") && has("currency") || has("url") && has("value")
}

/// What is flat, under the name that it gets.
fn flatten(name: &str, value: &Json, separator: &str, whole: fn(&Json) -> bool, flat: &mut Vec<(String, Json)>) {
    match value {
        // Intercom takes no empty ones.
        Json::Object(entries) if entries.is_empty() => {}
        Json::Object(entries) if !whole(value) => {
            for (key, value) in entries {
                flatten(&format!("{name}{separator}{key}"), value, separator, whole, flat);
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&format!("{name}[{at}]"), item, separator, whole, flat);
            }
        }
        flat_value => flat.push((name.to_owned(), flat_value.clone())),
    }
}

/// The later of two with one name stays, in its own place.
fn without_collisions(flat: &[(String, Json)]) -> Vec<(String, Json)> {
    let later = |at: usize, name: &str| flat[at + 1..].iter().any(|(other, _)| other == name);
    let kept = flat.iter().enumerate().filter(|(at, (name, _))| !later(*at, name));
    kept.map(|(_, entry)| entry.clone()).collect()
}

fn json_of(attributes: &Attributes) -> String {
    serde_json::to_string(attributes).expect("attributes can be written as JSON")
}

/// An object of traits or properties: realistic, or any at all.
fn object() -> impl Strategy<Value = Json> {
    let any = strategies::json().prop_map(|json| {
        if matches!(json, Json::Object(_)) {
            json
        } else {
            Json::object([("x", json)])
        }
    });
    prop_oneof![strategies::person(), strategies::properties(), any]
}

/// Settings that change neither names nor texts.
fn as_is() -> Destination {
    Destination::new()
        .with_attribute_names(AttributeNames::AsIs)
        .with_long_text(LongText::AsIs)
}

fn identify(traits: &Json) -> Outcome {
    let event = Json::object([("type", "identify"), ("userId", "u-1")]).with(&["traits"], traits.clone());
    Outcome::of(&event.to_string(), &as_is())
}

fn attributes(outcome: &Outcome) -> Attributes {
    match &outcome.conversion().expect("an identity is there").plan {
        Plan::SaveContact(plan) => plan.update.custom_attributes.clone(),
        Plan::SaveCompany(plan) => plan.company.custom_attributes.clone(),
        Plan::SubmitEvent(event) => event.metadata.clone(),
        other => panic!("an unexpected plan: {other:?}"),
    }
}

proptest! {
    #![proptest_config(super::cases(1024))]

    /// Every trait but the standard ones arrives, flat, in order, with its exact text, and nothing else does.
    #[test]
    fn custom_attributes_are_the_other_traits(traits in object(), company in any::<bool>()) {
        let (event, standard, reserved) = if company {
            let event = Json::object([("type", "group"), ("userId", "u-1"), ("groupId", "g-1")]);
            (event, standard_traits::COMPANY, limits::STANDARD_COMPANY_ATTRIBUTES)
        } else {
            let event = Json::object([("type", "identify"), ("userId", "u-1")]);
            (event, standard_traits::CONTACT, limits::STANDARD_CONTACT_ATTRIBUTES)
        };
        let event = event.with(&["traits"], traits.clone());
        let outcome = Outcome::of(&event.to_string(), &as_is());
        let mut flat = Vec::new();
        for (key, value) in without_repeats(&traits).entries() {
            if !standard.contains(&key.as_str()) {
                flatten(key, value, "_", |_| false, &mut flat);
            }
        }
        flat.retain(|(name, _)| !reserved.contains(&name.as_str()));
        let expected = without_collisions(&flat);
        prop_assert_eq!(json_of(&attributes(&outcome)), Json::Object(expected.clone()).to_string());
        prop_assume!(outcome.warnings().len() < 64);
        let collided = outcome.warnings().iter().any(|warning| warning.code == WarningCode::AttributeNameCollision);
        prop_assert_eq!(collided, expected.len() < flat.len());
    }

    /// Under every name that Intercom can have, there is a value that it takes; what could be sent as it is has been.
    #[test]
    fn custom_attributes_are_what_intercom_takes(traits in object(), text in "[a-z.?_$é ]{0,6}", length in 250_usize..260) {
        let mut traits = traits;
        traits.set(&[&text], "é".repeat(length).as_str());
        let event = Json::object([("type", "identify"), ("userId", "u-1")]).with(&["traits"], traits);
        let outcome = Outcome::of(&event.to_string(), &Destination::new());
        let found = attributes(&outcome);
        for (name, value) in found.iter() {
            prop_assert!(!name.is_empty() && !name.contains(limits::FORBIDDEN_IN_ATTRIBUTE_NAMES), "{:?}", name);
            prop_assert!(!limits::STANDARD_CONTACT_ATTRIBUTES.contains(&name), "{:?}", name);
            match value {
                Value::String(text) => prop_assert!(text.chars().count() <= limits::ATTRIBUTE_TEXT_CHARACTERS),
                Value::Array(_) | Value::Object(_) => prop_assert!(false, "{:?} is not flat", name),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let unchanged = attributes(&Outcome::of(&event.to_string(), &as_is()));
        for (name, value) in unchanged.iter() {
            let is_long = matches!(value, Value::String(text) if text.chars().count() > limits::ATTRIBUTE_TEXT_CHARACTERS);
            if !name.is_empty() && !name.contains(limits::FORBIDDEN_IN_ATTRIBUTE_NAMES) && !is_long {
                let is_there = found.get(name) == Some(value);
                let collided = outcome.warnings().iter().any(|warning| warning.code == WarningCode::AttributeNameCollision || warning.code == WarningCode::MoreWarnings);
                prop_assert!(is_there || collided, "{:?}", name);
            }
        }
    }

    /// Names that cannot collide lead back to where the values were.
    #[test]
    fn flattening_can_be_undone(traits in nested()) {
        let attributes = attributes(&identify(&Json::object([("t", traits.clone())])));
        let mut rebuilt = Json::Null;
        for (name, value) in attributes.iter() {
            let value = serde_json::to_string(value).expect("a value");
            restore(&mut rebuilt, &name["t".len()..], &value);
        }
        prop_assert_eq!(rebuilt.to_string(), texts(&traits).to_string());
    }

    /// Metadata holds every property; monetary amounts and rich links are whole and come first.
    #[test]
    fn metadata_is_all_properties(properties in object(), amount in prop::option::of(amount())) {
        let mut properties = properties;
        if let Some(amount) = amount {
            properties.set(&["price"], amount);
        }
        let event = Json::object([("type", "track"), ("userId", "u-1"), ("event", "Door Opened")]).with(&["properties"], properties.clone());
        let outcome = Outcome::of(&event.to_string(), &Destination::new());
        let mut flat = Vec::new();
        for (key, value) in without_repeats(&properties).entries() {
            flatten(key, value, ".", is_rich, &mut flat);
        }
        flat.sort_by_key(|(_, value)| !is_rich(value));
        let expected = without_collisions(&flat);
        prop_assert_eq!(json_of(&attributes(&outcome)), Json::Object(expected.clone()).to_string());

        // Intercom keeps ten keys; the warning names the others.
        let warning = outcome.warnings().iter().find(|warning| warning.code == WarningCode::TooManyMetadataKeys);
        prop_assert_eq!(warning.is_some(), expected.len() > 10);
        if let Some(warning) = warning {
            for (name, _) in expected.iter().skip(10).take(10) {
                prop_assert!(warning.message.contains(name.as_str()), "{:?} in {:?}", name, warning.message);
            }
        }
        let fractions = flat.iter().filter(|(_, value)| is_rich(value) && is_fraction(value.get("amount"))).count();
        let warned = outcome.warnings().iter().filter(|warning| warning.code == WarningCode::FractionalAmount).count();
        prop_assert_eq!(warned, fractions);
    }
}

/// Of a number, or of a text that is one.
fn is_fraction(amount: Option<&Json>) -> bool {
    match amount {
        Some(Json::Number(text) | Json::String(text)) => decimal(text.trim()).is_some_and(|(_, _, power)| power < 0),
        _ => false,
    }
}

/// A monetary amount, right or wrong.
fn amount() -> impl Strategy<Value = Json> {
    let value = prop_oneof![strategies::scalar(), "[0-9]{1,4}\\.[0-9]{1,2}".prop_map(Json::String)];
    value.prop_map(|amount| Json::object([("amount", amount), ("currency", "gbp".into())]))
}

/// Objects and arrays, none empty, whose keys hold nothing that flattening puts between names.
fn nested() -> impl Strategy<Value = Json> {
    let scalar = strategies::scalar();
    scalar.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Json::Array),
            prop::collection::btree_map("[a-z]{1,3}", inner, 1..4).prop_map(Json::object),
        ]
    })
}

/// Puts a value where its name says: `_a` into an object, `[0]` into an array.
fn restore(into: &mut Json, name: &str, value: &str) {
    if name.is_empty() {
        *into = Json::Number(value.to_owned());
    } else if let Some(rest) = name.strip_prefix('_') {
        let end = rest.find(['_', '[']).unwrap_or(rest.len());
        let mut inner = into.get(&rest[..end]).cloned().unwrap_or(Json::Null);
        restore(&mut inner, &rest[end..], value);
        into.set(&[&rest[..end]], inner);
    } else {
        let (index, rest) = name[1..].split_once(']').expect("a number in brackets");
        if !matches!(into, Json::Array(_)) {
            *into = Json::Array(Vec::new());
        }
        let Json::Array(items) = into else { return };
        let index: usize = index.parse().expect("a number");
        if index == items.len() {
            items.push(Json::Null);
        }
        restore(&mut items[index], rest, value);
    }
}

/// The same value with the text of every scalar in place of it, in order of the keys' first appearance.
fn texts(json: &Json) -> Json {
    match json {
        Json::Object(entries) => Json::object(entries.iter().map(|(key, value)| (key.clone(), texts(value)))),
        Json::Array(items) => Json::Array(items.iter().map(texts).collect()),
        scalar => Json::Number(scalar.to_string()),
    }
}

/// Every number below `json`, as it is written.
fn numbers(json: &Json, found: &mut BTreeMap<String, usize>) {
    match json {
        Json::Number(text) => *found.entry(text.clone()).or_default() += 1,
        Json::Array(items) => items.iter().for_each(|item| numbers(item, found)),
        Json::Object(entries) => entries.iter().for_each(|(_, value)| numbers(value, found)),
        _ => {}
    }
}

proptest! {
    /// No number changes its text on the way: not a digit, not a zero at the end, not an exponent.
    #[test]
    fn numbers_are_exact(values in prop::collection::vec(strategies::number(), 1..8), deep in any::<bool>()) {
        let items = Json::Array(values.iter().cloned().map(Json::Number).collect());
        let traits = if deep { Json::object([("a", Json::object([("b", items)]))]) } else { Json::object([("a", items)]) };
        let written = json_of(&attributes(&identify(&traits)));
        let read: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(&written).expect("an object");
        let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
        for value in read.values() {
            *arrived.entry(value.get().to_owned()).or_default() += 1;
        }
        let mut sent = BTreeMap::new();
        numbers(&traits, &mut sent);
        prop_assert_eq!(arrived, sent);
    }
}
