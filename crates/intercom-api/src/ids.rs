//! Identifiers, each a type of its own so that they cannot be mixed up, and Intercom's time.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text of an identifier.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, given up.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdText).map(Self)
            }
        }
    )*};
}

macro_rules! debug_shown {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    )*};
}

macro_rules! debug_hidden {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

ids! {
    /// Intercom's own id of a contact, such as `63a07ddf05a32042dffac965`.
    ContactId;
    /// The id that the caller's system gives a contact: `external_id` of a contact, `user_id` of an event.
    ExternalId;
    /// Intercom's own id of a company.
    CompanyId;
    /// The id that the caller's system gives a company: `company_id`.
    CompanyExternalId;
    /// The id of a tag.
    TagId;
    /// The id of a teammate.
    AdminId;
    /// The id of a segment.
    SegmentId;
    /// The id of a note.
    NoteId;
    /// The id of a data attribute.
    DataAttributeId;
    /// The id of a subscription type.
    SubscriptionTypeId;
    /// The id of a visitor.
    VisitorId;
    /// The id of a conversation.
    ConversationId;
    /// The id of a ticket.
    TicketId;
}

debug_shown! { ContactId CompanyId TagId AdminId SegmentId NoteId DataAttributeId SubscriptionTypeId VisitorId ConversationId TicketId }
// What the caller's system calls its people and companies may be an email address.
debug_hidden! { ExternalId CompanyExternalId }

/// Reads an id that is written as a string or as an integer; Intercom does both.
struct IdText;

impl serde::de::Visitor<'_> for IdText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: a string or an integer")
    }

    fn visit_str<E>(self, id: &str) -> Result<String, E> {
        Ok(id.to_owned())
    }

    fn visit_string<E>(self, id: String) -> Result<String, E> {
        Ok(id)
    }

    fn visit_u64<E>(self, id: u64) -> Result<String, E> {
        Ok(id.to_string())
    }

    fn visit_i64<E>(self, id: i64) -> Result<String, E> {
        Ok(id.to_string())
    }
}

/// A moment as Intercom writes it: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
