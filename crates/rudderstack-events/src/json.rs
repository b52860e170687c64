//! JSON kept as text until somebody asks for its value.
//!
//! An event is mostly passed on, not looked at. So its parts are slices of the line they came from: reading an event
//! copies nothing, writing it back gives the same text, and numbers of any length stay exact.

use crate::field::Model;
use crate::scan::{Cursor, Fault};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{self, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

/// What sort of JSON value something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One JSON value, as the text it was written as.
///
/// `Debug` shows the kind only: values are personal data.
#[derive(Clone)]
pub struct Raw<'a>(Cow<'a, str>);

impl<'a> Raw<'a> {
    /// The JSON text of any serialisable value, or `None` if it cannot be written as JSON.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Option<Raw<'static>> {
        serde_json::to_string(value).ok().map(|json| Raw(Cow::Owned(json)))
    }

    /// A text that is known to be one JSON value, without white space around it.
    pub(crate) const fn of_valid(json: &'a str) -> Self {
        Self(Cow::Borrowed(json))
    }

    /// The JSON text, without white space around it.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// What sort of value it is.
    pub fn kind(&self) -> Kind {
        kind_of(self.json())
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value, if it is a string, a number or a boolean.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        let json = self.json();
        match kind_of(json) {
            Kind::String => Some(Scalar::String(string_of(json))),
            Kind::Number => Some(Scalar::Number(json)),
            Kind::Boolean => Some(Scalar::Boolean(json == "true")),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The value, if it is a string.
    pub fn string(&self) -> Option<Cow<'_, str>> {
        (self.kind() == Kind::String).then(|| string_of(self.json()))
    }

    /// The entries, if it is an object.
    pub fn object(&self) -> Option<Object<'_>> {
        Object::read(&mut Cursor::new(self.json())).ok()
    }

    /// The items, if it is an array.
    pub fn array(&self) -> Option<Vec<Raw<'_>>> {
        items(&mut Cursor::new(self.json())).ok()
    }

    /// The entries, if it is an object, for as long as the text lives that the value was read from.
    pub fn into_object(self) -> Option<Object<'a>> {
        match self.0 {
            Cow::Borrowed(json) => Object::read(&mut Cursor::new(json)).ok(),
            Cow::Owned(_) => self.object().map(Object::into_owned),
        }
    }

    /// The items, if it is an array, for as long as the text lives that the value was read from.
    pub fn into_array(self) -> Option<Vec<Raw<'a>>> {
        match self.0 {
            Cow::Borrowed(json) => items(&mut Cursor::new(json)).ok(),
            Cow::Owned(_) => self
                .array()
                .map(|items| items.into_iter().map(Raw::into_owned).collect()),
        }
    }

    /// The same value, borrowed.
    pub fn borrow(&self) -> Raw<'_> {
        Raw(Cow::Borrowed(&self.0))
    }

    /// The same value, independent of the text that it was read from.
    pub fn into_owned(self) -> Raw<'static> {
        Raw(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Cow::Borrowed(raw.get()))
    }
}

impl From<Box<RawValue>> for Raw<'_> {
    fn from(raw: Box<RawValue>) -> Self {
        Self(Cow::Owned(Box::<str>::from(raw).into_string()))
    }
}

macro_rules! raw_from {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Raw<'_> {
            fn from(value: $kind) -> Self {
                Raw::from_serialize(&value).expect("a scalar can always be written as JSON")
            }
        }
    )*};
}

raw_from! { &str String bool i64 u64 i32 u32 }

impl PartialEq for Raw<'_> {
    /// Whether the text is the same.
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.kind())
    }
}

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// A value that a mapping can use as it is: neither null, nor absent, nor nested.
#[derive(Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, with its escapes resolved.
    String(Cow<'a, str>),
    /// The JSON text of a number.
    Number(&'a str),
    /// A boolean.
    Boolean(bool),
}

impl<'a> Scalar<'a> {
    /// The string, or the JSON text of the number or boolean.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::String(text) => text,
            Self::Number(text) => Cow::Borrowed(text),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
        }
    }
}

impl fmt::Debug for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String(_) => "<string>",
            Self::Number(_) => "<number>",
            Self::Boolean(_) => "<boolean>",
        })
    }
}

