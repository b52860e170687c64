//! The real SDKs, and a real Chromium, against the gateway.

use crate::project;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Runs only the tests whose names match this pattern
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Writes pictures of the page into this folder
    #[arg(long, value_name = "FOLDER")]
    screenshots: Option<PathBuf>,
}

/// Programs that are needed, any one of each group, and the Debian packages that have them.
const PROGRAMS: &[(&[&str], &[&str])] = &[
    (&["node"], &["nodejs"]),
    (&["npm"], &["npm"]),
    (&["python3"], &["python3", "python3-venv"]),
    (&["chromium", "chromium-browser", "google-chrome"], &["chromium"]),
];

pub(crate) fn run(options: &Options) -> ExitCode {
    match test(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn test(options: &Options) -> Result<(), String> {
    install_programs()?;
    let folder = project::root().join("crates/rudder-gateway/e2e");
    let target = project::root().join("target/e2e");
    succeed(project::cargo().args(["build", "--package", "rudder-intercom"]))?;
    let rust = target.join("rust");
    succeed(
        project::cargo()
            .args(["build", "--locked", "--manifest-path"])
            .arg(folder.join("rust/Cargo.toml"))
            .arg("--target-dir")
            .arg(&rust),
    )?;
    succeed(
        Command::new("npm")
            .args([
                "install",
                "--ignore-scripts",
                "--omit=optional",
                "--no-save",
                "--no-audit",
                "--no-fund",
            ])
            .current_dir(&folder),
    )?;
    let python = python(&folder, &target.join("python"))?;
    let mut node = Command::new("node");
    node.arg("--test").current_dir(&folder);
    if let Some(pattern) = &options.only {
        node.arg(format!("--test-name-pattern={pattern}"));
    }
    if let Some(pictures) = &options.screenshots {
        let pictures = std::path::absolute(pictures).map_err(|error| error.to_string())?;
        node.env("SCREENSHOTS", pictures);
    }
    let program = format!("target/debug/rudder-intercom{EXE_SUFFIX}");
    node.env("RUDDER_INTERCOM", project::root().join(program))
        .env(
            "RUST_SDK_PROGRAM",
            rust.join(format!("debug/rudder-gateway-e2e{EXE_SUFFIX}")),
        )
        .env("PYTHON", python)
        .args(["sdks.test.mjs", "answers.test.mjs", "page.test.mjs"]);
    succeed(&mut node)
}

/// A virtual environment with the Python SDK, and its interpreter.
fn python(folder: &Path, environment: &Path) -> Result<PathBuf, String> {
    let python = environment.join("bin/python");
    if !python.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    succeed(Command::new(&python).args(install).arg(folder.join("requirements.txt")))?;
    Ok(python)
}

/// Installs what is missing, where that is possible: as root on Debian and its like.
fn install_programs() -> Result<(), String> {
    let missing = PROGRAMS
        .iter()
        .filter(|(names, _)| !names.iter().any(|name| is_there(name)) && !is_named(names));
    let packages: Vec<_> = missing.flat_map(|(_, packages)| packages.iter().copied()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let needed = format!("install these first: {}", packages.join(", "));
    if !is_there("apt-get") {
        return Err(needed);
    }
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages);
    succeed(Command::new("apt-get").arg("update"))
        .and_then(|()| succeed(install.env("DEBIAN_FRONTEND", "noninteractive")))
        .map_err(|reason| format!("{reason}; {needed}"))
}

/// Whether the variable names the program, as it can for Chromium.
fn is_named(names: &[&str]) -> bool {
    names.contains(&"chromium") && std::env::var_os("CHROMIUM").is_some()
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!("cannot run {program}: {error}")),
    }
}
