//! What the mapping does not know of changes nothing, and a few documented limits hold.

use super::{any_event, destination};
use proptest::prelude::*;
use proptest::sample::select;
use rudderstack_events::strategies::{self, Json};
use test_support::Outcome;

/// Where an event can have fields that no rule reads. Traits, properties and a record's columns are not among them:
/// there, what is unknown becomes a custom attribute.
const PLACES: &[&[&str]] = &[
    &[],
    &["context"],
    &["context", "app"],
    &["context", "device"],
    &["context", "page"],
    &["integrations", "Mixpanel"],
];

proptest! {
    /// A field that no rule reads changes nothing.
    #[test]
    fn unknown_fields_change_nothing(
        event in strategies::event(),
        place in select(PLACES),
        key in "x_[a-z]{0,6}",
        value in strategies::json(),
        destination in destination(),
    ) {
        let plain = Outcome::of(&event.to_string(), &destination);
        let path: Vec<&str> = place.iter().copied().chain([key.as_str()]).collect();
        let with_unknown = event.clone().with(&path, value);
        prop_assert_eq!(plain, Outcome::of(&with_unknown.to_string(), &destination), "{}", with_unknown);
    }

    /// The order of an event's parts does not matter.
    #[test]
    fn the_order_of_the_parts_does_not_matter(event in strategies::event(), destination in destination()) {
        let Json::Object(mut entries) = event.clone() else { return Ok(()) };
        entries.reverse();
        let reversed = Json::Object(entries);
        prop_assert_eq!(Outcome::of(&event.to_string(), &destination), Outcome::of(&reversed.to_string(), &destination));
    }

    /// However much is wrong with an event, the list of warnings has an end, and no warning is in it twice.
    #[test]
    fn warnings_are_bounded(event in any_event(), destination in destination()) {
        let outcome = Outcome::of(&event.to_string(), &destination);
        let warnings = outcome.warnings();
        prop_assert!(warnings.len() <= 65);
        for (at, warning) in warnings.iter().enumerate() {
            prop_assert!(!warnings[..at].contains(warning), "{:?} twice", warning);
            prop_assert!(warning.path.is_empty() || warning.path.starts_with('/'));
            prop_assert!(warning.message.len() < 4096);
        }
    }

    /// A contact or event without an identity is never sent, and one with an identity always is.
    #[test]
    fn an_identity_is_what_it_takes(event in strategies::event(), destination in destination()) {
        let outcome = Outcome::of(&event.to_string(), &destination);
        let sent = |body: &str| outcome.conversion().is_none_or(|conversion| {
            conversion.plan.calls().iter().filter_map(|planned| planned.call.body.as_ref()).any(|call| call.get().contains(body))
        });
        match event.get("type") {
            Some(kind) if *kind == Json::from("identify") => prop_assert!(sent("\"external_id\":") || sent("\"email\":")),
            Some(kind) if *kind == Json::from("track") => {
                prop_assert!(sent("\"user_id\":") || sent("\"email\":") || sent("\"id\":"));
                prop_assert!(sent("\"created_at\":"), "Intercom requires a time");
            }
            _ => {}
        }
    }
}
