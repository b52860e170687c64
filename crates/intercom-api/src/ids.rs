//! Identifiers, each a type of its own so that they cannot be mixed up, and Intercom's time.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// An id's text, and whether it is written as a JSON number. Intercom writes the same id as a number in some places and
/// as a string in others; which of the two is kept for writing it back, and does not matter otherwise.
#[derive(Clone)]
struct IdText {
    text: String,
    is_number: bool,
}

impl From<String> for IdText {
    fn from(text: String) -> Self {
        Self { text, is_number: false }
    }
}

impl From<i64> for IdText {
    fn from(number: i64) -> Self {
        Self {
            text: number.to_string(),
            is_number: true,
        }
    }
}

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_number {
            // The text came from one of these two.
            if let Ok(number) = self.text.parse::<i64>() {
                return serializer.serialize_i64(number);
            }
            if let Ok(number) = self.text.parse::<u64>() {
                return serializer.serialize_u64(number);
            }
        }
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrInteger;
        impl serde::de::Visitor<'_> for StringOrInteger {
            type Value = IdText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a string or an integer")
            }

            fn visit_str<E>(self, id: &str) -> Result<IdText, E> {
                Ok(id.to_owned().into())
            }

            fn visit_string<E>(self, id: String) -> Result<IdText, E> {
                Ok(id.into())
            }

            fn visit_i64<E>(self, id: i64) -> Result<IdText, E> {
                Ok(id.into())
            }

            fn visit_u64<E>(self, id: u64) -> Result<IdText, E> {
                Ok(IdText {
                    text: id.to_string(),
                    is_number: true,
                })
            }
        }
        deserializer.deserialize_any(StringOrInteger)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(IdText);

        impl $name {
            /// Wraps the text of an identifier.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into().into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// The text, given up.
            pub fn into_string(self) -> String {
                self.0.text
            }

            /// Whether it is written as a JSON number, as Intercom wrote it or the caller made it.
            pub fn is_number(&self) -> bool {
                self.0.is_number
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        /// An id that is written as a JSON number.
        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id.into())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.as_str().cmp(other.as_str())
            }
        }
    )*};
}

macro_rules! debug_shown {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
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
    /// The id of a team of teammates.
    TeamId;
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
    /// The id of something whose kind stands beside it.
    ResourceId;
}

debug_shown! {
    ContactId CompanyId TagId AdminId TeamId SegmentId NoteId DataAttributeId SubscriptionTypeId VisitorId
    ConversationId TicketId ResourceId
}
// What the caller's system calls its people and companies may be an email address.
debug_hidden! { ExternalId CompanyExternalId }

/// A moment as Intercom writes it: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_kept_and_does_not_matter() {
        let text = r#"[154,"154",-3,18446744073709551615,"0154"]"#;
        let ids: Vec<TagId> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ids).unwrap(), text);
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[4]);
        assert!(ids[0].is_number() && !ids[1].is_number());
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!(serde_json::to_string(&AdminId::from(7)).unwrap(), "7");
    }

    #[test]
    fn only_strings_and_integers_are_ids() {
        for text in ["1.5", "true", "null", "{}", "[\"1\"]"] {
            assert!(serde_json::from_str::<TagId>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_the_caller_calls_its_people_is_not_shown() {
        assert_eq!(format!("{:?}", ExternalId::new("ada@example.org")), "ExternalId(..)");
        assert_eq!(format!("{:?}", ContactId::new("5f")), "ContactId(\"5f\")");
    }
}
