//! The tables.

use super::{awaiting, claim, history, target, undelivered};
use crate::error::Error;
use crate::settings::Keeper;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the file is for, kept as SQLite's `application_id`: `rsGW` in ASCII.
const APPLICATION: i64 = 0x7273_4757;
/// The version of the tables, kept as SQLite's `user_version`.
pub(super) const VERSION: i64 = 7;

/// How many statements stay prepared: all that one transaction may need. Of more than there is room for, each would be
/// prepared anew every time.
const STATEMENTS: usize = 64;
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

/// What version 2 has beyond version 1: what was learnt of contacts, as [`KnownContact`](intercom_delivery::KnownContact).
const SINCE_VERSION_2: &str = intercom_delivery::journal::learnt::TABLE;

/// What version 3 has beyond version 2: the contacts with whom events were begun that wait. They may not be found any more
/// by what the events look up.
const SINCE_VERSION_3: &str = "CREATE TABLE intents (seq INTEGER PRIMARY KEY, contact TEXT NOT NULL);";

/// The version 3 also has what later events have written since others were not delivered.
fn since_version_3() -> String {
    format!("{SINCE_VERSION_3} {}", undelivered::TABLES)
}

/// Refuses a store that somebody else delivers from: events would go to another workspace.
pub(super) fn check_keeper(connection: &Connection, path: &Path, keeper: Keeper) -> Result<(), Error> {
    let others = match keeper {
        Keeper::Gateway => "SELECT EXISTS (SELECT 1 FROM targets)",
        Keeper::Transformer => {
            "SELECT EXISTS (SELECT 1 FROM events WHERE target IS NULL) OR
             EXISTS (SELECT 1 FROM awaiting WHERE target IS NULL) OR
             EXISTS (SELECT 1 FROM dead_letters WHERE target IS NULL)"
        }
    };
    match connection.query_row(others, [], |row| row.get(0))? {
        true => Err(Error::OfAnother {
            path: path.to_owned(),
            keeper,
        }),
        false => Ok(()),
    }
}

/// Opens a store to write to it, and makes the tables if there are none.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    make_private(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source: source.into(),
    })?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Before anything is changed in it.
    check(&connection, path)?;
    // Only an empty file takes another page size.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // The log is synced at every commit: what has been acknowledged survives a loss of power, not only a crash.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    make_tables(&connection, path)?;
    Ok(connection)
}

/// Refuses a file that is there, and that is not a store of this version.
pub(super) fn check_file(path: &Path) -> Result<(), Error> {
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        check(&connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, path)?;
    }
    Ok(())
}

/// Opens a store that is there, to read it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    // A log that a crash has left behind is recovered by whoever comes first, which takes writing.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let is_made = check(&connection, path)?.is_some();
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    if is_made {
        Ok(connection)
    } else {
        Err(Error::NoStore(path.to_owned()))
    }
}

/// Makes the file, if it is not there, so that only its owner can read it: events are personal data. SQLite gives the
/// files beside it the same permissions.
///
/// One that is there is not opened: closing it would take away what SQLite has locked in this process.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// The file that a name leads to, be it there or not: what lies beside it is found whatever name is given.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        real => return real,
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (path.read_link(), path.file_name()) {
        (Ok(target), _) => real(&folder.join(target)),
        (Err(_), Some(name)) => Ok(folder.canonicalize()?.join(name)),
        (Err(error), None) => Err(error),
    }
}

/// Refuses a file with more than one name.
fn check_names(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if path
        .metadata()
        .is_ok_and(|file| std::os::unix::fs::MetadataExt::nlink(&file) > 1)
    {
        return Err(Error::Linked(path.to_owned()));
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    check_names(path)?;
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| Error::Open {
        path: path.to_owned(),
        source: source.into(),
    })?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn make_tables(connection: &Connection, path: &Path) -> Result<(), Error> {
    // Another process may be about to make them.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let found = check(connection, path)?;
    let mut missing = String::new();
    for (version, tables) in [
        (1, TABLES.to_owned()),
        (2, SINCE_VERSION_2.to_owned()),
        (3, since_version_3()),
        // Version 4 has what waits for its contact, version 5 where the events of a transformer go, version 6 what has
        // happened to events, version 7 whom they are for.
        (4, awaiting::TABLES.to_owned()),
        (5, target::TABLES.to_owned()),
        (6, history::TABLES.to_owned()),
        (7, claim::TABLES.to_owned()),
    ] {
        if found.is_none_or(|found| found < version) {
            missing.push_str(&tables);
        }
    }
    if !missing.is_empty() {
        connection.execute_batch(&missing)?;
        // Version 6 has the history.
        if found.is_some_and(|found| found < 6) {
            history::take_in(connection)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(connection.execute_batch("COMMIT")?)
}

/// The version of the tables that are there; none if the file is empty.
///
/// A file of anything else is refused: it is somebody's, and whatever it holds are not events.
fn check(connection: &Connection, path: &Path) -> Result<Option<i64>, Error> {
    let number = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| foreign(error, path))
    };
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, version @ 1..=VERSION) => Ok(Some(version)),
        (APPLICATION, version) if version > VERSION => Err(Error::TooNew {
            path: path.to_owned(),
            version,
        }),
        (0, 0) => {
            let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                Ok(None)
            } else {
                Err(Error::Foreign(path.to_owned()))
            }
        }
        _ => Err(Error::Foreign(path.to_owned())),
    }
}

/// Says of a file that is not a database what it is not.
fn foreign(error: rusqlite::Error, path: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::Foreign(path.to_owned()),
        _ => error.into(),
    }
}
