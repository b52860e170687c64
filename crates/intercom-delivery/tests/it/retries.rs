//! Failures that pass: backoff, attempts, outages, 429.

use crate::support::*;
use intercom_api::{OperationId as Op, RateLimit, UnixSeconds};
use intercom_delivery::*;
use std::time::Duration;

fn one(settings: EngineSettings) -> Run {
    let mut run = Run::new(settings);
    run.submit(track("u1", "paid", 7), who("u1"));
    run
}

#[test]
fn passing_failures_are_tried_again_and_then_fail_with_their_code() {
    let html = || response(502, "<html>Bad gateway</html>");
    for (reply, code) in [
        (html as fn() -> Reply, "failed server_error"),
        (|| response(503, ""), "failed server_error"),
        (|| error(408, "Request Timeout", "too slow"), "failed timeout"),
        (|| broken(TransportFailure::Timeout), "failed timeout"),
        (|| broken(TransportFailure::Interrupted), "failed connection_failed"),
    ] {
        let mut run = one(plain());
        run.run(|_| reply());
        assert_eq!(run.results(), [code]);
        let failed = failed(run.outcome());
        assert_eq!((failed.attempts, failed.calls), (8, 8));
        assert!(failed.is_retryable());
        assert_eq!(failed.submission.event, EventId(1));
    }
}

#[test]
fn lasting_failures_are_not_tried_again() {
    for (status, code) in [
        (400, "failed bad_request"),
        (403, "failed forbidden"),
        (406, "failed bad_request"),
        (422, "failed bad_request"),
        (501, "failed server_error"),
        (302, "failed invalid_response"),
    ] {
        let mut run = one(plain());
        run.script([(Op::SubmitDataEvent, error(status, "x", "y"))]);
        assert_eq!(run.results(), [code]);
    }
}

