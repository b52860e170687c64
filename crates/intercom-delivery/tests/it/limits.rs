//! The rate limit: used, and not exceeded.

use crate::support::*;
use intercom_api::{OperationId as Op, RateLimit, UnixSeconds};
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, Settings};
use std::collections::BTreeMap;
use std::time::Duration;

/// An app's limit as a server keeps it: so many calls in each window, whose clock need not be ours.
struct Window {
    limit: u32,
    length: u64,
    /// Where in its length a window begins, by the server's clock.
    offset: u64,
    /// How far the server's clock is ahead of ours, in milliseconds.
    skew: i64,
    /// Whether the moment of reset is rounded down to the second, or up.
    rounds_down: bool,
    /// Whether it tells its clock.
    has_date: bool,
    /// The shortest and longest way there and back, in milliseconds.
    latency: (u64, u64),
    /// How many calls of each window were used.
    used: BTreeMap<u64, u32>,
    random: fastrand::Rng,
}

impl Window {
    fn new(limit: u32, seconds: u64) -> Self {
        Self {
            limit,
            length: seconds * 1000,
            offset: 0,
            skew: 0,
            rounds_down: false,
            has_date: true,
            latency: (40, 60),
            used: BTreeMap::new(),
            random: fastrand::Rng::with_seed(7),
        }
    }

    fn response(&mut self, sent: Time) -> Reply {
        let latency = self.random.u64(self.latency.0..=self.latency.1);
        let arrived = (sent.unix_millis() + latency / 2)
            .checked_add_signed(self.skew)
            .unwrap();
        let window = (arrived + self.offset) / self.length;
        let used = self.used.entry(window).or_default();
        let end = (window + 1) * self.length - self.offset;
        let reset = if self.rounds_down {
            end / 1000
        } else {
            end.div_ceil(1000)
        };
        let is_allowed = *used < self.limit;
        *used += u32::from(is_allowed);
        let mut response = Response::new(if is_allowed { 202 } else { 429 }, "");
        let reset = UnixSeconds(i64::try_from(reset).unwrap());
        response.rate_limit = Some(RateLimit::new(self.limit, self.limit - *used, reset));
        response.date = self.has_date.then(|| Time::from_unix_millis(arrived).unix_seconds());
        (Ok(response), Duration::from_millis(latency))
    }
}

/// Delivers events for so long, and says how many were answered 429, and which part of the limit was used in the windows
/// that were there for the whole time.
fn use_limit(mut window: Window, settings: EngineSettings, time: Duration) -> (u64, f64) {
    let mut run = Run::new(settings);
    let end = START.after(time);
    let mut at = 0;
    loop {
        while run.engine.room() > 0 {
            at += 1;
            run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
        }
        run.step(&mut |sent| window.response(sent.at));
        if run.now >= end {
            break;
        }
        run.outcomes.clear();
    }
    // Neither the first nor the last.
    let windows: Vec<u32> = window.used.into_values().collect();
    let whole = &windows[1..windows.len() - 1];
    let used: u32 = whole.iter().sum();
    let allowed = window.limit * u32::try_from(whole.len()).unwrap();
    (
        run.engine.status().totals.throttled,
        f64::from(used) / f64::from(allowed),
    )
}

fn check(name: &str, window: Window, most_throttled: u64) {
    let mut settings = EngineSettings::new();
    settings.queue = 64.try_into().unwrap();
    let (throttled, used) = use_limit(window, settings, Duration::from_secs(120));
    assert!(throttled <= most_throttled, "{name}: {throttled} responses of 429");
    assert!(used >= 0.95, "{name}: {used} of the limit was used");
}

#[test]
fn a_limit_of_a_hundred_in_ten_seconds_is_used_and_kept() {
    check("aligned", Window::new(100, 10), 0);
}

#[test]
fn the_documented_limit_is_used_and_kept() {
    let mut window = Window::new(1667, 10);
    window.latency = (20, 80);
    check("documented", window, 0);
}

#[test]
fn windows_need_not_begin_at_whole_seconds() {
    for offset in [1, 400, 999, 5_500] {
        for rounds_down in [false, true] {
            let mut window = Window::new(100, 10);
            (window.offset, window.rounds_down) = (offset, rounds_down);
            check(&format!("offset {offset}, rounded down: {rounds_down}"), window, 3);
        }
    }
}

#[test]
fn the_clocks_need_not_agree() {
    for skew in [-90_000, -3_000, -1_200, -300, 300, 1_200, 3_000, 90_000] {
        let mut window = Window::new(100, 10);
        window.skew = skew;
        check(&format!("skew {skew}"), window, 3);
    }
}

#[test]
fn slow_and_uneven_responses_do_no_harm() {
    let mut window = Window::new(100, 10);
    window.latency = (10, 1_200);
    check("slow", window, 3);
}

#[test]
fn other_lengths_of_window_are_learnt() {
    check("a minute", Window::new(600, 60), 3);
    check("a second", Window::new(50, 1), 3);
}

#[test]
fn a_sandbox_with_that_limit_answers_429_at_most_three_times() {
    for retry_after in [false, true] {
        let mut limit = intercom_sandbox::RateLimit::new(100, Duration::from_secs(10));
        limit.retry_after = retry_after;
        let mut sandbox = Sandbox::new(Settings::default().with_rate_limit(limit));
        let mut run = Run::new(EngineSettings::new());
        for at in 0..1_150 {
            let user = format!("u{at}");
            run.submit(group(&user, None, &[]), who(&user));
        }
        run.run(|sent| ask(&mut sandbox, sent));
        let totals = run.engine.status().totals;
        assert!(totals.throttled <= 3, "{} responses of 429", totals.throttled);
        assert!(
            run.now.since(START) <= Duration::from_secs(120),
            "{:?}",
            run.now.since(START)
        );
        assert_eq!(totals.delivered, 1_150);
    }
}