/// A JSON object whose entries keep their order and their text.
///
/// A key that is written twice has its last value, as in JavaScript.
#[derive(Clone, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Object<'a> {
    /// An empty object.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Raw<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets `key`; a value that is there already is replaced in its place.
    pub fn insert(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Raw<'a>>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((key, value)),
        }
    }

    /// The same with `key` set, for building an object in one expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Raw<'a>>) -> Self {
        self.insert(key, value);
        self
    }

    /// The same object, independent of the text that it was read from.
    pub fn into_owned(self) -> Object<'static> {
        let owned = |(key, value): (Cow<'a, str>, Raw<'a>)| (Cow::Owned(key.into_owned()), value.into_owned());
        Object(self.0.into_iter().map(owned).collect())
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Raw<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Raw<'a>>> FromIterator<(K, V)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
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

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Object::read(&mut Cursor::new(raw.get())).map_err(|_| Error::custom("expected an object"))
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

/// Up to this many entries, a repeated key is found by looking at one after the other.
const FEW: usize = 32;

/// Which keys an object may have already, while it is read: a bit for each of 64 classes of keys.
///
/// Most objects have few keys, so most keys are the first of their class and need not be looked for.
#[derive(Default)]
pub(crate) struct SeenKeys(u64);

impl SeenKeys {
    /// Takes the key in, and says whether it may be a repeated one.
    fn may_repeat(&mut self, key: &str) -> bool {
        let bytes = key.as_bytes();
        let ends = [bytes.first(), bytes.last()].map(|byte| byte.copied().map_or(0, usize::from));
        let class = 1 << ((ends[0] + 7 * ends[1] + 31 * bytes.len()) % 64);
        let seen = self.0 & class != 0;
        self.0 |= class;
        seen
    }
}

impl<'a> Object<'a> {
    /// Takes in the next entry that is read; [`collected`](Self::collected) must follow the last one.
    pub(crate) fn collect(&mut self, key: Cow<'a, str>, value: Raw<'a>, seen: &mut SeenKeys) {
        if seen.may_repeat(&key) && self.len() < FEW {
            self.insert(key, value);
        } else {
            self.0.push((key, value));
        }
    }

    pub(crate) fn collected(&mut self) {
        if self.len() > FEW {
            self.drop_repeats();
        }
    }

    /// Adds an entry whose key is known not to be there yet.
    pub(crate) fn push(&mut self, key: Cow<'a, str>, value: Raw<'a>) {
        self.0.push((key, value));
    }

    /// Takes an entry out, keeping the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Raw<'a>> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// Leaves the last value of every key, in the place of its first.
    fn drop_repeats(&mut self) {
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(self.0.len());
        let mut kept: Vec<(Cow<'a, str>, Raw<'a>)> = Vec::with_capacity(self.0.len());
        for (key, value) in self.0.drain(..) {
            match places.entry(key) {
                Entry::Occupied(place) => kept[*place.get()].1 = value,
                Entry::Vacant(place) => {
                    kept.push((place.key().clone(), value));
                    place.insert(kept.len() - 1);
                }
            }
        }
        self.0 = kept;
    }
}

/// The kind of the value with this JSON text.
fn kind_of(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'"') => Kind::String,
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// The string with this JSON text. A lone surrogate, which JavaScript can write and Rust cannot hold, becomes U+FFFD.
pub(crate) fn string_of(json: &str) -> Cow<'_, str> {
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    if !inner.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    Cow::Owned(serde_json::from_str(json).unwrap_or_else(|_| unescape(inner)))
}

fn unescape(inner: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        let plain = match next {
            '\\' => match rest.next() {
                Some('u') => {
                    let code = rest.as_str().get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                    units.push(code.unwrap_or(0xFFFD));
                    rest = rest.as_str().get(4..).unwrap_or_default().chars();
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => char::REPLACEMENT_CHARACTER,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

/// Whether arrays and objects are nested in this text to at most `limit` levels.
///
/// The text need not be valid JSON; what stands in strings does not count.
pub fn depth_within(json: &str, limit: usize) -> bool {
    let bytes = json.as_bytes();
    // Counting openers is so much cheaper than following strings that nearly every event ends here.
    openers(bytes) <= limit || exact_depth_within(bytes, limit)
}

/// How many opening brackets and braces there are. Counted in bytes, chunk by chunk, so that it becomes vector code.
fn openers(bytes: &[u8]) -> usize {
    let count = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>();
    bytes
        .chunks(usize::from(u8::MAX))
        .map(|chunk| usize::from(count(chunk)))
        .sum()
}

fn exact_depth_within(bytes: &[u8], limit: usize) -> bool {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for &byte in bytes {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests;
