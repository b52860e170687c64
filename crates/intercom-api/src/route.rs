//! Which method and path each operation has: the one table of routes.

use crate::version::ApiVersion;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// An HTTP method that Intercom's API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Create, or any other action.
    Post,
    /// Update.
    Put,
    /// Delete or detach.
    Delete,
}

impl Method {
    /// The method's name, in capitals.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one path segment, or one name or value of a query.
pub(crate) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, UNRESERVED)
}

/// The most parameters that a path has.
const MAX_PARAMETERS: usize = 2;

/// A path that is one of the table's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// The operation.
    pub operation: OperationId,
    parameters: [Cow<'a, str>; MAX_PARAMETERS],
}

impl Route<'_> {
    /// Finds the operation of a method and a percent-encoded path without its query.
    ///
    /// A path with an empty segment, or with `.` or `..` in any spelling, is none: other software would fold it to
    /// another path.
    ///
    /// ```
    /// use intercom_api::{Method, OperationId, Route};
    ///
    /// let route = Route::find(Method::Delete, "/contacts/5f/companies/a%20b").unwrap();
    /// assert_eq!(route.operation, OperationId::DetachCompany);
    /// assert!(route.parameters().eq(["5f", "a b"]));
    /// assert_eq!(Route::find(Method::Delete, "/contacts/%2e%2e/companies/5f"), None);
    /// ```
    pub fn find(method: Method, path: &str) -> Option<Route<'_>> {
        let candidates = OperationId::ALL.iter().filter(|id| id.method() == method);
        let routes = candidates.filter_map(|operation| operation.matching(path));
        // `/contacts/search` is a path of its own, and no contact.
        routes.min_by_key(|route| route.operation.parameters())
    }

    /// The parameters of the path, decoded.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .take(self.operation.parameters())
            .map(|text| &**text)
    }
}

macro_rules! method {
    (GET) => {
        Method::Get
    };
    (POST) => {
        Method::Post
    };
    (PUT) => {
        Method::Put
    };
    (DELETE) => {
        Method::Delete
    };
}

macro_rules! openapi {
    ($name:literal) => {
        Some($name)
    };
    (none) => {
        None
    };
}

macro_rules! since {
    () => {
        None
    };
    ($version:ident) => {
        Some(ApiVersion::$version)
    };
}

macro_rules! routes {
    ($($(#[$doc:meta])* $variant:ident: $method:ident $template:literal, $name:tt $(, since $since:ident)?;)*) => {
        /// The operations that this crate models.
        ///
        /// Written in `snake_case` (`search_contacts`): a stable name for reports, metrics and journals.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum OperationId {$(
            #[doc = concat!("`", stringify!($method), " ", $template, "`")]
            $(#[$doc])*
            $variant,
        )*}

        impl OperationId {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The HTTP method.
            pub const fn method(self) -> Method {
                match self {$(Self::$variant => method!($method),)*}
            }

            /// The path below the base URL, with the names of its parameters in braces.
            pub const fn template(self) -> &'static str {
                match self {$(Self::$variant => $template,)*}
            }

            /// The `operationId` in Intercom's OpenAPI descriptions; none for what is documented elsewhere.
            pub const fn openapi_name(self) -> Option<&'static str> {
                match self {$(Self::$variant => openapi!($name),)*}
            }

            /// The first version that has it; none if all published versions have it.
            pub const fn since(self) -> Option<ApiVersion> {
                match self {$(Self::$variant => since!($($since)?),)*}
            }
        }
    };
}

