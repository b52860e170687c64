//! What the workspace has answered, kept in a file, so that a run that was interrupted need not ask again.
//!
//! The first line says of which run it is, and each line behind it is an answer. It is written with the answer, in one
//! piece: the death of the process loses none, and one that a power cut has cut off is asked for again.

use crate::files::lock;
use crate::print::note;
use fnv::FnvHasher;
use intercom_api::{Call, UnixSeconds};
use intercom_delivery::Response;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::hash::Hasher as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The version of the format.
const VERSION: u32 = 1;

/// Why such a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    #[error("it is none that this command has written; give another file")]
    Foreign,
    #[error("it was written by a newer release of this program (version {0}, and this one reads up to {VERSION})")]
    TooNew(u32),
    #[error("it belongs to a run with another {0}; give the same as then, or another file")]
    Other(&'static str),
}

/// Whether something is read for the first time, or again because the first answer may have been what was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    First,
    Again,
}

/// Of which run it is.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "rudder-intercom verify")]
    version: u32,
    begun: UnixSeconds,
    time_of_events: UnixSeconds,
    settings: BTreeMap<String, String>,
}

/// An answer.
#[derive(Serialize, Deserialize)]
struct Answer {
    call: u64,
    status: u16,
    body: String,
}

/// A file that was opened, before it is known whether it is of this run.
#[derive(Debug)]
pub(crate) struct Opened {
    path: PathBuf,
    file: File,
    head: Head,
    is_new: bool,
    places: HashMap<u64, Place>,
    length: u64,
}

/// Where an answer is in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    length: usize,
}

impl Opened {
    /// Opens the file, or makes one, which only its owner can read: it holds what the workspace has of people.
    ///
    /// # Errors
    ///
    /// If it is something else, cannot be used, or is used by another process.
    pub(crate) fn open(path: &Path, now: UnixSeconds, time_of_events: UnixSeconds) -> Result<Self, KeptError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(KeptError::Foreign);
        }
        lock(&file)?;
        let mut opened = Self {
            // What a link leads to is what is deleted in the end.
            path: path.canonicalize()?,
            file,
            head: Head {
                version: VERSION,
                begun: now,
                time_of_events,
                settings: BTreeMap::new(),
            },
            is_new: true,
            places: HashMap::new(),
            length: 0,
        };
        opened.read()?;
        Ok(opened)
    }

    fn read(&mut self) -> Result<(), KeptError> {
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            // It may have been there, for all to read.
            #[cfg(unix)]
            self.file
                .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            return Ok(());
        }
        self.head = serde_json::from_slice(&line).map_err(|_| KeptError::Foreign)?;
        if self.head.version > VERSION {
            return Err(KeptError::TooNew(self.head.version));
        }
        self.is_new = false;
        let mut at = line.len() as u64;
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            // What was cut off is written over.
            let Some(answer) = whole(&line) else { break };
            self.places.insert(answer.call, Place { at, length });
            at += length as u64;
        }
        self.file.set_len(at)?;
        self.length = at;
        Ok(())
    }

    /// The time of events that name none: the same as when the run was begun.
    pub(crate) fn time_of_events(&self) -> UnixSeconds {
        self.head.time_of_events
    }

    /// Makes sure that something is as when the run was begun.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub(crate) fn require(&mut self, name: &'static str, value: String) -> Result<(), KeptError> {
        if self.is_new {
            self.head.settings.insert(name.to_owned(), value);
            return Ok(());
        }
        match self.head.settings.get(name) {
            Some(known) if *known == value => Ok(()),
            _ => Err(KeptError::Other(name)),
        }
    }

    /// Goes on, or begins: everything is as it was.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn begin(mut self) -> Result<Kept, KeptError> {
        if self.is_new {
            let mut line = serde_json::to_vec(&self.head).map_err(io::Error::from)?;
            line.push(b'\n');
            self.file.write_all(&line)?;
            self.length = line.len() as u64;
        }
        Ok(Kept {
            path: self.path,
            begun: self.head.begun,
            earlier: self.places.len(),
            answers: Mutex::new(Answers {
                file: self.file,
                places: self.places,
                length: self.length,
                is_writable: true,
            }),
        })
    }
}

fn whole(line: &[u8]) -> Option<Answer> {
    line.ends_with(b"\n").then(|| serde_json::from_slice(line).ok())?
}

/// What the workspace has answered so far.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    begun: UnixSeconds,
    earlier: usize,
    answers: Mutex<Answers>,
}

#[derive(Debug)]
struct Answers {
    file: File,
    places: HashMap<u64, Place>,
    /// How long the file is: answers are written behind that.
    length: u64,
    is_writable: bool,
}

impl Kept {
    /// When the run was begun, and how many answers were kept then and later, before this one went on.
    pub(crate) fn earlier(&self) -> (UnixSeconds, usize) {
        (self.begun, self.earlier)
    }

