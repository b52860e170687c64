//! Erasure of a person: which contacts they are, archived ones too, and the requests to delete these for good.

use crate::Answer;
use intercom_api::{
    ApiError, Call, ContactFields, ContactId, ContactList, CreateContact, DeleteContact, Operation,
    RequestUserDeletion, ResourceId, SearchContacts, SearchPagination,
};
use rudderstack_to_intercom::{Lookup, LookupField};
use std::collections::VecDeque;
use std::fmt;

/// The erasure of one person, one call after the other and without I/O.
///
/// The person is searched by external id, and if nobody has it, by email. One that no search finds may be archived, or
/// too new for the search: only the attempt to create the contact again tells, because Intercom refuses it and names the
/// contact. If it succeeds, there was nobody, and what was created is deleted again.
///
/// ```
/// use intercom_delivery::{Answer, Erasure};
///
/// # fn send(call: &intercom_api::Call) -> Answer {
/// #     Answer::new(200, match call.operation.as_str() {
/// #         "search_contacts" => r#"{"data":[{"id":"5f"}]}"#,
/// #         _ => r#"{"id":10}"#,
/// #     })
/// # }
/// let mut erasure = Erasure::new(Some("ann-1".to_owned()), None);
/// while let Some(call) = erasure.next_call() {
///     erasure.handle_answer(&send(&call))?;
/// }
/// assert_eq!(erasure.requested()[0].contact.as_str(), "5f");
/// # Ok::<(), intercom_delivery::ErasureError>(())
/// ```
#[derive(Clone)]
pub struct Erasure {
    user_id: Option<String>,
    email: Option<String>,
    step: Step,
    /// Contacts that were found and not yet dealt with.
    found: VecDeque<ContactId>,
    requested: Vec<RequestedDeletion>,
}

#[derive(Clone)]
enum Step {
    /// Search for what the lookup says, from the page with this cursor.
    Search(LookupField, Option<String>),
    /// Try to create the contact.
    Create,
    /// Delete what was created.
    Undo(ContactId),
    /// Request the deletion of the first that was found.
    Request,
}

/// A contact whose deletion was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestedDeletion {
    /// The contact.
    pub contact: ContactId,
    /// Intercom's id of the request: what proves it. `None` if Intercom named none.
    pub request: Option<ResourceId>,
    /// Whether the contact was gone already.
    pub was_gone: bool,
}

/// A call of an erasure was refused. The same call can be made again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasureError {
    /// Intercom answered something else than success.
    #[error(transparent)]
    Refused(Box<ApiError>),
    /// The answer is none that is documented.
    #[error("Intercom's answer is not as documented")]
    Unreadable,
}

impl ErasureError {
    /// The stable code: Intercom's own if it refused the call.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Unreadable => "unreadable_answer",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_retryable(),
            Self::Unreadable => false,
        }
    }
}

