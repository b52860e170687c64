//! The real SDKs, and a real Chromium, against the gateway.
//!
//! Whatever is installed or made lies below `target/e2e`; nothing else of the checkout is touched.

use crate::project;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Runs only the tests whose names match this pattern
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Writes pictures of the page into this folder
    #[arg(long, value_name = "FOLDER")]
    screenshots: Option<PathBuf>,
}

/// Something that the tests need of the system.
struct Need {
    is_there: fn() -> bool,
    /// The Debian packages that have it.
    packages: &'static [&'static str],
}

const NEEDS: &[Need] = &[
    Need {
        is_there: || succeeds("node", &["--version"]),
        packages: &["nodejs"],
    },
    Need {
        is_there: || succeeds("npm", &["--version"]),
        packages: &["npm"],
    },
    Need {
        is_there: || succeeds("python3", &["-c", "import ensurepip, venv"]),
        packages: &["python3", "python3-venv"],
    },
    Need {
        is_there: || {
            let names = ["chromium", "chromium-browser", "google-chrome"];
            std::env::var_os("CHROMIUM").is_some() || names.iter().any(|name| succeeds(name, &["--version"]))
        },
        packages: &["chromium"],
    },
    // The Rust SDK does TLS with OpenSSL.
    Need {
        is_there: || succeeds("pkg-config", &["--exists", "openssl"]),
        packages: &["pkg-config", "libssl-dev"],
    },
];

/// How long to wait before a package registry is asked again: one that cannot be reached for a moment fails nothing.
const WAITS: [Duration; 4] = [
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(test(options).map(|()| "the SDKs and the page work".to_owned()))
}

fn test(options: &Options) -> Result<(), String> {
    install_packages()?;
    let source = project::root().join("crates/rudder-gateway/e2e");
    let target = project::root().join("target/e2e");
    succeed(project::cargo().args(["build", "--package", "rudder-intercom"]))?;
    let rust_sdk = rust(&source.join("rust/Cargo.toml"), &target.join("rust"))?;
    let tests = target.join("tests");
    copy(&source, &tests)?;
    npm(&tests)?;
    let python = python(&tests.join("requirements.txt"), &target.join("python"))?;

    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", "--test-timeout=120000"])
        .current_dir(&tests);
    if let Some(pattern) = &options.only {
        node.arg(format!("--test-name-pattern={pattern}"));
    }
    if let Some(pictures) = &options.screenshots {
        let pictures = std::path::absolute(pictures).map_err(|error| error.to_string())?;
        node.env("SCREENSHOTS", pictures);
    }
    let program = format!("target/debug/rudder-intercom{EXE_SUFFIX}");
    node.env("RUDDER_INTERCOM", project::root().join(program))
        .env("RUST_SDK_PROGRAM", rust_sdk)
        .env("PYTHON", python)
        .args(["sdks.test.mjs", "answers.test.mjs", "page.test.mjs"]);
    succeed(&mut node)
}

/// Builds the program with the Rust SDK, and gives its path.
fn rust(manifest: &Path, target: &Path) -> Result<PathBuf, String> {
    let cargo = |command: &str| {
        let mut cargo = project::cargo();
        cargo.args([command, "--locked", "--manifest-path"]).arg(manifest);
        cargo
    };
    patiently("the Rust SDK cannot be fetched from crates.io", || cargo("fetch"))?;
    succeed(cargo("build").arg("--offline").arg("--target-dir").arg(target))?;
    Ok(target.join(format!("debug/rudder-gateway-e2e{EXE_SUFFIX}")))
}

/// The tests, where packages may be installed beside them.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().map_err(|error| format!("{}: {error}", to.display()))
}

/// Installs the SDKs for Node and browsers, in the versions of the lock file.
fn npm(folder: &Path) -> Result<(), String> {
    patiently("the JavaScript SDKs cannot be installed with npm", || {
        let mut npm = Command::new("npm");
        // Not `ci`, which wants the optional packages of every platform in the lock file.
        npm.args([
            "install",
            "--ignore-scripts",
            "--omit=optional",
            "--no-audit",
            "--no-fund",
        ])
        .arg("--prefer-offline")
        .current_dir(folder);
        npm
    })
}

/// Makes a virtual environment with the Python SDK, and gives its interpreter.
fn python(requirements: &Path, environment: &Path) -> Result<PathBuf, String> {
    let python = environment.join("bin/python");
    // One that was left half-made, or whose interpreter has gone, is made again.
    if !succeeds(&python, &["-m", "pip", "--version"]) {
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    }
    patiently("the Python SDK cannot be installed with pip", || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(requirements);
        pip
    })?;
    Ok(python)
}

/// Installs what the system lacks, where that is possible: as root on Debian and its like.
fn install_packages() -> Result<(), String> {
    let missing = NEEDS.iter().filter(|need| !(need.is_there)());
    let packages: Vec<_> = missing.flat_map(|need| need.packages).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.iter().map(|name| **name).collect::<Vec<_>>().join(", ");
    let needed = format!("these packages are needed and cannot be installed: {names}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.args(["--yes", "--quiet", "--option", "DPkg::Lock::Timeout=120"])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        apt
    };
    if !succeeds("apt-get", &["--version"]) {
        return Err(needed);
    }
    println!("installing {names}");
    patiently(&needed, || {
        let mut update = apt();
        update.arg("update");
        update
    })?;
    patiently(&needed, || {
        let mut install = apt();
        install.args(["install", "--no-install-recommends"]).args(&packages);
        install
    })
}

/// Runs a command that needs a package registry, a few times if need be.
fn patiently(what_fails: &str, command: impl Fn() -> Command) -> Result<(), String> {
    for wait in WAITS {
        let Err(reason) = succeed(&mut command()) else {
            return Ok(());
        };
        eprintln!("{reason}; trying again in {wait:?}");
        thread::sleep(wait);
    }
    succeed(&mut command()).map_err(|reason| format!("{what_fails}, after {} attempts: {reason}", WAITS.len() + 1))
}

fn succeeds(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
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
