//! The insta snapshots: rewritten, or checked.
//!
//! A test that compares with a snapshot has `snapshot` in its path, so that this command can run those tests and no
//! others. A snapshot that none of them asks for is an orphan.

use crate::project;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What brings stale snapshots up to date.
const UPDATE: &str = "cargo xtask snapshots";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Changes nothing, and fails if a snapshot is stale or has no test any more
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(if options.check { check() } else { rewrite() })
}

fn rewrite() -> Result<String, String> {
    let references = run_tests(&[("INSTA_UPDATE", "force"), ("INSTA_OUTPUT", "none")])?
        .ok_or_else(|| "a test that takes snapshots does not run; its message is above".to_owned())?;
    let orphans = orphans(&references)?;
    for orphan in &orphans {
        fs::remove_file(orphan).map_err(|error| format!("{}: {error}", project::shown(orphan)))?;
        println!("removed {}", project::shown(orphan));
    }
    Ok(format!("{} snapshots written", references.len()))
}

fn check() -> Result<String, String> {
    let references = run_tests(&[("INSTA_UPDATE", "no"), ("INSTA_REQUIRE_FULL_MATCH", "1")])?
        .ok_or_else(|| format!("snapshots are stale; what differs is above. `{UPDATE}` accepts it"))?;
    let orphans: Vec<_> = orphans(&references)?.iter().map(|path| project::shown(path)).collect();
    if orphans.is_empty() {
        Ok(format!("{} snapshots are current", references.len()))
    } else {
        Err(format!(
            "no test asks for these snapshots any more; `{UPDATE}` removes them:\n  {}",
            orphans.join("\n  ")
        ))
    }
}

/// Runs the tests that take snapshots. Gives the snapshots that were asked for; `None` if a test failed.
fn run_tests(environment: &[(&str, &str)]) -> Result<Option<HashSet<PathBuf>>, String> {
    let list = std::env::temp_dir().join(format!("snapshot-references-{}", std::process::id()));
    let result = run_tests_into(&list, environment);
    // It is not there if no test got so far.
    let _ = fs::remove_file(&list);
    result
}

fn run_tests_into(list: &Path, environment: &[(&str, &str)]) -> Result<Option<HashSet<PathBuf>>, String> {
    let mut test = project::cargo();
    test.args(["test", "--quiet", "--tests"]);
    for package in packages()? {
        test.arg("--package").arg(package);
    }
    test.args(["--", "snapshot"])
        .env_remove("INSTA_FORCE_PASS")
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", list)
        .envs(environment.iter().copied());
    let status = test.status().map_err(|error| format!("cargo test: {error}"))?;
    if !status.success() {
        return Ok(None);
    }
    let list = fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
    let paths = list.lines().filter_map(|line| fs::canonicalize(line).ok());
    Ok(Some(paths.collect()))
}

/// The packages whose tests use insta.
fn packages() -> Result<Vec<String>, String> {
    let manifests = project::files(&project::root().join("crates"), "toml").map_err(|error| error.to_string())?;
    let mut packages = Vec::new();
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        let folder = manifest.parent().and_then(|folder| folder.file_name());
        let is_insta = |line: &str| ["insta ", "insta."].iter().any(|start| line.starts_with(start));
        if let (true, Some(name)) = (text.lines().any(is_insta), folder) {
            packages.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(packages)
}

fn orphans(references: &HashSet<PathBuf>) -> Result<Vec<PathBuf>, String> {
    let mut snapshots = project::files(&project::root().join("crates"), "snap").map_err(|error| error.to_string())?;
    snapshots.retain(|path| fs::canonicalize(path).is_ok_and(|path| !references.contains(&path)));
    Ok(snapshots)
}