impl Erasure {
    /// Of the person with this external id, or else with this email. Empty text is none.
    pub fn new(user_id: Option<String>, email: Option<String>) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (user_id, email) = (given(user_id), given(email));
        let step = match (&user_id, &email) {
            (Some(_), _) => Step::Search(LookupField::EXTERNAL_ID, None),
            (None, Some(_)) => Step::Search(LookupField::EMAIL, None),
            (None, None) => Step::Request,
        };
        Self {
            user_id,
            email,
            step,
            found: VecDeque::new(),
            requested: Vec::new(),
        }
    }

    /// The next call, until its answer is handled; `None` once all is done.
    pub fn next_call(&self) -> Option<Call> {
        let call = match &self.step {
            Step::Search(field, cursor) => self.search(field, cursor.as_deref()).to_call(),
            Step::Create => {
                let mut contact = ContactFields::new();
                contact.external_id = self.user_id.as_deref().map(Into::into);
                contact.email.clone_from(&self.email);
                CreateContact { contact }.to_call()
            }
            Step::Undo(id) => DeleteContact { id: id.clone() }.to_call(),
            Step::Request => {
                let intercom_user_id = self.found.front()?.clone();
                RequestUserDeletion { intercom_user_id }.to_call()
            }
        };
        // None of these bodies can fail to be written: they are text.
        call.ok()
    }

    fn search(&self, field: &LookupField, cursor: Option<&str>) -> SearchContacts {
        let value = if *field == LookupField::EXTERNAL_ID {
            self.user_id.clone()
        } else {
            self.email.as_ref().map(|email| email.to_lowercase())
        };
        let mut search = Lookup::new(field.clone(), value.unwrap_or_default()).search();
        if let Some(cursor) = cursor {
            let mut page = SearchPagination::new();
            page.starting_after = Some(cursor.to_owned());
            search.pagination = Some(page);
        }
        search
    }

    /// Takes the answer of the last call.
    ///
    /// # Errors
    ///
    /// If it is not what the call needs. The erasure is as before, so that the call can be made again.
    pub fn handle_answer(&mut self, answer: &Answer) -> Result<(), ErasureError> {
        let result = if (200..300).contains(&answer.status) {
            Ok(answer.body.as_slice())
        } else {
            let mut error = ApiError::parse(answer.status, &answer.body);
            error.request_id = error.request_id.or_else(|| answer.request_id.clone());
            Err(error)
        };
        let refused = |error: ApiError| Err(ErasureError::Refused(Box::new(error)));
        let is_gone = |error: &ApiError| matches!(error.status, 404 | 410);
        match (&self.step, result) {
            (Step::Search(field, _), Ok(body)) => {
                let list = SearchContacts::parse_answer(body).map_err(|_| ErasureError::Unreadable)?;
                let field = field.clone();
                self.searched(field, list);
                Ok(())
            }
            (Step::Create, Ok(body)) => {
                let contact = CreateContact::parse_answer(body).map_err(|_| ErasureError::Unreadable)?;
                self.step = Step::Undo(contact.id);
                Ok(())
            }
            (Step::Create, Err(error)) => match error.conflicting_contact() {
                Some(conflict) => {
                    self.found.push_back(conflict.id);
                    self.step = Step::Request;
                    Ok(())
                }
                None => refused(error),
            },
            (Step::Undo(_), Ok(_)) => {
                self.step = Step::Request;
                Ok(())
            }
            (Step::Undo(_), Err(error)) if is_gone(&error) => {
                self.step = Step::Request;
                Ok(())
            }
            (Step::Request, Ok(body)) => {
                let deletion = RequestUserDeletion::parse_answer(body).ok();
                self.dealt_with(deletion.and_then(|deletion| deletion.id), false);
                Ok(())
            }
            (Step::Request, Err(error)) if is_gone(&error) => {
                self.dealt_with(None, true);
                Ok(())
            }
            (_, Err(error)) => refused(error),
        }
    }

    fn searched(&mut self, field: LookupField, list: ContactList) {
        let cursor = list.next_cursor().map(str::to_owned);
        let contacts = list.data.unwrap_or_default();
        let is_last = contacts.is_empty() || cursor.is_none();
        self.found.extend(contacts.into_iter().map(|contact| contact.id));
        self.step = if !is_last {
            Step::Search(field, cursor)
        } else if !self.found.is_empty() {
            Step::Request
        } else if field == LookupField::EXTERNAL_ID && self.email.is_some() {
            Step::Search(LookupField::EMAIL, None)
        } else {
            Step::Create
        };
    }

    fn dealt_with(&mut self, request: Option<ResourceId>, was_gone: bool) {
        self.requested
            .extend(self.found.pop_front().map(|contact| RequestedDeletion {
                contact,
                request,
                was_gone,
            }));
    }

    /// The contacts that a search has found, and whose deletion is not yet requested.
    pub fn found(&self) -> impl Iterator<Item = &ContactId> {
        self.found.iter()
    }

    /// Whether the next call changes something in Intercom: until then, everything has only been searched.
    pub fn is_still_searching(&self) -> bool {
        matches!(self.step, Step::Search(..))
    }

    /// The contacts whose deletion has been requested. None, once all is done: Intercom does not know the person.
    pub fn requested(&self) -> &[RequestedDeletion] {
        &self.requested
    }
}

