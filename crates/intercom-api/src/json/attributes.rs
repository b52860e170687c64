//! Ordered objects.

use super::{AttributeName, Value};
use exact_json::WriteJson;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::HashMap;
use std::fmt;

/// With so many entries, looking for a key from the front costs more than keeping an index.
const INDEXED_FROM: usize = 32;

/// An ordered JSON object: custom attributes, event metadata, and the fields of a response that this crate has no name for.
///
/// Keys keep their order. Setting a key that is there already replaces its value in place. Equality goes by the order too.
#[derive(Clone, Default)]
pub struct Attributes {
    entries: Vec<(AttributeName, Value)>,
    /// Where each key is, once there are many. Whoever changes the positions drops it.
    // Boxed, because every `Value` has room for one of these.
    #[allow(clippy::box_collection)]
    index: Option<Box<HashMap<AttributeName, usize>>>,
}

impl Attributes {
    /// An empty object.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: None,
        }
    }

    /// An empty object with room for so many entries.
    pub fn with_capacity(entries: usize) -> Self {
        Self {
            entries: Vec::with_capacity(entries),
            index: None,
        }
    }

    /// Entries whose keys are known to be distinct, without looking at them.
    pub fn from_distinct(entries: Vec<(AttributeName, Value)>) -> Self {
        Self { entries, index: None }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// Sets `key`, and gives back the value that it replaces.
    pub fn insert(&mut self, key: impl Into<AttributeName>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if self.index.is_none() && self.entries.len() >= INDEXED_FROM {
            self.index = Some(Box::new(
                self.entries.iter().map(|(name, _)| name.clone()).zip(0..).collect(),
            ));
        }
        match self.position(&key) {
            Some(at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            None => {
                self.push(key, value);
                None
            }
        }
    }

    /// Adds an entry whose key is known not to be there yet, without looking for it.
    pub fn push_new(&mut self, key: impl Into<AttributeName>, value: impl Into<Value>) {
        let key = key.into();
        debug_assert!(self.get(&key).is_none());
        self.push(key, value.into());
    }

    /// Takes the entry out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key)?;
        self.index = None;
        Some(self.entries.remove(at).1)
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The entries, in order, to change their values.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.entries.iter_mut().map(|entry| (entry.0.as_str(), &mut entry.1))
    }

    /// The same with `key` set, for building an object in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<AttributeName>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(name, _)| name.as_str() == key),
        }
    }

    fn push(&mut self, key: AttributeName, value: Value) {
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, value));
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Attributes {}

/// The entries, given up in order.
impl IntoIterator for Attributes {
    type Item = (AttributeName, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K: Into<AttributeName>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        object.extend(entries);
        object
    }
}

impl<K: Into<AttributeName>, V: Into<Value>> Extend<(K, V)> for Attributes {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Into<AttributeName>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Attributes {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl std::ops::Index<&str> for Attributes {
    type Output = Value;

    /// The value under `key`; `null` if there is none.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = (&'a str, &'a Value);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (AttributeName, Value)>,
        fn(&'a (AttributeName, Value)) -> (&'a str, &'a Value),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl WriteJson for Attributes {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (key, value)) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            key.write_json(out);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Attributes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut object = Attributes::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    object.insert(key, value);
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: i64) -> Attributes {
        (0..count).map(|n| (format!("k{n}"), n)).collect()
    }

    #[test]
    fn many_entries_behave_like_few() {
        for count in [3, 200] {
            let mut object = numbered(count);
            assert_eq!(object.insert("k1", true), Some(Value::from(1)));
            assert_eq!(object.remove("k0"), Some(Value::from(0)));
            assert_eq!(object.remove("k0"), None);
            object.push_new("new", "x");
            assert_eq!(object.insert("k2", 0), Some(Value::from(2)));
            assert_eq!(object.insert("new", "y"), Some(Value::from("x")));
            assert_eq!(object.insert("k0", 9), None);
            assert_eq!(object.len() as i64, count + 1);
            assert_eq!(object.keys().next(), Some("k1"));
            assert_eq!(object.keys().last(), Some("k0"));
            assert_eq!(object.get("k1"), Some(&Value::Bool(true)));
            assert_eq!(object.clone().into_iter().count() as i64, count + 1);
        }
    }

    #[test]
    fn how_it_was_made_does_not_matter() {
        let mut pushed = Attributes::new();
        for n in 0..100i64 {
            pushed.push_new(format!("k{n}"), n);
        }
        assert_eq!(pushed, numbered(100));
        assert_ne!(pushed, numbered(99));
    }
}
