//! The engine and the sandbox together, on some bad days. `cargo xtask simulate` plays as many as wanted.

use intercom_delivery::{Savings, SkipUnchanged};
use intercom_sandbox::RateLimit;
use std::time::Duration;
use test_support::simulation::{Mishaps, Report, Workload, cost, pace, plain_cost, replay_command, run};

#[test]
fn nothing_is_lost_on_a_bad_day() {
    let mut total = Report::default();
    for seed in 0..150 {
        match run(seed) {
            Ok(report) => total.add(&report),
            Err(violation) => panic!("seed {seed}: {violation}\nto play it again: {}", replay_command(seed)),
        }
    }
    // The scenarios must be hard, and yet be compared.
    assert!(total.runs > 180, "{total:?}");
    assert!(total.compared > 3 * total.left_out, "{total:?}");
    assert!(total.outlasted > 0, "{total:?}");
    // These take more seeds.
    let rare = ["answered 429 by the limit", "contact merged"];
    for name in Mishaps::NAMES.into_iter().filter(|name| !rare.contains(name)) {
        assert!(total.mishaps.of(name) > 0, "never happened: {name}");
    }
}

#[test]
fn a_limit_of_a_hundred_calls_in_ten_seconds_is_used_and_kept_for_two_minutes() {
    let Workload { happenings, .. } = Workload::steady(6_000, 458, 1);
    let limit = RateLimit::new(100, Duration::from_secs(10));
    for seed in 0..5 {
        for limit in [limit, limit.without_retry_after()] {
            let pace = pace(&happenings, limit, Duration::from_secs(120), seed);
            assert!(pace.throttled <= 3, "seed {seed}: {pace:?}");
            assert!(pace.used >= 0.95, "seed {seed}: {pace:?}");
        }
    }
}

#[test]
fn as_few_calls_are_made_as_are_promised_and_the_state_is_that_of_plain_delivery() {
    let mut seen = Savings::ALL;
    seen.skip_unchanged = SkipUnchanged::Seen;
    let promises = [
        (Workload::steady(20_000, 458, 1), Savings::NONE, 1.46),
        (Workload::steady(20_000, 458, 1), Savings::ALL, 0.73),
        (Workload::first_import(2_000), Savings::ALL, 1.15),
        (Workload::re_sync(2_000, 20), seen, 0.2),
        (Workload::re_sync(2_000, 20), Savings::ALL, 1.15),
        (Workload::re_sync(2_000, 1), seen, 1.15),
    ];
    for (workload, savings, promised) in promises {
        let (plain, cost) = (plain_cost(&workload), cost(&workload, savings, 0.0));
        assert!(
            cost.calls_an_event() <= promised,
            "{} {promised}",
            cost.calls_an_event()
        );
        assert!(cost.state == plain.state, "the same with {savings:?}");
        assert!(savings != Savings::NONE || cost.calls == plain.calls);
    }
}

#[test]
fn every_saving_saves_calls_and_changes_nothing_else() {
    let workload = Workload::steady(2_000, 60, 1);
    let (all, none) = (cost(&workload, Savings::ALL, 0.0), cost(&workload, Savings::NONE, 0.0));
    let changes: [fn(&mut Savings); 3] = [
        |savings| savings.remember_contacts = false,
        |savings| savings.skip_unchanged = SkipUnchanged::Off,
        |savings| savings.batch_lookups = false,
    ];
    for change in changes {
        let mut savings = Savings::ALL;
        change(&mut savings);
        let some = cost(&workload, savings, 0.0);
        assert!(some.calls > all.calls && some.calls < none.calls);
        assert_eq!(some.state, none.state);
    }
}

/// Every twentieth call fails, before or after it has taken effect, and searches lag by a minute.
#[test]
fn a_bad_day_costs_calls_and_changes_nothing() {
    let workloads = [
        Workload::steady(2_000, 60, 1),
        Workload::first_import(500),
        Workload::re_sync(500, 3),
    ];
    for workload in workloads.map(|workload| workload.lagging(Duration::from_secs(60))) {
        let (plain, fair) = (plain_cost(&workload), cost(&workload, Savings::ALL, 0.0));
        let bad = cost(&workload, Savings::ALL, 0.05);
        assert!(bad.calls > fair.calls);
        assert!(bad.state == plain.state);
    }
}
