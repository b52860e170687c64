//! Which type a custom attribute must have to take the values that are to be sent under it.

use crate::data_attributes::DataType;
use crate::json::Value;
use std::ops::Range;

/// The earliest and latest moment that a number is taken for: 1990 to 2100.
const DATES: Range<i64> = 631_152_000..4_102_444_800;

/// The types of the values of one attribute: of one value, or of all that were seen.
///
/// ```
/// use intercom_api::{DataType, Value, ValueTypes};
///
/// let mut seats = ValueTypes::of(&Value::from(3));
/// assert_eq!(seats.data_type("seats"), DataType::Integer);
/// seats.add(&Value::from("many"));
/// assert!(seats.is_mixed());
/// assert_eq!(seats.data_type("seats"), DataType::String);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueTypes {
    strings: bool,
    booleans: bool,
    floats: bool,
    /// Whole numbers that are no moment, even if the name says so.
    integers: bool,
    moments: bool,
}

impl ValueTypes {
    /// Of one value. `null` has no type.
    pub fn of(value: &Value) -> Self {
        let mut types = Self::default();
        types.add(value);
        types
    }

    /// Takes in another value.
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.booleans = true,
            Value::Number(number) => match number.as_i64() {
                Some(seconds) if DATES.contains(&seconds) => self.moments = true,
                Some(_) => self.integers = true,
                None => self.floats = true,
            },
            // Intercom takes no arrays and objects.
            Value::String(_) | Value::Array(_) | Value::Object(_) => self.strings = true,
        }
    }

    /// Takes in those of other values.
    pub fn merge(&mut self, other: Self) {
        self.strings |= other.strings;
        self.booleans |= other.booleans;
        self.floats |= other.floats;
        self.integers |= other.integers;
        self.moments |= other.moments;
    }

    /// Whether no one type fits all values.
    pub fn is_mixed(self) -> bool {
        let numbers = self.floats || self.integers || self.moments;
        [self.strings, self.booleans, numbers]
            .into_iter()
            .filter(|there| *there)
            .count()
            > 1
    }

    /// The type of the attribute `name` that fits the values; text, if none fits all of them.
    ///
    /// Whole Unix seconds under a name in `_at` are dates, as is Intercom's own convention:
    /// <https://www.intercom.com/help/en/articles/3605703>.
    pub fn data_type(self, name: &str) -> DataType {
        if self.is_mixed() || self.strings {
            DataType::String
        } else if self.booleans {
            DataType::Boolean
        } else if self.floats {
            DataType::Float
        } else if self.moments && !self.integers && name.ends_with("_at") {
            DataType::Date
        } else if self.integers || self.moments {
            DataType::Integer
        } else {
            DataType::String
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, values: &[&str]) -> DataType {
        let mut types = ValueTypes::default();
        for json in values {
            let value = serde_json::from_str(json).unwrap();
            types.merge(ValueTypes::of(&value));
        }
        types.data_type(name)
    }

    #[test]
    fn types_of_one_value() {
        for (name, json, expected) in [
            ("seats", "12", DataType::Integer),
            ("seats", "-12", DataType::Integer),
            ("score", "1.0", DataType::Float),
            ("score", "1e3", DataType::Float),
            ("is_new", "false", DataType::Boolean),
            ("plan", "\"pro\"", DataType::String),
            ("plan", "null", DataType::String),
            ("renewed_at", "1700000000", DataType::Date),
            ("renewed_at", "17", DataType::Integer),
            ("renewed", "1700000000", DataType::Integer),
        ] {
            assert_eq!(of(name, &[json]), expected, "{name} {json}");
        }
    }

    #[test]
    fn types_of_several_values() {
        for (values, expected) in [
            (&["null", "12"][..], DataType::Integer),
            (&["1", "1.5", "1700000000"], DataType::Float),
            (&["1700000000", "1700000001"], DataType::Date),
            (&["1700000000", "0"], DataType::Integer),
            (&["1", "\"many\""], DataType::String),
            (&["true", "1"], DataType::String),
            (&[], DataType::String),
        ] {
            assert_eq!(of("seen_at", values), expected, "{values:?}");
        }
    }
}
