//! What every typed request has in common.

use crate::call::{Call, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A typed request of Intercom's REST API: one type an operation.
///
/// A request knows its method, its percent-encoded path, its query, its body and the type of a successful answer.
/// It sends nothing itself: turn it into a [`Call`] and hand that to an HTTP client.
pub trait Operation {
    /// The JSON body, or [`NoBody`].
    type Body: Serialize + ?Sized;
    /// What a successful answer holds.
    type Answer: DeserializeOwned;

    /// Intercom's name of the operation.
    const ID: OperationId;
    /// The HTTP method.
    const METHOD: Method;

    /// The path below the base URL, percent-encoded, with a slash at the front.
    fn path(&self) -> Cow<'static, str>;

    /// The query parameters, not encoded.
    fn query(&self) -> Vec<(Cow<'static, str>, String)> {
        Vec::new()
    }

    /// The body, if the operation has one.
    fn body(&self) -> Option<&Self::Body>;

    /// The request as plain data.
    ///
    /// # Errors
    ///
    /// If the body cannot be written as JSON, which no type of this crate does.
    fn to_call(&self) -> Result<Call, serde_json::Error> {
        self.to_call_with(self.body())
    }

    /// The same with another body, for a caller who has one and need not copy it into a request.
    ///
    /// # Errors
    ///
    /// If the body cannot be written as JSON, which no type of this crate does.
    fn to_call_with(&self, body: Option<&Self::Body>) -> Result<Call, serde_json::Error> {
        let mut call = Call::new(Self::ID, Self::METHOD, self.path());
        call.query = self.query();
        call.body = body.map(serde_json::value::to_raw_value).transpose()?;
        Ok(call)
    }

    /// Reads a successful answer. An empty one is read as JSON `null`; what an operation without an answer (`()`)
    /// was sent is not looked at.
    ///
    /// # Errors
    ///
    /// If the body is not what the operation answers. The message may quote the body, so it is not one for a log.
    fn parse_answer(body: &[u8]) -> Result<Self::Answer, serde_json::Error> {
        let holds_nothing = size_of::<Self::Answer>() == 0 || body.iter().all(u8::is_ascii_whitespace);
        serde_json::from_slice(if holds_nothing { b"null" } else { body })
    }
}

/// The body of an operation that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NoBody {}

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one path segment, or one name or value of a query.
pub fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, UNRESERVED)
}

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The operations that this crate models.
        ///
        /// Written in `snake_case` (`search_contacts`): a stable name for reports, metrics and journals.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        #[non_exhaustive]
        pub enum OperationId {$(
            $(#[$doc])*
            $variant,
        )*}

        impl OperationId {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable `snake_case` name.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// The `operationId` in Intercom's OpenAPI description 2.10.
            pub const fn openapi_name(self) -> &'static str {
                match self {$(Self::$variant => $name,)*}
            }
        }
    };
}

