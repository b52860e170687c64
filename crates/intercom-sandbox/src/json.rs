//! Writing responses.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// `null`.
pub(crate) const NULL: Option<()> = None;

/// A JSON object that can be serialised, its keys in the order given: `object! { "type": "tag", "id": id }`.
///
/// An entry with a question mark, `"name"?: name`, is left out if there is no value. Nothing is allocated to write a response
/// but its text.
macro_rules! object {
    (@entries) => { $crate::json::End };
    (@entries $name:literal ?: $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::IfThere($name, $value, $crate::json::object!(@entries $($($rest)*)?))
    };
    (@entries $name:literal: $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::Entry($name, $value, $crate::json::object!(@entries $($($rest)*)?))
    };
    ($($entries:tt)*) => { $crate::json::Object($crate::json::object!(@entries $($entries)*)) };
}
pub(crate) use object;

/// The entries of an object, from the first.
pub(crate) struct Object<E>(pub(crate) E);

/// An entry, and those that come after it.
pub(crate) struct Entry<V, E>(pub(crate) &'static str, pub(crate) V, pub(crate) E);

/// An entry that is left out if there is no value, and those that come after it.
pub(crate) struct IfThere<V, E>(pub(crate) &'static str, pub(crate) Option<V>, pub(crate) E);

/// No more entries.
pub(crate) struct End;

pub(crate) trait Entries {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl Entries for End {
    fn write<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<V: Serialize, E: Entries> Entries for Entry<V, E> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(self.0, &self.1)?;
        self.2.write(map)
    }
}

impl<V: Serialize, E: Entries> Entries for IfThere<V, E> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(value) = &self.1 {
            map.serialize_entry(self.0, value)?;
        }
        self.2.write(map)
    }
}

impl<E: Entries> Serialize for Object<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write(&mut map)?;
        map.end()
    }
}

/// The JSON text of a value.
pub(crate) fn to_vec(value: &impl Serialize) -> Vec<u8> {
    // Writing to a vector cannot fail, and every map that is written has string keys.
    serde_json::to_vec(value).expect("what the sandbox answers is valid JSON")
}

/// An array that is made while it is written.
pub(crate) struct Seq<F>(pub(crate) F);

impl<F, I> Serialize for Seq<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
