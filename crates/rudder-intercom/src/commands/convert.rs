//! `convert`: what would be called, without calling it.

use super::Conversion;
use super::input::Input;
use crate::convert::{Converter, JsonLines, Pretty, Render, Totals};
use crate::exit::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::pipeline;
use crate::print::{all_that_is_wanted, note};
use anstream::AutoStream;
use clap::Args;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

/// Show what each event becomes in Intercom, without sending anything
///
/// Writes one JSON object a line, in the order of the input, also for lines that are not events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom convert events.ndjson | jq 'select(.outcome == \"rejected\")'
  rudder-intercom convert events.ndjson --pretty
  zcat events.ndjson.gz | rudder-intercom convert - --send-anonymous-id

In calls, \"when\" says on which response of the lookup the call depends: always, found or not_found.
{contact.id} and {company.id} stand for ids that only an earlier response knows.")]
pub(crate) struct Convert {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    conversion: Conversion,
    /// Show it for people, with the place in the event that every Intercom field comes from.
    #[arg(long, help_heading = "Output")]
    pretty: bool,
}

impl Convert {
    /// Converts the input and prints what comes of it.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let stdout = io::stdout().lock();
        if self.pretty {
            self.write(Pretty, AutoStream::auto(stdout))
        } else {
            self.write(JsonLines, stdout)
        }
    }

    fn write<R: Render>(&self, render: R, writer: impl Write) -> Result<Exit, Error> {
        let interrupt = Interrupt::listen()?;
        let reader = self.input.open()?.reader;
        let converter = Converter::new(self.conversion.settings(), render);
        let mut writer = BufWriter::with_capacity(1 << 16, writer);
        let mut totals = Totals::default();
        let result = pipeline::run(
            reader,
            self.input.limit(),
            converter,
            Some(interrupt.message()),
            |text| {
                match text.write::<R>(&mut writer, totals.events()) {
                    Ok(more) => totals += more,
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ControlFlow::Break(())),
                    Err(error) => return Err(error),
                }
                Ok(ControlFlow::Continue(()))
            },
        );
        all_that_is_wanted(writer.flush())?;
        match result? {
            pipeline::End::Interrupted => {
                note!("interrupted after {} events", totals.events());
                Ok(Exit::Interrupted)
            }
            // Whoever reads the output has seen enough.
            pipeline::End::Stopped => Ok(Exit::Done),
            pipeline::End::Complete => Ok(Exit::complete_if(totals.rejected == 0)),
        }
    }
}
