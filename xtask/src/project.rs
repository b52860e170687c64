//! Where the project's files are, and how its commands are run.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The crates that others build on.
pub(crate) const LIBRARIES: [&str; 9] = [
    "exact-json",
    "rudderstack-events",
    "intercom-api",
    "rudderstack-to-intercom",
    "intercom-delivery",
    "intercom-sandbox",
    "event-store",
    "intercom-transformer",
    "rudder-gateway",
];

/// The project's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies in the project's folder")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    // One that is relative is so to where cargo runs, which is the project's folder.
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

/// The program, as it is built with this profile.
pub(crate) fn program(profile: &str) -> PathBuf {
    target().join(profile).join(format!("rudder-intercom{EXE_SUFFIX}"))
}

/// The same cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // What this package is called and where it lies is none of the build's business: build scripts that look at it would run
    // again each time that cargo is called by another way.
    for (name, _) in std::env::vars_os() {
        let is_own = |name: &str| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_");
        if name.to_str().is_some_and(is_own) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Where a chore writes, as an argument.
#[derive(clap::Args)]
pub(crate) struct Output {
    /// The folder to write into, instead of the one below target
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Output {
    /// The folder: without the argument, that of this name below `target`.
    pub(crate) fn or(&self, name: &str) -> PathBuf {
        let given = self.folder.clone();
        given.unwrap_or_else(|| root().join("target").join(name))
    }
}

/// Every file below `folder` with this extension, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path as it is written in messages: below the project's folder.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Prints what came of a chore, and gives the code that the program ends with.
pub(crate) fn end(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines a file may have.
    const LONGEST: usize = 500;

    #[test]
    fn no_file_is_too_long() {
        let folders = ["crates", "xtask"].map(|folder| root().join(folder));
        let files = folders.iter().flat_map(|folder| files(folder, "rs").unwrap());
        let mut too_long = Vec::new();
        for file in files.filter(|file| !file.iter().any(|part| part == "target")) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > LONGEST {
                too_long.push(format!("{}: {lines} lines", file.display()));
            }
        }
        assert!(too_long.is_empty(), "{}", too_long.join("\n"));
    }
}
