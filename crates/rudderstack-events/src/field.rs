//! A part of an event that is read when it is asked for.

use crate::json::{Raw, Scalar};
use crate::object::{Object, SeenKeys};
use crate::owned::IntoOwned;
use crate::scan::{Cursor, Fault};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A part of an event: absent, as it was received, or set by the program.
///
/// What was received is read as a `T` when [`get`](Self::get) is called, so a malformed part costs nothing but itself,
/// and a part that nobody asks for costs next to nothing. It is written back just as it was received.
///
/// Two fields are equal if they are in the same state: what was received is compared by its text.
/// Values are boxed, so that an event of a hundred possible parts does not take room for all of them.
#[derive(Clone, Default, PartialEq)]
pub enum Field<'a, T> {
    /// Not in the event.
    #[default]
    Absent,
    /// As received, `null` included.
    Received(Raw<'a>),
    /// As received, and read already.
    Read(Box<Parsed<'a, T>>),
    /// Set by the program.
    Set(Box<T>),
}

/// A part of an event as it was received, and what was read from it. The two belong together, so neither can be changed.
#[derive(Clone, PartialEq)]
pub struct Parsed<'a, T> {
    raw: Raw<'a>,
    value: T,
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

    /// The value that was set, or has been read already.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Read(parsed) => Some(&parsed.value),
            Self::Absent | Self::Received(_) => None,
        }
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
            Self::Set(value) => Ok(Some(T::clone(value))),
            Self::Read(parsed) => Ok(Some(parsed.value.clone())),
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
            Self::Read(parsed) => Some(parsed.raw.borrow()),
            Self::Set(value) => Raw::from_serialize(value.as_ref()),
        }
    }
}

impl<T: IntoOwned> Field<'_, T> {
    /// The same part, independent of the text that it was read from.
    pub fn into_owned(self) -> Field<'static, T::Owned> {
        match self {
            Self::Absent => Field::Absent,
            Self::Received(raw) => Field::Received(raw.into_owned()),
            Self::Read(parsed) => Field::Read(Box::new(Parsed {
                raw: parsed.raw.into_owned(),
                value: parsed.value.into_owned(),
            })),
            Self::Set(value) => Field::Set(Box::new((*value).into_owned())),
        }
    }
}

impl<T: IntoOwned> IntoOwned for Field<'_, T> {
    type Owned = Field<'static, T::Owned>;
    fn into_owned(self) -> Self::Owned {
        Field::into_owned(self)
    }
}

impl<'a> Field<'a, Object<'a>> {
    /// The value under a key of the object, if there is an object that has it.
    pub fn entry(&self, key: &str) -> Option<Raw<'_>> {
        match self {
            Self::Absent => None,
            Self::Received(raw) => raw.borrow().into_object()?.remove(key),
            Self::Read(parsed) => parsed.value.get(key).map(Raw::borrow),
            Self::Set(object) => object.get(key).map(Raw::borrow),
        }
    }

    /// Changes the object; one that is absent or `null` starts empty.
    ///
    /// # Errors
    ///
    /// If something else than an object was received, which stays as it is.
    pub fn edit<R>(&mut self, change: impl FnOnce(&mut Object<'a>) -> R) -> Result<R, Malformed> {
        let mut object = match self {
            Self::Absent => Object::new(),
            Self::Received(raw) if raw.is_null() => Object::new(),
            Self::Received(raw) => raw.clone().into_object().ok_or_else(|| Malformed {
                expected: Object::EXPECTED,
                found: raw.kind(),
            })?,
            Self::Read(parsed) => std::mem::take(&mut parsed.value),
            Self::Set(object) => std::mem::take(object.as_mut()),
        };
        let changed = change(&mut object);
        *self = Self::from(object);
        Ok(changed)
    }
}

impl<'a> From<&'a str> for Field<'a, Cow<'a, str>> {
    fn from(text: &'a str) -> Self {
        Self::from(Cow::Borrowed(text))
    }
}

impl From<String> for Field<'_, Cow<'_, str>> {
    fn from(text: String) -> Self {
        Self::from(Cow::Owned(text))
    }
}

impl<T> From<T> for Field<'_, T> {
    fn from(value: T) -> Self {
        Self::Set(Box::new(value))
    }
}

impl<T> fmt::Debug for Parsed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<T> fmt::Debug for Field<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Received(raw) => raw.fmt(f),
            Self::Read(parsed) => parsed.raw.fmt(f),
            Self::Set(_) => f.write_str("<set>"),
        }
    }
}

