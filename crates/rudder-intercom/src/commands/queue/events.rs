//! What has become of single events.

use super::output::{Fault, json_line, output};
use super::table::{Table, moment, style};
use crate::print::note;
use crate::text::{BAD, BOLD, DIM, NOTE, counted, printable};
use clap::Args;
use rudder_gateway::store::{
    About, EventHistory, EventState, Note, Queue as Store, Step, StepKind, TracedEvent, Wanted,
};
use rudder_gateway::{explain_event, explain_note};
use rudderstack_events::Event;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::thread;
use std::time::Duration;

/// How many of those that wait longest are shown with the status.
const FIRST: usize = 3;
/// How often it is looked for what is new.
const LOOK: Duration = Duration::from_millis(500);
/// Of how many events it is watched what becomes of them.
const WATCHED: usize = 1_000;
/// How many events can come in between two looks without one being left out.
const MOST_NEW: usize = 1_000_000;

/// How events are printed.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Shown {
    /// Show user ids, and the event where one is shown, as far as it is still there.
    #[arg(long)]
    show_values: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Waiting {
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct Tail {
    /// How many of the newest events are shown first.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    lines: usize,
    /// End after those.
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct Search {
    /// A user id, an anonymous id, an email address or a messageId; - reads it from standard input.
    #[arg(value_name = "TEXT")]
    text: String,
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number, as tail and search show it.
    #[arg(value_name = "NUMBER")]
    number: i64,
    #[command(flatten)]
    shown: Shown,
}

/// Prints events one after the other.
struct Printer<'a> {
    store: &'a Store,
    shown: Shown,
    table: Table,
    output: Box<dyn Write>,
}

impl<'a> Printer<'a> {
    fn new(store: &'a Store, shown: Shown) -> Result<Self, Fault> {
        let mut printer = Self {
            store,
            shown,
            table: Table::new(shown.show_values),
            output: Box::new(output()),
        };
        if !shown.json {
            printer.table.head(&mut printer.output)?;
        }
        Ok(printer)
    }

    fn print(&mut self, event: &TracedEvent) -> Result<(), Fault> {
        let user = user(self.store, event.number).filter(|_| self.shown.show_values);
        if !self.shown.json {
            return Ok(self.table.line(event, user.as_deref(), &mut self.output)?);
        }
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            event: &'a TracedEvent,
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        }
        Ok(json_line(&Line { event, user }, &mut self.output)?)
    }
}

/// Prints events, and no others.
fn print_all(store: &Store, shown: Shown, events: &[TracedEvent]) -> Result<(), Fault> {
    let mut printer = Printer::new(store, shown)?;
    events.iter().try_for_each(|event| printer.print(event))?;
    Ok(printer.output.flush()?)
}

/// Whose an event is that is still there.
fn user(store: &Store, number: i64) -> Option<String> {
    let event = store.event(number).ok()??;
    About::from(&Event::from_json(event.get()).ok()?).user_id
}

impl Shown {
    pub(super) fn new(show_values: bool, json: bool) -> Self {
        Self { show_values, json }
    }
}

impl Waiting {
    pub(super) fn run(&self, store: &Store) -> Result<(), Fault> {
        print_all(store, self.shown, &store.longest_kept(self.limit)?)
    }
}

/// Prints the first of those that wait, if any do, and how to see the others.
pub(super) fn longest_waiting(store: &Store, shown: Shown, command: &str) -> Result<(), Fault> {
    let events = store.longest_waiting(FIRST)?;
    if events.is_empty() {
        return Ok(());
    }
    print_all(store, shown, &events)?;
    note!(
        "the others that wait: {command} waiting; what happened to one: {command} show {}",
        events[0].number
    );
    Ok(())
}

impl Tail {
    pub(super) fn run(&self, store: &Store) -> Result<(), Fault> {
        let mut events = store.traced(&Wanted::all(), self.lines)?;
        events.reverse();
        let mut printer = Printer::new(store, self.shown)?;
        let mut watched = BTreeMap::new();
        let mut last = store.traced(&Wanted::all(), 1)?.first().map_or(0, |event| event.number);
        loop {
            for event in &events {
                printer.print(event)?;
                watch(&mut watched, event);
                last = last.max(event.number);
            }
            printer.output.flush()?;
            if self.no_follow {
                return Ok(());
            }
            thread::sleep(LOOK);
            events = changed(store, &mut watched)?;
            events.extend(since(store, last)?);
        }
    }
}

/// The events that have come in since, in order.
fn since(store: &Store, last: i64) -> Result<Vec<TracedEvent>, Fault> {
    let mut wanted = Wanted::all();
    wanted.after = Some(last);
    let mut events = store.traced(&wanted, MOST_NEW)?;
    events.reverse();
    Ok(events)
}

/// Remembers an event of which more is to come.
fn watch(watched: &mut BTreeMap<i64, EventState>, event: &TracedEvent) {
    let is_open = matches!(
        event.state,
        EventState::Waiting | EventState::Retrying | EventState::Awaiting
    );
    if is_open {
        watched.insert(event.number, event.state);
    } else {
        watched.remove(&event.number);
    }
    while watched.len() > WATCHED {
        watched.pop_first();
    }
}

/// The events that are in another state than before.
fn changed(store: &Store, watched: &mut BTreeMap<i64, EventState>) -> Result<Vec<TracedEvent>, Fault> {
    let mut events = Vec::new();
    for (number, state) in watched {
        let history = store.history(*number)?;
        events.extend(
            history
                .map(|history| history.event)
                .filter(|event| event.state != *state),
        );
    }
    Ok(events)
}

