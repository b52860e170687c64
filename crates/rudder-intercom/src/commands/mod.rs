//! The commands, one file each: their arguments, and what they print.

pub(crate) mod attributes;
mod caller;
pub(crate) mod check;
mod choices;
pub(crate) mod completions;
mod connection;
pub(crate) mod convert;
mod desk;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod erase;
mod input;
pub(crate) mod manual;
mod page;
pub(crate) mod queue;
pub(crate) mod sandbox;
pub(crate) mod send;
pub(crate) mod serve;
mod tally;
mod token;
pub(crate) mod verify;

use crate::convert::Settings;
use crate::exit::Error;
use crate::print::all_that_is_wanted;
use crate::values::{OneOf, parser};
use anstream::AutoStream;
use clap::Args;
use intercom_delivery::FailureRecord;
use rudderstack_events::ParseErrorKind;
use rudderstack_to_intercom::{AttributeNames, Destination, LongText, SameSecond, SharedEmail};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, StdoutLock, Write as _};
use strum::IntoEnumIterator as _;

/// What every command that converts events is told about the conversion.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Conversion {
    /// Let the anonymous id stand in for a user id that is missing.
    #[arg(long, help_heading = "Conversion")]
    send_anonymous_id: bool,
    /// What to do with texts that are longer than the 255 characters of a custom attribute: cut, leave out, or send as is.
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = "Conversion", value_parser = parser::<OneOf, LongText>())]
    long_text: LongText,
    /// What to do with names that a custom attribute cannot have: rename, or send as is.
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = "Conversion", value_parser = parser::<OneOf, AttributeNames>())]
    attribute_names: AttributeNames,
    /// What to do about track events of one name, user and second, of which Intercom keeps the first: send as is, or spread
    /// them over 5 seconds by their messageId.
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = "Conversion", value_parser = parser::<OneOf, SameSecond>())]
    same_second: SameSecond,
    /// Whose a contact is that has the event's email and another external id: separate takes it for somebody else's, as
    /// Intercom does; same lets the email decide.
    #[arg(long, value_name = "POLICY", default_value_t, help_heading = "Conversion", value_parser = parser::<OneOf, SharedEmail>())]
    shared_email: SharedEmail,
}

impl Conversion {
    /// The settings for the conversion.
    pub(crate) fn settings(self) -> Settings {
        let destination = Destination::new()
            .with_anonymous_id(self.send_anonymous_id)
            .with_long_text(self.long_text)
            .with_attribute_names(self.attribute_names)
            .with_same_second(self.same_second)
            .with_shared_email(self.shared_email);
        Settings::new(destination)
    }

    /// The flags and their values.
    fn shown(self) -> [(&'static str, String); 5] {
        [
            ("--send-anonymous-id", self.send_anonymous_id.to_string()),
            ("--long-text", self.long_text.to_string()),
            ("--attribute-names", self.attribute_names.to_string()),
            ("--same-second", self.same_second.to_string()),
            ("--shared-email", self.shared_email.to_string()),
        ]
    }
}

/// How alike a code and what was given must be to be taken for each other.
const ALIKE: f64 = 0.8;

/// A code that events can fail or be rejected with.
fn failure_code(text: &str) -> Result<String, String> {
    let codes: BTreeSet<&str> = FailureRecord::codes()
        .chain(ParseErrorKind::iter().map(<&str>::from))
        .collect();
    if codes.contains(text) {
        return Ok(text.to_owned());
    }
    let likeness = |code: &&str| strsim::jaro_winkler(text, code);
    let nearest = codes.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    Err(match nearest.filter(|code| likeness(code) > ALIKE) {
        Some(code) => format!("there is no such code; did you mean {code}?"),
        None => "there is no such code; those of a file of dead letters: grep -o '\"code\":\"[a-z_]*\"' FILE | sort | uniq -c".to_owned(),
    })
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
    all_that_is_wanted(print())
}
