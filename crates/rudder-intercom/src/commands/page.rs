//! Reports that are written as pages.

use crate::exit::Error;
use crate::print::note;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// A page that is to be written: created now rather than after an hour's work.
pub(super) struct Page {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Page {
    /// Creates the file.
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file = File::create(&path).map_err(Error::write(&path))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file })
    }

    /// Writes it by `write`, which is given what the input is called, and says so.
    pub(super) fn write(
        mut self,
        input: &Path,
        write: impl FnOnce(&str, &mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let input = if input == Path::new("-") {
            "standard input".into()
        } else {
            input.to_string_lossy()
        };
        let written = write(&input, &mut self.file).and_then(|()| self.file.flush());
        written.map_err(Error::write(&self.path))?;
        note!("wrote {}", self.path.display());
        Ok(())
    }
}
