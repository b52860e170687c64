//! Reading a store, and managing its dead letters.

use super::counters::{self, CodeCount, Minute};
use super::dead_letter::{DeadLetter, Filter, dead_letter, from_json};
use super::pending::Pending;
use super::schema;
use super::target::{self, Target, TargetId};
use super::totals::{self, Totals};
use super::{awaiting, undelivered};
use crate::clock::now;
use crate::error::Error;
use intercom_api::{CompanyId, ContactId};
use intercom_delivery::journal::learnt;
use intercom_delivery::{ContactKey, KnownContact, Superseded};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params_from_iter};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many dead letters are replayed or dropped in one transaction, so that nobody waits for long.
const AT_A_TIME: i64 = 500;

/// What is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueStatus {
    /// Events that wait.
    pub events: i64,
    /// How many bytes they have.
    pub event_bytes: i64,
    /// How long the oldest has waited, in milliseconds; none if none waits.
    pub oldest_age_ms: Option<i64>,
    /// Dead letters.
    pub dead_letters: i64,
    /// How many bytes they have.
    pub dead_letter_bytes: i64,
    /// Events that wait for a contact who is not there yet, and are no part of the queue.
    pub awaiting: i64,
    /// How long the oldest of these has waited, in milliseconds; none if none waits.
    pub oldest_awaiting_age_ms: Option<i64>,
}

/// A store, to be read and managed. It may be open in a gateway at the same time.
#[derive(Debug)]
pub struct Queue {
    connection: Connection,
    path: PathBuf,
}

