//! The commands, one file each: their arguments, and what they print.

pub mod attributes;
mod caller;
pub mod check;
pub mod completions;
mod connection;
pub mod convert;
pub mod erase;
pub mod queue;
pub mod sandbox;
pub mod send;
pub mod serve;
mod token;

pub use caller::CallError;

use crate::convert::Settings;
use crate::exit::Error;
use anstream::AutoStream;
use clap::Args;
use rudderstack_to_intercom::Destination;
use serde::Serialize;
use std::io::{self, BufWriter, StdoutLock, Write as _};

/// What every command that converts events is told about the conversion.
#[derive(Clone, Copy, Debug, Args)]
pub struct Conversion {
    /// Let the anonymous id stand in for a user id that is missing.
    #[arg(long, help_heading = "Conversion")]
    send_anonymous_id: bool,
}

impl Conversion {
    /// The settings for the conversion.
    pub fn settings(self) -> Settings {
        Settings::new(Destination::new().with_anonymous_id(self.send_anonymous_id))
    }
}

/// Prints a report as JSON, or as the text for people that `write_text` writes. Whoever reads it may stop early.
fn print_report(
    json: bool,
    report: &impl Serialize,
    write_text: impl FnOnce(&mut BufWriter<AutoStream<StdoutLock<'static>>>) -> io::Result<()>,
) -> Result<(), Error> {
    let print = || {
        let stdout = io::stdout().lock();
        if json {
            let mut stdout = BufWriter::new(stdout);
            serde_json::to_writer_pretty(&mut stdout, report)?;
            writeln!(stdout)?;
            stdout.flush()
        } else {
            let mut stdout = BufWriter::new(AutoStream::auto(stdout));
            write_text(&mut stdout)?;
            stdout.flush()
        }
    };
    print().or_else(|error: io::Error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Error::Output(error)),
    })
}
