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
mod error;
mod failure;
mod http;
mod in_process;
mod outage;
mod token;
mod transport;
mod webhook;

pub use call::CallError;
pub use delivery::{Control, Delivery, Outcomes, Record, Submissions};
pub use error::Error;
pub use failure::{Cause, TransportError};
pub use http::{Client, ClientBuilder, HttpTransport, Workspace};
pub use in_process::{Answer, InProcess};
pub use outage::Outage;
pub use token::AccessToken;
pub use transport::Transport;
pub use webhook::Webhook;
