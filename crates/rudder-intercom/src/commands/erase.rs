//! `erase`: has people deleted for good.

use super::caller::Caller;
use super::connection::Connection;
use super::send::workspace_id;
use crate::erase::{Outcome, Person, Receipt, Receipts, read_people};
use crate::exit::{Error, Exit, with_causes};
use crate::interrupt::Interrupt;
use crate::print::{Lines, note};
use crate::text::{BAD, DIM, GOOD, counted};
use clap::{Args, ValueHint};
use intercom_api::{ContactId, Region};
use intercom_delivery::client::CallError;
use intercom_delivery::{Erasure, ErasureError};
use rudder_gateway::store::{Place, Queue, Traces};
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

/// Have people deleted from Intercom for good, as data protection law requires
///
/// Finds the contact of each person, requests its permanent deletion, and writes receipts. Each contact is read before, so
/// that an out-of-date search erases nobody else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom erase --user-id 42 --dry-run
  rudder-intercom erase --email ann@example.com
  rudder-intercom erase --file people.ndjson --yes --receipt receipts.ndjson
  rudder-intercom erase --user-id 42 --store rudder-intercom.db

A file has JSON objects, {\"userId\": …} or {\"email\": …}, or requests to RudderStack's /deleteUsers; a file of events is
refused. If both are given, the email counts only if nobody has the user id. Receipts say when, where in the input
the person was named, the contact's id, Intercom's id of the request, and the outcome: requested, already_gone,
not_found, ambiguous (several contacts have the email, and none was touched) or failed. They hold no user id and no
email. Archived contacts are found by user id; by email only with --probe-archived-email.
With --store, what a gateway or a transformer keeps of the person goes first, so that nothing of it creates them again: dead
letters, and events that wait for their contact. Events in the queue are delivered rather than deleted; if there are any,
give the same command again once they are. Of the history, hashes of the ids stay until they are too old (history-age).
Exits with 1 if it failed for somebody or events of theirs are in the queue, and with 4 if Intercom cannot be reached; the same command can be given again.")]
pub(crate) struct Erase {
    /// Erase the person with this user id; can be repeated.
    #[arg(long, value_name = "ID", required_unless_present_any = ["email", "file"])]
    user_id: Vec<String>,
    /// Erase the person with this email; can be repeated.
    #[arg(long, value_name = "EMAIL")]
    email: Vec<String>,
    /// Erase the people in this file, or in standard input if it is -.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// If several contacts have an email, erase all of them instead of none.
    #[arg(long)]
    all_with_email: bool,
    /// Look for archived contacts by email, too: by creating a contact with it, which is deleted at once if there was none.
    /// Until then, what the workspace does for new contacts may happen: messages, webhooks.
    #[arg(long)]
    probe_archived_email: bool,
    /// Also delete what this store of `serve` keeps of the people.
    #[arg(long, value_name = "FILE", env = "RUDDER_INTERCOM_STORE", value_hint = ValueHint::FilePath)]
    store: Option<PathBuf>,
    /// Append the receipts to this file.
    #[arg(long, value_name = "FILE", default_value = "erasure-receipts.ndjson", value_hint = ValueHint::FilePath)]
    receipt: PathBuf,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Only look for people: request nothing and write no receipts. Archived contacts are not found this way.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Erase {
    /// Erases everybody who was named.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let people = self.people()?;
        let mut store = self
            .store
            .as_deref()
            .map(Queue::open)
            .transpose()
            .map_err(|error| cannot_use_store(&error))?;
        if let Some(store) = &store {
            self.require_same_workspace(store)?;
        }
        let caller = Caller::new(&self.connection)?;
        let everybody = people.len() as u64;
        if self.dry_run {
            return self.dry_run(&caller, store.as_ref(), &people);
        }
        if !self.is_confirmed(everybody)? {
            note!("nobody was erased");
            return Ok(Exit::Interrupted);
        }
        let cannot = Error::write(&self.receipt);
        let mut receipts = Receipts::open(&self.receipt).map_err(cannot)?;
        let kept = store.as_mut().map(|store| store.forget(&stored(&people)));
        let kept = kept.transpose().map_err(|error| cannot_use_store(&error))?;
        let interrupt = Interrupt::listen()?;
        let caller = caller.until(&interrupt);
        let mut output = Lines::new();
        let (mut failed, mut erased) = (0_u64, 0_u64);
        for person in &people {
            if interrupt.is_asked() {
                return Ok(interrupted(erased + failed, everybody));
            }
            let mut erasure = self.erasure(person);
            let result = carry_out(&caller, &mut erasure, |_| true);
            let new = |outcome| Receipt::new(self.connection.base_url(), person, outcome);
            let mut lines: Vec<Receipt<'_>> = erasure
                .requested()
                .iter()
                .map(|deletion| match deletion.was_gone {
                    true => new(Outcome::AlreadyGone).of(deletion),
                    false => new(Outcome::Requested).of(deletion),
                })
                .collect();
            match &result {
                Ok(()) if lines.is_empty() => {
                    let mut line = new(Outcome::NotFound);
                    line.archived_by_email = erasure.leaves_archived_email_unseen().then_some("not_looked_for");
                    lines.push(line);
                }
                Ok(()) => {}
                Err(error) => {
                    let mut line = new(match error {
                        Trouble::Erasure(ErasureError::Ambiguous(_)) => Outcome::Ambiguous,
                        _ => Outcome::Failed,
                    });
                    line.contact_id = erasure.found().next().map(ContactId::as_str);
                    line.error = Some(error.to_string());
                    lines.push(line);
                }
            }
            receipts.add(&lines).map_err(cannot)?;
            match result {
                Ok(()) => {
                    erased += 1;
                    let what = describe(&erasure);
                    output.add(format_args!("{GOOD}{}{GOOD:#} {DIM}{what}{DIM:#}", person.named));
                }
                Err(Trouble::Call(CallError::Interrupted)) => return Ok(interrupted(erased + failed, everybody)),
                Err(Trouble::Call(error)) => return Err(error.into()),
                Err(error) => {
                    failed += 1;
                    output.add(format_args!("{BAD}{}{BAD:#} failed: {error}", person.named));
                }
            }
        }
        output.add(format_args!(
            "{} done, {failed} failed; receipts are in {}",
            counted(erased, "erasure"),
            self.receipt.display()
        ));
        if let Some(kept) = kept {
            output.add(format_args!("from the store: {} deleted", events(kept)));
            tell_of_queue(kept);
        }
        output.finish()?;
        Ok(Exit::complete_if(
            failed == 0 && kept.is_none_or(|kept| kept.queued == 0),
        ))
    }

    /// Refuses a store whose events go elsewhere: the people in it would be erased there, and not here.
    fn require_same_workspace(&self, store: &Queue) -> Result<(), Error> {
        let recipient = store.recipient().map_err(|error| cannot_use_store(&error))?;
        let Some(recipient) = recipient else { return Ok(()) };
        let base_url = self.connection.base_url().trim_end_matches('/');
        let is_there = match &recipient.place {
            Place::Sandbox => false,
            Place::Intercom => Region::iter().any(|region| region.base_url() == base_url),
            Place::Url(url) => url.trim_end_matches('/') == base_url,
        };
        let is_it = match &recipient.workspace {
            Some(known) if is_there => workspace_id(self.connection.workspace()?, None)?.is_none_or(|id| id == *known),
            _ => is_there,
        };
        if is_it {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "the events of the store are for {recipient}, and people are erased elsewhere: give the token and the URL of \
             that workspace, or leave --store out"
        )))
    }

    fn erasure(&self, person: &Person) -> Erasure {
        Erasure::new(person.user_id.clone(), person.email.clone())
            .probe_archived_email(self.probe_archived_email)
            .all_with_email(self.all_with_email)
    }

    fn dry_run(&self, caller: &Caller, store: Option<&Queue>, people: &[Person]) -> Result<Exit, Error> {
        let (mut output, mut is_complete) = (Lines::new(), true);
        for person in people {
            let mut erasure = self.erasure(person);
            match carry_out(caller, &mut erasure, Erasure::is_still_searching) {
                Ok(()) => {}
                Err(Trouble::Call(error)) => return Err(error.into()),
                Err(error) => {
                    is_complete = false;
                    output.add(format_args!("{BAD}{}{BAD:#}: {error}", person.named));
                    continue;
                }
            }
            let found: Vec<&str> = erasure.found().map(ContactId::as_str).collect();
            match found.as_slice() {
                [] => output.add(format_args!("{}: {DIM}not found; may be archived{DIM:#}", person.named)),
                ids => output.add(format_args!("{}: {}", person.named, ids.join(", "))),
            }
        }
        if let Some(store) = store {
            let kept = store
                .traces_of(&stored(people))
                .map_err(|error| cannot_use_store(&error))?;
            output.add(format_args!("in the store: {}", events(kept)));
            tell_of_queue(kept);
        }
        output.finish()?;
        Ok(Exit::complete_if(is_complete))
    }

    fn people(&self) -> Result<Vec<Person>, Error> {
        let mut people = Vec::new();
        for (at, id) in self.user_id.iter().enumerate() {
            people.push(Person::with_user_id(id.clone(), format!("--user-id {}", at + 1)));
        }
        for (at, email) in self.email.iter().enumerate() {
            people.push(Person::with_email(email.clone(), format!("--email {}", at + 1)));
        }
        if people.iter().any(|person| {
            [&person.user_id, &person.email]
                .into_iter()
                .flatten()
                .any(|text| text.trim().is_empty())
        }) {
            return Err(Error::Usage("a user id or an email is empty".to_owned()));
        }
        if let Some(path) = &self.file {
            let listed = if path.as_os_str() == "-" {
                read_people(path, io::stdin().lock())
            } else {
                let file = File::open(path).map_err(Error::open(path))?;
                read_people(path, BufReader::new(file))
            };
            people.extend(listed?);
        }
        Ok(people)
    }

    fn is_confirmed(&self, people: u64) -> Result<bool, Error> {
        if self.yes || people == 0 {
            return Ok(true);
        }
        if !io::stdin().is_terminal() || self.file.as_ref().is_some_and(|path| path.as_os_str() == "-") {
            return Err(Error::Usage(
                "erasure is for good: give --yes, or run it on a terminal to be asked".to_owned(),
            ));
        }
        note!(
            "This deletes {} from {} for good, with all their data. Type yes to go on:",
            if people == 1 {
                "1 person".to_owned()
            } else {
                format!("{people} people")
            },
            self.connection.base_url()
        );
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Error::System("cannot read the answer".to_owned(), error))?;
        Ok(answer.trim() == "yes")
    }
}

