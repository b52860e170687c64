//! Whether each library crate builds alone, without its default features.

use crate::project;
use std::process::ExitCode;

/// The published library crates.
const LIBRARIES: [&str; 5] = [
    "rudderstack-events",
    "intercom-api",
    "rudderstack-to-intercom",
    "intercom-delivery",
    "intercom-sandbox",
];

pub(crate) fn run() -> ExitCode {
    for package in LIBRARIES {
        let built = project::cargo()
            .args(["check", "--quiet", "--no-default-features", "--package", package])
            .status()
            .is_ok_and(|status| status.success());
        if !built {
            eprintln!("error: {package} does not build without its default features; the compiler's message is above");
            return ExitCode::FAILURE;
        }
    }
    println!(
        "{} library crates build alone without their default features",
        LIBRARIES.len()
    );
    ExitCode::SUCCESS
}
