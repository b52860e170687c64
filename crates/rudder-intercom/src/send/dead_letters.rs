//! Events that failed, kept so that they can be sent again.

use super::prepare::fingerprint;
use crate::files::lock;
use intercom_delivery::journal::DeadLetterId;
use intercom_delivery::{FailureRecord, Superseded};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// How many bytes of lines are written at a time.
const WRITE: usize = 64 * 1024;
/// How long the first line may be for its version to be looked at.
const FIRST_LINE: u64 = 16 * 1024 * 1024;

/// Which dead letter a record is; none if it has no event.
pub(super) fn dead_letter_id(record: &FailureRecord) -> Option<DeadLetterId> {
    Some(DeadLetterId {
        line: record.line?,
        fingerprint: fingerprint(record.event.as_ref()?.get().as_bytes()),
    })
}

/// A file of dead letters: one JSON object a line, which `send` takes as input. No other run can write to it meanwhile.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    path: PathBuf,
    /// What the path leads to.
    real_path: PathBuf,
    file: File,
    /// How long the file is, if it is a regular one.
    length: Option<u64>,
    /// Those of a run that was killed before it could record what it had written: they need not be written again.
    unrecorded: BTreeSet<DeadLetterId>,
    /// Whole lines that are not in the file yet.
    lines: Vec<u8>,
    unsynced: bool,
}

impl DeadLetters {
    /// Opens the file, to write behind what it holds already.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made, or another run writes to it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut dead_letters = Self {
            path: path.to_owned(),
            real_path: path.to_owned(),
            file: open_locked(path)?,
            length: None,
            unrecorded: BTreeSet::new(),
            lines: Vec::new(),
            unsynced: false,
        };
        let metadata = dead_letters.file.metadata()?;
        if metadata.is_file() {
            dead_letters.real_path = path.canonicalize()?;
            dead_letters.length = Some(metadata.len());
            require_known_version(path)?;
            if ends_inside_a_line(path)? {
                // The machine went down while it was written.
                dead_letters.lines.push(b'\n');
            }
        }
        Ok(dead_letters)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file is, by whatever name it was given.
    pub(crate) fn real_path(&self) -> &Path {
        &self.real_path
    }

    /// How long the file is, once all dead letters that it was given are in it, and recorded: none as long as some are not, or
    /// if it is no regular file.
    pub(super) fn recorded_length(&self) -> Option<u64> {
        self.length.filter(|_| self.unrecorded.is_empty())
    }

    /// Reads what a run that was killed has written behind the first `recorded` bytes, so that it is not written once more, and
    /// cuts off what it has not written to its end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or cut.
    pub(crate) fn look_behind(&mut self, recorded: u64) -> io::Result<()> {
        if self.length.is_none_or(|length| length <= recorded) {
            return Ok(());
        }
        let mut file = BufReader::new(File::open(&self.real_path)?);
        let (mut end, mut line) = (file.seek(SeekFrom::Start(recorded))?, Vec::new());
        loop {
            line.clear();
            let read = file.read_until(b'\n', &mut line)? as u64;
            if !line.ends_with(b"\n") {
                break;
            }
            end += read;
            let record = serde_json::from_slice::<FailureRecord>(&line).ok();
            self.unrecorded.extend(record.as_ref().and_then(dead_letter_id));
        }
        if self.length != Some(end) {
            self.file.set_len(end)?;
            self.length = Some(end);
            self.lines.clear();
        }
        Ok(())
    }

    /// Adds an event that failed.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn add(&mut self, record: &FailureRecord) -> io::Result<()> {
        if !self.unrecorded.is_empty() && dead_letter_id(record).is_some_and(|id| self.unrecorded.remove(&id)) {
            return Ok(());
        }
        let mut record = record.clone();
        record.version = Some(FailureRecord::VERSION);
        serde_json::to_writer(&mut self.lines, &record)?;
        self.lines.push(b'\n');
        if self.lines.len() >= WRITE {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Makes sure that what was added outlasts a power cut.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !self.lines.is_empty() {
            self.write()?;
        }
        if std::mem::take(&mut self.unsynced) {
            match self.file.sync_data() {
                // What is no file on a disk cannot be synced.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Adds to dead letters what later events have written since: the file is replaced by one that says so.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or another cannot be written beside it.
    pub(super) fn amend(&mut self, superseded: &BTreeMap<DeadLetterId, &Superseded>) -> io::Result<()> {
        self.sync()?;
        if superseded.is_empty() || self.length.is_none() {
            return Ok(());
        }
        // What a link leads to is replaced, not the link.
        let mut beside = self.real_path.clone().into_os_string();
        beside.push(".new");
        let new = File::create(&beside)?;
        new.set_permissions(self.file.metadata()?.permissions())?;
        let mut out = BufWriter::new(&new);
        for line in BufReader::new(File::open(&self.real_path)?).split(b'\n') {
            let line = line?;
            let record = serde_json::from_slice::<FailureRecord>(&line).ok();
            let news = record
                .as_ref()
                .and_then(dead_letter_id)
                .and_then(|dead_letter| superseded.get(&dead_letter));
            match (record, news) {
                (Some(mut record), Some(news)) => {
                    record.superseded = Some(Box::new(Superseded::clone(news)));
                    serde_json::to_writer(&mut out, &record)?;
                }
                _ => out.write_all(&line)?,
            }
            out.write_all(b"\n")?;
        }
        out.flush()?;
        drop(out);
        new.sync_data()?;
        fs::rename(beside, &self.real_path)?;
        self.length = Some(new.metadata()?.len());
        Ok(())
    }

    /// All has been tried: what a run that was killed could not record does not come again.
    pub(super) fn all_is_recorded(&mut self) {
        self.unrecorded.clear();
    }

    /// Writes whole lines only.
    fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.lines)?;
        self.length = self.length.map(|length| length + self.lines.len() as u64);
        self.lines.clear();
        self.unsynced = true;
        Ok(())
    }
}

/// Opens a file that nobody else writes to meanwhile.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let found = file.metadata()?;
        // A device or a pipe can be shared.
        if !found.is_file() {
            return Ok(file);
        }
        lock(&file)?;
        // A run that has just ended may have put another in its place.
        match fs::metadata(path) {
            Ok(now) if is_same(&found, &now) => return Ok(file),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(unix)]
fn is_same(file: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (file.dev(), file.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

/// Refuses a file that a newer release has written, so that no file is of two formats: the first line tells.
fn require_known_version(path: &Path) -> io::Result<()> {
    let mut first = String::new();
    let line = BufReader::new(File::open(path)?).take(FIRST_LINE).read_line(&mut first);
    // What is not even text is no dead letter, or one that was cut off.
    let record = line
        .ok()
        .and_then(|_| serde_json::from_str::<FailureRecord>(&first).ok());
    match record.and_then(|record| record.version) {
        Some(version) if version > FailureRecord::VERSION => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "it was written by a newer release of this program (version {version}, and this one reads up to {})",
                FailureRecord::VERSION
            ),
        )),
        _ => Ok(()),
    }
}

fn ends_inside_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
