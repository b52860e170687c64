//! One operation and its typed response.

use super::{Client, TransportError, Workspace};
use crate::response::ResponseError;
use intercom_api::{Operation, ValidationErrors};

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Intercom's response is not a success, or not as documented.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// There was no response.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Intercom is documented to refuse this. The source tells fields and codes, and no value.
    #[error("the request is one that Intercom refuses")]
    Invalid(#[source] Box<ValidationErrors>),
    /// The call cannot be written.
    #[error("the call cannot be written as JSON")]
    Unwritable,
    /// The caller gave it up before there was a response. It may have taken effect.
    #[error("interrupted")]
    Interrupted,
}

impl CallError {
    /// The stable code: Intercom's own if it refused the call.
    pub fn code(&self) -> &str {
        match self {
            Self::Response(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::Invalid(_) => "invalid_request",
            Self::Unwritable => "unwritable_call",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Response(error) => error.is_retryable(),
            Self::Transport(error) => error.is_retryable(),
            Self::Invalid(_) | Self::Unwritable => false,
            Self::Interrupted => true,
        }
    }

    /// What is wrong with the response, if there was one.
    pub fn response(&self) -> Option<&ResponseError> {
        match self {
            Self::Response(error) => Some(error),
            Self::Transport(_) | Self::Invalid(_) | Self::Unwritable | Self::Interrupted => None,
        }
    }

    /// Whether what was called is not there, or no more.
    pub fn is_gone(&self) -> bool {
        self.response().is_some_and(ResponseError::is_gone)
    }

    /// Whether there is already what was to be created.
    pub fn is_conflict(&self) -> bool {
        self.response().is_some_and(ResponseError::is_conflict)
    }

    /// Whether the access token is not accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.response().is_some_and(ResponseError::is_unauthorized)
    }
}

impl Client {
    /// Makes the call of an operation and reads its response. Nothing is tried again here, and what Intercom is documented to
    /// refuse is not sent.
    ///
    /// # Errors
    ///
    /// If the request is not valid, if there is no response, or not the one that the operation documents.
    pub async fn run<O: Operation>(&self, operation: &O, workspace: &Workspace) -> Result<O::Response, CallError> {
        operation
            .check()
            .map_err(|errors| CallError::Invalid(Box::new(errors)))?;
        let call = operation.to_call().map_err(|_| CallError::Unwritable)?;
        Ok(self.send(&call, workspace).await?.read::<O>()?)
    }
}
