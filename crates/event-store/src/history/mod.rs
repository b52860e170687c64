//! What has happened to events, for whoever asks later: bounded by number and by age, and written with what happens.
//!
//! Nothing of an event outlives it but its type, its name and hashes of its ids: see [`trace`].

mod kept;
mod note;
mod past;
mod runs;
mod step;
mod trace;

pub(super) use kept::{is_kept, seed};
pub use note::Note;
pub use past::{EventHistory, EventState, Find, TracedEvent, Wanted};
pub(super) use past::{body, events, history};
pub(super) use runs::Run;
pub(super) use step::NewStep;
pub use step::{Step, StepDetail, StepKind};
pub(super) use trace::PersonKeys;
pub use trace::{Trace, TraceKey};

use super::dead_letter::json;
use super::totals::Totals;
use crate::clock::Moment;
use crate::settings::History;
use crate::statements::Statements as _;
use rusqlite::{Connection, Transaction, params};

/// - `received`: blocks of runs, by the number of their first event.
/// - `steps`: what has happened to an event, by the number that it came in with.
/// - `replays`: the events that dead letters in the queue came in as.
pub(super) const TABLES: &str = "
ALTER TABLE totals ADD COLUMN traced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
UPDATE totals SET seed = random();
ALTER TABLE dead_letters ADD COLUMN event INTEGER;
ALTER TABLE dead_letters ADD COLUMN dropped_at INTEGER;
CREATE INDEX dead_letters_event ON dead_letters (event);
CREATE INDEX dead_letters_dropped ON dead_letters (dropped_at);
CREATE TABLE received (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, runs BLOB NOT NULL
);
CREATE TABLE steps (
    event INTEGER NOT NULL, at INTEGER NOT NULL, what INTEGER NOT NULL, code TEXT, calls INTEGER, status INTEGER,
    request_id TEXT, detail TEXT, PRIMARY KEY (event, at, what)
) WITHOUT ROWID;
CREATE TABLE replays (seq INTEGER PRIMARY KEY, event INTEGER NOT NULL);
";

/// How large a block grows that small runs are added to: with its row it fits into a page.
const BLOCK_BYTES: usize = 4_096;
/// How long one is added to, in milliseconds, so that it does not keep what is too old.
const BLOCK_AGE: i64 = 60 * 60 * 1_000;
/// How many blocks are deleted in one transaction at most.
const AT_A_TIME: usize = 4;
/// How many failed calls are kept of an event.
const MOST_ATTEMPTS: u32 = 20;

/// The block that is still added to.
#[derive(Clone, Debug)]
pub(super) struct OpenBlock {
    first: i64,
    at: i64,
    count: u32,
    bytes: Vec<u8>,
}

impl OpenBlock {
    fn begin(run: &Run<'_>) -> Self {
        Self {
            first: run.first(),
            at: run.at(),
            count: 0,
            bytes: Vec::new(),
        }
    }

    /// Writes it, with the number of its last event.
    fn save(&self, connection: &Connection, last: i64) -> rusqlite::Result<()> {
        connection.run(
            "INSERT OR REPLACE INTO received VALUES (?, ?, ?, ?, ?)",
            params![self.first, last, self.at, self.count, self.bytes],
        )
    }

    fn has_room(&self) -> bool {
        self.bytes.len() < BLOCK_BYTES
    }

    /// Whether it begins with this event or a later one: otherwise, it has been deleted.
    pub(super) fn is_from(&self, event: i64) -> bool {
        self.first >= event
    }
}

/// The last block, if it has room.
pub(super) fn open_block(connection: &Connection) -> rusqlite::Result<Option<OpenBlock>> {
    let last = connection.first(
        "SELECT first, at, count, runs FROM received ORDER BY first DESC LIMIT 1",
        [],
        |row| {
            Ok(OpenBlock {
                first: row.get(0)?,
                at: row.get(1)?,
                count: row.get(2)?,
                bytes: row.get(3)?,
            })
        },
    )?;
    Ok(last.filter(OpenBlock::has_room))
}

/// Keeps a run, in the block that is still added to or in a new one, which is given back if it has room.
pub(super) fn append(
    transaction: &Transaction<'_>,
    open: Option<&OpenBlock>,
    run: &Run<'_>,
    totals: &mut Totals,
) -> rusqlite::Result<Option<OpenBlock>> {
    let is_young = |open: &&OpenBlock| run.at().abs_diff(open.at) < BLOCK_AGE.unsigned_abs();
    let mut block = open.filter(is_young).cloned().unwrap_or_else(|| OpenBlock::begin(run));
    run.write(&mut block.bytes);
    block.count += run.count();
    totals.traced += i64::from(run.count());
    let last = run.first() + i64::from(run.count()) - 1;
    block.save(transaction, last)?;
    Ok(Some(block).filter(OpenBlock::has_room))
}

