//! `queue`: what a gateway or a transformer keeps on disk.

mod events;
mod letters;
mod output;
mod place;
mod table;

use self::events::Shown;
use self::letters::Letters;
use self::output::{Fault, json_line, output};
use self::place::{Found, Place};
use self::table::elapsed;
use super::failure_code;
use super::serve::refusal::of_store;
use crate::exit::{Error, Exit};
use crate::print::note;
use crate::text::{BAD, BOLD, NOTE, printable, thousands};
use clap::{Args, Subcommand};
use rudder_gateway::store::{Pending, Queue as Store, Recipient};
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};

/// How many events are read at a time.
const CHUNK: usize = 500;

/// Look at the events that serve keeps, and replay what could not be delivered
///
/// It may be running: it delivers at once what is replayed. Behind rudder-server, a store has what has come before the
/// identify of its user.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom queue status
  rudder-intercom queue waiting --show-values
  rudder-intercom queue tail
  rudder-intercom queue search 1042
  rudder-intercom queue show 7
  rudder-intercom queue dead-letters list --only-code unknown_contact
  rudder-intercom queue dead-letters replay --only-code server_error --since 2h
  rudder-intercom queue export > events.ndjson       and later: rudder-intercom send events.ndjson
  rudder-intercom queue export --dead-letters > failed.ndjson")]
