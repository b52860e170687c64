//! What a walk asks those who know more, and what it tells them.

use super::defined::DefinedAttributes;
use crate::codes::DeliveryWarning;
use crate::contact::KnownContact;
use intercom_api::{
    CompanyExternalId, CompanyFields, CompanyId, Contact, ContactFields, ContactId, CreateDataAttribute,
    DataAttributeModel, DataEvent, DataType, ExternalId, Value,
};
use rudderstack_to_intercom::{Lookup, Plan};
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::fmt;
use strum::IntoStaticStr;

/// What is known besides what a plan's own responses tell.
///
/// `()` knows nothing and forgets everything: each step of the plan is a call.
pub trait Knowledge {
    /// Why a write has to wait; [`Infallible`], if none ever does.
    type Busy;

    /// The contact that this very plan was about when it was begun before, if it was: what the plan looks up may have been
    /// changed by it since.
    fn begun_with(&mut self) -> Option<ContactId> {
        None
    }

    /// The contact that a search would find, if that is certain.
    fn contact(&mut self, lookup: &Lookup) -> Option<KnownContact> {
        let _ = lookup;
        None
    }

    /// Whether it is certain that a search would find nobody.
    fn is_absent(&mut self, lookup: &Lookup) -> bool {
        let _ = lookup;
        false
    }

    /// Corrects the hits of a search that is known to be out of date.
    fn correct(&mut self, lookup: &Lookup, hits: &mut Vec<Contact>) {
        let _ = (lookup, hits);
    }

    /// The search has shown the contact that the plan is about, as it was when the index last caught up with it.
    fn saw(&mut self, contact: &Contact) {
        let _ = contact;
    }

    /// Contacts that the search should have found besides these hits: the index may lag. With these fields, a contact
    /// would be created.
    fn unindexed(&mut self, lookup: &Lookup, hits: &[Contact], create: Option<&ContactFields>) -> Vec<KnownContact> {
        let _ = (lookup, hits, create);
        Vec::new()
    }

    /// Who a contact is, if it is known.
    fn who(&mut self, id: &ContactId) -> Option<KnownContact> {
        let _ = id;
        None
    }

    /// Intercom's id of a company, if it is certain.
    fn company(&mut self, key: &CompanyExternalId) -> Option<CompanyId> {
        let _ = key;
        None
    }

    /// Whether this is to be written, and how.
    fn permit(&mut self, write: &Write<'_>) -> Permit<Self::Busy> {
        let _ = write;
        Permit::AsPlanned
    }

    /// Takes note of what a response tells.
    fn learn(&mut self, fact: &Fact<'_>) {
        let _ = fact;
    }
}

impl Knowledge for () {
    type Busy = Infallible;
}

/// Something that is about to be written to Intercom. `Debug` shows only what it is.
#[derive(Clone, Copy, IntoStaticStr)]
pub enum Write<'w> {
    /// A contact is created, or updated if it has an id.
    Contact {
        /// The contact.
        id: Option<&'w ContactId>,
        /// The plan.
        plan: &'w Plan,
        /// What the plan gives the contact.
        fields: &'w ContactFields,
        /// Whether the email is left out, because it belongs to somebody else.
        is_email_taken: bool,
        /// Names of custom attributes to leave out, because the workspace does not have them.
        undefined: &'w [String],
    },
    /// A company is created or updated.
    Company {
        /// What the plan gives the company.
        fields: &'w CompanyFields,
        /// Names of custom attributes to leave out, because the workspace does not have them.
        undefined: &'w [String],
    },
    /// A contact is linked to a company.
    Attach(&'w ContactId, &'w CompanyId),
    /// The link ends.
    Detach(&'w ContactId, &'w CompanyId),
    /// A company is tagged.
    Tag(&'w CompanyId, &'w str),
    /// A contact is restored.
    Unarchive(&'w ContactId),
    /// A contact is deleted.
    Delete(&'w ContactId),
    /// The custom attributes of a model are listed, which writes nothing, and need not be done by two at a time.
    ListAttributes(&'w DataAttributeModel),
    /// A custom attribute is created.
    Define(&'w CreateDataAttribute),
    /// A data event is submitted.
    Event(&'w DataEvent),
}

/// What becomes of a [`Write`].
#[derive(Debug)]
pub enum Permit<B> {
    /// It is made as planned.
    AsPlanned,
    /// It is made with another body than the plan's.
    With(Rewritten),
    /// The custom attributes of the model are to be listed first.
    ListFirst,
    /// It would change nothing, so it is not made.
    Unneeded,
    /// The contact has become somebody else's, so it is looked up once more.
    NotTheirs,
    /// Not now.
    Wait(B),
}

/// A body in place of the plan's own.
pub struct Rewritten {
    /// The body.
    pub body: Box<RawValue>,
    /// Warns of custom attributes that were left out because the workspace does not have them, or has them with another type.
    pub dropped: Vec<DeliveryWarning>,
    /// The custom attributes in it that the workspace is known not to have.
    pub missing: Vec<(String, Value)>,
    /// Whether the workspace is known to have as many custom attributes as it may.
    pub is_full: bool,
}

/// Something that a response tells. `Debug` shows only what it is.
#[derive(Clone, Copy, IntoStaticStr)]
pub enum Fact<'f> {
    /// A search has found this contact, of several the right one.
    Found {
        /// The search.
        lookup: &'f Lookup,
        /// The contact.
        contact: &'f Contact,
        /// All hits.
        hits: &'f [Contact],
    },
    /// A contact has been created or updated.
    Saved {
        /// The contact.
        id: &'f ContactId,
        /// Whether it is new.
        is_new: bool,
        /// What it was given.
        fields: &'f ContactFields,
        /// What it is now, if the response can be read.
        contact: Option<&'f Contact>,
    },
    /// This contact has what another was to be created with: an external id, or else an email.
    Taken {
        /// The contact.
        id: &'f ContactId,
        /// Its external id.
        external_id: Option<&'f ExternalId>,
        /// Its email.
        email: Option<&'f str>,
    },
    /// A contact turned out to be gone, to whom this lookup has led.
    ContactGone {
        /// The contact.
        id: &'f ContactId,
        /// The lookup.
        lookup: Option<&'f Lookup>,
    },
    /// A contact has been deleted.
    Deleted(&'f ContactId),
    /// A company has been created or updated.
    CompanySaved(&'f CompanyExternalId, &'f CompanyId),
    /// The id that was known of a company may be out of date.
    CompanyDoubted(&'f CompanyExternalId),
    /// A company turned out to be gone.
    CompanyGone(&'f CompanyExternalId),
    /// A contact is linked to a company.
    Attached(&'f ContactId, &'f CompanyId),
    /// A contact is not linked to a company.
    Detached(&'f ContactId, &'f CompanyId),
    /// A company has a tag.
    Tagged(&'f CompanyId, &'f str),
    /// The workspace does not have a custom attribute of this name.
    Undefined(&'f DataAttributeModel, &'f str),
    /// The workspace has one, of this type.
    Defined(&'f DataAttributeModel, &'f str, &'f DataType),
    /// What the workspace is known to have may be out of date.
    AttributesDoubted(&'f DataAttributeModel),
    /// The workspace has these; none, if it does not tell.
    AttributesListed(&'f DataAttributeModel, Option<&'f DefinedAttributes>),
}

exact_json::debug_shows! { Rewritten { .. } }

impl fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}

impl fmt::Debug for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}
