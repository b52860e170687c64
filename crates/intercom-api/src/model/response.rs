//! Objects that Intercom answers.

use crate::json::Value;
use exact_json::RawJson;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
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

/// A model of an object that Intercom answers.
///
/// What is `required` is an id without which nothing can be done with the rest; its `Debug` is shown.
macro_rules! response {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(required { $($(#[$rdoc:meta])* $required:ident $(= $rname:literal)?: $rty:ty,)* })?
            $(optional { $($(#[$odoc:meta])* $optional:ident $(= $oname:literal)?: $oty:ty,)* })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($($(#[$rdoc])* pub $required: $rty,)*)?
            $($($(#[$odoc])* pub $optional: Option<$oty>,)*)?
            /// What Intercom sent besides: fields without a name here, fields that are `null`, and fields that are not
            /// of their documented type. Written back as it came; a field that is set goes before one of its name here.
            pub extra: $crate::Attributes,
        }

        impl $name {
            const KEYS: &'static [&'static str] = &[
                $($($crate::model::json_name!($required $($rname)?),)*)?
                $($($crate::model::json_name!($optional $($oname)?),)*)?
            ];

            /// A response that holds nothing but what every one of its kind has.
            #[allow(clippy::new_without_default)]
            pub fn new($($($required: impl Into<$rty>),*)?) -> Self {
                Self {
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                    extra: $crate::Attributes::new(),
                }
            }

            $($($crate::model::setter! { $(#[$odoc])* $optional: Option<$oty> })*)?
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $($(shown.field(stringify!($required), &self.$required);)*)?
                $($(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*)?
                shown.finish_non_exhaustive()
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $($(map.serialize_entry($crate::model::json_name!($required $($rname)?), &self.$required)?;)*)?
                $($({
                    let name = $crate::model::json_name!($optional $($oname)?);
                    if let Some(value) = &self.$optional {
                        map.serialize_entry(name, value)?;
                    } else if let Some(value) = self.extra.get(name) {
                        map.serialize_entry(name, value)?;
                    }
                })*)?
                for (name, value) in self.extra.iter().filter(|(name, _)| !Self::KEYS.contains(name)) {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let members = $crate::model::members(deserializer, Self::KEYS, stringify!($name))?;
                Self::of_members(members).map_err(::serde::de::Error::custom)
            }
        }

        impl $name {
            // Counting up goes one step past the last field.
            #[allow(unused_assignments, unused_mut)]
            fn of_members(members: Vec<$crate::model::Member>) -> Result<Self, ::serde_json::Error> {
                use $crate::model::Key;
                $($(let mut $required: Option<$rty> = None;)*)?
                $($(let mut $optional: Option<$oty> = None;)*)?
                let mut extra = $crate::Attributes::new();
                for (key, value) in members {
                    let at = match key {
                        Key::Known(at) => at,
                        Key::Other(name) => {
                            extra.insert(name, ::serde_json::from_str::<$crate::Value>(value.get())?);
                            continue;
                        }
                    };
                    let mut field = 0;
                    $($(
                        if at == field {
                            $required = Some(::serde_json::from_str(value.get())?);
                            continue;
                        }
                        field += 1;
                    )*)?
                    $($(
                        if at == field {
                            match $crate::model::or_extra(value.get())? {
                                Ok(value) => $optional = Some(value),
                                Err(value) => {
                                    extra.insert($name::KEYS[at], value);
                                }
                            }
                            continue;
                        }
                        field += 1;
                    )*)?
                }
                Ok($name {
                    $($($required: $required.ok_or_else(|| {
                        <::serde_json::Error as ::serde::de::Error>::missing_field(
                            $crate::model::json_name!($required $($rname)?),
                        )
                    })?,)*)?
                    $($($optional,)*)?
                    extra,
                })
            }
        }

        impl $crate::drift::Drift for $name {
            fn drift(&self, at: &str, found: &mut Vec<$crate::drift::Finding>) {
                use $crate::drift::inside;
                $($(self.$required.drift(&inside(at, $crate::model::json_name!($required $($rname)?)), found);)*)?
                $($(self.$optional.drift(&inside(at, $crate::model::json_name!($optional $($oname)?)), found);)*)?
                $crate::drift::extra(&self.extra, Self::KEYS, at, found);
            }
        }

        $crate::model::sample! { $name { $($($required,)*)? $($($optional,)*)? extra, } }
    };
}
pub(crate) use response;
