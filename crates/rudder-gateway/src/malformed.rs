//! What can be wrong with a request's body.

use rudderstack_events::scan::{Cursor, Fault, FaultKind};

/// A body that is turned away as a whole. Says where, never what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    code: &'static str,
    field: String,
    message: String,
}

impl Malformed {
    fn new(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            field: field.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn body(fault: Fault, body: &str) -> Self {
        match fault.kind {
            // A text that is no JSON at all is not called another sort of value.
            FaultKind::Kind if Cursor::new(body).value().is_ok() => {
                Self::new("not_an_object", "", "the body must be a JSON object")
            }
            FaultKind::TooDeep => Self::new("too_deep", "", "the body is nested too deeply"),
            FaultKind::End => Self::new("invalid_json", "", "the body ends too early"),
            _ => Self::new(
                "invalid_json",
                "",
                format!("the body is not JSON from byte {} on", fault.at),
            ),
        }
    }

    pub(crate) fn no_batch() -> Self {
        Self::new("missing_batch", "/batch", "batch is missing: an array of events")
    }

    pub(crate) fn batch_is_no_array() -> Self {
        Self::new("invalid_batch", "/batch", "batch must be an array of events")
    }

    pub(crate) fn event_is_no_object(field: &str) -> Self {
        Self::new("invalid_event", field, "an event must be a JSON object")
    }

    pub(crate) fn event_too_long(field: &str, limit: usize) -> Self {
        Self::new(
            "event_too_large",
            field,
            format!("an event may have at most {limit} bytes"),
        )
    }

    /// The stable `snake_case` name of what is wrong.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Where, as a JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Never: the same body is turned away again.
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// Whether it is not the form but the size that is wrong.
    pub fn is_too_large(&self) -> bool {
        self.code == "event_too_large"
    }
}
