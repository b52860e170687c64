//! Whether the pure crates are pure: no runtime, no clock, no network in their dependency tree, and built for wasm32.

use crate::project;
use std::process::{Command, ExitCode, Stdio};

/// The crates that must be pure.
const PURE: [&str; 3] = ["rudderstack-events", "intercom-api", "rudderstack-to-intercom"];

/// What they must not depend on, directly or not.
const BANNED: [&str; 8] = [
    "tokio",
    "hyper",
    "reqwest",
    "mio",
    "async-std",
    "iana-time-zone",
    "getrandom",
    "rand",
];

/// The features of chrono that read a clock.
const CLOCKS: [&str; 2] = ["clock", "now"];

const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn run() -> ExitCode {
    project::end(check())
}

fn check() -> Result<String, String> {
    for package in PURE {
        let tree = tree(package)?;
        if let Some(fault) = fault(&tree) {
            return Err(format!(
                "{package} is not pure: {fault}; `cargo tree -p {package} -i <crate>` shows by what way"
            ));
        }
    }
    if !target_is_there() {
        return Err(format!(
            "the dependency trees are pure, but {TARGET} is not installed, so nothing was built for it: \
             `rustup target add {TARGET}`"
        ));
    }
    let mut build = project::cargo();
    build.args(["build", "--quiet", "--target", TARGET]);
    for package in PURE {
        build.args(["--package", package]);
    }
    match build.status() {
        Ok(status) if status.success() => Ok(format!("the dependency trees are pure, and build for {TARGET}")),
        Ok(_) => Err(format!(
            "a pure crate does not build for {TARGET}; the compiler's message is above"
        )),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    }
}

/// The dependencies of a package, one a line: name, version and features.
fn tree(package: &str) -> Result<String, String> {
    let output = project::cargo()
        .args([
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p} [{f}]",
            "--package",
            package,
        ])
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What is impure in a tree.
fn fault(tree: &str) -> Option<String> {
    tree.lines().find_map(|line| {
        let name = line.split(' ').next()?;
        if BANNED.contains(&name) {
            return Some(format!("it depends on {name}"));
        }
        let features = line.rsplit_once('[')?.1.trim_end_matches([']', ' ', '(', '*', ')']);
        let clock = features
            .split(',')
            .find(|feature| name == "chrono" && CLOCKS.contains(feature))?;
        Some(format!("it depends on chrono with its feature {clock}"))
    })
}

/// Whether the target is installed, after trying to install it.
fn target_is_there() -> bool {
    let quiet = |arguments: &[&str]| {
        Command::new("rustup")
            .current_dir(project::root())
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success() && (arguments[1] == "add" || contains_target(&output.stdout)))
    };
    quiet(&["target", "list", "--installed"]) || quiet(&["target", "add", TARGET])
}

fn contains_target(list: &[u8]) -> bool {
    String::from_utf8_lossy(list).lines().any(|line| line == TARGET)
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn impure_trees_are_found() {
        assert_eq!(fault("serde v1.0.0 [derive,std]\nchrono v0.4.0 [alloc,std]\n"), None);
        assert!(fault("serde v1.0.0 []\ntokio v1.0.0 [net]\n").is_some());
        assert!(fault("chrono v0.4.0 [alloc,clock,std]\n").is_some());
        assert!(fault("chrono v0.4.0 [now] (*)\n").is_some());
    }
}
