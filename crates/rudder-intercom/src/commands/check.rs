//! `check`: what would happen, in total.

use super::attributes::list;
use super::caller::Caller;
use super::connection::Connection;
use super::input::Input;
use super::page::Page;
use super::tally::tally;
use super::{Conversion, print_report};
use crate::check::{Report, Workspace};
use crate::exit::{Error, Exit};
use crate::files::require_distinct;
use crate::interrupt::Interrupt;
use crate::pipeline;
use crate::print::note;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// Say what would happen to the events, in total, before anything is sent
///
/// Counts events by type and outcome, rejections and warnings with example lines, the custom attributes that must exist
/// in Intercom, event names and metadata against Intercom's limits, and the calls that it takes. With --workspace it asks
/// Intercom which custom attributes there are, and says what becomes of the events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom check events.ndjson
  rudder-intercom check events.ndjson --html report.html
  rudder-intercom check events.ndjson --workspace
  rudder-intercom check events.ndjson --json | jq .custom_attributes

Exits with 1 if some events cannot be sent or would fail, and with 3 if Intercom does not accept the token.")]
pub(crate) struct Check {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    conversion: Conversion,
    #[command(flatten)]
    connection: Connection,
    /// Compare with the custom attributes of the workspace; takes an access token, and changes nothing.
    #[arg(long, help_heading = "Intercom")]
    workspace: bool,
    /// Print the report as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Write the report as a page that needs nothing else to be read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    html: Option<PathBuf>,
}

impl Check {
    /// Checks the input and prints the report.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let interrupt = Interrupt::listen()?;
        let reader = self.input.open()?.reader;
        // Now rather than after an hour's work.
        require_distinct(&[("the input", Some(self.input.file())), ("--html", self.html.as_deref())])?;
        let page = self.html.clone().map(Page::create).transpose()?;
        let workspace = match self.workspace {
            true => {
                let caller = Caller::new(&self.connection)?.until(&interrupt);
                Some(Workspace::new(&list(&caller)?))
            }
            false => None,
        };
        let (tally, end) = tally(reader, &self.input, self.conversion, workspace, &interrupt);
        let report = Report::from(&tally);
        print_report(self.json, &report, |out| report.write_text(out))?;
        if let Some(page) = page {
            page.write(self.input.file(), |input, out| report.write_html(input, out))?;
        }
        match end? {
            pipeline::End::Interrupted => {
                note!("interrupted: the report is of the first {} events", report.events);
                Ok(Exit::Interrupted)
            }
            _ => Ok(Exit::complete_if(report.is_complete())),
        }
    }
}
