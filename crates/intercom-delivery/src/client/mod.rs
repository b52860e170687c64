//! The driver: runs an [`Engine`](crate::Engine) on tokio, and sends its calls over HTTP.
//!
//! - [`Client`] sends single calls: a pool of connections, for any number of workspaces.
//! - [`Delivery`] runs an engine over a [`Transport`], which is a client and one workspace, or anything else that answers.
//!
//! ```no_run
//! use intercom_api::Region;
//! use intercom_delivery::client::{AccessToken, Client, Delivery, HttpTransport, Workspace};
//! use intercom_delivery::{EngineSettings, EventId, Submission};
//! # use rudderstack_to_intercom::{Identities, Plan};
//!
//! # async fn deliver(token: &str, plans: Vec<(Plan, Identities)>) -> Result<(), intercom_delivery::client::Error> {
//! let workspace = Workspace::new(Region::Europe, AccessToken::new(token)?);
//! let transport = HttpTransport::new(Client::builder().build()?, workspace);
//! let (delivery, submissions, mut outcomes, control) = Delivery::new(EngineSettings::new(), transport);
//! let running = tokio::spawn(delivery.run());
//! tokio::spawn(async move {
//!     for (number, (plan, identities)) in (0..).zip(plans) {
//!         // Waits while the queue is full.
//!         if submissions.submit(Submission::new(EventId(number), plan, identities)).await.is_err() {
//!             break;
//!         }
//!     }
//! });
//! while let Some(outcome) = outcomes.next().await {
//!     println!("{}: {:?}; {:?}", outcome.event, outcome.result, control.status().budget);
//! }
//! # let _ = running.await;
//! # Ok(())
//! # }
//! ```

mod delivery;
mod http;
mod token;

pub use delivery::{Control, Delivery, Outage, Outcomes, Submissions};
pub use http::{Client, ClientBuilder, HttpTransport, Workspace};
pub use token::AccessToken;

use crate::engine::{Answer, TransportFailure};
use intercom_api::Call;
use std::error::Error as _;
use std::future::Future;

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
            Self::Setup(_) => "client_setup",
        }
    }

    /// Never: the settings have to be mended first.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// A call without an answer. `Display` says what kind of failure; the source says more. Neither names a URL, because
/// the path and query of a call hold personal data.
#[derive(Debug, thiserror::Error)]
#[error("{}", match .failure {
    TransportFailure::Unreachable => "Intercom cannot be reached",
    TransportFailure::Timeout => "Intercom did not answer in time",
    TransportFailure::Interrupted => "the connection to Intercom broke",
})]
#[non_exhaustive]
pub struct TransportError {
    /// What kind of failure.
    pub failure: TransportFailure,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// A failure of this kind.
    pub fn new(failure: TransportFailure) -> Self {
        Self { failure, source: None }
    }

    /// The stable `snake_case` name.
    pub fn code(&self) -> &'static str {
        self.failure.into()
    }

    /// What is at the bottom of it, such as a connection that was refused.
    pub fn cause(&self) -> String {
        let Some(mut cause) = self.source() else {
            return self.to_string();
        };
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        cause.to_string()
    }

    /// Always: every call of this crate can be made again.
    pub fn is_retryable(&self) -> bool {
        true
    }
}

/// Something that answers calls.
pub trait Transport: Send + Sync + 'static {
    /// Makes a call and waits for its answer. A future that is dropped gives the call up.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Answer, TransportError>> + Send;

    /// Where calls go, for people: a host, with the port if it is not the usual one.
    fn host(&self) -> &str {
        "Intercom"
    }
}
