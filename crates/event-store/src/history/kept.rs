//! Whether there is a history, and by what it is searched.

use rusqlite::Connection;

/// Whether the store keeps it: one of an earlier release that is only read does not.
pub(crate) fn is_kept(connection: &Connection) -> rusqlite::Result<bool> {
    connection.table_exists(None, "steps")
}

/// What the hashes of this store begin with.
pub(crate) fn seed(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT seed FROM totals", [], |row| {
        row.get::<_, i64>(0).map(i64::cast_unsigned)
    })
}