impl<T: Serialize> Serialize for Field<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Received(raw) => raw.serialize(serializer),
            Self::Read(parsed) => parsed.raw.serialize(serializer),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T> Deserialize<'de> for Field<'_, T> {
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
        raw.array()
    }
}

/// A JSON object with known parts, filled entry by entry.
pub(crate) trait Model<'a>: Default {
    /// Reads the value ahead if it belongs to a known key.
    fn take(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<bool, Fault>;
    /// Where the rest goes.
    fn extra(&mut self) -> &mut Object<'a>;

    /// Reads the object ahead.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let mut model = Self::default();
        let mut seen = SeenKeys::default();
        cursor.object(|cursor, key| {
            if !model.take(&key, cursor)? {
                let value = Raw::of_valid(cursor.value()?);
                model.extra().collect(key, value, &mut seen);
            }
            Ok(())
        })?;
        model.extra().collected();
        Ok(model)
    }
}

impl<'a> Model<'a> for Object<'a> {
    fn take(&mut self, _: &str, _: &mut Cursor<'a>) -> Result<bool, Fault> {
        Ok(false)
    }

    fn extra(&mut self) -> &mut Object<'a> {
        self
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        Object::read(cursor)
    }
}

/// Reads a part that is nearly always asked for in the same pass as its parent, so that its text is gone through once.
/// Something else than an object stays as it was received.
pub(crate) fn read_eagerly<'a, M: Model<'a>>(cursor: &mut Cursor<'a>) -> Result<Field<'a, M>, Fault> {
    match cursor.ahead() {
        Some(b'{') => {
            let start = cursor.position();
            let value = M::read(cursor)?;
            let raw = Raw::of_valid(cursor.since(start));
            Ok(Field::Read(Box::new(Parsed { raw, value })))
        }
        _ => cursor.value().map(Raw::of_valid).map(Field::Received),
    }
}

/// Reads a part of a model: as its text, or eagerly.
macro_rules! read_part {
    ($cursor:expr) => {
        $crate::Field::Received($crate::Raw::of_valid($cursor.value()?))
    };
    ($cursor:expr, eager) => {
        $crate::field::read_eagerly($cursor)?
    };
}
pub(crate) use read_part;

/// Declares a JSON object with known parts: a struct of [`Field`]s and a bag for the rest.
///
/// Reading collects the parts by name in one pass, whatever their order; writing puts the known parts first. A part that
/// is marked `eager` is itself read in that pass.
macro_rules! object_model {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident<$a:lifetime> {$(
            $(#[$field_doc:meta])*
            $field:ident: $kind:ty = $key:literal $($eager:ident)?,
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

            /// The same, independent of the text that it was read from.
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    $($field: self.$field.into_owned(),)*
                    extra: self.extra.into_owned(),
                }
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
            fn take(&mut self, key: &str, cursor: &mut $crate::scan::Cursor<$a>) -> Result<bool, $crate::scan::Fault> {
                match key {
                    $($key => self.$field = $crate::field::read_part!(cursor $(, $eager)?),)*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn extra(&mut self) -> &mut $crate::Object<$a> {
                &mut self.extra
            }
        }

        impl<$a> From<$crate::Object<$a>> for $name<$a> {
            /// The same entries, each known one in its place.
            fn from(object: $crate::Object<$a>) -> Self {
                let mut model = Self::default();
                for (key, value) in object {
                    match key.as_ref() {
                        $($key => model.$field = $crate::Field::Received(value),)*
                        _ => model.extra.push(key, value),
                    }
                }
                model
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

        $crate::owned::into_owned! { $name }

        impl<'de> serde::Deserialize<'de> for $name<'_> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = $crate::Raw::deserialize(deserializer)?;
                <$name<'_> as $crate::field::Model>::read(&mut $crate::scan::Cursor::new(raw.json()))
                    .map($name::into_owned)
                    .map_err(|_| serde::de::Error::custom("expected an object"))
            }
        }

        impl<'r> $crate::FromRaw<'r> for $name<'r> {
            const EXPECTED: &'static str = "an object";
            fn from_raw(raw: &'r $crate::Raw<'r>) -> Option<Self> {
                <Self as $crate::field::Model>::read(&mut $crate::scan::Cursor::new(raw.json())).ok()
            }
        }
    )*};
}

pub(crate) use object_model;
