//! Reading what has happened to events.

use super::kept::{is_kept, seed};
use super::runs::{Traced, each};
use super::step::{Step, StepKind};
use super::trace::{KEY_BYTES, TraceKey, keys_of};
use crate::dead_letter::from_json;
use crate::error::Error;
use crate::statements::Statements as _;
use rudderstack_events::EventType;
use rusqlite::{Connection, Row, params};
use serde::{Serialize, Serializer};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use strum::IntoStaticStr;

/// What is known of an event. `Debug` shows its number only.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TracedEvent {
    /// The number that it came in with.
    pub number: i64,
    /// When it came in, in Unix milliseconds.
    pub received_at: i64,
    /// Its type, if it is one that RudderStack has.
    pub event_type: Option<EventType>,
    /// What it is called, as far as it is a track event, a page or a screen; what is done, if it is a record.
    pub name: Option<String>,
    /// What stands for the person: the same for all events with the same id.
    #[serde(serialize_with = "as_text")]
    pub person: Option<TraceKey>,
    /// What has become of it.
    pub state: EventState,
    /// When that was, in Unix milliseconds.
    pub since: i64,
    /// Why.
    pub code: Option<String>,
    /// How often a call for it has failed or delivered it, as far as that is kept.
    pub attempts: u32,
    /// The number of its dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<i64>,
}

fn as_text<S: Serializer>(person: &Option<TraceKey>, serializer: S) -> Result<S::Ok, S::Error> {
    person.map(|person| person.to_string()).serialize(serializer)
}

exact_json::debug_shows! { TracedEvent { number, state } }

/// What has become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventState {
    /// It is in the queue, and no call for it has failed.
    Waiting,
    /// It is in the queue, and is tried again.
    Retrying,
    /// It waits for its contact.
    Awaiting,
    /// It was delivered.
    Delivered,
    /// It is not for Intercom.
    Skipped,
    /// It can never be delivered as it is.
    Rejected,
    /// It was not delivered.
    Failed,
    /// It was dropped as a dead letter.
    Dropped,
}

impl EventState {
    /// The stable `snake_case` name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An event and what has happened to it, in order.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EventHistory {
    /// The event.
    pub event: TracedEvent,
    /// What has happened since it came in.
    pub steps: Vec<Step>,
}

/// Whose events are meant, or which one. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Find {
    /// Those with this text as a user id, an anonymous id, an email address, or a `messageId`.
    Text(String),
    /// Those of whom this stands for.
    Person(TraceKey),
}

exact_json::debug_shows! { enum Find { Text, Person } }

/// Which events are meant: those to which everything applies that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// Whose, or which one.
    pub find: Option<Find>,
    /// With a number below this one.
    pub before: Option<i64>,
    /// With a number above this one.
    pub after: Option<i64>,
}

impl Wanted {
    /// All events.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with this text as a user id, an anonymous id, an email address, or a `messageId`.
    pub fn with(text: impl Into<String>) -> Self {
        Self {
            find: Some(Find::Text(text.into())),
            ..Self::default()
        }
    }
}

/// What a dead letter says of its event.
const OF_DEAD_LETTER: &str = "SELECT event, received_at, event_type, kind, code, at FROM dead_letters";

/// What an event came in as.
struct Found {
    event: i64,
    at: i64,
    event_type: Option<EventType>,
    name: Option<String>,
    person: Option<TraceKey>,
    /// How it has ended, if its steps are not kept.
    ending: Option<(StepKind, String, i64)>,
}

impl Found {
    fn of_dead_letter(row: &Row<'_>) -> rusqlite::Result<Self> {
        let event_type: Option<String> = row.get(2)?;
        let what = StepKind::of_dead_letter(row.get_ref(3)?.as_str()?);
        Ok(Self {
            event: row.get(0)?,
            at: row.get(1)?,
            event_type: event_type.and_then(|name| name.parse().ok()),
            name: None,
            person: None,
            ending: Some((what, row.get(4)?, row.get(5)?)),
        })
    }
}

impl From<Traced<'_>> for Found {
    fn from(traced: Traced<'_>) -> Self {
        Self {
            event: traced.event,
            at: traced.at,
            event_type: traced.event_type(),
            name: traced.name.map(str::to_owned),
            person: traced.person(),
            ending: None,
        }
    }
}

/// So many parts of the history are searched at a time: a disk answers several questions as fast as one.
const PARTS: i64 = 8;
/// So many events are searched in one go: a few hundred kilobytes.
const AT_ONCE: i64 = 10_000;

/// Opens the store once more, to read it elsewhere at the same time.
pub(crate) type Another<'a> = &'a (dyn Fn() -> Result<Connection, Error> + Sync);

