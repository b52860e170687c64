//! The engine and the sandbox together, on some bad days. `cargo xtask simulate` plays as many as wanted.

use intercom_delivery::Savings;
use test_support::simulation::{Report, cost, plain_cost, replay_command, run, traffic};

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
}

#[test]
fn every_saving_saves_calls_and_changes_nothing_else() {
    let happenings = traffic(2_000, 60, 1);
    let plain = plain_cost(&happenings);
    assert!(plain.calls_an_event() <= 1.46, "{}", plain.calls_an_event());
    let none = cost(&happenings, Savings::NONE);
    assert_eq!((none.calls, &none.state), (plain.calls, &plain.state));
    let all = cost(&happenings, Savings::ALL);
    assert!(all.calls_an_event() <= 0.85, "{}", all.calls_an_event());
    assert_eq!(all.state, plain.state);
    let changes: [fn(&mut Savings); 2] = [
        |savings| savings.remember_contacts = false,
        |savings| savings.skip_unchanged = false,
    ];
    for change in changes {
        let mut savings = Savings::ALL;
        change(&mut savings);
        let some = cost(&happenings, savings);
        assert!(some.calls > all.calls && some.calls < none.calls);
        assert_eq!(some.state, plain.state);
    }
}