routes! {
    IdentifyAdmin: GET "/me", "identifyAdmin";
    ListAdmins: GET "/admins", "listAdmins";
    ListActivityLogs: GET "/admins/activity_logs", "listActivityLogs";
    RetrieveAdmin: GET "/admins/{id}", "retrieveAdmin";
    SetAwayAdmin: PUT "/admins/{id}/away", "setAwayAdmin";

    /// Create or update.
    UpsertCompany: POST "/companies", "createOrUpdateCompany";
    FindCompany: GET "/companies", "retrieveCompany";
    RetrieveCompany: GET "/companies/{id}", "RetrieveACompanyById";
    UpdateCompany: PUT "/companies/{id}", "UpdateCompany";
    DeleteCompany: DELETE "/companies/{id}", "deleteCompany";
    ListCompanyContacts: GET "/companies/{id}/contacts", "ListAttachedContacts";
    ListCompanySegments: GET "/companies/{id}/segments", "ListAttachedSegmentsForCompanies";
    ListCompanies: POST "/companies/list", "listAllCompanies";
    ScrollCompanies: GET "/companies/scroll", "scrollOverAllCompanies";
    AttachCompany: POST "/contacts/{id}/companies", "attachContactToACompany";
    DetachCompany: DELETE "/contacts/{contact_id}/companies/{id}", "detachContactFromACompany";
    ListContactCompanies: GET "/contacts/{id}/companies", "listCompaniesForAContact";

    ListContactNotes: GET "/contacts/{id}/notes", "listNotes";
    CreateNote: POST "/contacts/{id}/notes", "createNote";
    RetrieveNote: GET "/notes/{id}", "retrieveNote";

    ListContactSegments: GET "/contacts/{contact_id}/segments", "listSegmentsForAContact";
    ListSegments: GET "/segments", "listSegments";
    RetrieveSegment: GET "/segments/{id}", "retrieveSegment";

    ListContactSubscriptions: GET "/contacts/{contact_id}/subscriptions", "listSubscriptionsForAContact";
    AttachSubscription: POST "/contacts/{contact_id}/subscriptions", "attachSubscriptionTypeToContact";
    DetachSubscription: DELETE "/contacts/{contact_id}/subscriptions/{id}", "detachSubscriptionTypeToContact";
    ListSubscriptionTypes: GET "/subscription_types", "listSubscriptionTypes";

    ListContactTags: GET "/contacts/{contact_id}/tags", "listTagsForAContact";
    TagContact: POST "/contacts/{contact_id}/tags", "attachTagToContact";
    UntagContact: DELETE "/contacts/{contact_id}/tags/{id}", "detachTagFromContact";
    TagConversation: POST "/conversations/{conversation_id}/tags", "attachTagToConversation";
    UntagConversation: DELETE "/conversations/{conversation_id}/tags/{id}", "detachTagFromConversation";
    TagTicket: POST "/tickets/{ticket_id}/tags", "attachTagToTicket";
    UntagTicket: DELETE "/tickets/{ticket_id}/tags/{id}", "detachTagFromTicket";
    ListTags: GET "/tags", "listTags";
    /// Create, rename, tag or untag.
    CreateTag: POST "/tags", "createTag";
    FindTag: GET "/tags/{id}", "findTag";
    DeleteTag: DELETE "/tags/{id}", "deleteTag";

    CreateContact: POST "/contacts", "CreateContact";
    UpdateContact: PUT "/contacts/{id}", "UpdateContact";
    RetrieveContact: GET "/contacts/{id}", "ShowContact";
    /// Since version 2.14, for which Intercom's own client has it (`intercom-client` 7 of npm); description 2.10 does not.
    RetrieveContactByExternalId: GET "/contacts/find_by_external_id/{external_id}", "ShowContactByExternalId", since V2_14;
    DeleteContact: DELETE "/contacts/{id}", "DeleteContact";
    MergeContacts: POST "/contacts/merge", "MergeContact";
    SearchContacts: POST "/contacts/search", "SearchContacts";
    ListContacts: GET "/contacts", "ListContacts";
    ArchiveContact: POST "/contacts/{id}/archive", "ArchiveContact";
    UnarchiveContact: POST "/contacts/{id}/unarchive", "UnarchiveContact";
    /// Since version 2.14, for which Intercom's own client has it (`intercom-client` 7 of npm); description 2.10 does not.
    BlockContact: POST "/contacts/{id}/block", "BlockContact", since V2_14;

    ListDataAttributes: GET "/data_attributes", "lisDataAttributes";
    CreateDataAttribute: POST "/data_attributes", "createDataAttribute";
    UpdateDataAttribute: PUT "/data_attributes/{id}", "updateDataAttribute";

    SubmitDataEvent: POST "/events", "createDataEvent";
    ListDataEvents: GET "/events", "lisDataEvents";
    SummariseDataEvents: POST "/events/summaries", "dataEventSummaries";

    UpdateVisitor: PUT "/visitors", "updateVisitor";
    RetrieveVisitor: GET "/visitors", "retrieveVisitorWithUserId";
    ConvertVisitor: POST "/visitors/convert", "convertVisitor";

    RequestUserDeletion: POST "/user_delete_requests", none;
}

