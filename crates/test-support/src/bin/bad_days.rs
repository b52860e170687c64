//! Plays bad days of the engine and the sandbox together until one goes wrong: `cargo xtask faults` runs it.

use std::process::ExitCode;
use test_support::simulation;

fn main() -> ExitCode {
    let seeds = std::env::args().nth(1).and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(1000_u64) {
        if let Err(violation) = simulation::run(seed) {
            println!("seed {seed}: {violation}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
