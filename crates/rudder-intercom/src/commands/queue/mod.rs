//! `queue`: what a gateway or a transformer keeps on disk.

mod events;
mod output;
mod table;

use self::output::{Fault, output};
use super::failure_code;
use super::serve::gateway::{STORE, of_gateway};
use crate::exit::{Error, Exit};
use crate::print::note;
use crate::text::{BAD, BOLD, DIM, NOTE, counted, printable, thousands};
use crate::values::{Time, parser};
use clap::{Args, Subcommand, ValueHint};
use rudder_gateway::store::{DeadLetter, Filter, Pending, Queue as Store};
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How many events and dead letters are read at a time.
const CHUNK: usize = 500;

/// Look at the events that serve keeps, and replay what could not be delivered
///
/// It may be running: it delivers at once what is replayed. Behind rudder-server, a store has what has come before the
/// identify of its user.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom queue status
  rudder-intercom queue tail
  rudder-intercom queue search 1042
  rudder-intercom queue show 7
  rudder-intercom queue dead-letters list --only-code unknown_contact
  rudder-intercom queue dead-letters replay --only-code server_error --since 2h
  rudder-intercom queue export > events.ndjson       and later: rudder-intercom send events.ndjson
  rudder-intercom queue export --dead-letters > failed.ndjson")]