impl Queue {
    /// Opens a store that is there.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::NoStore(path.to_owned()));
        }
        Ok(Self {
            connection: schema::open_to_read(path)?,
            path: path.to_owned(),
        })
    }

    /// What is in it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn status(&self) -> Result<QueueStatus, Error> {
        let totals = Totals::load(&self.connection)?;
        Ok(QueueStatus {
            events: totals.events,
            event_bytes: totals.event_bytes,
            oldest_age_ms: totals::oldest(&self.connection)?.map(|at| (now() - at).max(0)),
            dead_letters: totals.dead,
            dead_letter_bytes: totals.dead_bytes,
            awaiting: totals.awaiting,
            // A store of an early version has no such table.
            oldest_awaiting_age_ms: (totals.awaiting > 0)
                .then(|| awaiting::oldest(&self.connection))
                .transpose()?
                .flatten()
                .map(|since| (now() - since).max(0)),
        })
    }

    /// Events by minute, from the minute `since` on, which is counted from the start of 1970. Minutes without any are left out.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn minutes(&self, since: i64) -> Result<Vec<Minute>, Error> {
        Ok(counters::minutes(&self.connection, since)?)
    }

    /// Rejections and failures by code, the most frequent first.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn codes(&self) -> Result<Vec<CodeCount>, Error> {
        Ok(counters::codes(&self.connection)?)
    }

    /// Up to `limit` events after the one with the number `seq`, in order.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn pending(&self, seq: i64, limit: usize) -> Result<Vec<Pending>, Error> {
        let mut query = self
            .connection
            .prepare_cached("SELECT seq, at, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map([seq, limit], Pending::of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The events with these numbers, as far as they are there.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn events(&self, numbers: &[i64]) -> Result<Vec<Pending>, Error> {
        let mut query = self
            .connection
            .prepare_cached("SELECT seq, at, body FROM events WHERE seq = ?")?;
        let found = numbers
            .iter()
            .filter_map(|seq| query.query_row([seq], Pending::of).optional().transpose());
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// What was learnt of contacts lately, the oldest first: the delivery has to know it from the start.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn learnt(&self) -> Result<Vec<KnownContact>, Error> {
        let oldest = now().saturating_sub(i64::try_from(KnownContact::KEPT_FOR.as_millis()).unwrap_or(i64::MAX));
        let mut known = Vec::new();
        learnt::since(&self.connection, oldest, |contact| known.push(contact.clone()))?;
        Ok(known)
    }

    /// The events that wait and were begun, by number, with the contact that they were begun with.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn intents(&self) -> Result<BTreeMap<i64, ContactId>, Error> {
        let mut query = self.connection.prepare("SELECT seq, contact FROM intents")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, from_json(row.get_ref(1)?.as_str()?)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What contacts can come under that events wait for.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn awaited(&self) -> Result<Vec<ContactKey>, Error> {
        Ok(awaiting::keys(&self.connection)?)
    }

    /// The same of a target alone.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn awaited_of(&self, target: &Target) -> Result<Vec<ContactKey>, Error> {
        Ok(awaiting::keys_of(&self.connection, target)?)
    }

    /// Where the events of a transformer go, the first first.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn targets(&self) -> Result<Vec<(TargetId, Target)>, Error> {
        Ok(target::all(&self.connection)?)
    }

    /// Up to `limit` events of a target after the one with the number `seq`, in order, that are to be delivered: their
    /// contact has come, or they were replayed.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn pending_of(&self, TargetId(target): TargetId, seq: i64, limit: usize) -> Result<Vec<Pending>, Error> {
        let mut query = self
            .connection
            .prepare_cached("SELECT seq, at, body FROM events WHERE target = ? AND seq > ? ORDER BY seq LIMIT ?")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map([target, seq, limit], Pending::of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Up to `limit` events of a target for whose contacts it is time to look.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn due(&self, target: TargetId, limit: usize) -> Result<Vec<Pending>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(awaiting::due(&self.connection, target, now(), limit)?)
    }

    /// The companies that were saved for events of the queue that have waited for their member, by number.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn saved_companies(&self) -> Result<BTreeMap<i64, CompanyId>, Error> {
        Ok(awaiting::saved_companies(&self.connection)?)
    }

    /// Up to `limit` dead letters, the newest first.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn dead_letters(&self, filter: &Filter, limit: usize, with_events: bool) -> Result<Vec<DeadLetter>, Error> {
        let (condition, values) = filter.condition();
        let body = if with_events { "body" } else { "NULL" };
        let mut query = self.connection.prepare(&format!(
            "SELECT id, at, received_at, kind, code, event_type, user_id, message_id, detail, {body}
             FROM dead_letters WHERE {condition} ORDER BY id DESC LIMIT {limit}"
        ))?;
        let rows = query.query_map(params_from_iter(values), dead_letter)?;
        let mut dead_letters: Vec<DeadLetter> = rows.collect::<Result<_, _>>()?;
        if with_events {
            self.complete(&mut dead_letters)?;
        }
        Ok(dead_letters)
    }

    /// Adds what later events have written since.
    fn complete(&self, dead_letters: &mut [DeadLetter]) -> Result<(), Error> {
        if !undelivered::is_kept(&self.connection)? {
            return Ok(());
        }
        for dead_letter in dead_letters {
            let superseded = undelivered::of_dead_letter(&self.connection, dead_letter.id)?;
            dead_letter.detail.superseded = superseded.filter(|superseded| !superseded.is_empty()).map(Box::new);
        }
        Ok(())
    }

    /// What later events have written since these had failed, as far as they have been put back into the queue.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn superseded(&self, events: &[i64]) -> Result<BTreeMap<i64, Superseded>, Error> {
        Ok(undelivered::superseded(&self.connection, events)?)
    }

    /// Puts dead letters back into the queue, behind what waits there, in their old order. Says how many.
    ///
    /// What later events have written since is left out of them, unless they are replayed as if they were new.
    ///
    /// # Errors
    ///
    /// If the store cannot be written; those that have been put back by then stay there.
    pub fn replay(&mut self, filter: &Filter, as_new: bool) -> Result<u64, Error> {
        self.manage(filter, |transaction, totals, id, bytes| {
            undelivered::replayed(transaction, id, totals.next_seq, as_new)?;
            transaction
                .prepare_cached("INSERT INTO events (seq, at, body, target) SELECT ?, ?, body, target FROM dead_letters WHERE id = ?")?
                .execute([totals.next_seq, now(), id])?;
            totals.next_seq += 1;
            totals.events += 1;
            totals.event_bytes += bytes;
            Ok(())
        })
    }

    /// Deletes dead letters. Says how many.
    ///
    /// # Errors
    ///
    /// If the store cannot be written; those that have been deleted by then are gone.
    pub fn drop_dead_letters(&mut self, filter: &Filter) -> Result<u64, Error> {
        self.manage(filter, |_, _, _, _| Ok(()))
    }

    /// Does something with dead letters, then deletes them.
    fn manage(
        &mut self,
        filter: &Filter,
        act: impl Fn(&Transaction<'_>, &mut Totals, i64, i64) -> rusqlite::Result<()>,
    ) -> Result<u64, Error> {
        let (condition, values) = filter.condition();
        let find =
            format!("SELECT id, octet_length(body) FROM dead_letters WHERE {condition} ORDER BY id LIMIT {AT_A_TIME}");
        let mut writer = schema::open(&self.path)?;
        // What becomes a dead letter again meanwhile is left alone.
        let last: i64 = writer.query_row("SELECT coalesce(max(id), 0) FROM dead_letters", [], |row| row.get(0))?;
        let mut done = 0;
        loop {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut totals = Totals::load(&transaction)?;
            let found: Vec<(i64, i64)> = transaction
                .prepare_cached(&find)?
                .query_map(params_from_iter(&values), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let found: Vec<_> = found.into_iter().filter(|(id, _)| *id <= last).collect();
            if found.is_empty() {
                return Ok(done);
            }
            for &(id, bytes) in &found {
                act(&transaction, &mut totals, id, bytes)?;
                transaction
                    .prepare_cached("DELETE FROM dead_letters WHERE id = ?")?
                    .execute([id])?;
                totals.dead -= 1;
                totals.dead_bytes -= bytes;
                done += 1;
            }
            totals.save(&transaction)?;
            transaction.commit()?;
        }
    }

    /// One dead letter with its event, if there is one with this number.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, Error> {
        let mut dead_letter = self
            .connection
            .query_row(
                "SELECT id, at, received_at, kind, code, event_type, user_id, message_id, detail, body
                 FROM dead_letters WHERE id = ?",
                [id],
                dead_letter,
            )
            .optional()?;
        self.complete(dead_letter.as_mut_slice())?;
        Ok(dead_letter)
    }
}
