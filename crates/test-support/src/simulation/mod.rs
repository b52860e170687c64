//! The engine and the sandbox together, under virtual time, on a bad day: a seed decides everything.
//!
//! A seed makes a [`Scenario`]: people and what they do, how the engine is set, how Intercom and the way to it misbehave,
//! what others do in the workspace meanwhile, and when the program is stopped or killed. [`run`] plays it: events go in,
//! calls are sent, lost, repeated and answered; outcomes go into a journal, which is the program's own, and from which the
//! next run goes on: of what was written last, a kill loses more or less. Then the
//! state of the sandbox is compared with that of a plain delivery of the same events, one at a time and without any fault,
//! by code that shares nothing with the engine.
//!
//! What must hold, for every seed:
//!
//! - Every event has exactly one outcome in the journal, and no more than one in a run of the program.
//! - Events that share an identity are delivered in their order, never two at a time.
//! - What is said to be delivered has had its effect.
//! - The final state is that of the plain delivery, and so are the results. People whom others have interfered with, and events
//!   that failed for good because the faults outlasted all attempts, are left out of the comparison.
//! - No response of 429 comes from the rate limit but those by which a run learns of it, and no call is made before the time
//!   that `Retry-After` names.

mod cost;
mod interference;
mod journal;
mod mishaps;
mod pace;
mod plain;
mod played;
mod response;
mod scenario;
mod valid;
mod verdict;
mod violation;
mod whose;
mod workload;
mod world;

pub use cost::{Cost, Workload, cost, plain_cost};
pub use mishaps::Mishaps;
pub use pace::{Pace, pace};
#[cfg(feature = "chain")]
pub(crate) use response::response_of;
pub use scenario::Scenario;
pub use verdict::Report;
pub use violation::Violation;
pub use workload::Happening;

/// Plays the scenario of a seed.
///
/// # Errors
///
/// What does not hold.
pub fn run(seed: u64) -> Result<Report, Violation> {
    let scenario = Scenario::of(seed);
    let played = world::World::play(&scenario, None)?;
    verdict::judge(&scenario, played)
}

/// The same, telling what happens line by line.
///
/// # Errors
///
/// What does not hold.
pub fn run_traced(seed: u64, mut tell: impl FnMut(String)) -> Result<Report, Violation> {
    let scenario = Scenario::of(seed);
    let played = world::World::play(&scenario, Some(&mut tell))?;
    verdict::judge(&scenario, played)
}

/// The command that plays the scenario of a seed again.
pub fn replay_command(seed: u64) -> String {
    format!("cargo xtask simulate --seed {seed}")
}
