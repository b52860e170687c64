//! What comes of every fixture, against what came of it before.
//!
//! `cargo xtask snapshots` accepts what has changed; the diff is then part of the review.

use rudderstack_events::Event;
use rudderstack_to_intercom::{Destination, Mapped};
use std::panic::{AssertUnwindSafe, catch_unwind};
use test_support::{NOW, Outcome, fixtures, show};

#[test]
fn snapshots_of_all_fixtures() {
    let mut changed = Vec::new();
    for fixture in fixtures::all() {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(format!("fixtures/{}/{}.json", fixture.folder, fixture.name));
        settings.set_snapshot_path(format!("snapshots/{}", fixture.folder));
        let shown = show::fixture(&fixture);
        let compare = || settings.bind(|| insta::assert_snapshot!(fixture.name.as_str(), shown));
        // One that differs must not hide the others.
        if catch_unwind(AssertUnwindSafe(compare)).is_err() {
            changed.push(format!("{}/{}", fixture.folder, fixture.name));
        }
    }
    assert!(
        changed.is_empty(),
        "{} conversions have changed; `cargo xtask snapshots` accepts them:\n{}",
        changed.len(),
        changed.join("\n")
    );
}

/// Keeping the trace must change nothing else.
#[test]
fn a_traced_conversion_is_the_same_as_an_untraced_one() {
    for fixture in fixtures::all() {
        let mut traced = Outcome::of(&fixture.event, &fixture.destination);
        if let Outcome::Converted(conversion) = &mut traced {
            assert!(!std::mem::take(&mut conversion.sources).is_empty());
        }
        let untraced = Outcome::untraced(&fixture.event, &fixture.destination);
        assert_eq!(traced, untraced, "{}/{}", fixture.folder, fixture.name);
    }
}

/// The event that the guide shows for the mapping of custom attributes, and the object that it says comes of it.
#[test]
fn the_guides_custom_attributes() {
    let fixture = fixtures::one("identify", "guide_custom_attributes");
    let event = Event::from_json(&fixture.event).unwrap();
    let Event::Identify(identify) = &event else {
        panic!("an identify")
    };
    let destination = Destination::new();
    let contact = intercom_api::ContactFields::try_from(Mapped::new(identify, &destination, NOW)).unwrap();
    assert_eq!(
        serde_json::to_string(&contact.custom_attributes).unwrap(),
        r#"{"address_city":"New Orleans","address_state":"Louisiana","plan":"enterprise"}"#
    );
}