operations! {
    /// `GET /me`
    IdentifyAdmin = "identifyAdmin",
    /// `PUT /admins/{id}/away`
    SetAwayAdmin = "setAwayAdmin",
    /// `GET /admins/activity_logs`
    ListActivityLogs = "listActivityLogs",
    /// `GET /admins`
    ListAdmins = "listAdmins",
    /// `GET /admins/{id}`
    RetrieveAdmin = "retrieveAdmin",
    /// `POST /companies`
    UpsertCompany = "createOrUpdateCompany",
    /// `GET /companies`
    FindCompany = "retrieveCompany",
    /// `GET /companies/{id}`
    RetrieveCompany = "RetrieveACompanyById",
    /// `PUT /companies/{id}`
    UpdateCompany = "UpdateCompany",
    /// `DELETE /companies/{id}`
    DeleteCompany = "deleteCompany",
    /// `GET /companies/{id}/contacts`
    ListCompanyContacts = "ListAttachedContacts",
    /// `GET /companies/{id}/segments`
    ListCompanySegments = "ListAttachedSegmentsForCompanies",
    /// `POST /companies/list`
    ListCompanies = "listAllCompanies",
    /// `GET /companies/scroll`
    ScrollCompanies = "scrollOverAllCompanies",
    /// `POST /contacts/{id}/companies`
    AttachCompany = "attachContactToACompany",
    /// `DELETE /contacts/{contact_id}/companies/{id}`
    DetachCompany = "detachContactFromACompany",
    /// `GET /contacts/{id}/companies`
    ListContactCompanies = "listCompaniesForAContact",
    /// `GET /contacts/{id}/notes`
    ListContactNotes = "listNotes",
    /// `POST /contacts/{id}/notes`
    CreateNote = "createNote",
    /// `GET /notes/{id}`
    RetrieveNote = "retrieveNote",
    /// `GET /contacts/{contact_id}/segments`
    ListContactSegments = "listSegmentsForAContact",
    /// `GET /contacts/{contact_id}/subscriptions`
    ListContactSubscriptions = "listSubscriptionsForAContact",
    /// `POST /contacts/{contact_id}/subscriptions`
    AttachSubscription = "attachSubscriptionTypeToContact",
    /// `DELETE /contacts/{contact_id}/subscriptions/{id}`
    DetachSubscription = "detachSubscriptionTypeToContact",
    /// `GET /subscription_types`
    ListSubscriptionTypes = "listSubscriptionTypes",
    /// `GET /contacts/{contact_id}/tags`
    ListContactTags = "listTagsForAContact",
    /// `POST /contacts/{contact_id}/tags`
    TagContact = "attachTagToContact",
    /// `DELETE /contacts/{contact_id}/tags/{id}`
    UntagContact = "detachTagFromContact",
    /// `POST /conversations/{conversation_id}/tags`
    TagConversation = "attachTagToConversation",
    /// `DELETE /conversations/{conversation_id}/tags/{id}`
    UntagConversation = "detachTagFromConversation",
    /// `POST /tickets/{ticket_id}/tags`
    TagTicket = "attachTagToTicket",
    /// `DELETE /tickets/{ticket_id}/tags/{id}`
    UntagTicket = "detachTagFromTicket",
    /// `GET /tags`
    ListTags = "listTags",
    /// `POST /tags`: create, rename, tag or untag.
    CreateTag = "createTag",
    /// `GET /tags/{id}`
    FindTag = "findTag",
    /// `DELETE /tags/{id}`
    DeleteTag = "deleteTag",
    /// `POST /contacts`
    CreateContact = "CreateContact",
    /// `PUT /contacts/{id}`
    UpdateContact = "UpdateContact",
    /// `GET /contacts/{id}`
    RetrieveContact = "ShowContact",
    /// `DELETE /contacts/{id}`
    DeleteContact = "DeleteContact",
    /// `POST /contacts/merge`
    MergeContacts = "MergeContact",
    /// `POST /contacts/search`
    SearchContacts = "SearchContacts",
    /// `GET /contacts`
    ListContacts = "ListContacts",
    /// `POST /contacts/{id}/archive`
    ArchiveContact = "ArchiveContact",
    /// `POST /contacts/{id}/unarchive`
    UnarchiveContact = "UnarchiveContact",
    /// `GET /data_attributes`
    ListDataAttributes = "lisDataAttributes",
    /// `POST /data_attributes`
    CreateDataAttribute = "createDataAttribute",
    /// `PUT /data_attributes/{id}`
    UpdateDataAttribute = "updateDataAttribute",
    /// `POST /events`
    SubmitDataEvent = "createDataEvent",
    /// `GET /events`
    ListDataEvents = "lisDataEvents",
    /// `POST /events/summaries`
    SummariseDataEvents = "dataEventSummaries",
    /// `GET /segments`
    ListSegments = "listSegments",
    /// `GET /segments/{id}`
    RetrieveSegment = "retrieveSegment",
    /// `PUT /visitors`
    UpdateVisitor = "updateVisitor",
    /// `GET /visitors`
    RetrieveVisitor = "retrieveVisitorWithUserId",
    /// `POST /visitors/convert`
    ConvertVisitor = "convertVisitor",
    /// `POST /user_delete_requests`; documented apart from the OpenAPI description.
    RequestUserDeletion = "requestUserDeletion",
}
