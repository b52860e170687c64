//! What becomes of an event.

use super::submission::{EventId, KnownContact, Submission};
use intercom_api::{CompanyId, ContactId, OperationId};
use rudderstack_to_intercom::RejectionCode;
use serde::{Deserialize, Serialize};
use std::fmt;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What became of an event: every one that is taken in has exactly one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The event.
    pub event: EventId,
    /// What became of it.
    pub result: DeliveryResult,
    /// What else the caller should know.
    pub warnings: Vec<DeliveryWarning>,
    /// What was newly learnt of who the contact is, whatever the result: with
    /// [`Engine::remember_contact`](crate::Engine::remember_contact) the next run knows it too.
    pub learnt: Option<Box<KnownContact>>,
}

impl Outcome {
    /// Whether the event is not done with: the delivery ended before its turn came, or before it was finished. It counts
    /// neither as delivered nor as failed for good, and goes on in the next run.
    pub fn goes_on_later(&self) -> bool {
        match &self.result {
            DeliveryResult::Failed(failed) => failed.code.goes_on_later(),
            DeliveryResult::Delivered(_) | DeliveryResult::Rejected(_) => false,
        }
    }
}

/// Delivered, rejected or failed.
#[derive(Clone, Debug, PartialEq)]
pub enum DeliveryResult {
    /// Its effect is in Intercom.
    Delivered(Delivered),
    /// It can never be delivered as it is.
    Rejected(Rejected),
    /// It was not delivered, and can be replayed.
    Failed(Box<Failed>),
}

/// An event whose effect is in Intercom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// How many calls were made for it, repeats included.
    pub calls: u32,
    /// The contact, if the event is about one and its id is known.
    pub contact: Option<ContactId>,
    /// The company, if the event is about one.
    pub company: Option<CompanyId>,
    /// Whether nothing was written, because the event would have changed nothing since the last delivery.
    pub unchanged: bool,
    /// The event that it was sent together with; that one's `calls` count for both.
    pub merged_into: Option<EventId>,
}

/// An event that can never be delivered as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// Why.
    pub code: RejectionCode,
    /// How many calls were made for it.
    pub calls: u32,
}

/// An event that was not delivered, with what is needed to find out why and to replay it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failed {
    /// Why.
    pub code: FailureCode,
    /// The operation that failed; none if no call was made.
    pub operation: Option<OperationId>,
    /// The HTTP status of its last answer.
    pub status: Option<u16>,
    /// Intercom's own code of the error.
    pub intercom_code: Option<String>,
    /// Intercom's name of the last request.
    pub request_id: Option<String>,
    /// The custom attribute that the workspace does not have.
    pub attribute: Option<String>,
    /// How often that call was tried.
    pub attempts: u32,
    /// How many calls were made for the event.
    pub calls: u32,
    /// What was to be delivered, given back.
    pub submission: Submission,
}

impl Failed {
    /// Whether the same event may be delivered later without anybody's doing: see [`FailureCode::is_retryable`].
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.meaning().trim_end_matches('.'))?;
        if let Some(name) = &self.attribute {
            write!(f, " ({name:?})")?;
        }
        if let Some(operation) = self.operation {
            write!(f, "; {operation}")?;
        }
        if let Some(status) = self.status {
            write!(f, " was answered {status}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}

macro_rules! failure_codes {
    ($($(#[doc = $text:literal])+ $variant:ident $retryable:ident => $advice:literal,)*) => {
        /// Why an event failed: a stable `snake_case` code.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        #[non_exhaustive]
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

            /// Whether the same event may be delivered later without anybody's doing.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => failure_codes!(@ $retryable),)* }
            }
        }
    };
    (@ transient) => { true };
    (@ lasting) => { false };
}

failure_codes! {
    /// Intercom does not accept the access token.
    Unauthorized lasting => "Give a valid access token, then replay.",
    /// The access token may not do this.
    Forbidden lasting => "Give the app the permission in Intercom, then replay.",
    /// Intercom kept answering that there are too many calls.
    RateLimited transient => "Replay later, or with fewer calls a second.",
    /// Intercom kept failing.
    ServerError transient => "Replay later.",
    /// Intercom kept not answering in time.
    Timeout transient => "Replay later.",
    /// There was no connection to Intercom, or it kept breaking.
    ConnectionFailed transient => "Look at the network between here and Intercom, then replay.",
    /// Intercom answered what cannot be understood.
    InvalidAnswer transient => "Look for a proxy between here and Intercom, then replay.",
    /// The delivery was stopped before the event's turn came, or before it was done.
    Stopped transient => "Run again.",
    /// The contact is archived.
    ContactArchived lasting => "Restore the contact in Intercom, or let archived contacts be restored, then replay.",
    /// Intercom has no such contact.
    UnknownContact transient => "Identify the user first, or let unknown contacts be created, then replay.",
    /// Another contact has this external id or email.
    Conflict lasting => "Merge the two contacts in Intercom, then replay.",
    /// The workspace does not have a custom attribute of this name.
    UndefinedAttribute lasting => "Create the attribute in Intercom, or let attributes be dropped or created, then replay.",
    /// The workspace has as many active event names as it may: 120.
    EventNameLimit lasting => "Archive event names in Intercom that are no longer needed, then replay.",
    /// Intercom has no such company.
    CompanyNotFound transient => "Replay later.",
    /// What the call is about has gone from Intercom.
    NotFound lasting => "Look the contact up in Intercom.",
    /// Intercom refuses the call as it is.
    BadRequest lasting => "Look at Intercom's own code and, with the request id, ask its support.",
}

/// Something that happened on the way to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryWarning {
    /// Several contacts match the lookup; the best of them was used.
    AmbiguousContact,
    /// The contact to be linked to the company was not found; the company and its tags are done.
    MemberNotFound,
    /// A custom attribute that the workspace does not have was left out.
    AttributeDropped {
        /// Its name.
        attribute: String,
    },
}

impl DeliveryWarning {
    /// The stable `snake_case` code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AmbiguousContact => "ambiguous_contact",
            Self::MemberNotFound => "member_not_found",
            Self::AttributeDropped { .. } => "attribute_dropped",
        }
    }
}
