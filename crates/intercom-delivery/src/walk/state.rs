//! What a walk keeps in mind besides its plan.

use crate::contact::KnownContact;
use intercom_api::{CompanyId, ContactConflict, ContactFields, ContactId, CreateDataAttribute, DataAttributeModel};
use rudderstack_to_intercom::Lookup;
use std::collections::VecDeque;

/// What is known of the contact.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It has to be looked up.
    Unknown,
    /// It is this one; whether that is remembered, rather than just found.
    Found { who: KnownContact, is_remembered: bool },
    /// There is none.
    Absent,
}

/// The company that the contact leaves next, once it is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) company: CompanyId,
    /// Whether that is remembered, rather than just found.
    pub(super) is_remembered: bool,
}

/// Whether the contact is given the email of the plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Email {
    Given,
    /// It is left out, because it seems to be this contact's.
    LeftOut(ContactId),
}

/// A call that is not in the plan, before the walk goes on with it.
#[derive(Clone, Debug)]
pub(super) enum Detour {
    /// Restore the contact.
    Unarchive(ContactId),
    /// List the custom attributes of a model.
    ListAttributes(DataAttributeModel),
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
    /// See who the contact is that was in the way of another; of the contact of a data event, what it was to be created with.
    Identify(ContactConflict, Option<Box<ContactFields>>),
    /// Search the contact of a data event, which seems to be a lead.
    FindLead(Box<Lookup>),
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
