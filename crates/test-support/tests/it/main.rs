//! The workspace's tests that need more than one crate, as one binary.

mod properties;
mod regressions;
mod simulation;
mod snapshots;
