//! Parts that an event's type does not have stay where they stood.

use rudderstack_events::{Event, Object};

fn keys(object: &Object<'_>) -> Vec<String> {
    object.iter().map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn parts_of_other_types_keep_their_places() {
    let parts =
        r#""a":1,"traits":{"x":1},"event":"Opened","b":2,"groupId":"g","properties":{"y":1},"traits":{"z":1},"c":3"#;
    for (kind, expected) in [
        ("page", &["a", "traits", "event", "b", "groupId", "c"][..]),
        ("track", &["a", "traits", "b", "groupId", "c"]),
        ("identify", &["a", "event", "b", "groupId", "properties", "c"]),
        ("group", &["a", "event", "b", "properties", "c"]),
        ("else", &["a", "traits", "event", "b", "groupId", "properties", "c"]),
    ] {
        for text in [
            format!(r#"{{"type":"{kind}",{parts}}}"#),
            format!(r#"{{{parts},"type":"{kind}"}}"#),
        ] {
            let event = Event::from_json(&text).unwrap();
            assert_eq!(keys(&event.common().extra), expected, "{kind}");
            assert_eq!(
                event.traits().map(|traits| traits.json().to_owned()).as_deref(),
                Some(r#"{"z":1}"#)
            );
            let written: serde_json::Value = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            let received: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(written, received, "{kind}");
        }
    }
}
