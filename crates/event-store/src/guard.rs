//! Notices that the file of the store is gone, is another one, or is no store any more.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
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

/// Looks after the files of a store.
#[derive(Debug)]
pub(super) struct Guard {
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
        })
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
}
