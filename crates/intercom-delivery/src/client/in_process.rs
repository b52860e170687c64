//! Intercom within this process.

use super::TransportError;
use crate::response::Response;
use intercom_api::{ApiVersion, Call};
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// What comes of a call, once it comes.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send>>;

/// An Intercom within this process, in place of HTTP, with a clock of its own: for tests that pause time.
pub trait InProcess: Send + Sync + 'static {
    /// Answers a call that is made with this value of the header `Authorization`. How long it is waited for is decided here,
    /// too: no timeout of the client applies.
    fn answer(&self, call: &Call, authorization: &str, version: ApiVersion) -> Answer;

    /// What time it is: since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;
}

/// What time it is by the system's clock: since 1970-01-01T00:00:00Z.
pub(super) fn system_time() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
