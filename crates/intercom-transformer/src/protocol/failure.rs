//! What went wrong with one event, as rudder-server wants to hear it.

use super::request::Metadata;
use super::status;
use intercom_api::ApiError;
use rudderstack_to_intercom::{Rejection, RejectionCode};
use serde::Serialize;
use strum::IntoStaticStr;

/// Where the fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorCategory {
    /// In the event, or in the settings of the destination.
    DataValidation,
    /// In a call to Intercom.
    Network,
    /// In RudderStack.
    Platform,
}

/// What sort of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorType {
    /// The event can never be sent.
    Instrumentation,
    /// The event does not fit what is in Intercom, or how the destination is set up.
    Configuration,
    /// The event is not for this destination.
    Filtered,
    /// The same may succeed later.
    Retryable,
    /// There were too many calls.
    Throttled,
    /// Intercom refused it for good.
    Aborted,
    /// No access token came with the event.
    #[serde(rename = "oAuthSecret")]
    #[strum(serialize = "oAuthSecret")]
    OAuthSecret,
}

/// A detail of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorMeta {
    /// Intercom does not accept the access token.
    InvalidAuthToken,
}

/// Which part of the service met the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[non_exhaustive]
pub enum Feature {
    /// `POST /routerTransform`
    Router,
    /// `POST /v0|v1/destinations/intercom_v2/proxy`
    DataDelivery,
    /// `POST /v0/destinations/intercom_v2`
    Processor,
}

/// A fault of one event: what rudder-server is to do with it, and why.
///
/// The message holds no value of the event and no token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What rudder-server is to do: see [`status`].
    pub status: u16,
    /// Where the fault lies.
    pub category: ErrorCategory,
    /// What sort of fault it is.
    pub error_type: ErrorType,
    /// A detail.
    pub meta: Option<ErrorMeta>,
    /// What rudder-server is to do about the authorization.
    pub auth_error_category: Option<&'static str>,
    /// What is wrong, in words.
    pub message: String,
}

impl Failure {
    /// A fault without details.
    pub fn new(status: u16, category: ErrorCategory, error_type: ErrorType, message: impl Into<String>) -> Self {
        Self {
            status,
            category,
            error_type,
            meta: None,
            auth_error_category: None,
            message: message.into(),
        }
    }

    /// The event can never be sent.
    pub fn invalid(message: impl Into<String>) -> Self {
        let (category, error_type) = (ErrorCategory::DataValidation, ErrorType::Instrumentation);
        Self::new(status::ABORTED, category, error_type, message)
    }

    /// The event is not for this destination.
    pub fn filtered() -> Self {
        let (category, error_type) = (ErrorCategory::DataValidation, ErrorType::Filtered);
        let message = "skipped: the event's integrations keep it from Intercom";
        Self::new(status::FILTERED, category, error_type, message)
    }

    /// The contact that a record updates does not exist.
    pub fn contact_not_found() -> Self {
        let (category, error_type) = (ErrorCategory::DataValidation, ErrorType::Configuration);
        let code = RejectionCode::ContactNotFound;
        let message = format!("{code}: {} {}", code.meaning().trim(), code.advice());
        Self::new(status::ABORTED, category, error_type, message)
    }

    /// No access token came with the event.
    pub fn no_token() -> Self {
        let (category, error_type) = (ErrorCategory::Platform, ErrorType::OAuthSecret);
        let message = "missing_access_token: no access token came with the event";
        Self::new(status::RETRYABLE, category, error_type, message)
    }

    /// The request that brought the event is not complete.
    pub fn incomplete_request(message: impl Into<String>) -> Self {
        let (category, error_type) = (ErrorCategory::Platform, ErrorType::Configuration);
        Self::new(status::RETRYABLE, category, error_type, message)
    }

    /// A call to Intercom got no response; the same may succeed later.
    pub fn retryable(message: impl Into<String>) -> Self {
        let (category, error_type) = (ErrorCategory::Network, ErrorType::Retryable);
        Self::new(status::RETRYABLE, category, error_type, message)
    }