/// What is looked for.
struct Search {
    keys: Option<Vec<[u8; KEY_BYTES]>>,
    before: i64,
    after: i64,
    limit: usize,
    /// Set when all that is wanted has been found.
    is_over: AtomicBool,
}

impl Search {
    /// The newest of the events whose blocks begin with one of these numbers, the newest first.
    fn within(&self, connection: &Connection, firsts: Range<i64>) -> rusqlite::Result<Vec<Found>> {
        let mut query = connection.prepare_cached(
            "SELECT runs FROM received WHERE first >= ? AND first < ? AND last > ? ORDER BY first DESC",
        )?;
        let mut blocks = query.query([firsts.start, firsts.end, self.after])?;
        let mut found = Vec::new();
        while let Some(block) = blocks.next()? {
            let mut of_block = Vec::new();
            each(block.get_ref(0)?.as_blob()?, |traced| {
                let is_wanted = self.keys.as_ref().is_none_or(|keys| traced.has(keys));
                if is_wanted && traced.event < self.before && traced.event > self.after {
                    of_block.push(traced);
                }
            });
            let left = self.limit - found.len();
            found.extend(of_block.into_iter().rev().take(left).map(Found::from));
            if found.len() == self.limit || self.is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(found)
    }

    /// The newest events, the newest first. Those of somebody may be anywhere in a long history, all of which is then read.
    fn run(&self, connection: &Connection, another: Another<'_>) -> Result<Vec<Found>, Error> {
        let bounds = "SELECT coalesce(min(first), 0), coalesce(max(first), 0) FROM received";
        let bounds = connection.row(bounds, [], |row| Ok((row.get(0)?, row.get(1)?)));
        let (oldest, newest): (i64, i64) = bounds?;
        let end = self.before.min(newest.saturating_add(1));
        let part = end.saturating_sub(oldest) / PARTS;
        if self.keys.is_none() || part < AT_ONCE {
            return Ok(self.within(connection, i64::MIN..end)?);
        }
        let parts = (1..PARTS).map(|older| {
            let end = end - part * older;
            if older == PARTS - 1 {
                i64::MIN..end
            } else {
                end - part..end
            }
        });
        thread::scope(|scope| {
            let others: Vec<_> = parts
                .map(|part| scope.spawn(move || Ok::<_, Error>(self.within(&another()?, part)?)))
                .collect();
            let mut found = self.within(connection, end - part..end)?;
            for other in others {
                self.is_over.store(found.len() >= self.limit, Ordering::Relaxed);
                // A thread that has panicked has found nothing.
                found.extend(other.join().unwrap_or_else(|_| Err(Error::Closed))?);
            }
            found.truncate(self.limit);
            Ok(found)
        })
    }
}

/// Up to `limit` events, the newest first.
pub(crate) fn events(
    connection: &Connection,
    another: Another<'_>,
    wanted: &Wanted,
    limit: usize,
) -> Result<Vec<TracedEvent>, Error> {
    if !is_kept(connection)? {
        return Ok(Vec::new());
    }
    let seed = seed(connection)?;
    let keys: Option<Vec<[u8; KEY_BYTES]>> = wanted.find.as_ref().map(|find| match find {
        Find::Text(text) => keys_of(seed, text).into_iter().map(TraceKey::bytes).collect(),
        Find::Person(key) => vec![key.bytes()],
    });
    let (before, after) = (wanted.before.unwrap_or(i64::MAX), wanted.after.unwrap_or(i64::MIN));
    let search = Search {
        keys,
        before,
        after,
        limit,
        is_over: AtomicBool::new(false),
    };
    let mut found = search.run(connection, another)?;
    if let Some(Find::Text(user)) = &wanted.find {
        forgotten(connection, user.trim(), before, after, limit, &mut found)?;
    }
    let told = found.into_iter().map(|found| told(connection, found));
    Ok(told.collect::<rusqlite::Result<_>>()?)
}

/// Adds dead letters of a user that are older than what is kept of others.
fn forgotten(
    connection: &Connection,
    user: &str,
    before: i64,
    after: i64,
    limit: usize,
    found: &mut Vec<Found>,
) -> rusqlite::Result<()> {
    let query = format!(
        "{OF_DEAD_LETTER} WHERE user_id = ?1 AND event < ?2 AND event > ?3 AND +dropped_at IS NULL
         AND event < coalesce((SELECT min(first) FROM received), ?2) ORDER BY event DESC LIMIT ?4"
    );
    let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
    let mut older: Vec<Found> = connection.all(&query, params![user, before, after, left], Found::of_dead_letter)?;
    found.append(&mut older);
    Ok(())
}

/// One event with its history.
pub(crate) fn history(
    connection: &Connection,
    another: Another<'_>,
    number: i64,
) -> Result<Option<EventHistory>, Error> {
    let wanted = Wanted {
        before: number.checked_add(1),
        after: number.checked_sub(1),
        ..Wanted::default()
    };
    let event = match events(connection, another, &wanted, 1)?.pop() {
        Some(event) => event,
        None if !is_kept(connection)? => return Ok(None),
        None => {
            let dead_letter = connection.first(
                &format!("{OF_DEAD_LETTER} WHERE event = ? AND +dropped_at IS NULL"),
                [number],
                Found::of_dead_letter,
            )?;
            let Some(found) = dead_letter else { return Ok(None) };
            told(connection, found)?
        }
    };
    let mut steps = steps(connection, number)?;
    steps.sort_by_key(|step| (step.at, step.what));
    Ok(Some(EventHistory { event, steps }))
}

/// The JSON text of an event, if it is still there.
pub(crate) fn body(connection: &Connection, number: i64) -> rusqlite::Result<Option<String>> {
    if !is_kept(connection)? {
        return Ok(None);
    }
    let queries = [
        "SELECT body FROM events WHERE seq = ?1",
        "SELECT body FROM awaiting WHERE seq = ?1",
        "SELECT body FROM dead_letters WHERE event = ?1 AND +dropped_at IS NULL",
        "SELECT body FROM events WHERE seq IN (SELECT seq FROM replays WHERE event = ?1)",
        "SELECT body FROM awaiting WHERE seq IN (SELECT seq FROM replays WHERE event = ?1)",
    ];
    for query in queries {
        let body = connection.value(query, [number])?;
        if body.is_some() {
            return Ok(body);
        }
    }
    Ok(None)
}

/// The steps of an event, the newest first.
fn steps(connection: &Connection, event: i64) -> rusqlite::Result<Vec<Step>> {
    let mut query = connection.prepare_cached(
        "SELECT at, what, code, calls, status, request_id, detail FROM steps WHERE event = ? ORDER BY at DESC, what DESC",
    )?;
    let mut rows = query.query([event])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        // Whatever a newer release has noted is left out.
        let Some(what) = StepKind::of_number(row.get(1)?) else {
            continue;
        };
        let detail = row.get_ref(6)?.as_str_or_null()?.map(from_json).transpose()?;
        steps.push(Step {
            at: row.get(0)?,
            what,
            code: row.get(2)?,
            calls: row.get(3)?,
            status: row.get(4)?,
            request_id: row.get(5)?,
            detail: detail.unwrap_or_default(),
        });
    }
    Ok(steps)
}

