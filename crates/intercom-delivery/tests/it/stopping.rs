//! 401, and being told to stop.

use crate::support::*;
use intercom_api::{OperationId as Op, RateLimit};
use intercom_delivery::*;
use std::time::Duration;

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
    // Each is looked up by a search of its own.
    settings.savings.batch_lookups = false;
    settings
}

#[test]
fn a_refused_token_stops_everything_at_once() {
    let mut run = five(two_at_a_time());
    run.run(|sent| match sent.event.0 {
        1 => (hits(&[]).0, Duration::from_millis(200)),
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
        1 => (Ok(Response::new(202, "")), Duration::from_millis(200)),
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
    let mut server = |_: &Sent| response(503, "");
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
    run.engine.handle_response(in_flight.id, &Response::new(200, "{}"), now);
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
    let (response, _) = undefined("a");
    run.engine.handle_response(update.id, &response.unwrap(), now);
    run.run(server);
    assert_eq!(
        run.results(),
        ["failed undefined_attribute", "failed stopped", "failed stopped"]
    );
}

/// Runs until the engine waits as `is_meant` says, stops it, and makes sure that it ends at once.
fn stop_while(
    what: &str,
    settings: EngineSettings,
    is_meant: fn(Waiting) -> bool,
    mut server: impl FnMut(&Sent) -> Reply,
) {
    let mut run = Run::new(settings);
    for at in 0..200 {
        let user = format!("u{at}");
        run.submit(identify(&user, "{}"), who(&user));
    }
    let waits = |run: &Run| {
        let status = run.engine.status();
        status.active > 0 && status.in_flight == 0 && status.waiting.is_some_and(is_meant)
    };
    while !waits(&run) {
        assert!(run.step(&mut server), "it never came to wait for {what}");
        // What the engine does next must not be taken for what it waits for.
        while run.engine.status().in_flight > 0 && run.step(&mut server) {}
    }
    let stopped = run.now;
    run.engine.stop();
    run.run(|sent| panic!("{what}: {} was called after the stop", sent.call.operation));
    assert_eq!(run.now, stopped, "{what}");
    let results = run.results();
    assert_eq!(results.len(), 200, "{what}");
    assert!(
        results
            .iter()
            .all(|result| result == "delivered" || result == "failed stopped"),
        "{what}: {results:?}"
    );
}

#[test]
fn stop_ends_every_wait() {
    let found = |sent: &Sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        _ => ok(contact(&format!("c{}", sent.event), "u")),
    };
    stop_while(
        "a pause that Intercom asks for",
        two_at_a_time(),
        |waiting| matches!(waiting, Waiting::Throttled(_)),
        |sent| match sent.call.operation {
            Op::SearchContacts => hits(&[]),
            _ => {
                let mut response = Response::new(429, "");
                response.retry_after = Some(Duration::from_secs(600));
                (Ok(response), Duration::from_millis(50))
            }
        },
    );
    stop_while(
        "the next window",
        two_at_a_time(),
        |waiting| matches!(waiting, Waiting::RateLimit(_)),
        |sent| {
            let (response, latency) = found(sent);
            let mut response = response.unwrap();
            let reset = START.after(Duration::from_secs(600)).unix_seconds();
            response.rate_limit = Some(RateLimit::new(100, 0, reset));
            (Ok(response), latency)
        },
    );
    let mut slow = two_at_a_time();
    slow.max_rate = Some(1.try_into().unwrap());
    stop_while(
        "a rate of one's own",
        slow,
        |waiting| matches!(waiting, Waiting::RateLimit(_)),
        found,
    );
    stop_while(
        "the end of an outage",
        two_at_a_time(),
        |waiting| matches!(waiting, Waiting::Outage(_)),
        |_| broken(TransportFailure::Unreachable),
    );
    let mut sleepy = two_at_a_time();
    sleepy.concurrency = 300.try_into().unwrap();
    stop_while(
        "a server that asks for a wait",
        sleepy,
        |waiting| matches!(waiting, Waiting::Backoff(_) | Waiting::Outage(_)),
        |_| {
            let mut response = Response::new(503, "");
            response.retry_after = Some(Duration::from_secs(600));
            (Ok(response), Duration::from_millis(50))
        },
    );
}

#[test]
fn after_a_stop_calls_are_begun_for_a_short_time_only() {
    let mut run = Run::new(two_at_a_time());
    run.submit(group("acme", Some(by_id("u1")), &["a", "b", "c"]), who("u1"));
    let mut server = |sent: &Sent| {
        let (response, _) = match sent.call.operation {
            Op::SearchContacts => hits(&[&contact("c1", "u1")]),
            Op::UpsertCompany => ok(r#"{"type":"company","id":"k1","company_id":"acme"}"#),
            _ => ok("{}"),
        };
        (response, Duration::from_millis(300))
    };
    run.step(&mut server);
    let stopped = run.now;
    run.engine.stop();
    run.run(server);
    let last = run.sent.last().unwrap().at.since(stopped);
    assert!(
        last <= Duration::from_millis(500) && run.sent.len() == 3,
        "{:?}",
        run.operations()
    );
    assert_eq!(run.results(), ["failed stopped"]);
}
