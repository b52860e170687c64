//! What calls go through.

use super::TransportError;
use super::in_process::system_time;
use crate::response::Response;
use intercom_api::Call;
use std::future::Future;
use std::time::Duration;

/// Something that answers calls.
pub trait Transport: Send + Sync + 'static {
    /// Makes a call and waits for its response. A future that is dropped gives the call up.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Response, TransportError>> + Send;

    /// Where calls go, for people: a host, with the port if it is not the usual one.
    fn host(&self) -> &str {
        "Intercom"
    }

    /// What time it is when a delivery begins, since 1970-01-01T00:00:00Z; from then on, tokio's clock counts.
    fn now(&self) -> Duration {
        system_time()
    }
}
