//! What Intercom answers when something is wrong.
//!
//! Source: the `error` schema of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/rest-api/errors/error-codes>.

use crate::drift::{Drift, Finding};
use crate::ids::ContactId;
use crate::json::{Attributes, Value};
use crate::model::{open_enum, response};
use serde::{Serialize, Serializer};
use std::fmt;

open_enum! {
    /// The code of an error. Intercom adds to these without notice.
    ErrorCode {
        /// The access token is not valid.
        Unauthorized = "unauthorized",
        /// The access token is not valid.
        TokenUnauthorized = "token_unauthorized",
        /// The access token is unknown.
        TokenNotFound = "token_not_found",
        /// The access token was revoked.
        TokenRevoked = "token_revoked",
        /// The access token is blocked.
        TokenBlocked = "token_blocked",
        /// The access token has expired.
        TokenExpired = "token_expired",
        /// There is no `Authorization` header.
        MissingAuthorizationHeader = "missing_authorization_header",
        /// The token may not do this.
        Forbidden = "forbidden",
        /// The action is not allowed.
        ActionForbidden = "action_forbidden",
        /// The workspace's plan does not include this.
        ApiPlanRestricted = "api_plan_restricted",
        /// Too many calls.
        RateLimitExceeded = "rate_limit_exceeded",
        /// Something failed at Intercom.
        ServerError = "server_error",
        /// Something is wrong with the request.
        ClientError = "client_error",
        /// Something is wrong with the request.
        BadRequest = "bad_request",
        /// A value has the wrong type.
        TypeMismatch = "type_mismatch",
        /// A parameter is missing.
        ParameterNotFound = "parameter_not_found",
        /// A parameter is missing.
        MissingParameter = "missing_parameter",
        /// A parameter is not valid: an undefined custom attribute, for instance.
        ParameterInvalid = "parameter_invalid",
        /// The data are not valid.
        DataInvalid = "data_invalid",
        /// There is one already.
        Conflict = "conflict",
        /// The data belong to someone else already.
        UniqueUserConstraint = "unique_user_constraint",
        /// There is none.
        NotFound = "not_found",
        /// There is no such company.
        CompanyNotFound = "company_not_found",
        /// There is no such contact.
        ContactNotFound = "contact_not_found",
        /// There is no such teammate.
        AdminNotFound = "admin_not_found",
        /// There is no such tag.
        TagNotFound = "tag_not_found",
        /// There is no such ticket.
        TicketNotFound = "ticket_not_found",
        /// There is no such attribute.
        FieldNotFound = "field_not_found",
        /// The contact was merged into another.
        ContactMerged = "contact_merged",
        /// The contact has too many companies.
        ContactCompanyLimitExceeded = "contact_company_limit_exceeded",
        /// The two contacts are no duplicates of each other, so they are not merged.
        InvalidMerge = "invalid_merge",
        /// Hits cannot be sorted in this order.
        InvalidSortOrder = "invalid_sort_order",
        /// Whoever is away has to say why.
        AwayStatusReasonMandatory = "away_status_reason_mandatory",
        /// Something depends on the tag.
        TagHasDependentObjects = "tag_has_dependent_objects",
        /// The `Accept` header asks for something other than JSON.
        MediaTypeNotAcceptable = "media_type_not_acceptable",
        /// The `Intercom-Version` header names no version.
        IntercomVersionInvalid = "intercom_version_invalid",
    }
}

response! {
    /// One thing that is wrong.
    ErrorItem {
        required {
            /// What kind of error.
            code: ErrorCode,
        }
        optional {
            /// What is wrong, for people. It may quote personal data.
            message: String,
            /// Which field or parameter.
            field: String,
        }
    }
}

response! {
    /// The object that an error's body is.
    ErrorBody {
        optional {
            /// `error.list` or `error`.
            object_type = "type": String,
            /// Intercom's name of the request.
            request_id: String,
            /// What is wrong.
            errors: Vec<ErrorItem>,
        }
    }
}

/// What kind of body an error came with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `error.list`: the documented form.
    ErrorList,
    /// `error`.
    Error,
    /// JSON, but neither of these.
    OtherJson,
    /// Not JSON: a proxy's page, for instance.
    NotJson,
    /// Nothing.
    Empty,
}

/// A response that is not a success.
///
/// `Display` and `Debug` show status, codes and request id. They show no message, because messages quote what was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// What kind of body it came with.
    pub kind: ErrorKind,
    /// Intercom's name of the request: what its support asks for.
    pub request_id: Option<String>,
    /// What is wrong.
    pub errors: Vec<ErrorItem>,
    body: Option<ErrorBody>,
}

