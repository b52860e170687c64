//! A copy of the project, to be changed and built.

use crate::project;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the copy's folder.
const COPY: &str = "copy";

/// What the copy leaves out.
const LEFT_OUT: &[&str] = &[".git", "target", "node_modules", "corpus", "artifacts"];

/// Copies the project into a folder of its own below `workspace`, which is emptied before. Says where it is.
pub(crate) fn make(workspace: &Path) -> Result<PathBuf, String> {
    let copy = workspace.join(COPY);
    if workspace.exists() {
        fs::remove_dir_all(workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
    }
    copy_folder(project::root(), &copy).map_err(|error| format!("the copy: {error}"))?;
    move_workspace(&copy, workspace).map_err(|error| format!("the copy's workspace: {error}"))?;
    Ok(copy)
}

/// Puts the copy's manifest a folder higher. Cargo tells the crates of a workspace from those of another by where they are
/// in it; so both can be built in one target folder, and dependencies are not built twice.
fn move_workspace(copy: &Path, workspace: &Path) -> std::io::Result<()> {
    let manifest = fs::read_to_string(copy.join("Cargo.toml"))?;
    let manifest = manifest
        .replace("\"crates/", &format!("\"{COPY}/crates/"))
        .replace("\"xtask\"", &format!("\"{COPY}/xtask\""));
    fs::write(workspace.join("Cargo.toml"), manifest)?;
    fs::remove_file(copy.join("Cargo.toml"))?;
    fs::rename(copy.join("Cargo.lock"), workspace.join("Cargo.lock"))
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if LEFT_OUT.iter().any(|left_out| name == OsStr::new(left_out)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// A cargo command on a copy. What it builds lies with the project's own, so that dependencies are built once.
pub(crate) fn cargo(copy: &Path, arguments: &[&str]) -> Command {
    let mut cargo = project::cargo();
    cargo
        .current_dir(copy)
        .args(arguments)
        .env("CARGO_TARGET_DIR", project::root().join("target"));
    cargo
}
