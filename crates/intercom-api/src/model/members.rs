//! The members of objects, those without a name in a model included.

use crate::json::{Attributes, Value};
use exact_json::RawJson;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use std::fmt;

/// Reads an object's key, and keeps the text only of a key that is not among the known ones.
struct KeyOf(&'static [&'static str]);

/// An object's key.
pub(crate) enum Key {
    /// The position among the known keys.
    Known(usize),
    /// Any other.
    Other(String),
}

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        let at = self.0.iter().position(|known| *known == key);
        Ok(at.map_or_else(|| Key::Other(key.to_owned()), Key::Known))
    }
}

/// A key of an object and the text of what is under it.
pub(crate) type Member = (Key, RawJson);

/// The members of the object ahead, in their order. What a model makes of them does not depend on the format, so that it is
/// compiled once and not for each.
pub(crate) fn members<'de, D: Deserializer<'de>>(
    deserializer: D,
    keys: &'static [&'static str],
    model: &'static str,
) -> Result<Vec<Member>, D::Error> {
    deserializer.deserialize_map(Members { keys, model })
}

struct Members {
    keys: &'static [&'static str],
    model: &'static str,
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object: {}", self.model)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Member>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key_seed(KeyOf(self.keys))? {
            members.push((key, map.next_value()?));
        }
        Ok(members)
    }
}

/// The members of the object that a body is.
pub(crate) fn members_of_body(
    body: &[u8],
    keys: &'static [&'static str],
    model: &'static str,
) -> Result<Vec<Member>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = members(&mut deserializer, keys, model)?;
    deserializer.end().map(|()| members)
}

/// A member that an object must have.
pub(crate) fn required<T>(value: Option<T>, name: &'static str) -> Result<T, serde_json::Error> {
    value.ok_or_else(|| serde_json::Error::missing_field(name))
}

/// Writes a member that is set; of one that is not, what is kept besides.
pub(crate) fn write_member<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<&impl Serialize>,
    extra: &Attributes,
) -> Result<(), M::Error> {
    match (value, extra.get(name)) {
        (Some(value), _) => map.serialize_entry(name, value),
        (None, Some(value)) => map.serialize_entry(name, value),
        (None, None) => Ok(()),
    }
}

/// Writes what is kept besides, as far as it has no name in the model.
pub(crate) fn write_extra<M: SerializeMap>(
    map: &mut M,
    extra: &Attributes,
    keys: &[&'static str],
) -> Result<(), M::Error> {
    let mut besides = extra.iter().filter(|(name, _)| !keys.contains(name));
    besides.try_for_each(|(name, value)| map.serialize_entry(name, value))
}

/// Puts the members of something that is sent into these variables; what has no name, and what is `null`, into `extra`.
///
/// Counting up goes one step past the last member, which the function around has to allow.
macro_rules! read_members {
    ($members:expr, $keys:expr => $extra:ident, [$($required:ident)*], [$($optional:ident)*]) => {
        for (key, value) in $members {
            let at = match key {
                $crate::model::Key::Known(at) => at,
                $crate::model::Key::Other(name) => {
                    $extra.insert(name, ::serde_json::from_str::<$crate::Value>(value.get())?);
                    continue;
                }
            };
            let mut member = 0;
            $(
                if at == member {
                    $required = Some(::serde_json::from_str(value.get())?);
                    continue;
                }
                member += 1;
            )*
            $(
                if at == member {
                    $optional = ::serde_json::from_str(value.get())?;
                    if $optional.is_none() {
                        $extra.insert($keys[at], $crate::Value::Null);
                    }
                    continue;
                }
                member += 1;
            )*
        }
    };
}
pub(crate) use read_members;

/// The value as the type that it should have; else what goes to `extra`. An error only if even that cannot hold it.
pub(crate) fn or_extra<T: DeserializeOwned>(text: &str) -> Result<Result<T, Value>, serde_json::Error> {
    if text == "null" {
        return Ok(Err(Value::Null));
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(Ok(value)),
        Err(_) => serde_json::from_str(text).map(Err),
    }
}

/// The JSON name of a field: its own, or the one that is given.
macro_rules! json_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}
pub(crate) use json_name;
