//! The project's chores, as `cargo xtask <command>`.

use clap::Parser;
use std::process::ExitCode;

mod api;
mod calls;
mod ci;
mod circles;
mod contracts;
mod contributing;
mod copy;
mod coverage;
mod docs;
mod e2e;
mod faults;
mod features;
mod fuzz;
mod guide;
mod importers;
mod install;
mod manual;
mod mutants;
mod project;
mod pure;
mod rehearse;
mod rust_version;
mod seeds;
mod semver;
mod simulate;
mod simulate_router;
mod site;
mod snapshots;
mod suites;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Rewrites the lists of what is public in each library crate
    Api(api::Options),
    /// Measures `convert` as a program, beside a yardstick and, with `--against`, another build of it
    BenchConvert(suites::Bench),
    /// Measures the transformer service under load
    BenchServe(suites::Bench),
    /// Reads a folder of captured SDK requests, writes them back, and delivers them to the sandbox
    Captures(suites::Folder),
    /// Replays a folder of requests that a rudder-server has sent, and looks how each of their jobs ends
    Requests(suites::Folder),
    /// Counts the calls that generated traffic costs, with and without each saving, and compares the final states
    Calls(calls::Options),
    /// Lists the files of a crate that need each other, and fails if there are new ones
    Circles,
    /// Runs everything that must hold before a change lands
    Ci(ci::Options),
    /// Compares the transformer service with RudderStack's published test cases
    Conformance(suites::Conformance),
    /// Reads and writes back a folder of example requests and responses of Intercom's API
    Examples(suites::Folder),
    /// Runs Intercom's own clients against the sandbox, and compares calls and responses with Intercom's descriptions
    Contracts(contracts::Options),
    /// Carries out the worked example of CONTRIBUTING.md on a copy of the project
    Contributing,
    /// Lists the rules, sources and codes that no fixture exercises, and fails if there are any
    CoverageOfRules,
    /// Rewrites the pages that are made from the code: the mapping reference, the settings, the output in the guide
    Docs(docs::Options),
    /// Runs the real SDKs and a real Chromium against the gateway; installs what they need
    E2e(e2e::Options),
    /// Makes mistakes in the engine, the journal and the store, one at a time, and says which of them nothing notices
    Faults(faults::Options),
    /// Builds each library crate alone, without its default features and with all
    Features,
    /// Runs the fuzz targets for a while, with cargo-fuzz and a nightly toolchain
    Fuzz(fuzz::Options),
    /// Runs the commands of the guide to a backfill, also on many events
    Guide(guide::Options),
    /// Builds and runs the programs of people who import the crates, and the examples of the crates
    Importers,
    /// Writes the program's manual pages, and what completes its arguments in shells
    Manual(project::Output),
    /// Changes the rules in many small ways, and says which changes no test notices; with cargo-mutants
    Mutants(mutants::Options),
    /// Checks that the pure crates have neither I/O nor clock, and builds them for wasm32
    Pure,
    /// Delivers events into an unreliable sandbox, killed at random moments and resumed, and looks for what is missing
    Rehearse(rehearse::Options),
    /// Looks whether the dependencies of each published crate do with the Rust that the crate says it needs
    RustVersion,
    /// Compares what the library crates have public with the last tag or a revision; with cargo-semver-checks
    Semver(semver::Options),
    /// Plays bad days of the delivery engine and the sandbox together, under virtual time
    Simulate(simulate::Options),
    /// Plays days of rudder-server's double, the transformer and the sandbox together, under virtual time
    SimulateRouter(simulate_router::Options),
    /// Writes the documentation as a site, in place of what the folder has, and looks whether its links lead somewhere
    Site(project::Output),
    /// Rewrites the snapshots of the tests
    Snapshots(snapshots::Options),
}

fn main() -> ExitCode {
    // Cargo calls this program in rustdoc's place when the public API is described.
    if let Some(rustdoc) = std::env::var_os(api::RUSTDOC) {
        return api::as_rustdoc(&rustdoc);
    }
    match Command::parse() {
        Command::Api(options) => api::run(&options),
        Command::BenchConvert(options) => suites::bench("convert", &options),
        Command::BenchServe(options) => suites::bench("serve", &options),
        Command::Captures(options) => suites::captures(&options),
        Command::Requests(options) => suites::requests(&options),
        Command::Calls(options) => calls::run(&options),
        Command::Ci(options) => ci::run(&options),
        Command::Circles => circles::run(),
        Command::Conformance(options) => suites::conformance(&options),
        Command::Features => features::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Guide(options) => guide::run(&options),
        Command::Importers => importers::run(),
        Command::Manual(output) => manual::run(&output),
        Command::Mutants(options) => mutants::run(&options),
        Command::Pure => pure::run(),
        Command::Examples(options) => suites::examples(&options),
        Command::Contracts(options) => contracts::run(&options),
        Command::Contributing => contributing::run(),
        Command::CoverageOfRules => coverage::run(),
        Command::Docs(options) => docs::run(&options),
        Command::E2e(options) => e2e::run(&options),
        Command::Faults(options) => faults::run(&options),
        Command::Rehearse(options) => rehearse::run(&options),
        Command::RustVersion => rust_version::run(),
        Command::Semver(options) => semver::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::SimulateRouter(options) => simulate_router::run(&options),
        Command::Site(output) => site::run(&output),
        Command::Snapshots(options) => snapshots::run(&options),
    }
}
