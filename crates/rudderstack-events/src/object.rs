//! JSON objects whose entries stay text.

use crate::error::ParseError;
use crate::json::Raw;
use crate::owned::into_owned;
use crate::scan::{Cursor, Fault};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// A JSON object whose entries keep their order and their text.
///
/// A key that is written twice has its last value, as in JavaScript.
#[derive(Clone, Default)]
pub struct Object<'a> {
    entries: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// Of what classes the keys are. Most keys that are asked for are not there, and are not looked for then.
    classes: Classes,
}

impl<'a> Object<'a> {
    /// An empty object.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            classes: Classes(0),
        }
    }

    /// Reads an object from its JSON text, and borrows from it.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, is not an object, or is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub fn from_json(json: &'a str) -> Result<Self, ParseError> {
        Self::whole(json).map_err(|fault| ParseError::new(fault, json))
    }

    /// The object that is all of a text.
    pub(crate) fn whole(json: &'a str) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(json);
        let object = Self::read(&mut cursor)?;
        cursor.end()?;
        Ok(object)
    }

    /// These entries of the object that is all of a text.
    pub(crate) fn whole_of(json: &'a str, keys: &[&str]) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(json);
        let mut object = Self::new();
        cursor.object(|cursor, key| {
            let value = cursor.value()?;
            if keys.contains(&&*key) {
                object.insert(key, Raw::of_valid(value));
            }
            Ok(())
        })?;
        cursor.end()?;
        Ok(object)
    }

    /// Reads the object ahead.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let mut object = Self::new();
        object.read_into(cursor)?;
        Ok(object)
    }

    /// Reads the object ahead into this one, which is empty.
    pub(crate) fn read_into(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        cursor.object(|cursor, key| {
            self.collect(key, Raw::of_valid(cursor.value()?));
            Ok(())
        })?;
        self.collected();
        Ok(())
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
    pub fn get(&self, key: &str) -> Option<&Raw<'a>> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// The value under `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Raw<'a>> {
        self.position(key).map(|at| &mut self.entries[at].1)
    }

    /// Whether there is a value under `key`, be it `null`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// Sets `key`; a value that is there already is replaced in its place.
    pub fn insert(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Raw<'a>>) {
        let (key, value) = (key.into(), value.into());
        let class = Classes::of(&key);
        self.put(self.position_in(class, &key), class, key, value);
    }

    /// Replaces the value at a place, or adds an entry.
    #[inline]
    fn put(&mut self, place: Option<usize>, class: Classes, key: Cow<'a, str>, value: Raw<'a>) {
        match place {
            Some(at) => self.entries[at].1 = value,
            None => self.push_in(class, key, value),
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.position_in(Classes::of(key), key)
    }

    #[inline]
    fn position_in(&self, class: Classes, key: &str) -> Option<usize> {
        if !self.classes.hold(class) {
            return None;
        }
        self.entries.iter().position(|(name, _)| name == key)
    }

    /// Adds the entries of `other` whose keys are not there yet, and says whether there were any.
    pub fn fill(&mut self, other: &Object<'a>) -> bool {
        let before = self.len();
        if before <= FEW {
            let missing = other.entries.iter().filter(|(key, _)| self.position(key).is_none());
            let missing: Vec<_> = missing.cloned().collect();
            self.entries.extend(missing);
        } else {
            let own: HashSet<Cow<'a, str>> = self.entries.iter().map(|(key, _)| key.clone()).collect();
            self.entries
                .extend(other.entries.iter().filter(|(key, _)| !own.contains(key)).cloned());
        }
        self.classes.join(other.classes);
        self.len() > before
    }

    /// Takes an entry out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Raw<'a>> {
        let at = self.position(key)?;
        Some(self.entries.remove(at).1)
    }

    /// The object's JSON text: every value as it was written.
    pub fn to_json(&self) -> String {
        let length = |(key, value): &(Cow<'_, str>, Raw<'_>)| key.len() + value.json().len() + 4;
        let mut json = String::with_capacity(self.entries.iter().map(length).sum::<usize>() + 2);
        json.push('{');
        for (key, value) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            exact_json::quote(key, |part| json.push_str(part));
            json.push(':');
            json.push_str(value.json());
        }
        json.push('}');
        json
    }

    /// The same with `key` set, for building an object in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Raw<'a>>) -> Self {
        self.insert(key, value);
        self
    }

    /// The same object, borrowed.
    pub fn borrow(&self) -> Object<'_> {
        Object {
            entries: self.iter().map(|(key, value)| (key.into(), value.borrow())).collect(),
            classes: self.classes,
        }
    }

    /// The same object, independent of the text that it was read from.
    pub fn into_owned(self) -> Object<'static> {
        let owned = |(key, value): (Cow<'a, str>, Raw<'a>)| (Cow::Owned(key.into_owned()), value.into_owned());
        Object {
            entries: self.entries.into_iter().map(owned).collect(),
            classes: self.classes,
        }
    }

    /// The entries, in order, to change their values.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Raw<'a>)> {
        self.into_iter()
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Raw<'a>)> {
        self.entries.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

into_owned! { Object }

