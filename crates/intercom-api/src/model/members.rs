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

/// The members of an object that are fields of a type: their keys, and how they are read, beside the fields that come from
/// elsewhere, and written. What else there is goes to its field `extra`.
macro_rules! has_members {
    (
        $name:ident $(beside { $($segment:ident: $pty:ty,)+ })? by $read:path {
            required { $($required:ident $(= $rname:literal)?: $rty:ty,)* }
            optional { $($optional:ident $(= $oname:literal)?: $oty:ty,)* }
            $(attributes { $($attributes:ident,)* })?
        }
    ) => {
        impl $name {
            const KEYS: &'static [&'static str] = &[
                $($crate::model::json_name!($required $($rname)?),)*
                $($crate::model::json_name!($optional $($oname)?),)*
                $($(stringify!($attributes),)*)?
            ];

            // Counting up goes one step past the last member.
            #[allow(unused_assignments, unused_mut)]
            fn of_members(
                members: Vec<$crate::model::Member>,
                $($($segment: $pty,)+)?
            ) -> Result<Self, ::serde_json::Error> {
                $(let mut $required: Option<$rty> = None;)*
                $(let mut $optional: Option<$oty> = None;)*
                $($(let mut $attributes: Option<$crate::Attributes> = None;)*)?
                let mut extra = $crate::Attributes::new();
                $crate::model::read_members!(
                    members, Self::KEYS => extra, [$($required)*], $read, [$($optional)* $($($attributes)*)?]
                );
                Ok(Self {
                    $($($segment,)+)?
                    $($required: $crate::model::required($required, $crate::model::json_name!($required $($rname)?))?,)*
                    $($optional,)*
                    $($($attributes: $attributes.unwrap_or_default(),)*)?
                    extra,
                })
            }

            fn write_members<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry($crate::model::json_name!($required $($rname)?), &self.$required)?;)*
                $($crate::model::write_member(
                    &mut map, $crate::model::json_name!($optional $($oname)?), self.$optional.as_ref(), &self.extra,
                )?;)*
                $($({
                    let attributes = Some(&self.$attributes).filter(|all| !all.is_empty());
                    $crate::model::write_member(&mut map, stringify!($attributes), attributes, &self.extra)?;
                })*)?
                $crate::model::write_extra(&mut map, &self.extra, Self::KEYS)?;
                map.end()
            }
        }
    };
}
pub(crate) use has_members;

/// How an object is read and written that is nothing but its members.
macro_rules! is_object {
    ($name:ident) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.write_members(serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let members = $crate::model::members(deserializer, Self::KEYS, stringify!($name))?;
                Self::of_members(members).map_err(::serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use is_object;

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
