//! Carries out the worked example of `CONTRIBUTING.md` on a copy of the project.

use crate::{copy, project};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

pub(crate) fn run() -> ExitCode {
    let wrong = |reason| format!("the example of CONTRIBUTING.md does not work: {reason}");
    let done = carry_out().map_err(wrong);
    project::end(done.map(|()| "the example of CONTRIBUTING.md works".to_owned()))
}

fn carry_out() -> Result<(), String> {
    let page = project::root().join("CONTRIBUTING.md");
    let page = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let workspace = project::root().join("target").join("contributing");
    let copy = copy::make(&workspace)?;
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

/// The contents of the page's code blocks in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let starts = page.split(&fence).skip(1);
    starts
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect()
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
    let status = copy::cargo(copy, arguments)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo {} fails", arguments.join(" ")))
    }
}
