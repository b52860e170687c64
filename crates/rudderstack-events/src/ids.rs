//! Identifiers, each a type of its own so that they cannot be mixed up.

use crate::field::{Field, FromRaw};
use crate::json::{Raw, Scalar};
use std::borrow::{Borrow, Cow};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// SDKs send numbers for ids now and then; those are taken by their JSON text.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// The text, given up.
            pub fn into_inner(self) -> Cow<'a, str> {
                self.0
            }
        }

        impl From<u64> for Field<'_, $name<'_>> {
            fn from(id: u64) -> Self {
                Self::from($name::from(id))
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

        $crate::wrapped::wrapped_text! { $name }

        pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                let _: $name<'static> = exact_json::testing::anywhere(&"5f3".into());
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
