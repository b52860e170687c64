//! How many calls it costs to deliver events, without any fault.

use super::plain::Plain;
use super::response::response_of;
use super::scenario::Policies;
use super::workload::Happening;
use intercom_delivery::{ArchivedPolicy, AttributePolicy, Engine, EngineSettings, Savings, Time, UnknownContactPolicy};
use intercom_sandbox::{Sandbox, Settings, State, UnixMillis};
use std::collections::VecDeque;

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
pub fn plain_cost(happenings: &[Happening]) -> Cost {
    let policies = Policies {
        attributes: AttributePolicy::Fail,
        unknown_contact: UnknownContactPolicy::Fail,
        archived: ArchivedPolicy::Restore,
    };
    let mut plain = Plain::new(Sandbox::new(Settings::default()), policies);
    for happening in happenings {
        // A failure is part of the workload.
        let _ = plain.deliver(&happening.plan);
    }
    Cost {
        events: happenings.len(),
        calls: plain.calls,
        state: plain.sandbox.state().normalised(),
    }
}

/// Delivers the events with the engine, side by side, with these savings. Every call takes a while.
pub fn cost(happenings: &[Happening], savings: Savings) -> Cost {
    let mut settings = EngineSettings::new();
    settings.savings = savings;
    let mut engine = Engine::new(settings);
    let mut sandbox = Sandbox::new(Settings::default());
    let mut now = Time::from_unix_millis(1_700_000_000_000);
    let mut to_do = happenings.iter().enumerate();
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
            let reply = sandbox.call(&transmit.call, UnixMillis(now.unix_millis()));
            let response = response_of(&reply);
            responses.push_back((transmit.id, response));
        }
        while engine.poll_outcome().is_some() {}
        if let Some((id, response)) = responses.pop_front() {
            now = now.after(std::time::Duration::from_millis(5));
            engine.handle_response(id, &response, now);
        } else if let Some(at) = engine.poll_timeout() {
            now = now.max(at);
        } else if engine.is_idle() && to_do.len() == 0 {
            break;
        }
    }
    Cost {
        events: happenings.len(),
        calls,
        state: sandbox.state().normalised(),
    }
}
