//! What is in the store, without counting it.

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
}

impl Totals {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        // A store of an older version that is only read has no such column.
        let awaiting = connection
            .prepare_cached("SELECT 1 FROM pragma_table_info('totals') WHERE name = 'awaiting'")?
            .exists([])?;
        let awaiting = if awaiting { "awaiting" } else { "0" };
        connection
            .prepare_cached(&format!(
                "SELECT next_seq, events, event_bytes, dead, dead_bytes, {awaiting} FROM totals"
            ))?
            .query_row([], |row| {
                Ok(Self {
                    next_seq: row.get(0)?,
                    events: row.get(1)?,
                    event_bytes: row.get(2)?,
                    dead: row.get(3)?,
                    dead_bytes: row.get(4)?,
                    awaiting: row.get(5)?,
                })
            })
    }

    pub(super) fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "UPDATE totals SET next_seq = ?, events = ?, event_bytes = ?, dead = ?, dead_bytes = ?, awaiting = ?",
            )?
            .execute(params![
                self.next_seq,
                self.events,
                self.event_bytes,
                self.dead,
                self.dead_bytes,
                self.awaiting
            ])
            .map(drop)
    }
}

/// When the oldest event was put into the queue.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT at FROM events ORDER BY seq LIMIT 1")?;
    let mut rows = query.query([])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}
