//! What calls are answered with, in Intercom's shapes.

use intercom_api::{Attributes, ErrorCode};
use intercom_delivery::Response;
use serde_json::json;

/// Why a call is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: ErrorCode,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn no_contact() -> Self {
        Self::new(404, ErrorCode::NotFound, "User Not Found")
    }

    pub(super) fn no_company() -> Self {
        Self::new(404, ErrorCode::CompanyNotFound, "Company Not Found")
    }

    /// Another contact has what only one can have.
    pub(super) fn conflict(id: &str) -> Self {
        let message = format!("A contact matching those details already exists with id={id}");
        Self::new(409, ErrorCode::Conflict, message)
    }

    pub(super) fn undefined(attribute: &str) -> Self {
        let message = format!("Custom attribute '{attribute}' does not exist");
        Self::new(400, ErrorCode::ParameterInvalid, message)
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, ErrorCode::ParameterInvalid, message)
    }

    /// Nothing of the kind is ever asked for.
    pub(super) fn unknown() -> Self {
        Self::new(501, ErrorCode::ServerError, "this is only a copy of the workspace")
    }
}

/// The answer to a call that is done, or is not.
pub(super) fn response(done: Result<Attributes, Refusal>) -> Response {
    match done {
        // What was read as JSON can be written.
        Ok(body) => Response::new(200, serde_json::to_vec(&body).unwrap_or_default()),
        Err(Refusal { status, code, message }) => {
            let body = json!({"type": "error.list", "errors": [{"code": code.as_str(), "message": message}]});
            Response::new(status, body.to_string())
        }
    }
}
