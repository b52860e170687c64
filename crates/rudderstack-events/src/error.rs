//! Why a text is not an event, or not an object.

use crate::scan::{Cursor, Fault, FaultKind, MAX_DEPTH};
use strum::{EnumIter, IntoStaticStr};

/// A text that cannot be read as an event.
///
/// Neither the code nor the message holds anything of the text itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    kind: ParseErrorKind,
    message: String,
    line: usize,
    column: usize,
}

/// What is wrong with a text that should be an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ParseErrorKind {
    /// It is not JSON.
    InvalidJson,
    /// It is JSON, but not an object.
    NotAnObject,
    /// It is nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl ParseError {
    pub(crate) fn new(fault: Fault, json: &str) -> Self {
        // A text that is not JSON at all is not called another sort of value.
        let fault = match fault.kind {
            FaultKind::Kind => Cursor::new(json).value().err().unwrap_or(fault),
            _ => fault,
        };
        // A text that ends too early is at fault in its last character.
        let at = fault.at.min(json.len().saturating_sub(1));
        let before = &json.as_bytes()[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let (kind, message) = match fault.kind {
            FaultKind::TooDeep => (
                ParseErrorKind::TooDeep,
                format!("arrays and objects are nested deeper than {MAX_DEPTH} levels"),
            ),
            FaultKind::End => (ParseErrorKind::InvalidJson, "the JSON text ends too early".to_owned()),
            FaultKind::Syntax => (
                ParseErrorKind::InvalidJson,
                format!("not JSON from line {line}, column {column} on"),
            ),
            FaultKind::Kind => (ParseErrorKind::NotAnObject, "expected a JSON object".to_owned()),
        };
        Self {
            kind,
            message,
            line,
            column,
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// The stable name of what is wrong: `invalid_json`, `not_an_object` or `too_deep`.
    pub fn code(&self) -> &'static str {
        self.kind.into()
    }

    /// Never: the same text fails in the same way.
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// The line within the text, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column within the line, in bytes, from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}
