//! Opens a file or standard input, compressed or not.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
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

impl Source {
    /// Opens it, and takes gzip or zstd away, which is known by its first bytes.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Stdin => decompress(Box::new(io::stdin())),
            Self::File(path) => {
                let file = File::open(path)?;
                if file.metadata()?.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                decompress(Box::new(file))
            }
        }
    }
}

fn decompress(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut start)?;
    let gzip = start.starts_with(&[0x1f, 0x8b]);
    let zstd = match start[..] {
        [0x28, 0xb5, 0x2f, 0xfd] => true,
        // A frame to be skipped, which some tools write first.
        [low, 0x2a, 0x4d, 0x18] => low & 0xf0 == 0x50,
        _ => false,
    };
    let whole = Cursor::new(start).chain(reader);
    Ok(if gzip {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else if zstd {
        Box::new(zstd::stream::read::Decoder::new(whole)?)
    } else {
        Box::new(whole)
    })
}
