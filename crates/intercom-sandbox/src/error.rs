//! The errors that the sandbox answers with.

use crate::json::object;
use intercom_api::{ErrorCode, Method, OperationId};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What the paths of Intercom's API begin with, in any version: whoever calls one that the sandbox lacks is to know
/// that it is the sandbox that lacks it.
const FAMILIES: &[&str] = &[
    "admins",
    "ai",
    "articles",
    "audiences",
    "away_status_reasons",
    "brands",
    "bulk",
    "calls",
    "companies",
    "contacts",
    "content",
    "content_snippets",
    "conversations",
    "counts",
    "custom_object_instances",
    "customers",
    "data_attributes",
    "data_connectors",
    "download",
    "emails",
    "events",
    "export",
    "fin",
    "fin_voice",
    "help_center",
    "internal_articles",
    "ip_allowlist",
    "jobs",
    "macros",
    "messages",
    "news",
    "notes",
    "office_hours_schedules",
    "phone_call_redirects",
    "segments",
    "subscription_types",
    "subscriptions",
    "tags",
    "teams",
    "ticket_states",
    "ticket_types",
    "tickets",
    "user_delete_requests",
    "users",
    "visitors",
];

/// Whether a segment of a path can be a name: what is empty or decodes to no text cannot, and other software folds `.` and
/// `..` to another path.
fn is_name(segment: &str) -> bool {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded.is_ok_and(|name| !matches!(&*name, "" | "." | ".."))
}

/// An error response in the making.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    code: ErrorCode,
    message: Cow<'static, str>,
    field: Option<String>,
    /// The `Link` header.
    pub(crate) link: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            field: None,
            link: None,
        }
    }

    fn about(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// A parameter has a value that does not do.
    pub(crate) fn invalid(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, ErrorCode::ParameterInvalid, message).about(field)
    }

    /// A parameter is missing.
    pub(crate) fn missing(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, ErrorCode::ParameterNotFound, message).about(field)
    }

    /// There is no parameter of that name.
    pub(crate) fn unknown_parameter(name: &str) -> Self {
        Self::new(400, ErrorCode::BadRequest, format!("bad '{name}' parameter"))
    }

    /// There is no custom attribute of that name.
    pub(crate) fn no_such_attribute(name: &str) -> Self {
        Self::new(
            400,
            ErrorCode::ParameterInvalid,
            format!("Custom attribute '{name}' does not exist"),
        )
    }

    pub(crate) fn contact_not_found() -> Self {
        Self::new(404, ErrorCode::NotFound, "User Not Found")
    }

    pub(crate) fn company_not_found() -> Self {
        Self::new(404, ErrorCode::CompanyNotFound, "Company Not Found")
    }

    pub(crate) fn resource_not_found() -> Self {
        Self::new(404, ErrorCode::NotFound, "Resource Not Found")
    }

    /// There is no such method and path: in Intercom neither, or only here.
    pub(crate) fn no_route(method: &str, path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let mut segments = path.split('/').skip(1);
        let family = segments.next().unwrap_or_default();
        let is_method = method.parse::<Method>().is_ok() || (method, family) == ("PATCH", "data_connectors");
        let is_known = is_method && FAMILIES.contains(&family);
        if is_known && segments.all(is_name) {
            return Self::not_in_sandbox(format!("The sandbox does not implement this {method} below /{family}"));
        }
        Self::new(404, ErrorCode::NotFound, "The requested resource was not found")
    }

    /// Versions after the one that is asked for have the operation.
    pub(crate) fn not_yet(operation: OperationId) -> Self {
        let (method, path) = (operation.method(), operation.template());
        let since = operation.since().unwrap_or_default();
        let message = format!("The requested resource was not found: there is a {method} {path} since version {since}");
        Self::new(404, ErrorCode::NotFound, message)
    }

    /// A contact that was merged, by its own or another version's manners.
    pub(crate) fn contact_merged(into: Option<String>) -> Self {
        let message = match into {
            Some(_) => "This contact has been merged. See the 'Link' header for the canonical contact.",
            None => "The contact was merged into another contact",
        };
        let mut error = Self::new(410, ErrorCode::ContactMerged, message);
        error.link = into;
        error
    }

    pub(crate) fn invalid_sort_order(order: &str) -> Self {
        let message = format!("Invalid sort order '{order}'. Must be one of: ascending, descending");
        Self::new(400, ErrorCode::InvalidSortOrder, message)
    }

    fn not_in_sandbox(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(501, "not_implemented_in_sandbox".into(), message)
    }

    /// Intercom has the operation, and the sandbox does not.
    pub(crate) fn not_implemented(operation: OperationId) -> Self {
        let message = format!(
            "The sandbox does not implement {} {}",
            operation.method(),
            operation.template()
        );
        Self::not_in_sandbox(message)
    }

    /// Another contact, with this id, has one of the identities.
    pub(crate) fn conflict(id: &str, archived: bool) -> Self {
        let subject = if archived { "An archived contact" } else { "A contact" };
        Self::new(
            409,
            ErrorCode::Conflict,
            format!("{subject} matching those details already exists with id={id}"),
        )
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, ErrorCode::Unauthorized, "Access Token Invalid")
    }

    /// What Intercom usually says with that status.
    pub(crate) fn of_status(status: u16) -> Self {
        let (code, message) = match status {
            401 => return Self::unauthorized(),
            403 => (ErrorCode::Forbidden, "Access to this resource is forbidden"),
            404 => (ErrorCode::NotFound, "Resource Not Found"),
            406 => (
                ErrorCode::MediaTypeNotAcceptable,
                "The Accept header should send a media type of application/json",
            ),
            408 => (
                "request_timeout".into(),
                "The server would not wait any longer for the client",
            ),
            413 => (ErrorCode::BadRequest, "The request body is too long"),
            429 => (
                ErrorCode::RateLimitExceeded,
                "The rate limit for the App has been exceeded",
            ),
            503 => (
                "service_unavailable".into(),
                "Sorry, the API service is temporarily unavailable",
            ),
            500.. => (ErrorCode::ServerError, "Something went wrong on the server"),
            _ => (ErrorCode::ClientError, "The request cannot be fulfilled"),
        };
        Self::new(status, code, message)
    }

    /// The error list.
    pub(crate) fn to_body(&self, request_id: &str) -> Vec<u8> {
        crate::json::to_vec(&object! {
            "type": "error.list",
            "request_id": request_id,
            "errors": [object! {
                "code": self.code.as_str(), "message": &self.message, "field"?: self.field.as_deref(),
            }],
        })
    }
}
