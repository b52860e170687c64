use super::*;

fn object(json: &str) -> Object<'_> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn text_is_kept_exactly() {
    let json = r#"{"a":1.0,"b":9007199254740993,"c":[ 1e2 , {"x":null}],"ü":"\u00fc"}"#;
    let object = object(json);
    assert_eq!(serde_json::to_string(&object).unwrap(), json);
    assert_eq!(object.get("a").unwrap().json(), "1.0");
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    assert_eq!(object(r#"{"a":1,"b":2,"a":3}"#).get("a").unwrap().json(), "3");
    let many: String = (0..300).map(|n| format!("\"k{}\":{n},", n % 150)).collect();
    let json = format!("{{{many}\"z\":1}}");
    let large = object(&json);
    assert_eq!(large.len(), 151);
    assert_eq!(large.get("k0").unwrap().json(), "150");
}

#[test]
fn strings_are_resolved() {
    let object = object(r#"{"plain":"a b","escaped":"a\n\"b\" \u00fc \ud83d\ude00","lone":"x\ud800y\u0041\\"}"#);
    assert_eq!(object.get("plain").unwrap().string().unwrap(), "a b");
    assert_eq!(object.get("escaped").unwrap().string().unwrap(), "a\n\"b\" ü 😀");
    assert_eq!(object.get("lone").unwrap().string().unwrap(), "x\u{fffd}yA\\");
}

#[test]
fn a_lone_surrogate_in_a_key_costs_nothing_else() {
    let object = object(r#"{"\ud800":1,"b":2}"#);
    assert_eq!(object.get("\u{fffd}").unwrap().json(), "1");
    assert_eq!(object.get("b").unwrap().json(), "2");
}

#[test]
fn an_edited_object_is_written_with_the_rest_as_it_was() {
    let mut object = object(r#"{"a":1.50e1,"b\n":[ 1, 2 ],"c":null}"#);
    object.insert("a", "x\"y");
    assert!(object.fill(&Object::new().with("c", 1).with("d", true)));
    assert!(!object.fill(&Object::new().with("a", 1)));
    let json = r#"{"a":"x\"y","b\n":[ 1, 2 ],"c":null,"d":true}"#;
    assert_eq!(object.to_json(), json);
    assert_eq!(serde_json::to_string(&object).unwrap(), json);
    assert_eq!(Object::new().to_json(), "{}");
}

#[test]
fn what_is_no_object_is_refused() {
    for (json, code) in [
        ("", "invalid_json"),
        ("[]", "not_an_object"),
        ("{} {}", "invalid_json"),
        (
            &format!("{{\"a\":{}1{}}}", "[".repeat(128), "]".repeat(128)),
            "too_deep",
        ),
    ] {
        assert_eq!(Object::from_json(json).unwrap_err().code(), code, "{json}");
    }
}

#[test]
fn debug_shows_kinds_only() {
    assert_eq!(
        format!("{:?}", object(r#"{"a":"secret","b":[1]}"#)),
        r#"{"a": <string>, "b": <array>}"#
    );
}
