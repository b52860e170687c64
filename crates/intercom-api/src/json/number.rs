//! Numbers that keep their text.

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;
use std::fmt;

/// A JSON number, kept as it was written.
///
/// Equality is that of the text: `1` and `1.0` differ.
// Most numbers are short, and kept in their place.
#[derive(Clone)]
pub struct Number(SmolStr);

impl Number {
    /// The number with this JSON text, or `None` if the text is not a JSON number (RFC 8259, section 6).
    pub fn from_json_text(text: &str) -> Option<Self> {
        is_number(text).then(|| Self(SmolStr::new(text)))
    }

    /// A number from a finite float; `None` for NaN and the infinities, which JSON cannot express.
    pub fn from_f64(value: f64) -> Option<Self> {
        let text = value
            .is_finite()
            .then(|| serde_json::to_string(&value).ok())
            .flatten()?;
        Some(Self(SmolStr::new(&text)))
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as an integer, if it is written as one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }

    /// The nearest double; infinite if the number is beyond its range.
    pub fn as_f64(&self) -> f64 {
        // Every JSON number is a valid Rust float literal.
        self.as_str().parse().unwrap_or(f64::NAN)
    }
}

/// Whether the text is a JSON number. Dates and words are told apart by it, so that it must be quick to say no.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

macro_rules! integers {
    ($($kind:ident)*) => {$(
        impl From<$kind> for Number {
            fn from(value: $kind) -> Self {
                Self(SmolStr::new(&value.to_string()))
            }
        }
    )*};
}

integers! { i32 u32 i64 u64 usize }

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Number {}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.as_str();
        // An integer is written as it stands; `-0` is none.
        if text.len() < 19
            && let Some(integer) = self.as_i64().filter(|_| text != "-0")
        {
            return serializer.serialize_i64(integer);
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(ser::Error::custom)?;
        exact_json::serialize(raw, serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = exact_json::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Ok(Self(SmolStr::new(raw.get()))),
            _ => Err(de::Error::custom("expected a number")),
        }
    }
}
