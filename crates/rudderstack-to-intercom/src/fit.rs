//! Values of custom attributes as the type that a workspace has given them (D30).

use crate::{coerce, date};
use intercom_api::{DataType, Number, Value, limits};

/// How a value goes with the type of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    AsItIs,
    /// As this one, which says exactly the same.
    As(Value),
    /// Not at all: Intercom would refuse it, and all that is written with it.
    Not,
}

/// How a value goes with the type of an attribute that a workspace has.
///
/// ```
/// use intercom_api::{DataType, Value};
/// use rudderstack_to_intercom::{Fit, fit};
///
/// assert_eq!(fit(&DataType::Integer, &Value::from("12")), Fit::As(Value::from(12)));
/// assert_eq!(fit(&DataType::String, &Value::from(12)), Fit::As(Value::from("12")));
/// assert_eq!(fit(&DataType::Integer, &Value::from("a dozen")), Fit::Not);
/// ```
pub fn fit(data_type: &DataType, value: &Value) -> Fit {
    match value {
        // It unsets the attribute, whatever its type.
        Value::Null => return Fit::AsItIs,
        // The conversion makes none; whoever does, is to hear of Intercom what is wrong.
        Value::Array(_) | Value::Object(_) => return Fit::AsItIs,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    match data_type {
        DataType::String => text(value),
        DataType::Integer => number(value, |number| coerce::whole(number).map(Number::from)),
        DataType::Float => number(value, |number| Some(number.clone())),
        DataType::Boolean => boolean(value),
        DataType::Date | DataType::DateTime => moment(value),
        // Lists of options, and what a later version has.
        _ => Fit::AsItIs,
    }
}

fn text(value: &Value) -> Fit {
    match value {
        // Cut, it would be another number.
        Value::Number(number) if number.as_str().len() > limits::ATTRIBUTE_TEXT_CHARACTERS => Fit::Not,
        Value::Number(number) => Fit::As(number.as_str().into()),
        Value::Bool(value) => Fit::As(if *value { "true" } else { "false" }.into()),
        _ => Fit::AsItIs,
    }
}

fn number(value: &Value, read: impl Fn(&Number) -> Option<Number>) -> Fit {
    let given = match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => Number::from_json_text(text.trim()),
        _ => None,
    };
    as_another(value, given.as_ref().and_then(read).map(Value::Number))
}

fn boolean(value: &Value) -> Fit {
    let read = match value {
        Value::Bool(_) => return Fit::AsItIs,
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    as_another(value, read.map(Value::Bool))
}

fn moment(value: &Value) -> Fit {
    if matches!(value, Value::String(text) if is_day(text)) {
        // `DD/MM/YYYY` is what Intercom itself takes.
        return Fit::AsItIs;
    }
    let seconds = coerce::seconds_of(value).map(|seconds| Value::Number(seconds.0.into()));
    as_another(value, seconds)
}

/// A day that there is, as `DD/MM/YYYY`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let is_number = |part: &str, digits: usize| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [day, month, year] if is_number(day, 2) && is_number(month, 2) && is_number(year, 4) => {
            date::unix_seconds(&format!("{year}-{month}-{day}")).is_some()
        }
        _ => false,
    }
}

fn as_another(value: &Value, other: Option<Value>) -> Fit {
    match other {
        Some(other) if other == *value => Fit::AsItIs,
        Some(other) => Fit::As(other),
        None => Fit::Not,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data_type: &DataType, cases: &[(&str, Option<&str>)]) {
        for (given, expected) in cases {
            let value: Value = serde_json::from_str(given).unwrap();
            let fitted = match fit(data_type, &value) {
                Fit::AsItIs => Some((*given).to_owned()),
                Fit::As(value) => Some(serde_json::to_string(&value).unwrap()),
                Fit::Not => None,
            };
            assert_eq!(fitted.as_deref(), *expected, "{given} as {data_type}");
        }
    }

    #[test]
    fn d30_what_says_exactly_the_same_is_turned_into_the_type() {
        check(
            &DataType::String,
            &[
                ("\"x\"", Some("\"x\"")),
                ("1.50", Some("\"1.50\"")),
                ("true", Some("\"true\"")),
                ("null", Some("null")),
            ],
        );
        check(
            &DataType::Integer,
            &[
                ("12", Some("12")),
                ("\" 12 \"", Some("12")),
                ("12.0", Some("12")),
                ("\"-3.00\"", Some("-3")),
                ("12.5", None),
                ("\"12.5\"", None),
                ("\"a dozen\"", None),
                ("true", None),
                ("null", Some("null")),
            ],
        );
        check(
            &DataType::Float,
            &[
                ("12", Some("12")),
                ("1.5", Some("1.5")),
                ("\"1.50\"", Some("1.50")),
                ("\"x\"", None),
                ("false", None),
            ],
        );
        check(
            &DataType::Boolean,
            &[
                ("true", Some("true")),
                ("\"FALSE\"", Some("false")),
                ("\"yes\"", None),
                ("1", None),
            ],
        );
        check(
            &DataType::Date,
            &[
                ("1700000000", Some("1700000000")),
                ("1700000000999", Some("1700000000")),
                ("\"2023-11-14T22:13:20.5Z\"", Some("1700000000")),
                ("\"14/11/2023\"", Some("\"14/11/2023\"")),
                ("\"29/02/2024\"", Some("\"29/02/2024\"")),
                // No such days, and none with the month first either.
                ("\"31/02/2026\"", None),
                ("\"29/02/2023\"", None),
                ("\"99/99/9999\"", None),
                ("\"soon\"", None),
                ("true", None),
                ("-1", None),
            ],
        );
        check(&DataType::Other("options".into()), &[("1", Some("1"))]);
        let digits = |count: usize| "7".repeat(count);
        let text = format!("\"{}\"", digits(255));
        check(&DataType::String, &[(&digits(255), Some(&text)), (&digits(256), None)]);
    }
}