#[test]
fn calls_are_spread_over_the_window() {
    let mut window = Window::new(100, 10);
    let mut run = Run::new(EngineSettings::new());
    for at in 0..400 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    run.run(|sent| window.response(sent.at));
    let mut starts: Vec<u64> = run.sent.iter().map(|sent| sent.at.unix_millis()).collect();
    // What is sent before the first response is not limited by anything but the concurrency.
    starts.drain(..16);
    for second in starts.windows(20) {
        let span = second[19] - second[0];
        assert!(span >= 1_500, "20 calls within {span} ms");
    }
}

#[test]
fn what_others_use_of_the_limit_is_left_to_them() {
    let mut window = Window::new(100, 10);
    let mut run = Run::new(EngineSettings::new());
    for at in 0..300 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    let mut calls = 0;
    run.run(|sent| {
        calls += 1;
        if calls % 2 == 0 {
            // Somebody else's call.
            let _ = window.response(sent.at);
        }
        window.response(sent.at)
    });
    assert!(run.engine.status().totals.throttled <= 3);
}

#[test]
fn an_assumed_limit_holds_from_the_first_call() {
    let mut settings = EngineSettings::new();
    settings.assumed_limit = Some(AssumedLimit::DOCUMENTED);
    assert_eq!(AssumedLimit::DOCUMENTED.calls, 1_666);
    settings.assumed_limit = Some(AssumedLimit {
        calls: 10,
        window: Duration::from_secs(1),
    });
    let mut run = Run::new(settings);
    for at in 0..50 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    run.run(|_| response(202, ""));
    let span = run.sent.last().unwrap().at.since(START);
    assert!(
        span >= Duration::from_secs(4) && span <= Duration::from_secs(6),
        "{span:?}"
    );
}

#[test]
fn the_first_call_is_made_alone() {
    let mut window = Window::new(4, 10);
    let mut run = Run::new(EngineSettings::new());
    for at in 0..12 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    run.run(|sent| window.response(sent.at));
    assert_eq!(run.engine.status().totals.throttled, 0);
    assert!(run.sent[1].at > run.sent[0].at);
}

#[test]
fn a_rate_of_ones_own_holds() {
    let mut settings = side_by_side();
    settings.max_rate = Some(20.try_into().unwrap());
    let mut run = Run::new(settings.clone());
    for at in 0..100 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    while run.engine.poll_call(START).is_some() {}
    assert!(matches!(run.engine.status().waiting, Some(Waiting::RateLimit(_))));
    let mut run = Run::new(settings);
    for at in 0..100 {
        run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
    }
    run.run(|_| response(202, ""));
    let span = run.sent.last().unwrap().at.since(START);
    assert!(
        span >= Duration::from_millis(4_800) && span <= Duration::from_millis(5_100),
        "{span:?}"
    );
}

#[test]
fn the_status_shows_the_budget() {
    let mut run = Run::new(EngineSettings::new());
    run.submit(identify("u1", "{}"), who("u1"));
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => {
            let mut reply = Response::new(200, r#"{"data":[]}"#);
            reply.rate_limit = Some(RateLimit::new(100, 40, UnixSeconds(1_700_000_009)));
            (Ok(reply), Duration::ZERO)
        }
        _ => ok(contact("c1", "u1")),
    });
    let budget = run.engine.status().budget.unwrap();
    assert_eq!((budget.limit, budget.remaining), (100, 40));
    assert_eq!(budget.resets, START.after(Duration::from_secs(9)));
}

#[test]
fn headers_that_cannot_be_those_of_a_limit_are_passed_over() {
    let soon = START.unix_seconds().0 + 5;
    let nonsense = [
        RateLimit::new(0, 0, UnixSeconds(soon)),
        RateLimit::new(10, 11, UnixSeconds(soon)),
        RateLimit::new(10, 0, UnixSeconds(soon + 86_400)),
        RateLimit::new(10, 0, UnixSeconds(i64::MAX)),
        // None of what is left is left for long.
        RateLimit::new(10, 0, UnixSeconds(i64::MIN)),
        RateLimit::new(1, 0, UnixSeconds(0)),
    ];
    for limit in nonsense {
        for status in [202, 429, 503] {
            for has_date in [false, true] {
                let mut run = Run::new(EngineSettings::new());
                for at in 0..300 {
                    run.submit(track(&format!("u{at}"), "paid", 7), who(&format!("u{at}")));
                }
                let mut window = Window::new(100, 10);
                window.has_date = has_date;
                let mut calls = 0;
                run.run(|sent| {
                    let (response, latency) = window.response(sent.at);
                    calls += 1;
                    if calls % 40 != 7 {
                        return (response, latency);
                    }
                    let mut odd = Response::new(status, "");
                    odd.rate_limit = Some(limit);
                    (Ok(odd), latency)
                });
                assert_eq!(run.engine.status().totals.delivered, 300, "{limit:?} {status}");
                let took = run.now.since(START);
                assert!(took < Duration::from_secs(90), "{limit:?} {status}: {took:?}");
            }
        }
    }
}
