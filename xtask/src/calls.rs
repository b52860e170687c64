//! How many calls a generated workload costs, with and without each saving: `cargo xtask calls`.

use intercom_delivery::Savings;
use std::process::ExitCode;
use test_support::simulation::{Cost, cost, plain_cost, traffic};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many events
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Of how many people
    #[arg(long, default_value_t = 458)]
    people: usize,
    /// What the workload is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the project promises.
const WITH_SAVINGS: f64 = 0.85;
const WITHOUT: f64 = 1.46;

pub(crate) fn run(options: &Options) -> ExitCode {
    let happenings = traffic(options.events, options.people, options.seed);
    let plain = plain_cost(&happenings);
    let off = |change: fn(&mut Savings)| {
        let mut savings = Savings::ALL;
        change(&mut savings);
        savings
    };
    let rows = [
        ("all savings", Savings::ALL),
        (
            "not remembering contacts",
            off(|savings| savings.remember_contacts = false),
        ),
        (
            "not skipping what changes nothing",
            off(|savings| savings.skip_unchanged = false),
        ),
        ("not merging", off(|savings| savings.merge_identifies = false)),
        (
            "looking each person up alone",
            off(|savings| savings.batch_lookups = false),
        ),
        ("no savings", Savings::NONE),
    ];
    println!("{} events of {} people\n", options.events, options.people);
    println!("| delivery | calls | calls an event | final state |");
    println!("| --- | ---: | ---: | --- |");
    let show = |name: &str, cost: &Cost| {
        let same = if cost.state == plain.state {
            "the same"
        } else {
            "another"
        };
        println!("| {name} | {} | {:.3} | {same} |", cost.calls, cost.calls_an_event());
    };
    show("plain, one event at a time", &plain);
    let mut is_kept = true;
    for (name, savings) in rows {
        let cost = cost(&happenings, savings);
        show(name, &cost);
        is_kept &= cost.state == plain.state;
        is_kept &= savings != Savings::ALL || cost.calls_an_event() <= WITH_SAVINGS;
        is_kept &= savings != Savings::NONE || cost.calls_an_event() <= WITHOUT;
    }
    if is_kept {
        ExitCode::SUCCESS
    } else {
        eprintln!(
            "error: at most {WITH_SAVINGS} calls an event with all savings and {WITHOUT} without, and the same state"
        );
        ExitCode::FAILURE
    }
}