    /// The event is to be tried again, however often: rudder-server gives up after a while what is answered with 5xx.
    pub fn again(message: impl Into<String>) -> Self {
        let (category, error_type) = (ErrorCategory::Network, ErrorType::Retryable);
        Self::new(status::THROTTLED, category, error_type, message)
    }

    /// There were too many calls.
    pub fn throttled(message: impl Into<String>) -> Self {
        let (category, error_type) = (ErrorCategory::Network, ErrorType::Throttled);
        Self::new(status::THROTTLED, category, error_type, message)
    }

    /// Whether rudder-server retries the event.
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..=599)
    }

    /// The tags that go with the fault.
    pub fn stat_tags<'a>(&self, feature: Feature, metadata: &'a Metadata<'_>) -> StatTags<'a> {
        StatTags {
            dest_type: "INTERCOM_V2",
            error_category: self.category,
            error_type: self.error_type,
            meta: self.meta,
            feature,
            implementation: "native",
            module: "destination",
            destination_id: metadata.destination_id.as_deref(),
            workspace_id: metadata.workspace_id.as_deref(),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::invalid(format!("{}: {rejection}", rejection.code))
    }
}

impl From<&ApiError> for Failure {
    /// What a response of Intercom's to a call made here means for the event.
    fn from(error: &ApiError) -> Self {
        use ErrorCategory::{DataValidation, Network};
        let message = error.to_string();
        match error.status {
            400 | 404 => Self::invalid(message),
            401 => Self {
                meta: Some(ErrorMeta::InvalidAuthToken),
                ..Self::new(status::ABORTED, Network, ErrorType::Retryable, message)
            },
            408 => Self::retryable(message),
            429 => Self::throttled(message),
            status @ 500..=599 => Self::new(status, Network, ErrorType::Retryable, message),
            // The account or its plan, not the event, is refused: nothing that a retry would mend.
            status @ (402 | 403) => Self::new(status, DataValidation, ErrorType::Configuration, message),
            status @ 405..=499 => Self::new(status, Network, ErrorType::Aborted, message),
            _ => Self::retryable(message),
        }
    }
}

/// The tags that rudder-server counts faults by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StatTags<'a> {
    /// `INTERCOM_V2`
    pub dest_type: &'static str,
    /// Where the fault lies.
    pub error_category: ErrorCategory,
    /// What sort of fault it is.
    pub error_type: ErrorType,
    /// A detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<ErrorMeta>,
    /// Which part of the service met the fault.
    pub feature: Feature,
    /// `native`
    pub implementation: &'static str,
    /// `destination`
    pub module: &'static str,
    /// The destination, from the event's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_id: Option<&'a str>,
    /// The workspace, from the event's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_of_intercom_are_classified() {
        use ErrorType::{Aborted, Configuration, Instrumentation, Retryable, Throttled};
        for (answered, status, error_type) in [
            (400, 400, Instrumentation),
            (401, 400, Retryable),
            (403, 403, Configuration),
            (404, 400, Instrumentation),
            (408, 500, Retryable),
            (410, 410, Aborted),
            (422, 422, Aborted),
            (429, 429, Throttled),
            (500, 500, Retryable),
            (503, 503, Retryable),
            (302, 500, Retryable),
        ] {
            let failure = Failure::from(&ApiError::parse(answered, b""));
            assert_eq!((failure.status, failure.error_type), (status, error_type), "{answered}");
            assert_eq!(failure.meta.is_some(), answered == 401, "{answered}");
        }
    }

    #[test]
    fn tags_are_written_as_rudder_server_reads_them() {
        let metadata = Metadata::from_json(r#"{"destinationId":"d","workspaceId":"w"}"#);
        let failure = Failure::no_token();
        let tags = serde_json::to_string(&failure.stat_tags(Feature::DataDelivery, &metadata)).unwrap();
        assert_eq!(
            tags,
            r#"{"destType":"INTERCOM_V2","errorCategory":"platform","errorType":"oAuthSecret","feature":"dataDelivery","implementation":"native","module":"destination","destinationId":"d","workspaceId":"w"}"#
        );
    }
}