/// A contact that has what another contact was to have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactConflict {
    /// That contact.
    pub id: ContactId,
    /// Whether it is archived: then no search finds it.
    pub archived: bool,
}

impl ApiError {
    /// Reads a response's body, whatever it is.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        let mut error = Self {
            status,
            kind: ErrorKind::Empty,
            request_id: None,
            errors: Vec::new(),
            body: None,
        };
        if body.iter().all(u8::is_ascii_whitespace) {
            return error;
        }
        let Ok(read) = serde_json::from_slice::<ErrorBody>(body) else {
            error.kind = match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                Ok(_) => ErrorKind::OtherJson,
                Err(_) => ErrorKind::NotJson,
            };
            return error;
        };
        error.kind = match read.object_type.as_deref() {
            Some("error.list") => ErrorKind::ErrorList,
            Some("error") => ErrorKind::Error,
            _ => ErrorKind::OtherJson,
        };
        error.request_id.clone_from(&read.request_id);
        error.errors = read.errors.clone().unwrap_or_else(|| items_of(&read));
        error.body = Some(read);
        error
    }

    /// The code of the first error, or else a word for the kind of body. A code that is no word is `unknown`.
    pub fn code(&self) -> &str {
        match (self.errors.first(), &self.kind) {
            (Some(error), _) => as_word(error.code.as_str()),
            (None, ErrorKind::NotJson) => "not_json",
            (None, ErrorKind::Empty) => "empty",
            (None, _) => "unknown",
        }
    }

    /// Whether the same call may succeed later: see [`is_retryable`].
    pub fn is_retryable(&self) -> bool {
        is_retryable(self.status)
    }

    /// Whether one of the errors has this code.
    pub fn has_code(&self, code: &ErrorCode) -> bool {
        self.errors.iter().any(|error| error.code == *code)
    }

    /// The contact that has the external id or email already, if that is what is wrong.
    pub fn conflicting_contact(&self) -> Option<ContactConflict> {
        const LIVE: &str = "A contact matching those details already exists with id=";
        const ARCHIVED: &str = "An archived contact matching those details already exists with id=";
        self.messages().find_map(|message| {
            let (rest, archived) = message
                .strip_prefix(ARCHIVED)
                .map(|rest| (rest, true))
                .or_else(|| Some((message.strip_prefix(LIVE)?, false)))?;
            // No id has white space in it, and one may be followed by a full stop or by more text.
            let id = rest.split_ascii_whitespace().next()?.trim_end_matches(['.', ',', ';']);
            let id = id.parse().ok()?;
            Some(ContactConflict { id, archived })
        })
    }

    /// The custom attribute that is not defined in the workspace, if that is what is wrong.
    pub fn undefined_attribute(&self) -> Option<&str> {
        self.messages().find_map(|message| {
            message
                .strip_prefix("Custom attribute '")?
                .trim_end_matches('.')
                .strip_suffix("' does not exist")
        })
    }

    /// Whether the workspace can have no more custom attributes, as far as the message says so: what Intercom says then is
    /// not documented.
    pub fn is_attribute_limit(&self) -> bool {
        let says_so = |message: &str| {
            let says_limit = ["cannot have more", "maximum", "limit"]
                .iter()
                .any(|words| message.contains(words));
            says_limit && message.contains("attributes")
        };
        self.messages().any(|message| says_so(&message.to_lowercase()))
    }

    /// Whether the workspace has as many active event names as it may.
    pub fn is_event_name_limit(&self) -> bool {
        self.messages()
            .any(|message| message.starts_with("Cannot have more than") && message.contains("active event names"))
    }

    fn messages(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter_map(|error| error.message.as_deref())
    }
}

/// The errors of a body whose list of them is not as documented: what stands for an error in it, or is one itself.
fn items_of(body: &ErrorBody) -> Vec<ErrorItem> {
    let item = |object: &Attributes| {
        let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let (code, message) = (text("code"), text("message"));
        if code.is_none() && message.is_none() {
            return None;
        }
        let mut item = ErrorItem::new(code.unwrap_or_default());
        (item.message, item.field) = (message, text("field"));
        Some(item)
    };
    match body.extra.get("errors") {
        Some(Value::Array(errors)) => errors.iter().filter_map(|error| item(error.as_object()?)).collect(),
        _ => item(&body.extra).into_iter().collect(),
    }
}

/// Whether the same call may succeed later: 408, 429, and any 5xx but 501 and 505.
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502..=504 | 506..=599)
}

