//! Plays many bad days of the engine and the sandbox together: see `test_support::simulation`.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use test_support::simulation::{self, Mishaps, Report, Violation, replay_command};

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

#[derive(Default)]
struct Played {
    total: Report,
    seeds: u64,
    failed: Vec<(u64, Violation)>,
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
    let mut played = play(from, count, options.keep_going);
    played.failed.sort_by_key(|(seed, _)| *seed);
    for (seed, violation) in &played.failed {
        eprintln!(
            "error: seed {seed}: {violation}\nto play it again: {}\n",
            replay_command(*seed)
        );
    }
    let total = &played.total;
    println!(
        "{} scenarios, of which {} failed, in {:.1?}: {:.1} days in {} runs of the program, {} events, {} calls ({} plainly); {} events \
         outlasted by faults; the final state of {} people compared, {} left out",
        played.seeds,
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

fn play(from: u64, count: u64, keep_going: bool) -> Played {
    let next = AtomicU64::new(from);
    let end = from.saturating_add(count);
    let is_over = AtomicBool::new(false);
    let played = Mutex::new(Played::default());
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let result = simulation::run(seed);
            let mut played = played.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            played.seeds += 1;
            let flow = match result {
                Ok(report) => {
                    played.total.add(&report);
                    ControlFlow::Continue(())
                }
                Err(violation) => {
                    played.failed.push((seed, violation));
                    if keep_going {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                }
            };
            if flow.is_break() {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    played.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
