//! Whether what the library crates have public still fits who imports them: against the last tag, or a revision.

use crate::project::{self, LIBRARIES};
use std::env::consts::EXE_SUFFIX;
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to compare with; without it, the last tag, if there is one
    #[arg(long, value_name = "REVISION")]
    baseline: Option<String>,
    /// Further arguments of `cargo semver-checks`, such as `--release-type minor`
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(check(options))
}

fn check(options: &Options) -> Result<String, String> {
    let Some(baseline) = options.baseline.clone().or_else(last_tag) else {
        return Ok(
            "there is no tag yet, so nobody builds upon this; to compare with a revision: --baseline REVISION"
                .to_owned(),
        );
    };
    let mut command = tool()?;
    command.args(["semver-checks", "--baseline-rev", &baseline]);
    for package in LIBRARIES {
        command.args(["--package", package]);
    }
    match command.args(&options.arguments).status() {
        Ok(status) if status.success() => Ok(format!("who builds upon {baseline} builds upon this as well")),
        Ok(status) => Err(format!(
            "cargo semver-checks ended with {status}: who builds upon {baseline} has to change, as it says"
        )),
        Err(error) => Err(format!("cargo semver-checks cannot be run: {error}")),
    }
}

/// cargo-semver-checks: the one that is there, or one that is built below `target`, which takes minutes.
fn tool() -> Result<Command, String> {
    let there = project::cargo().args(["semver-checks", "--version"]).output();
    if there.is_ok_and(|output| output.status.success()) {
        return Ok(project::cargo());
    }
    let folder = project::target().join("semver-checks-tool");
    let program = folder.join("bin").join(format!("cargo-semver-checks{EXE_SUFFIX}"));
    if !program.is_file() {
        println!(
            "cargo-semver-checks is not there, and is built below {}",
            project::shown(&folder)
        );
        let mut install = project::cargo();
        install.args(["install", "--quiet", "--locked", "cargo-semver-checks", "--root"]);
        match install.arg(&folder).status() {
            Ok(status) if status.success() => {}
            _ => return Err("install it: cargo install --locked cargo-semver-checks".to_owned()),
        }
    }
    let mut command = Command::new(program);
    command.current_dir(project::root());
    Ok(command)
}

fn last_tag() -> Option<String> {
    let described = Command::new("git")
        .args(["describe", "--tags", "--abbrev=0"])
        .current_dir(project::root())
        .output()
        .ok()?;
    let tag = String::from_utf8(described.stdout).ok()?;
    (described.status.success() && !tag.trim().is_empty()).then(|| tag.trim().to_owned())
}
