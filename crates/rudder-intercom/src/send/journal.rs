//! A durable record of which events are done, so that a delivery that was interrupted can go on where it was.
//!
//! It is an SQLite database in write-ahead mode: a commit is atomic, survives the death of the process, and costs no
//! `fsync`, so it can follow every few events. A power cut may lose the last commits, but not damage the others; the
//! events of those are then delivered once more, which does no harm in Intercom.
//!
//! With the outcomes it keeps what they have taught of contacts: Intercom's search lags behind, and the next run would
//! look for them in vain.

use super::dead_letters::Letter;
use intercom_api::{ContactId, UnixSeconds};
use intercom_delivery::{EventId, Intent, KnownContact, Subject, Superseded};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The version of the tables. Version 1 had no `learnt` and version 2 neither `intents` nor `undelivered`, which are added to them.
const VERSION: i64 = 3;
/// Marks the file as ours, in the header of the database.
const APPLICATION: i64 = 0x5249_436a;

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The database cannot be read or written.
    #[error("the database fails")]
    Database(#[from] rusqlite::Error),
    /// The file is something else.
    #[error("it is not a journal of this program")]
    Foreign,
    /// It was made by a newer release.
    #[error("it was written by a newer release of this program (version {0}, and this one reads up to {VERSION})")]
    TooNew(i64),
    /// What it holds cannot be read.
    #[error("what it holds of contacts cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Another process uses it.
    #[error("another run is using it")]
    InUse,
    /// It belongs to a delivery with other settings.
    #[error("it belongs to a delivery with another {0}; give the same settings, or another journal")]
    OtherSetting(String),
    /// It belongs to a delivery into another workspace.
    #[error(
        "it belongs to a delivery into another workspace of Intercom than that of the access token; \
         give a token of the same workspace, or another journal"
    )]
    OtherWorkspace,
    /// It belongs to another input.
    #[error(
        "it belongs to another input: the event with index {0} is not the same; give the same file, or another journal"
    )]
    OtherInput(u64),
}

/// How an event was done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum Done {
    Delivered = 0,
    Rejected = 1,
    /// And written to the dead letters.
    Failed = 2,
}

/// The events that earlier runs have done, at a few bits each.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    delivered: Bits,
    /// Those that were done otherwise, with the place of their code in `codes`.
    others: HashMap<u64, (Done, usize)>,
    codes: Vec<String>,
    /// Of each event that is done, what it can be told from another by; 0 for one that is not.
    marks: Vec<u32>,
    /// What had been begun, with the contact that it was begun with.
    pub(super) intents: HashMap<u64, ContactId>,
    /// What later events have written since others had failed.
    pub(super) superseded: HashMap<u64, Superseded>,
    pub(super) calls: u64,
}

impl Earlier {
    /// How the event was done with, if it was.
    ///
    /// # Errors
    ///
    /// If it is not the event that it was.
    pub(super) fn get(&self, event: u64, fingerprint: u64) -> Result<Option<(Done, &str)>, JournalError> {
        let known = usize::try_from(event).ok().and_then(|at| self.marks.get(at));
        if known.is_some_and(|&known| known != 0 && known != mark(fingerprint)) {
            return Err(JournalError::OtherInput(event));
        }
        if self.delivered.get(event) {
            return Ok(Some((Done::Delivered, "")));
        }
        Ok(self
            .others
            .get(&event)
            .map(|&(done, code)| (done, self.codes[code].as_str())))
    }

    fn set_mark(&mut self, event: u64, mark: u32) {
        let Ok(at) = usize::try_from(event) else { return };
        if at >= self.marks.len() {
            self.marks.resize(at + 1, 0);
        }
        self.marks[at] = mark;
    }

    fn add(&mut self, event: u64, done: Done, code: String) {
        let at = self.codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        self.others.insert(event, (done, at));
    }
}

/// A fingerprint in four bytes, so that a million of them take four megabytes. Never 0.
fn mark(fingerprint: u64) -> u32 {
    (fingerprint.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32 | 1
}

/// A set of small numbers.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn get(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    fn set(&mut self, number: u64) {
        let Ok(at) = usize::try_from(number / 64) else { return };
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
    }
}