    /// How many answers there are.
    pub(crate) fn answers(&self) -> usize {
        self.lock().places.len()
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a call, if it was made before. One that cannot be read is asked for again.
    pub(super) fn get(&self, call: &Call, round: Round) -> Option<Response> {
        self.lock().get(key(call, round))
    }

    /// Keeps the answer to a call, if it is one that stays.
    pub(super) fn keep(&self, call: &Call, round: Round, response: &Response) {
        let is_lasting = matches!(response.status, 200..300 | 400 | 404 | 422);
        let Ok(body) = str::from_utf8(&response.body) else {
            return;
        };
        let mut answers = self.lock();
        if !is_lasting || !answers.is_writable {
            return;
        }
        let answer = Answer {
            call: key(call, round),
            status: response.status,
            body: body.to_owned(),
        };
        if let Err(error) = answers.add(&answer) {
            answers.is_writable = false;
            note!(
                "cannot write {}: {error}; what is read from now on will be read again if this is interrupted",
                self.path.display()
            );
        }
    }

    /// Deletes the file: the run is complete, and the next one begins anew.
    ///
    /// # Errors
    ///
    /// If it cannot be deleted.
    pub(crate) fn delete(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

impl Answers {
    fn get(&mut self, key: u64) -> Option<Response> {
        let Place { at, length } = *self.places.get(&key)?;
        let mut line = vec![0; length];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut line).ok()?;
        let answer = whole(&line)?;
        Some(Response::new(answer.status, answer.body))
    }

    fn add(&mut self, answer: &Answer) -> io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&line)?;
        let (at, length) = (self.length, line.len());
        self.places.insert(answer.call, Place { at, length });
        self.length += length as u64;
        Ok(())
    }
}

/// What stands for a call.
fn key(call: &Call, round: Round) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write_u8(u8::from(round == Round::Again));
    hasher.write(call.operation.as_str().as_bytes());
    hasher.write(call.path_and_query().as_bytes());
    hasher.write_u8(0);
    hasher.write(call.body.as_ref().map_or("", |body| body.get()).as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::OperationId;

    const THEN: UnixSeconds = UnixSeconds(1_000);

    fn open(path: &Path) -> Result<Opened, KeptError> {
        Opened::open(path, THEN, THEN)
    }

    fn call(id: u32) -> Call {
        Call::new(OperationId::RetrieveContact, format!("/contacts/{id}"))
    }

    #[test]
    fn what_was_cut_off_is_asked_for_again_and_the_rest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let kept = open(&path).unwrap().begin().unwrap();
        for id in 0..3 {
            kept.keep(
                &call(id),
                Round::First,
                &Response::new(200, format!("{{\n\"id\": {id}}}")),
            );
        }
        kept.keep(&call(3), Round::First, &Response::new(401, "{}"));
        kept.keep(&call(4), Round::First, &Response::new(200, vec![0xff]));
        drop(kept);
        let text = std::fs::read(&path).unwrap();
        for cut in 0..40 {
            std::fs::write(&path, &text[..text.len() - cut]).unwrap();
            let kept = open(&path).unwrap().begin().unwrap();
            let last = kept.get(&call(2), Round::First);
            assert_eq!(
                (kept.earlier().1, last.is_some()),
                if cut == 0 { (3, true) } else { (2, false) },
                "{cut}"
            );
            kept.keep(&call(2), Round::First, &Response::new(404, "x"));
            for (id, expected) in [
                (0, (200, "{\n\"id\": 0}")),
                (1, (200, "{\n\"id\": 1}")),
                (2, (404, "x")),
            ] {
                let found = kept.get(&call(id), Round::First).unwrap();
                assert_eq!(
                    (found.status, found.body.as_slice()),
                    (expected.0, expected.1.as_bytes()),
                    "{cut}"
                );
            }
            assert!(kept.get(&call(0), Round::Again).is_none() && kept.get(&call(3), Round::First).is_none());
        }
    }

    #[test]
    fn what_is_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut opened = open(&path).unwrap();
        opened.require("--sample", "5".to_owned()).unwrap();
        assert!(
            open(&path)
                .unwrap_err()
                .to_string()
                .contains("cannot be read or written")
        );
        drop(opened.begin().unwrap());
        let mut opened = open(&path).unwrap();
        assert!(opened.require("--sample", "5".to_owned()).is_ok());
        assert!(matches!(
            opened.require("--sample", "6".to_owned()),
            Err(KeptError::Other("--sample"))
        ));
        drop(opened);
        std::fs::write(
            &path,
            r#"{"rudder-intercom verify":2,"begun":1,"time_of_events":1,"settings":{}}"#,
        )
        .unwrap();
        assert!(matches!(open(&path), Err(KeptError::TooNew(2))));
        for foreign in ["{}\n", "SQLite format 3", "\n"] {
            std::fs::write(&path, foreign).unwrap();
            assert!(matches!(open(&path), Err(KeptError::Foreign)));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
        assert!(open(folder.path()).is_err());
        #[cfg(unix)]
        assert!(matches!(open(Path::new("/dev/null")), Err(KeptError::Foreign)));
    }

    #[cfg(unix)]
    #[test]
    fn what_people_have_is_only_the_owners_to_read_and_goes_whatever_name_it_was_given() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("state"), folder.path().join("link"));
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&path, &link).unwrap();
        let kept = open(&link).unwrap().begin().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        kept.delete().unwrap();
        assert!(!path.exists());
    }
}
