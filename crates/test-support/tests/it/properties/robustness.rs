//! Whatever comes in: no panic, one outcome, the same every time.

use super::{any_event, destination};
use proptest::prelude::*;
use rudderstack_events::Event;
use rudderstack_events::strategies::broken_text;
use rudderstack_to_intercom::{LongText, Validate};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use test_support::Outcome;

proptest! {
    /// A text that is not JSON, or not all there, is refused with a stable code, and nothing panics.
    #[test]
    fn broken_text_is_refused(text in broken_text(), destination in destination()) {
        match Outcome::of(&text, &destination) {
            Outcome::Unreadable(error) => {
                prop_assert!(["invalid_json", "not_an_object", "too_deep"].contains(&error.code()));
                prop_assert!(!error.is_retryable());
            }
            _ => prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()),
        }
    }

    /// Whatever the JSON is: a conversion, a rejection or a skip, and its calls can be written.
    #[test]
    fn every_json_object_has_an_outcome(event in any_event(), destination in destination()) {
        let text = event.to_string();
        match Outcome::of(&text, &destination) {
            Outcome::Unreadable(error) => prop_assert_eq!(error.code(), "not_an_object"),
            Outcome::Converted(conversion) => prop_assert!(!conversion.plan.calls().is_empty()),
            Outcome::Rejected(rejection) => prop_assert!(!rejection.is_retryable()),
            Outcome::Skipped => prop_assert!(event.get("integrations").is_some()),
        }
    }

    /// No call is made that Intercom is documented to refuse, as long as the settings do not ask for it.
    #[test]
    fn what_the_conversion_makes_is_valid(event in any_event(), destination in destination(), leave_out in any::<bool>()) {
        let long_text = if leave_out { LongText::LeaveOut } else { LongText::Cut };
        if let Outcome::Converted(conversion) = Outcome::of(&event.to_string(), &destination.with_long_text(long_text)) {
            prop_assert_eq!(conversion.plan.validate().map_err(|errors| errors.to_string()), Ok(()));
        }
    }

    /// The same text converts to the same.
    #[test]
    fn conversion_is_deterministic(event in any_event(), destination in destination()) {
        let text = event.to_string();
        prop_assert_eq!(Outcome::of(&text, &destination), Outcome::of(&text, &destination));
    }

    /// An event that is written and read again is the same event, and converts to the same.
    #[test]
    fn an_event_written_and_read_again_converts_to_the_same(event in any_event(), destination in destination()) {
        let text = event.to_string();
        let Ok(event) = Event::from_json(&text) else { return Ok(()) };
        let written = serde_json::to_string(&event).unwrap();
        let again = Event::from_json(&written).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), written.clone(), "written twice");
        prop_assert_eq!(Outcome::of(&text, &destination), Outcome::of(&written, &destination));
    }

    /// Writing an event loses nothing: the same keys, with values of the same text.
    #[test]
    fn writing_an_event_loses_nothing(event in any_event()) {
        let text = event.to_string();
        let Ok(event) = Event::from_json(&text) else { return Ok(()) };
        let written = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(sorted(&text), sorted(&written));
    }

    /// Keeping the sources of the fields changes nothing else.
    #[test]
    fn a_trace_changes_nothing(event in any_event(), destination in destination()) {
        let text = event.to_string();
        let mut traced = Outcome::of(&text, &destination);
        if let Outcome::Converted(conversion) = &mut traced {
            conversion.sources.clear();
        }
        prop_assert_eq!(traced, Outcome::untraced(&text, &destination));
    }
}

/// The entries of an object with the text of each, the last one of each key, in the order of the keys.
fn sorted(json: &str) -> BTreeMap<String, String> {
    let entries: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).expect("a JSON object");
    let texts = entries.into_iter().map(|(key, value)| (key, value.get().to_owned()));
    texts.collect()
}
