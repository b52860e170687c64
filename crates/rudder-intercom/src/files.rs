//! The files that a command is given: no two are one and the same, and no two runs write to one.

use crate::exit::Error;
use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Makes sure that no two of these name one file: writing the one would destroy the other.
///
/// Each comes with what it is called in the message; `-` is whatever standard input is. What is no regular file, such as
/// `/dev/null`, may be named twice.
pub(crate) fn require_distinct(files: &[(&str, Option<&Path>)]) -> Result<(), Error> {
    let mut seen: Vec<(&str, Place)> = Vec::with_capacity(files.len());
    for &(name, path) in files {
        let Some(path) = path else { continue };
        let Some(place) = Place::of(path) else { continue };
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == place) {
            return Err(Error::Usage(format!(
                "{other} and {name} are the same file, {}; give each a file of its own",
                path.display()
            )));
        }
        seen.push((name, place));
    }
    Ok(())
}

/// Keeps other runs from writing to a file, for as long as it is open.
///
/// # Errors
///
/// If another run writes to it.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another run is writing to it; give each run a file of its own",
        )),
        // A file system without locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A regular file: what it is, if it is there, or where it would be made.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    #[cfg(unix)]
    Inode(u64, u64),
    Path(PathBuf),
}

impl Place {
    fn of(path: &Path) -> Option<Self> {
        if path.as_os_str() == "-" {
            return Self::of_stdin();
        }
        match path.canonicalize() {
            Ok(found) => Self::found(&found.metadata().ok()?, &found),
            Err(_) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
                Some(Self::Path(folder.join(path.file_name()?)))
            }
        }
    }

    /// A regular file by its number, whatever it is called.
    #[cfg(unix)]
    fn found(about: &Metadata, _: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        about.is_file().then(|| Self::Inode(about.dev(), about.ino()))
    }

    #[cfg(not(unix))]
    fn found(about: &Metadata, path: &Path) -> Option<Self> {
        about.is_file().then(|| Self::Path(path.to_owned()))
    }

    #[cfg(unix)]
    fn of_stdin() -> Option<Self> {
        use std::os::fd::AsFd as _;
        let stdin = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
        Self::found(&std::fs::File::from(stdin).metadata().ok()?, Path::new("-"))
    }

    #[cfg(not(unix))]
    fn of_stdin() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        std::fs::write(&input, "x").unwrap();
        let again = folder
            .path()
            .join("..")
            .join(folder.path().file_name().unwrap())
            .join("input");
        let new = folder.path().join("new");
        let check =
            |a: &Path, b: &Path| require_distinct(&[("the input", Some(a)), ("--journal", None), ("--html", Some(b))]);
        assert!(check(&input, &new).is_ok());
        assert!(check(&input, &again).is_err());
        assert!(check(&new, &new).is_err());
        let linked = folder.path().join("linked");
        std::fs::hard_link(&input, &linked).unwrap();
        assert!(check(&input, &linked).is_err());
        assert!(check(Path::new("/dev/null"), Path::new("/dev/null")).is_ok());
        assert!(check(Path::new("-"), &new).is_ok());
    }
}
