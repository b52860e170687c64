//! A part of an event that is read when it is asked for.

use crate::json::{Items, Key, Object, Raw, Scalar};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A part of an event: absent, as it was received, or set by the program.
///
/// What was received is read as a `T` when [`get`](Self::get) is called, so a malformed part costs nothing but itself,
/// and a part that nobody asks for costs next to nothing. It is written back just as it was received.
#[derive(Clone, Default, PartialEq)]
pub enum Field<'a, T> {
    /// Not in the event.
    #[default]
    Absent,
    /// As received, `null` included.
    Received(Raw<'a>),
    /// Set by the program.
    Set(T),
}

/// A part of an event is there, but is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Malformed {
    /// What was expected, in words.
    pub expected: &'static str,
    /// What was found.
    pub found: crate::json::Kind,
}

/// A type that a part of an event can be read as.
pub trait FromRaw<'r>: Sized {
    /// What is expected, in words, with an article.
    const EXPECTED: &'static str;

    /// Reads the value, or says with `None` that it is something else. Never called with `null`.
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self>;
}

impl<T> Field<'_, T> {
    /// Whether it is not in the event at all.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'r, T: FromRaw<'r> + Clone> Field<'r, T> {
    /// The value; `None` if it is absent or `null`.
    ///
    /// # Errors
    ///
    /// If something else was received than a `T`.
    pub fn get(&'r self) -> Result<Option<T>, Malformed> {
        match self {
            Self::Absent => Ok(None),
            Self::Set(value) => Ok(Some(value.clone())),
            Self::Received(raw) if raw.is_null() => Ok(None),
            Self::Received(raw) => T::from_raw(raw).map(Some).ok_or_else(|| Malformed {
                expected: T::EXPECTED,
                found: raw.kind(),
            }),
        }
    }

    /// The value, if there is one and it is well-formed.
    pub fn ok(&'r self) -> Option<T> {
        self.get().ok().flatten()
    }
}

impl<T: Serialize> Field<'_, T> {
    /// The JSON value, whether received or set; `None` if absent.
    pub fn raw(&self) -> Option<Raw<'_>> {
        match self {
            Self::Absent => None,
            Self::Received(raw) => Some(raw.borrow()),
            Self::Set(value) => Raw::from_serialize(value),
        }
    }
}

impl<T> From<T> for Field<'_, T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T> fmt::Debug for Field<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Received(raw) => raw.fmt(f),
            Self::Set(_) => f.write_str("<set>"),
        }
    }
}

impl<T: Serialize> Serialize for Field<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Received(raw) => raw.serialize(serializer),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Field<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Raw::deserialize(deserializer).map(Self::Received)
    }
}

impl<'r> FromRaw<'r> for Cow<'r, str> {
    const EXPECTED: &'static str = "a text";
    /// Numbers and booleans are taken by their JSON text, because SDKs send those for texts.
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        raw.scalar().map(Scalar::into_text)
    }
}

impl<'r> FromRaw<'r> for bool {
    const EXPECTED: &'static str = "a boolean";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.scalar()? {
            Scalar::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

impl<'r> FromRaw<'r> for f64 {
    const EXPECTED: &'static str = "a number";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.scalar()? {
            Scalar::Number(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl<'r> FromRaw<'r> for i64 {
    const EXPECTED: &'static str = "an integer";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.scalar()? {
            Scalar::Number(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl<'r> FromRaw<'r> for Object<'r> {
    const EXPECTED: &'static str = "an object";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        raw.object()
    }
}

impl<'r> FromRaw<'r> for Raw<'r> {
    const EXPECTED: &'static str = "a value";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        Some(raw.borrow())
    }
}

impl<'r> FromRaw<'r> for Vec<Raw<'r>> {
    const EXPECTED: &'static str = "an array";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        match raw.kind() {
            crate::json::Kind::Array => serde_json::from_str::<Items<'r>>(raw.json()).ok().map(|items| items.0),
            _ => None,
        }
    }
}

/// A JSON object with known parts, filled entry by entry.
pub(crate) trait Model<'a>: Default {
    /// Keeps the value if the key is a known one, else gives it back.
    fn take(&mut self, key: &str, value: Raw<'a>) -> Option<Raw<'a>>;
    /// Where the rest goes.
    fn extra(&mut self) -> &mut Object<'a>;
}

pub(crate) fn deserialize_model<'de, D: Deserializer<'de>, M: Model<'de>>(deserializer: D) -> Result<M, D::Error> {
    struct Entries<M>(PhantomData<M>);
    impl<'de, M: Model<'de>> Visitor<'de> for Entries<M> {
        type Value = M;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<M, A::Error> {
            let mut model = M::default();
            while let Some((key, value)) = map.next_entry::<Key<'de>, Raw<'de>>()? {
                if let Some(value) = model.take(&key.0, value) {
                    model.extra().collect(key, value);
                }
            }
            model.extra().collected();
            Ok(model)
        }
    }
    deserializer.deserialize_map(Entries(PhantomData))
}

/// Declares a JSON object with known parts: a struct of [`Field`]s and a bag for the rest.
///
/// Reading collects the parts by name in one pass, whatever their order; writing puts the known parts first.
macro_rules! object_model {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident<$a:lifetime> {$(
            $(#[$field_doc:meta])*
            $field:ident: $kind:ty = $key:literal,
        )*}
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name<$a> {
            $($(#[$field_doc])* pub $field: $crate::Field<$a, $kind>,)*
            /// Everything else that is in the object.
            pub extra: $crate::Object<$a>,
        }

        impl<$a> $name<$a> {
            /// Nothing set.
            pub fn new() -> Self {
                Self::default()
            }

            #[allow(dead_code, reason = "only some models are embedded in others")]
            pub(crate) fn serialize_into<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(if !self.$field.is_absent() {
                    map.serialize_entry($key, &self.$field)?;
                })*
                self.extra.serialize_into(map)
            }
        }

        impl<$a> $crate::field::Model<$a> for $name<$a> {
            fn take(&mut self, key: &str, value: $crate::Raw<$a>) -> Option<$crate::Raw<$a>> {
                match key {
                    $($key => self.$field = $crate::Field::Received(value),)*
                    _ => return Some(value),
                }
                None
            }

            fn extra(&mut self) -> &mut $crate::Object<$a> {
                &mut self.extra
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut debug = f.debug_struct(stringify!($name));
                $(if !self.$field.is_absent() {
                    debug.field(stringify!($field), &self.$field);
                })*
                if !self.extra.is_empty() {
                    debug.field("extra", &self.extra);
                }
                debug.finish()
            }
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serde::ser::Serializer::serialize_map(serializer, None)?;
                self.serialize_into(&mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de: $a, $a> serde::Deserialize<'de> for $name<$a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::field::deserialize_model(deserializer)
            }
        }

        impl<'r> $crate::FromRaw<'r> for $name<'r> {
            const EXPECTED: &'static str = "an object";
            fn from_raw(raw: &'r $crate::Raw<'r>) -> Option<Self> {
                match raw.kind() {
                    $crate::Kind::Object => serde_json::from_str(raw.json()).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

pub(crate) use object_model;
