//! Who a contact is.

use intercom_api::{Contact, ContactId, ExternalId, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who a contact is, as it was learnt: what a run has to leave to the next one. `Debug` shows Intercom's id only.
///
/// Intercom's search lags behind what is written by minutes. So whoever delivers keeps what an [`Outcome`](crate::Outcome)
/// has taught, in one commit with the outcome, and hands it to the next run in the same order. The newest
/// [`KEPT`](Self::KEPT) are enough, as far as they are not older than [`KEPT_FOR`](Self::KEPT_FOR): by then the search
/// knows better.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KnownContact {
    /// Intercom's id.
    pub id: ContactId,
    /// The id that the caller's system gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The email address, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it is a lead.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_lead: bool,
    /// Whether this is what was written, which is to be believed rather than a search that lags behind.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_written: bool,
    /// Whether it was deleted, or turned out to be gone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_gone: bool,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl KnownContact {
    /// How many a run leaves to the next one at most.
    pub const KEPT: usize = 100_000;
    /// How long they are worth keeping: many times as long as the search lags behind.
    pub const KEPT_FOR: Duration = Duration::from_secs(3_600);

    /// A contact of whom nothing else is known.
    pub fn new(id: ContactId) -> Self {
        Self {
            id,
            external_id: None,
            email: None,
            is_lead: false,
            is_written: false,
            is_gone: false,
        }
    }

    /// A contact that is gone.
    pub fn gone(id: ContactId) -> Self {
        Self {
            is_gone: true,
            ..Self::new(id)
        }
    }
}

exact_json::debug_shows! { KnownContact { id, .. } }

impl From<&Contact> for KnownContact {
    fn from(contact: &Contact) -> Self {
        let id = contact.external_id.clone();
        Self {
            external_id: id.filter(|id| !id.as_str().is_empty()),
            email: contact.email.as_deref().map(str::to_lowercase),
            is_lead: contact.role == Some(Role::Lead),
            ..Self::new(contact.id.clone())
        }
    }
}

/// As a search would show it.
impl From<KnownContact> for Contact {
    fn from(known: KnownContact) -> Self {
        let mut contact = Self::new(known.id);
        contact.external_id = known.external_id;
        contact.email = known.email;
        contact.role = Some(if known.is_lead { Role::Lead } else { Role::User });
        contact
    }
}
