//! Reading a store.

use super::counters::{self, CodeCount, Minute};
use super::dead_letter::{COLUMNS, DeadLetter, Filter, dead_letter, from_json, raw};
use super::history::{self, EventHistory, TracedEvent, Wanted};
use super::pending::Pending;
use super::schema;
use super::target::{self, Target, TargetId};
use super::totals::{self, Totals};
use super::{awaiting, undelivered};
use crate::clock::Clock;
use crate::error::Error;
use crate::statements::Statements as _;
use intercom_api::{CompanyId, ContactId};
use intercom_delivery::journal::learnt;
use intercom_delivery::{ContactKey, KnownContact, Superseded};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) clock: Clock,
    /// Whether it has what version 5 has: one of an earlier release that is only read has not.
    has_history: bool,
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
        let connection = schema::open_to_read(path)?;
        Ok(Self {
            has_history: history::is_kept(&connection)?,
            connection,
            path: path.to_owned(),
            clock: Clock::default(),
        })
    }

    /// What is in it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn status(&self) -> Result<QueueStatus, Error> {
        let totals = Totals::load(&self.connection)?;
        let now = self.clock.now();
        Ok(QueueStatus {
            events: totals.events,
            event_bytes: totals.event_bytes,
            oldest_age_ms: totals::oldest(&self.connection)?.map(|at| (now - at).max(0)),
            dead_letters: totals.dead,
            dead_letter_bytes: totals.dead_bytes,
            awaiting: totals.awaiting,
            // A store of an early version has no such table.
            oldest_awaiting_age_ms: (totals.awaiting > 0)
                .then(|| awaiting::oldest(&self.connection))
                .transpose()?
                .flatten()
                .map(|since| (now - since).max(0)),
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
        let query = "SELECT seq, at, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(self.connection.all(query, [seq, limit], Pending::of)?)
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
        let oldest = self
            .clock
            .now()
            .saturating_sub(i64::try_from(KnownContact::KEPT_FOR.as_millis()).unwrap_or(i64::MAX));
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
        Ok(self.connection.all("SELECT seq, contact FROM intents", [], |row| {
            Ok((row.get(0)?, from_json(row.get_ref(1)?.as_str()?)?))
        })?)
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
        let query = "SELECT seq, at, body FROM events WHERE target = ? AND seq > ? ORDER BY seq LIMIT ?";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(self.connection.all(query, [target, seq, limit], Pending::of)?)
    }

    /// Up to `limit` events of a target for whose contacts it is time to look.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn due(&self, target: TargetId, limit: usize) -> Result<Vec<Pending>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(awaiting::due(&self.connection, target, self.clock.now(), limit)?)
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
        let (event, kept) = self.of_version_5();
        let mut query = self.connection.prepare(&format!(
            "SELECT {COLUMNS}, {body}, {event} FROM dead_letters WHERE {condition} AND {kept} ORDER BY id DESC LIMIT {limit}"
        ))?;
        let rows = query.query_map(params_from_iter(values), dead_letter)?;
        let mut dead_letters: Vec<DeadLetter> = rows.collect::<Result<_, _>>()?;
        if with_events {
            self.complete(&mut dead_letters)?;
        }
        Ok(dead_letters)
    }

    /// The column with the number of a dead letter's event, and what is true of those that are not dropped.
    fn of_version_5(&self) -> (&'static str, &'static str) {
        if self.has_history {
            // Without the index, which would be taken in place of one that tells more.
            ("event", "+dropped_at IS NULL")
        } else {
            ("NULL", "1")
        }
    }

    /// Up to `limit` events that have come in, the newest first, and what has become of each.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn traced(&self, wanted: &Wanted, limit: usize) -> Result<Vec<TracedEvent>, Error> {
        let path = self.path.as_path();
        history::events(&self.connection, &|| schema::open_to_read(path), wanted, limit)
    }

    /// Up to `limit` events of the queue, those that have waited longest first, as far as it is kept what has happened to them.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn longest_waiting(&self, limit: usize) -> Result<Vec<TracedEvent>, Error> {
        self.oldest_of("events", limit)
    }

    /// The same with the events that wait for their contact.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn longest_kept(&self, limit: usize) -> Result<Vec<TracedEvent>, Error> {
        self.oldest_of("(SELECT seq FROM events UNION ALL SELECT seq FROM awaiting)", limit)
    }

    fn oldest_of(&self, rows: &str, limit: usize) -> Result<Vec<TracedEvent>, Error> {
        if !self.has_history {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let numbers: Vec<i64> = self.connection.all(
            &format!(
                "SELECT coalesce((SELECT event FROM replays WHERE replays.seq = kept.seq), seq)
                 FROM {rows} AS kept ORDER BY seq LIMIT ?"
            ),
            [limit],
            |row| row.get(0),
        )?;
        let mut found = Vec::new();
        for number in numbers {
            found.extend(self.history(number)?.map(|history| history.event));
        }
        Ok(found)
    }

    /// What has happened to the event that came in with this number, as far as it is kept.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn history(&self, number: i64) -> Result<Option<EventHistory>, Error> {
        let path = self.path.as_path();
        history::history(&self.connection, &|| schema::open_to_read(path), number)
    }

    /// The event that came in with this number, if it is still there.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn event(&self, number: i64) -> Result<Option<Box<RawValue>>, Error> {
        let body = history::body(&self.connection, number)?;
        Ok(body.map(raw).transpose()?)
    }

    /// Up to `limit` events that wait for their contact, after the one with the number `seq`, in order.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn awaiting(&self, seq: i64, limit: usize) -> Result<Vec<Pending>, Error> {
        // One of an earlier release that is only read has no such table.
        if Totals::load(&self.connection)?.awaiting == 0 {
            return Ok(Vec::new());
        }
        Ok(awaiting::events(&self.connection, seq, limit)?)
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

    /// One dead letter with its event, if there is one with this number.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, Error> {
        let (event, kept) = self.of_version_5();
        let mut dead_letter = self
            .connection
            .query_row(
                &format!("SELECT {COLUMNS}, body, {event} FROM dead_letters WHERE id = ? AND {kept}"),
                [id],
                dead_letter,
            )
            .optional()?;
        self.complete(dead_letter.as_mut_slice())?;
        Ok(dead_letter)
    }
}
