//! Erasure of a person: which contacts they are, archived ones too, and the requests to delete these for good.

use crate::response::{Response, ResponseError};
use intercom_api::{
    Call, Contact, ContactFields, ContactId, ContactList, CreateContact, DeleteContact, Operation, RequestUserDeletion,
    ResourceId, RetrieveContact, SearchContacts, SearchPagination,
};
use rudderstack_to_intercom::{Lookup, LookupField};
use std::collections::{BTreeSet, VecDeque};

/// The erasure of one person, one call after the other and without I/O.
///
/// The person is searched by external id, and if nobody has it, by email. Because the search may be out of date, each
/// contact that it finds is read, and only one that still is who was asked for is touched. If several have the email,
/// none is, unless all of them are asked for.
///
/// One that no search finds may be archived, or too new for the search: only the attempt to create the contact again
/// tells, because Intercom refuses it and names the contact. If it succeeds, there was nobody, and what was created is
/// deleted again. That is done with the external id alone, by which nobody can be written to; with the email only
/// if [asked](Self::probe_archived_email).
///
/// ```
/// use intercom_delivery::{Response, Erasure};
///
/// # fn send(call: &intercom_api::Call) -> Response {
/// #     Response::new(200, match call.operation.as_str() {
/// #         "search_contacts" => r#"{"data":[{"id":"5f"}]}"#,
/// #         "retrieve_contact" => r#"{"id":"5f","external_id":"ann-1"}"#,
/// #         _ => r#"{"id":10}"#,
/// #     })
/// # }
/// let mut erasure = Erasure::new(Some("ann-1".to_owned()), None);
/// while let Some(call) = erasure.next_call() {
///     erasure.handle_response(&send(&call))?;
/// }
/// assert_eq!(erasure.requested()[0].contact.as_str(), "5f");
/// # Ok::<(), intercom_delivery::ErasureError>(())
/// ```
#[derive(Clone)]
pub struct Erasure {
    user_id: Option<String>,
    email: Option<String>,
    probe_email: bool,
    all_with_email: bool,
    step: Step,
    /// The cursors of the pages that the present search has shown.
    cursors: BTreeSet<String>,
    /// Contacts that a search has shown, to be read.
    candidates: VecDeque<ContactId>,
    /// Contacts that are the person, and whose deletion is to be requested.
    found: VecDeque<ContactId>,
    requested: Vec<RequestedDeletion>,
}

/// By what a contact is searched, compared or created.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    UserId,
    Email,
}

#[derive(Clone)]
enum Step {
    /// Search, from the page with this cursor.
    Search(Identity, Option<String>),
    /// Read the first candidate.
    Read(Identity),
    /// Try to create the contact.
    Probe(Identity),
    /// Delete what was created.
    Undo(Identity, ContactId),
    /// Request the deletion of the first that was found.
    Request,
}

/// A contact whose deletion was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestedDeletion {
    /// The contact.
    pub contact: ContactId,
    /// Intercom's id of the request: what proves it. `None` if the contact was gone.
    pub request: Option<ResourceId>,
    /// Whether the contact was gone already.
    pub was_gone: bool,
}

/// An erasure cannot go on. The same call can be made again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasureError {
    /// A call did not succeed.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// Several contacts have the email, and which of them is the person cannot be told.
    #[error("{} contacts have this email, so none is erased: name the person by user id, or ask for all of them", .0.len())]
    Ambiguous(Vec<ContactId>),
    /// A list of contacts goes on with a page that has been read.
    #[error("Intercom's list of contacts never ends: it names the same page again")]
    RepeatedPage,
}

impl ErasureError {
    /// The stable code: Intercom's own if it refused the call.
    pub fn code(&self) -> &str {
        match self {
            Self::Response(error) => error.code(),
            Self::Ambiguous(_) => "ambiguous_contact",
            Self::RepeatedPage => "repeated_page",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Response(error) => error.is_retryable(),
            Self::Ambiguous(_) | Self::RepeatedPage => false,
        }
    }
}

