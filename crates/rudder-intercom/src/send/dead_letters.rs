//! Events that failed, kept so that they can be sent again.

use intercom_delivery::Failed;
use serde::Serialize;
use serde_json::value::RawValue;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A file of dead letters: one JSON object a line, which `send` takes as input.
#[derive(Debug)]
pub struct DeadLetters {
    file: BufWriter<File>,
    unsynced: bool,
}

/// One of them.
#[derive(Serialize)]
struct DeadLetter<'a> {
    event: &'a RawValue,
    code: &'a str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intercom_code: Option<&'a str>,
    request_id: Option<&'a str>,
    attempts: u32,
    line: u64,
}

impl DeadLetters {
    /// Opens the file, to write behind what it holds already.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut file_ends_inside_a_line = false;
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            file_ends_inside_a_line = last != *b"\n";
        }
        let mut file = BufWriter::new(file);
        if file_ends_inside_a_line {
            // The machine went down while it was written.
            file.write_all(b"\n")?;
        }
        Ok(Self { file, unsynced: false })
    }

    /// Adds an event that failed, with its text and line.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&mut self, event: &str, line: u64, failed: &Failed) -> io::Result<()> {
        let letter = DeadLetter {
            event: serde_json::from_str(event)?,
            code: failed.code.as_str(),
            reason: failed.to_string(),
            operation: failed.operation.map(intercom_api::OperationId::as_str),
            status: failed.status,
            intercom_code: failed.intercom_code.as_deref(),
            request_id: failed.request_id.as_deref(),
            attempts: failed.attempts,
            line,
        };
        serde_json::to_writer(&mut self.file, &letter)?;
        self.unsynced = true;
        self.file.write_all(b"\n")
    }

    /// Makes sure that what was added outlasts a power cut.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced) {
            self.file.flush()?;
            self.file.get_ref().sync_data()?;
        }
        Ok(())
    }
}
