//! Plays many bad days of the engine and the sandbox together: see `test_support::simulation`.

use crate::seeds;
use std::process::ExitCode;
use std::time::Instant;
use test_support::simulation::{self, Mishaps, Report, replay_command};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Plays this seed alone
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Tells what happens with that seed, line by line
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Goes on after a seed that fails, and lists all of them
    #[arg(long)]
    keep_going: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let (from, count) = match options.seed {
        Some(seed) => (seed, 1),
        None => (options.from, options.seeds),
    };
    if options.trace {
        let result = simulation::run_traced(from, |line| println!("{line}"));
        if let Err(violation) = &result {
            eprintln!("error: {violation}");
        }
        return if result.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let start = Instant::now();
    let mut total = Report::default();
    let played = seeds::play(from, count, options.keep_going, simulation::run, |report| {
        total.add(report);
    });
    for (seed, violation) in &played.failed {
        eprintln!(
            "error: seed {seed}: {violation}\nto play it again: {}\n",
            replay_command(*seed)
        );
    }
    println!(
        "{} scenarios, of which {} failed, in {:.1?}: {:.1} days in {} runs of the program, {} events, {} calls ({} plainly); {} events \
         outlasted by faults; the final state of {} people compared, {} left out",
        played.count,
        played.failed.len(),
        start.elapsed(),
        total.took.as_secs_f64() / 86_400.0,
        total.runs,
        total.events,
        total.calls,
        total.plain_calls,
        total.outlasted,
        total.compared,
        total.left_out,
    );
    println!("\n| what went wrong | how often |\n| --- | ---: |");
    for name in Mishaps::NAMES {
        println!("| {name} | {} |", total.mishaps.of(name));
    }
    if played.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