impl Erasure {
    /// Of the person with this external id, or else with this email. Empty text is none.
    pub fn new(user_id: Option<String>, email: Option<String>) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (user_id, email) = (given(user_id), given(email));
        let step = match (&user_id, &email) {
            (Some(_), _) => Step::Search(Identity::UserId, None),
            (None, Some(_)) => Step::Search(Identity::Email, None),
            (None, None) => Step::Request,
        };
        Self {
            user_id,
            email,
            probe_email: false,
            all_with_email: false,
            step,
            cursors: BTreeSet::new(),
            candidates: VecDeque::new(),
            found: VecDeque::new(),
            requested: Vec::new(),
        }
    }

    /// Whether to look for an archived contact with the email by creating one with it, which is deleted again if there
    /// was none. Until then whatever the workspace does for new contacts may happen: messages, webhooks.
    #[must_use]
    pub fn probe_archived_email(mut self, probe: bool) -> Self {
        self.probe_email = probe;
        self
    }

    /// Whether to erase all contacts that have the email, if there are several.
    #[must_use]
    pub fn all_with_email(mut self, all: bool) -> Self {
        self.all_with_email = all;
        self
    }

    /// The next call, until its response is handled; `None` once all is done.
    pub fn next_call(&self) -> Option<Call> {
        let call = match &self.step {
            Step::Search(identity, cursor) => self.search(*identity, cursor.as_deref()).to_call(),
            Step::Read(_) => {
                let id = self.candidates.front()?.clone();
                RetrieveContact { id }.to_call()
            }
            Step::Probe(identity) => {
                let mut contact = ContactFields::new();
                match identity {
                    Identity::UserId => contact.external_id = self.user_id.as_deref().map(Into::into),
                    Identity::Email => contact.email.clone_from(&self.email),
                }
                CreateContact { contact }.to_call()
            }
            Step::Undo(_, id) => DeleteContact { id: id.clone() }.to_call(),
            Step::Request => {
                let intercom_user_id = self.found.front()?.clone();
                RequestUserDeletion::new(intercom_user_id).to_call()
            }
        };
        // None of these bodies can fail to be written: they are text.
        call.ok()
    }

    fn search(&self, identity: Identity, cursor: Option<&str>) -> SearchContacts {
        let lookup = match identity {
            Identity::UserId => Lookup::new(LookupField::EXTERNAL_ID, self.user_id.clone().unwrap_or_default()),
            Identity::Email => {
                let email = self.email.as_deref().unwrap_or_default();
                Lookup::new(LookupField::EMAIL, email.to_lowercase())
            }
        };
        let mut search = lookup.search();
        if let Some(cursor) = cursor {
            let mut page = SearchPagination::new();
            page.starting_after = Some(cursor.to_owned());
            search.pagination = Some(page);
        }
        search
    }

    /// Takes the response to the last call.
    ///
    /// # Errors
    ///
    /// If it is not what the call needs. The erasure is as before, so that the call can be made again.
    pub fn handle_response(&mut self, response: &Response) -> Result<(), ErasureError> {
        match self.step.clone() {
            Step::Search(identity, _) => {
                let list = response.read::<SearchContacts>()?;
                return self.searched(identity, list);
            }
            Step::Read(identity) => {
                // The search still shows what is gone.
                let contact = unless_gone(response.read::<RetrieveContact>())?;
                return self.have_read(identity, contact.as_ref());
            }
            Step::Probe(identity) => match response.read::<CreateContact>() {
                Ok(contact) => self.step = Step::Undo(identity, contact.id),
                // Intercom itself has just compared the one identity, so the contact need not be read; nor can it be,
                // if it is archived.
                Err(error) => {
                    let conflict = error.conflicting_contact();
                    self.found.push_back(conflict.ok_or(error)?.id);
                    self.step = Step::Request;
                }
            },
            Step::Undo(identity, _) => {
                unless_gone(response.read::<DeleteContact>())?;
                self.step = self.after_probing(identity);
            }
            Step::Request => {
                let deletion = unless_gone(response.read::<RequestUserDeletion>())?;
                // Without an id a proxy may have answered, for instance: nothing proves that Intercom has heard of it.
                let request = deletion.map(|deletion| deletion.id.ok_or(ResponseError::Unreadable));
                self.dealt_with(request.transpose()?);
            }
        }
        Ok(())
    }

    fn searched(&mut self, identity: Identity, list: ContactList) -> Result<(), ErasureError> {
        let cursor = list.next_cursor().map(str::to_owned);
        let contacts = list.data.unwrap_or_default();
        let next = cursor.filter(|_| !contacts.is_empty());
        if let Some(cursor) = &next
            && !self.cursors.insert(cursor.clone())
        {
            return Err(ErasureError::RepeatedPage);
        }
        for contact in contacts {
            if !self.candidates.contains(&contact.id) {
                self.candidates.push_back(contact.id);
            }
        }
        self.step = match next {
            Some(cursor) => Step::Search(identity, Some(cursor)),
            None => {
                self.cursors.clear();
                self.after_reading(identity)?
            }
        };
        Ok(())
    }

    fn have_read(&mut self, identity: Identity, contact: Option<&Contact>) -> Result<(), ErasureError> {
        // So that an error leaves everything as it was.
        let before = (self.candidates.clone(), self.found.clone());
        self.candidates.pop_front();
        if let Some(contact) = contact {
            let id = contact.id.clone();
            if self.is_the_user(contact) {
                // The search by user id has not seen them yet: this one, and nobody else who has the email.
                self.found = VecDeque::from([id]);
                self.candidates.clear();
            } else if identity == Identity::Email && self.has_the_email(contact) && !self.found.contains(&id) {
                self.found.push_back(id);
            }
        }
        match self.after_reading(identity) {
            Ok(step) => {
                self.step = step;
                Ok(())
            }
            Err(error) => {
                (self.candidates, self.found) = before;
                Err(error)
            }
        }
    }

    /// What comes next, with what has been read so far.
    fn after_reading(&self, identity: Identity) -> Result<Step, ErasureError> {
        if !self.candidates.is_empty() {
            return Ok(Step::Read(identity));
        }
        match self.found.len() {
            0 if identity == Identity::UserId && self.email.is_some() => Ok(Step::Search(Identity::Email, None)),
            0 if self.user_id.is_some() => Ok(Step::Probe(Identity::UserId)),
            0 => Ok(self.after_probing(Identity::UserId)),
            1 => Ok(Step::Request),
            _ if self.all_with_email => Ok(Step::Request),
            _ => Err(ErasureError::Ambiguous(self.found.iter().cloned().collect())),
        }
    }

    /// What comes next if nobody has the identity that was probed.
    fn after_probing(&self, identity: Identity) -> Step {
        match identity {
            Identity::UserId if self.email.is_some() && self.probe_email => Step::Probe(Identity::Email),
            _ => Step::Request,
        }
    }

    fn is_the_user(&self, contact: &Contact) -> bool {
        let id = contact.external_id.as_ref().map(intercom_api::ExternalId::as_str);
        self.user_id.is_some() && id == self.user_id.as_deref()
    }

    fn has_the_email(&self, contact: &Contact) -> bool {
        let lower = |email: &Option<String>| email.as_deref().map(str::to_lowercase);
        self.email.is_some() && lower(&contact.email) == lower(&self.email)
    }

    fn dealt_with(&mut self, request: Option<ResourceId>) {
        self.requested
            .extend(self.found.pop_front().map(|contact| RequestedDeletion {
                contact,
                was_gone: request.is_none(),
                request,
            }));
    }

    /// The contacts that are the person, and whose deletion is not yet requested.
    pub fn found(&self) -> impl Iterator<Item = &ContactId> {
        self.found.iter()
    }

    /// Whether the next call only looks for the person: until then, nothing in Intercom has been changed.
    pub fn is_still_searching(&self) -> bool {
        matches!(self.step, Step::Search(..) | Step::Read(_))
    }

    /// Whether an archived contact with the email would not have been found, if all is done and nobody was.
    pub fn leaves_archived_email_unseen(&self) -> bool {
        self.email.is_some() && !self.probe_email && self.requested.is_empty() && self.found.is_empty()
    }

    /// The contacts whose deletion has been requested. None, once all is done: Intercom does not know the person.
    pub fn requested(&self) -> &[RequestedDeletion] {
        &self.requested
    }
}

/// What a response holds, or nothing if what it is about is gone.
fn unless_gone<T>(read: Result<T, ResponseError>) -> Result<Option<T>, ResponseError> {
    match read {
        Err(error) if error.is_gone() => Ok(None),
        read => read.map(Some),
    }
}

exact_json::debug_shows! { Erasure { found, requested, .. } }

#[cfg(test)]
mod tests;
