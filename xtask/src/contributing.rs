//! Carries out the worked example of `CONTRIBUTING.md` on a copy of the project.

use crate::project;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// The name of the copy's folder.
const COPY: &str = "copy";

/// What the copy leaves out.
const LEFT_OUT: &[&str] = &[".git", "target", "node_modules", "corpus", "artifacts"];

pub(crate) fn run() -> ExitCode {
    let wrong = |reason| format!("the example of CONTRIBUTING.md does not work: {reason}");
    let done = carry_out().map_err(wrong);
    project::end(done.map(|()| "the example of CONTRIBUTING.md works".to_owned()))
}

fn carry_out() -> Result<(), String> {
    let page = project::root().join("CONTRIBUTING.md");
    let page = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let workspace = project::root().join("target").join("contributing");
    let copy = workspace.join(COPY);
    if workspace.exists() {
        fs::remove_dir_all(&workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
    }
    copy_folder(project::root(), &copy).map_err(|error| format!("the copy: {error}"))?;
    move_workspace(&copy, &workspace).map_err(|error| format!("the copy's workspace: {error}"))?;
    for diff in blocks(&page, "diff") {
        apply(&copy, &diff)?;
    }
    // The example's own commands: nothing is missing, and the snapshot is the one that the page shows.
    xtask(&copy, &["coverage-of-rules"])?;
    xtask(&copy, &["snapshots"])?;
    xtask(&copy, &["docs"])?;
    xtask(&copy, &["api", "intercom-api"])?;
    // The properties of all rules hold for the new one.
    cargo(
        &copy,
        &["test", "--quiet", "--tests", "--package", "test-support", "precedence"],
    )?;
    let written = "crates/test-support/tests/it/snapshots/identify/language_override_from_traits_language.snap";
    let snapshot = fs::read_to_string(copy.join(written)).map_err(|error| format!("{written}: {error}"))?;
    for shown in blocks(&page, "yaml") {
        if !snapshot.contains(&shown) {
            return Err(format!(
                "the snapshot does not hold what the page shows:\n{shown}\nbut:\n{snapshot}"
            ));
        }
    }
    let mapping = "crates/rudderstack-to-intercom/MAPPING.md";
    let reference = fs::read_to_string(copy.join(mapping)).map_err(|error| format!("{mapping}: {error}"))?;
    if !reference.contains("`language_override` | `traits.language`<br>`context.traits.language`") {
        return Err("the reference has no line for the trait".to_owned());
    }
    let api = "crates/intercom-api/API.txt";
    let public = fs::read_to_string(copy.join(api)).map_err(|error| format!("{api}: {error}"))?;
    if !public.contains("::ContactFields::language_override: ") {
        return Err("the public API has no line for the model's field".to_owned());
    }
    fs::remove_dir_all(&workspace).map_err(|error| format!("{}: {error}", workspace.display()))
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

/// The contents of the page's code blocks in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = page.split(&fence).skip(1);
    starts
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect()
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

fn apply(copy: &Path, diff: &str) -> Result<(), String> {
    let mut git = Command::new("git")
        .args(["apply", "--unidiff-zero", "-"])
        .current_dir(copy)
        // The copy is no part of the repository that it lies in.
        .env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy))
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("git: {error}"))?;
    if let Some(stdin) = &mut git.stdin {
        stdin
            .write_all(diff.as_bytes())
            .map_err(|error| format!("git: {error}"))?;
    }
    let status = git.wait().map_err(|error| format!("git: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("this diff does not apply:\n{diff}"))
    }
}

/// Runs a chore of the copy.
fn xtask(copy: &Path, arguments: &[&str]) -> Result<(), String> {
    cargo(
        copy,
        &[&["run", "--quiet", "--package", "xtask", "--"], arguments].concat(),
    )
}

fn cargo(copy: &Path, arguments: &[&str]) -> Result<(), String> {
    let status = project::cargo()
        .current_dir(copy)
        .args(arguments)
        .env("CARGO_TARGET_DIR", project::root().join("target"))
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo {} fails", arguments.join(" ")))
    }
}
