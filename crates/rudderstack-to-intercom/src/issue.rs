//! What can be wrong with an event: warnings, which cost a value, and rejections, which cost the event.

use serde::{Deserialize, Serialize};
use std::fmt;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $text:literal])+ $variant:ident => $advice:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $text])+ $variant,)*
        }

        impl $name {
            /// The stable `snake_case` name.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    // A doc comment's text starts with a space.
                    $(Self::$variant => concat!($($text),+).trim_ascii(),)*
                }
            }

            /// What to do about it, in a sentence.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$variant => $advice,)*
                }
            }
        }
    };
}

codes! {
    /// Why a value was left out, or what the caller should know.
    WarningCode {
        /// A value is of the wrong kind, such as an object where a text is expected.
        MalformedValue => "Send a plain value at this place; the next place in order was used instead.",
        /// A value cannot be read as a date.
        InvalidDate => "Send an ISO 8601 date, or Unix seconds.",
        /// A date is before 1970 or after 9999.
        DateOutOfRange => "Send a date from 1970 on, in seconds or milliseconds, or leave it out.",
        /// A value cannot be read as a number.
        InvalidNumber => "Send a number.",
        /// A value is not a whole number, or not one of 64 bits, and Intercom takes only these here.
        NotAnInteger => "Send a whole number.",
        /// An amount is greater than Intercom takes.
        TooLarge => "Send an amount of at most 2147483647.",
        /// A value cannot be read as a boolean.
        InvalidBoolean => "Send true or false.",
        /// A role is neither `user` nor `lead`.
        InvalidRole => "Send user or lead, or leave the role out.",
        /// An avatar is neither the address of an image nor an object with one.
        InvalidImageUrl => "Send the address of the image as a string.",
        /// An `id` beside a user id or an email is not of the form of Intercom's contact ids; it is left out.
        IdNotAContact => "Nothing, or rename the property; the event is sent under its user id or email.",
        /// An event has more than 10 metadata keys; Intercom keeps the first 10.
        TooManyMetadataKeys => "Send the ten properties that matter, or send fewer nested ones.",
        /// A monetary amount is not a whole number of cents.
        FractionalAmount => "Send amounts in cents, without a fraction.",
        /// Two nested names flatten to the same name; the later one is sent.
        AttributeNameCollision => "Rename one of the two.",
        /// A custom attribute's name has characters that Intercom does not allow; it is sent under another name.
        AttributeRenamed => "Rename the trait, or create the attribute in Intercom under the new name.",
        /// A custom attribute's name has characters that Intercom does not allow, and no other name was made of it.
        InvalidAttributeName => "Rename the trait, or use the setting attributeNames: rename.",
        /// A custom attribute has the name of one of Intercom's standard attributes; it is left out.
        ReservedName => "Rename the trait, or send it as the trait of the standard attribute.",
        /// A text under a custom attribute is longer than the 255 characters that Intercom takes.
        TooLong => "Send a shorter text; the setting longText says whether it is cut, left out or sent as it is.",
        /// An empty object or array, which Intercom does not take; it is left out.
        EmptyValue => "Nothing, or leave it out; null unsets an attribute.",
        /// A flattened name is longer than any that can be sent.
        AttributeNameTooLong => "Nest less deeply, or use shorter names.",
        /// A record has a field that Intercom does not have; it is sent as a custom attribute.
        UnknownField => "Map the column to one of Intercom's fields, or under custom_attributes.",
        /// A field of a company is taken from the traits of the person in `context.traits`.
        FromPersonTraits => "Send the company's traits in traits.",
        /// A company in the traits of an identify links nobody; only a company with `remove: true` has an effect there.
        CompanyNotLinked => "Send a group event to link the user to the company.",
        /// A group event says nothing by which its user can be found, so nobody is linked to the company.
        NoMember => "Send a userId, or the user's email in context.traits.",
        /// Several contacts match; the best of them is used.
        AmbiguousContact => "Look up by a field that is unique, such as external_id.",
        /// There are more warnings than are listed.
        MoreWarnings => "Fix the listed ones first.",
    }
}

codes! {
    /// Why an event cannot be sent, now or ever.
    RejectionCode {
        /// Neither a user id nor an email (nor, for track, an id) is in the event.
        MissingIdentity => "Identify the user first, or switch on the setting that sends the anonymous id.",
        /// A track event has no name.
        MissingEventName => "Give the event a name.",
        /// A group event has no group id.
        MissingGroupId => "Give the group an id.",
        /// The type is missing, or is none that this destination takes.
        UnsupportedEventType => "Send identify, track, group or record events only.",
        /// The action of a record is not insert, update or delete.
        UnsupportedAction => "Set the action to insert, update or delete.",
        /// The value to look the contact up by is not in the event.
        MissingLookupValue => "Send the lookup field in the event's traits, or look up by another field.",
        /// Intercom cannot search contacts by this field.
        InvalidLookupField => "Use one of the fields that are listed; they are case-sensitive.",
        /// A record that is to be inserted has no email, external id or role, without which Intercom creates no contact.
        CannotCreate => "Add the email, the external id or the role to the fields, or send it as an update.",
        /// A record is to be updated, but there is no such contact.
        ContactNotFound => "Insert the record first.",
    }
}

/// Something left out of a conversion, or worth knowing about it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// Which sort.
    pub code: WarningCode,
    /// Where in the event, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What is wrong, in words; never holds a value of the event.
    pub message: String,
}

impl Warning {
    /// A warning.
    pub fn new(code: WarningCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Debug for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.code, self.path)
    }
}

/// Why an event cannot be converted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Rejection {
    /// Which sort.
    pub code: RejectionCode,
    /// Where in the event, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What is wrong, in words; never holds a value of the event.
    pub message: String,
    /// What else was noticed before the conversion gave up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Rejection {
    /// A rejection without warnings.
    pub fn new(code: RejectionCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            message: message.into(),
            warnings: Vec::new(),
        }
    }

    /// The stable name of what is wrong.
    pub fn code(&self) -> &'static str {
        self.code.into()
    }

    /// Never: the same event is rejected again.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({} warnings)", self.code, self.path, self.warnings.len())
    }
}

/// How many warnings one event can have; what comes after is counted, not kept.
pub(crate) const MAX_WARNINGS: usize = 64;

/// Collects warnings, up to a bound.
#[derive(Default)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    more: usize,
}

impl Warnings {
    pub(crate) fn push(&mut self, warning: Warning) {
        if self.kept.len() < MAX_WARNINGS {
            // The same place may be asked twice, as source of a field and of the lookup.
            if !self.kept.contains(&warning) {
                self.kept.push(warning);
            }
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Warning> {
        if self.more > 0 {
            let message = format!("{} more warnings are not listed", self.more);
            self.kept.push(Warning::new(WarningCode::MoreWarnings, "", message));
        }
        self.kept
    }
}
