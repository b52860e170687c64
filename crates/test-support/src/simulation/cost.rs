//! How many calls it costs to deliver events, without any fault or where some calls go wrong.

use super::plain::Plain;
use super::response::response_of;
use super::scenario::Policies;
use super::workload::{Happening, sign_ups, traffic};
use fastrand::Rng;
use intercom_delivery::{
    ArchivedPolicy, AttributePolicy, Engine, EngineSettings, Response, Savings, Time, TransportFailure,
    UnknownContactPolicy,
};
use intercom_sandbox::{Sandbox, Settings, State, UnixMillis};
use std::collections::VecDeque;
use std::time::Duration;

/// When the delivery begins: long after whoever was there before.
const START: u64 = 1_800_000_000_000;

/// Events whose calls are counted.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The events.
    pub happenings: Vec<Happening>,
    /// What has been delivered before by somebody else, so that only Intercom knows of it.
    before: Vec<Happening>,
    /// How far Intercom's search lags behind.
    lag: Duration,
}

impl Workload {
    /// Traffic as a shop has it.
    pub fn steady(events: usize, people: usize, seed: u64) -> Self {
        Self {
            happenings: traffic(events, people, seed),
            before: Vec::new(),
            lag: Duration::ZERO,
        }
    }

    /// So many people whom nobody knows, while searches lag.
    pub fn first_import(people: usize) -> Self {
        Self {
            happenings: sign_ups(people, |_| false),
            before: Vec::new(),
            lag: Duration::from_secs(60),
        }
    }

    /// So many people who are there already, of whom one in so many has changed.
    pub fn re_sync(people: usize, one_in: usize) -> Self {
        Self {
            happenings: sign_ups(people, |person| person % one_in == 0),
            before: sign_ups(people, |_| false),
            lag: Duration::from_secs(60),
        }
    }

    /// The same where searches lag behind by this much.
    #[must_use]
    pub fn lagging(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    fn plain(&self, settings: Settings) -> Plain {
        let policies = Policies {
            attributes: AttributePolicy::Fail,
            unknown_contact: UnknownContactPolicy::Fail,
            archived: ArchivedPolicy::Restore,
        };
        let mut plain = Plain::new(Sandbox::new(settings), policies);
        for happening in &self.before {
            let _ = plain.deliver(&happening.plan);
        }
        plain.calls = 0;
        plain
    }
}

/// What a delivery cost, and what it came to.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Events delivered.
    pub events: usize,
    /// Calls made.
    pub calls: u64,
    /// The final state, normalised.
    pub state: State,
}

impl Cost {
    /// Calls an event.
    pub fn calls_an_event(&self) -> f64 {
        self.calls as f64 / self.events as f64
    }
}

/// Delivers the events one at a time, straight through each plan.
pub fn plain_cost(workload: &Workload) -> Cost {
    let mut plain = workload.plain(Settings::default());
    for happening in &workload.happenings {
        // A failure is part of the workload.
        let _ = plain.deliver(&happening.plan);
    }
    Cost {
        events: workload.happenings.len(),
        calls: plain.calls,
        state: plain.sandbox.state().normalised(),
    }
}

/// Delivers the events with the engine, side by side, with these savings. Every call takes a while, and this share of them
/// goes wrong: half before they have taken effect, half after.
pub fn cost(workload: &Workload, savings: Savings, failing: f64) -> Cost {
    let mut random = Rng::with_seed(1);
    let mut settings = EngineSettings::new();
    settings.savings = savings;
    let mut engine = Engine::new(settings);
    let mut sandbox = workload
        .plain(Settings::default().with_search_lag(workload.lag))
        .sandbox;
    let mut now = Time::from_unix_millis(START);
    let mut to_do = workload.happenings.iter().enumerate();
    let mut responses = VecDeque::new();
    let mut calls = 0;
    loop {
        while engine.room() > 0
            && let Some((number, happening)) = to_do.next()
        {
            engine.submit(happening.submission(number)).expect("there is room");
        }
        while let Some(transmit) = engine.poll_call(now) {
            calls += 1;
            let fails = random.f64() < failing;
            let response = if fails && random.bool() {
                Ok(Response::new(503, Vec::new()))
            } else {
                let reply = sandbox.call(&transmit.call, UnixMillis(now.unix_millis()));
                if fails {
                    Err(TransportFailure::Interrupted)
                } else {
                    Ok(response_of(&reply))
                }
            };
            responses.push_back((transmit.id, response));
        }
        while engine.poll_outcome().is_some() {}
        if let Some((id, response)) = responses.pop_front() {
            now = now.after(Duration::from_millis(5));
            match response {
                Ok(response) => engine.handle_response(id, &response, now),
                Err(failure) => engine.handle_failure(id, failure, now),
            }
        } else if let Some(at) = engine.poll_timeout() {
            now = now.max(at);
        } else if engine.is_idle() && to_do.len() == 0 {
            break;
        }
    }
    Cost {
        events: workload.happenings.len(),
        calls,
        state: sandbox.state().normalised(),
    }
}
