//! `verify`: whether the workspace has what events say.

use super::desk::{Desk, Events};
use super::print_report;
use super::send::workspace_id;
use crate::desk::{Delivered, People, Verification};
use crate::exit::{Error, Exit};
use crate::files::require_distinct;
use crate::preview::{KeptError, Opened, Wanted};
use crate::print::note;
use crate::send::Prepared;
use crate::text::counted;
use chrono::DateTime;
use clap::{Args, ValueHint};
use fnv::FnvHasher;
use intercom_api::{ContactId, UnixSeconds};
use intercom_delivery::journal::{Done, Earlier, Journal, JournalError};
use std::collections::{BTreeMap, HashSet};
use std::hash::Hasher as _;
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
  rudder-intercom verify events.ndjson --resume verify.state
  rudder-intercom verify events.ndjson --json | jq '.differences[] | select(.why.reason == \"not_delivered\")'

It makes no call that writes. People are named by the line of their first event and by Intercom's id; --show-values also
shows who they are, and the values. The events are gone through twice: standard input is kept in memory.
With the journal of the delivery it tells what was not delivered from what was changed or deleted since.
With --resume, whatever ended it (Ctrl-C, a kill, a token that is refused, an outage), the same command goes on where it
was, and the report covers the whole. The file holds what Intercom has said of people, so only its owner can read it; it
is deleted once the report is printed, so that the next run begins anew.
Exits with 0 if everything is as the events say, with 1 if something differs or an event is one that cannot be delivered,
with 3 if Intercom does not accept the token, with 4 if it cannot be reached.")]
pub(crate) struct Verify {
    #[command(flatten)]
    events: Events,
    /// The journal that the events were sent with; it is only read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Comparison")]
    journal: Option<PathBuf>,
    /// Keep in this file what is read, so that after an interruption the same command goes on where it was.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Comparison")]
    resume: Option<PathBuf>,
    /// Compare only so many people, the same ones each time, and their companies.
    #[arg(long, value_name = "COUNT", help_heading = "Comparison")]
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
}

impl Verify {
    /// Compares, and prints what differs.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        require_distinct(&[
            ("the input", Some(self.events.input.file())),
            ("--journal", self.journal.as_deref()),
            ("--resume", self.resume.as_deref()),
        ])?;
        let mut desk = Desk::new(self.events.clone())?;
        let compared = self.compare(&mut desk);
        if let Err(error) = &compared {
            match desk.overlay.reader().kept() {
                Some(kept) => note!(
                    "the answers to {} are kept: the same command goes on where it was",
                    counted(kept.answers() as u64, "call")
                ),
                None if self.resume.is_none() && matches!(error, Error::Interrupted) => {
                    note!("the same command starts at the beginning; with --resume FILE it would go on where it was");
                }
                None => {}
            }
        }
        compared
    }

    fn compare(&self, desk: &mut Desk) -> Result<Exit, Error> {
        let (told, resumed) = self.earlier_runs(desk)?;
        let mut people = People::default();
        let mut delivered = told.as_ref().map(|told| Delivered::until(told.last));
        let mut other_input = None;
        let mut wanted = Wanted::default();
        let mut input = FnvHasher::default();
        desk.visit(None, |event, prepared| {
            let Prepared::Ready(ready) = prepared else { return };
            input.write_u64(ready.fingerprint);
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
        if let Some(resumed) = resumed {
            self.go_on(desk, resumed, input.finish())?;
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
        if let Some(kept) = desk.overlay.reader().kept() {
            kept.delete().map_err(|error| self.cannot_resume(error.into()))?;
        }
        Ok(Exit::complete_if(report.holds()))
    }

    /// What the journal tells, and what an earlier run of this command has read: both of this workspace, with these settings.
    fn earlier_runs(&self, desk: &mut Desk) -> Result<(Option<Told>, Option<Opened>), Error> {
        let journal = match &self.journal {
            Some(path) => Some(Journal::open_to_read(path).map_err(|source| self.cannot_read_journal(source))?),
            None => None,
        };
        let time = match &journal {
            Some(journal) => journal.known_time_of_events(),
            None => Ok(None),
        };
        let time = time.map_err(|source| self.cannot_read_journal(source))?;
        if let Some(time) = time {
            desk.set_time_of_events(time);
        }
        let now = crate::convert::now();
        let open = |path: &PathBuf| Opened::open(path, now, desk.time_of_events());
        let mut resumed = self
            .resume
            .as_ref()
            .map(open)
            .transpose()
            .map_err(|source| self.cannot_resume(source))?;
        if journal.is_none() && resumed.is_none() {
            return Ok((None, None));
        }
        let workspace = workspace_id(desk.workspace()?, None)?;
        let told = journal.map(|journal| self.told(&journal, workspace.as_deref()));
        let told = told.transpose().map_err(|source| self.cannot_read_journal(source))?;
        if let Some(opened) = &mut resumed {
            self.require_same_run(opened, workspace)
                .map_err(|source| self.cannot_resume(source))?;
            desk.set_time_of_events(opened.time_of_events());
        }
        Ok((told, resumed))
    }

    fn base_url(&self) -> &str {
        self.events.connection.base_url().trim_end_matches('/')
    }

    fn require_same_run(&self, opened: &mut Opened, workspace: Option<String>) -> Result<(), KeptError> {
        opened.require("--intercom-base-url or --region", self.base_url().to_owned())?;
        for (flag, value) in self.events.conversion.shown() {
            opened.require(flag, value)?;
        }
        opened.require(
            "--sample",
            self.sample.map_or_else(String::new, |count| count.to_string()),
        )?;
        opened.require("workspace of Intercom", workspace.unwrap_or_default())
    }

    /// Goes on where the run was that has kept these answers, if its events were the same.
    fn go_on(&self, desk: &Desk, mut opened: Opened, input: u64) -> Result<(), Error> {
        let begin = || -> Result<_, KeptError> {
            opened.require("input", format!("{input:016x}"))?;
            opened.begin()
        };
        let kept = begin().map_err(|source| self.cannot_resume(source))?;
        let (begun, earlier) = kept.earlier();
        if earlier > 0 {
            let begun = DateTime::from_timestamp(begun.0, 0).unwrap_or_default();
            note!(
                "going on with the run that began at {}: the answers to {} are there",
                begun.format("%Y-%m-%d %H:%M UTC"),
                counted(earlier as u64, "call")
            );
        }
        desk.overlay.reader().keep_in(kept);
        Ok(())
    }

    fn told(&self, journal: &Journal, workspace: Option<&str>) -> Result<Told, JournalError> {
        journal.require("--intercom-base-url or --region", self.base_url())?;
        for (flag, value) in self.events.conversion.shown() {
            journal.require(flag, &value)?;
        }
        journal.require_workspace(workspace)?;
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
        })
    }

    fn cannot_read_journal(&self, source: JournalError) -> Error {
        let path = self.journal.clone().unwrap_or_default();
        Error::Journal { path, source }
    }

    fn cannot_resume(&self, source: KeptError) -> Error {
        Error::Resume {
            path: self.resume.clone().unwrap_or_default(),
            source: Box::new(source),
        }
    }
}
