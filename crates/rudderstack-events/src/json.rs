//! JSON kept as text until somebody asks for its value.
//!
//! An event is mostly passed on, not looked at. So its parts are slices of the line they came from: reading an event
//! copies nothing, writing it back gives the same text, and numbers of any length stay exact.

use crate::owned::into_owned;
use crate::text::string_of;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What sort of JSON value something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One JSON value, as the text it was written as.
///
/// `Debug` shows the kind only: values are personal data.
#[derive(Clone)]
pub struct Raw<'a>(pub(crate) Cow<'a, str>);

impl<'a> Raw<'a> {
    /// The JSON text of any serialisable value, or `None` if it cannot be written as JSON.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Option<Raw<'static>> {
        serde_json::to_string(value).ok().map(|json| Raw(Cow::Owned(json)))
    }

    /// A text that is known to be one JSON value, without white space around it.
    pub(crate) const fn of_valid(json: &'a str) -> Self {
        Self(Cow::Borrowed(json))
    }

    /// The JSON text, without white space around it.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// What sort of value it is.
    pub fn kind(&self) -> Kind {
        kind_of(self.json())
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value, if it is a string, a number or a boolean.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        let json = self.json();
        match kind_of(json) {
            Kind::String => Some(Scalar::String(string_of(json))),
            Kind::Number => Some(Scalar::Number(json)),
            Kind::Boolean => Some(Scalar::Boolean(json == "true")),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The value, if it is a string, for as long as the text lives that it was read from.
    #[doc(alias = "as_str")]
    pub fn string(&self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        Some(match &self.0 {
            Cow::Borrowed(json) => string_of(json),
            Cow::Owned(json) => Cow::Owned(string_of(json).into_owned()),
        })
    }

    /// The value, if it is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Boolean).then(|| self.json() == "true")
    }

    /// The value, if it is an integer of 64 bits, written without a fraction or an exponent.
    pub fn as_i64(&self) -> Option<i64> {
        self.json().parse().ok()
    }

    /// The value, if it is a number; the nearest one that an `f64` can hold.
    pub fn as_f64(&self) -> Option<f64> {
        (self.kind() == Kind::Number)
            .then(|| self.json().parse().ok())
            .flatten()
    }

    /// An array.
    fn of_items<T: Into<Raw<'a>>>(items: impl IntoIterator<Item = T>) -> Self {
        let mut json = String::from("[");
        for item in items {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(item.into().json());
        }
        json.push(']');
        Self(Cow::Owned(json))
    }

    /// The same value, borrowed.
    pub fn borrow(&self) -> Raw<'_> {
        Raw(Cow::Borrowed(&self.0))
    }

    /// The same value, independent of the text that it was read from.
    pub fn into_owned(self) -> Raw<'static> {
        Raw(Cow::Owned(self.0.into_owned()))
    }
}

into_owned! { Raw }

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Cow::Borrowed(raw.get()))
    }
}

impl From<Box<RawValue>> for Raw<'_> {
    fn from(raw: Box<RawValue>) -> Self {
        Self(Cow::Owned(Box::<str>::from(raw).into_string()))
    }
}

macro_rules! raw_from {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Raw<'_> {
            fn from(value: $kind) -> Self {
                Raw::from_serialize(&value).expect("such a value can always be written as JSON")
            }
        }
    )*};
}

raw_from! {
    &str &String String Cow<'_, str> bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 &serde_json::Value serde_json::Value
}

impl<'a> From<&Raw<'a>> for Raw<'a> {
    fn from(value: &Raw<'a>) -> Self {
        value.clone()
    }
}

impl<'a, T: Into<Raw<'a>>> From<Option<T>> for Raw<'a> {
    /// `null` if there is nothing.
    fn from(value: Option<T>) -> Self {
        value.map_or(Raw::of_valid("null"), Into::into)
    }
}

impl<'a, T: Into<Raw<'a>>> From<Vec<T>> for Raw<'a> {
    fn from(items: Vec<T>) -> Self {
        Self::of_items(items)
    }
}

impl<'a, T: Into<Raw<'a>>, const N: usize> From<[T; N]> for Raw<'a> {
    fn from(items: [T; N]) -> Self {
        Self::of_items(items)
    }
}

impl<'a, T: Clone + Into<Raw<'a>>> From<&[T]> for Raw<'a> {
    fn from(items: &[T]) -> Self {
        Self::of_items(items.iter().cloned())
    }
}

impl PartialEq for Raw<'_> {
    /// Whether the text is the same.
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.kind())
    }
}

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        exact_json::serialize(raw, serializer)
    }
}

impl<'de> Deserialize<'de> for Raw<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        exact_json::deserialize(deserializer).map(Self::from)
    }
}

/// A value that a mapping can use as it is: neither null, nor absent, nor nested.
#[derive(Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, with its escapes resolved.
    String(Cow<'a, str>),
    /// The JSON text of a number.
    Number(&'a str),
    /// A boolean.
    Boolean(bool),
}

impl<'a> Scalar<'a> {
    /// The string, or the JSON text of the number or boolean.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::String(text) => text,
            Self::Number(text) => Cow::Borrowed(text),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
        }
    }
}

impl fmt::Debug for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String(_) => "<string>",
            Self::Number(_) => "<number>",
            Self::Boolean(_) => "<boolean>",
        })
    }
}

/// The kind of the value with this JSON text.
fn kind_of(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'"') => Kind::String,
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}
