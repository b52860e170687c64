//! Which type a custom attribute must have to take the values that are to be sent under it.

use crate::data_attributes::DataType;
use crate::json::Value;
use std::ops::Range;

/// The earliest and latest moment that a number is taken for: 1990 to 2100.
const DATES: Range<i64> = 631_152_000..4_102_444_800;

/// How many make a second: seconds, milliseconds, microseconds and nanoseconds.
const UNITS: [i64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];

/// Whether a text is a day or a moment as ISO 8601 writes it.
fn is_moment(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else {
        return false;
    };
    is_like(day, "0000-00-00") && ("01".."13").contains(&&day[5..7]) && (rest.is_empty() || is_time(rest))
}

/// Whether a text goes on after a day as a time does.
fn is_time(text: &str) -> bool {
    let Some(time) = text.strip_prefix(['T', ' ']) else {
        return false;
    };
    let time = match (time.strip_suffix('Z'), time.rfind(['+', '-'])) {
        (Some(time), _) => time,
        (None, Some(zone)) if ["+00:00", "+0000"].iter().any(|like| is_like(&time[zone..], like)) => &time[..zone],
        (None, _) => time,
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_fraction && (is_like(time, "00:00:00") || is_like(time, "00:00"))
}

/// Whether a text has digits where the pattern has `0`, either sign where it has `+`, and the pattern's own elsewhere.
fn is_like(text: &str, pattern: &str) -> bool {
    let is_like = |(byte, like): (u8, u8)| match like {
        b'0' => byte.is_ascii_digit(),
        b'+' => matches!(byte, b'+' | b'-'),
        like => byte == like,
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(is_like)
}

/// The types of the values of one attribute: of one value, or of all that were seen.
///
/// ```
/// use intercom_api::{DataType, Value, ValueTypes};
///
/// let mut seats = ValueTypes::of(&Value::from(3));
/// assert_eq!(seats.data_type("seats"), DataType::Integer);
/// seats.add(&Value::from("many"));
/// assert!(seats.is_mixed("seats"));
/// assert_eq!(seats.data_type("seats"), DataType::String);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueTypes {
    strings: bool,
    booleans: bool,
    floats: bool,
    /// Whole numbers that are no moment, even if the name says so.
    integers: bool,
    /// Whole numbers that are moments in some unit, if the name says so.
    moments: bool,
    /// Texts that are moments, if the name says so.
    dates: bool,
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
                Some(units) if UNITS.iter().any(|unit| DATES.contains(&(units / unit))) => self.moments = true,
                Some(_) => self.integers = true,
                None => self.floats = true,
            },
            Value::String(text) if is_moment(text) => self.dates = true,
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
        self.dates |= other.dates;
    }

    /// Whether no one type fits all values of the attribute `name`.
    pub fn is_mixed(self, name: &str) -> bool {
        let numbers = self.floats || self.integers || self.moments;
        let kinds = [self.strings || self.dates, self.booleans, numbers];
        kinds.into_iter().filter(|there| *there).count() > 1 && !self.is_date(name)
    }

    /// Whether all values are moments, and the name says so too.
    fn is_date(self, name: &str) -> bool {
        let others = self.strings || self.booleans || self.floats || self.integers;
        let moments = self.moments || self.dates;
        moments && !others && name.ends_with("_at")
    }

    /// The type of the attribute `name` that fits the values; text, if none fits all of them.
    ///
    /// Moments under a name in `_at` are dates, as is Intercom's own convention:
    /// <https://www.intercom.com/help/en/articles/3605703>. Under any other name, Unix time is a number, and what ISO 8601
    /// writes is a text.
    pub fn data_type(self, name: &str) -> DataType {
        if self.is_date(name) {
            DataType::Date
        } else if self.is_mixed(name) || self.strings || self.dates {
            DataType::String
        } else if self.booleans {
            DataType::Boolean
        } else if self.floats {
            DataType::Float
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
            ("renewed_at", "1700000000000", DataType::Date),
            ("renewed_at", "\"2026-05-01T00:00:00Z\"", DataType::Date),
            ("renewed_at", "\"2026-05-01 10:00:00.25+0200\"", DataType::Date),
            ("renewed_at", "\"2026-05-01\"", DataType::Date),
            ("renewed_at", "\"2026-13-01\"", DataType::String),
            ("renewed_at", "\"2026-05-01T\"", DataType::String),
            ("renewed_at", "\"01/05/2026\"", DataType::String),
            ("renewed", "1700000000000", DataType::Integer),
            ("renewed", "\"2026-05-01\"", DataType::String),
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
            (&["1700000000", "\"2026-05-01\"", "1700000000000"], DataType::Date),
            (&["1700000000", "0"], DataType::Integer),
            (&["\"2026-05-01\"", "0"], DataType::String),
            (&["\"2026-05-01\"", "\"soon\""], DataType::String),
            (&["1", "\"many\""], DataType::String),
            (&["true", "1"], DataType::String),
            (&[], DataType::String),
        ] {
            assert_eq!(of("seen_at", values), expected, "{values:?}");
        }
    }
}
