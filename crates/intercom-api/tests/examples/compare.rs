//! Where two JSON values differ.

use intercom_api::Value;

/// Each difference with its JSON pointer. Numbers are compared by their text; the order of keys is free.
pub(crate) fn differences(read: &Value, written: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(read, written, "", &mut found);
    found
}

fn compare(read: &Value, written: &Value, at: &str, found: &mut Vec<String>) {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            for (key, value) in read.iter() {
                let at = inside(at, key);
                match written.get(key) {
                    Some(other) => compare(value, other, &at, found),
                    None => found.push(format!("{at}: lost")),
                }
            }
            let added = written.keys().filter(|key| read.get(key).is_none());
            found.extend(added.map(|key| format!("{}: added", inside(at, key))));
        }
        (Value::Array(read), Value::Array(written)) if read.len() == written.len() => {
            for (index, (value, other)) in read.iter().zip(written).enumerate() {
                compare(value, other, &format!("{at}/{index}"), found);
            }
        }
        _ if read == written => {}
        _ => found.push(format!("{at}: changed")),
    }
}

/// The pointer of what is under `key`.
pub(crate) fn inside(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(read: &str, written: &str) -> Vec<String> {
        differences(
            &serde_json::from_str(read).unwrap(),
            &serde_json::from_str(written).unwrap(),
        )
    }

    #[test]
    fn the_order_of_keys_is_free() {
        assert!(
            found(
                r#"{"a":[1,{"b":null,"c":"é"}]}"#,
                r#"{"a":[1,{"c":"\u00e9","b":null}]}"#
            )
            .is_empty()
        );
    }

    #[test]
    fn every_difference_has_its_pointer() {
        assert_eq!(
            found(
                r#"{"a":1.0,"b":{"x/y":1},"c":[1,2],"d":[{"e":1}],"f":"1"}"#,
                r#"{"a":1,"b":{},"c":[1],"d":[{"e":1,"g":2}],"f":1}"#
            ),
            [
                "/a: changed",
                "/b/x~1y: lost",
                "/c: changed",
                "/d/0/g: added",
                "/f: changed"
            ]
        );
    }
}
