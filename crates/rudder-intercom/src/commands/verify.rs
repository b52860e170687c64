//! `verify`: whether the workspace has what events say.

use super::desk::{Desk, Events};
use super::print_report;
use super::send::workspace_id;
use crate::desk::{Delivered, People, Verification};
use crate::exit::{Error, Exit};
use crate::files::require_distinct;
use crate::preview::Wanted;
use crate::send::Prepared;
use clap::{Args, ValueHint};
use intercom_api::{ContactId, UnixSeconds};
use intercom_delivery::journal::{Done, Earlier, Journal, JournalError};
use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Say whether the workspace has what the events say, after they were sent
///
/// Looks up whom the events are about, fifteen people a call, and compares what they have with what the events say, the
/// last value of each field; also their companies, links and tags. Data events are not compared: that would take a call
/// for each person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom verify events.ndjson
  rudder-intercom verify events.ndjson --journal done.db
  rudder-intercom verify events.ndjson --sample 500 --show-values
  rudder-intercom verify events.ndjson --json | jq '.differences[] | select(.why.reason == \"not_delivered\")'

It makes no call that writes. People are named by the line of their first event and by Intercom's id; --show-values also
shows who they are, and the values. The events are gone through twice: standard input is kept in memory.
With the journal of the delivery it tells what was not delivered from what was changed or deleted since.
Exits with 0 if everything is as the events say, with 1 if something differs or an event is one that cannot be delivered,
with 3 if Intercom does not accept the token, with 4 if it cannot be reached.")]
pub(crate) struct Verify {
    #[command(flatten)]
    events: Events,
    /// The journal that the events were sent with; it is only read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    journal: Option<PathBuf>,
    /// Compare only so many people, the same ones each time, and their companies.
    #[arg(long, value_name = "COUNT")]
    sample: Option<NonZeroUsize>,
    /// Show who differs, and the values found and expected; otherwise only names of fields, and kinds of values.
    #[arg(long, help_heading = "Output")]
    show_values: bool,
    /// Print the report as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What a journal tells.
struct Told {
    earlier: Earlier,
    /// Events that have failed, and that the next run sends again.
    undelivered: HashSet<u64>,
    /// Contacts by their user id and email, in lower case.
    learnt: BTreeMap<String, ContactId>,
    last: Option<UnixSeconds>,
    time_of_events: Option<UnixSeconds>,
}

impl Verify {
    /// Compares, and prints what differs.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        require_distinct(&[
            ("the input", Some(self.events.input.file())),
            ("--journal", self.journal.as_deref()),
        ])?;
        let mut desk = Desk::new(self.events.clone())?;
        let told = match &self.journal {
            Some(path) => Some(self.read_journal(&desk).map_err(|error| match error {
                Trouble::Journal(source) => Error::Journal {
                    path: path.clone(),
                    source,
                },
                Trouble::Other(error) => error,
            })?),
            None => None,
        };
        if let Some(time) = told.as_ref().and_then(|told| told.time_of_events) {
            desk.set_time_of_events(time);
        }
        let mut people = People::default();
        let mut delivered = told.as_ref().map(|told| Delivered::until(told.last));
        let mut other_input = None;
        let mut wanted = Wanted::default();
        desk.visit(None, |event, prepared| {
            let Prepared::Ready(ready) = prepared else { return };
            if self.sample.is_none() {
                wanted.add(&ready.plan, ready.line);
            }
            let (person, company) = people.add(&ready.plan);
            if let (Some(told), Some(delivered)) = (&told, &mut delivered) {
                match told.earlier.get(event, ready.fingerprint) {
                    Ok(None) if told.undelivered.contains(&event) => {
                        delivered.add(person.into_iter().chain(company), Some((Done::Failed, "")));
                    }
                    Ok(done) => delivered.add(person.into_iter().chain(company), done),
                    Err(_) => {
                        other_input.get_or_insert(ready.line);
                    }
                }
            }
        })?;
        if let (Some(line), Some(path)) = (other_input, &self.journal) {
            let path = path.clone();
            return Err(Error::OtherInput { path, line });
        }
        let delivered = delivered.map(|delivered| delivered.of_people(&people));
        let sample = self.sample.map(|count| people.sample(count.get()));
        let choice = || sample.as_ref().map(crate::desk::Sample::choice);
        if sample.is_some() {
            desk.visit(choice(), |_, prepared| {
                if let Prepared::Ready(ready) = prepared {
                    wanted.add(&ready.plan, ready.line);
                }
            })?;
        }
        let nobody = BTreeMap::new();
        let learnt = told.as_ref().map_or(&nobody, |told| &told.learnt);
        let played = desk.play(&wanted, choice, learnt)?;
        let report = Verification::new(
            &played,
            desk.overlay.reader().calls(),
            (&people, delivered.as_ref()),
            sample.as_ref().map(crate::desk::Sample::people),
            self.show_values,
        );
        print_report(self.json, &report, |out| report.write_text(out))?;
        Ok(Exit::complete_if(report.holds()))
    }

    fn read_journal(&self, desk: &Desk) -> Result<Told, Trouble> {
        let path = self.journal.clone().unwrap_or_default();
        let journal = Journal::open_to_read(&path)?;
        journal.require(
            "--intercom-base-url or --region",
            self.events.connection.base_url().trim_end_matches('/'),
        )?;
        for (flag, value) in self.events.conversion.shown() {
            journal.require(flag, &value)?;
        }
        let workspace = desk.workspace().map_err(Trouble::Other)?;
        let id = workspace_id(workspace).map_err(Trouble::Other)?;
        journal.require_workspace(id.as_deref())?;
        let mut learnt = BTreeMap::new();
        // However long ago.
        journal.learnt(UnixSeconds(0), |contact| {
            let names = contact.external_id.as_ref().map(|id| id.as_str().to_lowercase());
            let names = names.into_iter().chain(contact.email.clone());
            learnt.extend(names.map(|name| (name, contact.id.clone())));
        })?;
        let mut undelivered = HashSet::new();
        journal.undelivered(|event, _, _, _| undelivered.extend([event]))?;
        Ok(Told {
            earlier: journal.earlier()?,
            undelivered,
            learnt,
            last: journal.last_learnt()?,
            time_of_events: journal.known_time_of_events()?,
        })
    }
}

/// Why the journal cannot be used.
enum Trouble {
    Journal(JournalError),
    Other(Error),
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}
