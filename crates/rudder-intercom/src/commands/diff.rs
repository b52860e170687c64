//! `diff`: what events would change in the workspace.

use super::desk::{Desk, Events};
use super::page::Page;
use super::print_report;
use crate::desk::Diff as Report;
use crate::exit::{Error, Exit};
use crate::files::require_distinct;
use crate::preview::Wanted;
use crate::send::Prepared;
use clap::{Args, ValueHint};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Say what the events would change in the workspace, field by field, without changing anything
///
/// Looks up whom the events are about, fifteen people a call, and delivers them to a copy in memory, by the rules of
/// send: what would be created, changed, linked, detached, tagged and refused, and what stays as it is. Data events are
/// not compared: that would take a call for each person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom diff events.ndjson
  rudder-intercom diff events.ndjson --show-values
  rudder-intercom diff events.ndjson --html changes.html
  rudder-intercom diff events.ndjson --json | jq '.changes[] | select(.effect == \"deleted\")'

It makes no call that writes. People are named by the line of their first event and by Intercom's id; --show-values also
shows who they are, and the values. The events are gone through twice: standard input is kept in memory.
A custom attribute that the workspace does not list is refused, as in Intercom; the sandbox takes it unless it is --strict.
Exits with 0 if all events could be delivered, with 1 if some would be refused, with 3 if Intercom does not accept the
token, with 4 if it cannot be reached.")]
pub(crate) struct Diff {
    #[command(flatten)]
    events: Events,
    /// Show who would change, and the values before and after; otherwise only names of fields, and kinds of values.
    #[arg(long, help_heading = "Output")]
    show_values: bool,
    /// Print the report as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Write the report as a page that needs nothing else to be read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    html: Option<PathBuf>,
}

impl Diff {
    /// Compares, and prints what would change.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let file = self.events.input.file().to_owned();
        require_distinct(&[("the input", Some(&file)), ("--html", self.html.as_deref())])?;
        let desk = Desk::new(self.events)?;
        let page = self.html.map(Page::create).transpose()?;
        let mut wanted = Wanted::default();
        desk.visit(None, |_, prepared| {
            if let Prepared::Ready(ready) = prepared {
                wanted.add(&ready.plan, ready.line);
            }
        })?;
        let played = desk.play(&wanted, || None, &BTreeMap::new())?;
        let report = Report::new(&played, desk.overlay.reader().calls(), self.show_values);
        print_report(self.json, &report, |out| report.write_text(out))?;
        if let Some(page) = page {
            page.write(&file, |input, out| report.write_html(input, out))?;
        }
        Ok(Exit::complete_if(report.is_complete()))
    }
}
