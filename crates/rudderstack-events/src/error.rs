//! Why a text is not an event.

use crate::event::MAX_DEPTH;
use strum::IntoStaticStr;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// It is not JSON.
    InvalidJson,
    /// It is JSON, but not an object.
    NotAnObject,
    /// It is nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl ParseError {
    pub(crate) fn too_deep() -> Self {
        Self {
            kind: ParseErrorKind::TooDeep,
            message: format!("arrays and objects are nested deeper than {MAX_DEPTH} levels"),
            line: 0,
            column: 0,
        }
    }

    pub(crate) fn from_serde(error: &serde_json::Error, json: &str) -> Self {
        let starts_as_object = json.trim_start().starts_with('{');
        let (kind, message) = match error.classify() {
            serde_json::error::Category::Data if !starts_as_object => {
                (ParseErrorKind::NotAnObject, "expected a JSON object".to_owned())
            }
            serde_json::error::Category::Eof => {
                (ParseErrorKind::InvalidJson, "the JSON text ends too early".to_owned())
            }
            _ => (
                ParseErrorKind::InvalidJson,
                format!("not JSON from line {} column {} on", error.line(), error.column()),
            ),
        };
        Self {
            kind,
            message,
            line: error.line(),
            column: error.column(),
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

    /// The line within the text, from 1; 0 if it is not known.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column within the line, in bytes, from 1; 0 if it is not known.
    pub fn column(&self) -> usize {
        self.column
    }
}
