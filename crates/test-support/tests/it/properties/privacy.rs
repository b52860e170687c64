//! No message, code, path or `Debug` output holds a value of the event.

use super::destination;
use proptest::prelude::*;
use rudderstack_events::Event;
use rudderstack_events::strategies::{self, Json};
use test_support::Outcome;

/// What every marked value starts with.
const MARK: &str = "SECRET";

/// Keys whose values say what an event is; a message may name them.
const STRUCTURE: &[&str] = &["type", "action", "lookup"];

/// Marks every value that is not of the event's structure. Numbers become ones that nothing else has.
fn marked(json: &Json, key: &str) -> Json {
    match json {
        Json::String(text) if !STRUCTURE.contains(&key) => Json::String(format!("{MARK}{text}")),
        Json::Number(_) => Json::Number("987654321098765".to_owned()),
        Json::Array(items) => Json::Array(items.iter().map(|item| marked(item, key)).collect()),
        Json::Object(entries) => Json::object(entries.iter().map(|(key, value)| (key.clone(), marked(value, key)))),
        other => other.clone(),
    }
}

fn is_clean(text: &str) -> bool {
    !text.contains(MARK) && !text.contains("987654321098765")
}

proptest! {
    #![proptest_config(super::cases(1024))]

    /// Whatever is wrong with an event, its values are not shown.
    #[test]
    fn no_value_is_in_a_message(event in prop_oneof![strategies::event(), strategies::malformed_event()], destination in destination()) {
        let text = marked(&event, "").to_string();
        let outcome = Outcome::of(&text, &destination);
        for message in outcome.messages() {
            prop_assert!(is_clean(&message), "{}", message);
        }
        for warning in outcome.warnings() {
            prop_assert!(is_clean(&warning.path), "{}", warning.path);
        }
        if let Outcome::Rejected(rejection) = &outcome {
            prop_assert!(is_clean(&rejection.path), "{}", rejection.path);
        }
        let debug = format!("{outcome:?}");
        prop_assert!(is_clean(&debug), "{}", debug);
        if let Some(conversion) = outcome.conversion() {
            for call in conversion.plan.calls() {
                let debug = format!("{call:?}");
                prop_assert!(is_clean(&debug), "{}", debug);
            }
        }
        if let Ok(event) = Event::from_json(&text) {
            let debug = format!("{event:?}");
            prop_assert!(is_clean(&debug), "{}", debug);
        }
    }

    /// Nor is any part of a text that is not an event.
    #[test]
    fn no_part_of_a_broken_text_is_in_its_error(event in strategies::malformed_event(), cut in any::<prop::sample::Index>()) {
        let text = marked(&event, "").to_string();
        let mut end = cut.index(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Outcome::Unreadable(error) = Outcome::of(&text[..end], &rudderstack_to_intercom::Destination::new()) {
            let shown = format!("{error} {error:?}");
            prop_assert!(is_clean(&shown), "{}", shown);
        }
    }
}
