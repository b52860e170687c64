//! Everything that is printed, but for reports, which are written where they are made.
//!
//! The macros of the standard library and of anstream panic where the output cannot be written, such as on a full disk.

use crate::exit::Error;
use anstream::AutoStream;
use std::fmt;
use std::io::{self, Stdout, Write as _};

/// Prints a line to standard error, as far as that can be written.
macro_rules! note {
    ($($text:tt)*) => { $crate::print::to_stderr(format_args!($($text)*)) };
}
pub(crate) use note;

/// Prints a line to standard error. If that fails, there is nobody to be told, and nothing depends on it.
pub(crate) fn to_stderr(text: fmt::Arguments<'_>) {
    // At once, so that lines of several threads or processes are not mixed.
    let line = format!("{text}\n");
    let _ = anstream::stderr().write_all(line.as_bytes());
}

/// Lines on standard output, for a program that has more to do than to print: the first line that cannot be written is
/// the last that is tried, and the error is told at the end.
pub(crate) struct Lines {
    output: AutoStream<Stdout>,
    error: Option<io::Error>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            output: anstream::stdout(),
            error: None,
        }
    }

    /// Prints a line.
    pub(crate) fn add(&mut self, text: fmt::Arguments<'_>) {
        if self.error.is_none() {
            self.error = self.output.write_all(format!("{text}\n").as_bytes()).err();
        }
    }

    /// Whether all could be written, or at least as much as the reader wanted.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.error {
            Some(error) => all_that_is_wanted(Err(error)),
            None => Ok(()),
        }
    }
}

/// Whether standard output could be written. Whoever reads it may stop early, and has seen enough then.
pub(crate) fn all_that_is_wanted(written: io::Result<()>) -> Result<(), Error> {
    written.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Error::Output(error)),
    })
}
