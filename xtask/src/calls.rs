//! How many calls generated workloads cost, with and without each saving: `cargo xtask calls`.

use intercom_delivery::{Savings, SkipUnchanged};
use std::process::ExitCode;
use std::time::Duration;
use test_support::simulation::{Cost, Workload, cost, plain_cost};

/// How far searches lag behind on a bad day.
const LAG: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many events the steady traffic has
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Of how many people
    #[arg(long, default_value_t = 458)]
    people: usize,
    /// How many people are imported, and synchronised again
    #[arg(long, default_value_t = 20_000)]
    imported: usize,
    /// What the steady traffic is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A way to deliver, and how many calls an event it takes at most, if that is promised.
struct Row {
    name: &'static str,
    savings: Savings,
    promised: Option<f64>,
}

impl Row {
    fn new(name: &'static str, change: impl FnOnce(&mut Savings)) -> Self {
        let mut savings = Savings::ALL;
        change(&mut savings);
        Self {
            name,
            savings,
            promised: None,
        }
    }

    fn promising(mut self, calls: f64) -> Self {
        self.promised = Some(calls);
        self
    }
}

fn seen(savings: &mut Savings) {
    savings.skip_unchanged = SkipUnchanged::Seen;
}

fn off(savings: &mut Savings) {
    savings.skip_unchanged = SkipUnchanged::Off;
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let none = || Row::new("no savings", |savings| *savings = Savings::NONE);
    let alone = || Row::new("looking each person up alone", |savings| savings.batch_lookups = false);
    let steady = [
        Row::new("all savings", |_| {}).promising(0.73),
        Row::new("not remembering contacts", |savings| savings.remember_contacts = false),
        Row::new("not skipping what changes nothing", off),
        Row::new("not merging", |savings| savings.merge_identifies = false),
        alone(),
        none().promising(1.46),
    ];
    let import = [Row::new("all savings", |_| {}).promising(1.15), alone(), none()];
    let again = |promised| {
        [
            Row::new("all savings, comparing with what is seen", seen).promising(promised),
            Row::new("all savings, comparing with what was sent", |_| {}).promising(1.15),
            Row::new("not skipping what changes nothing", off),
            Row::new("looking each person up alone, comparing with what is seen", |savings| {
                seen(savings);
                savings.batch_lookups = false;
            }),
            none(),
        ]
    };
    let (events, people) = (options.events, options.imported);
    let mut is_kept = true;
    let mut show = |title: String, workload: &Workload, rows: &[Row]| is_kept &= table(&title, workload, rows);
    show(
        format!("Steady traffic: {events} events of {} people", options.people),
        &Workload::steady(events, options.people, options.seed),
        &steady,
    );
    show(
        format!("First import: {people} people whom nobody knows, searches lag"),
        &Workload::first_import(people),
        &import,
    );
    for (changed, one_in, promised) in [("5 %", 20, 0.2), ("all", 1, 1.15)] {
        show(
            format!("Synchronised again: {people} people who are there, {changed} of them changed"),
            &Workload::re_sync(people, one_in),
            &again(promised),
        );
    }
    if is_kept {
        ExitCode::SUCCESS
    } else {
        eprintln!("error: more calls than promised, or another state");
        ExitCode::FAILURE
    }
}

/// Says whether what is promised is kept.
fn table(title: &str, workload: &Workload, rows: &[Row]) -> bool {
    println!("{title}\n");
    println!("| delivery | calls | calls an event | at most | final state |");
    println!("| --- | ---: | ---: | ---: | --- |");
    let plain = plain_cost(workload);
    let show = |name: &str, cost: &Cost, promised: Option<f64>| {
        let is_same = cost.state == plain.state;
        let state = if is_same { "the same" } else { "another" };
        let most = promised.map(|most| format!("{most:.2}")).unwrap_or_default();
        println!(
            "| {name} | {} | {:.3} | {most} | {state} |",
            cost.calls,
            cost.calls_an_event()
        );
        is_same && promised.is_none_or(|most| cost.calls_an_event() <= most)
    };
    let mut is_kept = show("plain, one event at a time", &plain, None);
    for row in rows {
        is_kept &= show(row.name, &cost(workload, row.savings, 0.0), row.promised);
    }
    let bad = workload.clone().lagging(LAG);
    let name = "all savings; searches lag by a minute, and 5 % of the calls go wrong";
    is_kept &= show(name, &cost(&bad, Savings::ALL, 0.05), None);
    println!();
    is_kept
}
