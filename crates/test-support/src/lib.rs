//! Fixtures, strategies, snapshots, property and simulation tests over the whole workspace. Not published.
//!
//! - [`chain`]: rudder-server's double, the transformer, and the sandbox together, on a bad day.
//! - [`checks`]: what must hold for any input whatever, for the fuzzer.
//! - [`fixtures`]: the events in the folder `fixtures/` of the project.
//! - [`Outcome`]: what comes of the text of an event.
//! - [`realistic`]: events for measurements.
//! - [`rehearsal`]: the shipped program as a process, on a bad day.
//! - [`rudder_server`]: a double of rudder-server.
//! - [`simulation`]: the engine and the sandbox together, on a bad day.
//! - [`show`]: an outcome as text, for snapshots.
//!
//! The strategies for property tests are in `rudderstack_events::strategies`, because users need them too.
//! The tests are one binary, `tests/it`.

/// The examples of the project's README are compiled and run with the other documentation tests.
#[cfg(all(doctest, feature = "simulation"))]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

#[cfg(feature = "chain")]
pub mod chain;
pub mod checks;
pub mod fixtures;
mod outcome;
#[cfg(feature = "rehearsal")]
mod people;
pub mod realistic;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;
#[cfg(feature = "rehearsal")]
pub mod rudder_server;
pub mod show;
#[cfg(feature = "simulation")]
pub mod simulation;

pub use outcome::{NOW, Outcome};
