//! Opens a file or standard input, compressed or not.

use super::foreign::{self, Foreign};
use super::zstd::Frames;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<&Path> for Source {
    /// `-` is standard input.
    fn from(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path.to_owned())
        }
    }
}

/// An input that has been opened.
pub(crate) struct Opened {
    /// What it holds, not compressed.
    pub(crate) reader: Box<dyn Read + Send>,
    /// How far it has been read.
    pub(crate) position: Position,
}

exact_json::debug_shows! { Opened { position, .. } }

/// How far an input has been read. Clones follow the same input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Position {
    /// How many bytes have been read, compressed as they are.
    pub(crate) fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// How many bytes there are, if that is known.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Counts what is read.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Source {
    /// Opens it, and takes gzip or zstd away, which is known by its first bytes.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read.
    pub(crate) fn open(&self) -> io::Result<Opened> {
        let mut position = Position::default();
        let reader: Box<dyn Read + Send> = match self {
            Self::Stdin => Box::new(io::stdin()),
            Self::File(path) => {
                let file = File::open(path)?;
                let about = file.metadata()?;
                if about.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                position.total = about.is_file().then_some(about.len());
                Box::new(file)
            }
        };
        let counted = Counted(reader, Arc::clone(&position.read));
        Ok(Opened {
            reader: decompress(Box::new(counted))?,
            position,
        })
    }
}

fn decompress(reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let (start, whole) = begin(reader)?;
    let gzip = start.starts_with(&[0x1f, 0x8b]);
    let zstd = match start[..] {
        [0x28, 0xb5, 0x2f, 0xfd] => true,
        // A frame to be skipped, which some tools write first.
        [low, 0x2a, 0x4d, 0x18] => low & 0xf0 == 0x50,
        _ => false,
    };
    let inner: Box<dyn Read + Send> = if gzip {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if zstd {
        Box::new(Frames::new(whole))
    } else {
        return Ok(whole);
    };
    let (_, inner) = begin(inner)?;
    Ok(inner)
}

/// Looks how it begins, no further than it takes, and refuses what is of another kind. Gives the first four bytes, and all.
fn begin(mut reader: Box<dyn Read + Send>) -> io::Result<([u8; 4], Box<dyn Read + Send>)> {
    let mut start = Vec::with_capacity(4);
    let mut upto = |start: &mut Vec<u8>, length: usize| {
        let more = length.saturating_sub(start.len()) as u64;
        reader.by_ref().take(more).read_to_end(start)
    };
    upto(&mut start, 4)?;
    let mut known = Foreign::by_first(&start);
    if Foreign::needs_more(&start) {
        upto(&mut start, foreign::ENOUGH)?;
        known = Foreign::by_more(&start);
    }
    if let Some(foreign) = known {
        return Err(io::Error::new(io::ErrorKind::InvalidData, foreign));
    }
    let mut first = [0; 4];
    let length = start.len().min(4);
    first[..length].copy_from_slice(&start[..length]);
    Ok((first, Box::new(Cursor::new(start).chain(reader))))
}