pub(crate) struct Queue {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how many events wait, for how long, and what became of the others
    Status {
        /// Show the user ids of those that wait longest.
        #[arg(long)]
        show_values: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// List the events that wait, those that have waited longest first
    ///
    /// Where the calls of one user fail while those of others do not, theirs come first, with the code and the tries.
    Waiting(events::Waiting),
    /// Show the newest events and what becomes of them, and go on as more come in
    Tail(events::Tail),
    /// Find events by user id, anonymous id, email address or messageId
    ///
    /// Also those that have been delivered: of these, hashes of the ids are kept, a million events and eight days back.
    Search(events::Search),
    /// Show what has happened to one event, why, and what to do about it
    Show(events::Show),
    /// List, show, replay, drop or restore events that could not be delivered
    #[command(subcommand)]
    DeadLetters(Letters),
    /// Have the events delivered to another workspace than the one that they are for
    ///
    /// A store is for the sandbox or the workspace that it was first used with. After this, it is for that of the next
    /// `serve --gateway`, which must not be running now.
    Reassign,
    /// Write events to standard output, one a line
    ///
    /// Those that wait in the queue, and those that wait for their contact, in the order in which they came in.
    Export {
        /// Write the dead letters instead of the events that wait, each with the reason, as `send --dead-letters` does.
        #[arg(long)]
        dead_letters: bool,
        /// Of the dead letters, only those with this code; can be repeated.
        #[arg(long, value_name = "CODE", value_parser = failure_code, requires = "dead_letters")]
        only_code: Vec<String>,
    },
}

impl Queue {
    /// Does what it is asked to.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let Found { path, command } = self.place.find()?;
        let mut store = Store::open(&path).map_err(|error| of_store(&error))?;
        let result = match self.command {
            Command::Status { show_values, json } => status(&store, Shown::new(show_values, json), &command),
            Command::Waiting(waiting) => waiting.run(&store),
            Command::Tail(tail) => tail.run(&store),
            Command::Search(search) => search.run(&store, &command),
            Command::Show(show) => show.run(&store, &command),
            Command::Export {
                dead_letters: false, ..
            } => export(&store),
            Command::Export { only_code, .. } => letters::export(&store, only_code),
            Command::DeadLetters(letters) => letters.run(&mut store, &command),
            Command::Reassign => reassign(&mut store),
        };
        match result {
            Ok(()) => Ok(Exit::Done),
            Err(Fault::Store(error)) => Err(of_store(&error)),
            Err(Fault::Usage(error)) => Err(error),
            Err(Fault::NoEvent(number)) => Err(Error::Usage(format!(
                "nothing is kept of an event {number}: {command} tail lists the newest"
            ))),
            Err(Fault::NoDeadLetter(number)) => Err(Error::Usage(format!(
                "event {number} is no dead letter: {command} dead-letters list shows those that are"
            ))),
            // Whoever reads the output has seen enough.
            Err(Fault::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
            Err(Fault::Output(error)) => Err(Error::Output(error)),
        }
    }
}

fn reassign(store: &mut Store) -> Result<(), Fault> {
    match store.reassign()? {
        Some(before) => {
            note!("its events were for {before}; the next `serve --gateway` takes them to wherever it delivers");
        }
        None => note!("its events were for nobody yet"),
    }
    Ok(())
}

fn status(store: &Store, shown: Shown, command: &str) -> Result<(), Fault> {
    #[derive(Serialize)]
    struct Status {
        recipient: Option<Recipient>,
        #[serde(flatten)]
        queue: rudder_gateway::store::QueueStatus,
        codes: Vec<rudder_gateway::store::CodeCount>,
    }
    let (recipient, queue, codes) = (store.recipient()?, store.status()?, store.codes()?);
    let mut output = output();
    if shown.json {
        let status = Status {
            recipient,
            queue,
            codes,
        };
        json_line(&status, &mut output)?;
        return Ok(output.flush()?);
    }
    if let Some(recipient) = &recipient {
        writeln!(output, "{:>14} {recipient}", "for")?;
    }
    let number = |count: i64| thousands(count.unsigned_abs());
    let bytes = |count: i64| format!("{} KiB", thousands(count.unsigned_abs().div_ceil(1024)));
    writeln!(
        output,
        "{BOLD}{:>14}{BOLD:#} waiting, {}",
        number(queue.events),
        bytes(queue.event_bytes)
    )?;
    if let Some(age) = queue.oldest_age_ms {
        writeln!(output, "{:>14} the longest has waited", elapsed(age))?;
    }
    if queue.awaiting > 0 {
        write!(
            output,
            "{BOLD}{:>14}{BOLD:#} waiting for the identify of their user",
            number(queue.awaiting)
        )?;
        let age = queue.oldest_awaiting_age_ms.map(elapsed);
        writeln!(
            output,
            "{}",
            age.map_or_else(String::new, |age| format!(", the first for {age}"))
        )?;
    }
    writeln!(
        output,
        "{BOLD}{:>14}{BOLD:#} dead letters, {}",
        number(queue.dead_letters),
        bytes(queue.dead_letter_bytes)
    )?;
    for code in codes {
        let style = if code.kind == "failed" { BAD } else { NOTE };
        writeln!(
            output,
            "{:>14} {} for {style}{}{style:#}",
            number(code.count),
            code.kind,
            printable(&code.code)
        )?;
    }
    output.flush()?;
    drop(output);
    events::longest_waiting(store, shown, command)
}

/// Writes the events of the queue and those that wait for their contact, in the order of their numbers.
fn export(store: &Store) -> Result<(), Fault> {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut queue = Reader::new(|after| store.pending(after, CHUNK));
    let mut awaiting = Reader::new(|after| store.awaiting(after, CHUNK));
    loop {
        let next = match (queue.ahead()?, awaiting.ahead()?) {
            (Some(one), Some(other)) if other < one => awaiting.next(),
            (Some(_), _) => queue.next(),
            (None, Some(_)) => awaiting.next(),
            (None, None) => return Ok(output.flush()?),
        };
        if let Some(event) = next {
            writeln!(output, "{}", one_line(&event.body))?;
        }
    }
}

/// Reads events in order, a chunk at a time.
struct Reader<F> {
    read: F,
    chunk: VecDeque<Pending>,
    last: i64,
}

impl<F: Fn(i64) -> Result<Vec<Pending>, rudder_gateway::store::Error>> Reader<F> {
    fn new(read: F) -> Self {
        Self {
            read,
            chunk: VecDeque::new(),
            last: 0,
        }
    }

    /// The number of the next event.
    fn ahead(&mut self) -> Result<Option<i64>, Fault> {
        if self.chunk.is_empty() {
            self.chunk = (self.read)(self.last)?.into();
        }
        Ok(self.chunk.front().map(|event| event.seq))
    }

    fn next(&mut self) -> Option<Pending> {
        let event = self.chunk.pop_front()?;
        self.last = event.seq;
        Some(event)
    }
}

/// An event in one line: line breaks in JSON are never part of a value.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
