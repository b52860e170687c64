//! Whether the Rust that each published crate says it needs is one that its dependencies, as they are by default, do with.

use crate::project;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// A version of Rust, such as 1.88.
type Version = (u32, u32);

pub(crate) fn run() -> ExitCode {
    project::end(check())
}

fn check() -> Result<String, String> {
    let metadata = output(&["metadata", "--format-version", "1"])?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let needed: BTreeMap<String, Version> = packages().filter_map(needed).collect();
    // Those of the workspace come from nowhere, and what is not published has an empty list of registries.
    let published = packages().filter(|package| package["source"].is_null() && package["publish"].is_null());
    let published: Vec<&str> = published.filter_map(|package| package["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in &published {
        let tree = output(&[
            "tree",
            "--package",
            package,
            "--edges",
            "normal,build",
            "--target",
            "all",
            "--prefix",
            "none",
        ])?;
        let mut names = tree.lines().filter_map(name);
        let own = names.next().and_then(|name| needed.get(&name).copied());
        let own = own.ok_or_else(|| format!("{package} does not say which Rust it needs"))?;
        for name in names {
            if let Some((major, minor)) = needed.get(&name).filter(|needed| **needed > own) {
                wrong.push(format!(
                    "{package} says {}.{}, and {name} needs {major}.{minor}",
                    own.0, own.1
                ));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    if wrong.is_empty() {
        Ok(format!(
            "the dependencies of {} crates do with the Rust that those say",
            published.len()
        ))
    } else {
        Err(wrong.join("\n"))
    }
}

/// A package by name and version, and the Rust that it says it needs.
fn needed(package: &serde_json::Value) -> Option<(String, Version)> {
    let mut parts = package["rust_version"].as_str()?.split('.').map(str::parse);
    let version = (parts.next()?.ok()?, parts.next().unwrap_or(Ok(0)).ok()?);
    Some((
        format!("{} {}", package["name"].as_str()?, package["version"].as_str()?),
        version,
    ))
}

/// The name and version on a line of `cargo tree`: `serde v1.0.229 (proc-macro)`.
fn name(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
}

fn output(arguments: &[&str]) -> Result<String, String> {
    let output = project::cargo().args(arguments).output();
    let output = output.map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo {}: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("cargo {}: no text", arguments[0]))
}