/// Deletes what is beyond the bounds, a little at a time. Says from which number on events are left, if any were deleted.
pub(super) fn prune(
    transaction: &Transaction<'_>,
    settings: &History,
    totals: &mut Totals,
    Moment { now, tidies }: Moment,
) -> rusqlite::Result<Option<i64>> {
    let age = i64::try_from(settings.age.as_millis()).unwrap_or(i64::MAX);
    let most = i64::try_from(settings.events).unwrap_or(i64::MAX);
    if !tidies && totals.traced <= most {
        return Ok(None);
    }
    let mut beyond = None;
    for _ in 0..AT_A_TIME {
        let oldest: Option<(i64, i64, i64, i64)> = transaction.first(
            "SELECT first, last, at, count FROM received ORDER BY first LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let Some((first, last, at, count)) = oldest else { break };
        // A block is kept for as long as any of it is wanted.
        if totals.traced - count < most && now.saturating_sub(at) <= age.saturating_add(BLOCK_AGE) {
            break;
        }
        transaction.run("DELETE FROM received WHERE first = ?", [first])?;
        totals.traced -= count;
        beyond = Some(last);
    }
    if settings.events == 0 && totals.traced == 0 {
        transaction.run("DELETE FROM steps", [])?;
    } else if let Some(last) = beyond {
        transaction.run("DELETE FROM steps WHERE event <= ?", [last])?;
    }
    Ok(beyond.map(|last| last + 1))
}

/// The number that an event came in with, which has this number in the queue.
pub(super) fn origin(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<i64> {
    let origin = transaction.value("SELECT event FROM replays WHERE seq = ?", [seq])?;
    Ok(origin.unwrap_or(seq))
}

/// An event is in the queue again, with another number.
pub(super) fn replayed(transaction: &Transaction<'_>, seq: i64, event: i64) -> rusqlite::Result<()> {
    transaction.run("INSERT OR REPLACE INTO replays VALUES (?, ?)", [seq, event])
}

/// An event that is in the queue again has ended.
pub(super) fn ended(transaction: &Transaction<'_>, seq: i64, event: i64) -> rusqlite::Result<()> {
    if seq == event {
        return Ok(());
    }
    transaction.run("DELETE FROM replays WHERE seq = ?", [seq])
}

/// The contact of an event that waits for them has come.
pub(super) fn recalled(transaction: &Transaction<'_>, seq: i64, now: i64) -> rusqlite::Result<()> {
    let event = origin(transaction, seq)?;
    note(transaction, event, now, &NewStep::of(StepKind::Recalled))
}

/// Notes what has happened to an event.
pub(super) fn note(transaction: &Transaction<'_>, event: i64, at: i64, step: &NewStep<'_>) -> rusqlite::Result<()> {
    let detail = (step.detail != StepDetail::default()).then(|| json(&step.detail));
    transaction.run(
        "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            event,
            at,
            step.what.number(),
            step.code,
            Some(step.calls).filter(|calls| *calls > 0),
            step.status,
            step.request_id,
            detail.transpose()?
        ],
    )?;
    if step.what == StepKind::Attempted {
        let attempted = StepKind::Attempted.number();
        transaction.run(
            "DELETE FROM steps WHERE event = ?1 AND what = ?2 AND at <=
                 (SELECT at FROM steps WHERE event = ?1 AND what = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)",
            params![event, attempted, MOST_ATTEMPTS],
        )?;
    }
    Ok(())
}

/// Takes in what a store of an earlier release has: events that wait, and dead letters, which get a number.
pub(super) fn take_in(connection: &Connection) -> rusqlite::Result<()> {
    let seed = seed(connection)?;
    let mut blocks = Blocks::default();
    let mut query = connection.prepare(
        "SELECT seq, at, body FROM (SELECT seq, at, body FROM events UNION ALL SELECT seq, at, body FROM awaiting) ORDER BY seq",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        blocks.add(
            connection,
            row.get(0)?,
            row.get(1)?,
            &Trace::of(seed, row.get_ref(2)?.as_str()?),
        )?;
    }
    let mut next: i64 = connection.query_row("SELECT next_seq FROM totals", [], |row| row.get(0))?;
    let mut query = connection.prepare("SELECT id, received_at, body, at, kind, code FROM dead_letters ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut died = Vec::new();
    while let Some(row) = rows.next()? {
        blocks.add(
            connection,
            next,
            row.get(1)?,
            &Trace::of(seed, row.get_ref(2)?.as_str()?),
        )?;
        let what = StepKind::of_dead_letter(row.get_ref(4)?.as_str()?);
        died.push((row.get::<_, i64>(0)?, next));
        connection.run(
            "INSERT INTO steps (event, at, what, code) VALUES (?, ?, ?, ?)",
            params![next, row.get::<_, i64>(3)?, what.number(), row.get::<_, String>(5)?],
        )?;
        next += 1;
    }
    drop(rows);
    for (id, event) in died {
        connection.run("UPDATE dead_letters SET event = ? WHERE id = ?", [event, id])?;
    }
    blocks.write(connection)?;
    connection
        .execute("UPDATE totals SET next_seq = ?, traced = ?", [next, blocks.traced])
        .map(drop)
}

/// Writes blocks of events one after the other.
#[derive(Default)]
struct Blocks {
    open: Option<(OpenBlock, i64)>,
    traced: i64,
}

impl Blocks {
    fn add(&mut self, connection: &Connection, seq: i64, at: i64, trace: &Trace) -> rusqlite::Result<()> {
        let mut run = Run::new(seq, at);
        run.add(trace);
        self.traced += 1;
        if self
            .open
            .as_ref()
            .is_some_and(|(block, _)| block.bytes.len() >= BLOCK_BYTES)
        {
            self.write(connection)?;
        }
        let (block, last) = self.open.get_or_insert_with(|| (OpenBlock::begin(&run), seq));
        run.write(&mut block.bytes);
        block.count += 1;
        *last = seq;
        Ok(())
    }

    fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some((block, last)) = self.open.take() else {
            return Ok(());
        };
        block.save(connection, last)
    }
}

#[cfg(test)]
mod tests;
