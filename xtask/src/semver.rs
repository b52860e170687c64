//! Whether what the library crates have public still fits who imports them: against the last tag, or a revision.

use crate::project::{self, LIBRARIES};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to compare with; without it, the last tag
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
    let baseline = match &options.baseline {
        Some(revision) => revision.clone(),
        None => last_tag().ok_or("there is no tag yet: name what to compare with, as --baseline REVISION")?,
    };
    let mut command = project::cargo();
    command.args(["semver-checks", "--baseline-rev", &baseline]);
    for package in LIBRARIES {
        command.args(["--package", package]);
    }
    match command.args(&options.arguments).status() {
        Ok(status) if status.success() => Ok(format!("who builds upon {baseline} builds upon this as well")),
        Ok(status) => Err(format!(
            "cargo semver-checks ended with {status}; to install it: cargo install --locked cargo-semver-checks"
        )),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    }
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
