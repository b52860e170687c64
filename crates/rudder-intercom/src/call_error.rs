//! Why a single call to Intercom did not succeed.

use intercom_api::ApiError;
use intercom_delivery::client::TransportError;

/// A call that did not succeed, however often it was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Intercom responded with something else than success.
    #[error(transparent)]
    Refused(Box<ApiError>),
    /// There was no response.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The response is not one that is documented.
    #[error("Intercom's response is not as documented")]
    Unreadable,
    /// The call cannot be written.
    #[error("the call cannot be written as JSON")]
    Unwritable,
    /// The user interrupted it before it was answered.
    #[error("interrupted")]
    Interrupted,
}

impl CallError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::Unreadable => "unreadable_answer",
            Self::Unwritable => "unwritable_call",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the same might succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_retryable(),
            Self::Transport(error) => error.is_retryable(),
            Self::Interrupted => true,
            Self::Unreadable | Self::Unwritable => false,
        }
    }

    /// Whether no other call will do better: the access token is not accepted, or the user has interrupted it all.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Interrupted) || self.is_unauthorized()
    }

    /// Whether the access token is not accepted.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused(error) if error.status == 401)
    }
}
