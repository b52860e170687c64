//! The events in the folder `fixtures/` of the project.
//!
//! One folder a call, one file a case: `fixtures/identify/guide_identify.json` is an event as it would be sent. The
//! settings of the destination, where they matter, stand beside it in `<case>.destination.json`.

use rudderstack_to_intercom::Destination;
use std::fs;
use std::path::{Path, PathBuf};

/// What a file of settings is called, after the name of its case.
const DESTINATION: &str = ".destination.json";

/// One case: an event, and the settings under which it is converted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fixture {
    /// The folder: a call, or what else its cases have in common.
    pub folder: String,
    /// The file's name without extension.
    pub name: String,
    /// The event's text, which need not be JSON.
    pub event: String,
    /// The settings.
    pub destination: Destination,
}

/// The folder of all fixtures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Every fixture, by folder and name.
///
/// # Panics
///
/// If the folder cannot be read, or settings are not JSON, or have no event beside them.
pub fn all() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for folder in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        let files = entries(&folder);
        for file in &files {
            let name = text_of(file.file_name());
            if let Some(case) = name.strip_suffix(DESTINATION) {
                let event = folder.join(format!("{case}.json"));
                assert!(files.contains(&event), "{} has no event beside it", file.display());
            } else if let Some(case) = name.strip_suffix(".json") {
                fixtures.push(Fixture {
                    folder: text_of(folder.file_name()),
                    name: case.to_owned(),
                    event: read(file),
                    destination: destination(&folder.join(format!("{case}{DESTINATION}"))),
                });
            }
        }
    }
    assert!(!fixtures.is_empty(), "no fixtures in {}", folder().display());
    fixtures
}

/// The fixtures of one folder.
pub fn of(folder: &str) -> impl Iterator<Item = Fixture> {
    all().into_iter().filter(move |fixture| fixture.folder == folder)
}

/// One fixture.
///
/// # Panics
///
/// If there is no such fixture.
pub fn one(folder: &str, name: &str) -> Fixture {
    of(folder)
        .find(|fixture| fixture.name == name)
        .unwrap_or_else(|| panic!("no fixture {folder}/{name}.json"))
}

fn destination(path: &Path) -> Destination {
    if !path.exists() {
        return Destination::new();
    }
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| {
            entry
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
                .path()
        })
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text_of(name: Option<&std::ffi::OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}
