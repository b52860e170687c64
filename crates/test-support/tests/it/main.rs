//! The workspace's tests that need more than one crate, as one binary.

#[cfg(feature = "chain")]
mod chain;
mod models;
mod properties;
mod regressions;
#[cfg(feature = "simulation")]
mod simulation;
mod snapshots;
