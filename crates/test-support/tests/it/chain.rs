//! rudder-server's double, the transformer and the sandbox together, on some days. `cargo xtask simulate-router` plays as many
//! as wanted.

use strum::IntoEnumIterator as _;
use test_support::chain::{Report, Scenario};
use test_support::rudder_server::{Trouble, Way};

fn play(scenario: Scenario, seeds: std::ops::Range<u64>) -> Report {
    let mut total = Report::default();
    for seed in seeds {
        match scenario.run(seed) {
            Ok(report) => total.add(&report),
            Err(violation) => panic!(
                "seed {seed}: {violation}\nto play it again: {}",
                scenario.replay_command(seed)
            ),
        }
    }
    total
}

#[test]
fn every_event_arrives_whatever_the_day_brings() {
    for trouble in Trouble::iter() {
        // Hours take longer than minutes.
        let seeds = if matches!(trouble, Trouble::Early | Trouble::EarlyKill) {
            1
        } else {
            3
        };
        let total = play(Scenario::new(trouble), 0..seeds);
        assert_eq!((total.wrong, total.links, total.lost), (0, 0, 0), "{trouble}");
        // On other days, jobs are tried again on some seeds only.
        let is_bad = matches!(trouble, Trouble::Outage | Trouble::Kill | Trouble::KillLag);
        assert!(!is_bad || total.repeats > 0, "the day is bad: {trouble}");
        let has_kills = matches!(trouble, Trouble::Kill | Trouble::KillLag | Trouble::EarlyKill);
        assert_eq!(total.kills > 0, has_kills);
    }
}

#[test]
fn the_same_seed_gives_the_same_calls() {
    for trouble in [Trouble::KillLag, Trouble::EarlyKill] {
        let scenario = Scenario::new(trouble);
        let (first, second) = (scenario.run_traced(3).0, scenario.run_traced(3).0);
        assert!(first.len() > 200);
        for (a, b) in first.iter().zip(&second) {
            assert_eq!(a, b);
        }
        assert_eq!(first.len(), second.len());
    }
}

/// What came of 150 new users and 840 events within 15 seconds behind the real rudder-server, where it or the transformer's
/// proxy made the last call of an event: people wrong, jobs lost, links missing. What the proxy delivers does not depend on
/// the lag with one instance: its two days are of one kind, and their mean is taken.
const SEEN: [(Trouble, Way, [f64; 3]); 4] = [
    (Trouble::Healthy, Way::Returned, [53.0, 59.0, 41.0]),
    (Trouble::Lag, Way::Returned, [134.0, 208.0, 125.0]),
    (Trouble::Healthy, Way::Proxied, [28.5, 0.0, 32.5]),
    (Trouble::Lag, Way::Proxied, [28.5, 0.0, 32.5]),
];

/// If rudder-server makes the calls, as much is lost as was seen: to within a third.
#[test]
fn the_double_loses_what_the_real_one_loses() {
    for (trouble, way, seen) in SEEN {
        let mut scenario = Scenario::new(trouble);
        (scenario.way, scenario.people, scenario.instances) = (way, Some(150), 1);
        let seeds = 4;
        let total = play(scenario, 0..seeds);
        for (count, seen) in [total.wrong, total.lost, total.links].into_iter().zip(seen) {
            let mean = count as f64 / seeds as f64;
            assert!(
                (mean - seen).abs() <= seen / 3.0,
                "{trouble}, {way}: {mean} rather than {seen}"
            );
        }
    }
}
