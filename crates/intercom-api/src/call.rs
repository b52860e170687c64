//! One HTTP request to Intercom as plain data: what a driver sends, and what a journal or a report shows.

use crate::route::{Method, OperationId, encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// One request to Intercom, ready to be sent below a base URL.
///
/// Made from a typed request with [`Operation::to_call`](crate::Operation::to_call).
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Call {
    /// The operation, by Intercom's name for it.
    pub operation: OperationId,
    /// The HTTP method.
    pub method: Method,
    /// The path, percent-encoded, with a slash at the front.
    pub path: String,
    /// The query parameters, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The JSON body, if the operation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

impl Call {
    /// A call without query parameters or body.
    pub fn new(operation: OperationId, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: operation.method(),
            path: path.into(),
            query: Vec::new(),
            body: None,
        }
    }

    /// The path and, behind a `?`, the encoded query.
    pub fn path_and_query(&self) -> String {
        let mut target = self.path.clone();
        for (at, (name, value)) in self.query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.extend(encode(name));
            target.push('=');
            target.extend(encode(value));
        }
        target
    }
}

impl fmt::Debug for Call {
    // Paths and bodies hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("body_bytes", &self.body.as_ref().map_or(0, |body| body.get().len()))
            .finish_non_exhaustive()
    }
}
