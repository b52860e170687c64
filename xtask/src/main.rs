//! The project's chores, as `cargo xtask <command>`.

use clap::Parser;
use std::process::ExitCode;

mod examples;
mod project;
mod snapshots;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Reads and writes back a folder of example requests and answers of Intercom's API.
    Examples(examples::Options),
    /// Rewrites the snapshots of the tests
    Snapshots(snapshots::Options),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Examples(options) => examples::run(&options),
        Command::Snapshots(options) => snapshots::run(&options),
    }
}