impl OperationId {
    /// The stable `snake_case` name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// How many parameters its path has.
    pub const fn parameters(self) -> usize {
        let template = self.template().as_bytes();
        let (mut count, mut at) = (0, 0);
        while at < template.len() {
            if template[at] == b'{' {
                count += 1;
            }
            at += 1;
        }
        count
    }

    /// The path with these parameters in place of those of the template.
    pub(crate) fn path<const N: usize>(self, parameters: [&str; N]) -> Cow<'static, str> {
        if N == 0 {
            return Cow::Borrowed(self.template());
        }
        let mut path = String::with_capacity(64);
        let mut parameters = parameters.into_iter();
        for segment in self.template().split('/').skip(1) {
            path.push('/');
            match is_parameter(segment).then(|| parameters.next()).flatten() {
                Some(parameter) => path.extend(encode(parameter)),
                None => path.push_str(segment),
            }
        }
        Cow::Owned(path)
    }

    /// The route of a path that fits the template.
    fn matching(self, path: &str) -> Option<Route<'_>> {
        let mut parameters = [const { Cow::Borrowed("") }; MAX_PARAMETERS];
        let mut at = 0;
        let mut segments = path.split('/');
        for expected in self.template().split('/') {
            let found = segments.next()?;
            if is_parameter(expected) {
                let parameter = percent_decode_str(found).decode_utf8().ok()?;
                if matches!(&*parameter, "" | "." | "..") {
                    return None;
                }
                parameters[at] = parameter;
                at += 1;
            } else if expected != found {
                return None;
            }
        }
        segments.next().is_none().then_some(Route {
            operation: self,
            parameters,
        })
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_path_leads_to_its_operation() {
        for operation in OperationId::ALL {
            let path = match operation.parameters() {
                0 => operation.path([]),
                1 => operation.path(["5 f"]),
                _ => operation.path(["5 f", "a/b"]),
            };
            let route = Route::find(operation.method(), &path).unwrap();
            assert_eq!(route.operation, *operation, "{path}");
            let parameters: Vec<_> = route.parameters().collect();
            assert_eq!(parameters, ["5 f", "a/b"][..operation.parameters()], "{path}");
        }
    }

    #[test]
    fn no_route_is_written_twice() {
        let routes: BTreeSet<_> = OperationId::ALL
            .iter()
            .map(|id| (id.method().as_str(), id.template()))
            .collect();
        assert_eq!(routes.len(), OperationId::ALL.len());
        let names = || OperationId::ALL.iter().filter_map(|id| id.openapi_name());
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
    }

    #[test]
    fn a_path_that_others_would_fold_is_none() {
        for path in [
            "",
            "/",
            "contacts",
            "/contacts/",
            "//contacts",
            "/contacts//companies/1",
            "/contacts/5f/",
            "/contacts/.",
            "/contacts/..",
            "/contacts/%2e",
            "/contacts/%2E%2e",
            "/contacts/.%2e",
            "/contacts/../companies/1",
            "/contacts/%2e%2e/companies/1",
            "/contacts/%ff",
        ] {
            assert_eq!(Route::find(Method::Delete, path), None, "{path}");
        }
        assert!(Route::find(Method::Delete, "/contacts/...").is_some());
    }
}
