//! Looking into JSON text without taking it apart.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The values under these keys of an object, as text, the last of a repeated key; `None` if it is not an object.
pub(crate) fn members<'a, const N: usize>(raw: &'a RawValue, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    if !raw.get().starts_with('{') {
        return None;
    }
    Members(names)
        .deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
        .ok()
}

/// The items of an array, as text; `None` if it is not an array.
pub(crate) fn items(raw: &RawValue) -> Option<Vec<&RawValue>> {
    if !raw.get().starts_with('[') {
        return None;
    }
    serde_json::from_str(raw.get()).ok()
}

/// The string, if it is one.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    string_of(raw.get())
}

/// The string with this JSON text, if it is one.
pub(crate) fn string_of(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    // A lone surrogate is the only string that is JSON and yet no text.
    serde_json::from_str(text).ok().map(Cow::Owned)
}

/// Whether the text of a key, quotes included, is `name`.
fn is_key(text: &str, name: &str) -> bool {
    match text.get(1..text.len() - 1) {
        Some(inner) if !inner.contains('\\') => inner == name,
        _ => serde_json::from_str::<String>(text).is_ok_and(|key| key == name),
    }
}

struct Members<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Members<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        // Keys are read as text too: one that is no string must not cost the others.
        while let Some(key) = map.next_key::<&RawValue>()? {
            match self.0.iter().position(|name| is_key(key.get(), name)) {
                Some(at) => found[at] = Some(map.next_value::<&RawValue>()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn members_are_slices_and_the_last_counts() {
        let object = raw(r#"{"a":1,"\ud800":2,"b":{"c":[ 1 ]},"\u0061":3,"d":null}"#);
        let [a, b, missing] = members(object, ["a", "b", "x"]).unwrap();
        assert_eq!(a.unwrap().get(), "3");
        assert_eq!(b.unwrap().get(), r#"{"c":[ 1 ]}"#);
        assert!(missing.is_none());
        assert!(members(raw("[1]"), ["a"]).is_none());
    }

    #[test]
    fn strings_and_arrays_are_read() {
        assert_eq!(string(raw(r#""a b""#)).unwrap(), "a b");
        assert_eq!(string(raw(r#""\u00fc\"""#)).unwrap(), "ü\"");
        assert!(string(raw("5")).is_none() && string(raw(r#""\ud800""#)).is_none());
        assert_eq!(items(raw("[1, [2]]")).unwrap().len(), 2);
        assert!(items(raw("{}")).is_none());
    }
}