pub(crate) struct Queue {
    /// The file in which they are kept.
    #[arg(long, global = true, value_name = "FILE", env = "RUDDER_INTERCOM_STORE", default_value = STORE, value_hint = ValueHint::FilePath, hide_env_values = true)]
    store: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how many events wait, for how long, and what became of the others
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
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

#[derive(Debug, Subcommand)]
enum Letters {
    /// List dead letters, the newest first
    List {
        #[command(flatten)]
        chosen: Chosen,
        /// How many at most.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: usize,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one dead letter with its event, as JSON
    Show {
        /// Its number.
        #[arg(value_name = "NUMBER")]
        id: i64,
    },
    /// Put dead letters back into the queue, behind what waits there
    ///
    /// What later events of the same contact or company have written since is left out of them.
    Replay {
        #[command(flatten)]
        these: These,
        /// Leave nothing out: what is replayed overwrites what later events have written.
        #[arg(long)]
        replay_as_new: bool,
    },
    /// Delete dead letters
    ///
    /// For five minutes, restore undoes it.
    Drop(These),
    /// Undo that dead letters were dropped within the last five minutes
    Restore,
}

/// Which dead letters.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which")]
struct Chosen {
    /// Those with this code; can be repeated.
    #[arg(long, alias = "code", value_name = "CODE", value_parser = failure_code)]
    only_code: Vec<String>,
    /// Those of this user id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Those that are not older than this, such as 30m, 2h or 7d.
    #[arg(long, value_name = "AGE", value_parser = parser::<Time, Duration>())]
    since: Option<Duration>,
    /// Those that are older than this.
    #[arg(long, value_name = "AGE", value_parser = parser::<Time, Duration>())]
    until: Option<Duration>,
}

/// Which dead letters something is done to: nothing is done to all of them by mistake.
#[derive(Clone, Debug, Args)]
struct These {
    /// Those with these numbers.
    #[arg(value_name = "NUMBER")]
    ids: Vec<i64>,
    #[command(flatten)]
    chosen: Chosen,
    /// All of them.
    #[arg(long)]
    all: bool,
}

impl Chosen {
    fn filter(&self) -> Filter {
        let mut filter = Filter::all();
        filter.codes.clone_from(&self.only_code);
        filter.user_id.clone_from(&self.user);
        filter.since = self.since.map(ago);
        filter.until = self.until.map(ago);
        filter
    }
}

impl These {
    fn filter(&self) -> Result<Filter, Error> {
        let mut filter = self.chosen.filter();
        filter.ids.clone_from(&self.ids);
        if filter == Filter::all() && !self.all {
            return Err(Error::Usage("say which dead letters, or --all".to_owned()));
        }
        Ok(filter)
    }
}

impl Queue {
    /// Does what it is asked to.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let mut store = Store::open(&self.store).map_err(|error| of_gateway(&error))?;
        let result = match self.command {
            Command::Status { json } => status(&store, json),
            Command::Tail(tail) => tail.run(&store),
            Command::Search(search) => search.run(&store),
            Command::Show(show) => show.run(&store),
            Command::Export {
                dead_letters: false, ..
            } => export(&store),
            Command::Export { only_code, .. } => {
                let mut filter = Filter::all();
                filter.codes = only_code;
                every_dead_letter(&store, &filter, usize::MAX, true, record)
            }
            Command::DeadLetters(Letters::List { chosen, limit, json }) => {
                let print = if json { as_json } else { as_line };
                every_dead_letter(&store, &chosen.filter(), limit, false, print)
            }
            Command::DeadLetters(Letters::Show { id }) => show(&store, id),
            Command::DeadLetters(Letters::Replay { these, replay_as_new }) => {
                let filter = these.filter()?;
                store
                    .replay(&filter, replay_as_new)
                    .map(|count| done("back in the queue", count))
                    .map_err(Fault::Store)
            }
            Command::DeadLetters(Letters::Drop(some)) => {
                let filter = some.filter()?;
                store
                    .drop_dead_letters(&filter)
                    .map(|dropped| {
                        done("deleted", dropped.dropped);
                        if dropped.dropped > 0 {
                            note!("to undo it within five minutes: rudder-intercom queue dead-letters restore");
                        }
                    })
                    .map_err(Fault::Store)
            }
            Command::DeadLetters(Letters::Restore) => store
                .restore(None)
                .map(|count| done("restored", count))
                .map_err(Fault::Store),
        };
        match result {
            Ok(()) => Ok(Exit::Done),
            Err(Fault::Store(error)) => Err(of_gateway(&error)),
            Err(Fault::NoEvent(number)) => Err(Error::Usage(format!(
                "nothing is kept of an event {number}: rudder-intercom queue tail lists the newest"
            ))),
            Err(Fault::NoDeadLetter(id)) => Err(Error::Usage(format!("there is no dead letter {id}"))),
            // Whoever reads the output has seen enough.
            Err(Fault::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
            Err(Fault::Output(error)) => Err(Error::Output(error)),
        }
    }
}

fn done(what: &str, count: u64) {
    note!("{} {what}", counted(count, "dead letter"));
}

fn status(store: &Store, json: bool) -> Result<(), Fault> {
    #[derive(Serialize)]
    struct Status {
        #[serde(flatten)]
        queue: rudder_gateway::store::QueueStatus,
        codes: Vec<rudder_gateway::store::CodeCount>,
    }
    let (queue, codes) = (store.status()?, store.codes()?);
    let mut output = output();
    if json {
        serde_json::to_writer(&mut output, &Status { queue, codes }).map_err(io::Error::from)?;
        writeln!(output)?;
        return Ok(output.flush()?);
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
        writeln!(output, "{:>14} the longest wait", elapsed(age))?;
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
    Ok(output.flush()?)
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

fn every_dead_letter(
    store: &Store,
    filter: &Filter,
    limit: usize,
    with_events: bool,
    print: fn(&DeadLetter, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Fault> {
    let mut output = output();
    let mut filter = filter.clone();
    let mut left = limit;
    while left > 0 {
        let chunk = store.dead_letters(&filter, left.min(CHUNK), with_events)?;
        let Some(oldest) = chunk.last() else { break };
        filter.before_id = Some(oldest.id);
        left -= chunk.len();
        for dead_letter in &chunk {
            print(dead_letter, &mut output)?;
        }
    }
    Ok(output.flush()?)
}

fn record(dead_letter: &DeadLetter, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &dead_letter.clone().into_record())?;
    writeln!(output)
}

fn as_json(dead_letter: &DeadLetter, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, dead_letter)?;
    writeln!(output)
}

fn as_line(dead_letter: &DeadLetter, output: &mut dyn Write) -> io::Result<()> {
    let style = if dead_letter.kind == "failed" { BAD } else { NOTE };
    let age = elapsed(ago(Duration::ZERO) - dead_letter.at);
    let kind = dead_letter.event_type.as_deref().unwrap_or("event");
    write!(
        output,
        "{BOLD}{:>8}{BOLD:#} {age:>8} ago  {style}{}{style:#} {kind}",
        dead_letter.id,
        printable(&dead_letter.code)
    )?;
    if let Some(user) = &dead_letter.user_id {
        write!(output, " of {}", printable(user))?;
    }
    let detail = serde_json::to_string(&dead_letter.detail)?;
    writeln!(output, " {DIM}{}{DIM:#}", printable(&detail))
}

fn show(store: &Store, id: i64) -> Result<(), Fault> {
    let dead_letter = store.dead_letter(id)?.ok_or(Fault::NoDeadLetter(id))?;
    let mut output = output();
    // Numbers of the event keep their text: what is printed is the event, not a reading of it.
    serde_json::to_writer_pretty(&mut output, &dead_letter).map_err(io::Error::from)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

/// Unix milliseconds so long ago.
fn ago(age: Duration) -> i64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(now.saturating_sub(age).as_millis()).unwrap_or(i64::MAX)
}

/// A length of time in its greatest unit.
fn elapsed(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_shown_in_their_greatest_unit() {
        assert_eq!(
            [elapsed(-1), elapsed(119_999), elapsed(120_000), elapsed(172_800_000)],
            ["0s", "119s", "2m", "2d"]
        );
    }

    #[test]
    fn nothing_is_done_to_all_by_mistake() {
        let some = |all: bool, code: Option<&str>| These {
            ids: Vec::new(),
            chosen: Chosen {
                only_code: code.map(str::to_owned).into_iter().collect(),
                user: None,
                since: None,
                until: None,
            },
            all,
        };
        assert!(some(false, None).filter().is_err());
        assert!(some(true, None).filter().is_ok());
        assert!(some(false, Some("timeout")).filter().is_ok());
    }
}
