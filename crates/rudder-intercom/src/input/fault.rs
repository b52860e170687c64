//! What can be wrong with a piece of input.

use rudderstack_events::request::RequestErrorKind;
use rudderstack_events::{MAX_DEPTH, ParseErrorKind};
use std::fmt;

/// Why a piece of input is not an event. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum FaultKind {
    /// Not valid JSON.
    InvalidJson,
    /// Brackets nested beyond 128 levels.
    TooDeep,
    /// Longer than the limit that the caller set.
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Valid JSON, but no object.
    NotAnObject,
    /// A captured request for a batch that has none.
    MissingBatch,
    /// A captured request for a batch that is not an array.
    InvalidBatch,
    /// A dead letter that a newer release has written.
    NewerDeadLetter,
}

impl From<ParseErrorKind> for FaultKind {
    fn from(kind: ParseErrorKind) -> Self {
        match kind {
            ParseErrorKind::InvalidJson => Self::InvalidJson,
            ParseErrorKind::NotAnObject => Self::NotAnObject,
            ParseErrorKind::TooDeep => Self::TooDeep,
        }
    }
}

impl From<RequestErrorKind> for FaultKind {
    fn from(kind: RequestErrorKind) -> Self {
        match kind {
            RequestErrorKind::InvalidJson => Self::InvalidJson,
            // Nobody asks for an identity here.
            RequestErrorKind::NotAnObject | RequestErrorKind::InvalidEvent | RequestErrorKind::MissingIdentity => {
                Self::NotAnObject
            }
            RequestErrorKind::TooDeep => Self::TooDeep,
            RequestErrorKind::MissingBatch => Self::MissingBatch,
            RequestErrorKind::InvalidBatch => Self::InvalidBatch,
            RequestErrorKind::EventTooLarge | RequestErrorKind::BatchTooLarge => Self::TooLarge,
        }
    }
}

impl FaultKind {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotAnObject => "not_an_object",
            Self::MissingBatch => "missing_batch",
            Self::InvalidBatch => "invalid_batch",
            Self::NewerDeadLetter => "newer_dead_letter",
        }
    }

    /// What it means, in a sentence.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::InvalidJson => "A line is not valid JSON.",
            Self::TooDeep => "A line is nested beyond 128 levels.",
            Self::TooLarge => "A line is longer than the limit for one event.",
            Self::NotUtf8 => "A line is not UTF-8 text.",
            Self::NotAnObject => "A line is valid JSON, but not an object.",
            Self::MissingBatch => "A captured batch request has no batch.",
            Self::InvalidBatch => "The batch of a captured request is not an array.",
            Self::NewerDeadLetter => "A dead letter was written by a newer release of this program.",
        }
    }

    /// What to do about it, in a sentence.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::InvalidJson => "Fix the line; it may have been cut off, or written by two programs at once.",
            Self::TooDeep => "Nest less deeply; no SDK sends such events.",
            Self::TooLarge => "Raise --max-event-bytes if the event is meant to be that long.",
            Self::NotUtf8 => "Convert the file to UTF-8, for example with iconv.",
            Self::NotAnObject => "Write each event as one JSON object.",
            Self::NewerDeadLetter => "Send it with that release, or a newer one.",
            Self::MissingBatch | Self::InvalidBatch => "Put the events of the request into an array under batch.",
        }
    }
}

/// A piece of input that is not an event, and where it stands.
///
/// It never quotes the input, which is personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong.
    pub(crate) kind: FaultKind,
    /// The line, from 1.
    pub(crate) line: u64,
    /// The byte in the line, from 1, where it is known.
    pub(crate) column: Option<u64>,
    /// More about it, in words, where there is more to say.
    pub(crate) detail: Option<Box<str>>,
}

impl Fault {
    /// A fault in `line`.
    pub(crate) fn new(kind: FaultKind, line: u64) -> Self {
        Self {
            kind,
            line,
            column: None,
            detail: None,
        }
    }

    pub(super) fn at(mut self, column: u64) -> Self {
        self.column = Some(column);
        self
    }

    pub(super) fn because(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What is wrong, without the line.
    pub(crate) fn message(&self) -> String {
        let mut text = match self.kind {
            FaultKind::InvalidJson => "not valid JSON".to_owned(),
            FaultKind::TooDeep => format!("nested beyond {MAX_DEPTH} levels"),
            FaultKind::TooLarge => "longer than the limit for one event".to_owned(),
            FaultKind::NotUtf8 => "not UTF-8".to_owned(),
            FaultKind::NotAnObject => "not a JSON object".to_owned(),
            FaultKind::MissingBatch => "a batch request without a batch".to_owned(),
            FaultKind::InvalidBatch => "a batch that is not an array".to_owned(),
            FaultKind::NewerDeadLetter => "a dead letter of a newer release of this program".to_owned(),
        };
        if let Some(detail) = &self.detail {
            text.push_str(": ");
            text.push_str(detail);
        }
        if let Some(column) = self.column {
            text.push_str(" (byte ");
            text.push_str(&column.to_string());
            text.push(')');
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message())
    }
}
