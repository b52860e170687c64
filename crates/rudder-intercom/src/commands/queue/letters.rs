//! What could not be delivered.

use super::output::{Fault, json_line, output};
use super::table::elapsed;
use crate::commands::failure_code;
use crate::exit::Error;
use crate::print::note;
use crate::text::{BAD, BOLD, DIM, NOTE, counted, printable};
use crate::values::{Time, parser};
use clap::{Args, Subcommand};
use rudder_gateway::store::{DeadLetter, Filter, Queue as Store};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// How many dead letters are read at a time.
const CHUNK: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Letters {
    /// List dead letters, the newest first
    List {
        #[command(flatten)]
        chosen: Chosen,
        /// How many at most.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: usize,
        /// Show user ids.
        #[arg(long)]
        show_values: bool,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one dead letter with its event, as JSON
    Show {
        /// The number of its event.
        #[arg(value_name = "NUMBER")]
        number: i64,
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
    /// Bring back the dead letters that were dropped within the last five minutes
    Restore,
}

/// Which dead letters.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which")]
pub(super) struct Chosen {
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
pub(super) struct These {
    /// Those of the events with these numbers, as list, tail and search show them.
    #[arg(value_name = "NUMBER")]
    numbers: Vec<i64>,
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
    /// What is meant, if it is there: a number that is wrong is not taken for one of which there is nothing to do.
    fn filter(&self, store: &Store) -> Result<Filter, Fault> {
        let mut filter = self.chosen.filter();
        filter.events.clone_from(&self.numbers);
        if filter == Filter::all() && !self.all {
            let message = "say which dead letters, or --all".to_owned();
            return Err(Fault::Usage(Error::Usage(message)));
        }
        for number in &self.numbers {
            one(store, *number)?;
        }
        Ok(filter)
    }
}

/// The dead letter of the event with this number.
fn one(store: &Store, number: i64) -> Result<DeadLetter, Fault> {
    let mut filter = Filter::all();
    filter.events = vec![number];
    let found = store.dead_letters(&filter, 1, true)?.pop();
    found.ok_or(Fault::NoDeadLetter(number))
}

impl Letters {
    /// `command` begins a command that looks at the same store.
    pub(super) fn run(self, store: &mut Store, command: &str) -> Result<(), Fault> {
        match self {
            Self::List {
                chosen,
                limit,
                show_values,
                json,
            } => {
                let print = move |mut letter: DeadLetter, output: &mut dyn Write| {
                    letter.user_id = letter.user_id.filter(|_| show_values);
                    if json {
                        json_line(&letter, output)
                    } else {
                        as_line(&letter, output)
                    }
                };
                every(store, &chosen.filter(), limit, false, print)
            }
            Self::Show { number } => show(&one(store, number)?),
            Self::Replay { these, replay_as_new } => {
                let count = store.replay(&these.filter(store)?, replay_as_new)?;
                done("put back into the queue", count);
                Ok(())
            }
            Self::Drop(these) => {
                let dropped = store.drop_dead_letters(&these.filter(store)?)?.dropped;
                done("deleted", dropped);
                if dropped > 0 {
                    note!("to undo it within five minutes: {command} dead-letters restore");
                }
                Ok(())
            }
            Self::Restore => {
                done("restored", store.restore(None)?);
                Ok(())
            }
        }
    }
}

fn done(what: &str, count: u64) {
    note!("{} {what}", counted(count, "dead letter"));
}

/// Writes the dead letters with one of these codes, if there are any, as records that can be sent again.
pub(super) fn export(store: &Store, only_code: Vec<String>) -> Result<(), Fault> {
    let mut filter = Filter::all();
    filter.codes = only_code;
    every(store, &filter, usize::MAX, true, |letter, output| {
        json_line(&letter.into_record(), output)
    })
}

fn every(
    store: &Store,
    filter: &Filter,
    limit: usize,
    with_events: bool,
    print: impl Fn(DeadLetter, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Fault> {
    let mut output = output();
    let mut filter = filter.clone();
    let mut left = limit;
    while left > 0 {
        let chunk = store.dead_letters(&filter, left.min(CHUNK), with_events)?;
        let Some(oldest) = chunk.last() else { break };
        filter.before_id = Some(oldest.id);
        left -= chunk.len();
        for dead_letter in chunk {
            print(dead_letter, &mut output)?;
        }
    }
    Ok(output.flush()?)
}

fn as_line(dead_letter: &DeadLetter, output: &mut dyn Write) -> io::Result<()> {
    let style = if dead_letter.kind == "failed" { BAD } else { NOTE };
    let age = elapsed(ago(Duration::ZERO) - dead_letter.at);
    let kind = dead_letter.event_type.as_deref().unwrap_or("event");
    write!(
        output,
        "{BOLD}{:>8}{BOLD:#} {age:>8} ago  {style}{}{style:#} {kind}",
        dead_letter.event_number.unwrap_or_default(),
        printable(&dead_letter.code)
    )?;
    if let Some(user) = &dead_letter.user_id {
        write!(output, " of {}", printable(user))?;
    }
    let detail = &dead_letter.detail;
    if let Some(path) = &detail.path {
        write!(output, " at {}", printable(path))?;
    }
    writeln!(output, "  {DIM}{}{DIM:#}", printable(&detail.reason))
}

fn show(dead_letter: &DeadLetter) -> Result<(), Fault> {
    let mut output = output();
    // Numbers of the event keep their text: what is printed is the event, not a reading of it.
    serde_json::to_writer_pretty(&mut output, dead_letter).map_err(io::Error::from)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

/// Unix milliseconds so long ago.
fn ago(age: Duration) -> i64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(now.saturating_sub(age).as_millis()).unwrap_or(i64::MAX)
}
