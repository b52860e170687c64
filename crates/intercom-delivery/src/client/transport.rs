//! What calls go through.

use super::TransportError;
use crate::response::Response;
use intercom_api::Call;
use std::future::Future;

/// Something that answers calls.
pub trait Transport: Send + Sync + 'static {
    /// Makes a call and waits for its response. A future that is dropped gives the call up.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Response, TransportError>> + Send;

    /// Where calls go, for people: a host, with the port if it is not the usual one.
    fn host(&self) -> &str {
        "Intercom"
    }
}
