//! A durable record of which events are done, so that a delivery that was interrupted can go on where it was.
//!
//! It is an SQLite database in write-ahead mode: a commit is atomic, survives the death of the process, and costs no
//! `fsync`, so it can follow every few events. A power cut may lose the last commits, but not damage the others; the
//! events of those are then delivered once more, which does no harm in Intercom.
//!
//! With the outcomes it keeps what they have taught of contacts: Intercom's search lags behind, and the next run would
//! look for them in vain.

mod awaited;
mod earlier;
mod error;
pub mod learnt;
mod look;

pub use awaited::AwaitedEvents;
pub use earlier::{Done, Earlier, Entry};
pub use error::JournalError;

use crate::{EventId, Intent, KnownContact, Subject, Superseded};
use earlier::mark;
use error::VERSION;
use intercom_api::{CompanyId, UnixSeconds};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Params, params};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many statements stay prepared: more than there are.
const STATEMENTS: usize = 64;

/// Marks the file as ours, in the header of the database.
const APPLICATION: i64 = 0x5249_436a;

/// The tables.
const TABLES: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE IF NOT EXISTS done (
        event INTEGER PRIMARY KEY, result INTEGER NOT NULL, code TEXT, calls INTEGER NOT NULL, mark INTEGER NOT NULL
    );",
    learnt::TABLE,
    "CREATE TABLE IF NOT EXISTS intents (event INTEGER PRIMARY KEY, contact TEXT NOT NULL);",
    "CREATE TABLE IF NOT EXISTS saved_companies (event INTEGER PRIMARY KEY, company TEXT NOT NULL);",
    "CREATE TABLE IF NOT EXISTS undelivered (
        event INTEGER PRIMARY KEY, line INTEGER NOT NULL, mark INTEGER NOT NULL, subject TEXT NOT NULL,
        superseded TEXT NOT NULL
    );",
];

/// The setting that holds how long this file of dead letters is.
fn dead_letters_setting(file: &Path) -> String {
    format!("length of {}", file.display())
}

fn understood(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse,
        Some(ErrorCode::NotADatabase) => JournalError::Foreign,
        _ => error.into(),
    }
}

/// Which of the dead letters in a file is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId {
    /// The line of the input that its event begins in.
    pub line: u64,
    /// The fingerprint of the event's text, in one line.
    pub fingerprint: u64,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Connection,
    is_writing: bool,
    /// The events of the table `intents`.
    intents: HashSet<u64>,
    /// The events that this run has recorded as failed, by code.
    failed: HashMap<String, Vec<u64>>,
}

