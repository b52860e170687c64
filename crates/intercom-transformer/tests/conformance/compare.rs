//! Compares two responses, element by element.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// A place where two responses differ; what is missing is `null`.
pub(crate) struct Difference {
    pub(crate) pointer: String,
    pub(crate) theirs: Value,
    pub(crate) ours: Value,
}

impl Difference {
    pub(crate) fn new(pointer: impl Into<String>, theirs: &Value, ours: &Value) -> Self {
        Self {
            pointer: pointer.into(),
            theirs: theirs.clone(),
            ours: ours.clone(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.pointer, self.theirs, self.ours)
    }
}

/// Where the responses differ. Of `error` and `message`, only whether they are there counts; but an `error` that is a
/// response of Intercom's, as JSON in a string, is compared as such.
pub(crate) fn compare(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    walk(theirs, ours, "", &mut differences);
    differences
}

fn walk(theirs: &Value, ours: &Value, pointer: &str, out: &mut Vec<Difference>) {
    match (theirs, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let null = Value::Null;
                let (left, right) = (left.get(key), right.get(key));
                match (left, right) {
                    (Some(Value::String(left)), Some(Value::String(right))) if is_text(key, &pointer) => {
                        if let (Some(left), Some(right)) = (object(left), object(right)) {
                            walk(&left, &right, &pointer, out);
                        }
                    }
                    (Some(left), Some(right)) => walk(left, right, &pointer, out),
                    (left, right) => out.push(Difference::new(pointer, left.unwrap_or(&null), right.unwrap_or(&null))),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                walk(left, right, &format!("{pointer}/{at}"), out);
            }
        }
        (left, right) if left == right => {}
        (left, right) => out.push(Difference::new(pointer, left, right)),
    }
}

/// Whether a text is for people. What Intercom responded is passed on, and so is compared.
fn is_text(key: &str, pointer: &str) -> bool {
    matches!(key, "error" | "message") && !pointer.contains("/destinationResponse/") && !pointer.contains("/error/")
}

fn object(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() && value.get("errors").is_some()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(theirs: &Value, ours: &Value) -> Vec<String> {
        compare(theirs, ours)
            .into_iter()
            .map(|difference| difference.pointer)
            .collect()
    }

    #[test]
    fn every_difference_is_found() {
        let theirs = json!({"a": [1, {"b/c": 2}], "error": "x", "gone": 1, "n": null});
        let ours = json!({"a": [1, {"b/c": 3}], "error": "y", "new": 1, "n": null});
        assert_eq!(pointers(&theirs, &ours), ["/a/1/b~1c", "/gone", "/new"]);
        assert_eq!(pointers(&json!({"error": "x"}), &json!({})), ["/error"]);
        assert_eq!(pointers(&json!([1]), &json!([1, 2])), [""]);
    }

    #[test]
    fn what_intercom_said_is_compared() {
        let error = |code: &str| json!({"error": json!({"errors": [{"code": code, "message": "m"}]}).to_string()});
        assert_eq!(pointers(&error("a"), &error("b")), ["/error/errors/0/code"]);
        let response = |message: &str| json!({"destinationResponse": {"message": message}});
        assert_eq!(
            pointers(&response("a"), &response("b")),
            ["/destinationResponse/message"]
        );
    }
}