#[test]
fn a_page_of_a_proxy_is_no_success() {
    let mut run = one(plain());
    run.script([
        (Op::SubmitDataEvent, ok("<html>Please log in</html>")),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    let mut run = one(plain());
    run.run(|_| ok(" <html>"));
    assert_eq!(run.results(), ["failed invalid_response"]);
}

#[test]
fn waits_grow_and_are_bounded() {
    let mut settings = plain();
    settings.backoff_base = Duration::from_millis(100);
    settings.backoff_cap = Duration::from_millis(400);
    settings.seed = 7;
    let mut run = one(settings);
    run.run(|_| (Ok(Response::new(503, "")), Duration::ZERO));
    let waits: Vec<u128> = run
        .sent
        .windows(2)
        .map(|pair| pair[1].at.since(pair[0].at).as_millis())
        .collect();
    for (wait, bound) in waits.iter().zip([100, 200, 400, 400, 400, 400, 400]) {
        assert!(*wait <= bound, "{waits:?}");
    }
    assert!(waits.iter().any(|wait| *wait > 100), "{waits:?}");
}

#[test]
fn a_503_may_say_how_long_to_wait() {
    let mut run = one(plain());
    let mut busy = Response::new(503, "");
    busy.retry_after = Some(Duration::from_secs(60));
    run.script([
        (Op::SubmitDataEvent, (Ok(busy), Duration::ZERO)),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    assert!(run.sent[1].at.since(START) >= Duration::from_secs(60));
}

#[test]
fn no_response_makes_anybody_wait_absurdly_long() {
    for status in [408, 429, 500, 502, 503, 504] {
        for longest in [Duration::from_secs(15 * 60), Duration::from_secs(5)] {
            let mut settings = side_by_side();
            settings.longest_wait = longest;
            let mut run = Run::new(settings);
            for user in ["u1", "u2", "u3"] {
                run.submit(track(user, "paid", 7), who(user));
            }
            let mut busy = Response::new(status, "");
            busy.retry_after = Some(Duration::from_secs(86_400));
            run.run(|sent| match sent.event.0 {
                1 if sent.attempt == 1 && sent.at < START.after(Duration::from_secs(1)) => {
                    (Ok(busy.clone()), Duration::ZERO)
                }
                _ => response(202, ""),
            });
            assert_eq!(run.results(), ["delivered"; 3], "{status}");
            let took = run.now.since(START);
            assert!(
                took >= longest && took < longest + Duration::from_secs(2),
                "{status}: {took:?} of {longest:?}"
            );
        }
    }
}

fn throttled(retry_after: Option<u64>) -> Reply {
    let mut response = Response::new(429, "");
    response.retry_after = retry_after.map(Duration::from_secs);
    (Ok(response), Duration::ZERO)
}

#[test]
fn a_429_makes_everything_wait_and_is_no_attempt() {
    let mut run = one(plain());
    run.submit(track("u2", "paid", 7), who("u2"));
    run.script([
        (Op::SubmitDataEvent, throttled(Some(20))),
        (Op::SubmitDataEvent, response(202, "")),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    assert_eq!(run.results(), ["delivered", "delivered"]);
    let wait = run.sent[1].at.since(START);
    assert!(
        wait >= Duration::from_secs(20) && wait < Duration::from_secs(21),
        "{wait:?}"
    );
    assert_eq!(run.sent[1].attempt, 1);
    assert_eq!(run.engine.status().totals.throttled, 1);
}

#[test]
fn calls_that_are_answered_429_together_wait_once() {
    let mut run = Run::new(side_by_side());
    for user in ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"] {
        run.submit(track(user, "paid", 7), who(user));
    }
    let mut calls = 0;
    run.run(|_| {
        calls += 1;
        if calls <= 8 { throttled(None) } else { response(202, "") }
    });
    let wait = run.sent[8].at.since(START);
    assert!(wait < Duration::from_secs(1), "{wait:?}");
}

#[test]
fn a_lone_429_that_does_not_say_how_long_keeps_only_its_own_call_waiting() {
    let mut settings = EngineSettings::new();
    settings.concurrency = 2.try_into().unwrap();
    let mut run = Run::new(settings);
    for at in 0..200 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    let slow = |(reply, _)| (reply, Duration::from_millis(10));
    // One of 40 calls, too seldom to be the rate limit.
    let mut calls = 0;
    run.run(|_| {
        calls += 1;
        slow(if calls % 40 == 20 {
            throttled(None)
        } else {
            response(202, "")
        })
    });
    let totals = run.engine.status().totals;
    assert_eq!((totals.delivered, totals.throttled), (200, 5));
    // 205 calls, two at a time, and the wait of the last one that was throttled.
    let took = run.now.since(START);
    assert!(took < Duration::from_millis(1_050 + 750), "{took:?}");
    let again = run.sent.iter().filter(|sent| sent.call.path == "/events").count();
    assert_eq!(again, 205);
}

#[test]
fn responses_of_429_that_are_many_keep_all_waiting_whatever_they_say() {
    let mut settings = EngineSettings::new();
    settings.concurrency = 2.try_into().unwrap();
    let mut run = Run::new(settings);
    for at in 0..100 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    // A proxy that lets ten calls a second pass, and does not say so.
    let mut passed = std::collections::BTreeMap::<u64, u32>::new();
    run.run(|sent| {
        let count = passed.entry(sent.at.unix_millis() / 1000).or_default();
        *count += 1;
        let reply = if *count <= 10 {
            response(202, "")
        } else {
            throttled(None)
        };
        (reply.0, Duration::from_millis(10))
    });
    let totals = run.engine.status().totals;
    assert_eq!(totals.delivered, 100);
    assert!(totals.throttled <= 60, "{} responses of 429", totals.throttled);
}

#[test]
fn a_429_without_retry_after_waits_for_the_window() {
    let mut run = one(plain());
    let mut response_429 = Response::new(429, "");
    response_429.rate_limit = Some(RateLimit::new(100, 0, UnixSeconds(1_700_000_007)));
    run.script([
        (Op::SubmitDataEvent, (Ok(response_429), Duration::ZERO)),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    let wait = run.sent[1].at.since(START);
    assert!(
        wait >= Duration::from_secs(7) && wait < Duration::from_secs(8),
        "{wait:?}"
    );
}

#[test]
fn a_429_without_anything_waits_longer_each_time_and_fails_in_the_end() {
    let mut run = one(plain());
    run.run(|_| throttled(None));
    assert_eq!(run.results(), ["failed rate_limited"]);
    assert_eq!(failed(run.outcome()).attempts, 20);
    let wait = |at: usize| run.sent[at + 1].at.since(run.sent[at].at);
    assert!(wait(0) >= Duration::from_millis(500) && wait(5) >= Duration::from_secs(16));
    assert!(wait(18) < Duration::from_secs(31), "it is bounded");
}

/// Delivers the events of so many users, while Intercom is away from the third to the `back`th second.
fn outage(users: u32, back: u64, failure: impl Fn() -> Reply) -> Run {
    let mut run = Run::new(EngineSettings::new());
    for at in 0..3_000 {
        let user = format!("u{}", at % users);
        run.submit(track(&user, "paid", i64::from(at)), who(&user));
    }
    let (gone, back) = (
        START.after(Duration::from_secs(3)),
        START.after(Duration::from_secs(back)),
    );
    let mut shown = 0;
    let mut server = |sent: &Sent| match sent.at >= gone && sent.at < back {
        true => failure(),
        false => (Ok(Response::new(202, "")), Duration::from_millis(100)),
    };
    while run.step(&mut server) {
        let status = run.engine.status();
        if run.now >= gone.after(Duration::from_secs(5)) && run.now < back {
            assert!(matches!(status.waiting, Some(Waiting::Outage(_))), "{status:?}");
            assert!(status.outage.is_some_and(|since| since >= gone));
            shown += 1;
        }
    }
    assert!(run.engine.is_idle() && shown > 0);
    assert_eq!(run.engine.status().outage, None);
    assert!(run.results().iter().all(|result| result == "delivered"));
    run
}

#[test]
fn an_outage_costs_no_event_and_few_calls_and_ends_when_it_is_over() {
    let in_vain = |failure: TransportFailure, millis| move || (Err(failure), Duration::from_millis(millis));
    for users in [1, 2, 4, 40, 3_000] {
        for seconds in [13, 123, 1_800] {
            let run = outage(users, seconds, in_vain(TransportFailure::Unreachable, 5));
            // By then it has been noticed.
            let noticed = START.after(Duration::from_secs(6));
            let back = START.after(Duration::from_secs(seconds));
            let probes: Vec<Time> = run
                .sent
                .iter()
                .map(|sent| sent.at)
                .filter(|at| (noticed..back).contains(at))
                .collect();
            let what = format!("{users} users, {seconds} s");
            assert!(
                probes
                    .windows(2)
                    .all(|two| two[1].since(two[0]) >= Duration::from_secs(1)),
                "{what}"
            );
            let after = |at: &&Sent| at.at >= back;
            let first = run.sent.iter().find(after).unwrap().at;
            assert!(
                first.since(back) <= Duration::from_secs(4),
                "{what}: {:?}",
                first.since(back)
            );
            // Nobody of those who were under way waits for much longer.
            let again = run.sent.iter().filter(after).take(20).last().unwrap().at;
            assert!(
                again.since(back) <= Duration::from_secs(7),
                "{what}: {:?}",
                again.since(back)
            );
        }
    }
}

#[test]
fn an_outage_is_noticed_whatever_fails() {
    let page = || {
        (
            Ok(Response::new(200, "<html>Sign in</html>")),
            Duration::from_millis(50),
        )
    };
    outage(40, 60, || (Ok(Response::new(503, "")), Duration::from_millis(50)));
    outage(40, 60, || {
        (Err(TransportFailure::Interrupted), Duration::from_millis(50))
    });
    outage(4, 60, page);
}

#[test]
fn probes_that_nobody_answers_do_not_keep_the_next_from_being_made() {
    let timeout = || (Err(TransportFailure::Unreachable), Duration::from_secs(10));
    let mut run = Run::new(EngineSettings::new());
    for at in 0..3_000 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    let (gone, back) = (
        START.after(Duration::from_secs(3)),
        START.after(Duration::from_secs(63)),
    );
    run.run(|sent| match sent.at >= gone && sent.at < back {
        true => timeout(),
        false => (Ok(Response::new(202, "")), Duration::from_millis(100)),
    });
    let first = run.sent.iter().find(|sent| sent.at >= back).unwrap().at;
    assert!(first.since(back) <= Duration::from_secs(4), "{:?}", first.since(back));
}

#[test]
fn the_failures_of_a_few_events_are_no_outage() {
    let mut run = Run::new(EngineSettings::new());
    for user in ["u1", "u2"] {
        run.submit(track(user, "paid", 7), who(user));
    }
    run.run(|_| response(500, ""));
    assert_eq!(run.results(), ["failed server_error"; 2]);
}

#[test]
fn an_outage_of_hours_fails_events_in_the_end() {
    let mut settings = EngineSettings::new();
    settings.outage_patience = Duration::from_secs(300);
    let mut run = one(settings);
    run.run(|_| broken(TransportFailure::Unreachable));
    assert_eq!(run.results(), ["failed connection_failed"]);
    assert!(run.now.since(START) >= Duration::from_secs(300) && run.now.since(START) < Duration::from_secs(330));
    assert_eq!(failed(run.outcome()).attempts, 8);
}

#[test]
fn a_user_whose_calls_fail_holds_up_nobody_else() {
    let mut settings = EngineSettings::new();
    settings.concurrency = 2.try_into().unwrap();
    let mut run = Run::new(settings);
    run.submit(track("bad", "paid", 7), who("bad"));
    run.submit(track("bad", "paid", 8), who("bad"));
    for at in 0..50 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    run.run(|sent| match sent.body().contains("bad") {
        true => response(500, ""),
        false => response(202, ""),
    });
    let last_good = run.sent.iter().rfind(|sent| !sent.body().contains("bad")).unwrap().at;
    let last_bad = run.sent.iter().rfind(|sent| sent.body().contains("bad")).unwrap().at;
    assert!(last_good.since(START) < Duration::from_secs(3));
    assert!(last_bad > last_good);
    assert_eq!(run.results()[..2], ["failed server_error", "failed server_error"]);
}
