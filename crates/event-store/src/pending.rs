//! An event that waits in the queue.

use rusqlite::Row;

/// An event that waits. `Debug` shows its number only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Its number: events are delivered in this order.
    pub seq: i64,
    /// When it was put into the queue, in Unix milliseconds.
    pub at: i64,
    /// Its JSON text.
    pub body: String,
}

exact_json::debug_shows! { Pending { seq } }

impl Pending {
    /// That of a row with number, time and text.
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            at: row.get(1)?,
            body: row.get(2)?,
        })
    }
}
