//! Reading JSON text out of any format that says what it holds, by way of `RawValue`, and writing it into any.
//!
//! `RawValue` gives the text as it is written, but only when `serde_json` reads it. Inside of tagged, flattened and untagged
//! types, and in other formats, serde hands over values instead, of which the text is written anew.

use serde_core::de::value::MapDeserializer;
use serde_core::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_core::forward_to_deserialize_any;
use serde_core::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::iter;

/// One JSON value as it is written. `Debug` says how long it is.
#[derive(Clone)]
pub struct RawJson(pub Box<RawValue>);

impl RawJson {
    /// The text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl PartialEq for RawJson {
    /// Whether the text is the same.
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.get().len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// Writes the text as it is, or, in a format that is not for people to read, the values that it holds.
///
/// # Errors
///
/// Those of the format.
pub fn serialize<S: Serializer>(raw: &RawValue, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return raw.serialize(serializer);
    }
    // `RawValue` would come out as a struct.
    serde_transcode::transcode(&mut serde_json::Deserializer::from_str(raw.get()), serializer)
}

/// The JSON text of the value ahead.
///
/// # Errors
///
/// Those of the format, and if what it holds cannot be written as JSON.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<RawValue>, D::Error> {
    Box::<RawValue>::deserialize(AnyFormat(deserializer))
}

/// Reads for `RawValue`, which asks for a new type of a name that only `serde_json` knows.
struct AnyFormat<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for AnyFormat<D> {
    type Error = D::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Text { name, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Hands the text to the visitor of `RawValue`: as `serde_json` gives it, or written of the value.
struct Text<V> {
    name: &'static str,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Text<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(map)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let mut json = Vec::new();
        serde_transcode::transcode(deserializer, &mut serde_json::Serializer::new(&mut json)).map_err(Error::custom)?;
        let json = String::from_utf8(json).map_err(Error::custom)?;
        self.visitor
            .visit_map(MapDeserializer::new(iter::once((self.name, json))))
    }
}