fn cannot_use_store(error: &rudder_gateway::store::Error) -> Error {
    Error::Usage(with_causes(error))
}

/// The people, as a store knows them.
fn stored(people: &[Person]) -> Vec<rudder_gateway::store::Person> {
    let stored = |person: &Person| rudder_gateway::store::Person::new(person.user_id.clone(), person.email.clone());
    people.iter().map(stored).collect()
}

fn events(kept: Traces) -> String {
    format!(
        "{} and {} that waited for their contact",
        counted(kept.dead_letters, "dead letter"),
        counted(kept.awaiting, "event")
    )
}

fn tell_of_queue(kept: Traces) {
    if kept.queued > 0 {
        note!(
            "{} of theirs in the queue, which will be delivered and may create them again: give the same command again \
             once the queue has done so",
            counted(kept.queued, "event")
        );
    }
}

fn interrupted(done: u64, everybody: u64) -> Exit {
    note!("interrupted after {done} of {everybody}; the receipts say who is done");
    Exit::Interrupted
}

/// Why an erasure did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// No call can be made: not for the others, either.
    #[error(transparent)]
    Call(CallError),
    /// Something is wrong with this one.
    #[error(transparent)]
    Erasure(ErasureError),
}

/// Makes the calls of an erasure, as long as `goes_on`.
fn carry_out(caller: &Caller, erasure: &mut Erasure, goes_on: impl Fn(&Erasure) -> bool) -> Result<(), Trouble> {
    while goes_on(erasure)
        && let Some(call) = erasure.next_call()
    {
        // Responses that are a failure may be just what an erasure needs.
        let response = caller.send(&call).map_err(Trouble::Call)?;
        erasure.handle_response(&response).map_err(|error| match error {
            ErasureError::Response(error) if error.is_unauthorized() => Trouble::Call(error.into()),
            error => Trouble::Erasure(error),
        })?;
    }
    Ok(())
}

fn describe(erasure: &Erasure) -> String {
    match erasure.requested() {
        [] if erasure.leaves_archived_email_unseen() => {
            "not found; archived contacts were not looked through by email".to_owned()
        }
        [] => "not found".to_owned(),
        requested => {
            let ids: Vec<&str> = requested.iter().map(|deletion| deletion.contact.as_str()).collect();
            format!("requested for {}", ids.join(", "))
        }
    }
}
