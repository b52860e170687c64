//! Where events come from, as an argument.

use crate::exit::Error;
use crate::input::{Opened, Source};
use crate::print::note;
use crate::values::{Size, parser};
use clap::{Args, ValueHint};
use std::io::IsTerminal as _;
use std::path::PathBuf;

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
        source.open().map_err(|source| Error::Open {
            path: self.file.clone(),
            source,
        })
    }

    /// The file, as it was given.
    pub(super) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// How long a record may be.
    pub(super) fn limit(&self) -> usize {
        self.max_event_bytes
    }
}
