//! The driver: runs an [`Engine`](crate::Engine) on tokio, and sends its calls over HTTP.
//!
//! - [`Client`] makes single calls: a pool of connections, for any number of workspaces. [`Client::run`] takes an
//!   operation and gives its typed response, or a [`CallError`].
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

mod call;
mod delivery;
mod failure;
mod http;
mod token;

pub use call::CallError;
pub use delivery::{Control, Delivery, Outage, Outcomes, Submissions};
pub use failure::{Cause, TransportError};
pub use http::{Client, ClientBuilder, HttpTransport, Workspace};
pub use token::AccessToken;

use crate::engine::Answer;
use intercom_api::Call;
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

/// Something that answers calls.
pub trait Transport: Send + Sync + 'static {
    /// Makes a call and waits for its answer. A future that is dropped gives the call up.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Answer, TransportError>> + Send;

    /// Where calls go, for people: a host, with the port if it is not the usual one.
    fn host(&self) -> &str {
        "Intercom"
    }
}
