//! `diff`: what events would change in the workspace.

use super::desk::{Desk, Events};
use super::print_report;
use crate::desk::Diff as Report;
use crate::exit::{Error, Exit};
use crate::preview::Wanted;
use crate::send::Prepared;
use clap::Args;
use std::collections::BTreeMap;

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
}

impl Diff {
    /// Compares, and prints what would change.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let desk = Desk::new(self.events)?;
        let mut wanted = Wanted::default();
        desk.visit(None, |_, prepared| {
            if let Prepared::Ready(ready) = prepared {
                wanted.add(&ready.plan, ready.line);
            }
        })?;
        let played = desk.play(&wanted, || None, &BTreeMap::new())?;
        let report = Report::new(&played, desk.overlay.reader().calls(), self.show_values);
        print_report(self.json, &report, |out| report.write_text(out))?;
        Ok(Exit::complete_if(report.is_complete()))
    }
}
