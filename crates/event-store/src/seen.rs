//! Which messages have been received lately.

use crate::event::MessageKey;
use crate::settings::Repeats;
use crate::statements::Statements as _;
use rusqlite::{Connection, Transaction, params};
use std::collections::{HashSet, VecDeque};

/// The keys of the messages that are remembered: in memory, and in the table `seen` for the next start.
#[derive(Debug)]
pub(super) struct Seen {
    settings: Repeats,
    keys: HashSet<MessageKey>,
    /// The keys by the transaction that they came in, the oldest first.
    rows: VecDeque<Row>,
}

#[derive(Debug)]
struct Row {
    id: i64,
    at: i64,
    keys: Vec<MessageKey>,
}

impl Seen {
    /// Reads what is remembered.
    pub(super) fn load(connection: &Connection, settings: Repeats, now: i64) -> rusqlite::Result<Self> {
        let mut seen = Self {
            settings,
            keys: HashSet::new(),
            rows: VecDeque::new(),
        };
        let mut query = connection.prepare("SELECT id, at, keys FROM seen WHERE at > ? ORDER BY id")?;
        let mut rows = query.query([seen.oldest(now)])?;
        while let Some(row) = rows.next()? {
            let keys = row.get_ref(2)?.as_blob()?;
            let keys = keys
                .chunks_exact(16)
                .filter_map(|key| key.try_into().ok())
                .map(|key| MessageKey(u128::from_le_bytes(key)))
                .collect();
            seen.push(row.get(0)?, row.get(1)?, keys);
        }
        Ok(seen)
    }

    fn push(&mut self, id: i64, at: i64, keys: Vec<MessageKey>) {
        self.keys.extend(&keys);
        self.rows.push_back(Row { id, at, keys });
    }

    fn oldest(&self, now: i64) -> i64 {
        now.saturating_sub(i64::try_from(self.settings.window.as_millis()).unwrap_or(i64::MAX))
    }

    /// Remembers a key; says whether it is new.
    pub(super) fn insert(&mut self, key: MessageKey) -> bool {
        self.settings.remembered == 0 || self.settings.window.is_zero() || self.keys.insert(key)
    }

    /// Forgets keys that have just been inserted, because nothing came of it.
    pub(super) fn undo(&mut self, keys: &[MessageKey]) {
        for key in keys {
            self.keys.remove(key);
        }
    }

    /// Writes the keys that have been inserted since, and deletes those that are too old.
    pub(super) fn save(&self, transaction: &Transaction<'_>, keys: &[MessageKey], now: i64) -> rusqlite::Result<i64> {
        let mut id = 0;
        if !keys.is_empty() {
            let bytes: Vec<u8> = keys.iter().flat_map(|key| key.0.to_le_bytes()).collect();
            transaction.run("INSERT INTO seen (at, keys) VALUES (?, ?)", params![now, bytes])?;
            id = transaction.last_insert_rowid();
        }
        let forgotten = self.forgotten(now);
        if forgotten > 0 {
            transaction.run("DELETE FROM seen WHERE id <= ?", [self.rows[forgotten - 1].id])?;
        }
        Ok(id)
    }

    /// What [`save`](Self::save) has written holds.
    pub(super) fn saved(&mut self, id: i64, keys: Vec<MessageKey>, now: i64) {
        for _ in 0..self.forgotten(now) {
            if let Some(row) = self.rows.pop_front() {
                self.undo(&row.keys);
            }
        }
        if !keys.is_empty() {
            self.rows.push_back(Row { id, at: now, keys });
        }
    }

    /// How many of the oldest rows are to be forgotten. Keys that are not in a row yet count too.
    fn forgotten(&self, now: i64) -> usize {
        let oldest = self.oldest(now);
        let mut left = self.keys.len();
        let mut rows = 0;
        for row in &self.rows {
            if row.at > oldest && left <= self.settings.remembered {
                break;
            }
            left -= row.keys.len();
            rows += 1;
        }
        rows
    }
}
