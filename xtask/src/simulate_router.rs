//! Plays many days behind rudder-server under virtual time: see [`test_support::chain`].

use crate::seeds;
use clap::Args;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;
use strum::IntoEnumIterator as _;
use test_support::chain::{Report, Scenario};
use test_support::rudder_server::{Trouble, Way};

#[derive(Args)]
pub(crate) struct Options {
    /// How many seeds of each mode
    #[arg(long, default_value_t = 100)]
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
    /// Play these modes only; all, if none is given
    #[arg(long, value_name = "MODE", value_delimiter = ',')]
    mode: Vec<Trouble>,
    /// Who makes the last call of an event: here, returned, proxied; where it is rudder-server, some are lost
    #[arg(long, value_name = "WAY", value_delimiter = ',', default_value = "here")]
    deliver: Vec<Way>,
    /// How many people come to the website, as they came to that on which the real rudder-server was seen; a few, if it is not
    /// said
    #[arg(long)]
    people: Option<usize>,
    /// How many instances of the transformer
    #[arg(long, default_value_t = NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN))]
    instances: NonZeroUsize,
    /// Prints how many calls of each operation were made, and what was answered
    #[arg(long)]
    calls: bool,
    /// Goes on after a seed that fails, and lists all of them
    #[arg(long)]
    keep_going: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let (from, count) = match options.seed {
        Some(seed) => (seed, 1),
        None => (options.from, options.seeds),
    };
    let modes = match options.mode.as_slice() {
        [] => Trouble::iter().collect(),
        modes => modes.to_vec(),
    };
    let mut failed = 0;
    println!(
        "| mode | delivered | seeds | failed | events | people wrong | links missing | jobs lost | aborted | tried again | kills \
         | took | calls an event |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for mode in modes {
        for way in &options.deliver {
            let mut scenario = Scenario::new(mode);
            scenario.way = *way;
            scenario.people = options.people;
            scenario.instances = options.instances.get();
            failed += one(options, scenario, from, count);
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays all seeds of a scenario. Says how many failed.
fn one(options: &Options, scenario: Scenario, from: u64, count: u64) -> usize {
    let start = Instant::now();
    let mut total = Report::default();
    let play = |seed| {
        if !options.trace {
            return scenario.run(seed);
        }
        let (told, result) = scenario.run_traced(seed);
        told.iter().for_each(|line| println!("{line}"));
        result
    };
    let played = seeds::play(from, count, options.keep_going, play, |report| total.add(report));
    for (seed, violation) in &played.failed {
        eprintln!(
            "error: seed {seed}: {violation}\nto play it again: {}\n",
            scenario.replay_command(*seed)
        );
    }
    println!(
        "| {} | {} | {} | {} | {} | {} of {} | {} | {} | {} | {} | {} | {:.1?} | {:.3} |",
        scenario.trouble,
        scenario.way,
        played.count,
        played.failed.len(),
        total.events,
        total.wrong,
        total.people,
        total.links,
        total.lost,
        total.aborted,
        total.repeats,
        total.kills,
        start.elapsed(),
        total.calls_an_event(),
    );
    if options.calls {
        print_calls(&total);
    }
    played.failed.len()
}

/// How many calls of each operation were made, a thousand events, and what was answered.
#[allow(clippy::cast_precision_loss, reason = "it is for people")]
fn print_calls(total: &Report) {
    let mut by_operation: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    for ((operation, answer), count) in &total.calls {
        by_operation.entry(operation).or_default().push((answer, *count));
    }
    println!("\n| operation | calls a thousand events | of which |\n| --- | ---: | --- |");
    for (operation, answers) in by_operation {
        let per_mille = |count: u64| count as f64 * 1_000.0 / total.events.max(1) as f64;
        let sum = answers.iter().map(|(_, count)| count).sum();
        let told: Vec<String> = answers
            .iter()
            .map(|(answer, count)| format!("{answer}: {:.1}", per_mille(*count)))
            .collect();
        println!("| {operation} | {:.1} | {} |", per_mille(sum), told.join(", "));
    }
    println!();
}
