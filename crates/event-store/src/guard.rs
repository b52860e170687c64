//! Notices that the file of the store is gone, is another one, or is no store any more.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use strum::{Display, IntoStaticStr};

/// What a SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Display, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[allow(clippy::exhaustive_enums)]
pub enum Condition {
    /// Events can be taken in.
    #[default]
    Sound,
    /// There is no room on its disk.
    DiskFull,
    /// It cannot be written for another reason, or not now.
    StoreFailed,
    /// Its file, or the log beside it, has been removed or replaced: what is written goes nowhere.
    StoreGone,
    /// Its file is not what it was.
    StoreCorrupt,
}

impl Condition {
    /// The stable `snake_case` name.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Sound => "the event store takes events in",
            Self::DiskFull => "there is no room for the event store on its disk",
            Self::StoreFailed => "the event store cannot be written",
            Self::StoreGone => "the file of the event store, or the log beside it, has been removed or replaced",
            Self::StoreCorrupt => "the file of the event store is damaged",
        }
    }

    /// What an error of SQLite says of the store.
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::StoreCorrupt,
            _ => Self::StoreFailed,
        }
    }
}

/// How much room there must be beside a store that had none, at least.
const ROOM: usize = 64 << 10;

/// Looks after the files of a store.
#[derive(Debug)]
pub(super) struct Guard {
    /// How many bytes of events there was no room for.
    wanted: usize,
    path: PathBuf,
    log: PathBuf,
    /// Open for as long as the store is: to close it would take away what SQLite has locked.
    file: File,
    identity: Identity,
    identity_of_log: Option<Identity>,
}

/// What tells a file from others, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(file.dev(), file.ino())
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self(0, 0)
    }
}

impl Guard {
    /// Looks after the store with this name, which is there.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self {
            path: path.to_owned(),
            log: log.into(),
            identity: Identity::of(&file.metadata()?),
            identity_of_log: None,
            file,
            wanted: 0,
        })
    }

    /// There was no room for so many bytes of events.
    pub(super) fn had_no_room_for(&mut self, bytes: usize) {
        self.wanted = self.wanted.max(bytes);
    }

    /// Whether there is room for what there was none for. What fits into the store's own free pages does not say so.
    pub(super) fn has_room(&mut self) -> bool {
        let has_room = try_room(&self.path, self.wanted.max(ROOM)).is_ok();
        if has_room {
            self.wanted = 0;
        }
        has_room
    }

    /// How the files are, as far as one can see from outside.
    pub(super) fn look(&mut self) -> Condition {
        let identity = |path: &Path| path.metadata().ok().map(|file| Identity::of(&file));
        let log = identity(&self.log);
        self.identity_of_log = self.identity_of_log.or(log);
        if identity(&self.path) != Some(self.identity) || log != self.identity_of_log {
            return Condition::StoreGone;
        }
        let mut magic = [0; MAGIC.len()];
        let read = self.file.rewind().and_then(|()| self.file.read_exact(&mut magic));
        match read {
            Ok(()) if magic == *MAGIC => Condition::Sound,
            _ => Condition::StoreCorrupt,
        }
    }
}

/// Tries to write so many bytes beside a store.
fn try_room(store: &Path, bytes: usize) -> io::Result<()> {
    let mut name = store.as_os_str().to_owned();
    name.push("-room");
    let path = PathBuf::from(name);
    let write = || {
        let mut file = File::create(&path)?;
        let chunk = [0; ROOM];
        for _ in 0..bytes.div_ceil(ROOM) {
            file.write_all(&chunk)?;
        }
        // Where room is taken only once it is written.
        file.sync_data()
    };
    let written = write();
    // What is left of it takes room that the store needs.
    let _ = std::fs::remove_file(&path);
    written
}

/// Why a store cannot be opened: SQLite does not say of a full disk that it is full.
pub(super) fn why_not_opened(path: &Path, error: rusqlite::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match try_room(path, ROOM) {
        Err(full) if matches!(full.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => full.into(),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_happens_to_the_files_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log, away) = ["store", "store-wal", "away"]
            .map(|name| folder.path().join(name))
            .into();
        fs::write(&path, "SQLite format 3\0 and so on").unwrap();
        let mut guard = Guard::new(&path).unwrap();
        assert_eq!(guard.look(), Condition::Sound);
        fs::write(&log, "").unwrap();
        assert_eq!(guard.look(), Condition::Sound);
        for name in [&path, &log] {
            fs::rename(name, &away).unwrap();
            assert_eq!(guard.look(), Condition::StoreGone);
            fs::copy(&away, name).unwrap();
            assert_eq!(guard.look(), Condition::StoreGone, "it is another file");
            fs::rename(&away, name).unwrap();
            assert_eq!(guard.look(), Condition::Sound, "it is back");
        }
        fs::write(&path, "").unwrap();
        assert_eq!(guard.look(), Condition::StoreCorrupt);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn there_is_room_again_once_what_had_none_fits_beside_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        fs::write(&path, "SQLite format 3\0").unwrap();
        let mut guard = Guard::new(&path).unwrap();
        guard.had_no_room_for(1 << 20);
        let is_full = || std::os::unix::fs::symlink("/dev/full", folder.path().join("store-room")).unwrap();
        is_full();
        assert!(!guard.has_room());
        assert!(guard.has_room(), "there is room now");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of it");
        let error = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(10), None);
        is_full();
        let why = |error| why_not_opened(&path, error).to_string();
        assert!(why(error()).contains("No space left"));
        assert!(why(error()).contains("disk I/O error"));
    }
}