/// The text if it can be shown: a word and not a message.
fn as_word(text: &str) -> &str {
    let is_word =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.- ".contains(&b));
    if is_word { text } else { "unknown" }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intercom answered {}: ", self.status)?;
        match self.errors.split_first() {
            None => f.write_str(self.code())?,
            Some((first, others)) => {
                f.write_str(as_word(first.code.as_str()))?;
                for error in others {
                    write!(f, ", {}", as_word(error.code.as_str()))?;
                }
            }
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", as_word(id)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiError({self})")
    }
}

impl std::error::Error for ApiError {}

impl Serialize for ApiError {
    /// Writes the body back; an error without a JSON object in its body is an empty list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.body {
            Some(body) => body.serialize(serializer),
            None => Attributes::from_iter([("type", "error.list")]).serialize(serializer),
        }
    }
}

impl Drift for ApiError {
    fn drift(&self, at: &str, found: &mut Vec<Finding>) {
        self.body.drift(at, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_message(message: &str) -> ApiError {
        let body = format!(
            r#"{{"type":"error.list","request_id":"r-1","errors":[{{"code":"conflict","message":"{message}"}}]}}"#
        );
        ApiError::parse(409, body.as_bytes())
    }

    #[test]
    fn conflicts_name_the_contact() {
        let live = with_message("A contact matching those details already exists with id=63a0");
        let archived = with_message("An archived contact matching those details already exists with id=63b1");
        let id = |error: &ApiError| {
            error
                .conflicting_contact()
                .map(|found| (found.id.into_string(), found.archived))
        };
        assert_eq!(id(&live), Some(("63a0".into(), false)));
        assert_eq!(id(&archived), Some(("63b1".into(), true)));
        assert_eq!(
            id(&with_message(
                "A contact matching those details already exists with id="
            )),
            None
        );
        for strange in ["id=..", "id=. ", "id=.,"] {
            let message = format!("A contact matching those details already exists with {strange}");
            assert_eq!(id(&with_message(&message)), None, "{strange}");
        }
        assert_eq!(id(&with_message("Something else")), None);
    }

    #[test]
    fn undefined_attributes_and_limits_are_recognised() {
        assert_eq!(
            with_message("Custom attribute 'is it' does not exist").undefined_attribute(),
            Some("is it")
        );
        assert_eq!(
            with_message("Custom attribute 'it' is archived").undefined_attribute(),
            None
        );
        assert!(with_message("Cannot have more than 120 active event names").is_event_name_limit());
        assert!(with_message("The workspace cannot have more custom attributes").is_attribute_limit());
        for other in [
            "Cannot have more than 120 active event names",
            "You already have 'limit' in your company data",
            "Custom attribute 'limit' does not exist",
        ] {
            assert!(!with_message(other).is_attribute_limit(), "{other}");
        }
    }

    #[test]
    fn any_body_is_an_error() {
        let kind = |body: &[u8]| ApiError::parse(502, body).kind;
        assert_eq!(kind(b" \n"), ErrorKind::Empty);
        assert_eq!(kind(b"<html>"), ErrorKind::NotJson);
        assert_eq!(kind(b"\xff\xfe"), ErrorKind::NotJson);
        assert_eq!(kind(b"[1]"), ErrorKind::OtherJson);
        assert_eq!(kind(b"{\"message\":\"x\"}"), ErrorKind::OtherJson);
        assert_eq!(
            kind(b"{\"type\":\"error\",\"errors\":[{\"code\":\"server_error\"}]}"),
            ErrorKind::Error
        );
    }

    #[test]
    fn errors_in_other_forms_are_read_too() {
        let items = |body: &str| {
            let error = ApiError::parse(400, body.as_bytes());
            assert_eq!(serde_json::to_string(&error).unwrap(), body);
            error
                .errors
                .iter()
                .map(|item| (item.code.to_string(), item.message.clone()))
                .collect::<Vec<_>>()
        };
        let x = Some("x".to_owned());
        assert_eq!(
            items(r#"{"type":"error","code":"gone","message":"x"}"#),
            [("gone".into(), x.clone())]
        );
        assert_eq!(
            items(r#"{"errors":[{"message":"x"},7,{"code":"gone"}]}"#),
            [("".into(), x), ("gone".into(), None)]
        );
        assert!(items(r#"{"errors":"many"}"#).is_empty());
    }

    #[test]
    fn messages_are_not_shown() {
        let error = with_message("ada@example.org is taken");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("ada"), "{shown}");
            assert!(
                shown.contains("conflict") && shown.contains("r-1") && shown.contains("409"),
                "{shown}"
            );
        }
    }
}
