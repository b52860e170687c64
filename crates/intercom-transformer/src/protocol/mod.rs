//! The models of the protocol that RudderStack's data plane speaks with its transformer service.
//!
//! Requests borrow from the text they are read from. `metadata` and `destination` of an event stay the JSON text that
//! they came as, because they are echoed byte for byte: 64-bit job ids and keys that nobody knows included.
//!
//! State of the protocol: rudder-server of August 2026, transformer 1.145.

mod deletion;
mod failure;
mod features;
pub(crate) mod json;
mod names;
mod proxy;
mod request;
mod router;

pub use deletion::{DeletionJob, DeletionResponse, DeletionStatus, UserAttributes};
pub use failure::{ErrorCategory, ErrorMeta, ErrorType, Failure, Feature, StatTags};
pub use features::Features;
pub use names::{
    API_VERSION, API_VERSION_HEADER, AUTH_STATUS_INACTIVE, COMPACTED, CONTENT_FORMAT_HEADER, DESTINATION_INFO_HEADER,
    DESTINATION_TYPE, REFRESH_TOKEN, SECRET_HEADER, is_destination_type, status,
};
pub use proxy::{ProxyRequest, ProxyResponse, ProxyVersion};
pub use request::{
    BadRequest, EventInput, Input, MAX_EVENTS, Metadata, TransformRequest, access_token, destination_settings,
    has_no_token,
};
pub use router::{Authorization, BatchedRequest, Elements, Parts, RouterElement, RouterResponse};