impl Journal {
    /// Opens a journal, or makes one.
    ///
    /// # Errors
    ///
    /// If the file is not a journal, cannot be used, or is used by another process.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::of(Connection::open(path)?, path)
    }

    /// A journal that ends with its owner: for tests.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::of(Connection::open_in_memory()?, Path::new(""))
    }

    /// What the next run opens if this one is killed now: what is not committed is lost.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn after_kill(self) -> Result<Self, JournalError> {
        if self.is_writing {
            self.database.execute_batch("ROLLBACK")?;
        }
        Self::of(self.database, &self.path)
    }

    fn of(database: Connection, path: &Path) -> Result<Self, JournalError> {
        // Whoever holds it holds it for long.
        database.busy_timeout(Duration::ZERO)?;
        database.set_prepared_statement_cache_capacity(STATEMENTS);
        let pragma = |name: &str| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        // In exclusive mode the first access takes the lock, and keeps it.
        database
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE")
            .map_err(understood)?;
        let (application, version) = (pragma("application_id").map_err(understood)?, pragma("user_version")?);
        let tables: i64 = database
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(understood)?;
        match (application, version, tables) {
            (0, 0, 0) => {}
            (APPLICATION, 1..=VERSION, _) => {}
            (APPLICATION, newer, _) if newer > VERSION => return Err(JournalError::TooNew(newer)),
            _ => return Err(JournalError::Foreign),
        }
        database
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = NORMAL;
                 BEGIN IMMEDIATE;
                 PRAGMA application_id = {APPLICATION};
                 PRAGMA user_version = {VERSION};
                 {}
                 COMMIT;",
                TABLES.concat()
            ))
            .map_err(understood)?;
        let event = |row: &rusqlite::Row<'_>| row.get(0).map(i64::cast_unsigned);
        let intents = database
            .prepare("SELECT event FROM intents")?
            .query_map([], event)?
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            database,
            intents,
            is_writing: false,
            failed: HashMap::new(),
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The time of events that name none: the same in every run, which is that of the first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn time_of_events(&self, first: UnixSeconds) -> Result<UnixSeconds, JournalError> {
        let insert = "INSERT OR IGNORE INTO settings VALUES ('time of events', ?1)";
        self.database.execute(insert, [first.0.to_string()])?;
        Ok(self.known_time_of_events()?.unwrap_or(first))
    }

    /// Visits what earlier runs have learnt of contacts, as far as it is still worth knowing now, the oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn learnt(&self, now: UnixSeconds, visit: impl FnMut(&KnownContact)) -> Result<(), JournalError> {
        let oldest = now.0.saturating_sub(KnownContact::KEPT_FOR.as_secs().cast_signed());
        Ok(learnt::since(&self.database, oldest, visit)?)
    }

    /// Records what was learnt of a contact. Lasting only after the next [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn learn(&mut self, contact: &KnownContact, now: UnixSeconds) -> Result<(), JournalError> {
        self.begin()?;
        Ok(learnt::keep(&self.database, contact, now.0)?)
    }

    /// Visits the events that were not delivered: each with the dead letter that it is, whom it is about, and what later ones
    /// have written since.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn undelivered(
        &self,
        mut visit: impl FnMut(u64, DeadLetterId, Subject, Superseded),
    ) -> Result<(), JournalError> {
        let mut query = self
            .database
            .prepare("SELECT event, line, mark, subject, superseded FROM undelivered ORDER BY event")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
            let dead_letter = DeadLetterId {
                line: number(1)?,
                fingerprint: number(2)?,
            };
            let text = |at| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
            let (subject, superseded) = (serde_json::from_str(text(3)?)?, serde_json::from_str(text(4)?)?);
            visit(number(0)?, dead_letter, subject, superseded);
        }
        Ok(())
    }

    /// Records that an event was not delivered, and what later ones have written since. Lasting only after the next
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn keep_undelivered(
        &mut self,
        event: u64,
        dead_letter: DeadLetterId,
        (subject, superseded): &(Subject, Superseded),
    ) -> Result<(), JournalError> {
        let row = params![
            event.cast_signed(),
            dead_letter.line.cast_signed(),
            dead_letter.fingerprint.cast_signed(),
            serde_json::to_string(subject)?,
            serde_json::to_string(superseded)?
        ];
        self.write("INSERT OR REPLACE INTO undelivered VALUES (?1, ?2, ?3, ?4, ?5)", row)
    }

    /// Records that an event that was not delivered has been.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn forget_undelivered(&mut self, event: u64) -> Result<(), JournalError> {
        self.write("DELETE FROM undelivered WHERE event = ?1", [event.cast_signed()])
    }

    /// Records what is about to be done. Lasting only after the next [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn intend(&mut self, intent: &Intent) -> Result<(), JournalError> {
        let EventId(event) = intent.event;
        let row = params![event.cast_signed(), serde_json::to_string(&intent.contact)?];
        self.write("INSERT OR REPLACE INTO intents VALUES (?1, ?2)", row)?;
        self.intents.insert(event);
        Ok(())
    }

    /// Records the company that was saved for an event which waits for its member: until it is done, the next run does not save
    /// it again, as later events may have changed it. Lasting only after the next [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn saved_company(&mut self, event: u64, company: &CompanyId) -> Result<(), JournalError> {
        let row = params![event.cast_signed(), company.as_str()];
        self.write("INSERT OR REPLACE INTO saved_companies VALUES (?1, ?2)", row)
    }

    /// How long a file of dead letters was, in bytes, when all that is in it was recorded: what stands behind that was written
    /// by a run that was killed before it could record it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn dead_letters_length(&self, file: &Path) -> Result<Option<u64>, JournalError> {
        Ok(self.number(&dead_letters_setting(file))?.map(i64::cast_unsigned))
    }

    /// Records how long a file of dead letters is, with what else is recorded. Lasting only after the next
    /// [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn set_dead_letters_length(&mut self, file: &Path, length: u64) -> Result<(), JournalError> {
        let row = [dead_letters_setting(file), length.to_string()];
        self.write("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", row)
    }

    /// The number that a setting is.
    fn number(&self, name: &str) -> Result<Option<i64>, JournalError> {
        let query = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?1";
        let number = self.database.query_row(query, [name], |row| row.get(0));
        Ok(number.optional()?)
    }

    fn begin(&mut self) -> Result<(), JournalError> {
        if !self.is_writing {
            self.database.execute_batch("BEGIN")?;
            self.is_writing = true;
        }
        Ok(())
    }

    /// Changes something, in what the next commit makes last.
    fn write(&mut self, sql: &str, row: impl Params) -> Result<(), JournalError> {
        self.begin()?;
        self.database.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Makes sure that a setting is the same as in earlier runs.
    ///
    /// # Errors
    ///
    /// If it is not, or the database fails.
    pub fn require(&self, name: &str, value: &str) -> Result<(), JournalError> {
        let query = "SELECT value FROM settings WHERE name = ?1";
        let found: Option<String> = self.database.query_row(query, [name], |row| row.get(0)).optional()?;
        match found {
            Some(found) if found == value => Ok(()),
            Some(_) => Err(JournalError::OtherSetting(name.to_owned())),
            None => {
                self.database
                    .execute("INSERT INTO settings VALUES (?1, ?2)", [name, value])?;
                Ok(())
            }
        }
    }

    /// Makes sure that the workspace is that of earlier runs. One that cannot be told is `None`, and another than any that
    /// can.
    ///
    /// # Errors
    ///
    /// If it is not, or the database fails.
    pub fn require_workspace(&self, id: Option<&str>) -> Result<(), JournalError> {
        let value = id.map_or_else(|| "unknown".to_owned(), |id| format!("id {id}"));
        self.require("workspace", &value).map_err(|error| match error {
            JournalError::OtherSetting(_) => JournalError::OtherWorkspace,
            error => error,
        })
    }

    /// What earlier runs have done.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn earlier(&self) -> Result<Earlier, JournalError> {
        let mut earlier = Earlier::default();
        let mut query = self
            .database
            .prepare("SELECT event, result, code, calls, mark FROM done ORDER BY event")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let event = row.get::<_, i64>(0)?.cast_unsigned();
            let code = || row.get::<_, Option<String>>(2).map(Option::unwrap_or_default);
            match row.get::<_, i64>(1)? {
                0 => earlier.delivered.set(event),
                1 => earlier.add(event, Done::Rejected, code()?),
                _ => earlier.add(event, Done::Failed, code()?),
            }
            earlier.calls += row.get::<_, i64>(3)?.cast_unsigned();
            earlier.set_mark(event, row.get(4)?);
        }
        let mut query = self.database.prepare("SELECT event, contact FROM intents")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let contact = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
            earlier.intents.insert(row.get::<_, i64>(0)?.cast_unsigned(), contact);
        }
        let mut query = self
            .database
            .prepare("SELECT event, company FROM saved_companies WHERE event NOT IN (SELECT event FROM done)")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (event, company) = (row.get::<_, i64>(0)?, row.get::<_, String>(1)?);
            earlier
                .saved_companies
                .extend(company.parse().ok().map(|company| (event.cast_unsigned(), company)));
        }
        self.undelivered(|event, _, _, superseded| {
            if !superseded.is_empty() {
                earlier.superseded.insert(event, superseded);
            }
        })?;
        Ok(earlier)
    }

    /// Records that an event is done. Lasting only after the next [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn record(&mut self, entry: &Entry<'_>) -> Result<(), JournalError> {
        if self.intents.remove(&entry.event) {
            self.write("DELETE FROM intents WHERE event = ?1", [entry.event.cast_signed()])?;
        }
        if let (Done::Failed, Some(code)) = (entry.done, entry.code) {
            match self.failed.get_mut(code) {
                Some(events) => events.push(entry.event),
                None => drop(self.failed.insert(code.to_owned(), vec![entry.event])),
            }
        }
        let row = params![
            entry.event.cast_signed(),
            entry.done as i64,
            entry.code,
            entry.calls,
            mark(entry.fingerprint)
        ];
        self.write("INSERT OR REPLACE INTO done VALUES (?1, ?2, ?3, ?4, ?5)", row)
    }

    /// Takes back what this run has recorded as failed with this code: the next run sends it again.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn take_back(&mut self, code: &str) -> Result<(), JournalError> {
        let events = self.failed.remove(code).unwrap_or_default().into_iter();
        events
            .map(u64::cast_signed)
            .try_for_each(|event| self.write("DELETE FROM done WHERE event = ?1", [event]))
    }

    /// Makes what was recorded last.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.is_writing) {
            self.database.execute_batch("COMMIT")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
