//! The real SDKs, and a real Chromium, against the gateway.
//!
//! Whatever is installed or made lies below `target/e2e`; nothing else of the checkout is touched.

use crate::install::{self, NODE, NPM, Need, PYTHON, copy, npm, patiently, python, succeed, succeeds};
use crate::project;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Runs only the tests whose names match this pattern
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Writes pictures of the page into this folder
    #[arg(long, value_name = "FOLDER")]
    screenshots: Option<PathBuf>,
}

const NEEDS: &[Need] = &[
    NODE,
    NPM,
    PYTHON,
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

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(test(options).map(|()| "the SDKs and the page work".to_owned()))
}

fn test(options: &Options) -> Result<(), String> {
    install::packages(NEEDS)?;
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
    node.env("RUDDER_INTERCOM", project::program("debug"))
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
