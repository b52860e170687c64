//! The names of attributes.

use smol_str::SmolStr;
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

/// The key of an entry of [`Attributes`](super::Attributes). One of up to 23 bytes, which nearly all are, is kept in its place,
/// so that making and copying it costs next to nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeName(SmolStr);

impl AttributeName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a text of its own.
    pub fn into_string(self) -> String {
        self.0.into()
    }
}

impl Deref for AttributeName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for AttributeName {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// Compares a type that is a text with others.
macro_rules! equals_text {
    ($name:ident: $($text:ty),+) => {$(
        impl PartialEq<$text> for $name {
            fn eq(&self, other: &$text) -> bool {
                self.as_str() == AsRef::<str>::as_ref(other)
            }
        }
    )+};
}
pub(crate) use equals_text;

equals_text! { AttributeName: str, &str }

impl From<&str> for AttributeName {
    fn from(name: &str) -> Self {
        Self(SmolStr::new(name))
    }
}

impl From<String> for AttributeName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<&String> for AttributeName {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl From<Cow<'_, str>> for AttributeName {
    fn from(name: Cow<'_, str>) -> Self {
        Self(name.into())
    }
}

impl From<AttributeName> for String {
    fn from(name: AttributeName) -> Self {
        name.into_string()
    }
}
