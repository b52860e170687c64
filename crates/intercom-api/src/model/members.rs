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
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => match extra.get(name) {
            Some(value) => map.serialize_entry(name, value),
            None => Ok(()),
        },
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

/// Puts the members of an object into these variables; what has no name into `extra`, and of an optional one what `$read`
/// leaves for it.
///
/// Counting up goes one step past the last member, which the function around has to allow.
macro_rules! read_members {
    ($members:expr, $keys:expr => $extra:ident, [$($required:ident)*], $read:path, [$($optional:ident)*]) => {
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
                    if let Some(value) = $read(value.get(), &mut $optional)? {
                        $extra.insert($keys[at], value);
                    }
                    continue;
                }
                member += 1;
            )*
        }
    };
}
pub(crate) use read_members;

/// Reads a member of something that is sent: it has its type, or is `null`, which goes to `extra`.
pub(crate) fn or_null<T: DeserializeOwned>(
    text: &str,
    into: &mut Option<T>,
) -> Result<Option<Value>, serde_json::Error> {
    *into = serde_json::from_str(text)?;
    Ok(into.is_none().then_some(Value::Null))
}

/// Reads a member of what Intercom answers: whatever has not its type goes to `extra`. An error only if even that cannot
/// hold it.
pub(crate) fn or_extra<T: DeserializeOwned>(
    text: &str,
    into: &mut Option<T>,
) -> Result<Option<Value>, serde_json::Error> {
    if text == "null" {
        return Ok(Some(Value::Null));
    }
    match serde_json::from_str(text) {
        Ok(value) => {
            *into = Some(value);
            Ok(None)
        }
        Err(_) => serde_json::from_str(text).map(Some),
    }
}

/// How an object is read whose `of_members` makes it of its members.
macro_rules! deserialize_members {
    ($name:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let members = $crate::model::members(deserializer, Self::KEYS, stringify!($name))?;
                Self::of_members(members).map_err(::serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use deserialize_members;

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
