//! JSON text inside of other types and formats.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

use exact_json::{RawJson, Reveal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt::Debug;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Part { value: RawJson },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Part { value: RawJson },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    inner: Untagged,
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    let tree = serde_json::to_value(&value).unwrap();
    assert_eq!(serde_json::from_value::<T>(tree).unwrap(), value);
    let mut cbor = Vec::new();
    ciborium::into_writer(&value, &mut cbor).unwrap();
    assert_eq!(ciborium::from_reader::<T, _>(&cbor[..]).unwrap(), value);
    let packed = rmp_serde::to_vec_named(&value).unwrap();
    assert_eq!(rmp_serde::from_slice::<T>(&packed).unwrap(), value);
}

#[test]
fn it_is_read_wherever_a_value_can_stand() {
    same::<RawJson>(r#"[1,"x",null,{"a":true}]"#);
    same::<Tagged>(r#"{"type":"Part","value":{"n":[12.5,-3]}}"#);
    same::<Untagged>(r#"{"value":"x"}"#);
    same::<Flattened>(r#"{"value":[]}"#);
}

#[test]
fn json_keeps_its_text() {
    for text in [r#"{"a": 1.00, "b":1e400}"#, "[ 9007199254740993 ]", r#""\u00e4""#] {
        let raw: RawJson = serde_json::from_str(text).unwrap();
        assert_eq!(raw.get(), text);
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    }
}

#[test]
fn fields_are_read_by_functions() {
    #[derive(Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "exact_json")]
        one: Box<RawValue>,
        #[serde(default, with = "exact_json::option", skip_serializing_if = "Option::is_none")]
        other: Option<Box<RawValue>>,
    }
    for text in [r#"{"one":{"n":1.50},"other":[1.0]}"#, r#"{"one":1.0}"#] {
        let fields: Fields = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fields).unwrap(), text);
        let packed = rmp_serde::to_vec_named(&fields).unwrap();
        let fields: Fields = rmp_serde::from_slice(&packed).unwrap();
        assert_eq!(fields.other.is_some(), text.contains("other"));
    }
}

#[test]
fn values_are_shown_only_when_they_are_revealed() {
    let raw: RawJson = serde_json::from_str(r#"{"secret":1}"#).unwrap();
    assert_eq!(format!("{raw:?}"), "RawJson(12 bytes)");
    assert_eq!(format!("{:?}", raw.reveal()), r#"{"secret":1}"#);
    assert_eq!(format!("{:#?}", [1].reveal()), "[\n  1\n]");
    assert_eq!(raw.reveal(), raw.clone().reveal());
}
