//! Where events come from, as an argument.

use crate::exit::Error;
use crate::input::{Opened, Position, Source};
use crate::print::note;
use crate::values::{Size, parser};
use clap::{Args, ValueHint};
use intercom_api::UnixSeconds;
use std::fs::Metadata;
use std::io::{Cursor, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// The arguments of every command that reads events: where they are, and how long one may be.
#[derive(Clone, Debug, Args)]
pub(super) struct Input {
    /// The file with the events, or - for standard input.
    #[arg(value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The longest event, batch or captured request that is accepted, such as 512KiB or 8MB.
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = parser::<Size, usize>())]
    max_event_bytes: usize,
}

impl Input {
    /// Opens the input.
    pub(super) fn open(&self) -> Result<Opened, Error> {
        let source = Source::from(self.file.as_path());
        if source == Source::Stdin && std::io::stdin().is_terminal() {
            note!("reading events from the terminal; end with Ctrl-D");
        }
        source.open().map_err(Error::open(&self.file))
    }

    /// The file, as it was given.
    pub(super) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// When the file was written, but not in the future; now, if it is none: the time of events that name none, which is
    /// the same when they are read again.
    pub(super) fn written_at(&self) -> UnixSeconds {
        let file = self.file.metadata().ok().filter(Metadata::is_file);
        let written = file.and_then(|file| file.modified().ok());
        let written = written.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let written = written.and_then(|at| i64::try_from(at.as_secs()).ok());
        let now = crate::convert::now();
        written.map_or(now, |at| now.min(UnixSeconds(at)))
    }

    /// Opens the input to be read more than once: what is no file is kept in memory.
    pub(super) fn open_again_and_again(&self) -> Result<Again, Error> {
        if self.file.metadata().is_ok_and(|about| about.is_file()) {
            return Ok(Again::File(self.clone()));
        }
        let cannot = Error::open(&self.file);
        let mut text = Vec::new();
        self.open()?.reader.read_to_end(&mut text).map_err(cannot)?;
        Ok(Again::Memory(text.into()))
    }

    /// How long a record may be.
    pub(super) fn limit(&self) -> usize {
        self.max_event_bytes
    }
}

/// An input that can be opened more than once.
#[derive(Debug)]
pub(super) enum Again {
    /// A file.
    File(Input),
    /// What standard input has held, not compressed.
    Memory(Arc<[u8]>),
}

impl Again {
    /// Opens it from the beginning.
    pub(super) fn open(&self) -> Result<Opened, Error> {
        match self {
            Self::File(input) => input.open(),
            Self::Memory(text) => Ok(Opened {
                reader: Box::new(Cursor::new(Arc::clone(text))),
                position: Position::default(),
            }),
        }
    }
}
