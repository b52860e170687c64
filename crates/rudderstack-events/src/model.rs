//! Objects with known parts.

use crate::field::{Field, Parsed};
use crate::json::Raw;
use crate::object::Object;
use crate::scan::{Cursor, Fault};

/// A JSON object with known parts, filled entry by entry.
pub(crate) trait Model<'a>: Default {
    /// Reads the value ahead if it belongs to a known key.
    fn take(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<bool, Fault>;
    /// Where the rest goes.
    fn extra(&mut self) -> &mut Object<'a>;

    /// Reads the object ahead.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let mut model = Self::default();
        model.fill(cursor)?;
        Ok(model)
    }

    /// The same in place: models are large, and moving them takes longer than reading a part.
    fn fill(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        cursor.object(|cursor, key| {
            if !self.take(&key, cursor)? {
                let value = Raw::of_valid(cursor.value()?);
                self.extra().collect(key, value);
            }
            Ok(())
        })?;
        self.extra().collected();
        Ok(())
    }
}

impl<'a> Model<'a> for Object<'a> {
    fn take(&mut self, _: &str, _: &mut Cursor<'a>) -> Result<bool, Fault> {
        Ok(false)
    }

    fn extra(&mut self) -> &mut Object<'a> {
        self
    }

    fn fill(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        self.read_into(cursor)
    }
}

/// Reads a part that is nearly always asked for in the same pass as its parent, so that its text is gone through once.
/// Something else than an object stays as it was received.
pub(crate) fn read_eagerly<'a, M: Model<'a>>(cursor: &mut Cursor<'a>) -> Result<Field<'a, M>, Fault> {
    match cursor.ahead() {
        Some(b'{') => {
            let start = cursor.ahead_at();
            let mut parsed = Box::new(Parsed::new(Raw::of_valid("null"), M::default()));
            parsed.value.fill(cursor)?;
            parsed.raw = Raw::of_valid(cursor.since(start));
            Ok(Field::Read(parsed))
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
        $crate::model::read_eagerly($cursor)?
    };
}
pub(crate) use read_part;

/// Reads an array of objects.
pub(crate) fn read_all<'r, M: Model<'r>>(raw: &'r Raw<'r>) -> Option<Vec<M>> {
    let mut items = Vec::new();
    let read = Cursor::new(raw.json()).array(|cursor| {
        items.push(M::read(cursor)?);
        Ok(())
    });
    read.is_ok().then_some(items)
}

/// Sets parts of a model in one expression.
macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {$(
        pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub fn [<with_ $field>](mut self, $field: impl Into<$kind>) -> Self {
                self.$field = $crate::Field::Set(Box::new($field.into()));
                self
            }
        }
    )*};
}
pub(crate) use setters;

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

            $crate::model::setters! { $($(#[$field_doc])* $field: $kind,)* }

            #[allow(dead_code, reason = "only some models are embedded in others")]
            pub(crate) fn serialize_into<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(if !self.$field.is_absent() {
                    map.serialize_entry($key, &self.$field)?;
                })*
                self.extra.serialize_into(map)
            }
        }

        impl<$a> $crate::model::Model<$a> for $name<$a> {
            fn take(&mut self, key: &str, cursor: &mut $crate::scan::Cursor<$a>) -> Result<bool, $crate::scan::Fault> {
                match key {
                    $($key => self.$field = $crate::model::read_part!(cursor $(, $eager)?),)*
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

        impl<$a> From<$name<$a>> for $crate::Object<$a> {
            /// The same entries, the known ones first. A part that was set to what JSON cannot hold is left out.
            fn from(model: $name<$a>) -> Self {
                let mut object = Self::new();
                $(if let Some(value) = model.$field.into_raw() {
                    object.push($key.into(), value);
                })*
                object.extend(model.extra);
                object
            }
        }

        impl<$a> From<$name<$a>> for $crate::Raw<$a> {
            fn from(model: $name<$a>) -> Self {
                $crate::Object::from(model).into()
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
                <$name<'_> as $crate::model::Model>::read(&mut $crate::scan::Cursor::new(raw.json()))
                    .map($name::into_owned)
                    .map_err(|_| serde::de::Error::custom("expected an object"))
            }
        }

        impl<'r> $crate::FromRaw<'r> for $name<'r> {
            const EXPECTED: &'static str = "an object";
            fn from_raw(raw: &'r $crate::Raw<'r>) -> Option<Self> {
                <Self as $crate::model::Model>::read(&mut $crate::scan::Cursor::new(raw.json())).ok()
            }
        }

        pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                let part = serde_json::json!([1.5, {"a": null}, "x"]);
                let sent = [$($key,)* "something else"].map(|key| (key, part.clone()));
                let _: $name<'static> = exact_json::testing::object(&sent.into_iter().collect());
            }
        }

        impl<'r> $crate::FromRaw<'r> for Vec<$name<'r>> {
            const EXPECTED: &'static str = "an array of objects";
            fn from_raw(raw: &'r $crate::Raw<'r>) -> Option<Self> {
                $crate::model::read_all(raw)
            }
        }
    )*};
}

pub(crate) use object_model;
