//! The files that a command is given must not be one and the same.

use crate::exit::Error;
use std::path::{Path, PathBuf};

/// Makes sure that no two of these name one file: writing the one would destroy the other.
///
/// Each comes with what it is called in the message. What is no regular file, such as `/dev/null`, may be named twice.
pub(crate) fn require_distinct(files: &[(&str, Option<&Path>)]) -> Result<(), Error> {
    let mut seen: Vec<(&str, PathBuf)> = Vec::with_capacity(files.len());
    for &(name, path) in files {
        let Some(place) = path.and_then(place) else { continue };
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == place) {
            return Err(Error::Usage(format!(
                "{other} and {name} are the same file, {}; give each a file of its own",
                place.display()
            )));
        }
        seen.push((name, place));
    }
    Ok(())
}

/// Where a regular file is, or would be made.
fn place(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(found) => found.is_file().then_some(found),
        Err(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        }
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
        assert!(check(Path::new("/dev/null"), Path::new("/dev/null")).is_ok());
        assert!(check(Path::new("-"), &new).is_ok());
    }
}
