//! Replaying and dropping dead letters.

use super::dead_letter::{Filter, KEPT_DROPPED};
use super::history::{self, NewStep, StepDetail, StepKind};
use super::queue::Queue;
use super::schema;
use super::target::TargetId;
use super::totals::Totals;
use super::undelivered;
use crate::error::Error;
use crate::statements::Statements as _;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter};
use serde::Serialize;

/// How many dead letters are replayed or dropped in one transaction, so that nobody waits for long.
const AT_A_TIME: i64 = 500;

/// Dead letters that have been dropped, which can be undone for five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// How many.
    pub dropped: u64,
    /// When, in Unix milliseconds: by this they are [restored](Queue::restore).
    pub at: i64,
}

/// One that something is done to.
struct Chosen {
    id: i64,
    bytes: i64,
    event: Option<i64>,
    target: Option<TargetId>,
}

impl Queue {
    /// Puts dead letters back into the queue, behind what waits there, in their old order. Says how many.
    ///
    /// What later events have written since is left out of them, unless they are replayed as if they were new.
    ///
    /// # Errors
    ///
    /// If the store cannot be written; those that have been put back by then stay there.
    pub fn replay(&mut self, filter: &Filter, as_new: bool) -> Result<u64, Error> {
        let mut writer = schema::open(&self.path)?;
        let at = self.clock.now();
        each(&mut writer, filter, |transaction, totals, chosen| {
            let body: String = transaction.row("SELECT body FROM dead_letters WHERE id = ?", [chosen.id], |row| {
                row.get(0)
            })?;
            put_back(transaction, totals, chosen, at, &body, as_new, false)
        })
    }

    /// Puts an event into the queue in place of a dead letter, whose event was changed by hand. Says whether there is one
    /// with this number.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub fn replay_edited(&mut self, dead_letter: i64, event: &str) -> Result<bool, Error> {
        let mut writer = schema::open(&self.path)?;
        let at = self.clock.now();
        let replayed = each(&mut writer, &Filter::one(dead_letter), |transaction, totals, chosen| {
            put_back(transaction, totals, chosen, at, event, false, true)
        })?;
        Ok(replayed > 0)
    }

    /// Drops dead letters. They are deleted for good after five minutes, as long as a gateway runs, or when the next one starts.
    ///
    /// # Errors
    ///
    /// If the store cannot be written; those that have been dropped by then are gone.
    pub fn drop_dead_letters(&mut self, filter: &Filter) -> Result<Dropped, Error> {
        let mut writer = schema::open(&self.path)?;
        let at = self.clock.now();
        let dropped = each(&mut writer, filter, |transaction, totals, chosen| {
            transaction.run("UPDATE dead_letters SET dropped_at = ? WHERE id = ?", [at, chosen.id])?;
            take_off(totals, chosen);
            note(transaction, chosen, at, &NewStep::of(StepKind::Dropped))
        })?;
        Ok(Dropped { dropped, at })
    }

    /// Undoes that dead letters were dropped at this time, or within the last five minutes. Says how many there are again.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub fn restore(&mut self, dropped_at: Option<i64>) -> Result<u64, Error> {
        let mut writer = schema::open(&self.path)?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut totals = Totals::load(&transaction)?;
        let now = self.clock.now();
        let (from, to) = dropped_at.map_or((now - KEPT_DROPPED, i64::MAX), |at| (at, at));
        let restored: Vec<Chosen> = transaction.all(
            "SELECT id, octet_length(body), event, target FROM dead_letters WHERE dropped_at BETWEEN ? AND ?",
            [from, to],
            chosen,
        )?;
        for chosen in &restored {
            transaction.run("UPDATE dead_letters SET dropped_at = NULL WHERE id = ?", [chosen.id])?;
            totals.dead += 1;
            totals.dead_bytes += chosen.bytes;
            note(&transaction, chosen, now, &NewStep::of(StepKind::Restored))?;
        }
        totals.save(&transaction)?;
        transaction.commit()?;
        Ok(restored.len() as u64)
    }
}

fn chosen(row: &rusqlite::Row<'_>) -> rusqlite::Result<Chosen> {
    Ok(Chosen {
        id: row.get(0)?,
        bytes: row.get(1)?,
        event: row.get(2)?,
        target: row.get::<_, Option<i64>>(3)?.map(TargetId),
    })
}

fn take_off(totals: &mut Totals, chosen: &Chosen) {
    totals.dead -= 1;
    totals.dead_bytes -= chosen.bytes;
}

fn note(transaction: &Transaction<'_>, chosen: &Chosen, at: i64, step: &NewStep<'_>) -> rusqlite::Result<()> {
    chosen
        .event
        .map_or(Ok(()), |event| history::note(transaction, event, at, step))
}

/// Puts an event into the queue in place of a dead letter.
fn put_back(
    transaction: &Transaction<'_>,
    totals: &mut Totals,
    chosen: &Chosen,
    at: i64,
    body: &str,
    as_new: bool,
    edited: bool,
) -> rusqlite::Result<()> {
    let seq = totals.next_seq;
    undelivered::replayed(transaction, chosen.id, seq, as_new)?;
    totals.put_in(transaction, seq, at, body, chosen.target)?;
    totals.next_seq += 1;
    if let Some(event) = chosen.event {
        history::replayed(transaction, seq, event)?;
    }
    let mut step = NewStep::of(StepKind::Replayed);
    step.detail = StepDetail {
        as_new,
        edited,
        ..StepDetail::default()
    };
    note(transaction, chosen, at, &step)?;
    transaction.run("DELETE FROM dead_letters WHERE id = ?", [chosen.id])?;
    take_off(totals, chosen);
    Ok(())
}

/// Does something with dead letters, a few at a time, after which none of them is one any more.
fn each(
    writer: &mut Connection,
    filter: &Filter,
    act: impl Fn(&Transaction<'_>, &mut Totals, &Chosen) -> rusqlite::Result<()>,
) -> Result<u64, Error> {
    let (condition, values) = filter.condition();
    let find = format!(
        "SELECT id, octet_length(body), event, target FROM dead_letters
         WHERE {condition} AND id > ? AND id <= ? AND +dropped_at IS NULL ORDER BY id LIMIT {AT_A_TIME}"
    );
    // What becomes a dead letter again meanwhile is left alone.
    let last: i64 = writer.query_row("SELECT coalesce(max(id), 0) FROM dead_letters", [], |row| row.get(0))?;
    let (mut before, mut done) = (0, 0);
    loop {
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut totals = Totals::load(&transaction)?;
        let values = values.iter().copied().chain([&before as &dyn ToSql, &last]);
        let found: Vec<Chosen> = transaction.all(&find, params_from_iter(values), chosen)?;
        let Some(newest) = found.last() else {
            return Ok(done);
        };
        for one in &found {
            act(&transaction, &mut totals, one)?;
            done += 1;
        }
        totals.save(&transaction)?;
        transaction.commit()?;
        before = newest.id;
    }
}
