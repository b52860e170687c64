//! What people who import the crates would write: the programs in `tests/importers`, and the examples of the crates.

use crate::project;
use std::fs;
use std::process::{Command, ExitCode};

/// The crate of the programs. It is no member of the workspace, because nobody who imports the crates is.
const PROGRAMS: &str = "tests/importers/Cargo.toml";

pub(crate) fn run() -> ExitCode {
    project::end(check())
}

fn check() -> Result<String, String> {
    let target = project::target().join("importers");
    let mut test = project::cargo();
    // Its lock file is one more that goes stale when a crate gets another dependency.
    test.args(["test", "--quiet", "--locked", "--manifest-path", PROGRAMS]);
    succeed(test.env("CARGO_TARGET_DIR", &target), PROGRAMS)?;
    // It is as large as all else that is built, and needed once.
    fs::remove_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;

    let mut build = project::cargo();
    succeed(
        build.args(["build", "--quiet", "--workspace", "--examples"]),
        "the examples",
    )?;
    let examples = examples().map_err(|error| format!("the examples: {error}"))?;
    let folder = target.with_file_name("debug").join("examples");
    for name in &examples {
        println!("── {name}");
        succeed(&mut Command::new(folder.join(name)), name)?;
    }
    Ok(format!(
        "the programs of importers work, and {} examples run",
        examples.len()
    ))
}

/// The examples of the library crates, but those that want arguments.
fn examples() -> std::io::Result<Vec<String>> {
    let crates = project::root().join("crates");
    let files = project::files(&crates, "rs")?;
    // Not those of a test that has a folder of this name.
    let is_example = |path: &&std::path::PathBuf| {
        path.parent()
            .is_some_and(|folder| folder.ends_with("examples") && folder.ancestors().nth(2) == Some(crates.as_path()))
            && path.file_stem().is_some_and(|name| name != "load")
    };
    let name = |path: &std::path::PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
    Ok(files.iter().filter(is_example).filter_map(name).collect())
}

fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: ended with {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}
