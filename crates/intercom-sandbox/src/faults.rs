//! Faults: what goes wrong, by script or at random.
//!
//! All of it is deterministic: scripted faults count calls, and random ones are drawn from the seed of the
//! [`Settings`](crate::Settings), one draw a call.

use crate::request::Dropped;
use intercom_api::OperationId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Something that goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// An error is answered.
    Status(ErrorResponse),
    /// The response is held back that many milliseconds.
    DelayMs(u64),
    /// The connection is closed without a response.
    Drop(Dropped),
}

impl Fault {
    /// An error with this status and Intercom's usual body, before anything has happened.
    pub const fn status(status: u16) -> Self {
        Self::Status(ErrorResponse::new(status))
    }

    /// A response that is late by this much.
    pub fn delay(time: Duration) -> Self {
        Self::DelayMs(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }
}

/// An error that is answered in place of the real response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; by default an error list such as Intercom sends with that status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The `Retry-After` header, in seconds; by default not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Whether what was asked for happens all the same.
    #[serde(default)]
    pub after_effect: bool,
}

impl ErrorResponse {
    /// An error with this status, before anything has happened.
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            body: None,
            retry_after: None,
            after_effect: false,
        }
    }
}

/// A fault at a certain call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScriptedFault {
    /// The operation; without it, calls of every operation are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// Which call, counted from 1 since the sandbox was started, reset, or given these faults.
    pub call: u64,
    /// What goes wrong.
    pub fault: Fault,
}

impl ScriptedFault {
    /// A fault at the `call`th call of an operation, counted from 1.
    pub const fn new(operation: OperationId, call: u64, fault: Fault) -> Self {
        Self {
            operation: Some(operation),
            call,
            fault,
        }
    }

    /// A fault at the `call`th call of all, counted from 1.
    pub const fn at_call(call: u64, fault: Fault) -> Self {
        Self {
            operation: None,
            call,
            fault,
        }
    }
}

/// A fault that hits each call with a certain probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RandomFault {
    /// Between 0 and 1. The probabilities of all random faults add up; beyond 1, later ones never happen.
    pub probability: f64,
    /// What goes wrong.
    pub fault: Fault,
}

impl RandomFault {
    /// A fault with this probability.
    pub const fn new(probability: f64, fault: Fault) -> Self {
        Self { probability, fault }
    }
}

/// All faults of a sandbox. A scripted fault comes before a random one.
///
/// A call that is turned away for its token, its version or the rate limit is not counted and draws nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Faults {
    /// Faults at certain calls.
    pub scripted: Vec<ScriptedFault>,
    /// Faults with certain probabilities; at most one of them hits a call.
    pub random: Vec<RandomFault>,
}

impl Faults {
    /// No faults.
    pub const fn none() -> Self {
        Self {
            scripted: Vec::new(),
            random: Vec::new(),
        }
    }

    /// Faults that go as badly as they usually do: with this probability in all, one of 500, 503, 429, 408, a response
    /// late by two seconds, a lost request and a lost response, all equally likely.
    pub fn mixed(probability: f64) -> Self {
        let kinds = [
            Fault::status(500),
            Fault::status(503),
            Fault::status(429),
            Fault::status(408),
            Fault::DelayMs(2000),
            Fault::Drop(Dropped::BeforeEffect),
            Fault::Drop(Dropped::AfterEffect),
        ];
        let each = probability / kinds.len() as f64;
        Self {
            scripted: Vec::new(),
            random: kinds.map(|fault| RandomFault::new(each, fault)).into(),
        }
    }
}

/// Decides which fault hits the next call.
#[derive(Clone, Debug)]
pub(crate) struct FaultSource {
    scripted: HashMap<(Option<OperationId>, u64), Fault>,
    random: Vec<RandomFault>,
    counted: HashMap<OperationId, u64>,
    total: u64,
    rng: fastrand::Rng,
}

impl FaultSource {
    pub(crate) fn new(faults: &Faults, seed: u64) -> Self {
        Self {
            scripted: faults
                .scripted
                .iter()
                .map(|fault| ((fault.operation, fault.call), fault.fault.clone()))
                .collect(),
            random: faults.random.clone(),
            counted: HashMap::new(),
            total: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn next(&mut self, operation: OperationId) -> Option<Fault> {
        // Drawn even where a scripted fault comes first, so that scripts do not shift the random ones.
        let random = self.draw();
        if self.scripted.is_empty() {
            return random;
        }
        self.total += 1;
        let count = self.counted.entry(operation).or_default();
        *count += 1;
        self.scripted
            .get(&(Some(operation), *count))
            .or_else(|| self.scripted.get(&(None, self.total)))
            .cloned()
            .or(random)
    }

    fn draw(&mut self) -> Option<Fault> {
        if self.random.is_empty() {
            return None;
        }
        let mut left = self.rng.f64();
        for candidate in &self.random {
            left -= candidate.probability;
            if left < 0.0 {
                return Some(candidate.fault.clone());
            }
        }
        None
    }
}
