//! A part of an event that is read when it is asked for.

use crate::json::{Raw, Scalar};
use crate::object::Object;
use crate::owned::IntoOwned;
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
    pub(crate) raw: Raw<'a>,
    pub(crate) value: T,
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

impl<'a, T> Parsed<'a, T> {
    pub(crate) fn new(raw: Raw<'a>, value: T) -> Self {
        Self { raw, value }
    }
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
            Self::Received(raw) => raw.read(),
        }
    }

    /// The value, if there is one and it is well-formed.
    pub fn ok(&'r self) -> Option<T> {
        self.get().ok().flatten()
    }
}

impl Raw<'_> {
    /// The value as a `T`; `None` if it is `null`.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn read<'r, T: FromRaw<'r>>(&'r self) -> Result<Option<T>, Malformed> {
        if self.is_null() {
            return Ok(None);
        }
        T::from_raw(self).map(Some).ok_or_else(|| Malformed {
            expected: T::EXPECTED,
            found: self.kind(),
        })
    }
}

impl<'a, T: Serialize> Field<'a, T> {
    /// The JSON value, whether received or set, given up.
    pub(crate) fn into_raw(self) -> Option<Raw<'a>> {
        match self {
            Self::Absent => None,
            Self::Received(raw) => Some(raw),
            Self::Read(parsed) => Some(parsed.raw),
            Self::Set(value) => Raw::from_serialize(value.as_ref()),
        }
    }

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
            Self::Received(raw) => raw.borrow().as_object()?.remove(key),
            Self::Read(parsed) => parsed.value.get(key).map(Raw::borrow),
            Self::Set(object) => object.get(key).map(Raw::borrow),
        }
    }

    /// The object with names for what is usually in it, such as [`PersonTraits`](crate::traits::PersonTraits); `None` if it
    /// is absent or `null`. Each part is read when it is asked for, so that a malformed one costs nothing but itself.
    ///
    /// ```
    /// use rudderstack_events::{Event, traits::PersonTraits};
    ///
    /// let event = Event::from_json(r#"{"type":"identify","traits":{"email":"ann@example.com","age":"old","pet":1}}"#)?;
    /// let Event::Identify(identify) = event else { panic!("an identify") };
    /// let traits: PersonTraits<'_> = identify.traits.view()?.unwrap_or_default();
    /// assert_eq!(traits.email.ok().as_deref(), Some("ann@example.com"));
    /// assert!(traits.age.get().is_err() && traits.extra.get("pet").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If something else than an object was received.
    pub fn view<'r, T: FromRaw<'r> + From<Object<'r>>>(&'r self) -> Result<Option<T>, Malformed> {
        match self {
            Self::Absent => Ok(None),
            Self::Received(raw) => raw.read(),
            Self::Read(parsed) => Ok(Some(parsed.value.borrow().into())),
            Self::Set(object) => Ok(Some(object.borrow().into())),
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
            Self::Received(raw) => raw.as_object().ok_or_else(|| Malformed {
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

/// How types are read whose values a method of [`Raw`] gives.
macro_rules! read_by {
    ($($kind:ty, $expected:literal: $read:expr;)*) => {$(
        impl<'r> FromRaw<'r> for $kind {
            const EXPECTED: &'static str = $expected;
            fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
                $read(raw)
            }
        }
    )*};
}

read_by! {
    bool, "a boolean": Raw::as_bool;
    f64, "a number": Raw::as_f64;
    i64, "an integer": Raw::as_i64;
    Object<'r>, "an object": |raw: &'r Raw<'r>| raw.borrow().as_object();
    Raw<'r>, "a value": |raw: &'r Raw<'r>| Some(raw.borrow());
    Vec<Raw<'r>>, "an array": |raw: &'r Raw<'r>| raw.borrow().as_array();
}
