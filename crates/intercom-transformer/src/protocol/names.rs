//! Names and numbers that mean something to rudder-server.

/// The destination type that this service is for, as it stands in paths and bodies; any case is understood.
pub const DESTINATION_TYPE: &str = "intercom_v2";

/// The name of the header that every response to a `POST` carries: rudder-server panics when a 200 lacks it.
pub const API_VERSION_HEADER: &str = "apiversion";
/// The value of [`API_VERSION_HEADER`].
pub const API_VERSION: &str = "2";
/// The header of a request whose value names the form of its body.
pub const CONTENT_FORMAT_HEADER: &str = "x-content-format";
/// The value of [`CONTENT_FORMAT_HEADER`] when destinations and connections are left out of the events.
pub const COMPACTED: &str = "json+compactedv1";
/// The header whose JSON value overrides the secret of every event of a router request.
pub const SECRET_HEADER: &str = "oauth-secret";
/// The header whose JSON value holds the secret of a deletion request.
pub const DESTINATION_INFO_HEADER: &str = "x-rudder-dest-info";

/// What [`Failure::status`](super::Failure::status) and the status of a returned request mean to rudder-server.
pub mod status {
    /// Deliver the returned request.
    pub const DELIVER: u16 = 200;
    /// The event is not for this destination; nothing is to be done.
    pub const FILTERED: u16 = 298;
    /// Everything is done already; nothing is to be delivered.
    pub const HANDLED: u16 = 299;
    /// The event is dropped, never retried.
    pub const ABORTED: u16 = 400;
    /// The event is retried later, because there were too many calls.
    pub const THROTTLED: u16 = 429;
    /// The event is retried later.
    pub const RETRYABLE: u16 = 500;
}

/// What an authorization error means to rudder-server: the destination's authorization is revoked.
pub const AUTH_STATUS_INACTIVE: &str = "AUTH_STATUS_INACTIVE";

/// What an authorization error means to rudder-server: the access token is to be fetched anew, and the event sent again.
pub const REFRESH_TOKEN: &str = "REFRESH_TOKEN";

/// Whether a text names [`DESTINATION_TYPE`], in any case.
pub fn is_destination_type(text: &str) -> bool {
    text.eq_ignore_ascii_case(DESTINATION_TYPE)
}
