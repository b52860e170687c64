//! Changes the rules in many small ways, one at a time, and says which changes no test notices. `.cargo/mutants.toml` says
//! where, and with which tests.

use crate::project;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Further arguments of `cargo mutants`, such as `--file '**/coerce.rs'` or `--shard 0/8`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// A rule that is wrong is wrong for many events, so a few cases of each property find it; and nobody looks for the
/// smallest of them.
const VARIABLES: &[(&str, &str)] = &[
    ("PROPTEST_CASES", "64"),
    ("PROPTEST_MAX_SHRINK_ITERS", "0"),
    ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1"),
    ("INSTA_UPDATE", "no"),
];

pub(crate) fn run(options: &Options) -> ExitCode {
    let status = project::cargo()
        .args(["mutants", "--package", "rudderstack-to-intercom"])
        .args(&options.arguments)
        .envs(VARIABLES.iter().copied())
        .status();
    project::end(match status {
        Ok(status) if status.success() => Ok("every change is noticed by a test".to_owned()),
        Ok(status) => Err(format!(
            "cargo mutants ended with {status}; to install it: cargo install cargo-mutants"
        )),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    })
}
