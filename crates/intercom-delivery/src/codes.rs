//! Why deliveries fail, and what else is to be said of them: stable codes.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! failure_codes {
    ($($(#[doc = $text:literal])+ $variant:ident $retryable:ident, $next:ident => $advice:literal,)*) => {
        /// Why an event failed: a stable `snake_case` code.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum FailureCode {
            $($(#[doc = $text])+ $variant,)*
        }

        impl FailureCode {
            /// The stable `snake_case` name.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($text),+).trim_ascii(),)* }
            }

            /// What to do about it, in a sentence.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }

            /// Whether this is no failure of the event's: the delivery ended, and the event goes on in the next run.
            pub const fn goes_on_later(self) -> bool {
                matches!(self, Self::Stopped | Self::Unauthorized)
            }

            /// Whether nothing but time has to pass until the same event may be delivered: what comes after it waits for it.
            pub const fn is_fleeting(self) -> bool {
                match self { $(Self::$variant => failure_codes!(@ $next),)* }
            }

            /// Whether the same event may be delivered later without anybody's doing.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => failure_codes!(@ $retryable),)* }
            }
        }
    };
    (@ transient) => { true };
    (@ lasting) => { false };
    (@ awaited) => { true };
    (@ passed) => { false };
}

failure_codes! {
    /// Intercom does not accept the access token.
    Unauthorized lasting, awaited => "Give a valid access token, then replay.",
    /// The access token may not do this.
    Forbidden lasting, passed => "Give the app the permission in Intercom, then replay.",
    /// Intercom kept answering that there are too many calls.
    RateLimited transient, awaited => "Replay later, or with fewer calls a second.",
    /// Intercom kept failing.
    ServerError transient, awaited => "Replay later.",
    /// Intercom kept not answering in time.
    Timeout transient, awaited => "Replay later.",
    /// There was no connection to Intercom, or it kept breaking.
    ConnectionFailed transient, awaited => "Look at the network between here and Intercom, then replay.",
    /// Intercom answered what cannot be understood.
    InvalidResponse transient, awaited => "Look for a proxy between here and Intercom, then replay.",
    /// The delivery was stopped before the event's turn came, or before it was done.
    Stopped transient, awaited => "Run again.",
    /// No search finds the contact, who may be too new to be found.
    Settling transient, awaited => "Replay in a few minutes.",
    /// The contact is archived.
    ContactArchived lasting, passed => "Restore the contact in Intercom, or let archived contacts be restored, then replay.",
    /// Intercom has no such contact.
    UnknownContact transient, passed => "Identify the user first, or let unknown contacts be created, then replay.",
    /// Several contacts match, and which of them is to be deleted cannot be told.
    AmbiguousContact lasting, passed => "Name the contact by its user id, or delete it in Intercom.",
    /// Another contact has this external id or email.
    Conflict lasting, passed => "Merge the two contacts in Intercom, then replay.",
    /// The external id belongs to one contact and the email to another, and Intercom takes neither without the other.
    IdentityConflict lasting, passed => "See whose the external id and the email are in Intercom, and merge the contacts or correct one, then replay.",
    /// The workspace does not have a custom attribute of this name.
    UndefinedAttribute lasting, passed => "Create the attribute in Intercom, or let attributes be dropped or created, then replay.",
    /// The workspace does not have a custom attribute of this name, and can have no more: there are 250.
    AttributeLimit lasting, passed => "The workspace has 250 custom attributes, as many as it may: archive some in Intercom that are no longer needed, or let undefined ones be dropped, then replay.",
    /// The workspace has as many active event names as it may: 120.
    EventNameLimit lasting, passed => "Archive event names in Intercom that are no longer needed, then replay.",
    /// Intercom has no such company.
    CompanyNotFound transient, awaited => "Replay later.",
    /// What the call is about has gone from Intercom.
    NotFound lasting, passed => "Look the contact up in Intercom.",
    /// Intercom refuses the call as it is.
    BadRequest lasting, passed => "Look at Intercom's own code and, with the request id, ask its support.",
}

/// Something that happened on the way to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, IntoStaticStr, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryWarning {
    /// Several contacts match the lookup; the best of them was used.
    AmbiguousContact,
    /// The contact to be linked to the company was not found; the company and its tags are done.
    MemberNotFound,
    /// The email belongs to somebody else, so that the contact was written without it.
    EmailTaken,
    /// Intercom has refused that somebody with a user id is a lead, so that the contact was written without the role.
    RoleRefused,
    /// The contact had another external id than the event.
    ExternalIdReplaced,
    /// A custom attribute that the workspace does not have was left out.
    AttributeDropped {
        /// Its name.
        attribute: String,
    },
    /// The value of a custom attribute was left out: it cannot be turned into the type that the attribute has in the workspace.
    AttributeOfAnotherType {
        /// Its name.
        attribute: String,
    },
    /// Later events of the same contact or company had been delivered before: what they have written was left out.
    Superseded,
}

/// How much of an event later ones have superseded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supersession {
    /// Nothing.
    #[default]
    Not,
    /// A part, which is left out.
    Partly,
    /// All of it: nothing is left to be written.
    Wholly,
}

impl Supersession {
    /// Whether nothing is superseded.
    pub fn is_not(&self) -> bool {
        *self == Self::Not
    }
}

impl DeliveryWarning {
    /// The attribute that was left out, if that is what it warns of.
    pub fn dropped_attribute(&self) -> Option<&str> {
        match self {
            Self::AttributeDropped { attribute } | Self::AttributeOfAnotherType { attribute } => Some(attribute),
            Self::AmbiguousContact
            | Self::MemberNotFound
            | Self::EmailTaken
            | Self::RoleRefused
            | Self::ExternalIdReplaced
            | Self::Superseded => None,
        }
    }

    /// The stable `snake_case` code.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
