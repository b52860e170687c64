//! Identifiers, each a type of its own so that they cannot be mixed up.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

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

impl IdText {
    fn number(number: impl fmt::Display) -> Self {
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
                Ok(IdText::number(id))
            }

            fn visit_u64<E>(self, id: u64) -> Result<IdText, E> {
                Ok(IdText::number(id))
            }
        }
        deserializer.deserialize_any(StringOrInteger)
    }
}

/// Ids that are written as JSON numbers.
macro_rules! numbers {
    ($name:ident: $($kind:ident)*) => {$(
        /// An id that is written as a JSON number.
        impl From<$kind> for $name {
            fn from(id: $kind) -> Self {
                Self(IdText::number(id))
            }
        }
    )*};
}

/// What every kind of id has.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Serialize)]
        #[serde(transparent)]
        pub struct $name(IdText);

        impl $name {
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

        numbers! { $name: i32 u32 i64 u64 }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.into_string()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        $crate::json::equals_text! { $name: str, &str, String }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
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

/// Ids that are any text.
macro_rules! any_text {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        ids! { $($(#[$doc])* $name;)* }

        $(
            impl $name {
                /// Wraps the text of an identifier.
                pub fn new(id: impl Into<String>) -> Self {
                    Self(id.into().into())
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

            impl FromStr for $name {
                type Err = Infallible;

                fn from_str(id: &str) -> Result<Self, Infallible> {
                    Ok(id.into())
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    IdText::deserialize(deserializer).map(Self)
                }
            }
        )*
    };
}

/// An id is empty, `.` or `..`. Intercom has no such id, and in a path it would lead elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

// By hand: the only error of this crate that could be derived is not worth a dependency.
impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id of Intercom is not empty, and is neither . nor ..")
    }
}

impl std::error::Error for InvalidId {}

impl InvalidId {
    /// The stable `snake_case` name.
    pub const fn code(self) -> &'static str {
        "invalid_id"
    }

    /// Never.
    pub const fn is_retryable(self) -> bool {
        false
    }
}

/// Intercom's ids that stand in paths. Each is checked when it is made or read, so that no call can lead to another path
/// than that of its operation.
macro_rules! path_segments {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        ids! { $($(#[$doc])* $name;)* }

        $(
            impl $name {
                fn checked(id: IdText) -> Result<Self, InvalidId> {
                    match id.text.as_str() {
                        "" | "." | ".." => Err(InvalidId),
                        _ => Ok(Self(id)),
                    }
                }
            }

            impl TryFrom<&str> for $name {
                type Error = InvalidId;

                fn try_from(id: &str) -> Result<Self, InvalidId> {
                    Self::checked(id.to_owned().into())
                }
            }

            impl TryFrom<String> for $name {
                type Error = InvalidId;

                fn try_from(id: String) -> Result<Self, InvalidId> {
                    Self::checked(id.into())
                }
            }

            impl FromStr for $name {
                type Err = InvalidId;

                fn from_str(id: &str) -> Result<Self, InvalidId> {
                    id.try_into()
                }
            }

            impl PathSegment for $name {
                fn as_segment(&self) -> &str {
                    self.as_str()
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Self::checked(IdText::deserialize(deserializer)?).map_err(serde::de::Error::custom)
                }
            }
        )*
    };
}

/// What can stand in a path: no text that others would fold.
pub(crate) trait PathSegment {
    /// The text, not encoded.
    fn as_segment(&self) -> &str;
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

path_segments! {
    /// Intercom's own id of a contact, such as `63a07ddf05a32042dffac965`.
    ContactId;
    /// Intercom's own id of a company.
    CompanyId;
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
    /// The id of a conversation.
    ConversationId;
    /// The id of a ticket.
    TicketId;
    /// An [`ExternalId`] that can stand in a path, as few cannot.
    ExternalIdInPath;
}

any_text! {
    /// The id that the caller's system gives a contact: `external_id` of a contact, `user_id` of an event.
    ExternalId;
    /// The id that the caller's system gives a company: `company_id`.
    CompanyExternalId;
    /// The id of a team of teammates.
    TeamId;
    /// The id of a visitor.
    VisitorId;
    /// The id of something whose kind stands beside it.
    ResourceId;
}

debug_shown! {
    ContactId CompanyId TagId AdminId TeamId SegmentId NoteId DataAttributeId SubscriptionTypeId VisitorId
    ConversationId TicketId ResourceId
}
// What the caller's system calls its people and companies may be an email address.
debug_hidden! { ExternalId ExternalIdInPath CompanyExternalId }

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
    fn an_id_that_would_lead_elsewhere_is_none() {
        for text in ["", ".", ".."] {
            assert_eq!(ContactId::try_from(text), Err(InvalidId), "{text:?}");
            assert!(text.parse::<CompanyId>().is_err(), "{text:?}");
            assert!(serde_json::from_value::<TagId>(text.into()).is_err(), "{text:?}");
            assert_eq!(ExternalId::from(text).as_str(), text);
        }
        assert_eq!("...".parse::<ContactId>().unwrap().as_str(), "...");
    }

    #[test]
    fn what_the_caller_calls_its_people_is_not_shown() {
        assert_eq!(format!("{:?}", ExternalId::new("ada@example.org")), "ExternalId(..)");
        assert_eq!(format!("{:?}", ContactId::try_from("5f").unwrap()), "ContactId(\"5f\")");
    }
}
