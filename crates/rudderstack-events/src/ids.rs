//! Identifiers, each a type of its own so that they cannot be mixed up.

use crate::field::{Field, FromRaw};
use crate::json::{Raw, Scalar};
use crate::owned::into_owned;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::{Borrow, Cow};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// SDKs send numbers for ids now and then; those are taken by their JSON text.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// Wraps the text of an id.
            pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
                Self(id.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same id, independent of the text that it was read from.
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }

            /// The text, given up.
            pub fn into_inner(self) -> Cow<'a, str> {
                self.0
            }
        }

        impl<'a> From<&'a str> for $name<'a> {
            fn from(id: &'a str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name<'_> {
            fn from(id: String) -> Self {
                Self::new(id)
            }
        }

        impl<'a> From<&'a str> for Field<'a, $name<'a>> {
            fn from(id: &'a str) -> Self {
                Self::from($name::new(id))
            }
        }

        impl From<String> for Field<'_, $name<'_>> {
            fn from(id: String) -> Self {
                Self::from($name::new(id))
            }
        }

        impl From<u64> for Field<'_, $name<'_>> {
            fn from(id: u64) -> Self {
                Self::from($name::from(id))
            }
        }

        impl From<$name<'_>> for Raw<'_> {
            fn from(id: $name<'_>) -> Self {
                id.0.into()
            }
        }

        impl<'a> From<Cow<'a, str>> for $name<'a> {
            fn from(id: Cow<'a, str>) -> Self {
                Self(id)
            }
        }

        impl From<$name<'_>> for String {
            fn from(id: $name<'_>) -> Self {
                id.0.into_owned()
            }
        }

        impl AsRef<str> for $name<'_> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<u64> for $name<'_> {
            fn from(id: u64) -> Self {
                Self::new(id.to_string())
            }
        }

        impl FromStr for $name<'_> {
            type Err = Infallible;
            fn from_str(id: &str) -> Result<Self, Infallible> {
                Ok(Self::new(id.to_owned()))
            }
        }

        impl Borrow<str> for $name<'_> {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name<'_> {
            fn eq(&self, other: &str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<&str> for $name<'_> {
            fn eq(&self, other: &&str) -> bool {
                self.0 == **other
            }
        }

        impl PartialEq<String> for $name<'_> {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        into_owned! { $name }

        impl<'de> Deserialize<'de> for $name<'_> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Raw::deserialize(deserializer)?;
                let id = $name::from_raw(&raw).map($name::into_owned);
                id.ok_or_else(|| Error::custom($name::EXPECTED))
            }
        }

        pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                let _: $name<'static> = exact_json::testing::anywhere(&"5f3".into());
            }
        }

        impl fmt::Debug for $name<'_> {
            // Ids of people are personal data.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl Serialize for $name<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'r> FromRaw<'r> for $name<'r> {
            const EXPECTED: &'static str = "an id: a string or a number";
            fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
                raw.scalar().map(Scalar::into_text).map(Self)
            }
        }
    )*};
}

ids! {
    /// `userId`: what the sender calls an identified person.
    UserId;
    /// `anonymousId`: what an SDK calls a person before they are identified.
    AnonymousId;
    /// `groupId`: what the sender calls a company, organisation or account.
    GroupId;
    /// `previousId` of an alias call: what the person was called before.
    PreviousId;
    /// `messageId`: unique for each event, set by the SDK or the gateway.
    MessageId;
}