/// An event that is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Its place in the input.
    pub(super) event: u64,
    pub(super) done: Done,
    pub(super) code: Option<&'a str>,
    pub(super) calls: u32,
    pub(super) fingerprint: u64,
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
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
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let database = Connection::open(path)?;
        // Whoever holds it holds it for long.
        database.busy_timeout(std::time::Duration::ZERO)?;
        let understood = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse,
            Some(ErrorCode::NotADatabase) => JournalError::Foreign,
            _ => error.into(),
        };
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
                 CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                 CREATE TABLE IF NOT EXISTS done (
                     event INTEGER PRIMARY KEY, result INTEGER NOT NULL, code TEXT, calls INTEGER NOT NULL,
                     mark INTEGER NOT NULL
                 );
                 CREATE TABLE IF NOT EXISTS learnt (
                     seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, contact TEXT NOT NULL
                 );
                 CREATE TABLE IF NOT EXISTS intents (event INTEGER PRIMARY KEY, contact TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS undelivered (
                     event INTEGER PRIMARY KEY, line INTEGER NOT NULL, mark INTEGER NOT NULL, subject TEXT NOT NULL,
                     superseded TEXT NOT NULL
                 );
                 COMMIT;"
            ))
            .map_err(understood)?;
        let mut intents = HashSet::new();
        {
            let mut query = database.prepare("SELECT event FROM intents")?;
            for event in query.query_map([], |row| row.get::<_, i64>(0))? {
                intents.insert(event?.cast_unsigned());
            }
        }
        Ok(Self {
            path: path.to_owned(),
            database,
            intents,
            is_writing: false,
            failed: HashMap::new(),
        })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The time of events that name none: the same in every run, which is that of the first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(crate) fn time_of_events(&self, first: UnixSeconds) -> Result<UnixSeconds, JournalError> {
        let insert = "INSERT OR IGNORE INTO settings VALUES ('time of events', ?1)";
        self.database.execute(insert, [first.0.to_string()])?;
        let query = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'time of events'";
        Ok(UnixSeconds(self.database.query_row(query, [], |row| row.get(0))?))
    }

    /// Visits what earlier runs have learnt of contacts, the oldest first.
    pub(super) fn learnt(&self, mut visit: impl FnMut(&KnownContact)) -> Result<(), JournalError> {
        let oldest = now().saturating_sub(KnownContact::KEPT_FOR.as_secs().cast_signed());
        let mut query = self
            .database
            .prepare("SELECT contact FROM learnt WHERE at >= ?1 ORDER BY seq")?;
        let mut rows = query.query([oldest])?;
        while let Some(row) = rows.next()? {
            visit(&serde_json::from_str(
                row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
            )?);
        }
        Ok(())
    }

    /// Records what was learnt of a contact. Lasting only after the next [`commit`](Self::commit).
    pub(super) fn learn(&mut self, contact: &KnownContact) -> Result<(), JournalError> {
        self.begin()?;
        let mut insert = self
            .database
            .prepare_cached("INSERT INTO learnt (at, contact) VALUES (?1, ?2)")?;
        insert.execute(params![now(), serde_json::to_string(contact)?])?;
        let beyond = self.database.last_insert_rowid() - KnownContact::KEPT as i64;
        self.database
            .prepare_cached("DELETE FROM learnt WHERE seq <= ?1")?
            .execute([beyond])?;
        Ok(())
    }

    /// Visits the events that were not delivered: each with the letter that it is, whom it is about, and what later ones
    /// have written since.
    pub(super) fn undelivered(
        &self,
        mut visit: impl FnMut(u64, Letter, Subject, Superseded),
    ) -> Result<(), JournalError> {
        let mut query = self
            .database
            .prepare("SELECT event, line, mark, subject, superseded FROM undelivered ORDER BY event")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
            let letter = Letter {
                line: number(1)?,
                fingerprint: number(2)?,
            };
            let text = |at| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
            let (subject, superseded) = (serde_json::from_str(text(3)?)?, serde_json::from_str(text(4)?)?);
            visit(number(0)?, letter, subject, superseded);
        }
        Ok(())
    }

    /// Records that an event was not delivered, and what later ones have written since. Lasting only after the next
    /// [`commit`](Self::commit).
    pub(super) fn keep_undelivered(
        &mut self,
        event: u64,
        letter: Letter,
        (subject, superseded): &(Subject, Superseded),
    ) -> Result<(), JournalError> {
        self.begin()?;
        let mut insert = self
            .database
            .prepare_cached("INSERT OR REPLACE INTO undelivered VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![
            event.cast_signed(),
            letter.line.cast_signed(),
            letter.fingerprint.cast_signed(),
            serde_json::to_string(subject)?,
            serde_json::to_string(superseded)?
        ])?;
        Ok(())
    }

    /// Records that an event that was not delivered has been.
    pub(super) fn forget_undelivered(&mut self, event: u64) -> Result<(), JournalError> {
        self.begin()?;
        let mut delete = self
            .database
            .prepare_cached("DELETE FROM undelivered WHERE event = ?1")?;
        delete.execute([event.cast_signed()])?;
        Ok(())
    }

    /// Records what is about to be done. Lasting only after the next [`commit`](Self::commit).
    pub(super) fn intend(&mut self, intent: &Intent) -> Result<(), JournalError> {
        self.begin()?;
        let EventId(event) = intent.event;
        let mut insert = self
            .database
            .prepare_cached("INSERT OR REPLACE INTO intents VALUES (?1, ?2)")?;
        insert.execute(params![event.cast_signed(), serde_json::to_string(&intent.contact)?])?;
        self.intents.insert(event);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), JournalError> {
        if !self.is_writing {
            self.database.execute_batch("BEGIN")?;
            self.is_writing = true;
        }
        Ok(())
    }

    /// Makes sure that a setting is the same as in earlier runs.
    ///
    /// # Errors
    ///
    /// If it is not, or the database fails.
    pub(crate) fn require(&self, name: &str, value: &str) -> Result<(), JournalError> {
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
    pub(crate) fn require_workspace(&self, id: Option<&str>) -> Result<(), JournalError> {
        let value = id.map_or_else(|| "unknown".to_owned(), |id| format!("id {id}"));
        self.require("workspace", &value).map_err(|error| match error {
            JournalError::OtherSetting(_) => JournalError::OtherWorkspace,
            error => error,
        })
    }

    /// What earlier runs have done.
    pub(super) fn earlier(&self) -> Result<Earlier, JournalError> {
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
        self.undelivered(|event, _, _, superseded| {
            if !superseded.is_empty() {
                earlier.superseded.insert(event, superseded);
            }
        })?;
        Ok(earlier)
    }

    /// Records that an event is done. Lasting only after the next [`commit`](Self::commit).
    pub(super) fn record(&mut self, entry: &Entry<'_>) -> Result<(), JournalError> {
        self.begin()?;
        if self.intents.remove(&entry.event) {
            let mut delete = self.database.prepare_cached("DELETE FROM intents WHERE event = ?1")?;
            delete.execute([entry.event.cast_signed()])?;
        }
        if let (Done::Failed, Some(code)) = (entry.done, entry.code) {
            match self.failed.get_mut(code) {
                Some(events) => events.push(entry.event),
                None => drop(self.failed.insert(code.to_owned(), vec![entry.event])),
            }
        }
        let mut insert = self
            .database
            .prepare_cached("INSERT OR REPLACE INTO done VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![
            entry.event.cast_signed(),
            entry.done as i64,
            entry.code,
            entry.calls,
            mark(entry.fingerprint)
        ])?;
        Ok(())
    }

    /// Takes back what this run has recorded as failed with this code: the next run sends it again.
    pub(super) fn take_back(&mut self, code: &str) -> Result<(), JournalError> {
        let events = self.failed.remove(code).unwrap_or_default();
        if events.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let mut delete = self.database.prepare_cached("DELETE FROM done WHERE event = ?1")?;
        for event in events {
            delete.execute([event.cast_signed()])?;
        }
        Ok(())
    }

    /// Makes what was recorded last.
    pub(super) fn commit(&mut self) -> Result<(), JournalError> {
        if std::mem::take(&mut self.is_writing) {
            self.database.execute_batch("COMMIT")?;
        }
        Ok(())
    }
}

fn now() -> i64 {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
