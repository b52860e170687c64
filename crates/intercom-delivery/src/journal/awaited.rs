//! Events that wait for a contact who is not there yet, in a database that ends with its owner: any number of them, in little
//! memory.

use super::JournalError;
use crate::ContactKey;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Events that wait for their contact, each with whatever text is to be kept of it.
#[derive(Debug)]
pub struct AwaitedEvents {
    database: Connection,
}

impl AwaitedEvents {
    /// None yet. The file has no name, and is gone with this.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn temporary() -> Result<Self, JournalError> {
        let database = Connection::open("")?;
        database.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             CREATE TABLE awaited (event INTEGER PRIMARY KEY, is_taken INTEGER NOT NULL, kept TEXT NOT NULL);
             CREATE TABLE keys (key INTEGER, event INTEGER, PRIMARY KEY (key, event)) WITHOUT ROWID;",
        )?;
        Ok(Self { database })
    }

    /// Keeps an event until a contact comes under one of these keys.
    ///
    /// # Errors
    ///
    /// If the database fails: when the disk is full.
    pub fn keep(&self, event: u64, keys: &[ContactKey], kept: &str) -> Result<(), JournalError> {
        let mut insert = self
            .database
            .prepare_cached("INSERT OR REPLACE INTO awaited VALUES (?1, 0, ?2)")?;
        insert.execute(params![event.cast_signed(), kept])?;
        let mut insert = self
            .database
            .prepare_cached("INSERT OR IGNORE INTO keys VALUES (?1, ?2)")?;
        for ContactKey(key) in keys {
            insert.execute([key.cast_signed(), event.cast_signed()])?;
        }
        Ok(())
    }

    /// Takes the events that wait for a contact who has come under these keys, in their order.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn take(&self, keys: &[ContactKey]) -> Result<Vec<u64>, JournalError> {
        let mut events = Vec::new();
        let mut select = self
            .database
            .prepare_cached("SELECT event FROM keys JOIN awaited USING (event) WHERE key = ?1 AND is_taken = 0")?;
        let mut update = self
            .database
            .prepare_cached("UPDATE awaited SET is_taken = 1 WHERE event = ?1")?;
        let mut delete = self.database.prepare_cached("DELETE FROM keys WHERE key = ?1")?;
        for ContactKey(key) in keys {
            let key = key.cast_signed();
            let found: Vec<i64> = select.query_map([key], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for event in &found {
                update.execute([event])?;
            }
            events.extend(found.into_iter().map(i64::cast_unsigned));
            delete.execute([key])?;
        }
        events.sort_unstable();
        Ok(events)
    }

    /// What is kept of an event, which is kept no longer.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn remove(&self, event: u64) -> Result<Option<String>, JournalError> {
        let mut delete = self
            .database
            .prepare_cached("DELETE FROM awaited WHERE event = ?1 RETURNING kept")?;
        Ok(delete.query_row([event.cast_signed()], |row| row.get(0)).optional()?)
    }

    /// The first event that waits, and what is kept of it; it is kept no longer.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn pop_first(&self) -> Result<Option<(u64, String)>, JournalError> {
        let mut delete = self.database.prepare_cached(
            "DELETE FROM awaited WHERE event = (SELECT min(event) FROM awaited) RETURNING event, kept",
        )?;
        let first = delete.query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)));
        Ok(first.optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_by_any_of_their_keys_and_once() {
        let events = AwaitedEvents::temporary().unwrap();
        let [ann, mail, bob] = [1, u64::MAX, 3].map(ContactKey);
        events.keep(7, &[ann, mail], "seven").unwrap();
        events.keep(3, &[mail], "three").unwrap();
        events.keep(5, &[bob], "five").unwrap();
        assert_eq!(events.take(&[ann, mail]).unwrap(), [3, 7]);
        assert!(events.take(&[ann, mail]).unwrap().is_empty());
        assert_eq!(events.remove(7).unwrap().as_deref(), Some("seven"));
        assert_eq!(events.remove(7).unwrap(), None);
        // It waits again.
        events.keep(7, &[ann], "again").unwrap();
        assert_eq!(events.take(&[ann]).unwrap(), [7]);
        assert_eq!(events.pop_first().unwrap(), Some((3, "three".to_owned())));
        assert_eq!(events.pop_first().unwrap(), Some((5, "five".to_owned())));
        assert_eq!(events.pop_first().unwrap(), Some((7, "again".to_owned())));
        assert_eq!(events.pop_first().unwrap(), None);
    }
}
