//! The tables.

use crate::error::Error;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The version of the tables, kept as SQLite's `user_version`.
const VERSION: i64 = 1;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(30);

/// - `totals`: one row, so that nothing has to be counted. `next_seq` only grows, so that a number is never used twice.
/// - `events`: those that wait, in the order in which they are delivered. All times are Unix milliseconds.
/// - `seen`: the keys of the messages of one transaction, 16 bytes each, so that remembering them is one row.
/// - `minutes` and `codes`: for charts.
const TABLES: &str = "
CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL,
    events INTEGER NOT NULL,
    event_bytes INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    dead_bytes INTEGER NOT NULL
);
INSERT INTO totals VALUES (1, 1, 0, 0, 0, 0);
CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE seen (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, keys BLOB NOT NULL);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    event_type TEXT,
    user_id TEXT,
    message_id TEXT,
    detail TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX dead_letters_code ON dead_letters (code);
CREATE INDEX dead_letters_user ON dead_letters (user_id);
CREATE TABLE minutes (
    minute INTEGER PRIMARY KEY,
    received INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    failed INTEGER NOT NULL
);
CREATE TABLE codes (
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (kind, code)
) WITHOUT ROWID;
";

/// Opens a store to write to it, and makes the tables if there are none.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    make_private(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source: source.into(),
    })?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    version(&connection).map_err(|error| foreign(error, path))?;
    // Only an empty file takes another page size.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // The log is synced at every commit: what has been acknowledged survives a loss of power, not only a crash.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    make_tables(&connection)?;
    Ok(connection)
}

/// Opens a store that is there, to read it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    // A log that a crash has left behind is recovered by whoever comes first, which takes writing.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let version = version(&connection).map_err(|error| foreign(error, path))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    match version {
        VERSION => Ok(connection),
        0 => Err(Error::NoStore(path.to_owned())),
        newer => Err(Error::TooNew(newer)),
    }
}

/// Makes the file, if it is not there, so that only its owner can read it: events are personal data. SQLite gives the
/// files beside it the same permissions.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| Error::Open {
        path: path.to_owned(),
        source: source.into(),
    })?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn make_tables(connection: &Connection) -> Result<(), Error> {
    match version(connection)? {
        VERSION => Ok(()),
        0 => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
            Ok(())
        }
        newer => Err(Error::TooNew(newer)),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Says of a file that is no database what it is not.
fn foreign(error: rusqlite::Error, path: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::Foreign(path.to_owned()),
        _ => error.into(),
    }
}
