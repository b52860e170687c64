//! Tests and benchmarks of the crates that need more than `cargo test` gives them: a folder that is not part of the
//! project, or a program built as it is deployed.

use crate::project;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A test that reads a folder.
#[derive(clap::Args)]
pub(crate) struct Folder {
    /// The folder that it reads
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct Conformance {
    #[command(flatten)]
    folder: Folder,
    /// Names the calls to Intercom that no response is recorded for
    #[arg(long)]
    verbose: bool,
}

#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Arguments of the benchmark; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub(crate) fn examples(options: &Folder) -> ExitCode {
    reading(&options.folder, "INTERCOM_EXAMPLES", test("examples"))
}

pub(crate) fn captures(options: &Folder) -> ExitCode {
    reading(&options.folder, "SDK_CAPTURES", test("captures"))
}

pub(crate) fn requests(options: &Folder) -> ExitCode {
    reading(&options.folder, "RUDDER_SERVER_REQUESTS", test("requests"))
}

pub(crate) fn conformance(options: &Conformance) -> ExitCode {
    let mut test = test("conformance");
    if options.verbose {
        test.env("CONFORMANCE_VERBOSE", "1");
    }
    reading(&options.folder.folder, "CONFORMANCE_CASES", test)
}

/// Runs a benchmark of the program as it is deployed.
pub(crate) fn bench(name: &str, options: &Bench) -> ExitCode {
    let mut bench = project::cargo();
    bench
        .args(["bench", "--quiet", "--profile", "dist", "--features", "mimalloc"])
        .args(["--package", "rudder-intercom", "--bench", name, "--"])
        .args(&options.arguments);
    end(&mut bench)
}

/// A test target, with the tests that an ordinary run leaves out, and with what they print. Of the workspace, so that
/// dependencies are built as for all tests.
fn test(target: &str) -> Command {
    let mut test = project::cargo();
    test.args(["test", "--quiet", "--workspace", "--test", target, "--"])
        .args(["--include-ignored", "--nocapture"]);
    test
}

/// Runs a test that reads the folder which a variable names.
fn reading(folder: &Path, variable: &str, mut test: Command) -> ExitCode {
    match folder.canonicalize() {
        Ok(folder) => end(test.env(variable, folder)),
        Err(error) => project::end(Err(format!("{}: {error}", folder.display()))),
    }
}

fn end(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => project::end(Err(format!("cargo cannot be run: {error}"))),
    }
}
