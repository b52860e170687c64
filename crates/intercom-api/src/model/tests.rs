//! What the macros promise, on a model of their own.

#![allow(dead_code, unreachable_pub)]

use super::*;
use crate::drift;
use crate::ids::ResourceId;
use crate::time::UnixSeconds;

response! {
    /// A box.
    Parcel {
        required {
            /// Its id.
            id: ResourceId,
        }
        optional {
            /// What it is.
            kind = "type": String,
            /// When it was packed.
            packed_at: UnixSeconds,
            /// What is inside.
            inner: Vec<Parcel>,
        }
    }
}

fn parcel(text: &str) -> Parcel {
    let parcel: Parcel = serde_json::from_str(text).unwrap();
    let back: serde_json::Value = serde_json::from_str(&serde_json::to_string(&parcel).unwrap()).unwrap();
    assert_eq!(back, serde_json::from_str::<serde_json::Value>(text).unwrap());
    parcel
}

#[test]
fn nulls_unknown_fields_and_wrong_types_come_back() {
    let text = r#"{"type":null,"id":7,"packed_at":"yesterday","colour":{"r":1.0},"inner":[{"id":"8","note":0}]}"#;
    let read = parcel(text);
    assert_eq!((read.kind.as_deref(), read.packed_at), (None, None));
    assert_eq!(
        serde_json::to_string(&read).unwrap(),
        r#"{"id":7,"type":null,"packed_at":"yesterday","inner":[{"id":"8","note":0}],"colour":{"r":1.0}}"#
    );
}

#[test]
fn a_field_that_is_set_goes_before_what_was_read() {
    let mut read = parcel(r#"{"id":"7","type":null}"#);
    read.kind = Some("crate".into());
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"id":"7","type":"crate"}"#);
}

#[test]
fn one_bad_part_does_not_spoil_the_whole() {
    let read = parcel(r#"{"id":"7","inner":[{"no":"id"}],"type":"crate"}"#);
    assert_eq!(read.kind.as_deref(), Some("crate"));
    assert!(read.inner.is_none());
    assert!(serde_json::from_str::<Parcel>(r#"{"type":"crate"}"#).is_err());
}

#[test]
fn what_differs_is_found() {
    let read = parcel(r#"{"id":"7","type":null,"packed_at":[],"inner":[{"id":"8"},{"id":"9","a/b":1}]}"#);
    let found: Vec<String> = drift::findings(&read).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["/inner/1/a~1b: unknown field", "/packed_at: unexpected type"]);
}

#[test]
fn debug_shows_which_fields_are_set_but_not_what_they_hold() {
    let read = parcel(r#"{"id":"7","type":"secret","other":"secret"}"#);
    assert_eq!(format!("{read:?}"), "Parcel { id: ResourceId(\"7\"), kind: .., .. }");
}

#[test]
fn an_empty_object_is_nothing() {
    for text in ["null", "{}", " { } "] {
        assert_eq!(serde_json::from_str::<OrEmpty<Parcel>>(text).unwrap(), OrEmpty(None));
    }
    assert_eq!(
        serde_json::from_str::<OrEmpty<Parcel>>(r#"{"id":"7"}"#).unwrap(),
        OrEmpty(Some(Parcel::new("7")))
    );
    assert_eq!(serde_json::to_string(&OrEmpty::<Parcel>(None)).unwrap(), "{}");
    let _: OrEmpty<Parcel> = exact_json::testing::object(&serde_json::json!({"id": "7"}));
}
