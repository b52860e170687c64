//! What a walk keeps in mind besides its plan.

use intercom_api::{ContactFields, ContactId, CreateDataAttribute};
use rudderstack_to_intercom::Lookup;
use std::collections::VecDeque;

/// A call that is not in the plan.
#[derive(Clone, Debug)]
pub(super) enum Detour {
    /// Restore the contact.
    Unarchive(ContactId),
    /// Create a custom attribute.
    Define(CreateDataAttribute),
    /// Create the contact of a data event.
    CreateContact(Box<ContactFields>),
    /// See whether the contact, with whom the plan was begun before, is still or already what the plan says.
    Verify(ContactId),
    /// Nobody is found. The plan changes what is looked up, and may have been carried out before: look for that.
    FindMoved(Lookup),
    /// See whether this one is as the plan would make it.
    ReadMoved(ContactId),
}

/// How far it is known who is to be deleted.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    /// Who else may be meant, and has to be read.
    pub(super) others: VecDeque<ContactId>,
    /// The one that fits.
    pub(super) fitting: Option<ContactId>,
    /// Whether all that may be meant have been read.
    pub(super) is_settled: bool,
}
