//! What the sandbox says, as the engine hears it.

use intercom_delivery::Response;

/// The response without the time that it was made at.
pub(crate) fn response_of(reply: &intercom_sandbox::Response) -> Response {
    Response::with_headers(reply.status, reply.body.clone(), |name| reply.header(name))
}
