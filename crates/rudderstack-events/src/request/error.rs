//! What can be wrong with the body of a request.

use crate::scan::{Cursor, Fault, FaultKind};
use strum::{EnumIter, IntoStaticStr};

/// A request that is turned away as a whole. Says what is wrong and where, never what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    kind: RequestErrorKind,
    pointer: String,
    message: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RequestErrorKind {
    /// The body is not JSON.
    InvalidJson,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// The body is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// A batch has no `batch`.
    MissingBatch,
    /// The `batch` of a batch is not an array.
    InvalidBatch,
    /// An event is not a JSON object.
    InvalidEvent,
    /// An event is too long.
    EventTooLarge,
    /// The events are too long together, or too many.
    BatchTooLarge,
    /// An event says of nobody that it is theirs.
    MissingIdentity,
}

impl RequestError {
    fn new(kind: RequestErrorKind, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            pointer: pointer.into(),
            message: message.into(),
        }
    }

    pub(super) fn body(fault: Fault, body: &str) -> Self {
        use RequestErrorKind::{InvalidJson, NotAnObject, TooDeep};
        let whole = |body| {
            let mut cursor = Cursor::new(body);
            cursor.value().and_then(|_| cursor.end())
        };
        // A text that is not JSON at all is not called another sort of value.
        let fault = match fault.kind {
            FaultKind::Kind => whole(body).err().unwrap_or(fault),
            _ => fault,
        };
        match fault.kind {
            FaultKind::Kind => Self::new(NotAnObject, "", "the body must be a JSON object"),
            FaultKind::TooDeep => Self::new(TooDeep, "", "the body is nested too deeply"),
            FaultKind::End => Self::new(InvalidJson, "", "the body ends too early"),
            FaultKind::Syntax => Self::new(
                InvalidJson,
                "",
                format!("the body is not JSON from byte {} on", fault.at),
            ),
        }
    }

    pub(super) fn missing_batch() -> Self {
        let message = "batch is missing: an array of events";
        Self::new(RequestErrorKind::MissingBatch, "/batch", message)
    }

    pub(super) fn invalid_batch() -> Self {
        let message = "batch must be an array of events";
        Self::new(RequestErrorKind::InvalidBatch, "/batch", message)
    }

    pub(super) fn invalid_event(pointer: String) -> Self {
        Self::new(
            RequestErrorKind::InvalidEvent,
            pointer,
            "an event must be a JSON object",
        )
    }

    pub(super) fn event_too_large(pointer: String, limit: usize) -> Self {
        let message = format!("an event may have at most {limit} bytes");
        Self::new(RequestErrorKind::EventTooLarge, pointer, message)
    }

    pub(super) fn batch_too_large(limit: usize) -> Self {
        let message = format!("the events, each with the context of the batch, may have at most {limit} bytes");
        Self::new(RequestErrorKind::BatchTooLarge, "/batch", message)
    }

    pub(super) fn context_too_large(limit: usize) -> Self {
        let message = format!("the context of a batch may have at most {limit} bytes");
        Self::new(RequestErrorKind::BatchTooLarge, "/context", message)
    }

    pub(super) fn too_many_events(pointer: &str, limit: usize) -> Self {
        let message = format!("a request may have at most {limit} events");
        Self::new(RequestErrorKind::BatchTooLarge, pointer, message)
    }

    pub(super) fn missing_identity(pointer: String) -> Self {
        let message = "an event needs a userId or an anonymousId";
        Self::new(RequestErrorKind::MissingIdentity, pointer, message)
    }

    /// What is wrong.
    pub fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// The stable `snake_case` name of what is wrong.
    pub fn code(&self) -> &'static str {
        self.kind.into()
    }

    /// Where, as a JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Never: the same body is turned away again.
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// Whether it is not the form but the size that is wrong.
    pub fn is_too_large(&self) -> bool {
        matches!(
            self.kind,
            RequestErrorKind::EventTooLarge | RequestErrorKind::BatchTooLarge
        )
    }
}
