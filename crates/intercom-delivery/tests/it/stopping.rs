//! 401, and being told to stop.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;

fn five(settings: EngineSettings) -> Run {
    let mut run = Run::new(settings);
    for user in ["u1", "u2", "u3", "u4", "u5"] {
        run.submit(identify(user, "{}"), who(user));
    }
    run
}

fn two_at_a_time() -> EngineSettings {
    let mut settings = side_by_side();
    settings.concurrency = 2.try_into().unwrap();
    settings
}

#[test]
fn a_refused_token_stops_everything_at_once() {
    let mut run = five(two_at_a_time());
    run.run(|sent| match sent.event.0 {
        1 => (hits(&[]).0, std::time::Duration::from_millis(200)),
        _ => error(401, "unauthorized", "Access Token Invalid"),
    });
    assert!(run.engine.is_halted());
    assert_eq!(run.results(), ["failed unauthorized"; 5]);
    assert_eq!(run.operations(), [Op::SearchContacts, Op::SearchContacts]);
    let statuses: Vec<Option<u16>> = run.outcomes.iter().map(|outcome| failed(outcome).status).collect();
    // The one that was answered 401 first, then those that had not started, then the one in flight.
    assert_eq!(statuses, [Some(401), None, None, None, None]);
    let refused = run
        .engine
        .submit(Submission::new(EventId(9), identify("u9", "{}"), who("u9")))
        .unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Unauthorized);
}

#[test]
fn what_is_in_flight_when_the_token_is_refused_may_still_be_delivered() {
    let mut run = Run::new(two_at_a_time());
    run.submit(track("u1", "a", 1), who("u1"));
    run.submit(track("u2", "a", 1), who("u2"));
    run.run(|sent| match sent.event.0 {
        1 => (Ok(Answer::new(202, "")), std::time::Duration::from_millis(200)),
        _ => error(401, "unauthorized", "Access Token Invalid"),
    });
    assert_eq!(run.results(), ["delivered", "failed unauthorized"]);
}

#[test]
fn stop_finishes_what_is_under_way() {
    let mut run = five(two_at_a_time());
    let mut server = |sent: &Sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        _ => ok(contact(&format!("c{}", sent.event), "u")),
    };
    run.step(&mut server);
    run.engine.stop();
    assert!(run.engine.status().closed);
    run.run(server);
    assert_eq!(
        run.results(),
        [
            "delivered",
            "delivered",
            "failed stopped",
            "failed stopped",
            "failed stopped"
        ]
    );
    assert_eq!(failed(&run.outcomes[0]).submission.event, EventId(3));
}

#[test]
fn stop_does_not_wait_for_another_attempt() {
    let mut run = five(two_at_a_time());
    let mut server = |_: &Sent| answer(503, "");
    run.step(&mut server);
    run.engine.stop();
    run.run(server);
    assert_eq!(run.results(), ["failed stopped"; 5]);
    assert_eq!(run.sent.len(), 2);
    let tried = run
        .outcomes
        .iter()
        .filter(|outcome| failed(outcome).attempts == 1)
        .count();
    assert_eq!(tried, 2);
}

#[test]
fn abort_accounts_for_everything() {
    let mut run = five(two_at_a_time());
    let now = run.now;
    let in_flight = run.engine.poll_call(now).unwrap();
    run.engine.abort();
    run.engine.handle_response(in_flight.id, &Answer::new(200, "{}"), now);
    assert!(run.engine.poll_call(now).is_none());
    while let Some(outcome) = run.engine.poll_outcome() {
        run.outcomes.push(outcome);
    }
    assert!(run.engine.is_idle());
    assert_eq!(run.results(), ["failed stopped"; 5]);
}

#[test]
fn merged_events_that_fail_while_stopping_are_all_accounted_for() {
    let mut run = Run::new(side_by_side());
    for attributes in [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#] {
        run.submit(identify("u1", attributes), who("u1"));
    }
    let mut calls = 0;
    let mut server = |sent: &Sent| {
        calls += 1;
        match sent.call.operation {
            Op::SearchContacts => hits(&[&contact("c1", "u1")]),
            _ => undefined("a"),
        }
    };
    run.step(&mut server);
    let now = run.now;
    let update = run.engine.poll_call(now).unwrap();
    run.engine.stop();
    let (answer, _) = undefined("a");
    run.engine.handle_response(update.id, &answer.unwrap(), now);
    run.run(server);
    assert_eq!(
        run.results(),
        ["failed undefined_attribute", "failed stopped", "failed stopped"]
    );
}
