//! What outcomes have taught of contacts, in a table that whoever keeps outcomes has beside them.

use crate::KnownContact;
use rusqlite::{Connection, params, types::Type};

/// The table.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS learnt (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, contact TEXT NOT NULL
);";

/// Keeps what was learnt of a contact at this time, in whatever unit. The oldest beyond [`KnownContact::KEPT`] are dropped.
///
/// # Errors
///
/// If the database fails.
pub fn keep(database: &Connection, contact: &KnownContact, at: i64) -> rusqlite::Result<()> {
    let json = serde_json::to_string(contact).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    database
        .prepare_cached("INSERT INTO learnt (at, contact) VALUES (?1, ?2)")?
        .execute(params![at, json])?;
    let beyond = database.last_insert_rowid() - KnownContact::KEPT as i64;
    database
        .prepare_cached("DELETE FROM learnt WHERE seq <= ?1")?
        .execute([beyond])
        .map(drop)
}

/// Visits what was learnt since a time, the oldest first.
///
/// # Errors
///
/// If the database fails, or what it holds cannot be read.
pub fn since(database: &Connection, oldest: i64, mut visit: impl FnMut(&KnownContact)) -> rusqlite::Result<()> {
    let mut query = database.prepare("SELECT contact FROM learnt WHERE at >= ?1 ORDER BY seq")?;
    let mut rows = query.query([oldest])?;
    while let Some(row) = rows.next()? {
        let contact = serde_json::from_str(row.get_ref(0)?.as_str()?)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
        visit(&contact);
    }
    Ok(())
}
