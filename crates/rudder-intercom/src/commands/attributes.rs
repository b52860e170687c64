//! `attributes`: which custom attributes the workspace lacks.

use super::caller::Caller;
use super::connection::Connection;
use super::input::Input;
use super::tally::tally;
use super::{Conversion, print_report};
use crate::attributes::Comparison;
use crate::check::Report;
use crate::exit::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::pipeline;
use clap::Args;
use intercom_api::{DataAttribute, DataAttributeModel, ListDataAttributes};
use intercom_delivery::client::CallError;

/// Compare the custom attributes that the events need with those that the workspace has
///
/// Intercom refuses an update with a custom attribute that does not exist. This finds those before anything is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom attributes events.ndjson
  rudder-intercom attributes events.ndjson --create
  rudder-intercom attributes events.ndjson --json | jq '.attributes[] | select(.status == \"missing\")'

The type of an attribute is inferred from all its values; moments are dates if the name ends in _at.
Exits with 0 if no attribute is missing or all that were have been created, else with 1; attributes whose type does
not fit are shown, but do not count as missing. Exits with 3 if Intercom does not accept the token.")]
pub(crate) struct Attributes {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    conversion: Conversion,
    #[command(flatten)]
    connection: Connection,
    /// Create the attributes that are missing.
    #[arg(long)]
    create: bool,
    /// Print the comparison as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl Attributes {
    /// Compares, creates what is missing if that is wanted, and prints the comparison.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let interrupt = Interrupt::listen()?;
        let caller = Caller::new(&self.connection)?.until(&interrupt);
        let reader = self.input.open()?.reader;
        // Now rather than after the whole input: the token may be wrong.
        let workspace = list(&caller)?;
        let (tally, end) = tally(reader, &self.input, self.conversion, None, &interrupt);
        if end? == pipeline::End::Interrupted {
            return Err(Error::Interrupted);
        }
        let report = Report::from(&tally);
        let mut comparison = Comparison::new(&report, &workspace);
        if self.create && comparison.missing > 0 {
            comparison.create(|operation| match caller.run(operation) {
                Ok(_) => Ok(None),
                Err(error) if matches!(error, CallError::Interrupted) || error.is_unauthorized() => {
                    Err(Error::from(error))
                }
                Err(error) => Ok(Some(error.to_string())),
            })?;
        }
        print_report(self.json, &comparison, |out| comparison.write_text(out))?;
        Ok(Exit::complete_if(comparison.is_complete()))
    }
}

/// All attributes of contacts and companies, archived ones too.
pub(super) fn list(caller: &Caller) -> Result<Vec<DataAttribute>, Error> {
    let mut all = Vec::new();
    for model in [DataAttributeModel::Contact, DataAttributeModel::Company] {
        let mut operation = ListDataAttributes::of(model.clone());
        operation.include_archived = Some(true);
        for mut attribute in caller.run(&operation)?.data.unwrap_or_default() {
            attribute.model.get_or_insert_with(|| model.clone());
            all.push(attribute);
        }
    }
    Ok(all)
}
