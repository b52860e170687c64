//! Identifiers, each a type of its own so that they cannot be mixed up.

use crate::field::FromRaw;
use crate::json::{Raw, Scalar};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

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
