//! Any JSON whatever.

use proptest::prelude::*;
use std::fmt;

/// A JSON value whose objects keep their order, and may repeat a key, and whose numbers are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text of a number.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object of these entries.
    pub fn object<K: Into<String>, V: Into<Json>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entry = |(key, value): (K, V)| (key.into(), value.into());
        Self::Object(entries.into_iter().map(entry).collect())
    }

    /// The entries, if it is an object.
    pub fn entries(&self) -> &[(String, Json)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// The value under `key`; the last one, as JavaScript has it, if there are several.
    pub fn get(&self, key: &str) -> Option<&Json> {
        let mut entries = self.entries().iter().rev();
        entries.find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Sets the value at the end of a path of keys, and makes objects of whatever else is on the way.
    pub fn set(&mut self, path: &[&str], value: impl Into<Json>) {
        let Some((key, rest)) = path.split_first() else {
            *self = value.into();
            return;
        };
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(entries) = self else { return };
        let at = entries.iter().rposition(|(name, _)| name == key).unwrap_or_else(|| {
            entries.push(((*key).to_owned(), Self::Null));
            entries.len() - 1
        });
        entries[at].1.set(rest, value);
    }

    /// The same with the value at the end of a path set.
    #[must_use]
    pub fn with(mut self, path: &[&str], value: impl Into<Json>) -> Self {
        self.set(path, value);
        self
    }

    /// Takes every value under `key` out, if it is an object.
    pub fn remove(&mut self, key: &str) {
        if let Self::Object(entries) = self {
            entries.retain(|(name, _)| name != key);
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl fmt::Display for Json {
    /// Writes the JSON text, without white space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => write_string(f, text),
            Self::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    fmt::Display::fmt(item, f)?;
                }
                f.write_str("]")
            }
            Self::Object(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    write_string(f, key)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// The text of a number: whole ones beyond 2^53, trailing zeros, exponents and negative zero among them.
pub fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<i32>().prop_map(|number| number.to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => (any::<i32>(), "[0-9]{1,6}").prop_map(|(whole, fraction)| format!("{whole}.{fraction}")),
        1 => "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        1 => Just("-0".to_owned()),
    ]
}

/// Any text: plain words, all of Unicode, and what looks like another type of value.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 _.,@+:/-]{0,24}",
        2 => any::<String>(),
        1 => "\\PC{0,8}[\\\\\"\u{0}-\u{1f}\u{2028}\u{fffd}]{0,3}\\PC{0,8}",
        1 => number(),
        1 => prop::sample::select(vec!["", " ", "true", "False", "null", "0x1F", "NaN", "2024-01-05", "__proto__"])
            .prop_map(str::to_owned),
    ]
}

/// Any string, number, boolean or null.
pub fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => text().prop_map(Json::String),
        3 => number().prop_map(Json::Number),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => Just(Json::Null),
    ]
}

/// Any value: nested up to four levels, empty objects and repeated keys included.
pub fn json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((key(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

/// A key: mostly one that events have.
fn key() -> impl Strategy<Value = String> {
    let known = [
        "type",
        "userId",
        "anonymousId",
        "context",
        "traits",
        "properties",
        "integrations",
        "event",
        "groupId",
        "id",
        "email",
        "name",
        "company",
        "amount",
        "currency",
        "url",
        "value",
        "externalId",
        "fields",
        "identifiers",
    ];
    prop_oneof![
        3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        2 => "[a-z_]{1,3}",
        1 => text(),
    ]
}