impl fmt::Debug for Erasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasure")
            .field("found", &self.found)
            .field("requested", &self.requested)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs an erasure against a script: for each call the operation that is expected, and the answer.
    fn run(erasure: &mut Erasure, script: &[(&str, u16, &str)]) {
        for (operation, status, body) in script {
            let call = erasure.next_call().unwrap();
            assert_eq!(call.operation.as_str(), *operation);
            erasure
                .handle_answer(&Answer::new(*status, body.as_bytes().to_vec()))
                .unwrap();
        }
        assert!(erasure.next_call().is_none());
    }

    fn person() -> Erasure {
        Erasure::new(Some("u".to_owned()), Some("A@example.org".to_owned()))
    }

    fn contacts(erasure: &Erasure) -> Vec<&str> {
        erasure
            .requested()
            .iter()
            .map(|deletion| deletion.contact.as_str())
            .collect()
    }

    #[test]
    fn every_contact_with_the_email_is_deleted_on_whatever_page_it_is() {
        let mut erasure = person();
        let first = r#"{"data":[{"id":"1"},{"id":"2"}],"pages":{"type":"pages","next":{"starting_after":"c"}}}"#;
        run(
            &mut erasure,
            &[
                ("search_contacts", 200, r#"{"data":[]}"#),
                ("search_contacts", 200, first),
                ("search_contacts", 200, r#"{"data":[{"id":"3"}]}"#),
                ("request_user_deletion", 200, r#"{"id":10}"#),
                ("request_user_deletion", 404, ""),
                ("request_user_deletion", 200, "?"),
            ],
        );
        assert_eq!(contacts(&erasure), ["1", "2", "3"]);
        let proof: Vec<_> = erasure
            .requested()
            .iter()
            .map(|deletion| (deletion.request.is_some(), deletion.was_gone))
            .collect();
        assert_eq!(proof, [(true, false), (false, true), (false, false)]);
    }

    #[test]
    fn a_contact_that_no_search_finds_is_named_by_the_conflict() {
        let conflict = r#"{"type":"error.list","errors":[{"code":"conflict","message":"An archived contact matching those details already exists with id=7"}]}"#;
        let mut erasure = person();
        run(
            &mut erasure,
            &[
                ("search_contacts", 200, r#"{"data":[]}"#),
                ("search_contacts", 200, r#"{"data":[]}"#),
                ("create_contact", 409, conflict),
                ("request_user_deletion", 200, r#"{"id":10}"#),
            ],
        );
        assert_eq!(contacts(&erasure), ["7"]);
    }

    #[test]
    fn nobody_is_left_where_nobody_was() {
        let mut erasure = Erasure::new(None, Some("a@example.org".to_owned()));
        run(
            &mut erasure,
            &[
                ("search_contacts", 200, r#"{"data":[]}"#),
                ("create_contact", 200, r#"{"id":"8"}"#),
                ("delete_contact", 200, r#"{"id":"8"}"#),
            ],
        );
        assert!(erasure.requested().is_empty());
        assert!(Erasure::new(None, Some(String::new())).next_call().is_none());
    }

    #[test]
    fn a_call_that_is_refused_can_be_made_again() {
        let mut erasure = person();
        let call = erasure.next_call().unwrap();
        let error = erasure.handle_answer(&Answer::new(503, "")).unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(erasure.next_call().unwrap().operation, call.operation);
        assert!(!format!("{erasure:?}").contains("example"));
    }
}
