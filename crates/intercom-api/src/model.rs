//! How the models are written: three macros, so that fifty models stay short.
//!
//! - `answer!`: what Intercom answers. Nothing of it is lost: a field that the model has no name for, a field that is
//!   `null`, and a field whose value is not of the type that is documented are kept in `extra` and written back.
//! - `fields!`: what is sent to Intercom. A field that is unset is left out.
//! - `open_enum!`: a word out of a set that Intercom may add to.
//!
//! `Debug` of the first two names the fields that are set and shows no value, because the values are personal data.

use serde::de::{DeserializeSeed, Deserializer, Visitor};
use std::fmt;

/// Reads an object's key, and keeps the text only of a key that is not among the known ones.
pub(crate) struct KeyOf(pub(crate) &'static [&'static str]);

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
        Ok(self
            .0
            .iter()
            .position(|known| *known == key)
            .map_or_else(|| Key::Other(key.to_owned()), Key::Known))
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

/// A model of something that Intercom answers.
macro_rules! answer {
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

            /// An answer that holds nothing but what every one of its kind has.
            #[allow(clippy::new_without_default)]
            pub fn new($($($required: impl Into<$rty>),*)?) -> Self {
                Self {
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                    extra: $crate::Attributes::new(),
                }
            }
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
                struct Fields;
                impl<'de> ::serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str(concat!("an object: ", stringify!($name)))
                    }

                    #[allow(unused_assignments, unused_mut, unused_variables)]
                    fn visit_map<A: ::serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        use $crate::model::{Key, KeyOf};
                        $($(let mut $required: Option<$rty> = None;)*)?
                        $($(let mut $optional: Option<$oty> = None;)*)?
                        let mut extra = $crate::Attributes::new();
                        while let Some(key) = map.next_key_seed(KeyOf($name::KEYS))? {
                            let at = match key {
                                Key::Known(at) => at,
                                Key::Other(name) => {
                                    extra.insert(name, map.next_value::<$crate::Value>()?);
                                    continue;
                                }
                            };
                            let mut position = 0;
                            $($(
                                if at == position {
                                    $required = Some(map.next_value()?);
                                    continue;
                                }
                                position += 1;
                            )*)?
                            $($(
                                if at == position {
                                    match $crate::model::read(&map.next_value::<Box<::serde_json::value::RawValue>>()?) {
                                        Ok(value) => $optional = Some(value),
                                        Err(value) => {
                                            extra.insert($name::KEYS[at], value);
                                        }
                                    }
                                    continue;
                                }
                                position += 1;
                            )*)?
                        }
                        Ok($name {
                            $($($required: $required.ok_or_else(|| {
                                <A::Error as ::serde::de::Error>::missing_field($crate::model::json_name!($required $($rname)?))
                            })?,)*)?
                            $($($optional,)*)?
                            extra,
                        })
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}
pub(crate) use answer;

/// The value as the type that it should have, or else as whatever it is.
pub(crate) fn read<T: serde::de::DeserializeOwned>(raw: &serde_json::value::RawValue) -> Result<T, crate::Value> {
    if raw.get() == "null" {
        return Err(crate::Value::Null);
    }
    // Any JSON text is a `Value`.
    serde_json::from_str(raw.get()).map_err(|_| serde_json::from_str(raw.get()).unwrap_or(crate::Value::Null))
}

/// A model of something that is sent to Intercom.
macro_rules! fields {
    (
        $(#[$doc:meta])*
        $name:ident {
            optional { $($(#[$odoc:meta])* $optional:ident: $oty:ty,)* }
            $(attributes { $($(#[$adoc:meta])* $attributes:ident,)* })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize, ::validator::Validate)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$odoc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$oty>,
            )*
            $($(
                $(#[$adoc])*
                #[serde(default, skip_serializing_if = "crate::Attributes::is_empty")]
                pub $attributes: $crate::Attributes,
            )*)?
        }

        impl $name {
            /// Nothing set.
            pub fn new() -> Self {
                Self::default()
            }

            /// Whether nothing is set.
            pub fn is_empty(&self) -> bool {
                $(self.$optional.is_none() &&)* $($(self.$attributes.is_empty() &&)*)? true
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*
                $($(if !self.$attributes.is_empty() {
                    shown.field(stringify!($attributes), &self.$attributes);
                })*)?
                shown.finish()
            }
        }
    };
}
pub(crate) use fields;

/// An enum of words that may grow: a word that is not known is kept.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A word that this crate does not know.
            Other(String),
        }

        impl $name {
            /// The word, as Intercom writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl ::serde::de::Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        Ok(text.into())
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }
    };
}
pub(crate) use open_enum;

/// Implements [`Operation`](crate::Operation): the path with its ids, where the body is, and the answer.
macro_rules! operation {
    ($request:ident: $method:ident $path:literal $([$($id:ident),+])?, body $body:ident: $bty:ty => $answer:ty) => {
        $crate::model::operation!(@ $request $method $path [$($($id)+)?] [fn body(&self) -> Option<&$bty> { Some(&self.$body) }] $bty, $answer);
    };
    ($request:ident: $method:ident $path:literal $([$($id:ident),+])?, body self => $answer:ty) => {
        $crate::model::operation!(@ $request $method $path [$($($id)+)?] [fn body(&self) -> Option<&Self> { Some(self) }] Self, $answer);
    };
    ($request:ident: $method:ident $path:literal $([$($id:ident),+])?, no body $(, query $query:ident)? => $answer:ty) => {
        $crate::model::operation!(@ $request $method $path [$($($id)+)?] [
            fn body(&self) -> Option<&$crate::operation::NoBody> { None }
            $(fn query(&self) -> Vec<(::std::borrow::Cow<'static, str>, String)> { self.$query() })?
        ] $crate::operation::NoBody, $answer);
    };
    (@ $request:ident $method:ident $path:literal [$($id:ident)*] [$($items:item)*] $bty:ty, $answer:ty) => {
        impl $crate::Operation for $request {
            type Body = $bty;
            type Answer = $answer;
            const ID: $crate::OperationId = $crate::OperationId::$request;
            const METHOD: $crate::Method = $crate::Method::$method;

            fn path(&self) -> ::std::borrow::Cow<'static, str> {
                $crate::model::operation!(@path self $path $($id)*)
            }

            $($items)*
        }
    };
    (@path $self:ident $path:literal) => {
        ::std::borrow::Cow::Borrowed($path)
    };
    (@path $self:ident $path:literal $($id:ident)+) => {
        ::std::borrow::Cow::Owned(format!($path, $($crate::operation::encode($self.$id.as_str())),+))
    };
}
pub(crate) use operation;

/// What an operation answers with an object in some cases and with nothing, or an empty object, in others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrEmpty<T>(pub Option<T>);

impl<T: serde::Serialize> serde::Serialize for OrEmpty<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        match &self.0 {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de, T: serde::de::DeserializeOwned> serde::Deserialize<'de> for OrEmpty<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if text == "null" || inside.is_some_and(|inside| inside.trim_ascii().is_empty()) {
            return Ok(Self(None));
        }
        serde_json::from_str(text)
            .map(|value| Self(Some(value)))
            .map_err(serde::de::Error::custom)
    }
}
