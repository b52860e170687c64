//! What is in the store, without counting it.

use crate::statements::Statements as _;
use crate::target::TargetId;
use rusqlite::{Connection, Transaction, params};

/// The row of the table `totals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) next_seq: i64,
    pub(super) events: i64,
    pub(super) event_bytes: i64,
    pub(super) dead: i64,
    pub(super) dead_bytes: i64,
    /// Events that wait for their contact.
    pub(super) awaiting: i64,
    /// Events of which it is kept what has happened to them.
    pub(super) traced: i64,
}

impl Totals {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        connection.row("SELECT * FROM totals", [], |row| {
            // A store of an older version that is only read has not all columns.
            let later = |name| match row.get(name) {
                Err(rusqlite::Error::InvalidColumnName(_)) => Ok(0),
                found => found,
            };
            Ok(Self {
                next_seq: row.get("next_seq")?,
                events: row.get("events")?,
                event_bytes: row.get("event_bytes")?,
                dead: row.get("dead")?,
                dead_bytes: row.get("dead_bytes")?,
                awaiting: later("awaiting")?,
                traced: later("traced")?,
            })
        })
    }

    /// Puts an event into the queue.
    pub(super) fn put_in(
        &mut self,
        transaction: &Transaction<'_>,
        seq: i64,
        at: i64,
        body: &str,
        target: Option<TargetId>,
    ) -> rusqlite::Result<()> {
        transaction.run(
            "INSERT INTO events (seq, at, body, target) VALUES (?, ?, ?, ?)",
            params![seq, at, body, target.map(|TargetId(id)| id)],
        )?;
        self.events += 1;
        self.event_bytes += i64::try_from(body.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Takes an event out of the queue, and says how many bytes it has; none if it is not there.
    pub(super) fn take_out(&mut self, transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<Option<i64>> {
        let bytes: Option<i64> =
            transaction.value("DELETE FROM events WHERE seq = ? RETURNING octet_length(body)", [seq])?;
        if let Some(bytes) = bytes {
            self.events -= 1;
            self.event_bytes -= bytes;
        }
        Ok(bytes)
    }

    pub(super) fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction.run(
            "UPDATE totals SET next_seq = ?, events = ?, event_bytes = ?, dead = ?, dead_bytes = ?, awaiting = ?,
                 traced = ?",
            params![
                self.next_seq,
                self.events,
                self.event_bytes,
                self.dead,
                self.dead_bytes,
                self.awaiting,
                self.traced
            ],
        )
    }
}

/// When the oldest event was put into the queue.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.value("SELECT at FROM events ORDER BY seq LIMIT 1", [])
}
