//! Looking at a journal that somebody else writes, or has written.

use super::{APPLICATION, Done, Journal, JournalError, TABLES, VERSION, understood};
use intercom_api::UnixSeconds;
use rusqlite::{Connection, OpenFlags};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

impl Journal {
    /// Opens a journal that is there, to look at it: nothing can be recorded, and no other run is kept from it for longer than
    /// this is open.
    ///
    /// # Errors
    ///
    /// If there is none, the file is not a journal, or another process uses it.
    pub fn open_to_read(path: &Path) -> Result<Self, JournalError> {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_timeout(Duration::ZERO)?;
        let pragma = |name: &str| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        match (pragma("application_id").map_err(understood)?, pragma("user_version")?) {
            (APPLICATION, 1..=VERSION) => {}
            (APPLICATION, newer) if newer > VERSION => return Err(JournalError::TooNew(newer)),
            _ => return Err(JournalError::Foreign),
        }
        // What an earlier release had no table for is empty.
        for table in TABLES {
            let name = table.split_ascii_whitespace().nth(5).unwrap_or_default();
            let is_there = database.query_row(
                "SELECT count(*) FROM main.sqlite_schema WHERE name = ?1",
                [name],
                |row| row.get::<_, i64>(0),
            )?;
            if is_there == 0 {
                database.execute_batch(&table.replacen("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            database,
            intents: HashSet::new(),
            is_writing: false,
            failed: HashMap::new(),
        })
    }

    /// The time of events that name none, if a run has set it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn known_time_of_events(&self) -> Result<Option<UnixSeconds>, JournalError> {
        Ok(self.number("time of events")?.map(UnixSeconds))
    }

    /// How many events are done, and how many of these have failed.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn counts(&self) -> Result<(u64, u64), JournalError> {
        let query = "SELECT count(*), count(*) FILTER (WHERE result = ?1) FROM done";
        let counts = self.database.query_row(query, [Done::Failed as i64], |row| {
            Ok((
                row.get::<_, i64>(0)?.cast_unsigned(),
                row.get::<_, i64>(1)?.cast_unsigned(),
            ))
        });
        Ok(counts?)
    }

    /// When something was learnt of a contact last: about when the last event was delivered.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn last_learnt(&self) -> Result<Option<UnixSeconds>, JournalError> {
        let query = "SELECT max(at) FROM learnt";
        let last: Option<i64> = self.database.query_row(query, [], |row| row.get(0))?;
        Ok(last.map(UnixSeconds))
    }
}