impl<'a> From<Object<'a>> for Raw<'a> {
    fn from(object: Object<'a>) -> Self {
        Self(Cow::Owned(object.to_json()))
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Raw<'a>>> Extend<(K, V)> for Object<'a> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'o, 'a> IntoIterator for &'o Object<'a> {
    type Item = (&'o str, &'o Raw<'a>);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'o, (Cow<'a, str>, Raw<'a>)>,
        fn(&'o (Cow<'a, str>, Raw<'a>)) -> (&'o str, &'o Raw<'a>),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

impl<'o, 'a> IntoIterator for &'o mut Object<'a> {
    type Item = (&'o str, &'o mut Raw<'a>);
    type IntoIter = std::iter::Map<
        std::slice::IterMut<'o, (Cow<'a, str>, Raw<'a>)>,
        fn(&'o mut (Cow<'a, str>, Raw<'a>)) -> (&'o str, &'o mut Raw<'a>),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter_mut().map(|entry| (entry.0.as_ref(), &mut entry.1))
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Raw<'a>>, const N: usize> From<[(K, V); N]> for Object<'a> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<'a> std::ops::Index<&str> for Object<'a> {
    type Output = Raw<'a>;

    /// The value under `key`; `null` if there is none.
    fn index(&self, key: &str) -> &Raw<'a> {
        self.get(key).unwrap_or(&Raw(Cow::Borrowed("null")))
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Raw<'a>>> FromIterator<(K, V)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        object.extend(entries);
        object
    }
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        self.serialize_into(&mut map)?;
        map.end()
    }
}

impl Object<'_> {
    pub(crate) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
    }
}

impl<'de> Deserialize<'de> for Object<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        raw.as_object().ok_or_else(|| Error::custom("expected an object"))
    }
}

pub(crate) fn items<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Raw<'a>>, Fault> {
    let mut items = Vec::new();
    cursor.array(|cursor| {
        items.push(Raw::of_valid(cursor.value()?));
        Ok(())
    })?;
    Ok(items)
}

/// For so many entries there is room from the first on, so that most objects never have to move.
const SOME: usize = 8;

/// Up to this many entries, a repeated key is found by looking at one after the other.
const FEW: usize = 32;

/// Of what classes the keys of an object are, of 64 classes. A key whose class is missing is not there.
#[derive(Clone, Copy, Default)]
struct Classes(u64);

impl Classes {
    fn of(key: &str) -> Self {
        let bytes = key.as_bytes();
        let ends = [bytes.first(), bytes.last()].map(|byte| byte.copied().map_or(0, usize::from));
        Self(1 << ((ends[0] + 7 * ends[1] + 31 * bytes.len()) % 64))
    }

    /// Whether a key of this class may be there.
    fn hold(self, class: Self) -> bool {
        self.0 & class.0 != 0
    }

    fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl<'a> Object<'a> {
    /// Takes in the next entry that is read; [`collected`](Self::collected) must follow the last one.
    #[inline]
    pub(crate) fn collect(&mut self, key: Cow<'a, str>, value: Raw<'a>) {
        let class = Classes::of(&key);
        let place = (self.len() < FEW).then(|| self.position_in(class, &key)).flatten();
        self.put(place, class, key, value);
    }

    pub(crate) fn collected(&mut self) {
        if self.len() > FEW {
            self.drop_repeats();
        }
    }

    /// Adds an entry whose key is known not to be there yet.
    pub(crate) fn push(&mut self, key: Cow<'a, str>, value: Raw<'a>) {
        self.push_in(Classes::of(&key), key, value);
    }

    /// Puts an entry whose key is known not to be there yet at a place, or at the end if that is before it.
    pub(crate) fn place(&mut self, at: usize, key: Cow<'a, str>, value: Raw<'a>) {
        self.classes.join(Classes::of(&key));
        self.entries.insert(at.min(self.entries.len()), (key, value));
    }

    #[inline]
    fn push_in(&mut self, class: Classes, key: Cow<'a, str>, value: Raw<'a>) {
        if self.entries.capacity() == 0 {
            self.entries = Vec::with_capacity(SOME);
        }
        self.classes.join(class);
        self.entries.push((key, value));
    }

    /// Leaves the last value of every key, in the place of its first.
    fn drop_repeats(&mut self) {
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(self.entries.len());
        let mut kept: Vec<(Cow<'a, str>, Raw<'a>)> = Vec::with_capacity(self.entries.len());
        for (key, value) in self.entries.drain(..) {
            match places.entry(key) {
                Entry::Occupied(place) => kept[*place.get()].1 = value,
                Entry::Vacant(place) => {
                    kept.push((place.key().clone(), value));
                    place.insert(kept.len() - 1);
                }
            }
        }
        self.entries = kept;
    }
}

impl<'a> Raw<'a> {
    /// The entries, if it is an object, for as long as the text lives that the value was read from.
    ///
    /// Of a value that is not borrowed they are copies: see [`borrow`](Self::borrow).
    pub fn as_object(&self) -> Option<Object<'a>> {
        match &self.0 {
            Cow::Borrowed(json) => Object::read(&mut Cursor::new(json)).ok(),
            Cow::Owned(_) => self.borrow().as_object().map(Object::into_owned),
        }
    }

    /// The items, if it is an array, for as long as the text lives that the value was read from.
    ///
    /// Of a value that is not borrowed they are copies: see [`borrow`](Self::borrow).
    pub fn as_array(&self) -> Option<Vec<Raw<'a>>> {
        match &self.0 {
            Cow::Borrowed(json) => items(&mut Cursor::new(json)).ok(),
            Cow::Owned(_) => {
                let items = self.borrow().as_array()?;
                Some(items.into_iter().map(Raw::into_owned).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests;
