//! What happens where a plan leaves a choice.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! policy {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }
    };
}

policy! {
    /// What happens to an update with a custom attribute that the workspace does not have.
    AttributePolicy {
        /// The event fails: [`UndefinedAttribute`](crate::FailureCode::UndefinedAttribute).
        #[default]
        Fail,
        /// The attribute is left out, the rest is sent, and a warning says so.
        Drop,
        /// The attribute is created, with a type inferred from the value, and the update is sent again.
        Create,
    }
}

policy! {
    /// What happens to a data event of a contact who does not exist.
    UnknownContactPolicy {
        /// The event fails: [`UnknownContact`](crate::FailureCode::UnknownContact).
        #[default]
        Fail,
        /// The contact is created with the event's user id and email, and the event is sent again.
        Create,
    }
}

policy! {
    /// What happens to an update of a contact who is archived.
    ArchivedPolicy {
        /// The contact is unarchived and updated, as Intercom itself restores a person who returns.
        #[default]
        Restore,
        /// The event fails: [`ContactArchived`](crate::FailureCode::ContactArchived).
        Fail,
    }
}

policy! {
    /// What a search means that does not find a contact who has to be there.
    AbsencePolicy {
        /// There is no such contact.
        #[default]
        Believe,
        /// The index may not have the contact yet: the event fails as [`Settling`](crate::FailureCode::Settling).
        Doubt,
    }
}

policy! {
    /// The email of a data event that has a user id as well.
    EventEmail {
        /// It is sent, as RudderStack's transformer does: if Intercom does not have the user id, the event is that of whoever has
        /// the email.
        #[default]
        Sent,
        /// It is left out. If Intercom does not have the user id, the event is that of the contact with the email who has no
        /// user id at all, if there is one, and nobody else's.
        LeftOut,
    }
}

/// What happens where a plan leaves a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Custom attributes that the workspace does not have.
    pub attributes: AttributePolicy,
    /// Data events of contacts who do not exist.
    pub unknown_contact: UnknownContactPolicy,
    /// Contacts who are archived.
    pub archived: ArchivedPolicy,
    /// Contacts whom no search finds.
    pub absence: AbsencePolicy,
    /// The email of a data event that has a user id as well.
    pub event_email: EventEmail,
}
