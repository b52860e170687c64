//! What the response to one call comes to: what the operation gives, or an error.

use crate::Answer;
use intercom_api::{ApiError, ContactConflict, Operation};

/// A response that is not the success that an operation documents.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// Intercom refused the call.
    #[error(transparent)]
    Refused(Box<ApiError>),
    /// A success that is not the operation's: a proxy's page, perhaps.
    #[error("Intercom's response is not as documented")]
    Unreadable,
}

impl ResponseError {
    /// The stable code: Intercom's own if it refused the call.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Unreadable => "unreadable_response",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_retryable(),
            Self::Unreadable => true,
        }
    }

    /// The HTTP status, if Intercom refused the call.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => Some(error.status),
            Self::Unreadable => None,
        }
    }

    /// Whether what was called is not there, or no more.
    pub fn is_gone(&self) -> bool {
        matches!(self.status(), Some(404 | 410))
    }

    /// Whether there is already what was to be created.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Whether the access token is not accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// The contact that has what another was to be created with.
    pub fn conflicting_contact(&self) -> Option<ContactConflict> {
        match self {
            Self::Refused(error) => error.conflicting_contact(),
            Self::Unreadable => None,
        }
    }
}

impl Answer {
    /// Reads what an operation gives.
    ///
    /// # Errors
    ///
    /// If it is not a success, or not one of this operation.
    pub fn read<O: Operation>(&self) -> Result<O::Answer, ResponseError> {
        if !(200..300).contains(&self.status) {
            let mut error = ApiError::parse(self.status, &self.body);
            error.request_id = error.request_id.or_else(|| self.request_id.clone());
            return Err(ResponseError::Refused(Box::new(error)));
        }
        O::parse_answer(&self.body).map_err(|_| ResponseError::Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::RetrieveContact;

    #[test]
    fn a_response_is_read_or_says_what_is_wrong() {
        let read = |status, body: &str| Answer::new(status, body).read::<RetrieveContact>();
        assert_eq!(read(200, r#"{"id":"5f"}"#).unwrap().id.as_str(), "5f");
        for body in ["<html>", "{}", "", r#"{"id":".."}"#] {
            let error = read(200, body).unwrap_err();
            assert_eq!((error.code(), error.status()), ("unreadable_response", None), "{body}");
            assert!(error.is_retryable());
        }
        assert!(read(404, "").unwrap_err().is_gone() && read(410, "{}").unwrap_err().is_gone());
        assert!(read(409, "").unwrap_err().is_conflict() && read(401, "").unwrap_err().is_unauthorized());
        let mut refused = Answer::new(422, "");
        refused.request_id = Some("r-1".to_owned());
        let error = refused.read::<RetrieveContact>().unwrap_err();
        assert!(!error.is_retryable() && error.to_string().contains("r-1"), "{error}");
    }
}