impl Search {
    pub(super) fn run(self, store: &Store, command: &str) -> Result<(), Fault> {
        let text = match self.text.as_str() {
            "-" => {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text)?;
                text
            }
            _ => self.text,
        };
        let events = store.traced(&Wanted::with(text), self.limit)?;
        if events.is_empty() {
            note!("no event with this user id, anonymous id, email address or messageId, as far back as it is kept");
            return Ok(());
        }
        print_all(store, self.shown, &events)?;
        if !self.shown.json {
            let is_wrong = |event: &&TracedEvent| matches!(event.state, EventState::Failed | EventState::Rejected);
            let one = events.iter().find(is_wrong).unwrap_or(&events[0]);
            note!("what has happened to one of them: {command} show {}", one.number);
        }
        Ok(())
    }
}

impl Show {
    pub(super) fn run(&self, store: &Store, command: &str) -> Result<(), Fault> {
        let history = store.history(self.number)?.ok_or(Fault::NoEvent(self.number))?;
        let event = store.event(self.number)?;
        let shown = event.as_deref().filter(|_| self.shown.show_values);
        let mut output = output();
        if self.shown.json {
            #[derive(Serialize)]
            struct Whole<'a> {
                #[serde(flatten)]
                history: &'a EventHistory,
                why: Option<rudder_gateway::Explanation>,
                #[serde(skip_serializing_if = "Option::is_none")]
                body: Option<&'a serde_json::value::RawValue>,
            }
            let why = explain_event(&history.event);
            let whole = Whole {
                history: &history,
                why,
                body: shown,
            };
            json_line(&whole, &mut output)?;
            return Ok(output.flush()?);
        }
        told(&history, command, &mut output)?;
        match (shown, &event) {
            (Some(event), _) => {
                serde_json::to_writer_pretty(&mut output, event).map_err(io::Error::from)?;
                writeln!(output)?;
            }
            (None, Some(_)) => writeln!(output, "{DIM}--show-values shows the event itself{DIM:#}")?,
            (None, None) => writeln!(
                output,
                "{DIM}the event itself is gone: it is kept until it is delivered or dropped{DIM:#}"
            )?,
        }
        Ok(output.flush()?)
    }
}

fn told(history: &EventHistory, command: &str, output: &mut dyn Write) -> io::Result<()> {
    let event = &history.event;
    let kind = event.event_type.map_or("event", |kind| kind.as_str());
    write!(output, "{BOLD}Event {}{BOLD:#}: {kind}", event.number)?;
    if let Some(name) = &event.name {
        write!(output, " {:?}", printable(name))?;
    }
    let state = event.state.as_str();
    let style = style(event.state);
    writeln!(output, ", {style}{state}{style:#}")?;
    writeln!(output, "  {}  received", moment(event.received_at, "%F %T"))?;
    for step in &history.steps {
        writeln!(output, "  {}  {}", moment(step.at, "%F %T"), sentence(step))?;
        for note in &step.detail.notes {
            remark(note, output)?;
        }
    }
    let Some(why) = explain_event(event) else { return Ok(()) };
    writeln!(output, "{BOLD}Why:{BOLD:#}        {}", why.meaning)?;
    writeln!(output, "{BOLD}What to do:{BOLD:#} {}", why.advice)?;
    if event.dead_letter.is_some() {
        if why.remedy.is_replay() {
            writeln!(output, "            {command} dead-letters replay {}", event.number)?;
        } else {
            writeln!(output, "            To replay it as it is would come to the same.")?;
        }
    }
    Ok(())
}

fn remark(note: &Note, output: &mut dyn Write) -> io::Result<()> {
    write!(output, "{:23}{NOTE}{}{NOTE:#}", "", printable(&note.code))?;
    if let Some(at) = &note.at {
        write!(output, " at {}", printable(at))?;
    }
    match explain_note(&note.code) {
        Some(why) => writeln!(output, ": {} {}", why.meaning, why.advice),
        None => writeln!(output),
    }
}

/// What has happened, in words.
fn sentence(step: &Step) -> String {
    let detail = &step.detail;
    let mut text = match step.what {
        StepKind::Recalled => "its contact has come: back in the queue".to_owned(),
        StepKind::Replayed if detail.edited => "replayed, changed by hand".to_owned(),
        StepKind::Replayed if detail.as_new => "replayed as new".to_owned(),
        StepKind::Replayed => "replayed".to_owned(),
        StepKind::Attempted => "a call failed".to_owned(),
        StepKind::Awaits => "waits for its contact".to_owned(),
        StepKind::Delivered if detail.unchanged => "delivered: it would have changed nothing".to_owned(),
        StepKind::Delivered => "delivered".to_owned(),
        StepKind::Skipped => "not for Intercom".to_owned(),
        StepKind::Dropped => "dropped".to_owned(),
        StepKind::Restored => "restored".to_owned(),
        what => what.as_str().to_owned(),
    };
    if let Some(code) = &step.code {
        text.push_str(&format!(": {BAD}{}{BAD:#}", printable(code)));
    }
    let mut parts = Vec::new();
    parts.extend(detail.path.as_ref().map(|path| format!("at {}", printable(path))));
    parts.extend(
        detail
            .attribute
            .as_ref()
            .map(|name| format!("the attribute {:?}", printable(name))),
    );
    match (&detail.operation, step.status) {
        (Some(operation), Some(status)) => parts.push(format!("{operation} was answered {status}")),
        (Some(operation), None) => parts.push(format!("{operation} was not answered")),
        (None, Some(status)) => parts.push(format!("answered {status}")),
        (None, None) => {}
    }
    parts.extend(
        detail
            .intercom_code
            .as_ref()
            .map(|code| format!("Intercom says {}", printable(code))),
    );
    parts.extend(step.calls.map(|calls| counted(calls.into(), "call")));
    parts.extend(step.request_id.as_ref().map(|id| format!("request {}", printable(id))));
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(", ")));
    }
    text
}
