//! Checks of requests against what Intercom documents that it refuses.
//!
//! Written by hand rather than derived, because derived checks put the value that is wrong into the error. What Intercom takes and
//! ignores, such as an event's metadata beyond ten keys, is no error.

mod attributes;
mod companies;
mod contacts;
mod events;
mod search;

use crate::limits;
use std::borrow::Cow;
use validator::{Validate, ValidationError, ValidationErrors};

/// Collects what is wrong.
#[derive(Default)]
struct Checks(ValidationErrors);

impl Checks {
    /// Nothing wrong yet.
    fn new() -> Self {
        Self::default()
    }

    /// Notes `code` for `field` unless `holds`.
    fn that(&mut self, holds: bool, field: &'static str, code: &'static str) -> &mut Self {
        if !holds {
            self.0.add(field, ValidationError::new(code));
        }
        self
    }

    /// Notes that there is too much of `field`, with both figures, unless `measured` is at most `most`.
    fn at_most(&mut self, field: &'static str, measured: usize, most: usize) -> &mut Self {
        if measured > most {
            let mut error = ValidationError::new("too_many");
            error.params.insert(Cow::Borrowed("max"), most.into());
            error.params.insert(Cow::Borrowed("measured"), measured.into());
            self.0.add(field, error);
        }
        self
    }

    /// Checks a `per_page`.
    fn page_size(&mut self, per_page: Option<u32>) -> &mut Self {
        let size = per_page.unwrap_or(1);
        self.that(size > 0, "per_page", "zero")
            .at_most("per_page", size as usize, limits::PAGE_SIZE as usize)
    }

    /// What was found.
    fn finish(&mut self) -> Result<(), ValidationErrors> {
        let found = std::mem::take(&mut self.0);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// Whether a text is there and says something.
fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Requests of which one thing can be wrong: a part of them, or the size of a page.
macro_rules! valid_by {
    ($($name:ident: |$request:ident| $checks:expr;)*) => {$(
        impl Validate for crate::$name {
            fn validate(&self) -> Result<(), ValidationErrors> {
                let $request = self;
                $checks
            }
        }
    )*};
}

valid_by! {
    UpdateCompany: |request| {
        let keeps_its_id = request.company.company_id.is_none();
        Checks::new().that(keeps_its_id, "company_id", "immutable").finish()?;
        request.company.validate()
    };
    UpdateContact: |request| request.contact.validate();
    SubmitDataEvent: |request| request.event.validate();
    ListCompanies: |request| Checks::new().page_size(request.per_page).finish();
    ListContacts: |request| Checks::new().page_size(request.per_page).finish();
    ListDataEvents: |request| Checks::new().page_size(request.per_page).finish();
    SearchPagination: |page| Checks::new().page_size(page.per_page).finish();
}

/// Requests of which nothing can be wrong that their types do not prevent.
macro_rules! always_valid {
    ($($name:ident)*) => {$(
        impl Validate for crate::$name {
            /// There is nothing that Intercom is documented to refuse.
            fn validate(&self) -> Result<(), ValidationErrors> {
                Ok(())
            }
        }
    )*};
}

always_valid! {
    ArchiveContact AttachCompany AttachSubscription BlockContact CreateNote DeleteCompany DeleteContact DeleteTag DetachCompany
    DetachSubscription FindTag IdentifyAdmin ListActivityLogs ListAdmins ListCompanyContacts ListCompanySegments
    ListContactCompanies ListContactNotes ListContactSegments ListContactSubscriptions ListContactTags ListDataAttributes
    ListSegments ListSubscriptionTypes ListTags MergeContacts RequestUserDeletion RetrieveAdmin RetrieveCompany
    RetrieveContact RetrieveContactByExternalId RetrieveNote RetrieveSegment RetrieveVisitor ScrollCompanies SetAwayAdmin TagContact TagConversation
    TagTicket UnarchiveContact UntagContact UntagConversation UntagTicket
}
