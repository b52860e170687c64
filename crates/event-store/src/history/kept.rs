//! Whether there is a history, and by what it is searched.

use rusqlite::Connection;

/// Whether the store keeps it: one of an earlier release that is only read does not.
pub(crate) fn is_kept(connection: &Connection) -> rusqlite::Result<bool> {
    let is_there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'steps')";
    connection.query_row(is_there, [], |row| row.get(0))
}

/// What the hashes of this store begin with.
pub(crate) fn seed(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT seed FROM totals", [], |row| {
        row.get::<_, i64>(0).map(i64::cast_unsigned)
    })
}
