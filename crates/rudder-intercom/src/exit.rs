//! How the program ends: its exit codes and its errors.

use crate::pipeline;
use intercom_delivery::client::{CallError, TransportError};
use intercom_delivery::journal::JournalError;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit codes, as `--help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Some events were rejected or failed; the others are done.
    Incomplete = 1,
    /// The arguments, the input or the output cannot be used.
    Unusable = 2,
    /// There is no valid access token.
    Unauthorized = 3,
    /// Intercom cannot be reached.
    Unreachable = 4,
    /// The user interrupted it.
    Interrupted = 130,
}

impl Exit {
    /// [`Done`](Self::Done), or [`Incomplete`](Self::Incomplete) if something is missing.
    pub(crate) fn complete_if(complete: bool) -> Self {
        if complete { Self::Done } else { Self::Incomplete }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The input cannot be opened.
    #[error("cannot read {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journal cannot be used.
    #[error("cannot use the journal {}", path.display())]
    Journal {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: JournalError,
    },
    /// What was read cannot be kept in this file, or was not read by such a run.
    #[error("cannot use {} for --resume", path.display())]
    Resume {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The journal is of another input, as an event of this one shows.
    #[error(
        "the journal {} belongs to another input: the event in line {line} is not the one that was there; give the same \
         file, or another journal", path.display()
    )]
    OtherInput {
        /// Which file.
        path: PathBuf,
        /// Where the event is in the input.
        line: u64,
    },
    /// What became of events cannot be recorded. What was in flight has been finished.
    #[error("stopped, because outcomes cannot be recorded")]
    Record(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Reading, converting or writing came to a halt.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    /// Standard output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// An argument or a setting cannot be used.
    #[error("{0}")]
    Usage(String),
    /// There is no valid access token.
    #[error("{0}")]
    Unauthorized(String),
    /// The user interrupted it, and nothing came of it.
    #[error("interrupted")]
    Interrupted,
    /// Intercom cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A call to Intercom failed, and nothing can be done without it.
    #[error(transparent)]
    Intercom(CallError),
    /// The operating system refuses something that the program needs.
    #[error("{0}")]
    System(String, #[source] io::Error),
}

impl Error {
    /// This file cannot be read.
    pub(crate) fn open(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Open {
            path: path.to_owned(),
            source,
        }
    }

    /// This file cannot be written.
    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// The exit code that it ends the program with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unauthorized(_) => Exit::Unauthorized,
            Self::Interrupted => Exit::Interrupted,
            Self::Unreachable(_) => Exit::Unreachable,
            _ => Exit::Unusable,
        }
    }

    /// What went wrong and why, for people.
    pub(crate) fn report(&self) -> String {
        with_causes(self)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            error if error.is_unauthorized() => {
                Self::Unauthorized("Intercom does not accept the access token".to_owned())
            }
            CallError::Transport(error) => error.into(),
            CallError::Interrupted => Self::Interrupted,
            error => Self::Intercom(error),
        }
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Unreachable(with_causes(&error))
    }
}

/// An error and its causes, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
