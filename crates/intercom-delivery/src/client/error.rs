//! What can be wrong with the settings of a client.

/// What can be wrong with the settings of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The access token is empty, or has characters that no token has.
    #[error("the access token is empty, or has characters that no token has")]
    InvalidToken,
    /// The base URL is not one.
    #[error("the base URL must begin with http:// or https:// and have a host, and neither query nor fragment")]
    InvalidBaseUrl,
    /// The URL of a webhook is not one.
    #[error("the URL of a webhook must begin with http:// or https:// and have a host")]
    InvalidWebhook,
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The stable `snake_case` name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InvalidBaseUrl => "invalid_base_url",
            Self::InvalidWebhook => "invalid_webhook",
            Self::Setup(_) => "client_setup",
        }
    }

    /// Never: the settings have to be mended first.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
