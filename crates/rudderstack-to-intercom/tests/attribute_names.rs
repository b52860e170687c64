//! How long the names of custom attributes may be.

use intercom_api::UnixSeconds;
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Plan, convert};

/// The names of the custom attributes that come of these traits, and the codes of the warnings.
fn attributes(traits: &str) -> (Vec<String>, Vec<String>) {
    let event = format!(r#"{{"type":"identify","userId":"u-1","traits":{{{traits}}}}}"#);
    let read = Event::from_json(&event).expect("an event");
    let Ok(Decision::Convert(conversion)) = convert(&read, &Destination::new(), UnixSeconds(1_700_000_000)) else {
        panic!("{event} is for Intercom")
    };
    let codes = conversion
        .warnings
        .iter()
        .map(|warning| warning.code.to_string())
        .collect();
    let Plan::SaveContact(plan) = conversion.plan else {
        panic!("an identify")
    };
    (plan.update.custom_attributes.keys().map(str::to_owned).collect(), codes)
}

#[test]
fn a_name_has_at_most_1024_bytes() {
    let (fits, too_long) = ("a".repeat(1024), "a".repeat(1025));
    assert_eq!(attributes(&format!(r#""{fits}":1"#)), (vec![fits], vec![]));
    assert_eq!(
        attributes(&format!(r#""{too_long}":1"#)),
        (vec![], vec!["attribute_name_too_long".to_owned()])
    );
}

/// What has been kept may fill the bound of all names together; what comes when more is kept is left out.
#[test]
fn all_names_together_have_a_bound() {
    let longest: Vec<String> = (0..1024).map(|at| format!(r#""{at:01024}":1"#)).collect();
    let (names, codes) = attributes(&format!(r#"{},"first":1,"second":1"#, longest.join(",")));
    assert_eq!(names.len(), 1025);
    assert_eq!(names.last().map(String::as_str), Some("first"));
    assert_eq!(codes, ["attribute_name_too_long"]);
}