/// What has become of an event.
fn told(connection: &Connection, found: Found) -> rusqlite::Result<TracedEvent> {
    let mut steps = steps(connection, found.event)?;
    if let (Some((what, code, at)), true) = (found.ending, steps.is_empty()) {
        steps.push(Step::ended(at, what, code));
    }
    let mut event = TracedEvent {
        number: found.event,
        received_at: found.at,
        event_type: found.event_type,
        name: found.name,
        person: found.person,
        state: EventState::Waiting,
        since: found.at,
        code: None,
        attempts: 0,
        dead_letter: None,
    };
    let is_failed = |step: &&Step| step.what == StepKind::Attempted;
    let failed = u32::try_from(steps.iter().filter(is_failed).count()).unwrap_or(u32::MAX);
    event.attempts = failed;
    // What was dropped and restored is what it was before.
    let is_told = |step: &&Step| !matches!(step.what, StepKind::Restored);
    let skipped = steps.first().filter(|step| step.what == StepKind::Restored);
    let last = steps
        .iter()
        .filter(is_told)
        .find(|step| skipped.is_none() || step.what != StepKind::Dropped);
    let Some(last) = last else { return Ok(event) };
    event.since = last.at;
    event.code.clone_from(&last.code);
    event.state = match last.what {
        StepKind::Recalled | StepKind::Replayed | StepKind::Restored => EventState::Waiting,
        StepKind::Attempted => EventState::Retrying,
        StepKind::Awaits => EventState::Awaiting,
        StepKind::Delivered => EventState::Delivered,
        StepKind::Skipped => EventState::Skipped,
        StepKind::Rejected => EventState::Rejected,
        StepKind::Failed => EventState::Failed,
        StepKind::Dropped => EventState::Dropped,
    };
    match event.state {
        EventState::Delivered => event.attempts += 1,
        EventState::Rejected | EventState::Failed => {
            event.attempts = failed.max(last.detail.attempts);
            event.dead_letter = connection.value(
                "SELECT id FROM dead_letters WHERE event = ? AND +dropped_at IS NULL",
                [found.event],
            )?;
        }
        _ => {}
    }
    Ok(event)
}
