//! Standard output, and what can go wrong there.

use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// What can go wrong while a store is written to standard output.
pub(super) enum Fault {
    Store(rudder_gateway::store::Error),
    NoDeadLetter(i64),
    NoEvent(i64),
    /// What was asked for cannot be.
    Usage(crate::exit::Error),
    Output(io::Error),
}

impl From<rudder_gateway::store::Error> for Fault {
    fn from(error: rudder_gateway::store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Standard output, with styles where it shows them.
pub(super) fn output() -> impl Write {
    BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Writes a value as a line of JSON.
pub(super) fn json_line(value: &impl Serialize, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    writeln!(output)
}
