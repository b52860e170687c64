//! How well a rate limit is used, and kept: the engine against a sandbox that has one, under virtual time.

use super::response::response_of;
use super::scenario::START;
use super::workload::Happening;
use fastrand::Rng;
use intercom_delivery::{CallId, Engine, EngineSettings, Time};
use intercom_sandbox::{RateLimit, Sandbox, Settings, UnixMillis};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

/// How a limit was used.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Calls that were answered otherwise than 429.
    pub calls: u64,
    /// Responses of 429.
    pub throttled: u64,
    /// The share of the limit that was used in the windows that were there for the whole time.
    pub used: f64,
}

/// Something that comes to pass.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Arrival(CallId),
    Response(CallId),
}

/// Delivers events, which must be enough, for so long, and counts.
pub fn pace(happenings: &[Happening], limit: RateLimit, time: Duration, seed: u64) -> Pace {
    let random = &mut Rng::with_seed(seed);
    let mut engine = Engine::new(EngineSettings::new());
    let mut sandbox = Sandbox::new(Settings::default().with_rate_limit(limit));
    let mut to_do = happenings.iter().enumerate();
    let mut next = BinaryHeap::new();
    let (mut calls, mut responses) = (HashMap::new(), HashMap::new());
    let mut answered: BTreeMap<u64, u64> = BTreeMap::new();
    let mut throttled = 0;
    let window = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
    let start = START + random.u64(..10_000);
    let end = start + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut now = start;
    while now < end {
        while engine.room() > 0 {
            let (number, happening) = to_do.next().expect("there are enough events");
            engine.submit(happening.submission(number)).expect("there is room");
        }
        while let Some(transmit) = engine.poll_call(Time::from_unix_millis(now)) {
            next.push(Reverse((now + random.u64(10..60), Next::Arrival(transmit.id))));
            calls.insert(transmit.id, transmit.call);
        }
        while engine.poll_outcome().is_some() {}
        let wake = engine.poll_timeout().map(Time::unix_millis);
        let comes = next.peek().map(|Reverse((at, _))| *at);
        now = now.max([wake, comes].into_iter().flatten().min().expect("something comes"));
        while let Some(Reverse((at, _))) = next.peek()
            && *at <= now
            && let Some(Reverse((_, happens))) = next.pop()
        {
            match happens {
                Next::Arrival(id) => {
                    let call = calls.remove(&id).expect("it was made");
                    let reply = sandbox.call(&call, UnixMillis(now));
                    if reply.status == 429 {
                        throttled += 1;
                    } else {
                        *answered.entry(now / window).or_default() += 1;
                    }
                    let response = response_of(&reply);
                    responses.insert(id, response);
                    next.push(Reverse((now + random.u64(10..60), Next::Response(id))));
                }
                Next::Response(id) => {
                    let response = responses.remove(&id).expect("it was answered");
                    engine.handle_response(id, &response, Time::from_unix_millis(now));
                }
            }
        }
    }
    let whole = 1 + start / window..end / window;
    let used: u64 = answered.range(whole.clone()).map(|(_, count)| count).sum();
    let allowed = limit.calls * (whole.end - whole.start);
    Pace {
        calls: answered.values().sum(),
        throttled,
        used: used as f64 / allowed as f64,
    }
}
