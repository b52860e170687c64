//! Whether each library crate builds alone: without its default features, and with all it has. No crate has two that could
//! be chosen apart. What the program has behind a feature is tested.

use crate::project::{self, LIBRARIES};
use std::process::ExitCode;

pub(crate) fn run() -> ExitCode {
    for package in LIBRARIES {
        for features in ["--no-default-features", "--all-features"] {
            let built = project::cargo()
                .args(["check", "--quiet", features, "--package", package])
                .status()
                .is_ok_and(|status| status.success());
            if !built {
                eprintln!("error: {package} does not build alone with {features}; the compiler's message is above");
                return ExitCode::FAILURE;
            }
        }
    }
    // The tests of what the program has only if it is asked for.
    let tested = project::cargo()
        .args([
            "test",
            "--package",
            "rudder-intercom",
            "--features",
            "otel",
            "--test",
            "traces",
        ])
        .status()
        .is_ok_and(|status| status.success());
    if !tested {
        return ExitCode::FAILURE;
    }
    println!(
        "{} library crates build alone, without their default features and with all",
        LIBRARIES.len()
    );
    ExitCode::SUCCESS
}
